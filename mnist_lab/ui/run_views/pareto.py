"""Accuracy against what it costs: all listed runs and the published models in one picture."""

from __future__ import annotations

import math
import sys
from collections import Counter

import pandas as pd
import streamlit as st

from mnist_lab import formatting, pareto, starter
from mnist_lab.figures.pareto import Mark, trade_off
from mnist_lab.figures.theme import run_colour
from mnist_lab.pareto import COSTS, KINDS, PROJECT, PUBLISHED, Cost, Entry
from mnist_lab.store import Run
from mnist_lab.studies import members, preset, studies
from mnist_lab.ui import frame, run_table, state
from mnist_lab.ui.live import DATA_WORDS
from mnist_lab.ui.plot import plot
from mnist_lab.ui.run_views import MOST_COMPARED, Shown, view
from mnist_lab.ui.state import workbench

NAME = "Pareto"
LABEL = "Accuracy against cost"
LOWEST = {0.0: "all", 0.9: "90 %", 0.95: "95 %", 0.98: "98 %", 0.99: "99 %"}
PICKED, SAID = "pareto-picked", "pareto-said"


@view(NAME, 50, least=0, most=sys.maxsize)
def show_pareto(shown: Shown) -> None:
    """Draws accuracy against cost, with the line of what no other point beats."""
    st.fragment(_draw)(shown)


def _draw(shown: Shown) -> None:
    with frame.errors_in_words():
        name = st.segmented_control("Accuracy against", list(COSTS), default="parameters", required=True,
                                    format_func=lambda name: COSTS[name].label, key="pareto-cost")  # fmt: skip
        cost = COSTS[name or "parameters"]
        with st.container(horizontal=True, vertical_alignment="bottom"):
            entries = _entries(shown, cost)
            with st.popover("Options", icon=":material/tune:", key="pareto-options"):
                splits, lowest, intervals = _options(entries)
        placed = [entry for entry in entries if entry.cost(cost.name) is not None]
        on_line = pareto.on_line([entry for entry in placed if entry.split in splits], cost)
        marks = _marks(placed, cost, on_line, shown)
        clicked = plot(trade_off(marks, cost.title, intervals, lowest), "pareto", on_click=True, label=LABEL)
        known = {entry.key: entry for entry in placed}
        if clicked is not None and (entry := known.get(str(clicked.get("customdata")))) is not None:
            _open(entry)
        if said := state.get(SAID, ""):
            st.success(frame.escape(said), icon=":material/check:")
            state.put(SAID, "")
        _card()
        _words(entries, cost, sum(entry.accuracy < lowest for entry in placed), lowest)
        _table([entry for entry in placed if entry.key in on_line], cost)


def _entries(shown: Shown, cost: Cost) -> list[Entry]:
    """The points that the controls ask for, all of the same data."""
    grouped = st.toggle(
        "Seeds as one point",
        True,
        key="pareto-seeds",
        help="Finished runs that differ in their seed alone are one point, at their mean. Off: a point per run.",
    )
    only = bool(shown.chosen) and st.toggle("Only the selected runs", key="pareto-only")
    times = cost.name == "seconds" and st.toggle(
        "Published times", key="pareto-times", help="They were measured on the authors' machines, years ago."
    )
    runs = shown.chosen if only else [*shown.listed[: run_table.MOST_ROWS]]
    if not only and len(shown.listed) > len(runs):
        st.caption(
            f"Of the first {len(runs):,} of {len(shown.listed):,} listed runs: search, filter or sort for others."
        )
    # Streamlit would hash ten thousand rows one by one.
    figures = hash(tuple((run.id, run.name, run.status, run.test_accuracy, run.seconds, run.prediction_seconds)
                         for run in runs))  # fmt: skip
    own = _own(figures, grouped, runs)
    entries = [*own, *pareto.of_project(), *pareto.of_published(times)]
    data: Counter[str] = Counter()
    for entry in own:
        data[entry.data] += len(set(entry.runs) - set(starter.IDS))
    names = sorted({"mnist", *data}, key=lambda name: (name != "mnist", name))
    if len(names) > 1:
        chosen = {pareto.data_of(run) for run in shown.chosen}
        # First what is selected is about; else what most runs are about, those that shipped apart.
        start = next((name for name in names if name in chosen), max(names, key=lambda name: data[name]))
        picked = st.selectbox("Data", names, names.index(start), format_func=_data_words, key="pareto-data", width=230,
                              help="Accuracies on different data cannot be held against each other.")  # fmt: skip
    else:
        picked = names[0]
    entries = [entry for entry in entries if entry.data == picked]
    counts = Counter(entry.kind for entry in entries)
    kinds = [kind for kind in KINDS if counts[kind]]
    if len(kinds) > 1:
        labels = {kind: f"{KINDS[kind].removeprefix('measured by ')} ({counts[kind]:,})" for kind in kinds}
        kinds = st.pills("Points of", kinds, default=kinds, selection_mode="multi", format_func=labels.__getitem__,
                         key=f"pareto-kinds-{'-'.join(kinds)}")  # fmt: skip
    return [entry for entry in entries if entry.kind in kinds]


@st.cache_resource(show_spinner=False, max_entries=8)
def _own(figures: int, grouped: bool, _runs: list[Run]) -> list[Entry]:
    """The points of runs, from memory where nothing of them changed: ten thousand take two seconds to be grouped."""
    return pareto.of_groups(_runs) if grouped else pareto.of_runs(_runs)


def _data_words(name: str) -> str:
    first, _, which = name.partition(" ")
    return " ".join([DATA_WORDS.get(first, "MNIST" if first == "mnist" else first), which]).strip()


def _options(entries: list[Entry]) -> tuple[list[str], float, bool]:
    """The splits that the line takes in, the lowest accuracy shown, and whether intervals are drawn."""
    splits = sorted({entry.split for entry in entries})
    flattered = {entry.split for entry in entries if entry.is_flattered}
    taken = st.pills("The line takes in", splits, default=splits, selection_mode="multi",
                     key=f"pareto-splits-{'-'.join(splits)}",
                     format_func=lambda split: "⚠️ " * (split in flattered) + split,
                     help="⚠️: the test images also chose the epoch, so these accuracies are flattered.")  # fmt: skip
    low = sum(entry.accuracy < 0.9 for entry in entries)
    start = list(LOWEST)[0 if 2 * low > len(entries) else 1]
    lowest = st.segmented_control("Accuracies from", list(LOWEST), default=start, required=True, key="pareto-lowest",
                                  format_func=LOWEST.__getitem__)  # fmt: skip
    intervals = st.toggle("95 % intervals", key="pareto-intervals")
    return taken, lowest or 0.0, intervals


def _marks(placed: list[Entry], cost: Cost, on_line: set[str], shown: Shown) -> list[Mark]:
    chosen = [run.id for run in shown.chosen]
    colours = {run_id: run_colour(run_id) for run_id in chosen} if len(chosen) <= MOST_COMPARED else {}
    return [
        Mark(
            entry.key,
            entry.kind,
            cost.scale * (entry.cost(cost.name) or math.nan),
            entry.accuracy,
            entry.interval,
            tuple(entry.words(cost)),
            entry.is_flattered,
            entry.key in on_line,
            next((colours[run] for run in entry.runs if run in colours), None),
        )
        for entry in placed
    ]


def _words(entries: list[Entry], cost: Cost, below: int, lowest: float) -> None:
    """What the picture does not show by itself."""
    said = [
        "Filled: measured, by you or by the project; open: published. Equal steps upwards halve the errors. "
        "No point is at once cheaper and "
        "better than one on the Pareto line. The line goes by the accuracies alone: points whose intervals overlap may "
        "change places. Click a point to open its run, or to load its model.",
        pareto.missing_words(entries, cost),
    ]
    if any(entry.is_flattered for entry in entries):
        said.append("⚠️ Red rim and dot: the test images also chose the epoch, which flatters the accuracy.")
    if len({entry.split for entry in entries}) > 1:
        said.append("Other splits test on other images of the same data; Options say which of them the line takes in.")
    if below:
        said.append(f"{below:,} point{'s' * (below != 1)} below {100 * lowest:.0f} % {'are' if below != 1 else 'is'} "
                    "outside of the picture (Options).")  # fmt: skip
    if cost.name.endswith("seconds"):
        others = [kind for kind in (PROJECT, PUBLISHED) if any(e.kind == kind and e.cost(cost.name) for e in entries)]
        words = {PROJECT: "the project's on its own (two cores)", PUBLISHED: "the published ones on their authors'"}
        said.append("Times depend on the machine: yours are from where each run was trained or evaluated"
                    + "".join(f", {words[kind]}" for kind in others) + ".")  # fmt: skip
    st.caption("  \n".join(frame.escape(line) for line in said if line))


def _open(entry: Entry) -> None:
    """Selects the runs behind a point; shows what can be done with a model that is no run."""
    if entry.runs:
        state.put(PICKED, None)
        run_table.select(entry.runs)
        # Else the first view of a selection would take this one's place.
        state.put("run-view", NAME)
        many = f"{len(entry.runs)} seeds of {entry.name} are" if len(entry.runs) > 1 else f"{entry.name} is"
        state.put(SAID, f"{many} selected.")
        st.rerun()
    state.put(PICKED, entry.preset)


def _card() -> None:
    """A model that was clicked: what it is, and the ways to the Lab and to the Studies."""
    name = state.get(PICKED, None)
    if name is None:
        return
    picked = preset(name)
    with st.container(border=True, key="pareto-card"):
        st.markdown(f"**{frame.escape(picked.title)}** · {picked.parameters:,} parameters")
        if picked.cite:
            st.caption(frame.escape(picked.cite))
        study = next((each for each in studies().values() if picked in members(each)), None)
        with st.container(horizontal=True):
            if st.button(
                "Load into the Lab",
                icon=":material/network_node:",
                key="pareto-load",
                type="primary",
                help="Its network and its training. Undo brings the network before back.",
            ):
                workbench().load(picked.architecture, picked.training, picked.name)
                st.switch_page("pages/lab.py")
            if study is not None and st.button("Show in Studies", icon=":material/menu_book:", key="pareto-study"):
                state.put(f"selected-models.{study.name}", (picked.name,))
                state.put("study-clicks", state.get("study-clicks", 0) + 1)
                st.switch_page("pages/studies.py", query_params={"study": study.name})
            if st.button("Close", key="pareto-close"):
                state.put(PICKED, None)
                st.rerun(scope="fragment")


def _table(best: list[Entry], cost: Cost) -> None:
    """The points on the line as a table, for those who cannot see the picture."""
    with st.expander(f"On the Pareto line ({len(best)})"):
        rows = [
            {
                cost.label: cost.words(entry.cost(cost.name) or math.nan),
                "Test accuracy": "⚠️ " * entry.is_flattered + formatting.accuracy(entry.accuracy, entry.interval),
                "What": entry.name,
                "By": KINDS[entry.kind],
                "Split": entry.split,
            }
            for entry in sorted(best, key=lambda entry: entry.cost(cost.name) or 0.0)
        ]
        st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch", key="pareto-table")

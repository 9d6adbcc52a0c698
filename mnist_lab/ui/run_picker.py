"""The choice of a run, the same on every page that asks one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import streamlit as st

from mnist_lab import formatting, starter
from mnist_lab.store import Run, RunStore
from mnist_lab.store.artefacts import MODEL
from mnist_lab.training_config import MY_DIGITS
from mnist_lab.ui import address, frame, run_links, state

# A longer list would take a browser too long, and nobody finds anything in it.
MOST_OFFERED = 300
# Of so many runs without a model among the newest, one looks for older ones; then no more.
MOST_LOOKED = 1_200


def run_words(run: Run, *, with_id: bool = False) -> str:
    """A run in one line of a list; the id tells apart what has the same name."""
    star = "★ " if run.starred else ""
    accuracy = f" · {formatting.percent(run.test_accuracy)}" if run.test_accuracy is not None else ""
    flattered = " (test as validation)" if run.test_is_validation else ""
    flattered += " of its digits held out" if run.dataset == MY_DIGITS and accuracy else ""
    return f"{star}{run.name}{accuracy}{flattered}" + (f" · {run.id[:6]}" if with_id else "")


def pick_run(label: str, key: str) -> Run | None:
    """Lets the user choose among the runs that have learnt something; None if there are none yet.

    The address can ask for one, as ``?run=ID``, and says which was chosen.
    """
    store = frame.store()
    runs = with_model(store)
    if not runs:
        return None
    by_id = {run.id: run for run in _with_the_chosen(store, runs, state.get(key, ""))}
    names = Counter(run.name for run in by_id.values())

    def words(run_id: str) -> str:
        return run_words(by_id[run_id], with_id=names[by_id[run_id].name] > 1)

    widget = f"pick.{key}"
    if asked := address.asked(run_links.RUN):
        found = run_links.find(asked[run_links.RUN], store, lambda run: bool(_having(store, [run])))
        for run in found[:1]:
            by_id.setdefault(run.id, run)
            state.put(key, run.id)
            st.session_state[widget] = run.id
    run_links.said()
    chosen = state.get(key, "")
    if chosen and chosen not in by_id:
        _gone(store, chosen)
    ids = list(by_id)

    def changed() -> None:
        state.put(key, st.session_state[widget])

    index = ids.index(chosen) if chosen in by_id else best(runs)
    picked = st.selectbox(label, ids, index, format_func=words, key=widget, on_change=changed)
    if store.are_many:
        st.caption(f"The newest {MOST_OFFERED:,} are offered here. Of an older one, open its link from the Runs page.")
    address.follow(**{run_links.RUN: picked if picked == state.get(key, "") else None})
    return by_id.get(picked) if picked else None


def _gone(store: RunStore, run_id: str) -> None:
    """Says that the run that was chosen here is not there any more, as long as no other is chosen."""
    name = next((run.name for run in store.runs(ids=[run_id], deleted=True)), "")
    if name or not store.exists(run_id):
        words = f"**{frame.escape(name)}**" if name else "The run that was chosen here"
        st.warning(f"{words} was deleted. This is another one.", icon=":material/delete:")


@st.cache_resource(show_spinner=False)
def _looked() -> dict[str, tuple[Run, bool]]:
    """By run id, the run when its files were looked at, and whether it had a model."""
    return {}


def with_model(store: RunStore) -> list[Run]:
    """The runs that have a model, newest first; of very many the newest, and those that ship."""
    runs = store.shelf()
    if not store.are_many:
        return _having(store, runs)
    found: dict[str, Run] = {}
    for first in range(0, MOST_LOOKED, MOST_OFFERED):
        newest = runs[first : first + MOST_OFFERED]
        found |= {run.id: run for run in _having(store, newest)}
        if len(found) >= MOST_OFFERED or len(newest) < MOST_OFFERED:
            break
    offered = list(found.values())[:MOST_OFFERED]
    return _with_the_chosen(store, offered, *starter.IDS)


def _with_the_chosen(store: RunStore, runs: list[Run], *run_ids: str) -> list[Run]:
    """Runs, and after them those with these ids that are not among them and have a model."""
    here = {run.id for run in runs}
    more = [each for each in run_ids if each and each not in here]
    return [*runs, *_having(store, store.those(more))] if more else runs


def _having(store: RunStore, runs: Sequence[Run]) -> list[Run]:
    """Those that have a model. A page is drawn at each stroke: files are not looked for each time."""
    looked = _looked()
    # Files are written before the row that speaks of them: as long as this is the same, so are they.
    new = [run for run in runs if run.id not in looked or (looked[run.id][0] is not run and looked[run.id][0] != run)]
    if new:
        # All in one question, as they may be far away.
        have = store.artefacts.having([run.id for run in new if not run.is_damaged], MODEL)
        looked.update({run.id: (run, run.id in have) for run in new})
    return [run for run in runs if looked[run.id][1]]


def best(runs: list[Run]) -> int:
    """The robust model, which reads drawn digits best, or the starter model, where they are; else the newest."""
    ids = [run.id for run in runs]
    best = starter.preferred(ids)
    return 0 if best is None else ids.index(best)

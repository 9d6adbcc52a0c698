"""The choice of a run, the same on every page that asks one."""

from __future__ import annotations

from collections import Counter

import streamlit as st

from mnist_lab import formatting, starter
from mnist_lab.store import Run, RunStore
from mnist_lab.store.artefacts import MODEL
from mnist_lab.training_config import MY_DIGITS
from mnist_lab.ui import address, frame, run_links, state


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
    by_id = {run.id: run for run in runs}
    names = Counter(run.name for run in runs)

    def words(run_id: str) -> str:
        return run_words(by_id[run_id], with_id=names[by_id[run_id].name] > 1)

    widget = f"pick.{key}"
    if asked := address.asked(run_links.RUN):
        found = run_links.find(asked[run_links.RUN], store, runs)
        for run in found[:1]:
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
    """The runs that have a model, newest first. A page is drawn at each stroke: files are not looked for each time."""
    looked, runs = _looked(), store.listing()
    # Files are written before the row that speaks of them: as long as this is the same, so are they.
    new = [run for run in runs if run.id not in looked or looked[run.id][0] is not run]
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

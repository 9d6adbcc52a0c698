"""Which of the searched fields matter."""

from __future__ import annotations

import math

import streamlit as st

from mnist_lab.figures.sweep_importance import Bar, sweep_importance
from mnist_lab.sweeps import search
from mnist_lab.sweeps.importance import Importances, importances
from mnist_lab.ui import frame, state
from mnist_lab.ui.sweep_views import Shown, figure, view
from mnist_lab.ui.sweep_views.slices import NAME as SLICES

LABEL = "How much each field matters"
# It is reckoned over and over with trials drawn anew, which takes a second for these; more would tell little more.
MOST, RESAMPLES = 150, 50
# Reckoned anew when so many times as many trials have ended.
_GROWN = 1.15


@view("Importance", 30)
def importance(shown: Shown) -> None:
    """Draws a bar for each field; a click on one opens its slice."""
    if not search.have_optuna():
        st.info(frame.sentence(f"{search.MISSING} {search.INSTALL}"))
        return
    # Only what has ended counts: a tick in between changes nothing.
    ended = sum(trial.state == "complete" for trial in shown.trials)
    stage = math.floor(math.log(max(1, ended), _GROWN)) if shown.record.status == "running" else -ended
    found = _reckoned(shown.record.id, stage, shown)
    labels = {each.name: each.label for each in shown.fields}
    if found.problem is not None:
        st.info(frame.sentence(found.problem))
        return
    bars = [Bar(each.name, labels.get(each.name, each.name), each.share, each.low, each.high) for each in found.fields]
    clicked = figure(shown, "sweep-importance", lambda: sweep_importance(bars), LABEL, str(stage))
    if clicked is not None and clicked.get("customdata") in labels:
        state.put(f"sweep-slice.{shown.record.id}", [clicked["customdata"]])
        state.put("sweep-view", SLICES)
        st.rerun(scope="fragment")
    st.caption(
        f"How much of what sets the better half of {found.trials:,} finished trials apart is in each field; all "
        "together make 100 %. The thin line is the 95 % interval: where two of them overlap, the trials do not tell "
        "which field matters more. Click a bar for its slice."
    )


@st.cache_resource(show_spinner="Reckoning which fields matter ...", max_entries=32)
def _reckoned(sweep_id: str, stage: int, _shown: Shown) -> Importances:
    done = [trial for trial in _shown.trials if trial.state == "complete"]
    # From all of its time: the last ones alone are where the search thought it best.
    return importances(_shown.sweep, done[:: math.ceil(len(done) / MOST) or 1], resamples=RESAMPLES)

"""Accuracy against what a network costs."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from mnist_lab.figures.sweep_front import sweep_front
from mnist_lab.pareto import COSTS
from mnist_lab.sweeps.progress import accuracy_words
from mnist_lab.sweeps.summary import front_of
from mnist_lab.sweeps.sweep import COSTS as NAMES
from mnist_lab.ui import state
from mnist_lab.ui.sweep_views import Shown, figure_of_trials, view

LABEL = "Accuracy of the trials against their cost"


@view("Pareto front", 50)
def front(shown: Shown) -> None:
    """Draws accuracy against cost, with the line of what no other trial beats."""
    key = f"sweep-cost.{shown.record.id}"
    first = shown.sweep.search.cost or NAMES[0]
    name = st.segmented_control(
        "Accuracy against",
        list(NAMES),
        required=True,
        format_func=lambda name: COSTS[name].label,
        **state.kept_widget(key, first),
    )
    cost = COSTS[name or first]
    best = front_of(shown.trials, cost.name)
    numbers = {trial.number for trial in best}
    figure_of_trials(
        shown,
        "sweep-front",
        lambda: sweep_front(shown.dots, cost.name, cost.title, numbers, shown.chosen),
        LABEL,
        cost.name,
    )
    aim = "" if shown.sweep.search.cost == cost.name else " The sweep was not asked to keep this small: it is shown to "
    st.caption(f"No trial is at once cheaper and better than one on the front.{aim}{'help you choose.' if aim else ''}")
    if best:
        with st.expander(f"On the front ({len(best)})"):
            rows = [
                {"Trial": trial.number, cost.label: getattr(trial, cost.name), "Accuracy": accuracy_words(trial)}
                for trial in best
            ]
            st.dataframe(pd.DataFrame(rows), hide_index=True, width="content", key=f"front-{shown.record.id}")

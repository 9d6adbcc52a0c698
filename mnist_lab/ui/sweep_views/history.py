"""The trials in their order, and the best so far."""

from __future__ import annotations

import streamlit as st

from mnist_lab.figures.sweep_history import sweep_history
from mnist_lab.ui.sweep_views import Shown, figure_of_trials, view

LABEL = "The trials of the sweep in their order"


@view("History", 10)
def history(shown: Shown) -> None:
    """Draws a point for each trial, and the best so far as a line."""
    figure_of_trials(shown, "sweep-history", lambda: sweep_history(shown.dots, shown.chosen), LABEL)
    st.caption(
        "Each point is a trial; click it to see what it was. Upwards, equal steps halve the errors. A sweep chooses by "
        "the validation images and never looks at the test images."
    )

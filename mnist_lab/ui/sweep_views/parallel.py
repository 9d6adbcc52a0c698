"""What the trials had in all their fields at once."""

from __future__ import annotations

import streamlit as st

from mnist_lab.figures.sweep_parallel import MOST_LINES, sweep_parallel
from mnist_lab.ui.sweep_views import Shown, figure_of_trials, view

LABEL = "The values of the trials as lines through all fields"


@view("Parallel coordinates", 20)
def parallel(shown: Shown) -> None:
    """Draws an axis for each field, and a line through them for each trial."""
    figure_of_trials(shown, "sweep-parallel", lambda: sweep_parallel(shown.dots, shown.fields, shown.chosen), LABEL)
    many = sum(dot.is_drawn for dot in shown.dots) > MOST_LINES
    st.caption(
        "Each line is a trial, from field to field to its accuracy; the better, the bluer. Where blue lines meet on an "
        "axis, that value does well. Click a line where it crosses an axis. A field in which the trials do not differ "
        "is left out." + f" Only the best {MOST_LINES:,} trials are drawn." * many
    )

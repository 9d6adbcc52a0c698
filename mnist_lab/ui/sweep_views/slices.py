"""Each field by itself against the accuracy."""

from __future__ import annotations

import streamlit as st

from mnist_lab.figures.sweep_slices import MOST_PANELS, sweep_slices
from mnist_lab.ui import state
from mnist_lab.ui.sweep_views import Shown, figure_of_trials, view

NAME, LABEL = "Slices", "Each searched field against the accuracy"


@view(NAME, 40)
def slices(shown: Shown) -> None:
    """Draws a panel for each field, with a point for each trial."""
    labels = {each.name: each.label for each in shown.fields}
    key = f"sweep-slice.{shown.record.id}"
    kept: list[str] = state.get(key, [])
    wanted = [name for name in kept if name in labels]
    if len(labels) > 1:
        picked = st.multiselect("Fields", list(labels), format_func=labels.__getitem__, placeholder="All fields",
                                **state.kept_widget(key, wanted))  # fmt: skip
        wanted = list(picked)
    fields = [each for each in shown.fields if each.name in wanted or not wanted]
    figure_of_trials(
        shown, "sweep-slices", lambda: sweep_slices(shown.dots, fields, shown.chosen), LABEL, ",".join(wanted)
    )
    st.caption(
        "Each panel shows one field, and every trial at the value that it had. The other fields differ from point to "
        "point, so look for where the best points are, not at single ones."
        + f" The first {MOST_PANELS} fields are drawn."
        * (len(fields) > MOST_PANELS)
    )

"""The curves of the selected runs in one chart."""

from __future__ import annotations

import streamlit as st

from mnist_lab.figures.curves import compare_curves
from mnist_lab.ui import frame
from mnist_lab.ui.live import epochs_frame
from mnist_lab.ui.plot import plot
from mnist_lab.ui.run_views import Shown, view

METRICS = {
    "val_accuracy": "Validation accuracy",
    "val_loss": "Validation loss",
    "accuracy": "Training accuracy",
    "loss": "Training loss",
}


@view("Curves", 20)
def curves(shown: Shown) -> None:
    """The curves of several runs in one chart, each in its own colour."""
    metric = st.segmented_control("Figure", list(METRICS), default="val_accuracy", format_func=METRICS.__getitem__,
                                  key="curve-metric")  # fmt: skip
    manager = frame.services()
    histories = {run.id: epochs_frame(manager, run.id) for run in shown.chosen}
    names = {run.id: run.name for run in shown.chosen}
    figure = compare_curves(histories, names, metric or "val_accuracy", [run.id for run in shown.chosen])
    plot(figure, "compare-curves", label="Curves of the selected runs")

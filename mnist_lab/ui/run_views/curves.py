"""The curves of the selected runs over each other."""

from __future__ import annotations

import math
from typing import get_args

import numpy as np
import pandas as pd
import streamlit as st

from mnist_lab.comparison import names_of
from mnist_lab.figures.curves import METRICS
from mnist_lab.figures.run_curves import WITHIN, Choice, RunCurve, X, run_curves
from mnist_lab.run_settings import training_of
from mnist_lab.store import Run, RunStore
from mnist_lab.ui import frame, state
from mnist_lab.ui.plot import plot
from mnist_lab.ui.run_views import Shown, view

TICK_SECONDS = 2.0
FIRST = ("val_accuracy",)
AXES = {"epoch": "Epoch", "step": "Step", "time": "Time"}


@view("Curves", 20)
def curves(shown: Shown) -> None:
    """Draws the curves of several runs in one chart, each in its own colour; those under way grow."""
    is_active = any(run.is_active for run in shown.chosen)
    st.fragment(_curves, run_every=TICK_SECONDS if is_active else None)(shown)


def _curves(shown: Shown) -> None:
    with frame.errors_in_words():
        choice = _choice()
        names = names_of(shown.chosen)
        now = {run.id: run for run in shown.store.runs(ids=[run.id for run in shown.chosen])}
        needs_points = choice.within or choice.x == "step"
        runs = [_course(shown.store, now[run.id], names[run.id], needs_points) for run in shown.chosen if run.id in now]
        figure = run_curves(runs, choice)
        plot(figure, "compare-curves", label="Curves of the selected runs")
        drawn = {trace.meta for trace in figure.data}
        if drawn and (left := [frame.escape(run.name) for run in runs if run.id not in drawn]):
            st.caption(f"Without such a curve: {', '.join(left)}.")
        if drawn:
            st.caption(
                "★ best epoch by each metric: the lowest loss, the highest accuracy. Click a name to hide its run."
            )


def _choice() -> Choice:
    """What the user wants to see."""
    metrics = tuple(
        st.pills("Metrics", list(METRICS), selection_mode="multi", format_func=METRICS.__getitem__,
                 label_visibility="collapsed", **state.kept_widget("curve-metrics", list(FIRST)))
    )  # fmt: skip
    can_be_within = any(metric in WITHIN for metric in metrics)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        axis: X = st.segmented_control("By", get_args(X), format_func=AXES.__getitem__, required=True,
                                       label_visibility="collapsed", width="content",
                                       **state.kept_widget("curve-axis", "epoch")) or "epoch"  # fmt: skip
        log = st.toggle("Log scale", **state.kept_widget("curve-log", False))
        within = st.toggle(
            "Within the epochs",
            disabled=not can_be_within,
            help="Means over a few batches each. Known for training loss and training accuracy.",
            **state.kept_widget("curve-within", False),
        )
        smoothing = st.slider("Smoothing", 0.0, 0.99, step=0.01, width=220, **state.kept_widget("curve-smoothing", 0.0),
                              help="Exponential moving mean. What was measured stays visible behind it.")  # fmt: skip
    return Choice(metrics, axis, smoothing, log, within and can_be_within)


def _course(store: RunStore, run: Run, name: str, needs_points: bool) -> RunCurve:
    points = pd.DataFrame(columns=["step", "epoch", *WITHIN], dtype=float)
    if needs_points:
        rows = store.point_rows(run.id)
        flat = np.fromiter((math.nan if each is None else each for row in rows for each in row), float)
        points = pd.DataFrame(flat.reshape(-1, 4), columns=points.columns)
    steps: float | None = None
    if run.training_images:
        steps = math.ceil(run.training_images / training_of(run)["batch_size"])
    elif len(points) and points["epoch"].iloc[-1] > 0:
        steps = float(points["step"].iloc[-1] / points["epoch"].iloc[-1])
    epochs = pd.DataFrame(store.history(run.id))
    return RunCurve(run.id, name, epochs, points, steps, run.test_is_validation)

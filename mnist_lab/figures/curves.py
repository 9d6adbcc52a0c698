"""Curves of training: one run while it learns; what it shares with `run_curves`, several runs beside each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from mnist_lab.figures.theme import COLOURS, axis, base_layout, fade

TRAIN, VALIDATION = COLOURS[0], COLOURS[1]
METRICS = {
    "loss": "Training loss",
    "accuracy": "Training accuracy",
    "val_loss": "Validation loss",
    "val_accuracy": "Validation accuracy",
    "learning_rate": "Learning rate",
    "seconds": "Time per epoch (s)",
}
PERCENT = ".4~%"


def thin(x: Any, y: Any, max_points: int) -> tuple[np.ndarray, np.ndarray]:
    """Thins a curve without losing what the eye looks for.

    The inner points are cut into equal runs, and the lowest and the highest of each run are kept. So the first and
    the last point and the minimum and the maximum of the whole curve always stay.

    Args:
        x: Positions, in order.
        y: Values; NaN where there is none.
        max_points: How many points may remain; at least 4.

    Returns:
        The remaining ``x`` and ``y``, in order.

    Raises:
        ValueError: If ``max_points`` is below 4, or the lengths differ.
    """
    x, y = np.asarray(x), np.asarray(y, dtype=float)
    if len(x) != len(y):
        raise ValueError(f"thin needs as many x as y. Received: {len(x)} and {len(y)}.")
    keep = kept(y, max_points)
    return x[keep], y[keep]


def kept(y: Any, max_points: int) -> np.ndarray:
    """The indices of the points that `thin` keeps.

    Raises:
        ValueError: If ``max_points`` is below 4.
    """
    y = np.asarray(y, dtype=float)
    if max_points < 4:
        raise ValueError(f"thin keeps at least 4 points. Received: max_points={max_points}.")
    if len(y) <= max_points:
        return np.arange(len(y))
    inner = y[1:-1]
    runs = (max_points - 2) // 2
    length = -(-len(inner) // runs)
    runs = -(-len(inner) // length)
    padded = np.full(runs * length, np.nan)
    padded[: len(inner)] = inner
    table = padded.reshape(runs, length)
    lowest = np.where(np.isnan(table), np.inf, table).argmin(axis=1)
    highest = np.where(np.isnan(table), -np.inf, table).argmax(axis=1)
    starts = np.arange(runs) * length + 1
    return np.unique(np.concatenate([[0, len(y) - 1], starts + lowest, starts + highest]))


def best_epoch(epochs: pd.DataFrame, metric: str) -> int | None:
    """The epoch with the best value of a metric: the lowest of losses, the highest of accuracies; the first of equals.

    Returns:
        The epoch as numbered in the frame, or None where the metric was never measured.
    """
    if metric not in epochs or epochs[metric].notna().sum() == 0:
        return None
    values = epochs[metric].to_numpy(dtype=float)
    place = np.nanargmin(values) if metric.endswith("loss") else np.nanargmax(values)
    return int(epochs["epoch"].iloc[place])


def training_curves(
    batches: pd.DataFrame,
    epochs: pd.DataFrame,
    monitor: str = "val_accuracy",
    max_points: int = 1500,
    validation_name: str = "validation",
    dark: bool = False,
    height: int = 460,
) -> go.Figure:
    """Loss above accuracy, over the epochs of one run.

    Args:
        batches: Columns ``epoch_float`` (epochs done, as 1.25), ``loss``, ``accuracy``: means over the batches since
            the start of the epoch, or single batches.
        epochs: Columns ``epoch`` (from 1), ``loss``, ``accuracy`` and, where measured, ``val_loss``, ``val_accuracy``.
        monitor: The metric whose best epoch is marked.
        max_points: Points kept of each curve; its lowest and highest stay.
        validation_name: What the second curve is called; "test" where test images were used for validation.
        dark: As in `base_layout`.
        height: In pixels.

    Returns:
        Two panels on one axis of epochs. Before the first batch: the axes alone.
    """
    # Gathered first: it is drawn each second, and a figure that gets its parts one by one takes twice as long.
    traces: list[dict[str, Any]] = []

    def line(**settings: Any) -> None:
        traces.append({"type": "scatter", **settings})

    for metric, panel in (("loss", "y"), ("accuracy", "y2")):
        shape = "%{y:.4f}" if metric == "loss" else "%{y:.2%}"
        first = metric == "loss"
        if len(batches):
            x, y = thin(batches["epoch_float"], batches[metric], max_points)
            line(
                x=x.astype(np.float32), y=y.astype(np.float32), yaxis=panel, uid=f"batch-{metric}",
                name="training, per batch", legendgroup="batch",
                showlegend=first, mode="lines", line={"width": 1, "color": fade(TRAIN, 0.35)}, hoverinfo="skip",
            )  # fmt: skip
        for column, name, colour in ((metric, "training", TRAIN), (f"val_{metric}", validation_name, VALIDATION)):
            if column not in epochs or not epochs[column].notna().any():
                continue
            x, y = thin(epochs["epoch"], epochs[column], max_points)
            line(
                x=x, y=y, yaxis=panel, uid=column, name=name, legendgroup=name, showlegend=first,
                mode="lines+markers", line={"width": 2, "color": colour},
                marker={"size": 6}, hovertemplate=f"{name} {shape}<extra></extra>",
            )  # fmt: skip
    stars, shapes = _best(epochs, monitor)
    layout = base_layout(
        dark,
        height,
        hovermode="x unified",
        xaxis=axis("Epoch", anchor="y2", rangemode="tozero", hoverformat=".4~f"),
        yaxis=axis("Loss", domain=[0.54, 1], rangemode="tozero"),
        yaxis2=axis("Accuracy", domain=[0, 0.46], tickformat=PERCENT),
        shapes=shapes,
    )
    return go.Figure([*traces, *stars], layout)


def _best(epochs: pd.DataFrame, monitor: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The star at the best epoch as a trace, and the line through it as a shape; where there is none, no items."""
    best = best_epoch(epochs, monitor) if len(epochs) else None
    if best is None:
        return [], []
    value = float(epochs.loc[epochs["epoch"] == best, monitor].iloc[0])
    colour = VALIDATION if monitor.startswith("val_") else TRAIN
    star = {
        "type": "scatter", "x": [best], "y": [value], "yaxis": "y" if monitor.endswith("loss") else "y2",
        "uid": "best", "mode": "markers", "name": f"best epoch: {best}", "hoverinfo": "skip",
        "marker": {"symbol": "star", "size": 14, "color": colour, "line": {"width": 1, "color": "white"}},
    }  # fmt: skip
    line = {"width": 1, "dash": "dot", "color": colour}
    return [star], [{"type": "line", "x0": best, "x1": best, "y0": 0, "y1": 1, "yref": "paper", "line": line}]

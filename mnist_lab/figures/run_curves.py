"""The curves of several runs over each other, a panel for each metric, on one axis of epochs, steps or time."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from mnist_lab.figures.curves import METRICS, PERCENT, best_epoch, kept
from mnist_lab.figures.theme import Look, axis, base_layout, fade, message, run_looks

X = Literal["epoch", "step", "time"]
WITHIN = ("loss", "accuracy")
"""The metrics that are known within the epochs too."""

# So many points of all curves together are sent to the browser, but no curve is cut below the lower number.
BUDGET, LEAST, MOST = 12_000, 200, 2_000
PANEL, LEGEND_LINE, NAME = 260, 20, 40


@dataclass(frozen=True, slots=True)
class RunCurve:
    """What is known of the course of a run.

    Attributes:
        id: The run's id, which its look is made of.
        name: Its name, as it was typed.
        epochs: A row an epoch: ``epoch`` (from 1), metrics, and ``seconds``, of which ``fit_seconds`` went into
            training alone; missing values are NaN or None.
        points: Means over a few batches each: ``step``, ``epoch`` (epochs done, as 1.25), ``loss``, ``accuracy``.
        steps: Steps per epoch; None where not known.
        flattered: Whether its validation images are test images.
    """

    id: str
    name: str
    epochs: pd.DataFrame
    points: pd.DataFrame = field(default_factory=pd.DataFrame)
    steps: float | None = None
    flattered: bool = False

    def at(self, x: X, epochs: np.ndarray) -> np.ndarray:
        """Where some places in epochs lie on another axis.

        Args:
            x: The axis: epochs, steps, or seconds of training.
            epochs: Epochs done, as 1.25.

        Returns:
            Positions; NaN where the run does not say. Time within an epoch that is under way is not known yet.
        """
        if x == "epoch":
            return epochs
        if x == "step":
            return np.full(len(epochs), np.nan) if self.steps is None else epochs * self.steps
        seconds = _numbers(self.epochs, "seconds")
        known = np.isnan(seconds).argmax() if np.isnan(seconds).any() else len(seconds)
        ends = np.concatenate([[0.0], np.cumsum(seconds[:known])])
        training = _numbers(self.epochs, "fit_seconds")[:known]
        training = np.where(np.isnan(training), seconds[:known], training)
        # The end of an epoch is its own, not the beginning of the next.
        which = np.ceil(epochs).astype(int) - 1
        inside = (which >= 0) & (which < known)
        place = np.where(inside, which, 0)
        share = epochs - place
        if not known:
            return np.full(len(epochs), np.nan)
        # After the last batch comes the validation, and then only the epoch has ended.
        spent = np.where(share == 1, seconds[place], share * training[place])
        return np.where(inside, ends[place] + spent, np.nan)


@dataclass(frozen=True, slots=True)
class Choice:
    """What of some runs is drawn, and how.

    Attributes:
        metrics: Keys of `mnist_lab.figures.curves.METRICS`.
        x: The axis.
        smoothing: Weight of what came before, from 0 (none) to below 1.
        log: Whether the values have a logarithmic axis.
        within: Whether the means within the epochs are drawn in place of those over epochs, where they are known.
    """

    metrics: tuple[str, ...] = ("val_accuracy",)
    x: X = "epoch"
    smoothing: float = 0.0
    log: bool = False
    within: bool = False


def smooth(values: Any, weight: float) -> np.ndarray:
    """The exponential moving mean, without the pull of a start at zero.

    The n-th is ``sum(weight^(n-i) * y_i) / sum(weight^(n-i))`` over ``i <= n``; what is no number is left out.

    Args:
        values: In their order.
        weight: From 0 (the values themselves) to below 1.

    Returns:
        As many values; NaN where there was none.

    Raises:
        ValueError: If the weight is out of its range.
    """
    if not 0 <= weight < 1:
        raise ValueError(f"The weight must be from 0 to below 1. Received: weight={weight}.")
    smoothed = np.array(values, dtype=float)
    there = np.isfinite(smoothed)
    smoothed[~there] = np.nan
    smoothed[there] = pd.Series(smoothed[there]).ewm(alpha=1 - weight, adjust=True).mean()
    return smoothed


def run_curves(runs: Sequence[RunCurve], choice: Choice, dark: bool = False, height: int | None = None) -> go.Figure:
    """Some metrics of several runs, each run in its own look, its best epochs as stars.

    A curve never loses its lowest and its highest value to thinning. With smoothing, what was measured stays faint.

    Args:
        runs: In the order of the legend.
        choice: What is drawn, and how.
        dark: As in `base_layout`.
        height: In pixels; None for one by the number of panels.

    Returns:
        A panel for each metric, of which some run has values. A trace's ``meta`` is its run's id; its ``uid`` is
        ``METRIC-ID`` for the curve, with ``-raw`` for what a smoothed one was made of, and ``-best`` for the star.
        (Plotly makes CSS selectors of them, in which a dot would mean something.)
    """
    panels = [metric for metric in METRICS if metric in choice.metrics]
    looks = run_looks(run.id for run in runs)
    most = int(np.clip(BUDGET // max(1, len(runs) * len(panels) * (1 + bool(choice.smoothing))), LEAST, MOST))
    scale, unit = _time_unit(runs) if choice.x == "time" else (1.0, "")
    data: list[dict[str, Any]] = []
    drawn: list[str] = []
    named: set[str] = set()
    for metric in panels:
        traces: list[dict[str, Any]] = []
        for run in runs:
            made = _traces(run, metric, choice, looks[run.id], most, scale)
            if made:
                made[-1]["showlegend"] = run.id not in named
                named.add(run.id)
                traces += made
                traces += _star(run, metric, choice, looks[run.id], scale)
        if traces:
            drawn.append(metric)
            panel = "y" if len(drawn) == 1 else f"y{len(drawn)}"
            data += [{**trace, "yaxis": panel} for trace in traces]
    if not data:
        return message(_nothing(panels, choice), dark)
    titles = {"epoch": "Epoch", "step": "Step (batch)", "time": f"Training time ({unit})"}
    # Where the meaning of an axis changes, a zoomed range of it has none.
    layout: dict[str, Any] = {
        "hovermode": "x unified",
        "showlegend": True,
        "xaxis": axis(titles[choice.x], rangemode="tozero", anchor="y" if len(drawn) == 1 else f"y{len(drawn)}",
                      uirevision=f"{choice.x}.{unit}", hoverformat=".4~g"),
    }  # fmt: skip
    share, gap = 1 / len(drawn), 0.1 / len(drawn)
    for index, metric in enumerate(drawn):
        top = 1 - index * share
        layout["yaxis" if not index else f"yaxis{index + 1}"] = axis(
            METRICS[metric],
            domain=[max(0.0, top - share + (gap if index < len(drawn) - 1 else 0)), top],
            tickformat=PERCENT if metric.endswith("accuracy") else None,
            type="log" if choice.log else "linear",
            uirevision=f"{metric}.{choice.log}",
        )
    tall = height or PANEL * len(drawn) + 100 * (len(drawn) == 1) + 60 + LEGEND_LINE * len(named)
    return go.Figure(data, base_layout(dark, tall, **layout))


def _traces(run: RunCurve, metric: str, choice: Choice, look: Look, most: int, scale: float) -> list[dict[str, Any]]:
    """A curve of one run, behind it what it was smoothed from; nothing if there is none."""
    has_points = choice.within and metric in WITHIN and _numbers(run.points, metric).size > 0
    source = run.points if has_points else run.epochs
    y = _numbers(source, metric)
    x = run.at(choice.x, _numbers(source, "epoch")) * scale
    there = ~np.isnan(x)
    x, y = x[there], np.where(np.isfinite(y[there]), y[there], np.nan)
    if not len(y) or np.isnan(y).all():
        return []
    shape = "%{y:.2%}" if metric.endswith("accuracy") else "%{y:.4~g}"
    curve: dict[str, Any] = {
        "type": "scatter",
        "uid": f"{metric}-{run.id}",
        "meta": run.id,
        "name": _name(run, choice.metrics),
        "legendgroup": run.id,
        "mode": "lines" if has_points else "lines+markers",
        "line": {"color": look.colour, "width": 2, "dash": look.dash},
        "hovertemplate": f"{shape}<extra>%{{fullData.name}}</extra>",
    }
    if not has_points:
        curve["marker"] = {"symbol": look.symbol, "size": 6, "color": look.colour, "maxdisplayed": 40}
    keep = kept(y, most)
    if not choice.smoothing:
        return [{**curve, "x": x[keep], "y": y[keep]}]
    smoothed = smooth(y, choice.smoothing)
    raw = {
        **curve,
        "uid": f"{metric}-{run.id}-raw",
        "mode": "lines",
        "x": x[keep],
        "y": y[keep],
        "line": {"color": fade(look.colour, 0.3), "width": 1, "dash": look.dash},
        "showlegend": False,
        "hoverinfo": "skip",
        "hovertemplate": None,
    }
    keep = kept(smoothed, most)
    measured = shape.replace("%{y:", "%{customdata:")
    words = f"{shape} smoothed, {measured} measured<extra>%{{fullData.name}}</extra>"
    return [raw, {**curve, "x": x[keep], "y": smoothed[keep], "customdata": y[keep], "hovertemplate": words}]


def _star(run: RunCurve, metric: str, choice: Choice, look: Look, scale: float) -> list[dict[str, Any]]:
    """The best epoch by a metric, in that metric's own direction."""
    if metric in ("learning_rate", "seconds") or not len(run.epochs):
        return []
    best = best_epoch(run.epochs, metric)
    if best is None:
        return []
    x = run.at(choice.x, np.array([float(best)])) * scale
    if np.isnan(x[0]):
        return []
    value = float(run.epochs.loc[run.epochs["epoch"] == best, metric].iloc[0])
    marker = {"symbol": "star", "size": 13, "color": look.colour, "line": {"width": 1, "color": "white"}}
    return [{
        "type": "scatter", "uid": f"{metric}-{run.id}-best", "meta": run.id, "name": f"best epoch: {best}",
        "legendgroup": run.id, "showlegend": False, "mode": "markers", "x": x, "y": [value], "marker": marker,
        "hoverinfo": "skip",
    }]  # fmt: skip


def _numbers(frame: pd.DataFrame, column: str) -> np.ndarray:
    """A column as numbers; NaN for what is missing."""
    if column not in frame:
        return np.full(len(frame), np.nan)
    return frame[column].to_numpy(dtype=float, na_value=np.nan)


def _name(run: RunCurve, metrics: Sequence[str]) -> str:
    """A run in the legend; Plotly would take parts of a name for its own markup."""
    short = run.name if len(run.name) <= NAME else run.name[: NAME - 1] + "…"
    marked = run.flattered and any(metric.startswith("val_") for metric in metrics)
    return ("⚠️ " if marked else "") + html.escape(short, quote=False) + (" (test as validation)" if marked else "")


def _time_unit(runs: Sequence[RunCurve]) -> tuple[float, str]:
    longest = max((float(np.nansum(_numbers(run.epochs, "seconds"))) for run in runs), default=0.0)
    return (1.0, "s") if longest < 300 else (1 / 60, "min") if longest < 3 * 3600 else (1 / 3600, "h")


def _nothing(panels: Sequence[str], choice: Choice) -> str:
    if not panels:
        return "Choose a metric."
    words = " or ".join(METRICS[metric][0].lower() + METRICS[metric][1:] for metric in panels)
    return f"None of these runs has measured {words}" + (" by time." if choice.x == "time" else " yet.")

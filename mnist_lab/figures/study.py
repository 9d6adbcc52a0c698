"""What a document printed beside what was measured here."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import plotly.graph_objects as go

from mnist_lab.figures.accuracy_axis import accuracy_ticks, height_of
from mnist_lab.figures.theme import COLOURS, NEUTRAL, axis, base_layout, fade, message

History = Sequence[Mapping[str, Any]]
_PANELS = (("loss", "y"), ("accuracy", "y2"))
_KINDS = (("", "training", COLOURS[0]), ("val_", "validation", COLOURS[1]))


def published_over_ours(
    published: History, ours: Mapping[str, History], dark: bool = False, height: int = 440
) -> go.Figure:
    """Loss above accuracy: the printed figures as open circles over the curves that were measured here.

    Args:
        published: One object per epoch with ``epoch`` and some of ``loss``, ``accuracy``, ``val_loss`` and
            ``val_accuracy``; empty if the document prints none.
        ours: Histories of the same form by their label, as ``"seed 42"``.
        dark: As in `base_layout`.
        height: In pixels.

    Returns:
        Training and validation in a colour each, in both panels.
    """
    figure = go.Figure()
    for name, panel in _PANELS:
        shape = "%{y:.4f}" if name == "loss" else "%{y:.2%}"
        for prefix, kind, colour in _KINDS:
            column = prefix + name
            named = False
            for label, history in ours.items():
                points = [(row["epoch"], row[column]) for row in history if row.get(column) is not None]
                if points:
                    words = f"ours, {kind}"
                    figure.add_scatter(
                        x=[x for x, _ in points], y=[y for _, y in points], yaxis=panel, mode="lines",
                        name=words, legendgroup=words, showlegend=name == "accuracy" and not named,
                        line={"width": 2, "color": fade(colour, 0.75)},
                        hovertemplate=f"{words}, {html.escape(label)}: {shape}<extra></extra>",
                    )  # fmt: skip
                    named = True
            points = [(row["epoch"], row[column]) for row in published if row.get(column) is not None]
            if points:
                words = f"published, {kind}"
                figure.add_scatter(
                    x=[x for x, _ in points], y=[y for _, y in points], yaxis=panel, mode="markers", name=words,
                    legendgroup=words, showlegend=name == "accuracy" or not _has(published, prefix + "accuracy"),
                    marker={"symbol": "circle-open", "size": 9, "color": colour, "line": {"width": 2}},
                    hovertemplate=f"{words}: {shape}<extra></extra>",
                )  # fmt: skip
    if not figure.data:
        return message("No curve was printed, and none was measured here yet.", dark, height)
    figure.layout = base_layout(
        dark,
        height,
        hovermode="x unified",
        showlegend=True,
        xaxis=axis("Epoch", anchor="y2", rangemode="tozero", hoverformat=".4~f"),
        yaxis=axis("Loss", domain=[0.54, 1], rangemode="tozero"),
        yaxis2=axis("Accuracy", domain=[0, 0.46], tickformat=".4~%"),
    )
    return figure


def _has(history: History, column: str) -> bool:
    return any(row.get(column) is not None for row in history)


@dataclass(frozen=True, slots=True)
class Point:
    """One model of an `effect`.

    Attributes:
        value: Of the thing that varies, as ``"3×3"``.
        preset: Name of the model; a click on its points tells it.
        published: Published accuracy, or None.
        ours: Mean accuracy that was measured here, or None.
        interval: Its 95 % interval, or None.
    """

    value: str
    preset: str
    published: float | None = None
    ours: float | None = None
    interval: tuple[float, float] | None = None


def effect(
    varies: str, series: Mapping[str, Sequence[Point]], dark: bool = False, height: int | None = None
) -> go.Figure:
    """Accuracy against the one thing that varies: ours with its interval, the published figures as open circles.

    Args:
        varies: Title of the horizontal axis.
        series: Models that differ in that thing alone, by the label of what they share.
        dark: As in `base_layout`.
        height: In pixels; None leaves room for the legend of all series.

    Returns:
        Two traces per series, in one colour, moved a little aside so that none hides another. The axis of accuracy is
        logarithmic in the errors.
    """
    values = _in_order(series.values())
    height = height or 380 + 24 * len(series)
    places = {value: index for index, value in enumerate(values)}
    figure = go.Figure()
    step = min(0.14, 0.7 / max(1, len(series)))
    for index, (label, points) in enumerate(series.items()):
        colour = COLOURS[index % len(COLOURS)] if index < len(COLOURS) else NEUTRAL
        aside = (index - (len(series) - 1) / 2) * step
        name = html.escape(label, quote=False)
        ours = [(point, point.ours, point.interval or (point.ours, point.ours)) for point in points
                if point.ours is not None]  # fmt: skip
        printed = [(point, point.published) for point in points if point.published is not None]
        figure.add_scatter(
            x=[places[point.value] + aside for point, _, _ in ours], y=[height_of(value) for _, value, _ in ours],
            mode="lines+markers", name=name, legendgroup=label, uid=f"ours-{label}",
            customdata=[point.preset for point, _, _ in ours], line={"width": 2, "color": colour}, marker={"size": 9},
            text=[f"{point.value}: {_share(value)}{_range(point.interval)}" for point, value, _ in ours],
            hovertemplate="ours, %{text}<extra>" + name + "</extra>",
            error_y={
                "type": "data", "symmetric": False, "thickness": 1.5, "width": 5, "color": colour,
                "array": [height_of(high) - height_of(value) for _, value, (_, high) in ours],
                "arrayminus": [height_of(value) - height_of(low) for _, value, (low, _) in ours],
            },
            showlegend=bool(ours),
        )  # fmt: skip
        figure.add_scatter(
            x=[places[point.value] + aside for point, _ in printed], y=[height_of(value) for _, value in printed],
            mode="markers", name=f"{name}, published", legendgroup=label, uid=f"published-{label}",
            customdata=[point.preset for point, _ in printed], showlegend=not ours,
            marker={"symbol": "circle-open", "size": 12, "color": colour, "line": {"width": 2}},
            text=[f"{point.value}: {_share(value)}" for point, value in printed],
            hovertemplate="published, %{text}<extra>" + name + "</extra>",
        )  # fmt: skip
    shown = [value for points in series.values() for point in points
             for value in (point.published, point.ours, *(point.interval or ())) if value is not None]  # fmt: skip
    if not shown:
        return message("Nothing was published of these models, and nothing was measured here yet.", dark, 160)
    low = height_of(min(shown))
    # An interval up to 100 %, of seeds that differ wildly, would press all points together: it goes out of the picture.
    best = max(value for points in series.values() for point in points for value in (point.published, point.ours)
               if value is not None)  # fmt: skip
    high = min(height_of(max(shown)), height_of(best) + 0.5)
    room = max(0.05, 0.08 * (high - low))
    ticks = accuracy_ticks(low - room, high + room)
    # Each value's column is told from its neighbours', as several series stand side by side in it.
    bands = [
        {"type": "rect", "x0": place - 0.5, "x1": place + 0.5, "y0": 0, "y1": 1, "yref": "paper", "layer": "below",
         "line": {"width": 0}, "fillcolor": fade(NEUTRAL, 0.1)}
        for place in range(1, len(values), 2)
    ]  # fmt: skip
    figure.layout = base_layout(
        dark,
        height,
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": -0.2, "yanchor": "top"},
        shapes=bands,
        xaxis=axis(
            varies,
            tickvals=list(places.values()),
            ticktext=values,
            range=[-0.5, len(values) - 0.5],
            showgrid=False,
        ),
        yaxis=axis(
            "Test accuracy",
            tickvals=[height_of(tick) for tick in ticks],
            ticktext=[f"{100 * tick:.4g}%" for tick in ticks],
            range=[low - room, high + room],
        ),
    )
    return figure


def _in_order(series: Iterable[Sequence[Point]]) -> list[str]:
    """All values, each after those that some series has before it; else in order of appearance."""
    known = list(series)
    left = list(dict.fromkeys(point.value for points in known for point in points))
    before: dict[str, set[str]] = {value: set() for value in left}
    for points in known:
        for one, other in pairwise(points):
            before[other.value].add(one.value)
    values: list[str] = []
    while left:
        # Where series contradict each other, the first that is left.
        value = next((each for each in left if before[each] <= set(values)), left[0])
        left.remove(value)
        values.append(value)
    return values


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.2f} %"


def _range(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f" ({100 * interval[0]:.2f} – {100 * interval[1]:.2f})"

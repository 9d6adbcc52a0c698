"""Accuracy against what it costs, with the line of what no other point beats."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from mnist_lab import formatting
from mnist_lab.figures.accuracy_axis import accuracy_ticks, height_of
from mnist_lab.figures.theme import COLOURS, FAULT, NEUTRAL, axis, base_layout, fade, message

# Filled: measured. Open: published. A dot inside and a red rim: the test images also chose the epoch.
_LOOKS = {
    "yours": ("you", COLOURS[0], "circle", "circle-dot"),
    "project": ("the project", COLOURS[2], "diamond", "diamond-dot"),
    "published": ("published", COLOURS[5], "circle-open", "circle-open-dot"),
}
FLATTERED = " ⚠️"
MANY = 500


@dataclass(frozen=True, slots=True)
class Mark:
    """One point of a `trade_off`.

    Attributes:
        key: What a click on it tells.
        kind: ``"yours"``, ``"project"`` or ``"published"``.
        cost: Its place on the horizontal axis, above 0.
        accuracy: 0 to 1.
        interval: The 95 % interval of the accuracy, or None.
        lines: What is shown where the pointer rests on it, its name first.
        is_flattered: Whether the test images also chose its epoch.
        is_on_line: Whether the line goes through it.
        ring: A colour to ring it with, or None.
    """

    key: str
    kind: str
    cost: float
    accuracy: float
    interval: tuple[float, float] | None = None
    lines: tuple[str, ...] = ()
    is_flattered: bool = False
    is_on_line: bool = False
    ring: str | None = None


def trade_off(
    marks: Sequence[Mark],
    title: str,
    intervals: bool = False,
    lowest: float = 0.0,
    dark: bool = False,
    height: int = 520,
) -> go.Figure:
    """Accuracy against cost: a trace per kind of point, and the Pareto line as steps.

    Args:
        marks: The points.
        title: Of the horizontal axis, with its unit.
        intervals: Whether to draw them.
        lowest: The accuracy at which the picture begins; points below it are outside.
        dark: As in `base_layout`.
        height: In pixels.

    Returns:
        The axis of costs is logarithmic, that of accuracies is logarithmic in the errors.
    """
    seen = [mark for mark in marks if mark.accuracy >= lowest]
    if not seen:
        return message("No point has this cost and such an accuracy.", dark, 200)
    figure = go.Figure()
    for kind, (words, colour, symbol, flattered_symbol) in _LOOKS.items():
        for flattered in (False, True):
            group = [mark for mark in seen if (mark.kind, mark.is_flattered) == (kind, flattered)]
            if group:
                _points(figure, group, words, colour, flattered_symbol if flattered else symbol, intervals)
    _line(figure, seen)
    _rings(figure, seen)
    low, high = _heights(seen, intervals, lowest)
    ticks = accuracy_ticks(low, high)
    figure.layout = base_layout(
        dark,
        height,
        showlegend=True,
        hovermode="closest",
        legend={"orientation": "h", "x": 0, "y": -0.16, "yanchor": "top"},
        xaxis=axis(title, type="log", exponentformat="SI", **_cost_ticks([mark.cost for mark in seen])),
        yaxis=axis(
            "Test accuracy",
            tickvals=[height_of(tick) for tick in ticks],
            ticktext=[f"{100 * tick:.4g}%" for tick in ticks],
            range=[low, high],
        ),
    )
    return figure


def _line(figure: go.Figure, marks: Sequence[Mark]) -> None:
    corners = sorted({(mark.cost, mark.accuracy) for mark in marks if mark.is_on_line})
    if not corners:
        return
    # Beyond the last corner the best stays the best, to the right end of the picture.
    corners.append((max(mark.cost for mark in marks), corners[-1][1]))
    figure.add_scatter(
        x=[cost for cost, _ in corners], y=[height_of(accuracy) for _, accuracy in corners], uid="pareto-line",
        mode="lines", name="Pareto line", line={"shape": "hv", "width": 2, "color": NEUTRAL}, hoverinfo="skip",
    )  # fmt: skip


def _points(figure: go.Figure, marks: Sequence[Mark], words: str, colour: str, symbol: str, intervals: bool) -> None:
    flattered = marks[0].is_flattered
    heights = [height_of(mark.accuracy) for mark in marks]
    ends = [mark.interval or (mark.accuracy, mark.accuracy) for mark in marks]
    rim = FAULT if flattered else colour
    is_open = "open" in symbol
    figure.add_scatter(
        x=[mark.cost for mark in marks], y=heights, mode="markers", uid=f"{marks[0].kind}-{flattered}",
        name=words + FLATTERED * flattered, customdata=[mark.key for mark in marks],
        text=["<br>".join(html.escape(line, quote=False) for line in mark.lines) for mark in marks],
        hovertemplate="%{text}<extra></extra>",
        marker={"symbol": symbol, "size": 10 if len(marks) < MANY else 6, "opacity": 1 if len(marks) < MANY else 0.6,
                "color": rim if is_open else colour,
                "line": {"width": 2 if flattered or is_open else 0.5, "color": rim}},
        error_y={
            "type": "data", "symmetric": False, "thickness": 1, "width": 3, "color": fade(colour, 0.5),
            "array": [height_of(high) - here for here, (_, high) in zip(heights, ends, strict=True)],
            "arrayminus": [here - height_of(low) for here, (low, _) in zip(heights, ends, strict=True)],
        } if intervals else None,
    )  # fmt: skip


def _rings(figure: go.Figure, marks: Sequence[Mark]) -> None:
    ringed = [mark for mark in marks if mark.ring]
    if ringed:
        figure.add_scatter(
            x=[mark.cost for mark in ringed], y=[height_of(mark.accuracy) for mark in ringed], mode="markers",
            name="selected", uid="selected", hoverinfo="skip",
            marker={"symbol": "circle-open", "size": 19,
                    "color": [mark.ring for mark in ringed], "line": {"width": 3}},
        )  # fmt: skip


def _heights(marks: Sequence[Mark], intervals: bool, lowest: float) -> tuple[float, float]:
    """The ends of the vertical axis."""
    shown = [mark.accuracy for mark in marks]
    best = height_of(max(shown))
    if intervals:
        shown += [end for mark in marks if mark.interval for end in mark.interval]
    low = max(height_of(min(shown)), height_of(lowest))
    # An interval up to 100 %, of seeds that differ wildly, would press all points together.
    high = min(height_of(max(shown)), best + 0.5)
    room = max(0.05, 0.06 * (high - low))
    return low - room, high + room


def _cost_ticks(costs: Sequence[float]) -> dict[str, Any]:
    """Powers of ten; where there is hardly one, also numbers between, of which Plotly would show the digit alone."""
    low, high = min(costs), max(costs)
    if math.log10(high / low) > 1.5:
        return {"dtick": 1}
    powers = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
    ticks = [digit * 10.0**power for power in powers for digit in (1, 2, 3, 5, 7)]
    return {"tickvals": ticks, "ticktext": [formatting.count(tick) if tick >= 1 else f"{tick:.3g}" for tick in ticks]}

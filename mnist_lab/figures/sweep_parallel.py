"""Parallel coordinates: an axis for each searched field and for the accuracy, a line through them for each trial.

Plotly's own parallel coordinates make code of texts, which the pages of the program forbid, and tell of no clicks.
"""

from __future__ import annotations

import html
import math
import textwrap
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from mnist_lab.figures.sweep_points import ACCURACY, CHOSEN, Dot, Field, differing, height_ticks
from mnist_lab.figures.theme import COLOURS, NEUTRAL, base_layout, fade, message, mix

# The trials in as many parts of equal size, by their accuracy, the best last.
PARTS = 5
AXIS_WIDTH = 118
MOST_LINES = 1000
MOST_MARKED = 200


def sweep_parallel(
    dots: Sequence[Dot], fields: Sequence[Field], chosen: int | None = None, dark: bool = False, height: int = 460
) -> go.Figure:
    """A line for each trial that has an accuracy, the better the stronger its colour.

    Args:
        dots: The trials; of more than `MOST_LINES` the best.
        fields: What was searched; those in which no two trials differ are left out.
        chosen: The number of the trial to draw over the others.
        dark: As in `base_layout`.
        height: In pixels.
    """
    shown = sorted((dot for dot in dots if dot.is_drawn), key=lambda dot: dot.height)[-MOST_LINES:]
    kept = differing(fields, shown)
    if not kept:
        return message("Lines are drawn once two trials differ.", dark, 200)
    scales = [each.scale(shown) for each in kept]
    ends = [
        _ends([scale.place(dot.values[each.name]) for dot in shown if each.name in dot.values])
        for each, scale in zip(kept, scales, strict=True)
    ]
    accuracy_ends = _ends([dot.height for dot in shown])

    def places(dot: Dot) -> list[float | None]:
        found: list[float | None] = []
        for each, scale, (low, high) in zip(kept, scales, ends, strict=True):
            place = scale.place(dot.values[each.name]) if each.name in dot.values else math.nan
            found.append((place - low) / (high - low) if math.isfinite(place) else None)
        low, high = accuracy_ends
        return [*found, (dot.height - low) / (high - low)]

    figure = go.Figure()
    size = max(1, math.ceil(len(shown) / PARTS))
    for part in range(PARTS):
        group = shown[part * size : (part + 1) * size]
        if group:
            share = (part + 1) / PARTS
            alpha = (0.25 if len(shown) < 300 else 0.1) + 0.6 * share
            colour = fade(mix(NEUTRAL, COLOURS[0], share), alpha)
            _lines(figure, group, [places(dot) for dot in group], f"part-{part}", _name(part, size), colour, 1.5, shown)
    best = shown[-1]
    _lines(figure, [best], [places(best)], "best", f"the best, trial {best.number}", COLOURS[2], 3.5, shown)
    picked = [dot for dot in shown if dot.number == chosen]
    _lines(figure, picked, [places(dot) for dot in picked], "chosen", f"trial {chosen}", CHOSEN, 3.5, shown)
    ticks = [scale.ticks(*end) for scale, end in zip(scales, ends, strict=True)]
    ticks.append(height_ticks(*accuracy_ends))
    labels = [*(each.label for each in kept), ACCURACY]
    hidden = {"visible": False, "fixedrange": True, "showgrid": False, "zeroline": False}
    figure.layout = base_layout(
        dark,
        height,
        width=AXIS_WIDTH * len(labels),
        margin={"l": 12, "r": 12, "t": 40, "b": 8},
        showlegend=True,
        hovermode="closest",
        hoverdistance=24,
        legend={"orientation": "h", "x": 0, "y": -0.02, "yanchor": "top"},
        xaxis={**hidden, "range": [-0.55, len(labels) - 0.55]},
        yaxis={**hidden, "range": [-0.05, 1.2]},
        shapes=[_stroke(place) for place in range(len(labels))],
        annotations=_annotations(labels, ticks, [*ends, accuracy_ends]),
    )
    return figure


def _lines(
    figure: go.Figure,
    dots: Sequence[Dot],
    rows: Sequence[Sequence[float | None]],
    uid: str,
    name: str,
    colour: str,
    width: float,
    every: Sequence[Dot],
) -> None:
    """Lines of one colour as one trace: between two of them is a point that is nowhere."""
    x: list[float | None] = []
    y: list[float | None] = []
    numbers: list[int | None] = []
    texts: list[str] = []
    for dot, row in zip(dots, rows, strict=True):
        x += [*range(len(row)), None]
        y += [*(None if place is None else round(place, 4) for place in row), None]
        numbers += [dot.number] * (len(row) + 1)
        texts += [dot.words] * (len(row) + 1)
    is_special = uid in ("best", "chosen")
    figure.add_scatter(
        x=x, y=y, mode="lines+markers" if is_special or len(every) <= MOST_MARKED else "lines", uid=uid, name=name,
        line={"color": colour, "width": width}, marker={"size": 8 if is_special else 5, "color": colour},
        customdata=numbers, text=texts, hovertemplate="%{text}<extra></extra>", connectgaps=False,
        showlegend=bool(dots) and (is_special or uid in ("part-0", f"part-{PARTS - 1}")),
    )  # fmt: skip


def _name(part: int, size: int) -> str:
    return f"the {'best' if part else 'worst'} {size}"


def _ends(places: Sequence[float]) -> tuple[float, float]:
    finite = [place for place in places if math.isfinite(place)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _stroke(place: int) -> dict[str, Any]:
    line = {"color": NEUTRAL, "width": 1.5}
    return {"type": "line", "x0": place, "x1": place, "y0": 0, "y1": 1, "line": line, "layer": "below"}


def _annotations(
    labels: Sequence[str],
    ticks: Sequence[Sequence[tuple[float, str]]],
    ends: Sequence[tuple[float, float]],
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for place, (label, marks, (low, high)) in enumerate(zip(labels, ticks, ends, strict=True)):
        lines = textwrap.wrap(label, 16)[:3] or [label]
        words = "<br>".join(html.escape(line, quote=False) for line in lines)
        above = {"xanchor": "center", "yanchor": "bottom", "font": {"size": 12}}
        found.append(_text(place, 1.06, f"<b>{words}</b>", above))
        for tick, text in marks:
            at = (tick - low) / (high - low)
            if -0.001 <= at <= 1.001:
                # With a halo: lines go through everything here.
                font = {"size": 11, "shadow": "auto"}
                found.append(_text(place, at, text, {"xanchor": "right", "xshift": -6, "font": font}))
    return found


def _text(x: float, y: float, text: str, more: dict[str, Any]) -> dict[str, Any]:
    return {"x": x, "y": y, "text": text, "showarrow": False, **more}

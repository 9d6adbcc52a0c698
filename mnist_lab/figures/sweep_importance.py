"""How much each searched field matters for the accuracy."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from mnist_lab.figures.theme import COLOURS, NEUTRAL, axis, base_layout, message

ROW = 38


@dataclass(frozen=True, slots=True)
class Bar:
    """One field.

    Attributes:
        name: What a click on it tells.
        label: What the page calls it.
        share: Of all importance, 0 to 1.
        low: The lower end of its interval, or None where it is not known.
        high: The upper end.
    """

    name: str
    label: str
    share: float
    low: float | None = None
    high: float | None = None


def sweep_importance(bars: Sequence[Bar], dark: bool = False) -> go.Figure:
    """A bar for each field, the most important one at the top, with its interval.

    Args:
        bars: In any order.
        dark: As in `base_layout`.
    """
    if not bars:
        return message("Importance is reckoned once a few trials differ.", dark, 200)
    # Plotly begins at the bottom.
    ordered = sorted(bars, key=lambda bar: bar.share)
    ends = [(bar.share if bar.low is None else bar.low, bar.share if bar.high is None else bar.high) for bar in ordered]
    figure = go.Figure(
        go.Bar(
            x=[100 * bar.share for bar in ordered],
            y=list(range(len(ordered))),
            orientation="h",
            uid="importance",
            customdata=[bar.name for bar in ordered],
            text=[_words(bar) for bar in ordered],
            textposition="none",
            hovertemplate="%{text}<extra></extra>",
            marker={"color": COLOURS[0], "opacity": 0.85},
            error_x={
                "type": "data", "symmetric": False, "color": NEUTRAL, "thickness": 2, "width": 6,
                "array": [100 * max(0.0, high - bar.share) for bar, (_, high) in zip(ordered, ends, strict=True)],
                "arrayminus": [100 * max(0.0, bar.share - low) for bar, (low, _) in zip(ordered, ends, strict=True)],
            },
        )
    )  # fmt: skip
    figure.layout = base_layout(
        dark,
        80 + ROW * len(ordered),
        showlegend=False,
        bargap=0.35,
        xaxis=axis("Importance (%)", rangemode="tozero"),
        yaxis=axis(
            tickvals=list(range(len(ordered))),
            ticktext=[html.escape(bar.label, quote=False) for bar in ordered],
            showgrid=False,
            fixedrange=True,
        ),
    )
    return figure


def _words(bar: Bar) -> str:
    said = f"{html.escape(bar.label, quote=False)}: {100 * bar.share:.0f} %"
    if bar.low is None or bar.high is None:
        return said
    return f"{said} ({100 * bar.low:.0f} – {100 * bar.high:.0f} %)"

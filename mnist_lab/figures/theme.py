"""Colours and the layout that all figures share.

Backgrounds are transparent and the colours of data are middle tones, so that a figure can be read on the light and
on the dark side of the theme. The chart component replaces the colours of text and grid by those of the page.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#785EF0", "#56B4E9", "#AA3377")
"""Eight colours that stay apart for people with protanopia or deuteranopia, and stand out on white and on near-black.

Six are Okabe and Ito's (2008), violet is IBM's and wine is Tol's; the tests check the distances.
"""
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
SYMBOLS = (("circle", "●"), ("square", "■"), ("diamond", "◆"), ("triangle-up", "▲"), ("cross", "✚"))
NEUTRAL = "#8A94A3"
FAULT = "#D7263D"
INK = {False: "#1b2430", True: "#e4e9f0"}
TRANSPARENT = "rgba(0, 0, 0, 0)"


def fade(colour: str, alpha: float) -> str:
    """A ``#rrggbb`` colour with transparency, as ``"rgba(...)"``."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {alpha:g})"


def mix(colour: str, other: str, share: float) -> str:
    """A ``#rrggbb`` colour with a share of another mixed in, opaque."""
    parts = [round((1 - share) * int(colour[i : i + 2], 16) + share * int(other[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{part:02x}" for part in parts)


def _slot(run_id: str) -> int:
    return int.from_bytes(hashlib.blake2b(run_id.encode(), digest_size=8).digest(), "big") % len(COLOURS)


def run_colour(run_id: str) -> str:
    """The colour of a run: made from its id alone, so the same on every page and after every restart."""
    return COLOURS[_slot(run_id)]


@dataclass(frozen=True, slots=True)
class Look:
    """How the curve of a run looks among others.

    Attributes:
        colour: The run's own, whatever it is shown with.
        dash: Plotly's name for the line.
        symbol: Plotly's name for the points.
        sign: That symbol as a character, for legends in text.
    """

    colour: str
    dash: str
    symbol: str
    sign: str


def run_looks(run_ids: Iterable[str]) -> dict[str, Look]:
    """The looks of runs that are shown together.

    With eight colours for any number of runs, some share one. A colour that gave way to others would depend on the
    company, and a run would change its colour with the selection. So the colour is always the run's own, and what
    tells runs of one colour apart is the line and the symbol.

    Args:
        run_ids: Any number of ids; their order does not matter.

    Returns:
        A look per id. Up to thirty runs of one colour look different; the first of a colour has a solid line.
    """
    found: dict[str, Look] = {}
    often: Counter[str] = Counter()
    for run_id in sorted(set(run_ids)):
        colour = run_colour(run_id)
        symbol, sign = SYMBOLS[often[colour] % len(SYMBOLS)]
        found[run_id] = Look(colour, DASHES[often[colour] % len(DASHES)], symbol, sign)
        often[colour] += 1
    return found


def axis(title: str | None = None, **settings: Any) -> dict[str, Any]:
    """An axis with a title that names its unit, room for its labels, and no zero line."""
    shown = {"title": {"text": title, "standoff": 8}} if title else {}
    return {
        "automargin": True,
        "zeroline": False,
        "showline": False,
        "ticks": "",
        "ticklabelstandoff": 3,
        **shown,
        **settings,
    }


def pixel_axes(rows: int, columns: int, *, in_corner: bool = False) -> dict[str, dict[str, Any]]:
    """The axes of a picture, unseen: pixels are their unit, as wide as high, and the first row is at the top.

    Args:
        rows: Pixels downwards.
        columns: Pixels across.
        in_corner: Whether the picture lies in the upper left where there is room left; else in the middle.
    """
    hidden = axis(visible=False, fixedrange=True, constrain="domain", showgrid=False)
    left, top = ({"constraintoward": side} if in_corner else {} for side in ("left", "top"))
    return {
        "xaxis": {**hidden, "range": [-0.5, columns - 0.5], **left},
        "yaxis": {**hidden, "range": [rows - 0.5, -0.5], "scaleanchor": "x", **top},
    }


def base_layout(dark: bool = False, height: int | None = None, **settings: Any) -> dict[str, Any]:
    """The layout that every figure starts from, as Plotly takes it: a `go.Layout` would be checked twice.

    Args:
        dark: Whether the page is dark, where the figure is shown by something else than the chart component.
        height: In pixels.
        **settings: More of Plotly's layout; axes are best made by `axis`.
    """
    grid = fade(NEUTRAL, 0.25)
    values: dict[str, Any] = {
        "template": go.layout.Template(),
        "paper_bgcolor": TRANSPARENT,
        "plot_bgcolor": TRANSPARENT,
        "font": {"color": INK[dark], "size": 13},
        "margin": {"l": 8, "r": 12, "t": 12, "b": 8},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "bgcolor": TRANSPARENT},
        "colorway": COLOURS,
        "height": height,
    }
    values.update(settings)
    for name, value in values.items():
        if name.startswith(("xaxis", "yaxis")):
            values[name] = {"gridcolor": grid, **value}
    return values


def message(text: str, dark: bool = False, height: int = 160) -> go.Figure:
    """A figure that shows nothing but a sentence, for data that is not there yet."""
    hidden = {"visible": False, "fixedrange": True}
    figure = go.Figure(layout=base_layout(dark, height, xaxis=hidden, yaxis=hidden))
    figure.add_annotation(text=text, x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False, font={"size": 14})
    return figure

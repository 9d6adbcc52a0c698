"""Where an image speaks for a digit: values over the image, with the ink shining through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from mnist_lab.figures.theme import COLOURS, NEUTRAL, axis, base_layout, fade, mix, pixel_axes

FOR, AGAINST = COLOURS[1], COLOURS[0]
SCALE = [[0, AGAINST], [0.25, fade(AGAINST, 0.6)], [0.5, fade(NEUTRAL, 0.0)], [0.75, fade(FOR, 0.6)], [1, FOR]]
LONGEST = 24  # characters of a name beside the map
INK = [[0, fade(NEUTRAL, 0.08)], [1, fade(NEUTRAL, 0.85)]]


def attribution_map(
    image: Any,
    values: Any,
    hover: str,
    left: float = 0.0,
    step: float = 1.0,
    top: float | None = None,
    step_down: float | None = None,
    dark: bool = False,
    height: int = 330,
) -> go.Figure:
    """Values over an image, on a scale that has its zero in the middle.

    Args:
        image: uint8, shape ``(28, 28)``.
        values: Shape ``(rows, columns)``; more than 0 speaks for, less against.
        hover: Plotly's hover template for a value.
        left: Where the middle of the first column of values lies on the image, in pixels.
        step: Pixels from one column to the next.
        top: The same for the first row; as `left` if None.
        step_down: The same from one row to the next; as `step` if None.
        dark: As in `base_layout`.
        height: In pixels.

    Returns:
        The heat maps ``ink`` and ``values``; the scale of the latter is symmetric about 0.
    """
    pixels, numbers = np.asarray(image), np.asarray(values, dtype=float)
    limit = float(np.abs(numbers).max()) or 1.0
    figure = go.Figure(
        go.Heatmap(z=pixels, zmin=0, zmax=255, colorscale=INK, showscale=False, hoverinfo="skip", uid="ink")
    )
    figure.add_heatmap(
        z=numbers, x0=left, dx=step, y0=left if top is None else top, dy=step if step_down is None else step_down,
        zmin=-limit, zmax=limit, colorscale=SCALE, hovertemplate=f"{hover}<extra></extra>", uid="values",
        colorbar={"orientation": "h", "thickness": 8, "len": 0.9, "y": -0.02, "yanchor": "top", "outlinewidth": 0,
                  "tickvals": [-limit, 0, limit], "ticktext": [f"−{limit:.3g}", "0", f"{limit:.3g}"]},
    )  # fmt: skip
    rows, columns = pixels.shape
    figure.layout = base_layout(
        dark, height, margin={"l": 0, "r": 0, "t": 4, "b": 30},
        **pixel_axes(rows, columns),
    )  # fmt: skip
    return figure


def said_by_runs(names: Sequence[str], probabilities: Any, dark: bool = False) -> go.Figure:
    """What several networks say of one image.

    Args:
        names: Of the networks.
        probabilities: Shape ``(len(names), 10)``.
        dark: As in `base_layout`.

    Returns:
        A heat map with a row a network and a column a digit, the probabilities in percent written in it.
    """
    said = np.asarray(probabilities, dtype=float)
    rows = list(range(len(names)))
    figure = go.Figure(
        go.Heatmap(
            z=said, x=[str(digit) for digit in range(10)], y=rows, zmin=0, zmax=1, showscale=False, xgap=2, ygap=2,
            colorscale=[[0, mix(NEUTRAL, "#ffffff", 0.8)], [1, COLOURS[0]]], uid="said",
            text=[[f"{100 * value:.0f}" if value >= 0.005 else "" for value in row] for row in said],
            texttemplate="%{text}", customdata=[[name] * 10 for name in names],
            hovertemplate="%{customdata}<br>digit %{x}: %{z:.2%}<extra></extra>",
        )
    )  # fmt: skip
    short = [name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…" for name in names]
    figure.layout = base_layout(
        dark, 70 + 30 * len(names),
        xaxis=axis("Digit (probabilities in %)", fixedrange=True, showgrid=False, type="category"),
        yaxis=axis(tickvals=rows, ticktext=short, fixedrange=True, showgrid=False, autorange="reversed"),
    )  # fmt: skip
    return figure

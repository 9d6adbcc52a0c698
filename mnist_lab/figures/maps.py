"""Maps of a layer side by side on one scale, filters, and the arithmetic of one value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from mnist_lab.figures.attribution import AGAINST, FOR
from mnist_lab.figures.theme import COLOURS, NEUTRAL, axis, base_layout, fade, mix, pixel_axes

GAP = 1
WIDTH = 760  # pixels that a grid takes on a page that is wide enough
LEAST, MOST = 2.0, 22.0  # pixels on the page for one value
WRITTEN = 49  # a table of more values than this has no room for its numbers
SIGNED = [[0, AGAINST], [0.5, fade(NEUTRAL, 0.12)], [1, FOR]]
# Opaque: numbers must be read on it, on light pages and on dark ones.
WRITTEN_ON = [[0, AGAINST], [0.5, mix(NEUTRAL, "#ffffff", 0.8)], [1, FOR]]
RISING = [[0, fade(NEUTRAL, 0.12)], [1, FOR]]


@dataclass(frozen=True, slots=True)
class Grid:
    """How maps lie side by side.

    Attributes:
        height: Of one map, in values.
        width: The same.
        maps: How many there are.
        columns: Maps a row.
    """

    height: int
    width: int
    maps: int
    columns: int

    @property
    def steps(self) -> tuple[int, int]:
        """From one map to the next, downwards and across."""
        return self.height + GAP, self.width + GAP

    @property
    def size(self) -> tuple[int, int]:
        """Of the whole, in values."""
        rows = -(-self.maps // self.columns)
        return rows * self.steps[0] - GAP, min(self.columns, self.maps) * self.steps[1] - GAP

    def unit_at(self, x: float, y: float) -> tuple[int, int, int] | None:
        """Which value lies there: its row, its column, and its map; None between the maps."""
        (tile_row, row), (tile_column, column) = divmod(int(y), self.steps[0]), divmod(int(x), self.steps[1])
        number = tile_row * self.columns + tile_column
        if row >= self.height or column >= self.width or number >= self.maps:
            return None
        return row, column, number


def grid_of(values: Any) -> Grid:
    """The grid for maps of shape ``(height, width, maps)``: about twice as wide as high."""
    height, width, maps = np.asarray(values).shape
    columns = max(1, min(maps, round((2.2 * maps * (height + GAP) / (width + GAP)) ** 0.5)))
    return Grid(height, width, maps, columns)


def map_grid(
    values: Any, limits: tuple[float, float] | None = None, marked: tuple[int, int, int] | None = None,
    dark: bool = False,
) -> go.Figure:  # fmt: skip
    """Maps side by side, all on one scale.

    Args:
        values: Shape ``(height, width, maps)``.
        limits: The least and the largest value of the scale; those of `values` if None.
        marked: A value with a frame around it: its row, its column, its map.
        dark: As in `base_layout`.

    Returns:
        One heat map, ``uid`` "maps"; where a cell lies `Grid.unit_at` of `grid_of` tells. Blue is below 0.
    """
    maps = np.asarray(values, dtype=np.float32)
    grid = grid_of(maps)
    whole = np.full(grid.size, np.nan, np.float32)
    for number in range(grid.maps):
        top, left = (at * step for at, step in zip(divmod(number, grid.columns), grid.steps, strict=True))
        whole[top : top + grid.height, left : left + grid.width] = maps[..., number]
    low, high = limits or (float(maps.min()), float(maps.max()))
    reach = max(abs(low), abs(high)) or 1.0
    lowest = -reach if low < 0 else 0.0
    figure = go.Figure(
        go.Heatmap(
            z=whole, zmin=lowest, zmax=reach, colorscale=SIGNED if low < 0 else RISING, hoverongaps=False,
            hoverinfo="none", uid="maps",
            colorbar={"thickness": 8, "outlinewidth": 0, "len": 1, "tickvals": sorted({lowest, 0.0, reach}),
                      "ticktext": [f"{value:.3g}" for value in sorted({lowest, 0.0, reach})]},
        )
    )  # fmt: skip
    rows, columns = grid.size
    pixels = min(MOST, max(LEAST, WIDTH / columns))
    figure.layout = base_layout(
        dark, round(rows * pixels) + 16, margin={"l": 0, "r": 0, "t": 4, "b": 4},
        width=max(10, round(columns * LEAST)),
        **pixel_axes(rows, columns, in_corner=True),
    )  # fmt: skip
    if marked is not None:
        row, column, number = marked
        top, left = (at * step for at, step in zip(divmod(number, grid.columns), grid.steps, strict=True))
        figure.add_shape(
            type="rect", x0=left + column - 0.5, x1=left + column + 0.5, y0=top + row - 0.5, y1=top + row + 0.5,
            line={"color": COLOURS[2], "width": 2},
        )  # fmt: skip
    return figure


def unit_bars(values: Any, dark: bool = False, height: int = 260) -> go.Figure:
    """The values of a dense layer, a bar a unit; a click gives the unit as ``x``."""
    numbers = np.asarray(values, dtype=np.float32)
    figure = go.Figure(
        go.Bar(x=np.arange(len(numbers)), y=numbers, uid="units", hovertemplate="unit %{x}: %{y:.4g}<extra></extra>",
               marker={"color": np.where(numbers < 0, AGAINST, FOR).tolist(), "line": {"width": 0}})
    )  # fmt: skip
    figure.layout = base_layout(
        dark, height, bargap=0.1, showlegend=False, xaxis=axis("Unit", showgrid=False), yaxis=axis("Value")
    )
    return figure


def number_table(values: Any, inside: NDArray[np.bool_] | None = None, dark: bool = False) -> go.Figure:
    """A small map with its numbers written in it.

    Args:
        values: Shape ``(rows, columns)``.
        inside: False where a value lies outside the map and counts as 0.
        dark: As in `base_layout`.

    Returns:
        One heat map, symmetric about 0.
    """
    numbers = np.asarray(values, dtype=float)
    rows, columns = numbers.shape
    limit = float(np.abs(numbers).max()) or 1.0
    texts = [[f"{value:.2f}".replace("-0.00", "0.00") for value in row] for row in numbers]
    if inside is not None:
        texts = [["·" if not there else text for there, text in zip(*each, strict=True)]
                 for each in zip(inside, texts, strict=True)]  # fmt: skip
    small = numbers.size <= WRITTEN
    figure = go.Figure(
        go.Heatmap(z=numbers, zmin=-limit, zmax=limit, colorscale=WRITTEN_ON, showscale=False, xgap=1, ygap=1,
                   uid="numbers", text=texts, texttemplate="%{text}" if small else None,
                   textfont={"size": 12 if columns <= 5 else 10}, hovertemplate="%{z:.5f}<extra></extra>")
    )  # fmt: skip
    figure.layout = base_layout(
        dark, 230, margin={"l": 0, "r": 0, "t": 2, "b": 2},
        **pixel_axes(rows, columns),
    )  # fmt: skip
    return figure

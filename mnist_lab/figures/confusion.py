"""The confusion matrix: what was taken for what."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from mnist_lab.figures.theme import NEUTRAL, axis, base_layout, fade

DIAGONAL_SCALE = [[0, "#3A80BA"], [1, "#0A4A80"]]
ERROR = "#C2410C"
STRONG = 0.55
"""Errors above this share of the largest are dark enough for white text, on light pages too."""


def _error_scale() -> list[list[Any]]:
    """From a trace of grey (no error) over a leap (one error) to the full colour; the root brings out small counts."""
    steps = [0.001, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0]
    return [[0, fade(NEUTRAL, 0.1)], *([step, fade(ERROR, 0.15 + 0.85 * step**0.5)] for step in steps)]


def confusion_heatmap(matrix: Any, as_rates: bool = False, dark: bool = False, height: int = 520) -> go.Figure:
    """A confusion matrix in which errors can be seen beside the diagonal.

    The diagonal and the errors have colour scales of their own: on MNIST a cell of the diagonal holds about a
    thousand images, and one of the errors a handful.

    Args:
        matrix: Counts of shape ``(10, 10)``; rows are true digits, columns are predicted ones.
        as_rates: Write each cell as a percentage of the images of its true digit, instead of counts.
        dark: As in `base_layout`.
        height: In pixels; the matrix is square and as large as height and width allow.

    Returns:
        The traces ``correct`` and ``errors`` (heat maps; a click on one gives ``x``, the predicted, and ``y``, the
        true digit), and the texts of the cells.

    Raises:
        ValueError: If the matrix is not square or holds negative counts.
    """
    counts = np.asarray(matrix)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or (counts < 0).any():
        raise ValueError(f"A confusion matrix is square and has no negative counts. Received: shape {counts.shape}.")
    totals = counts.sum(axis=1, keepdims=True)
    rates = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    shown = 100 * rates if as_rates else counts.astype(float)
    diagonal = np.eye(len(counts), dtype=bool)
    digits = list(range(len(counts)))
    hover = [
        [
            f"true {true}, predicted {predicted}: {count:,} image{'' if count == 1 else 's'}"
            f"<br>{rates[true, predicted]:.2%} of the {totals[true, 0]:,} images of a {true}"
            for predicted, count in enumerate(counts[true])
        ]
        for true in digits
    ]
    shared: dict[str, Any] = {
        "x": digits, "y": digits, "hovertext": hover, "hoverinfo": "text", "hoverongaps": False,
        "showscale": False, "xgap": 2, "ygap": 2, "customdata": counts,
    }  # fmt: skip
    errors = np.where(diagonal, np.nan, shown)
    largest = max(float(np.nanmax(errors)), 1e-9) if len(counts) > 1 else 1.0
    figure = go.Figure(
        [
            go.Heatmap(
                z=np.where(diagonal, rates, np.nan), zmin=0.5, zmax=1, colorscale=DIAGONAL_SCALE, name="correct",
                uid="correct", **shared,
            ),
            go.Heatmap(
                z=errors, zmin=0, zmax=largest, colorscale=_error_scale(), name="errors", uid="errors", **shared
            ),
        ]
    )  # fmt: skip
    strong = diagonal | (np.nan_to_num(errors) > STRONG * largest)
    _write(figure, shown, (counts > 0) & strong, as_rates, "white", "text on dark")
    _write(figure, shown, (counts > 0) & ~strong, as_rates, None, "text")
    edge = [-0.5, len(counts) - 0.5]
    figure.layout = base_layout(
        dark,
        height,
        showlegend=False,
        xaxis=axis("Predicted digit", dtick=1, range=edge, showgrid=False, fixedrange=True, constrain="domain"),
        yaxis=axis(
            "True digit", dtick=1, range=edge[::-1], showgrid=False, fixedrange=True, constrain="domain",
            scaleanchor="x", constraintoward="top",
        ),
    )  # fmt: skip
    return figure


def _write(
    figure: go.Figure, shown: np.ndarray, where: np.ndarray, as_rates: bool, colour: str | None, name: str
) -> None:
    rows, columns = np.nonzero(where)
    figure.add_scatter(
        x=columns, y=rows, mode="text", name=name, uid=name, hoverinfo="skip",
        text=[f"{value:.1f}" if as_rates else f"{value:.0f}" for value in shown[where]],
        textfont={"color": colour, "size": 12},
    )  # fmt: skip

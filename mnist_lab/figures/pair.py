"""Two networks on the same images: how the confusion matrix changes, and the differences per digit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from mnist_lab.figures.theme import COLOURS, NEUTRAL, axis, base_layout, fade, message, mix

FEWER, MORE = COLOURS[0], COLOURS[1]
"""Blue and orange, which stay apart for people with protanopia, deuteranopia or tritanopia."""
FRAME = mix(NEUTRAL, "#000000", 0.3)
STRONG = 0.5
"""Differences above this share of the largest are dark enough for white text, on light pages too."""
FAINT = 0.12


def _diverging_scale() -> list[list[Any]]:
    """Blue below 0, a trace of grey at 0, orange above; the root makes a difference of one image plain to see."""
    steps = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0)
    below = [[0.5 - step / 2, fade(FEWER, 0.2 + 0.8 * step**0.5)] for step in reversed(steps)]
    above = [[0.5 + step / 2, fade(MORE, 0.2 + 0.8 * step**0.5)] for step in steps]
    return [*below, [0.5, fade(NEUTRAL, FAINT)], *above]


def confusion_difference(
    came: Any, left: Any, names: tuple[str, str] = ("A", "B"), dark: bool = False, height: int = 440
) -> go.Figure:
    """How one confusion matrix becomes another: the second less the first, in counts.

    Args:
        came: Counts of shape ``(10, 10)``; rows are true digits, columns what the second network says: the images of
            which the first says otherwise.
        left: The same for what the first says and the second does not.
        names: What the two are called in the hover text, short.
        dark: As in `base_layout`.
        height: In pixels.

    Returns:
        The trace ``difference`` (a heat map with its middle colour at 0; a click gives ``x``, the predicted, and
        ``y``, the true digit), and the texts of the cells that any image came into or left. The diagonal has a frame:
        there more is better, elsewhere fewer.

    Raises:
        ValueError: If the matrices are not square, differ in shape, or hold negative counts.
    """
    inward, outward = np.asarray(came), np.asarray(left)
    shape = inward.shape
    if len(shape) != 2 or shape[0] != shape[1] or outward.shape != shape or (inward < 0).any() or (outward < 0).any():
        raise ValueError(
            f"There must be two square matrices of counts, none negative. Received: shapes {shape}, {outward.shape}."
        )
    change = inward.astype(int) - outward.astype(int)
    largest = max(1, int(np.abs(change).max(initial=0)))
    digits = list(range(len(change)))
    first, second = names
    hover = [
        [
            f"true {true}, said {said}: {_signed(change[true, said])} with {second}<br>"
            f"{_images(inward[true, said])} came: {first} says otherwise<br>"
            f"{_images(outward[true, said])} left: {second} says otherwise"
            for said in digits
        ]
        for true in digits
    ]
    figure = go.Figure(
        go.Heatmap(
            z=change, x=digits, y=digits, zmin=-largest, zmax=largest, colorscale=_diverging_scale(),
            showscale=False, xgap=2, ygap=2, hovertext=hover, hoverinfo="text", name="difference", uid="difference",
        )
    )  # fmt: skip
    moved = (inward > 0) | (outward > 0)
    strong = np.abs(change) > STRONG * largest
    for where, colour, name in ((moved & strong, "white", "text on dark"), (moved & ~strong, None, "text")):
        rows, columns = np.nonzero(where)
        figure.add_scatter(
            x=columns, y=rows, mode="text", name=name, uid=name, hoverinfo="skip",
            text=[_signed(value) for value in change[where]], textfont={"color": colour, "size": 12},
        )  # fmt: skip
    edge = [-0.5, len(change) - 0.5]
    same: dict[str, Any] = {"dtick": 1, "showgrid": False, "fixedrange": True, "constrain": "domain"}
    figure.layout = base_layout(
        dark,
        height,
        showlegend=False,
        xaxis=axis("Predicted digit", range=edge, **same),
        yaxis=axis("True digit", range=edge[::-1], scaleanchor="x", constraintoward="top", **same),
    )
    for digit in digits:
        figure.add_shape(
            type="rect", x0=digit - 0.5, x1=digit + 0.5, y0=digit - 0.5, y1=digit + 0.5,
            line={"width": 2, "color": FRAME},
        )  # fmt: skip
    return figure


def difference_forest(
    differences: Sequence[float],
    intervals: Sequence[tuple[float, float]],
    marked: Sequence[bool],
    names: tuple[str, str] = ("A", "B"),
    dark: bool = False,
    height: int = 400,
) -> go.Figure:
    """The differences of ten recalls with their intervals, a line a digit, and a line at 0.

    Args:
        differences: Per digit, first network less second, as a share; NaN for a digit without images.
        intervals: Their ends.
        marked: Which differences to set off, as more than chance.
        names: What the two are called beside the axis, short.
        dark: As in `base_layout`.
        height: In pixels.

    Returns:
        The traces ``chance`` and ``marked``: a point a digit, its interval as a bar; x is in points of percentage.

    Raises:
        ValueError: If there are not as many intervals and marks as differences.
    """
    if not len(differences) == len(intervals) == len(marked):
        raise ValueError(
            f"Each difference needs an interval and a mark. Received: {len(differences)}, {len(intervals)}, "
            f"{len(marked)}."
        )
    middle = 100 * np.asarray(differences, dtype=float)
    ends = 100 * np.asarray(intervals, dtype=float).reshape(-1, 2)
    known = ~np.isnan(middle)
    if not known.any():
        return message("There are no images to compare.", dark)
    figure = go.Figure()
    for uid, where, colour, symbol in (
        ("chance", known & ~np.asarray(marked, dtype=bool), NEUTRAL, "circle"),
        ("marked", known & np.asarray(marked, dtype=bool), COLOURS[0], "diamond"),
    ):
        figure.add_scatter(
            x=middle[where], y=[str(digit) for digit in np.flatnonzero(where)], uid=uid, name=uid, mode="markers",
            error_x={
                "type": "data", "symmetric": False, "array": ends[where, 1] - middle[where],
                "arrayminus": middle[where] - ends[where, 0], "color": colour, "thickness": 2, "width": 5,
            },
            marker={"size": 10, "color": colour, "symbol": symbol}, customdata=ends[where],
            hovertemplate="digit %{y}: %{x:+.2f} points (95 % interval %{customdata[0]:+.2f} to "
            "%{customdata[1]:+.2f})<extra></extra>",
        )  # fmt: skip
    first, second = names
    digits = [str(digit) for digit in range(len(middle))]
    figure.layout = base_layout(
        dark,
        height,
        showlegend=False,
        xaxis=axis(f"Recall of {first} less that of {second} (points)", zeroline=False, fixedrange=True),
        yaxis=axis(
            "Digit", type="category", categoryorder="array", categoryarray=digits, fixedrange=True,
            range=[len(digits) - 0.5, -0.5],
        ),
    )  # fmt: skip
    figure.add_shape(type="line", x0=0, x1=0, y0=0, y1=1, yref="paper", line={"width": 1.5, "color": NEUTRAL})
    return figure


def epoch_accuracies(
    epochs: Sequence[int],
    validation: Sequence[float | None],
    test: dict[int, tuple[float, float, float]],
    epoch: int,
    first_name: str = "validation images",
    dark: bool = False,
    height: int = 240,
) -> go.Figure:
    """Accuracy over the epochs, as far as it is known, with a line at the one that is looked at.

    Args:
        epochs: The epochs of the history.
        validation: The validation accuracy of each, None where it was not measured.
        test: By epoch, the accuracy on the test images and the ends of its interval, where they were asked.
        epoch: The epoch that is looked at.
        first_name: What the validation images are called.
        dark: As in `base_layout`.
        height: In pixels.

    Returns:
        The traces ``validation`` and, where there is anything to show, ``test``.
    """
    figure = go.Figure()
    figure.add_scatter(
        x=list(epochs), y=[np.nan if value is None else value for value in validation], uid="validation",
        name=first_name, mode="lines+markers", line={"width": 2, "color": COLOURS[1]}, marker={"size": 6},
        hovertemplate="epoch %{x}: %{y:.2%}<extra></extra>",
    )  # fmt: skip
    if test:
        where = sorted(test)
        middle, low, high = (np.array([test[each][index] for each in where]) for index in range(3))
        figure.add_scatter(
            x=where, y=middle, uid="test", name="test images, 95 % interval", mode="markers",
            marker={"size": 9, "symbol": "diamond", "color": COLOURS[0]}, customdata=np.stack([low, high], axis=1),
            error_y={"type": "data", "symmetric": False, "array": high - middle, "arrayminus": middle - low,
                     "color": COLOURS[0], "thickness": 1.5},
            hovertemplate="epoch %{x}, test: %{y:.2%} (%{customdata[0]:.2%} – %{customdata[1]:.2%})<extra></extra>",
        )  # fmt: skip
    figure.layout = base_layout(
        dark,
        height,
        showlegend=True,
        xaxis=axis("Epoch", fixedrange=True, tickformat="d", dtick=max(1, -(-len(epochs) // 12))),
        yaxis=axis("Accuracy", tickformat=".1%", fixedrange=True),
    )
    figure.add_shape(
        type="line", x0=epoch, x1=epoch, y0=0, y1=1, yref="paper", line={"width": 1.5, "dash": "dot", "color": NEUTRAL}
    )
    return figure


def _signed(value: int) -> str:
    return f"{value:+,d}".replace("-", "−") if value else "0"


def _images(count: int) -> str:
    return f"{count:,} image{'' if count == 1 else 's'}"

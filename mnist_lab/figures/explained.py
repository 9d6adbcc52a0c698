"""What a network says of an image as it changes, or as the network does; and images as points in a plane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from mnist_lab.figures.theme import COLOURS, FAULT, INK, NEUTRAL, axis, base_layout
from mnist_lab.perturb import Flip

TEN = (*COLOURS, "#7A5C2E", NEUTRAL)
SHOWN = 0.05  # digits that never get so probable are drawn in grey


def _ten_lines(x: Any, said: Any, answer: int, hover: str, mode: str) -> go.Figure:
    figure = go.Figure()
    seen = [digit for digit in range(10) if said[:, digit].max() >= SHOWN]
    colours = dict(zip([answer, *(digit for digit in seen if digit != answer)], COLOURS * 2, strict=False))
    for digit in range(10):
        figure.add_scatter(
            x=x, y=said[:, digit], name=str(digit), uid=str(digit), mode=mode if digit in colours else "lines",
            line={"color": colours.get(digit, NEUTRAL), "width": 2 if digit in colours else 1},
            showlegend=digit in colours, hovertemplate=f"{hover}: digit {digit} %{{y:.1%}}<extra></extra>",
        )  # fmt: skip
    return figure


def along_change(flip: Flip, dark: bool = False, height: int = 240) -> go.Figure:
    """Ten lines, one a digit, over the amounts of a change.

    Args:
        flip: What was tried.
        dark: As in `base_layout`.
        height: In pixels.

    Returns:
        Traces named and ``uid``-ed by their digit; 0 on the x axis is the image as it is.
    """
    figure = _ten_lines(flip.amounts, flip.said, flip.answer, f"%{{x:g}} {flip.change.unit}", "lines")
    change = flip.change
    figure.layout = base_layout(
        dark, height,
        xaxis=axis(f"{change.name} ({change.unit}): {change.less} < 0 < {change.more}"),
        yaxis=axis(range=[-0.02, 1.02], tickformat=".0%"),
    )  # fmt: skip
    figure.add_vline(0, line={"color": NEUTRAL, "width": 1, "dash": "dot"})
    return figure


def through_epochs(epochs: Sequence[int], said: Any, dark: bool = False, height: int = 280) -> go.Figure:
    """What a network said of an image after each epoch.

    Args:
        epochs: Rising.
        said: Probabilities, shape ``(len(epochs), 10)``.
        dark: As in `base_layout`.
        height: In pixels.

    Returns:
        Traces named and ``uid``-ed by their digit.
    """
    probabilities = np.asarray(said, dtype=float)
    figure = _ten_lines(epochs, probabilities, int(probabilities[-1].argmax()), "epoch %{x}", "lines+markers")
    figure.layout = base_layout(
        dark, height, xaxis=axis("Epoch"), yaxis=axis("Probability", range=[-0.02, 1.02], tickformat=".0%")
    )
    return figure


def plane(
    points: Any, labels: Any, said: Any, names: Sequence[str], own: Any, own_words: str, axes: tuple[str, str],
    dark: bool = False, height: int = 560,
) -> go.Figure:  # fmt: skip
    """Images as points, coloured by their digit; those that the network gets wrong are crosses.

    Args:
        points: Shape ``(n, 2)``.
        labels: The digit of each.
        said: What the network says of each.
        names: What each is called.
        own: The image among them, shape ``(2,)``.
        own_words: What to write at it.
        axes: Titles of the axes.
        dark: As in `base_layout`.
        height: In pixels.

    Returns:
        A trace a digit, ``wrong`` and ``own``. The ``customdata`` of a point is its index and its words; the index of
        `own` is n.
    """
    places, digits, guesses = np.asarray(points), np.asarray(labels), np.asarray(said)
    figure = go.Figure()
    words = [f"{name}: is {digit}, it says {guess}" for name, digit, guess in zip(names, digits, guesses, strict=True)]
    wrong = digits != guesses

    def add(where: NDArray[np.intp], marker: dict[str, Any], name: str, uid: str) -> None:
        told = [[at, words[at]] for at in where.tolist()]
        figure.add_scattergl(
            x=places[where, 0], y=places[where, 1], mode="markers", name=name, uid=uid, marker=marker,
            customdata=told, hoverinfo="none",
        )  # fmt: skip

    for digit in range(10):
        right = np.flatnonzero((digits == digit) & ~wrong)
        add(right, {"color": TEN[digit], "size": 5, "opacity": 0.85}, str(digit), f"digit-{digit}")
    missed = np.flatnonzero(wrong)
    colours = [TEN[digit] for digit in digits[missed]]
    add(missed, {"color": colours, "size": 11, "symbol": "x", "line": {"width": 1, "color": FAULT}}, "wrong", "wrong")
    figure.add_scattergl(
        x=[own[0]], y=[own[1]], mode="markers", name=own_words, uid="own", hoverinfo="none",
        customdata=[[len(places), own_words]],
        marker={"symbol": "star", "size": 20, "color": COLOURS[4], "line": {"color": INK[False], "width": 1.5}},
    )  # fmt: skip
    figure.layout = base_layout(dark, height, xaxis=axis(axes[0]), yaxis=axis(axes[1]))
    return figure

"""Bars: the ten probabilities of one image, and how many images there are of each digit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from mnist_lab.figures.theme import COLOURS, NEUTRAL, axis, base_layout


def probability_bars(
    probabilities: Any | None, horizontal: bool = True, dark: bool = False, height: int = 320
) -> go.Figure:
    """The ten probabilities of one image; the winner stands out.

    The axis always spans 0 to 100 %, so that bars can be compared while one draws.

    Args:
        probabilities: Ten numbers from 0 to 1, or None where there is nothing to predict.
        horizontal: Bars to the right, one digit a line; upright bars otherwise.
        dark: As in `base_layout`.
        height: In pixels.

    Returns:
        One bar trace, ``uid`` "probabilities", with every value written in percent.

    Raises:
        ValueError: If there are not ten probabilities.
    """
    values = np.zeros(10) if probabilities is None else np.asarray(probabilities, dtype=float).ravel()
    if values.shape != (10,):
        raise ValueError(f"There must be ten probabilities. Received: {values.size}.")
    known = probabilities is not None
    colours = [COLOURS[0] if known and digit == values.argmax() else NEUTRAL for digit in range(10)]
    digits = [str(digit) for digit in range(10)]
    # room for the text outside a full bar
    scale = axis(range=[0, 1.2 if horizontal else 1.12], tickvals=[0, 0.5, 1], tickformat=".0%", fixedrange=True)
    names = axis(type="category", fixedrange=True, showgrid=False)
    bar = go.Bar(
        x=values if horizontal else digits, y=digits if horizontal else values, uid="probabilities",
        orientation="h" if horizontal else "v", marker={"color": colours, "cornerradius": 3},
        text=[_percent(value) if known else "" for value in values], textposition="outside", cliponaxis=False,
        textangle=0, constraintext="none", textfont={"size": 12 if horizontal else 10},
        hovertemplate="digit %{y}: %{x:.3%}<extra></extra>" if horizontal else "digit %{x}: %{y:.3%}<extra></extra>",
    )  # fmt: skip
    titles = ({"title": {"text": "Probability (%)", "standoff": 6}}, {"title": {"text": "Digit", "standoff": 6}})
    first, second = (scale | titles[0], names | titles[1] | {"autorange": "reversed"})
    if not horizontal:
        first, second = names | titles[1], scale | titles[0]
    return go.Figure(bar, base_layout(dark, height, showlegend=False, bargap=0.25, xaxis=first, yaxis=second))


def _percent(value: float) -> str:
    """A probability in percent that is never rounded up to certainty: 0.99996 is "> 99.9 %"."""
    if 0.999 < value < 1:
        return "> 99.9 %"
    if 0 < value < 0.0005:
        return "< 0.1 %"
    return f"{100 * value:.1f} %"


def counts_per_digit(frame: pd.DataFrame, dark: bool = False, height: int = 320) -> go.Figure:
    """How many images there are of each digit, in each part of the data.

    Args:
        frame: Columns ``split``, ``digit``, ``count``; one row per split and digit.
        dark: As in `base_layout`.
        height: In pixels.

    Returns:
        One bar trace per split, in the order of the frame.
    """
    figure = go.Figure()
    for colour, (split, part) in zip(COLOURS * 2, frame.groupby("split", sort=False), strict=False):
        figure.add_bar(
            x=part["digit"], y=part["count"], name=str(split), uid=str(split),
            marker={"color": colour, "cornerradius": 2},
            hovertemplate=f"digit %{{x}}, {split}: %{{y:,}} images<extra></extra>",
        )  # fmt: skip
    figure.layout = base_layout(
        dark,
        height,
        barmode="group",
        showlegend=True,
        xaxis=axis("Digit", dtick=1, showgrid=False),
        yaxis=axis("Images", tickformat=",d"),
    )
    return figure

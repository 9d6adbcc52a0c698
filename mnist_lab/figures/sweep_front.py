"""Accuracy against what a network costs, with the front: the trials that no other beats in both respects."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import plotly.graph_objects as go

from mnist_lab.figures.sweep_points import Dot, Scale, accuracy_axis, add_points
from mnist_lab.figures.theme import COLOURS, axis, base_layout, message


def sweep_front(
    dots: Sequence[Dot],
    cost: str,
    title: str,
    front: Collection[int],
    chosen: int | None = None,
    dark: bool = False,
    height: int = 460,
) -> go.Figure:
    """A point for each trial, and the front as steps.

    Args:
        dots: The trials.
        cost: Which of their costs.
        title: Of the horizontal axis, with its unit.
        front: The numbers of the trials on the front.
        chosen: The number of the trial to ring.
        dark: As in `base_layout`.
        height: In pixels.

    Returns:
        The axis of costs is logarithmic, that of accuracies is logarithmic in the errors.
    """
    scale = Scale({}, True)
    places = {dot.number: scale.place(dot.costs.get(cost)) for dot in dots}
    shown = [dot for dot in dots if dot.is_drawn and math.isfinite(places[dot.number])]
    if not shown:
        return message("No trial has an accuracy yet.", dark, 200)
    figure = go.Figure()
    corners = sorted((places[dot.number], dot.height) for dot in shown if dot.number in front)
    if corners:
        # Beyond the last corner the best stays the best, to the right end of the picture.
        corners.append((max(places[dot.number] for dot in shown), corners[-1][1]))
    figure.add_scatter(
        x=[place for place, _ in corners], y=[height for _, height in corners], mode="lines", uid="front",
        name="front", hoverinfo="skip", line={"shape": "hv", "width": 2, "color": COLOURS[2]},
    )  # fmt: skip
    add_points(figure, shown, [places[dot.number] for dot in shown], chosen)
    ends = [places[dot.number] for dot in shown]
    ticks = scale.ticks(min(ends) - 0.05, max(ends) + 0.05, 8)
    figure.layout = base_layout(
        dark, height, showlegend=True, hovermode="closest", yaxis=accuracy_axis(shown),
        xaxis=axis(title, tickvals=[place for place, _ in ticks], ticktext=[text for _, text in ticks]),
    )  # fmt: skip
    return figure

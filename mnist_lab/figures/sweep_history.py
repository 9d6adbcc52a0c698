"""The trials of a sweep in their order, and how the best of them got better."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from mnist_lab.figures.sweep_points import Dot, accuracy_axis, add_points
from mnist_lab.figures.theme import COLOURS, axis, base_layout, message

FEW = 12


def sweep_history(dots: Sequence[Dot], chosen: int | None = None, dark: bool = False, height: int = 420) -> go.Figure:
    """A point for each trial, and the best so far as steps.

    Args:
        dots: The trials, in their order.
        chosen: The number of the trial to ring.
        dark: As in `base_layout`.
        height: In pixels.

    Returns:
        The axis of accuracies is logarithmic in the errors: equal steps upwards halve them.
    """
    shown = [dot for dot in dots if dot.is_drawn]
    if not shown:
        return message("No trial has an accuracy yet.", dark, 200)
    figure = go.Figure()
    numbers, heights = best_so_far(shown)
    figure.add_scatter(
        x=numbers, y=heights, mode="lines", uid="best", name="best so far", hoverinfo="skip",
        line={"shape": "hv", "width": 2, "color": COLOURS[2]},
    )  # fmt: skip
    add_points(figure, shown, [dot.number for dot in shown], chosen)
    figure.layout = base_layout(
        dark,
        height,
        showlegend=True,
        hovermode="closest",
        # There is no half of a trial.
        xaxis=axis("Trial", **({"dtick": 1} if shown[-1].number <= FEW else {})),
        yaxis=accuracy_axis(shown),
    )
    return figure


def best_so_far(dots: Sequence[Dot]) -> tuple[list[int], list[float]]:
    """The corners of the line of the best: the numbers of the trials that were better than all before, and the last.

    Trials that were ended early do not count: how good they would have become is not known.
    """
    numbers: list[int] = []
    heights: list[float] = []
    for dot in dots:
        if dot.state == "complete" and (not heights or dot.height > heights[-1]):
            numbers.append(dot.number)
            heights.append(dot.height)
    if numbers and dots[-1].number > numbers[-1]:
        numbers.append(dots[-1].number)
        heights.append(heights[-1])
    return numbers, heights

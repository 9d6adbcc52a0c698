"""Each searched field against the accuracy: a panel for each, a point for each trial."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mnist_lab.figures.sweep_points import ACCURACY, Dot, Field, accuracy_axis, add_points, differing
from mnist_lab.figures.theme import axis, base_layout, message

PANEL, LEAST_WIDTH = 260, 240
MOST_PANELS = 24


def sweep_slices(
    dots: Sequence[Dot], fields: Sequence[Field], chosen: int | None = None, columns: int = 3, dark: bool = False
) -> go.Figure:
    """A panel for each field in which the trials differ.

    Args:
        dots: The trials.
        fields: What was searched, in the order of the panels.
        chosen: The number of the trial to ring.
        columns: Panels beside each other.
        dark: As in `base_layout`.
    """
    shown = [dot for dot in dots if dot.is_drawn]
    kept = differing(fields, shown)[:MOST_PANELS]
    if not kept:
        return message("Slices are drawn once two trials differ.", dark, 200)
    columns = min(columns, len(kept))
    rows = math.ceil(len(kept) / columns)
    figure = make_subplots(rows, columns, shared_yaxes="all", horizontal_spacing=0.03, vertical_spacing=0.36 / rows)
    figure.update_layout(
        base_layout(dark, 60 + PANEL * rows, width=LEAST_WIDTH * columns, showlegend=True, hovermode="closest")
    )
    for index, field in enumerate(kept):
        row, column = index // columns + 1, index % columns + 1
        there = [dot for dot in shown if field.name in dot.values]
        scale = field.scale(there)
        places = [scale.place(dot.values[field.name]) for dot in there]
        add_points(figure, there, places, chosen, uid=f"{field.name} ", row=row, column=column, showlegend=not index)
        ticks = scale.ticks(min(places), max(places), 5)
        room = 0.06 * (max(places) - min(places)) or 0.5
        figure.update_xaxes(
            axis(
                html.escape(field.label, quote=False),
                tickvals=[place for place, _ in ticks],
                ticktext=[text for _, text in ticks],
                range=[min(places) - room, max(places) + room],
            ),
            row=row,
            col=column,
        )
        figure.update_yaxes(accuracy_axis(shown, ACCURACY if column == 1 else None), row=row, col=column)
    return figure

"""A picture of the network: blocks that follow the shapes, drawn in Plotly without Graphviz.

The picture is drawn in pixels and never stretched: a page that is narrower than it scrolls it sideways, so that a
label is as easy to read beside 25 layers as beside 4.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from mnist_lab import formatting
from mnist_lab.figures.network_layout import LABEL_GAP, TITLE, Block, Layout, Merge, Picture, build_tree
from mnist_lab.figures.theme import COLOURS, FAULT, NEUTRAL, base_layout, fade, message, mix

if TYPE_CHECKING:
    from mnist_lab.shapes import Row

INPUT_WIDTH = 84.0
MARGIN = 12
LEGEND = 34
FAMILIES = {
    "Convolution": (COLOURS[0], ("Conv2D", "Pretrained")),
    "Pooling": (COLOURS[4], ("MaxPooling2D", "AveragePooling2D", "GlobalMaxPooling2D", "GlobalAveragePooling2D")),
    "Dense": (COLOURS[2], ("Dense",)),
    "Normalization": (COLOURS[5], ("BatchNormalization",)),
    "Dropout": (COLOURS[3], ("Dropout",)),
    "Activation": (COLOURS[6], ("Activation",)),
    "Block": (COLOURS[7], ("Parallel", "Residual")),
}
"""What the colours mean; other layers, which only change the shape, are grey."""


def family(kind: str) -> tuple[str, str]:
    """The family of a kind of layer, and its colour."""
    for name, (colour, kinds) in FAMILIES.items():
        if kind in kinds:
            return name, colour
    return "Shape", NEUTRAL


def network_diagram(rows: Sequence[Row], dark: bool = False) -> go.Figure:
    """Draws a network.

    A block is as high as its map (of a dense layer: as the logarithm of its units) and as wide as the logarithm of
    its channels. Branches run beside each other and meet at their merge; a residual block has a line around it.

    Args:
        rows: One per layer, as `mnist_lab.shapes.analyse` gives them.
        dark: As in `base_layout`.

    Returns:
        One trace per layer, in the order of ``rows``; its ``meta`` is the path of the layer, its text the hover text.
        A faulty layer is outlined in red. ``layout.width`` is the least width, ``layout.height`` the right height.
    """
    if not rows:
        return message("The network has no layers yet.", dark)
    layout = Layout(rows)
    tree = build_tree(rows)
    end = layout.place(tree, INPUT_WIDTH, 0.0)
    extent = layout.measure(tree)
    picture = layout.picture
    picture.width, picture.top, picture.bottom = end + MARGIN, extent.up + MARGIN, -extent.down - MARGIN

    sheet = _Sheet()
    _draw_input(sheet, layout, rows[0])
    _draw_frames(sheet, picture)
    drawn = {block.row.path: block for block in picture.blocks}
    joined = {merge.row.path: merge for merge in picture.merges}
    families: set[str] = set()
    for row in rows:
        name, _ = family(row.kind)
        if row.path in drawn:
            _draw_block(sheet, drawn[row.path], first=name not in families)
        else:
            _draw_merge(sheet, joined[row.path], first=name not in families)
        families.add(name)
    _draw_ways(sheet, picture)
    width, height = round(picture.width + 2 * MARGIN), round(picture.top - picture.bottom + LEGEND + MARGIN)
    # shapes are drawn in their order: the ways first, so that blocks stand on them
    shapes = sorted(sheet.shapes, key=lambda shape: "name" not in shape)
    axis = {"visible": False, "fixedrange": True, "constrain": "domain"}
    layout_of_figure = base_layout(
        dark,
        height,
        width=width,
        dragmode=False,
        showlegend=True,
        hovermode="closest",
        margin={"l": MARGIN, "r": MARGIN, "t": LEGEND, "b": MARGIN},
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "itemclick": False, "itemdoubleclick": False},
        xaxis={**axis, "range": [0, picture.width], "constraintoward": "left"},
        yaxis={**axis, "range": [picture.bottom, picture.top], "scaleanchor": "x", "constraintoward": "top"},
        shapes=shapes,
        annotations=sheet.notes,
    )
    return go.Figure(sheet.traces, layout_of_figure)


class _Sheet:
    """What is to be drawn, gathered as dictionaries: objects, and parts that come one by one, are checked twice."""

    def __init__(self) -> None:
        self.traces: list[dict[str, Any]] = []
        self.shapes: list[dict[str, Any]] = []
        self.notes: list[dict[str, Any]] = []

    def trace(self, **settings: Any) -> None:
        self.traces.append({"type": "scatter", **settings})

    def shape(self, **settings: Any) -> None:
        self.shapes.append(settings)

    def note(self, **settings: Any) -> None:
        self.notes.append(settings)


def hover_text(row: Row) -> str:
    """What the pointer says over a layer; a fault first."""
    lines = [f"<b>{html.escape(row.title)}</b>"]
    if row.problem:
        wrapped = "<br>".join(_wrap(html.escape(row.problem)))
        lines.append(f"<b>{wrapped}</b>")
    lines.append(f"{formatting.shape(row.input_shape)} → {formatting.shape(row.output_shape)}")
    lines.append(f"{formatting.exact(row.parameters)} parameters")
    return "<br>".join(lines)


def _wrap(text: str, width: int = 60) -> list[str]:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _draw_block(sheet: _Sheet, block: Block, first: bool) -> None:
    row = block.row
    name, colour = family(row.kind)
    left, right, low, high = block.x, block.x + block.width, block.y, block.y + block.height
    unknown = row.output_shape is None
    edge = FAULT if row.problem else colour
    if block.skew:
        _draw_depth(sheet, block, colour)
    sheet.trace(
        x=[left, right, right, left, left], y=[low, low, high, high, low], mode="lines", fill="toself",
        fillcolor=fade(FAULT, 0.25) if row.problem else fade(colour, 0.15 if unknown else 1),
        line={"color": edge, "width": 3 if row.problem else 1, "dash": "dot" if unknown and not row.problem else None},
        name=name, legendgroup=name, showlegend=first, hoveron="fills", hoverinfo="text", text=hover_text(row),
        meta=row.path, uid=_uid(row),
    )  # fmt: skip
    if row.problem:
        sheet.note(
            x=block.label_x, y=high + block.skew, yshift=12, text="<b>!</b>", showarrow=False,
            font={"color": FAULT, "size": 18},
        )  # fmt: skip
    sheet.note(
        x=block.label_x, y=block.label_y, text=block.label, showarrow=False, align="center", yanchor="top",
        xanchor="center", textangle=-90 if block.upright else 0, font={"size": 11}, name=_uid(row),
    )  # fmt: skip


def _uid(row: Row) -> str:
    return "layer-" + "-".join(map(str, row.path))


def _draw_depth(sheet: _Sheet, block: Block, colour: str) -> None:
    """The upper and the right face of a block of maps."""
    left, right, low, high, skew = block.x, block.x + block.width, block.y, block.y + block.height, block.skew
    for shade, points in (
        (
            mix(colour, "#ffffff", 0.45),
            ((left, high), (left + skew, high + skew), (right + skew, high + skew), (right, high)),
        ),
        (
            mix(colour, "#000000", 0.22),
            ((right, high), (right + skew, high + skew), (right + skew, low + skew), (right, low)),
        ),
    ):
        way = " L ".join(f"{x:g},{y:g}" for x, y in points)
        sheet.shape(
            type="path", path=f"M {way} Z", fillcolor=shade, line={"width": 0}, layer="below"
        )  # fmt: skip


def _draw_merge(sheet: _Sheet, merge: Merge, first: bool) -> None:
    row = merge.row
    name, colour = family(row.kind)
    sign = "+" if row.kind == "Residual" else {"concatenate": "‖", "multiply": "×", "add": "+"}.get(_merge(row), "∘")
    sheet.trace(
        x=[merge.x], y=[merge.y], mode="markers+text", text=[sign], textfont={"color": "white", "size": 14},
        marker={"size": 22, "color": colour, "line": {"color": FAULT if row.problem else colour, "width": 3}},
        name=name, legendgroup=name, showlegend=first, hoverinfo="text", hovertext=hover_text(row),
        meta=row.path, uid=_uid(row),
    )  # fmt: skip
    sheet.note(
        x=merge.x + 14,
        y=merge.label_y,
        text=merge.label,
        showarrow=False,
        yanchor="top",
        xanchor="left",
        align="left",
        font={"size": 11},
    )


def _merge(row: Row) -> str:
    return str(getattr(getattr(row, "layer", None), "merge", "concatenate"))


def _draw_frames(sheet: _Sheet, picture: Picture) -> None:
    for merge in picture.merges:
        left, low, right, high = merge.frame
        edge = FAULT if merge.row.problem else NEUTRAL
        sheet.shape(
            type="rect", x0=left, x1=right, y0=low, y1=high, layer="below", fillcolor=fade(NEUTRAL, 0.08),
            line={"color": fade(edge, 0.9 if merge.row.problem else 0.35), "width": 2 if merge.row.problem else 1},
        )  # fmt: skip
        sheet.note(
            x=left + 6, y=high - TITLE / 2, text=f"<b>{html.escape(merge.row.title)}</b>", showarrow=False,
            xanchor="left", yanchor="middle", font={"size": 11},
        )  # fmt: skip


def _draw_ways(sheet: _Sheet, picture: Picture) -> None:
    for lines, dash in ((picture.lines, "solid"), (picture.skips, "dash")):
        for points in lines:
            way = " L ".join(f"{x:g},{y:g}" for x, y in points)
            sheet.shape(
                type="path", path=f"M {way}", line={"color": fade(NEUTRAL, 0.7), "width": 1.5, "dash": dash},
                layer="below", name="skip" if dash == "dash" else "way",
            )  # fmt: skip


def _draw_input(sheet: _Sheet, layout: Layout, first: Row) -> None:
    """The image that goes in; it has no trace, since it is no layer."""
    shape = first.input_shape or (28, 28, 1)
    size = layout.height(shape)
    middle, half = INPUT_WIDTH / 2, layout.measure(build_tree([first])).half
    sheet.shape(
        type="rect", x0=middle - 5, x1=middle + 5, y0=-size / 2, y1=size / 2, layer="below",
        fillcolor=fade(NEUTRAL, 0.9), line={"width": 0},
    )  # fmt: skip
    sheet.shape(
        type="path", path=f"M {middle:g},0 L {INPUT_WIDTH:g},0", name="way", layer="below",
        line={"color": fade(NEUTRAL, 0.7), "width": 1.5},
    )  # fmt: skip
    sheet.note(
        x=middle, y=-max(half, size / 2) - LABEL_GAP, text=f"<b>Image</b><br>{formatting.shape(shape)}",
        showarrow=False, yanchor="top", font={"size": 11},
    )  # fmt: skip

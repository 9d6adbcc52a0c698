"""Where the parts of a network's picture stand: plain geometry in pixels, no Plotly.

The rows of a network come in depth-first order with their paths; here they become blocks with a place, lanes for the
branches of a `Parallel`, a skip line for a `Residual`. x grows to the right along the data's way, y upwards.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mnist_lab import formatting

if TYPE_CHECKING:
    from mnist_lab.shapes import Row

TALLEST = {1: 110.0, 2: 88.0}  # height of the largest map, by the most lanes beside each other
TALLEST_OF_MANY = 66.0
LOWEST = 12.0
VECTOR_WIDTH = 14.0
SKEW = 0.18  # depth of a map's block, as a share of its height
SLOT = 100.0  # room for the label of a layer
SLIM_SLOT = 40.0  # room for a label turned upright
LINE = 14.0  # height of a line of text
LETTER = 6.2  # width of a letter in upright labels
WRAP = 15  # letters a line
LABEL_GAP = 10.0
LEAD = 26.0  # from the split of a block to its lanes, and from them to the merge
MERGE_SLOT = 122.0
TITLE = 22.0  # room for the title of a block
SKIP = 22.0  # room for the skip line of a Residual
LANE_GAP = 12.0


@dataclass(slots=True)
class Node:
    """A layer and, for a block of layers, its lanes."""

    row: Row
    lanes: list[list[Node]] | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """One layer's drawing: its front face, its label, and the layer itself."""

    row: Row
    x: float
    y: float
    width: float
    height: float
    skew: float
    label: str
    label_x: float
    label_y: float
    upright: bool


@dataclass(frozen=True, slots=True)
class Merge:
    """Where the lanes of a block of layers come together, with the frame around them."""

    row: Row
    x: float
    y: float
    label: str
    label_y: float
    frame: tuple[float, float, float, float]


@dataclass(slots=True)
class Picture:
    """Everything to draw.

    Attributes:
        blocks: Layers that hold no others.
        merges: Blocks of layers.
        lines: Ways of the data, each a list of points.
        skips: Ways around the layers of a `Residual`.
        width: In pixels.
        top: The highest y.
        bottom: The lowest y.
    """

    blocks: list[Block] = field(default_factory=list)
    merges: list[Merge] = field(default_factory=list)
    lines: list[list[tuple[float, float]]] = field(default_factory=list)
    skips: list[list[tuple[float, float]]] = field(default_factory=list)
    width: float = 0.0
    top: float = 0.0
    bottom: float = 0.0


def build_tree(rows: Sequence[Row]) -> list[Node]:
    """The rows as a tree, by their paths; a lane without layers is an empty list."""
    top: list[Node] = []
    found: dict[tuple[int | str, ...], Node] = {}
    for row in rows:
        layer = getattr(row, "layer", None)
        node = Node(row)
        if row.kind == "Parallel":
            node.lanes = [[] for _ in getattr(layer, "branches", ())]
        elif row.kind == "Residual":
            node.lanes = [[]]
        found[row.path] = node
        if len(row.path) == 1:
            top.append(node)
            continue
        branch = row.path[-3] == "branches" if len(row.path) > 3 else False
        parent = found[row.path[:-3] if branch else row.path[:-2]]
        lane = int(row.path[-2]) if branch else 0
        parent.lanes = parent.lanes or []
        while len(parent.lanes) <= lane:
            parent.lanes.append([])
        parent.lanes[lane].append(node)
    return top


def block_height(shape: Sequence[int] | None, largest_map: int, largest_vector: int, tallest: float) -> float:
    """Height of a block in pixels.

    Of a map ``tallest * (size / largest) ** 0.6``, so that a 3x3 map beside a 28x28 one can still be seen; of a
    vector, proportional to the logarithm of its length. Never below ``LOWEST``.
    """
    if shape is None:
        return tallest * 0.4
    if len(shape) == 1:
        return max(LOWEST, tallest * math.log2(shape[0] + 1) / math.log2(max(largest_vector, 256) + 1))
    return max(LOWEST, tallest * (max(shape[0], 1) / largest_map) ** 0.6)


def block_width(shape: Sequence[int] | None) -> float:
    """Width of a block in pixels: ``8 + 6 * log2(channels)`` of maps; a vector is a thin bar."""
    if shape is None or len(shape) == 1:
        return VECTOR_WIDTH
    return 8 + 6 * math.log2(max(shape[-1], 1))


def is_slim(row: Row) -> bool:
    """Whether a layer changes neither the shape nor much else: it gets a narrow place and an upright label."""
    return row.kind in ("Dropout", "Activation", "BatchNormalization", "Rescaling", "Flatten") and not row.problem


def label_lines(row: Row) -> list[str]:
    """The lines under a block: kind, fields, output shape, parameters; upright ones are kept short."""
    if is_slim(row):
        line = row.title + (f" → {formatting.shape(row.output_shape)}" if row.kind == "Flatten" else "")
        return [line, f"{formatting.count(row.parameters)} params"] if row.parameters else [line]
    kind, fields = row.kind, row.title.removeprefix(row.kind).strip()
    words = kind.replace("Global", "Global ").replace("Pooling2D", " Pooling2D").replace("Channels", " Channels")
    lines = [f"<b>{line}</b>" for line in textwrap.wrap(words, WRAP)]
    wrapped = textwrap.wrap(fields, WRAP + 2)
    lines += wrapped[:2] if len(wrapped) < 3 else [wrapped[0], wrapped[1].rstrip(",") + " …"]
    lines.append(formatting.shape(row.output_shape))
    if row.parameters:
        lines.append(f"{formatting.count(row.parameters)} params")
    return lines


@dataclass(frozen=True, slots=True)
class _Extent:
    width: float
    up: float
    down: float
    half: float  # half of the tallest block that stands on the middle line itself


class Layout:
    """Places the blocks of a network.

    Args:
        rows: As `mnist_lab.shapes.analyse` gives them.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        shapes = [shape for row in rows for shape in (row.input_shape, row.output_shape) if shape]
        self.largest_map = max((shape[0] for shape in shapes if len(shape) == 3), default=28)
        self.largest_vector = max((shape[0] for shape in shapes if len(shape) == 1), default=256)
        lanes = max(
            (int(row.path[i + 1]) + 1 for row in rows for i, s in enumerate(row.path) if s == "branches"), default=1
        )
        self.tallest = TALLEST.get(lanes, TALLEST_OF_MANY)
        self.picture = Picture()

    def height(self, shape: Sequence[int] | None) -> float:
        """Height that a block of this shape has in this picture."""
        return block_height(shape, self.largest_map, self.largest_vector, self.tallest)

    def measure(self, nodes: Sequence[Node]) -> _Extent:
        """The room that a sequence of layers needs around its middle line."""
        width, half, up, down = 0.0, 6.0, 0.0, 0.0
        label = 0.0
        for node in nodes:
            if node.lanes is not None:
                extents = [self.measure(lane) for lane in node.lanes]
                total = sum(e.up + e.down for e in extents) + LANE_GAP * (len(extents) - 1)
                skip = SKIP if node.row.kind == "Residual" else 0
                up = max(up, total / 2 + TITLE + skip)
                down = max(down, total / 2 + 8, LABEL_GAP + 12 + LINE * len(label_lines(node.row)))
                width += 2 * LEAD + max((e.width for e in extents), default=0) + MERGE_SLOT
                continue
            height, lines = self.height(node.row.output_shape), label_lines(node.row)
            slim = is_slim(node.row)
            width += SLIM_SLOT if slim else max(SLOT, block_width(node.row.output_shape) + 44)
            half = max(half, height / 2)
            up = max(up, height * (0.5 + SKEW))
            label = max(label, LETTER * max(map(len, lines)) if slim else LINE * len(lines))
        return _Extent(width, max(up, half + 4), max(down, half + LABEL_GAP + label + 4), half)

    def place(self, nodes: Sequence[Node], x: float, y: float) -> float:
        """Places a sequence on the middle line ``y`` from ``x`` on; returns the x where it ends."""
        half = self.measure(nodes).half
        for node in nodes:
            start = x
            if node.lanes is None:
                slim = is_slim(node.row)
                shape = node.row.output_shape
                width, height = block_width(shape) if not slim else VECTOR_WIDTH, self.height(node.row.output_shape)
                skew = SKEW * height if shape is not None and len(shape) == 3 else 0.0
                slot = SLIM_SLOT if slim else max(SLOT, width + 44)
                middle = x + slot / 2
                self.picture.lines.append([(start, y), (x + slot, y)])
                self.picture.blocks.append(
                    Block(
                        node.row, middle - width / 2, y - height / 2, width, height, skew,
                        "<br>".join(label_lines(node.row)), middle, y - half - LABEL_GAP, slim,
                    )
                )  # fmt: skip
                x += slot
            else:
                x = self._place_block(node, x, y)
        return x

    def _place_block(self, node: Node, x: float, y: float) -> float:
        lanes = node.lanes or []
        extents = [self.measure(lane) for lane in lanes]
        total = sum(e.up + e.down for e in extents) + LANE_GAP * (len(extents) - 1)
        inner = max((e.width for e in extents), default=0)
        split, begin, end = x + 8, x + LEAD, x + LEAD + inner
        merge = end + LEAD
        self.picture.lines.append([(x, y), (split, y)])
        top = y + total / 2
        residual = node.row.kind == "Residual"
        for lane, extent in zip(lanes, extents, strict=True):
            middle = top - extent.up
            self.picture.lines.append([(split, y), (split, middle), (begin, middle)])
            self.place(lane, begin, middle)
            self.picture.lines.append([(begin + extent.width, middle), (merge, middle), (merge, y)])
            top -= extent.up + extent.down + LANE_GAP
        roof = y + total / 2 + (SKIP if residual else 0) + TITLE
        if residual:
            way = y + total / 2 + SKIP / 2
            self.picture.skips.append([(split, y), (split, way), (merge, way), (merge, y)])
        floor = y - max(total / 2 + 8, LABEL_GAP + 12 + LINE * len(label_lines(node.row)))
        after = merge + MERGE_SLOT - LEAD
        label = label_lines(node.row)
        keep = label[-2:] if node.row.parameters else label[-1:]
        self.picture.lines.append([(merge, y), (after + LEAD, y)])
        self.picture.merges.append(
            Merge(node.row, merge, y, "<br>".join(keep), y - 3, (x + 2, floor, after + LEAD - 6, roof))
        )
        return after + LEAD

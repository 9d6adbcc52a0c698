"""Habits of writers that MNIST's hardly had, drawn on its digits: slashed zeros, crossed sevens, ones with a foot.

A digit is given by its field, the distance of each pixel to its middle line; to draw a line is to take the smaller one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

# Shares of the digits that get it.
SLASHED, CROSSED, UPSTROKE, FOOT, SERIF, TAIL, BREAK = 0.25, 0.4, 0.4, 0.3, 0.15, 0.15, 0.1
# A pixel this near to the line is on it: their centres lie at most 0.71 px off.
_ON_LINE = 0.75
_NOWHERE = 1000.0
# A one that is wider than this share of its height has an upstroke or a foot already, or lies aslant.
_BARE = 0.45


@dataclass(frozen=True, slots=True)
class Box:
    """The box round each digit's middle line, rows and columns in pixels, each ``(n,)``."""

    top: Any
    bottom: Any
    left: Any
    right: Any

    @property
    def height(self) -> Any:
        """Rows from top to bottom, at least 1."""
        return tf.maximum(self.bottom - self.top, 1.0)

    @property
    def width(self) -> Any:
        """Columns from left to right, at least 1."""
        return tf.maximum(self.right - self.left, 1.0)


def stream(seeds: Any, number: int, other: int = 0) -> Any:
    """Seeds of random numbers of their own, for one purpose of many: two whole numbers, as `seeds` are."""
    return seeds + tf.constant([other, number], seeds.dtype)


def box(fields: Any, reach: float = _ON_LINE) -> Box:
    """Finds the box round each digit's middle line; the whole image where there is none.

    Args:
        fields: float32 ``(n, height, width)``.
        reach: A point this near to the line is on it.
    """
    top, bottom = _ends(tf.reduce_any(fields < reach, 2))
    left, right = _ends(tf.reduce_any(fields < reach, 1))
    return Box(top, bottom, left, right)


def with_habits(fields: Any, labels: Any, seeds: Any) -> Any:
    """Draws on some digits what other writers add to them.

    Zeros: a slash from the lower left to the upper right. Sevens: a bar across the stem, or a short stroke down at the
    left end of the upper one. Ones without either: an upstroke at the top, a foot, or both. Any digit: a short tail, or
    a gap where the pen skipped.

    Args:
        fields: float32 ``(n, 28, 28)``, distances in pixels.
        labels: Which digit each is, ``(n,)``.
        seeds: Two whole numbers.

    Returns:
        The fields with the lines drawn.
    """
    labels = tf.cast(labels, tf.int32)
    chance = tf.random.stateless_uniform([tf.shape(fields)[0], 16], stream(seeds, 1))
    edges = box(fields)
    bare_one = (labels == 1) & (edges.width < _BARE * edges.height)
    lines = [
        _chosen(_slash(edges, chance), (labels == 0) & (chance[:, 0] < SLASHED)),
        _chosen(_bar(fields, edges, chance), (labels == 7) & (chance[:, 0] < CROSSED)),
        _chosen(_serif(fields, edges, chance), (labels == 7) & (chance[:, 1] < SERIF)),
        _chosen(_upstroke(fields, edges, chance), bare_one & (chance[:, 0] < UPSTROKE)),
        _chosen(_foot(fields, edges, chance), bare_one & (chance[:, 1] < FOOT)),
        _chosen(_tail(*_somewhere(fields, stream(seeds, 100)), chance), chance[:, 2] < TAIL),
    ]
    drawn = tf.minimum(fields, tf.reduce_min(to_segments(tf.stack(lines, 1), fields.shape[1]), 1))
    row, column = _somewhere(fields, stream(seeds, 101))
    gap = _between(1.2, 2.0, chance[:, 15])[:, None, None] - to_segments(
        tf.stack([row, column, row, column], 1), fields.shape[1]
    )
    return tf.where(chance[:, 13, None, None] < BREAK, tf.maximum(drawn, gap + 1.5), drawn)


def to_segments(segments: Any, size: int) -> Any:
    """Distances from every pixel to straight lines.

    Args:
        segments: ``(..., 4)``: row and column of one end, row and column of the other.
        size: Pixels a side.

    Returns:
        ``(..., size, size)``.
    """
    places = tf.range(size, dtype=tf.float32)
    y, x = places[:, tf.newaxis], places[tf.newaxis, :]
    # By `unstack`: the graph's optimizer mistakes a slice with new axes of what was stacked before.
    y1, x1, y2, x2 = (part[..., tf.newaxis, tf.newaxis] for part in tf.unstack(segments, axis=-1))
    along_y, along_x = y2 - y1, x2 - x1
    share = ((y - y1) * along_y + (x - x1) * along_x) / tf.maximum(along_y**2 + along_x**2, 1e-6)
    share = tf.clip_by_value(share, 0.0, 1.0)
    return tf.sqrt((y - y1 - share * along_y) ** 2 + (x - x1 - share * along_x) ** 2)


def _chosen(segments: Any, which: Any) -> Any:
    return tf.where(which[:, tf.newaxis], segments, _NOWHERE)


def _between(low: float, high: float, chance: Any) -> Any:
    return low + (high - low) * chance


def _slash(edges: Box, chance: Any) -> Any:
    """Within the zero or beyond it, steeper or flatter than its diagonal."""
    y, x = (edges.top + edges.bottom) / 2, (edges.left + edges.right) / 2
    down = edges.height / 2 * _between(0.45, 1.15, chance[:, 3])
    across = edges.width / 2 * _between(0.45, 1.25, chance[:, 4])
    return tf.stack([y + down, x - across, y - down, x + across], 1)


def _bar(fields: Any, edges: Box, chance: Any) -> Any:
    row = edges.top + edges.height * _between(0.4, 0.65, chance[:, 3])
    column = _on_row(fields, row)
    left, right = (edges.height * _between(0.14, 0.32, chance[:, k]) for k in (4, 5))
    tilt = _between(-0.35, 0.2, chance[:, 6])
    return tf.stack([row - tilt * left, column - left, row + tilt * right, column + right], 1)


def _serif(fields: Any, edges: Box, chance: Any) -> Any:
    column = edges.left
    row = _on_row(tf.transpose(fields, [0, 2, 1]), column)
    down = edges.height * _between(0.1, 0.25, chance[:, 7])
    return tf.stack([row, column, row + down, column + down * _between(-0.4, 0.3, chance[:, 8])], 1)


def _upstroke(fields: Any, edges: Box, chance: Any) -> Any:
    column = _on_row(fields, edges.top)
    down = edges.height * _between(0.12, 0.42, chance[:, 9])
    across = down * _between(0.5, 1.5, chance[:, 10])
    return tf.stack([edges.top, column, edges.top + down, column - tf.minimum(across, 0.45 * edges.height)], 1)


def _foot(fields: Any, edges: Box, chance: Any) -> Any:
    column = _on_row(fields, edges.bottom)
    left, right = (edges.height * _between(0.12, 0.35, chance[:, k]) for k in (11, 12))
    return tf.stack([edges.bottom, column - left, edges.bottom, column + right], 1)


def _tail(row: Any, column: Any, chance: Any) -> Any:
    """A short stroke from a place on the line in any direction, as a pen makes it that is set down or lifted late."""
    length, angle = _between(1.0, 3.0, chance[:, 7]), 6.2832 * chance[:, 14]
    return tf.stack([row, column, row + length * tf.sin(angle), column + length * tf.cos(angle)], 1)


def _somewhere(fields: Any, seeds: Any) -> tuple[Any, Any]:
    """Row and column of any point on each line."""
    size = fields.shape[1]
    dice = tf.random.stateless_uniform(tf.shape(fields), seeds)
    place = tf.argmax(tf.reshape(tf.where(fields < _ON_LINE, dice, -1.0), [-1, size * size]), 1, tf.int32)
    return tf.cast(place // size, tf.float32), tf.cast(place % size, tf.float32)


def _ends(hit: Any) -> tuple[Any, Any]:
    size = hit.shape[1]
    places = tf.range(size, dtype=tf.float32)
    first = tf.reduce_min(tf.where(hit, places, float(size)), 1)
    last = tf.reduce_max(tf.where(hit, places, -1.0), 1)
    empty = last < first
    return tf.where(empty, 0.0, first), tf.where(empty, size - 1.0, last)


def _on_row(fields: Any, row: Any) -> Any:
    """The column in which the line crosses a row: of the point that is nearest to it, the rightmost among equals."""
    index = tf.clip_by_value(tf.cast(tf.round(row), tf.int32), 0, fields.shape[1] - 1)
    line = tf.gather(fields, index, batch_dims=1)
    places = tf.range(fields.shape[2], dtype=tf.float32)
    return tf.cast(tf.argmin(line - 0.001 * places, 1), tf.float32)

"""Shapes that are no digits, made of the digits of a batch, for a network that is to know what it does not know.

A network that has seen digits only is sure of whatever it is shown. With some images replaced by such strangers, whose
target is the same probability for every digit, it learns to be unsure (outlier exposure: Hendrycks, Mazeika and
Dietterich, 2019). Strangers are fields like digits (`mnist_lab.centre_lines`), and the same pens write them.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from mnist_lab.keras_side import penmanship

# What a quarter turn to the left, to the right, a half turn and a mirror leave no digit of. Others would leave one, or
# nearly: a 6 upside down, an 8 in the mirror, a 2 turned twice.
_TURNED, _UPSIDE_DOWN, _MIRRORED = (2, 3, 4, 5, 7, 9), (3, 4, 7), (3, 7, 9)
# Two of these beside each other, half over each other, are no digit.
_OVERLAID = (2, 3, 4, 5, 6, 7, 8, 9)
# The halves (upper, lower, left, right) that are like no digit: the lower half of a 9 is a 1, its upper one a 0.
_SIDES = ("upper", "lower", "left", "right")
_HALVES: dict[int, tuple[str, ...]] = {
    2: ("lower", "left", "right"), 3: ("lower", "left"), 4: ("upper", "left"), 5: _SIDES,
    6: ("right",), 7: ("left",), 9: ("left",),
}  # fmt: skip
# Of a scribble, of a sign and of each of its arcs: the points, the strokes and the parts at most.
_POINTS, _STROKES, _PARTS = 9, 5, 14
# The place of the writing in the image: its least and largest row and column.
_LOW, _HIGH = 4.0, 24.0


def strangers(fields: Any, labels: Any, seeds: Any) -> tuple[Any, Any]:
    """Makes of every digit a shape that is no digit, where that can be.

    Eight kinds, equally often: turned or mirrored; overlaid with the next digit of the batch, aside; cut in half; cut
    into quarters that are put together in another order; a scribble of straight strokes; one of curved strokes; a sign
    of straight strokes between the corners, sides and middle of a square; one of arcs and such strokes.

    Args:
        fields: float32 ``(n, 28, 28)``, distances in pixels.
        labels: Which digit each is, ``(n,)``.
        seeds: Two whole numbers.

    Returns:
        The fields of the strangers, and which are some, boolean ``(n,)``: the others are digits still.
    """
    labels = tf.cast(labels, tf.int32)
    count = tf.shape(fields)[0]
    chance = tf.random.stateless_uniform([count, 8], penmanship.stream(seeds, 200))
    turned, is_turned = _turned(fields, labels, chance[:, 1])
    overlaid, is_overlaid = _overlaid(fields, labels, chance)
    halved, is_halved = _halved(fields, labels, chance[:, 7])
    made_up = [_shuffled(fields, chance), *_scribbles(fields, chance, seeds), *_signs(fields, seeds)]
    kinds = tf.stack([turned, overlaid, halved, *made_up], 1)
    valid = tf.stack([is_turned, is_overlaid, is_halved] + [tf.ones_like(is_turned)] * len(made_up), 1)
    kind = tf.cast(chance[:, 0] * valid.shape[1], tf.int32)
    made = tf.gather(valid, kind, batch_dims=1)
    return tf.where(made[:, None, None], tf.gather(kinds, kind, batch_dims=1), fields), made


def _among(labels: Any, digits: tuple[int, ...]) -> Any:
    return tf.reduce_any(labels[:, tf.newaxis] == tf.constant(digits), 1)


def _turned(fields: Any, labels: Any, chance: Any) -> tuple[Any, Any]:
    across = tf.transpose(fields, [0, 2, 1])
    ways = tf.stack([across[:, ::-1], across[:, :, ::-1], fields[:, ::-1, ::-1], fields[:, :, ::-1]], 1)
    turned = _among(labels, _TURNED)
    valid = tf.stack([turned, turned, _among(labels, _UPSIDE_DOWN), _among(labels, _MIRRORED)], 1)
    way = tf.cast(chance * 4, tf.int32)
    return tf.gather(ways, way, batch_dims=1), tf.gather(valid, way, batch_dims=1)


def _overlaid(fields: Any, labels: Any, chance: Any) -> tuple[Any, Any]:
    """Each digit moved to the upper left and the next one of the batch to the lower right, or the other way across."""
    down, across = 1 + tf.cast(4 * chance[:, 2], tf.int32), 4 + tf.cast(3 * chance[:, 3], tf.int32)
    size = fields.shape[1]
    places = tf.range(size)

    def moved(values: Any, down: Any, across: Any) -> Any:
        rows = tf.clip_by_value(places[tf.newaxis, :] - down[:, tf.newaxis], 0, size - 1)
        columns = tf.clip_by_value(places[tf.newaxis, :] - across[:, tf.newaxis], 0, size - 1)
        return tf.gather(tf.gather(values, rows, axis=1, batch_dims=1), columns, axis=2, batch_dims=1)

    both = tf.minimum(moved(fields, -down, -across), moved(tf.roll(fields, -1, 0), down, across))
    mirror = chance[:, 4, None, None] < 0.5
    other = tf.minimum(moved(fields, -down, across), moved(tf.roll(fields, -1, 0), down, -across))
    following = tf.roll(labels, -1, 0)
    valid = _among(labels, _OVERLAID) & _among(following, _OVERLAID) & (labels != following)
    return tf.where(mirror, both, other), valid


def _halved(fields: Any, labels: Any, chance: Any) -> tuple[Any, Any]:
    """One half of each digit, about the middle of its line's box."""
    edges = penmanship.box(fields)
    places = tf.range(fields.shape[1], dtype=tf.float32)
    below = places[tf.newaxis, :, tf.newaxis] - ((edges.top + edges.bottom) / 2)[:, tf.newaxis, tf.newaxis]
    beside = places[tf.newaxis, tf.newaxis, :] - ((edges.left + edges.right) / 2)[:, tf.newaxis, tf.newaxis]
    below, beside = tf.broadcast_to(below, tf.shape(fields)), tf.broadcast_to(beside, tf.shape(fields))
    # Beyond the cut it is at least as far to the line as to the cut.
    ways = tf.maximum(fields[:, tf.newaxis], tf.stack([below, -below, beside, -beside], 1))
    likes_none = [[side in _HALVES.get(digit, ()) for side in _SIDES] for digit in range(10)]
    way = tf.cast(chance * len(_SIDES), tf.int32)
    valid = tf.gather(tf.constant(likes_none), tf.clip_by_value(labels, 0, 9))
    return tf.gather(ways, way, batch_dims=1), tf.gather(valid, way, batch_dims=1)


def _shuffled(fields: Any, chance: Any) -> Any:
    """The four quarters of the inner 20x20 pixels, each in another place: turned about by one, two or three places."""
    inner = fields[:, 4:24, 4:24]
    quarters = [inner[:, :10, :10], inner[:, :10, 10:], inner[:, 10:, 10:], inner[:, 10:, :10]]
    ways = []
    for step in (1, 2, 3):
        first, second, third, fourth = quarters[step:] + quarters[:step]
        rows = tf.concat([tf.concat([first, second], 2), tf.concat([fourth, third], 2)], 1)
        ways.append(tf.pad(rows, [[0, 0], [4, 4], [4, 4]], constant_values=9.0))
    return tf.gather(tf.stack(ways, 1), tf.cast(chance[:, 5] * 3, tf.int32), batch_dims=1)


def _scribbles(fields: Any, chance: Any, seeds: Any) -> tuple[Any, Any]:
    """A line through points drawn by chance, straight between them; and one that is a smooth curve of more corners."""
    count, size = tf.shape(fields)[0], fields.shape[1]
    points = _LOW + (_HIGH - _LOW) * tf.random.stateless_uniform([count, _POINTS, 2], penmanship.stream(seeds, 201))
    # Of the points some are used: few make a zigzag, many a tangle.
    used = 4 + tf.cast(chance[:, 6] * (_POINTS - 4), tf.int32)
    last = tf.minimum(tf.range(_POINTS)[tf.newaxis, :], used[:, tf.newaxis])
    straight = tf.gather(points, last, batch_dims=1)
    # Corners cut off (Chaikin) make a curve, as far as the pen's width shows it.
    near, far = 0.7 * straight[:, :-1] + 0.3 * straight[:, 1:], 0.3 * straight[:, :-1] + 0.7 * straight[:, 1:]
    curve = tf.reshape(tf.stack([near, far], 2), [count, 2 * (_POINTS - 1), 2])
    return _along(straight, size), _along(curve, size)


def _signs(fields: Any, seeds: Any) -> tuple[Any, Any]:
    """Three to five straight strokes; and two arcs with one to three strokes."""
    count, size = tf.shape(fields)[0], fields.shape[1]
    chance = tf.random.stateless_uniform([count, _STROKES, 9], penmanship.stream(seeds, 202))
    # Ends lie near the nine corners, middles of sides and centre of a square.
    places = _LOW + (_HIGH - _LOW) / 2 * tf.floor(3.0 * chance[..., :4]) + 3.0 * (chance[..., 4:8] - 0.5)
    used = tf.cast(chance[:, 0, 8] * 3, tf.int32)

    def first(least: int) -> Any:
        """The first strokes, as many as are used, the others the same as the last of these."""
        last = tf.minimum(tf.range(_STROKES)[tf.newaxis, :], (least - 1 + used)[:, tf.newaxis])
        return tf.reduce_min(penmanship.to_segments(tf.gather(places, last, batch_dims=1), size), 1)

    round_ones = tf.random.stateless_uniform([count, 2, 6], penmanship.stream(seeds, 203))
    angle = 6.2832 * (round_ones[..., 4:5] + (0.25 + 0.75 * round_ones[..., 5:6]) * tf.linspace(0.0, 1.0, _PARTS + 1))
    middle, radius = 8.0 + 12.0 * round_ones[..., :2], 3.0 + 6.0 * round_ones[..., 2:4]
    rows = middle[..., 0:1] + radius[..., 0:1] * tf.sin(angle)
    columns = middle[..., 1:2] + radius[..., 1:2] * tf.cos(angle)
    arcs = tf.stack([rows, columns], -1)
    bent = tf.minimum(_along(arcs[:, 0], size), _along(arcs[:, 1], size))
    return first(3), tf.minimum(bent, first(1))


def _along(points: Any, size: int) -> Any:
    """The field of a line through points ``(n, k, 2)``."""
    segments = tf.concat([points[:, :-1], points[:, 1:]], 2)
    return tf.reduce_min(penmanship.to_segments(segments, size), 1)

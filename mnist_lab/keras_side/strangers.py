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
_POINTS = 9


def strangers(fields: Any, labels: Any, seeds: Any) -> tuple[Any, Any]:
    """Makes of every digit a shape that is no digit, where that can be.

    Five kinds, equally often: turned or mirrored; overlaid with the next digit of the batch, aside; cut into quarters
    that are put together in another order; a scribble of straight strokes; one of curved strokes.

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
    kind = tf.cast(chance[:, 0] * 5, tf.int32)
    kinds = tf.stack([turned, overlaid, _shuffled(fields, chance), *_scribbles(fields, chance, seeds)], 1)
    always = tf.ones_like(is_turned)
    valid = tf.stack([is_turned, is_overlaid, always, always, always], 1)
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
    points = 4.0 + 20.0 * tf.random.stateless_uniform([count, _POINTS, 2], penmanship.stream(seeds, 201))
    # Of the points some are used: few make a zigzag, many a tangle.
    used = 4 + tf.cast(chance[:, 6] * (_POINTS - 4), tf.int32)
    last = tf.minimum(tf.range(_POINTS)[tf.newaxis, :], used[:, tf.newaxis])
    straight = tf.gather(points, last, batch_dims=1)
    # Corners cut off (Chaikin) make a curve, as far as the pen's width shows it.
    near, far = 0.7 * straight[:, :-1] + 0.3 * straight[:, 1:], 0.3 * straight[:, :-1] + 0.7 * straight[:, 1:]
    curve = tf.reshape(tf.stack([near, far], 2), [count, 2 * (_POINTS - 1), 2])
    return _along(straight, size), _along(curve, size)


def _along(points: Any, size: int) -> Any:
    """The field of a line through points ``(n, k, 2)``."""
    segments = tf.concat([points[:, :-1], points[:, 1:]], 2)
    return tf.reduce_min(penmanship.to_segments(segments, size), 1)

"""Digits of MNIST written anew by other hands with an even pen, as on a canvas, in TensorFlow's graph.

The canvas gives crisp lines of one width, people slant, squeeze and shake, they slash zeros, cross sevens and give ones
an upstroke and a foot. All of it is done to the fields of `mnist_lab.centre_lines`: what is added to a digit is a
smaller distance, what breaks a line a larger one, a hand bends the plane, and the pen's width is chosen at the end. The
ink is then brought into MNIST's form as `mnist_lab.mnist_form` does it with a drawing: a box of 20x20 pixels, centred
by mass.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
import tensorflow as tf

from mnist_lab.keras_side import penmanship
from mnist_lab.mnist_form import BOX, FIELD

# The plane in which a hand bends a digit: so many points a side, so far apart, in pixels of the image.
_PLANE, _STEP = 42, 0.95
# A point of the plane this near to the middle line is on it.
_ON_LINE = 0.7
_FAR = 12.75

# How far hands differ, at most, from the writers of MNIST.
TURN, SLANT = math.radians(14.0), math.radians(22.0)
ASPECT = 0.4  # the logarithm of width over height
# Bends of the plane: knots across it, and how far they move, as a standard deviation in pixels of the image.
BENDS = ((3, 1.0), (6, 0.4))
# Some hands shake: the share of those that do, the knots, and how far the worst moves them.
SHAKY, SHAKE_KNOTS, SHAKE = 0.3, 14, 0.6
# Pen widths in pixels of the box of 20, least and most, and how unevenly it is pressed.
THIN, THICK, PRESSURE = 1.7, 3.6, 0.1
# Of pens from this width on: the share whose gaps and loops run full, and of those the share whose wide ones do, too.
# It is what a pen of a tenth of the canvas leaves of a digit of a quarter of it, though its lines are thinned after.
BROAD, BLOTS, WIDE_BLOTS = 2.4, 0.45, 0.35


def ink(fields: Any, seeds: Any) -> Any:
    """Draws lines with pens and hands drawn by chance, and brings the ink into MNIST's form.

    Args:
        fields: float32 ``(n, 28, 28)``, distances to the lines in pixels.
        seeds: Two whole numbers, which decide all that is drawn by chance.

    Returns:
        float32 ``(n, 28, 28, 1)``, 0 for paper and 1 for ink.
    """
    count = tf.shape(fields)[0]
    chance = tf.random.stateless_uniform([count, 8], penmanship.stream(seeds, 2))
    width = THIN + (THICK - THIN) * chance[:, 5]
    plane = _fitted(_bent(fields, chance, seeds), width)
    pressure = 1.0 + PRESSURE * _noise(count, 4, FIELD, penmanship.stream(seeds, 3))
    # An edge of one pixel, as the mean of what falls on a pixel makes it.
    image = tf.clip_by_value(0.5 * width[:, None, None] * pressure - plane + 0.5, 0.0, 1.0)[..., tf.newaxis]
    blotted = tf.where(chance[:, 6, None, None, None] < WIDE_BLOTS, _closed(image, 5), _closed(image, 3))
    runs_full = (chance[:, 7] < BLOTS) & (width > BROAD)
    return centred(tf.where(runs_full[:, None, None, None], blotted, image))


def centred(images: Any) -> Any:
    """Moves each image by whole pixels so that its centre of mass comes to pixel (14, 14), as in MNIST."""
    places = tf.range(FIELD, dtype=tf.float32)
    mass = tf.maximum(tf.reduce_sum(images, [1, 2, 3]), 1e-6)
    row = tf.reduce_sum(tf.reduce_sum(images, [2, 3]) * places, 1) / mass
    column = tf.reduce_sum(tf.reduce_sum(images, [1, 3]) * places, 1) / mass
    down, across = tf.round(FIELD / 2 - row), tf.round(FIELD / 2 - column)
    return _resampled(images, tf.ones_like(down), -across, -down, FIELD, "NEAREST", 0.0)


def _resampled(images: Any, step: Any, left: Any, top: Any, size: int, how: str, outside: float) -> Any:
    """Images whose point (x, y) is what was at ``(step x + left, step y + top)``; numbers ``(n,)``."""
    zeros = tf.zeros_like(left)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images, transforms=tf.stack([step, zeros, left, zeros, step, top, zeros, zeros], 1),
        output_shape=[size, size], fill_value=outside, interpolation=how, fill_mode="CONSTANT",
    )  # fmt: skip


def _bent(fields: Any, chance: Any, seeds: Any) -> Any:
    """The fields in a larger plane, turned, slanted, stretched, bent and shaken; distances are true near the lines."""
    count = tf.shape(fields)[0]
    signed = (2.0 * chance - 1.0)[:, :, tf.newaxis, tf.newaxis]
    turn, lean, wide = TURN * signed[:, 0], tf.tan(SLANT * signed[:, 1]), tf.exp(ASPECT / 2 * signed[:, 2])
    places = (tf.range(_PLANE, dtype=tf.float32) - (_PLANE - 1) / 2) * _STEP
    y, x = places[:, tf.newaxis], places[tf.newaxis, :]
    turned_x, turned_y = tf.cos(turn) * x + tf.sin(turn) * y, tf.cos(turn) * y - tf.sin(turn) * x
    edges = penmanship.box(fields)
    middle_y = ((edges.top + edges.bottom) / 2)[:, tf.newaxis, tf.newaxis]
    middle_x = ((edges.left + edges.right) / 2)[:, tf.newaxis, tf.newaxis]
    shake = tf.where(chance[:, 3] < SHAKY, SHAKE * chance[:, 4], 0.0)[:, tf.newaxis, tf.newaxis]

    def moved(axis: int) -> Any:
        bends = [
            deviation * _noise(count, knots, _PLANE, penmanship.stream(seeds, knots, axis))
            for knots, deviation in BENDS
        ]
        return sum(bends) + shake * _noise(count, SHAKE_KNOTS, _PLANE, penmanship.stream(seeds, SHAKE_KNOTS, axis))

    field = _sampled(
        fields, turned_y * wide + middle_y + moved(10), (turned_x - lean * turned_y) / wide + middle_x + moved(20)
    )
    # A map that stretches makes distances too large or too small by the length of their gradient. On the line itself it
    # vanishes and means nothing.
    down = (tf.roll(field, -1, 1) - tf.roll(field, 1, 1)) / (2 * _STEP)
    along = (tf.roll(field, -1, 2) - tf.roll(field, 1, 2)) / (2 * _STEP)
    return field / tf.clip_by_value(tf.sqrt(down * down + along * along), 0.85, 1.6)


def _fitted(plane: Any, width: Any) -> Any:
    """Places the lines so that their ink just fills the box of 20: distances ``(n, 28, 28)`` in pixels of the box."""
    edges = penmanship.box(plane, _ON_LINE)
    longest = tf.maximum(edges.height, edges.width) * _STEP
    scale = tf.minimum((BOX - width) / longest, 5.0)
    step = 1.0 / (scale * _STEP)
    middle = (FIELD - 1) / 2
    left, top = (edges.left + edges.right) / 2 - middle * step, (edges.top + edges.bottom) / 2 - middle * step
    fitted = _resampled(plane[..., tf.newaxis], step, left, top, FIELD, "BILINEAR", _FAR)
    return fitted[..., 0] * scale[:, tf.newaxis, tf.newaxis]


def _sampled(fields: Any, rows: Any, columns: Any) -> Any:
    """The fields at places between pixels, linearly; beyond the image the way to it is added."""
    size, limit = fields.shape[1], fields.shape[1] - 1.0
    row, column = tf.clip_by_value(rows, 0.0, limit), tf.clip_by_value(columns, 0.0, limit)
    beyond = tf.abs(rows - row) + tf.abs(columns - column)
    first_row, first_column = tf.minimum(tf.floor(row), limit - 1), tf.minimum(tf.floor(column), limit - 1)
    down, across = row - first_row, column - first_column
    # One look-up in one long list is far quicker than one in many: the images lie behind each other.
    start = tf.range(tf.shape(fields)[0])[:, tf.newaxis, tf.newaxis] * (size * size)
    place = start + tf.cast(first_row * size + first_column, tf.int32)
    flat = tf.reshape(fields, [-1])
    upper = tf.gather(flat, place) * (1 - across) + tf.gather(flat, place + 1) * across
    lower = tf.gather(flat, place + size) * (1 - across) + tf.gather(flat, place + size + 1) * across
    return upper * (1 - down) + lower * down + beyond


def _noise(count: Any, knots: int, size: int, seeds: Any) -> Any:
    """Smooth noise ``(n, size, size)`` of mean 0: normal numbers at knots, a cubic spline between them."""
    values = tf.random.stateless_normal([count, knots, knots], seeds)
    spline = tf.constant(_spline(knots, size))
    return tf.matmul(tf.matmul(spline, values), spline, transpose_b=True)


@lru_cache(maxsize=16)
def _spline(knots: int, size: int) -> np.ndarray:
    """The matrix from values at evenly spaced knots to a cubic spline through them, of the deviation 1 on the whole."""
    from scipy.interpolate import CubicSpline

    matrix = CubicSpline(np.linspace(0, 1, knots), np.eye(knots))(np.linspace(0, 1, size))
    return (matrix / np.sqrt((matrix**2).sum(1).mean())).astype(np.float32)


def _closed(images: Any, side: int) -> Any:
    """Grown and shrunk again, so that gaps narrower than `side` pixels are full."""
    grown = tf.nn.max_pool2d(images, side, 1, "SAME")
    return -tf.nn.max_pool2d(-grown, side, 1, "SAME")

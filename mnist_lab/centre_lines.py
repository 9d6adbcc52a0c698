"""The middle lines of digits: where the pen's tip went, found again from the ink.

A digit that is known by its middle line can be written anew with any pen: the ink is what lies nearer to the line than
half the pen's width. So each image is kept as its *field*, the distance of every pixel to the middle line.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Distances are kept in twentieths of a pixel, which one byte holds up to 12.75 px: further off no pen reaches.
UNITS_PER_PIXEL = 20.0
# Ink is thinned in pixels half as wide.
_FINE = 2
_CHUNK = 1000
_NEIGHBOURS = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))


def fields(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Measures each pixel's distance to the digit's middle line.

    Args:
        images: Shape ``(n, height, width)``, 0 for paper and 255 for ink.

    Returns:
        Distances in twentieths of a pixel, at most 255, same shape. An image without ink is 255 everywhere.
    """
    found = np.empty(images.shape, np.uint8)
    for start in range(0, len(images), _CHUNK):
        found[start : start + _CHUNK] = _fields(images[start : start + _CHUNK])
    return found


def thinned(ink: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Thins shapes to lines of one pixel (T. Y. Zhang and C. Y. Suen, 1984), many images at once.

    Args:
        ink: Shape ``(n, height, width)``. Beyond the border is paper.

    Returns:
        The lines, same shape.
    """
    image = np.pad(ink, ((0, 0), (1, 1), (1, 1)))
    active = np.arange(len(image))
    while len(active):
        some = image[active]
        before = some.sum((1, 2))
        for first in (True, False):
            some[:, 1:-1, 1:-1] &= ~_removable(some, first)
        image[active] = some
        active = active[some.sum((1, 2)) != before]
    return image[:, 1:-1, 1:-1]


def _removable(image: NDArray[np.bool_], first: bool) -> NDArray[np.bool_]:
    """Pixels of the edge that one of the two half steps takes away; those on the border of the array are left out."""
    height, width = image.shape[1:]
    around = [image[:, 1 + i : height - 1 + i, 1 + j : width - 1 + j] for i, j in _NEIGHBOURS]
    north, _, east, _, south, _, west, _ = around
    count = np.zeros(north.shape, np.uint8)
    changes = np.zeros(north.shape, np.uint8)
    for one, following in zip(around, (*around[1:], around[0]), strict=True):
        count += one
        changes += ~one & following
    if first:
        open_sides = ~(north & east & south) & ~(east & south & west)
    else:
        open_sides = ~(north & east & west) & ~(north & south & west)
    return image[:, 1:-1, 1:-1] & (count >= 2) & (count <= 6) & (changes == 1) & open_sides


def _fields(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    from scipy import ndimage

    count, height, width = images.shape
    large = _enlarged(images)
    lines = thinned(large > np.maximum(large.max((1, 2), keepdims=True), 1) / 2)
    found = np.full((count, height, width), 255, np.uint8)
    for index, line in enumerate(lines):
        if not line.any():
            continue
        fine = ndimage.distance_transform_edt(~line)
        coarse = fine.reshape(height, _FINE, width, _FINE).mean((1, 3)) / _FINE
        found[index] = np.minimum(np.rint(coarse * UNITS_PER_PIXEL), 255)
    return found


def _enlarged(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Twice as many pixels each way, interpolated linearly."""
    large = images.astype(np.float32)
    for axis in (1, 2):
        ahead = np.concatenate([large.take(range(1, large.shape[axis]), axis), large.take([-1], axis)], axis)
        behind = np.concatenate([large.take([0], axis), large.take(range(large.shape[axis] - 1), axis)], axis)
        pair = np.stack([0.75 * large + 0.25 * behind, 0.75 * large + 0.25 * ahead], axis + 1)
        shape = list(large.shape)
        shape[axis] *= 2
        large = pair.reshape(shape)
    return large

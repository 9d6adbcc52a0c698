"""The printed lines of ruled and squared paper, taken out of a photograph before its ink is looked for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Lines, and nothing that a pen draws: there are some of them, thin, straight, along half of the picture or more.
_LEAST_LINES = 3
_LONG = 0.5
# Shares of the picture's longer side: how thick they may be, and how long a straight run is looked for.
_THICK, _RUN = 1 / 60, 1 / 14
# So many times the noise, and this many grey levels, is more than paper.
_NOISES, _LEVELS = 3.5, 7.0
# What deviates so many times as much as the lines is no line.
_STRONGER = 1.8


def without_lines(deviation: NDArray[np.float32]) -> NDArray[np.float32]:
    """Removes lines that run across a picture, level or upright to a few degrees.

    Where a stroke crosses a line the stroke stays: a pixel of a line becomes the lesser of what is on both its sides.

    Args:
        deviation: How much each pixel deviates from the paper towards ink, shape `(height, width)`.

    Returns:
        The same without the lines; `deviation` itself if there are none.
    """
    if min(deviation.shape) < 60:
        return deviation
    level = _without_level_lines(deviation)
    return np.ascontiguousarray(_without_level_lines(level.T).T)


def _without_level_lines(deviation: NDArray[np.float32]) -> NDArray[np.float32]:
    from scipy import ndimage

    height, width = deviation.shape
    thick = max(3, round(max(height, width) * _THICK))
    noise = 1.4826 * float(np.median(np.abs(deviation - np.median(deviation))))
    inked = deviation > max(_LEVELS, _NOISES * noise)
    # A sloping line leaves a row after some pixels; with its neighbours it is one run.
    runs = ndimage.binary_opening(
        ndimage.binary_dilation(inked, np.ones((3, 1))), np.ones((1, max(9, round(max(height, width) * _RUN))))
    )
    runs &= ~ndimage.binary_opening(inked, np.ones((thick + 1, 3)))
    bridged = ndimage.binary_closing(np.pad(runs, ((0, 0), (width // 8, width // 8))), np.ones((1, width // 8)))
    labels, _ = ndimage.label(bridged[:, width // 8 : -(width // 8)], structure=np.ones((3, 3)))
    boxes = ndimage.find_objects(labels)
    found = [number for number, (_, columns) in enumerate(boxes, 1) if columns.stop - columns.start >= _LONG * width]
    if len(found) < _LEAST_LINES:
        return deviation
    lines = np.isin(labels, found) & runs
    # Beyond a line there is paper, or a stroke that crosses; and what is much stronger than the lines is a stroke.
    length = sum(columns.stop - columns.start for number, (_, columns) in enumerate(boxes, 1) if number in found)
    beyond = 2 + round(float(lines.sum()) / length)
    lines = ndimage.binary_dilation(lines, np.ones((3, 1)))
    lines &= deviation < _STRONGER * float(np.median(deviation[lines & inked]))
    above = np.pad(deviation, ((beyond, 0), (0, 0)), mode="edge")[:height]
    below = np.pad(deviation, ((0, beyond), (0, 0)), mode="edge")[beyond:]
    return np.where(lines, np.minimum(deviation, np.minimum(above, below)), deviation)

"""MNIST's form: the ink in a box of 20x20 pixels, in a field of 28x28, with the strokes of its writers.

MNIST's own recipe (Y. LeCun, C. Cortes, C. Burges, http://yann.lecun.com/exdb/mnist): the ink is scaled into
a box of 20x20 pixels, its aspect ratio kept, with grey levels from the anti-aliasing; the box is then placed in the
28x28 field so that the centre of mass of its pixels comes to the field's centre. To this is added what a canvas makes
necessary and MNIST's writers did not need: a line far thinner or thicker than theirs is brought to their range.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Ink = NDArray[np.uint8]

FIELD = 28
BOX = 20
# Stroke widths of MNIST's training images in pixels of the 20x20 box, as `stroke_width` measures them: mean 2.57,
# standard deviation 0.72; these are about the quartiles. On training images redrawn with lines of 0.3 to 7.5 px, a
# small network did best so on the whole; tried too: the 10th and 90th percentile, the mean for all, nothing at all.
THIN, THICK = 2.1, 3.0
# Sides, in pixels, between which a drawing is measured and its strokes are changed.
_FINE_SIDES = (160, 280)


def crop(ink: Ink) -> Ink:
    """Cuts an ink map to its ink, which there must be."""
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def stroke_width(cropped: Ink) -> float:
    """Measures the width of the strokes in pixels of the 20x20 box.

    A stroke of width w holds the distances 0 to w/2 from its edge equally often, their mean is w/4; so the width
    is taken as four times the mean distance to the paper.

    Args:
        cropped: Ink map, cropped to its ink.

    Returns:
        The width; the longest side of `cropped` is 20.
    """
    shape, unit = _fine_shape(cropped)
    return 4 * float(_depth(shape)[shape].mean()) / unit


def fit_stroke_width(cropped: Ink, thin: float = THIN, thick: float = THICK) -> tuple[Ink, float, float]:
    """Brings the strokes to a width between `thin` and `thick`; within it nothing is touched.

    The edge of the ink is moved along its normal by the same distance d everywhere, and the new ink is cropped again.
    Ends and corners move with it, so d takes into account that the box grows too: (w + 2d) / (20 + 2d) = target / 20.
    A picture as coarse as MNIST's own is left as it is: it is no canvas drawing, and an image of MNIST stays itself.

    Args:
        cropped: Ink map, cropped to its ink.
        thin: Least width in pixels of the 20x20 box.
        thick: Largest width.

    Returns:
        The ink map, which is `cropped` itself if nothing was changed, and the widths before and after.
    """
    shape, unit = _fine_shape(cropped)
    depth = _depth(shape)
    width = 4 * float(depth[shape].mean()) / unit
    target = min(max(width, thin), thick)
    if target == width or max(cropped.shape) <= FIELD:
        return cropped, width, width
    shift = (target - width) / (2 * (1 - target / BOX)) * unit
    ink = _grown(shape, shift) if shift > 0 else _shrunk(depth, -shift)
    changed = crop((ink * 255 + 0.5).astype(np.uint8))
    return changed, width, stroke_width(changed)


def scale_into_box(cropped: Ink) -> Ink:
    """Scales an ink map so that its longest side is 20 pixels, with the mean of what falls on each pixel."""
    height, width = cropped.shape
    factor = BOX / max(height, width)
    if factor == 1:
        return cropped
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    kind = Image.Resampling.BOX if factor < 1 else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(cropped).resize(size, kind))


def centre_by_mass(scaled: Ink) -> Ink:
    """Places an ink map in the 28x28 field with its centre of mass as near to pixel (14, 14) as whole pixels allow.

    That MNIST's centre is pixel 14, counted from 0, and not the point between 13 and 14 is seen in its training
    images, whose centres of mass lie evenly in 13.5 to 14.5.
    """
    weight = scaled.astype(np.float64)
    height, width = scaled.shape
    top = FIELD / 2 - (weight.sum(axis=1) @ np.arange(height)) / weight.sum()
    left = FIELD / 2 - (weight.sum(axis=0) @ np.arange(width)) / weight.sum()
    row, column = min(max(round(top), 0), FIELD - height), min(max(round(left), 0), FIELD - width)
    image = np.zeros((FIELD, FIELD), np.uint8)
    image[row : row + height, column : column + width] = scaled
    return image


def _fine_shape(cropped: Ink) -> tuple[NDArray[np.bool_], float]:
    """Returns the ink as a shape, fine enough to measure, and how many of its pixels make one of the 20x20 box."""
    longest = max(cropped.shape)
    side = min(max(longest, _FINE_SIDES[0]), _FINE_SIDES[1])
    fine = cropped
    if side != longest:
        size = tuple(max(1, round(length * side / longest)) for length in cropped.shape[::-1])
        kind = Image.Resampling.BOX if side < longest else Image.Resampling.BICUBIC
        fine = np.asarray(Image.fromarray(cropped).resize((size[0], size[1]), kind))
    # Half of full ink is the edge; a hairline that has become grey everywhere is cut at half of its own strength.
    level = min(127.0, float(np.percentile(fine[fine > 0], 95)) / 2)
    return fine > level, side / BOX


def _depth(shape: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Returns each pixel's distance to the edge of the shape; the outside of the array is paper."""
    from scipy import ndimage

    return ndimage.distance_transform_edt(np.pad(shape, 1))[1:-1, 1:-1] - 0.5


def _grown(shape: NDArray[np.bool_], shift: float) -> NDArray[np.float64]:
    from scipy import ndimage

    padded = np.pad(shape, int(np.ceil(shift)) + 1)
    distance = ndimage.distance_transform_edt(~padded) - 0.5
    return np.where(padded, 1.0, np.clip(shift + 0.5 - distance, 0, 1))


def _shrunk(depth: NDArray[np.float64], shift: float) -> NDArray[np.float64]:
    from scipy import ndimage

    # Strokes are not equally thick everywhere. Lest the thin ones vanish, the edge moves inwards by at most 0.7 of half
    # the width of a rather thin one: of the 30th percentile along the middle lines.
    middle = (depth > 0) & (depth == ndimage.maximum_filter(depth, 3))
    shift = min(shift, 0.7 * float(np.percentile(depth[middle], 30)))
    return np.clip(depth - shift + 0.5, 0, 1)

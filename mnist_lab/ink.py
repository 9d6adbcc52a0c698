"""Where the ink is on a canvas: pixels or pen strokes -> an ink map, 0 for paper and 255 for ink."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mnist_lab.errors import DrawingError
from mnist_lab.mnist_form import Ink

Strokes = Sequence[Sequence[Sequence[float]]]

# Less contrast than this, in grey levels of 255, is taken for dirt and not for a pen.
MIN_CONTRAST = 24
MAX_CANVAS_SIDE = 4096
_SUPERSAMPLING = 4


def ink_of_canvas(rgba: NDArray[np.uint8], background: tuple[int, int, int] | None = None) -> Ink:
    """Finds the ink on a browser canvas.

    Ink is what differs from the background, in whatever colour and in either direction, so that a dark
    pen on light paper and a light pen on dark paper give the same map.

    Args:
        rgba: Pixels, shape `(height, width, 4)`, uint8.
        background: The canvas's colour, red, green and blue in 0..255. None: the coverage (alpha) where the
            canvas is transparent, else the difference from the most frequent colour along the border.

    Returns:
        Ink map, shape `(height, width)`, uint8; all 0 for an empty canvas.

    Raises:
        DrawingError: If `rgba` is of another type or shape.
    """
    rgba = np.asarray(rgba)
    if rgba.ndim != 3 or rgba.shape[2] != 4 or rgba.dtype != np.uint8:
        raise DrawingError(
            "A canvas must be an array of shape (height, width, 4) and type uint8. "
            f"Received: shape={rgba.shape}, dtype={rgba.dtype}."
        )
    if not 1 <= min(rgba.shape[:2]) <= max(rgba.shape[:2]) <= MAX_CANVAS_SIDE:
        raise DrawingError(f"A canvas must be 1 to {MAX_CANVAS_SIDE} pixels a side. Received: shape={rgba.shape}.")
    alpha = rgba[:, :, 3]
    opaque = bool((alpha == 255).all())
    if background is None and not opaque:
        return stretched(alpha)
    colours = rgba[:, :, :3].astype(np.int16)
    paper = np.array(_border_colour(rgba) if background is None else background, np.int16)
    difference = np.abs(colours - paper).max(axis=2)
    if not opaque:
        difference = difference * alpha.astype(np.int32) // 255
    return stretched(difference)


def ink_of_strokes(strokes: Strokes, pen_width: float, size: int) -> Ink:
    """Draws pen strokes as a browser canvas does: round caps and joins, smooth edges, cut off at the border.

    Args:
        strokes: Each stroke is a sequence of `(x, y)` points in canvas pixels, y down; a stroke of one point
            is a dot. Points that are not finite are left out.
        pen_width: Width of the line in canvas pixels.
        size: Side of the canvas in pixels.

    Returns:
        Ink map, shape `(size, size)`, uint8.

    Raises:
        DrawingError: If a stroke is not a sequence of points or a size is out of range.
    """
    if isinstance(size, bool) or not (isinstance(size, int) and 1 <= size <= MAX_CANVAS_SIDE):
        raise DrawingError(f"size must be a whole number, 1 to {MAX_CANVAS_SIDE}. Received: size={size!r:.60}.")
    # No number is above 0 that is none, and what is at most `size` is finite.
    if not (isinstance(pen_width, (int, float)) and 0 < pen_width <= size):
        raise DrawingError(f"pen_width must be above 0 and at most size={size}. Received: pen_width={pen_width!r:.60}.")
    if not isinstance(strokes, Sequence):
        raise DrawingError("Strokes must be a list of lists of [x, y] points.")
    scale = _SUPERSAMPLING if size <= 1024 else 1
    # Nothing narrower than one drawn pixel can be seen, and it would break into dots.
    width = max(1.0, pen_width * scale)
    sheet = Image.new("L", (size * scale, size * scale), 0)
    pen = ImageDraw.Draw(sheet)
    for stroke in strokes:
        # A canvas counts from the pixel's corner, Pillow from its centre.
        points = _points(stroke) * scale - 0.5
        # Far beyond the border nothing shows; the limit keeps Pillow's arithmetic in range.
        pieces = _clipped(points, -4.0 * size * scale, 5.0 * size * scale)
        for start, end in pieces:
            if width > 1 and start != end:
                pen.line([start, end], fill=255, width=max(1, round(width)))
            elif start != end:
                pen.line([start, end], fill=255)
            for x, y in (start, end):
                radius = width / 2 - 0.5
                pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return np.asarray(sheet.reduce(scale) if scale > 1 else sheet)


def stretched(values: NDArray) -> Ink:
    """Raises weak ink to full strength; what is nearly full stays as it is, to the last grey level."""
    peak = int(values.max())
    if peak < MIN_CONTRAST:
        return np.zeros(values.shape, np.uint8)
    if peak >= 250:
        return np.minimum(values, 255).astype(np.uint8)
    return np.minimum(values.astype(np.float32) * (255 / peak) + 0.5, 255).astype(np.uint8)


def _border_colour(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    border = np.concatenate([rgba[0], rgba[-1], rgba[:, 0], rgba[:, -1]])[:, :3]
    colours, counts = np.unique(border, axis=0, return_counts=True)
    return colours[counts.argmax()]


def _points(stroke: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    try:
        points = np.asarray(stroke, dtype=np.float64).reshape(-1, 2) if len(stroke) else np.empty((0, 2))
    except (TypeError, ValueError, OverflowError) as error:
        raise DrawingError("A stroke must be a list of [x, y] points.") from error
    return points[np.isfinite(points).all(axis=1)]


def _clipped(
    points: NDArray[np.float64], low: float, high: float
) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Cuts each segment of a line to a square (Liang and Barsky, 1984); leaves out what lies outside."""
    if not len(points):
        return []
    start, end = (points[:-1], points[1:]) if len(points) > 1 else (points, points)
    # Beyond this, differences of coordinates would overflow.
    start, end = np.clip(start, -1e12, 1e12), np.clip(end, -1e12, 1e12)
    step = end - start
    with np.errstate(divide="ignore", invalid="ignore"):
        first, last = (low - start) / step, (high - start) / step
    enter, leave = np.minimum(first, last), np.maximum(first, last)
    level = step == 0
    inside = (start >= low) & (start <= high)
    enter = np.where(level, np.where(inside, -np.inf, np.inf), enter).max(axis=1).clip(0, 1)
    leave = np.where(level, np.where(inside, np.inf, -np.inf), leave).min(axis=1).clip(0, 1)
    seen = (enter < leave) | (level.all(axis=1) & inside.all(axis=1))
    cut_start, cut_end = start + step * enter[:, None], start + step * leave[:, None]
    return [((a[0], a[1]), (b[0], b[1])) for a, b in zip(cut_start[seen], cut_end[seen], strict=True)]

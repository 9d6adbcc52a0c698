"""A drawn digit -> the centred 28x28 image that a network trained on MNIST expects, and the steps to it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnist_lab.dotted import join_dots
from mnist_lab.ink import Strokes, ink_of_canvas, ink_of_strokes
from mnist_lab.mnist_form import BOX, FIELD, Ink, centre_by_mass, crop, fit_stroke_width, scale_into_box
from mnist_lab.picture import ink_of_picture
from mnist_lab.splitting import without_specks

CANVAS_SIZE = 280
PEN_WIDTH = 16.0


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One step on the way from the drawing to the image.

    Attributes:
        name: `"drawn"`, `"ink"`, `"digit"`, `"joined"`, `"cropped"`, `"thickness"`, `"scaled"` or `"centred"`.
        title: What was done, for a person.
        image: The result, shape `(height, width)`, uint8; 0 is paper and 255 ink.
    """

    name: str
    title: str
    image: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """What becomes of a drawing.

    Attributes:
        steps: The way to the image, in order; only the first for an empty drawing.
        image: The image that the network sees, shape `(28, 28)`, uint8, 0 for paper and 255 for ink; None if empty.
        is_empty: True if there is no ink.
    """

    steps: tuple[Step, ...]
    image: NDArray[np.uint8] | None
    is_empty: bool


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """A canvas or a picture, with one digit on it, several or none.

    Attributes:
        ink: Shape `(height, width)`, uint8; 0 is paper and 255 ink.
        steps: The way to it; the ink is the last.
    """

    ink: Ink
    steps: tuple[Step, ...]


def sheet_of_canvas(rgba: NDArray[np.uint8], background: tuple[int, int, int] | None = None) -> Sheet:
    """Finds the ink on a canvas; arguments and errors are those of `from_canvas`."""
    ink = ink_of_canvas(rgba, background)
    return Sheet(ink, (Step("drawn", "As drawn", ink),))


def sheet_of_image_file(source: bytes | str | Path) -> Sheet:
    """Finds the ink in a picture file; arguments and errors are those of `from_image_file`."""
    ink, grey = ink_of_picture(source)
    return Sheet(ink, (Step("drawn", "The picture", grey), Step("ink", "The ink in it", ink)))


def from_canvas(rgba: NDArray[np.uint8], background: tuple[int, int, int] | None = None) -> Prepared:
    """Prepares the pixels of a canvas.

    Args:
        rgba: Pixels, shape `(height, width, 4)`, uint8.
        background: The canvas's colour, or None to find it; see `ink.ink_of_canvas`.

    Returns:
        The image and the steps to it.

    Raises:
        DrawingError: If `rgba` is of another type or shape.
    """
    return from_sheet(sheet_of_canvas(rgba, background))


def from_strokes(strokes: Strokes, pen_width: float = PEN_WIDTH, size: int = CANVAS_SIZE) -> Prepared:
    """Prepares pen strokes, by drawing them as a browser canvas does.

    Args:
        strokes: Each stroke is a sequence of `(x, y)` points in canvas pixels, y down.
        pen_width: Width of the line in canvas pixels.
        size: Side of the canvas in pixels.

    Returns:
        The image and the steps to it.

    Raises:
        DrawingError: If a stroke is not a sequence of points or a size is out of range.
    """
    ink = ink_of_strokes(strokes, pen_width, size)
    return prepare(ink, (Step("drawn", "As drawn", ink),))


def from_image_file(source: bytes | str | Path) -> Prepared:
    """Prepares a picture of one digit.

    Args:
        source: The file's bytes, or its path. PNG, JPEG, BMP, GIF (first frame) or WebP.

    Returns:
        The image and the steps to it.

    Raises:
        DrawingError: If it cannot be read, is no picture, or is too large.
    """
    return from_sheet(sheet_of_image_file(source))


def from_sheet(sheet: Sheet) -> Prepared:
    """Prepares all that is on a sheet as one digit."""
    return prepare(sheet.ink, sheet.steps)


def prepare(ink: Ink, before: tuple[Step, ...]) -> Prepared:
    """Brings the ink of one digit into MNIST's form.

    Args:
        ink: Shape `(height, width)`, uint8; 0 is paper and 255 ink.
        before: Steps that led to the ink map; it is the last.

    Returns:
        The image and the steps to it.
    """
    steps = list(before)
    if not (ink > 127).any():
        return Prepared(tuple(steps), None, True)
    line = without_specks(ink)
    joined = join_dots(line)
    if joined is not line:
        steps.append(Step("joined", "Dots joined to a line", joined))
    cropped = crop(joined)
    steps.append(Step("cropped", "Cropped to the ink", cropped))
    fitted, was, now = fit_stroke_width(cropped)
    before_px, after_px = f"{was:.1f}", f"{now:.1f}"
    if before_px != after_px:
        change = "thickened" if now > was else "thinned"
        steps.append(Step("thickness", f"Strokes {change} from {before_px} to {after_px} px of 20", fitted))
    scaled = scale_into_box(fitted)
    steps.append(Step("scaled", f"Scaled into {BOX}x{BOX}", scaled))
    image = centre_by_mass(scaled)
    steps.append(Step("centred", f"Centre of mass in the middle of {FIELD}x{FIELD}", image))
    return Prepared(tuple(steps), image, False)

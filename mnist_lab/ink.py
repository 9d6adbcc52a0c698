"""Where the ink is: canvas pixels, pen strokes or a picture file -> an ink map, 0 for paper and 255 for ink."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageOps

from mnist_lab.errors import DrawingError

Ink = NDArray[np.uint8]
Strokes = Sequence[Sequence[Sequence[float]]]

# Less contrast than this, in grey levels of 255, is taken for dirt and not for a pen.
MIN_CONTRAST = 24
MAX_FILE_BYTES = 30_000_000
MAX_PIXELS = 64_000_000
MAX_CANVAS_SIDE = 4096
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP")
# Pictures are looked at in at most this many pixels a side: 20 of them make one pixel of the result.
_WORKING_SIDE = 400
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
        return _stretched(alpha)
    colours = rgba[:, :, :3].astype(np.int16)
    paper = np.array(_border_colour(rgba) if background is None else background, np.int16)
    difference = np.abs(colours - paper).max(axis=2)
    if not opaque:
        difference = difference * alpha.astype(np.int32) // 255
    return _stretched(difference)


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
    if not (isinstance(size, int) and 1 <= size <= MAX_CANVAS_SIDE):
        raise DrawingError(f"size must be a whole number, 1 to {MAX_CANVAS_SIDE}. Received: size={size}.")
    if not (math.isfinite(pen_width) and 0 < pen_width <= size):
        raise DrawingError(f"pen_width must be above 0 and at most size={size}. Received: pen_width={pen_width}.")
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


def ink_of_picture(source: bytes | str | Path) -> tuple[Ink, NDArray[np.uint8]]:
    """Finds the ink in a picture file: a scan, a photograph of paper, a drawing, or an MNIST image itself.

    The paper is fitted as a smooth surface (a quadratic polynomial in x and y per colour), so that a lamp or
    a shadow on one side does no harm. Ink is the strongest deviation from it, along one line in colour space.
    Nothing is cleaned in a lossless picture with a plain border; in every other, specks are removed.

    Args:
        source: The file's bytes, or its path. PNG, JPEG, BMP, GIF (first frame) or WebP.

    Returns:
        Ink map and the picture in grey, both of shape `(height, width)` and type uint8.

    Raises:
        DrawingError: If it cannot be read, is no picture, or is too large.
    """
    picture, lossless = _open(source)
    rgb, coverage = _colours(picture)
    grey = np.asarray(Image.fromarray(rgb).convert("L"))
    if coverage is not None:
        return _stretched(coverage), coverage
    deviation, frame_is_plain, noise = _deviation_from_paper(rgb)
    if lossless and frame_is_plain:
        return _stretched(np.rint(deviation).astype(np.int16)), grey
    return _cleaned(deviation, noise), grey


def _stretched(values: NDArray) -> Ink:
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
    except (TypeError, ValueError) as error:
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


def _open(source: bytes | str | Path) -> tuple[Image.Image, bool]:
    """Returns the picture, upright and reduced, and whether its pixels are those that were saved."""
    name = "The picture" if isinstance(source, bytes) else f"{source}"
    remedy = f"Use a {', '.join(FORMATS[:-1])} or {FORMATS[-1]} file."
    try:
        if not isinstance(source, bytes):
            if Path(source).stat().st_size > MAX_FILE_BYTES:
                raise DrawingError(f"{name} is larger than {MAX_FILE_BYTES // 1_000_000} MB.", "Use a smaller picture.")
            source = Path(source).read_bytes()
        if len(source) > MAX_FILE_BYTES:
            raise DrawingError(f"{name} is larger than {MAX_FILE_BYTES // 1_000_000} MB.", "Use a smaller picture.")
        picture: Image.Image = Image.open(io.BytesIO(source), formats=FORMATS)
        width, height = picture.size
        if width * height > MAX_PIXELS:
            raise DrawingError(
                f"{name} has {width} x {height} pixels; at most {MAX_PIXELS // 1_000_000} million are read.",
                "Use a smaller picture.",
            )
        lossless = picture.format in ("PNG", "BMP", "GIF") and max(picture.size) <= _WORKING_SIDE
        picture.draft("RGB", (2 * _WORKING_SIDE, 2 * _WORKING_SIDE))
        picture.load()
        picture = ImageOps.exif_transpose(picture)
    except DrawingError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DrawingError(f"{name} has too many pixels.", "Use a smaller picture.") from error
    except FileNotFoundError as error:
        raise DrawingError(f"{name} does not exist.") from error
    except Exception as error:
        # Pillow's decoders raise many kinds (OSError, SyntaxError, ValueError, struct.error ...) on damaged files.
        raise DrawingError(f"{name} is not a picture that can be read.", remedy) from error
    return picture, lossless


def _colours(picture: Image.Image) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Returns the colours, and the coverage instead of them where only that tells ink from paper."""
    if picture.mode.startswith(("I", "F")):
        # 16-bit greys, which Pillow would cut off at 255.
        values = np.asarray(picture, dtype=np.float64)
        top = values.max(initial=0)
        values = values / (257 if top > 255 else 1)
        picture = Image.fromarray(np.clip(np.rint(np.nan_to_num(values)), 0, 255).astype(np.uint8))
    rgba = picture.convert("RGBA")
    rgba.thumbnail((_WORKING_SIDE, _WORKING_SIDE), Image.Resampling.BOX)
    pixels = np.asarray(rgba)
    rgb, alpha = pixels[:, :, :3], pixels[:, :, 3]
    if (alpha == 255).all():
        return rgb, None
    solid = alpha > 127
    if not solid.any():
        return rgb, alpha
    grey = rgb.mean(axis=2)[solid]
    # Both much dark and much light among the solid pixels: a card with a digit on it, on nothing.
    low, middle, high = np.percentile(grey, (2, 50, 98))
    if high - low < 100:
        return rgb, alpha
    paper = np.float32(high if middle > (low + high) / 2 else low)
    share = alpha[:, :, None].astype(np.float32) / 255
    return (rgb * share + paper * (1 - share) + 0.5).astype(np.uint8), None


def _deviation_from_paper(rgb: NDArray[np.uint8]) -> tuple[NDArray[np.float32], bool, float]:
    """Returns the deviation towards ink in grey levels, whether the border is plain, and the paper's noise."""
    height, width = rgb.shape[:2]
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=2).astype(np.float32)
    depth = max(1, round(0.06 * min(height, width)))
    frame = np.ones((height, width), bool)
    frame[depth:-depth, depth:-depth] = False
    colours = rgb.astype(np.float32)
    plain = bool((np.ptp(rgb[frame], axis=0) == 0).all())
    if plain:
        residual, noise = colours - colours[0, 0], 0.0
    else:
        residual, noise = _without_surface(colours, terms, frame)
    # The direction of ink in colour space: the axis of most deviation, pointing to its heavier tail.
    flat = residual.reshape(-1, 3)
    axis = np.linalg.eigh(flat.T @ flat)[1][:, -1]
    along = residual @ axis
    if float((along.astype(np.float64) ** 3).sum()) < 0:
        along = -along
    return np.maximum(along / np.abs(axis).sum(), 0), plain, noise / float(np.abs(axis).sum())


def _without_surface(
    colours: NDArray[np.float32], terms: NDArray[np.float32], frame: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], float]:
    """Subtracts the paper, fitted to the border first and then to every pixel that agrees with it."""
    step = max(1, round(math.sqrt(frame.size / 6000)))
    sample, design = colours[::step, ::step].reshape(-1, 3), terms[::step, ::step].reshape(-1, 6)
    chosen = frame[::step, ::step].reshape(-1)
    if chosen.sum() < 12:
        chosen = np.ones(len(sample), bool)
    spread = 1.0
    for _ in range(8):
        surface = np.linalg.lstsq(design[chosen], sample[chosen], rcond=None)[0]
        distance = np.linalg.norm(sample - design @ surface, axis=1)
        spread = float(1.4826 * np.median(distance[chosen]))
        agreeing = distance < max(12.0, 2.5 * spread)
        if agreeing.sum() < 12 or (agreeing == chosen).all():
            break
        chosen = agreeing
    return colours - terms @ surface, spread


def _cleaned(deviation: NDArray[np.float32], noise: float) -> Ink:
    """Cuts at half of the ink's strength, removes specks, and removes what hangs in from outside the picture."""
    from scipy import ndimage

    empty = np.zeros(deviation.shape, np.uint8)
    peak = _strength(deviation)
    if peak < max(MIN_CONTRAST, 5 * noise):
        return empty
    ink = np.clip((deviation / peak - 0.25) * 2, 0, 1)
    parts, count = ndimage.label(ink > 0.5, structure=np.ones((3, 3)))
    if not count:
        return empty
    areas = np.bincount(parts.ravel(), minlength=count + 1)[1:]
    edges = np.unique(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]))
    touching = np.isin(np.arange(1, count + 1), edges)
    spans = np.array([max(s.stop - s.start for s in part) for part in ndimage.find_objects(parts)])
    if (spans[~touching] >= 0.15 * max(ink.shape)).any():
        areas[touching] = 0
    kept = np.flatnonzero(areas >= max(4, 0.02 * areas.max())) + 1
    near = ndimage.binary_dilation(np.isin(parts, kept), iterations=2)
    return np.where(near, ink * 255 + 0.5, 0).astype(np.uint8)


def _strength(deviation: NDArray[np.float32]) -> float:
    """Mean deviation of the ink: of the upper of two classes of most different means (Otsu, 1979)."""
    counts, edges = np.histogram(deviation, bins=128)
    middles = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)[:-1].astype(np.float64)
    above = counts.sum() - below
    sums = np.cumsum(counts * middles)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (sums[:-1] / below - (sums[-1] - sums[:-1]) / above) ** 2
    cut = edges[1 + int(np.nan_to_num(between).argmax())]
    upper = deviation[deviation >= cut]
    return float(upper.mean()) if len(upper) else 0.0

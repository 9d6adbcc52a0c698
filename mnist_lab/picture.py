"""Where the ink is in a picture file, be it a scan, a photograph of paper, a drawing or an MNIST image itself."""

from __future__ import annotations

import io
import math
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from mnist_lab.errors import DrawingError
from mnist_lab.ink import MIN_CONTRAST, stretched
from mnist_lab.mnist_form import Ink
from mnist_lab.paper_lines import without_lines

MAX_FILE_BYTES = 30_000_000
MAX_PIXELS = 25_000_000
MAX_SCANS = 100
"""Programs write ten."""
# What begins a part of a JPEG; pixels have no such bytes in them.
_MARKER = re.compile(rb"\xff+([\x02-\xcf\xd9-\xfe])")
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP")
# Pictures are looked at in at most about so many pixels, whatever their shape: a telephone number fills a wide one.
_WORKING_PIXELS = 400_000
# A lossless picture up to this side is taken as it was saved.
_DRAWING_SIDE = 400


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
        return stretched(coverage), coverage
    plain = _plain_paper(rgb) if lossless else None
    if plain is not None:
        deviation = _towards_ink(rgb.astype(np.float32) - plain)
        return stretched(np.rint(np.maximum(deviation, 0)).astype(np.int16)), grey
    return _cleaned(without_lines(_without_shadows(_towards_ink(_without_paper(rgb))))), grey


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
        if picture.format in ("JPEG", "MPO") and _scans(source) > MAX_SCANS:
            raise DrawingError(f"{name} is drawn over more than {MAX_SCANS} times.", "Save it anew as a PNG.")
        lossless = picture.format in ("PNG", "BMP", "GIF") and max(picture.size) <= _DRAWING_SIDE
        scale = math.sqrt(_WORKING_PIXELS / (width * height))
        picture.draft("RGB", (round(2 * scale * width), round(2 * scale * height)))
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


def _scans(jpeg: bytes) -> int:
    """How often a JPEG goes over its pixels, so far as it matters: each time takes as long, in some bytes of file."""
    count, place = 0, 2
    while count <= MAX_SCANS and (marker := _MARKER.search(jpeg, place)) is not None and marker[1] != b"\xd9":
        count += marker[1] == b"\xda"
        place = marker.end() + max(2, int.from_bytes(jpeg[marker.end() : marker.end() + 2], "big"))
    return count


def _colours(picture: Image.Image) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Returns the colours, and the coverage instead of them where only that tells ink from paper."""
    scale = math.sqrt(_WORKING_PIXELS / (picture.width * picture.height))
    # Reduced roughly before anything is reckoned: a large picture would take four times its memory else.
    step = max(1, int(0.5 / scale))
    if picture.mode in ("L", "RGB", "RGBA", "CMYK"):
        picture = picture.reduce(step)
    elif step > 1:
        picture = picture.resize((picture.width // step, picture.height // step), Image.Resampling.NEAREST)
    if picture.mode.startswith(("I", "F")):
        # 16-bit greys, which Pillow would cut off at 255.
        values = np.asarray(picture, dtype=np.float64)
        top = values.max(initial=0)
        values = values / (257 if top > 255 else 1)
        picture = Image.fromarray(np.clip(np.rint(np.nan_to_num(values)), 0, 255).astype(np.uint8))
    rgba = picture.convert("RGBA")
    scale = math.sqrt(_WORKING_PIXELS / (rgba.width * rgba.height))
    if scale < 1:
        rgba.thumbnail((math.ceil(scale * rgba.width), math.ceil(scale * rgba.height)), Image.Resampling.BOX)
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


def _plain_paper(rgb: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """Returns the one colour that most of the outermost pixels have, or None."""
    border = np.concatenate([rgb[0], rgb[-1], rgb[:, 0], rgb[:, -1]])
    colours, counts = np.unique(border, axis=0, return_counts=True)
    return colours[counts.argmax()] if counts.max() >= 0.75 * len(border) else None


def _towards_ink(difference: NDArray[np.float32]) -> NDArray[np.float32]:
    """Projects differences from the paper on the axis along which most deviate, pointing to its heavier tail.

    Args:
        difference: Shape `(height, width, 3)`.

    Returns:
        Shape `(height, width)`, in grey levels: a grey pen deviates as much as it differs from the paper.
    """
    flat = difference.reshape(-1, 3)
    axis = np.linalg.eigh(flat.T @ flat)[1][:, -1]
    along = difference @ axis / np.abs(axis).sum()
    return -along if float((along.astype(np.float64) ** 3).sum()) < 0 else along


def _without_paper(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Subtracts the paper, fitted to the border first and then to every pixel that agrees with it."""
    height, width = rgb.shape[:2]
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=2).astype(np.float32)
    depth = max(1, round(0.06 * min(height, width)))
    frame = np.ones((height, width), bool)
    frame[depth:-depth, depth:-depth] = False
    colours = rgb.astype(np.float32)
    step = max(1, round(math.sqrt(frame.size / 6000)))
    sample, design = colours[::step, ::step].reshape(-1, 3), terms[::step, ::step].reshape(-1, 6)
    chosen = frame[::step, ::step].reshape(-1)
    if chosen.sum() < 12:
        chosen = np.ones(len(sample), bool)
    for _ in range(8):
        surface = np.linalg.lstsq(design[chosen], sample[chosen], rcond=None)[0]
        distance = np.linalg.norm(sample - design @ surface, axis=1)
        agreeing = distance < max(12.0, 2.5 * 1.4826 * float(np.median(distance[chosen])))
        if agreeing.sum() < 12 or (agreeing == chosen).all():
            break
        chosen = agreeing
    return colours - terms @ surface


def _without_shadows(deviation: NDArray[np.float32]) -> NDArray[np.float32]:
    """Subtracts what is wider than any stroke: a grey opening with a window of a quarter of the picture."""
    from scipy import ndimage

    height, width = deviation.shape
    step = max(1, min(height, width) // 80)
    smooth = ndimage.uniform_filter(deviation, 2 * step + 1)
    window = max(3, min(height, width) // step // 4)
    wide = ndimage.uniform_filter(ndimage.grey_opening(smooth[::step, ::step], (window, window)), window // 4)
    size = (width, height)
    deviation = deviation - np.asarray(Image.fromarray(wide).resize(size, Image.Resampling.BILINEAR))
    return deviation - np.median(deviation)


def _cleaned(deviation: NDArray[np.float32]) -> Ink:
    """Cuts at half of the ink's strength, removes specks, and removes what hangs in from outside the picture."""
    from scipy import ndimage

    empty = np.zeros(deviation.shape, np.uint8)
    noise = 1.4826 * float(np.median(np.abs(deviation)))
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
    # What is far thinner than the digits was not drawn with their pen.
    depths = ndimage.maximum(ndimage.distance_transform_edt(ink > 0.5), parts, np.arange(1, count + 1))
    areas[depths < 0.3 * depths[areas.argmax()]] = 0
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

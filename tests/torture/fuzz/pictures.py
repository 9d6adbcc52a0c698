"""Pictures of every kind with something wrong in them, canvases and pen strokes: all that is drawn or uploaded."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.ndimage
import scipy.sparse.csgraph
import scipy.spatial.distance  # noqa: F401 - what the program imports late is imported before the guard is set
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageDraw, PngImagePlugin

from mnist_lab import drawing, reading
from tests.torture.fuzz.guard import Target
from tests.torture.fuzz.mutation import mutant, signed_png

SIDE = 56
_WORDS = [b"IHDR", b"IDAT", b"PLTE", b"tRNS", b"iCCP", b"zTXt", b"iTXt", b"acTL", b"fcTL", b"fdAT", b"gAMA", b"eXIf",
          b"\xff\xc0", b"\xff\xc2", b"\xff\xc4", b"\xff\xda", b"\xff\xdb", b"\xff\xe1\x00\x20Exif\0\0", b"\xff\xe2",
          b"II*\0", b"MM\0*", b"GIF89a", b"NETSCAPE2.0", b"!\xf9\x04", b"\x2c", b"BM", b"RIFF", b"WEBP", b"VP8 ",
          b"VP8L",
          b"VP8X", b"ANIM", b"ANMF", b"ALPH", b"ICCP", b"EXIF", b"XMP ", b"<svg", b"%PDF", b"PK\3\4"]  # fmt: skip


def _picture() -> Image.Image:
    picture = Image.new("L", (SIDE, SIDE), 255)
    pen = ImageDraw.Draw(picture)
    pen.line([(12, 10), (42, 12), (26, 48)], fill=0, width=5)
    return picture


def _saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def samples() -> dict[str, list[bytes]]:
    """Valid pictures, by format: of all depths and colours, with profiles, texts, several frames."""
    grey = _picture()
    colour = Image.merge("RGB", [grey, grey.point(lambda x: x // 2), grey])
    clear = Image.merge("RGBA", [grey, grey, grey, grey.point(lambda x: 255 - x)])
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "maker"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "a seven " * 50, zip=True)
    text.add_itxt("Title", "seven", "en", "seven")
    frames = {"save_all": True, "append_images": [grey.rotate(30), grey.rotate(60)], "duration": 20}
    return {
        "PNG": [
            *(_saved(picture, "PNG") for picture in (grey, colour, clear, grey.convert("1"), grey.convert("LA"))),
            _saved(colour.convert("P"), "PNG", transparency=3),
            _saved(Image.fromarray(np.asarray(grey).astype(np.uint16) * 257), "PNG"),
            _saved(colour, "PNG", exif=exif, icc_profile=profile, pnginfo=text, dpi=(72, 72)),
            _saved(grey, "PNG", **frames),
        ],
        "JPEG": [
            _saved(grey, "JPEG"), _saved(colour, "JPEG", progressive=True), _saved(colour.convert("CMYK"), "JPEG"),
            _saved(colour, "JPEG", exif=exif, icc_profile=profile, comment=b"seven"),
            _saved(colour, "JPEG", restart_marker_blocks=2, subsampling=2),
        ],
        "GIF": [_saved(grey, "GIF"), _saved(colour, "GIF"), _saved(grey, "GIF", **frames, transparency=255, disposal=2),
                _saved(grey, "GIF", interlace=1, comment=b"seven")],
        "BMP": [_saved(picture, "BMP") for picture in (grey, colour, grey.convert("1"), colour.convert("P"))]
        + [_rle()],
        "WebP": [
            _saved(colour, "WEBP"), _saved(clear, "WEBP"), _saved(colour, "WEBP", lossless=True),
            _saved(clear, "WEBP", **frames), _saved(colour, "WEBP", exif=exif, icc_profile=profile),
        ],
    }  # fmt: skip


def _rle() -> bytes:
    """A BMP of 8 bits, packed by runs, which Pillow reads and does not write."""
    rows = b"".join(bytes([SIDE, 255 * (row % 2)]) + b"\0\0" for row in range(SIDE)) + b"\0\1"
    palette = b"".join(bytes([grey, grey, grey, 0]) for grey in range(256))
    head = struct.pack("<IiiHHIIiiII", 40, SIDE, SIDE, 1, 8, 1, len(rows), 0, 0, 256, 0)
    start = 14 + len(head) + len(palette)
    return struct.pack("<2sIHHI", b"BM", start + len(rows), 0, 0, start) + head + palette + rows


def predict(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Stands for a network: the same image has always the same answer."""
    ink = images.reshape(len(images), -1).astype(np.float32)
    scores = np.stack([ink[:, digit::10].sum(axis=1) for digit in range(10)], axis=1) + 1
    return scores / scores.sum(axis=1, keepdims=True)


def _read(sheet: drawing.Sheet) -> bool:
    """Does with a sheet what the page does."""
    whole = drawing.from_sheet(sheet)
    found = reading.read(sheet, predict)
    for image in [each.image for each in found] + ([] if whole.image is None else [whole.image]):
        assert image.shape == (28, 28) and image.dtype == np.uint8
    return True


def files(folder: Path) -> Target:
    """Picture files with something wrong in them."""
    Image.init()  # all readers of formats, also of those that are not read
    known = samples()
    every = [content for contents in known.values() for content in contents]
    others = [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<!doctype html><script>1</script>", b"%PDF-1.7\n", b"",
              _saved(_picture(), "TIFF"), _saved(_picture(), "PPM"), _saved(_picture(), "ICO"), _saved(_picture(),
              "TGA"),
              b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", bytes(4000)]  # fmt: skip

    def make(chance: random.Random) -> tuple[str, bytes]:
        kind = chance.choice(list(known))
        if chance.random() < 0.05:
            return "other files as pictures", mutant(chance, others, _WORDS)
        content = mutant(chance, known[kind] if chance.random() < 0.9 else every, _WORDS)
        # Without its right checksums a PNG is looked at no further.
        return kind, signed_png(content) if kind == "PNG" and chance.random() < 0.8 else content

    return Target(lambda content: _read(drawing.sheet_of_image_file(content)), make, first=[*every, *others])


def canvases(folder: Path) -> Target:
    """Canvases of any size, type and colour, and pixels without sense: what a browser may send."""

    def noise(chance: random.Random) -> NDArray[Any]:
        shape = tuple(chance.choice((1, 2, 3, 28, 60, 140)) for _ in range(2))
        rng = np.random.default_rng(chance.randrange(2**32))
        pixels = np.zeros((*shape, 4), np.uint8)
        for _ in range(chance.randrange(6)):
            top, left = (chance.randrange(size) for size in shape)
            high, wide = (1 + chance.randrange(size) for size in shape)
            pixels[top : top + high, left : left + wide] = rng.integers(0, 256, 4)
        if chance.random() < 0.3:
            pixels = rng.integers(0, 256, pixels.shape, np.uint8)
        if chance.random() < 0.2:
            pixels[:, :, 3] = chance.choice((0, 1, 127, 255))
        return pixels

    def make(chance: random.Random) -> tuple[str, Any]:
        pixels = noise(chance)
        if chance.random() < 0.1:
            wrong: list[Callable[[NDArray[Any]], Any]] = [
                lambda x: x[:, :, :3], lambda x: x.astype(np.float64) * np.nan, lambda x: x[:0], lambda x: x.tolist(),
                lambda x: x[0], lambda x: np.broadcast_to(x[:1, :1], (5000, 1, 4)), lambda x: None, lambda x: "canvas",
            ]  # fmt: skip
            return "canvases", chance.choice(wrong)(pixels)
        return "canvases", pixels

    return Target(lambda pixels: _read(drawing.sheet_of_canvas(pixels)), make, first=[np.zeros((28, 28, 4), np.uint8)])


_number = st.one_of(st.integers(-50, 330), st.floats(), st.sampled_from([10**30, -(10**18), None, "5", True, 1e308]))
_point = st.one_of(st.tuples(_number, _number).map(list), st.lists(_number, max_size=4), _number)
_stroke = st.one_of(st.lists(st.tuples(_number, _number), max_size=6), st.lists(_point, max_size=4), _number)


def strokes(folder: Path) -> Target:
    """Pen strokes with points that are none, pens and canvases that are too large."""

    def feed(value: Any) -> bool:
        lines, pen, size = value
        prepared = drawing.from_strokes(lines, pen, size)
        assert prepared.is_empty or prepared.image is not None
        return True

    several = st.one_of(st.lists(_stroke, max_size=4), _stroke)
    pens = st.one_of(st.floats(0.1, 60), st.floats(), st.sampled_from([10**400, "x", None, 0, -1]))
    sizes = st.one_of(st.sampled_from([28, 100, 280]), st.sampled_from([0, -1, 4097, 10**9, 2.5, "280", None, True]))
    return Target(
        feed,
        strategy=st.tuples(several, pens, sizes),
        kind="strokes (Hypothesis)",
        first=[([[(20, 20), (90, 200)]], 16.0, 280)],
    )


def small_png(chance: random.Random) -> bytes:
    """A PNG of 28 x 28 by hand, with headers that may not be what its rows are."""
    depth, colour = chance.choice((1, 2, 4, 8, 16, 8, 8)), chance.choice((0, 2, 3, 4, 6, 0, 0))
    head = struct.pack(
        ">IIBBBBB", chance.choice((28, 28, 28, 27, 2**31 - 1)), 28, depth, colour, 0, 0, chance.choice((0, 0, 1))
    )
    rows = zlib.compress(chance.randbytes(chance.choice((28 * 29, 100, 4000))))
    chunks = [
        (b"IHDR", head),
        (b"PLTE", chance.randbytes(chance.choice((3, 768, 0, 5)))),
        (b"IDAT", rows),
        (b"IEND", b""),
    ]
    if chance.random() < 0.3:
        chance.shuffle(chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )

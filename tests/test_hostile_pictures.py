"""Pictures that mean harm or are merely odd: a right reading or one sentence, and the memory stays where it was."""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from mnist_lab.drawing import from_image_file
from mnist_lab.errors import DrawingError
from mnist_lab.ink import ink_of_strokes

ROOT = Path(__file__).resolve().parent.parent
SEVEN = 255 - ink_of_strokes([[(60.0, 60.0), (200.0, 70.0), (120.0, 230.0)]], 16, 280)
MEMORY_MB = 120
"""What a process may need above what reading an ordinary photograph of 12 million pixels takes it to."""


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, rows: bytes, *more: bytes, depth: int = 8, colour: int = 0) -> bytes:
    """A PNG that claims this size, whatever its rows hold."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def saved(image: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def seven() -> Image.Image:
    return Image.fromarray(SEVEN)


def animated(kind: str, frames: int) -> bytes:
    blank = Image.new("L", (280, 280), 255)
    return saved(seven(), kind, save_all=True, append_images=[blank, seven()] * (frames // 2), duration=20)


def zipped_zeros(size: int) -> bytes:
    packer = zlib.compressobj(9)
    block = b"\0" * 2**20
    return b"".join(packer.compress(block) for _ in range(size // 2**20)) + packer.flush()


def with_text(size: int) -> bytes:
    """A readable seven with a comment that unpacks to this size."""
    whole = saved(seven(), "PNG")
    ihdr = whole[:33]
    return ihdr + chunk(b"zTXt", b"Comment\0\0" + zipped_zeros(size)) + whole[33:]


def with_long_text() -> bytes:
    info = PngInfo()
    info.add_text("Comment", "seven " * 100_000)
    return saved(seven(), "PNG", pnginfo=info)


def jpeg_claiming(width: int, height: int) -> bytes:
    whole = bytearray(saved(seven(), "JPEG"))
    at = whole.index(b"\xff\xc0")
    whole[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(whole)


READ: dict[str, Callable[[], bytes]] = {
    "animated GIF": lambda: animated("GIF", 6),
    "GIF of 400 frames": lambda: animated("GIF", 400),
    "animated WebP": lambda: animated("WEBP", 6),
    "animated PNG": lambda: animated("PNG", 6),
    "16-bit grey": lambda: saved(Image.fromarray(SEVEN.astype(np.uint16) * 257), "PNG"),
    "palette with a transparent colour": lambda: saved(
        seven().point(lambda x: x & 128).convert("P"), "PNG", transparency=128
    ),
    "half transparent": lambda: saved(Image.merge("RGBA", [seven()] * 3 + [Image.new("L", (280, 280), 128)]), "PNG"),
    "CMYK": lambda: saved(seven().convert("CMYK"), "JPEG"),
    "long comment": with_long_text,
}
REFUSED: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "cut short": lambda: saved(seven(), "PNG")[:600],
    "50,000 x 50,000 claimed": lambda: png(50_000, 50_000, zlib.compress(b"\0" * 1000), depth=1),
    "50,000 x 50,000 packed": lambda: png(50_000, 50_000, zipped_zeros(6251 * 50_000), depth=1),
    "JPEG that claims 60,000 x 60,000": lambda: jpeg_claiming(60_000, 60_000),
    "JPEG that claims 8,000 x 8,000": lambda: jpeg_claiming(8_000, 8_000)[:900],
    "comment that unpacks to 200 MB": lambda: with_text(200 * 2**20),
    "SVG": lambda: b'<svg xmlns="http://www.w3.org/2000/svg" width="28" height="28"><text>7</text></svg>',
    "HTML": lambda: b"<!doctype html><title>7</title><script>alert(7)</script>",
    "archive": lambda: b"PK\x03\x04" + b"\0" * 400,
    "TIFF": lambda: saved(seven(), "TIFF"),
    "PDF": lambda: saved(seven(), "PDF"),
}
LARGE: dict[str, Callable[[], bytes]] = {
    "24 million pixels, transparent": lambda: saved(Image.new("RGBA", (6000, 4000)), "PNG", compress_level=1),
    "24 million pixels, 16-bit": lambda: png(6000, 4000, zipped_zeros(12_001 * 4000), depth=16),
    "24 million pixels, palette": lambda: saved(Image.new("P", (6000, 4000)), "PNG", compress_level=1),
    "24 million pixels, progressive": lambda: saved(Image.new("RGB", (6000, 4000)), "JPEG", progressive=True),
    "too few rows for its size": lambda: png(5000, 5000, zlib.compress(b"\0" * 5001)),
}


@pytest.mark.parametrize("kind", READ)
def test_an_odd_picture_is_read_as_the_drawing_in_it(kind: str) -> None:
    image = from_image_file(READ[kind]()).image
    expected = from_image_file(saved(seven(), "PNG")).image
    assert image is not None and expected is not None
    assert np.corrcoef(image.ravel(), expected.ravel())[0, 1] > 0.96


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_read_is_refused_in_a_sentence_with_a_remedy(kind: str) -> None:
    with pytest.raises(DrawingError) as refused:
        from_image_file(REFUSED[kind]())
    assert refused.value.message.count(".") <= 1 and len(refused.value.message) < 120
    assert refused.value.remedy


_READER = """
import json, sys
from pathlib import Path
import psutil, resource
from mnist_lab.drawing import sheet_of_image_file
from mnist_lab.errors import LabError
from mnist_lab.splitting import split
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
first, *files = sorted(Path(sys.argv[1]).iterdir())
split(sheet_of_image_file(first).ink)
before, resident, found = peak(), psutil.Process().memory_info().rss / 2**20, {}
for file in files:
    try:
        split(sheet_of_image_file(file.read_bytes()).ink)
    except LabError:
        pass
    found[file.name] = peak() - before
print(json.dumps({"peaks": found, "kept": psutil.Process().memory_info().rss / 2**20 - resident}))
"""


def test_the_memory_of_the_server_does_not_move(tmp_path: Path) -> None:
    (tmp_path / "0").write_bytes(saved(Image.fromarray(SEVEN).resize((4000, 3000)).convert("RGB"), "JPEG"))
    for name, make in (READ | REFUSED | LARGE).items():
        (tmp_path / f"1 {name}").write_bytes(make())
    said = subprocess.run(
        [sys.executable, "-c", _READER, str(tmp_path)], capture_output=True, text=True, cwd=ROOT, check=True
    )
    measured = json.loads(said.stdout)
    assert len(measured["peaks"]) == len(READ | REFUSED | LARGE)
    assert max(measured["peaks"].values()) < MEMORY_MB, measured["peaks"]
    assert measured["kept"] < MEMORY_MB / 2

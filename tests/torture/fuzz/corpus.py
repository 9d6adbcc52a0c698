"""Files that mean harm, by name. Those of `tests/exchange/test_hostile.py` and of its kin are not here once more."""

from __future__ import annotations

import gzip
import io
import pickle
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mnist_lab import drawing, mnist_files, reading
from mnist_lab.exchange import FORMS, Source, bring_in, digit_files, layout
from mnist_lab.store import RunStore
from mnist_lab.store.artefacts import Artefacts
from mnist_lab.store.database import open_engine
from tests.exchange.conftest import Mouth, packed, unpacked, whole_run
from tests.exchange.test_digit_files import IMAGES, png
from tests.torture.fuzz import pictures
from tests.torture.fuzz.files import _mnist, _npy, _npz, overlapping_zip
from tests.torture.fuzz.guard import Target

Make = Callable[[], Any]


class _Exploit:
    def __reduce__(self) -> Any:
        return (exec, ("raise SystemExit('it was unpickled')",))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png_with(*chunks: bytes) -> bytes:
    whole = pictures._saved(pictures._picture(), "PNG")
    return whole[:33] + b"".join(chunks) + whole[33:]


def _deflated_zeros(size: int) -> bytes:
    """As many zeros, packed: blocks that know nothing of each other are alike."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)) * (size // 2**20) + b"\3\0"


def _zeros(size: int) -> bytes:
    return b"\x78\x9c" + _deflated_zeros(size) + struct.pack(">I", (size % 65521) << 16 | 1)


def _jpeg_with(marker: bytes, data: bytes) -> bytes:
    whole = pictures._saved(pictures._picture(), "JPEG")
    return whole[:2] + marker + struct.pack(">H", len(data) + 2) + data + whole[2:]


def _exif(entries: bytes, count: int, following: int = 0) -> bytes:
    return _jpeg_with(
        b"\xff\xe1", b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", count) + entries + struct.pack("<I", following)
    )


def _scans(side: int, count: int) -> bytes:
    """A progressive JPEG that goes over its pixels again and again, at some bytes each time."""
    whole = pictures._saved(Image.new("L", (side, side), 255), "JPEG", progressive=True)
    starts = [place for place in range(len(whole)) if whole[place : place + 2] == b"\xff\xda"]
    last = whole[starts[-1] : -2]
    return whole[:-2] + last * count + whole[-2:]


def _frames(kind: str, count: int) -> bytes:
    first = pictures._picture()
    others = [Image.new("L", first.size, 255 - number % 2) for number in range(count)]
    return pictures._saved(first, kind, save_all=True, append_images=others, duration=10)


def _bmp(width: int, height: int, depth: int = 8, packing: int = 0, rows: bytes = b"\0" * 100) -> bytes:
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, depth, packing, len(rows), 0, 0, 256, 0)
    start = 14 + len(head) + 1024
    return struct.pack("<2sIHHI", b"BM", start + len(rows), 0, 0, start) + head + bytes(1024) + rows


PICTURES: dict[str, Make] = {
    "an orientation that is none": lambda: _exif(struct.pack("<HHII", 0x0112, 3, 1, 9999), 1),
    "an orientation that is a text": lambda: _exif(struct.pack("<HHI4s", 0x0112, 2, 4, b"six\0"), 1),
    "EXIF that follows itself": lambda: _exif(struct.pack("<HHII", 0x0112, 3, 1, 6), 1, 8),
    "EXIF within itself": lambda: _exif(struct.pack("<HHII", 0x8769, 4, 1, 8), 1),
    "EXIF of four thousand million entries": lambda: _exif(struct.pack("<HHII", 0x010F, 2, 2**32 - 1, 8), 65535),
    "a colour profile that unpacks to 300 MB": lambda: _png_with(_chunk(b"iCCP", b"x\0\0" + _zeros(300 * 2**20))),
    "a title that unpacks to 300 MB": lambda: _png_with(
        _chunk(b"iTXt", b"Title\0\1\0en\0t\0" + _zeros(300 * 2**20))
    ),
    "two hundred comments that unpack to 1 MB each": lambda: _png_with(
        *[_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(1_000_000)))] * 200
    ),
    "a colour profile of no sense": lambda: _png_with(_chunk(b"iCCP", b"x\0\0" + zlib.compress(b"\xff" * 1000))),
    "transparency of 70,000 colours": lambda: _png_with(_chunk(b"tRNS", bytes(70_000))),
    "a PNG without width": lambda: pictures._saved(pictures._picture(), "PNG").replace(
        struct.pack(">II", pictures.SIDE, pictures.SIDE), struct.pack(">II", 0, pictures.SIDE)
    ),
    "an APNG of 3,000 frames": lambda: _frames("PNG", 3000),
    "a GIF of 3,000 frames": lambda: _frames("GIF", 3000),
    "a WebP of 400 frames": lambda: _frames("WEBP", 400),
    "a JPEG that is gone over 20,000 times": lambda: _scans(2000, 20_000),
    "a GIF that claims 65,535 x 65,535": lambda: b"GIF89a\xff\xff\xff\xff\xf7\0\0" + bytes(768) + b",\0\0\0\0"
    + b"\xff\xff\xff\xff\0\x08\xfe" + b"\xff" * 254 + b"\0;",
    "a BMP of negative sizes": lambda: _bmp(-(2**31), -(2**31)),
    "a BMP that claims 30,000 x 30,000, packed": lambda: _bmp(30_000, 30_000, packing=1, rows=b"\xff\0" * 5000),
    "a BMP of 4,900 x 4,900 packed into nothing": lambda: _bmp(4900, 4900, packing=1, rows=b"\0\1"),
    "a WebP that claims 16,383 x 16,383": lambda: b"RIFF\x24\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xfe\x3f\0\xfe\x3f\0VP8L"
    + bytes(40),
    "a picture and an archive in one": lambda: pictures._saved(pictures._picture(), "PNG") + packed({"a": b"x"}),
    "a TIFF that calls itself a JPEG": lambda: b"\xff\xd8\xff\xe0" + pictures._saved(pictures._picture(), "TIFF"),
    "PostScript": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n(/tmp/x) (w) file\n%%EOF",
    "a picture that names another": lambda: b"FPX\0/etc/passwd\n" * 50,
}  # fmt: skip
# Odd pictures that are read all the same.
ARE_READ = {
    "an orientation that is none", "an orientation that is a text", "EXIF that follows itself", "EXIF within itself",
    "EXIF of four thousand million entries", "transparency of 70,000 colours", "an APNG of 3,000 frames",
    "a GIF of 3,000 frames", "a WebP of 400 frames", "a picture and an archive in one", "a colour profile of no sense",
    "a model of Keras with a Lambda layer beside the weights",
}  # fmt: skip


def _mnist_npz(**changed: bytes) -> bytes:
    return _npz({**{name: _npy(array) for name, array in _mnist(20).items()}, **changed})


def _header(text: str, content: bytes = b"") -> bytes:
    head = text.encode() + b" " * max(0, 117 - len(text)) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + content


def _pickled() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.array([_Exploit()], object), allow_pickle=True)
    return buffer.getvalue()


def _crowd(count: int) -> bytes:
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 0, 0, 33, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    central, start = entry * count, b"PK\3\4" + bytes(60)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count % 65536, count % 65536, len(central), len(start), 0)
    return start + central + end


def _bomb(name: str, size: int) -> bytes:
    """A zip of one file of zeros."""
    stream, label = _deflated_zeros(size), name.encode()
    sizes = 0, len(stream), size, len(label), 0
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 8, 0, 33, *sizes) + label + stream
    central = struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 8, 0, 33, *sizes, 0, 0, 0, 0, 0) + label
    return local + central + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(central), len(local), 0)


def _idx(head: bytes) -> dict[str, bytes]:
    files = {
        mnist_files.PARTS[name]: mnist_files.idx_header(each) + each.tobytes() for name, each in _mnist(20).items()
    }
    return {**files, mnist_files.PARTS["x_train"]: head}


_SHAPE = "{'descr': '|u1', 'fortran_order': False, 'shape': %s, }"
MNIST: dict[str, Make] = {
    "MNIST of a giant shape": lambda: _mnist_npz(x_train=_header(_SHAPE % "(999999999, 28, 28)")),
    "MNIST of a negative shape": lambda: _mnist_npz(x_train=_header(_SHAPE % "(-20, 28, -28)", bytes(15_680))),
    "MNIST of a shape that overflows": lambda: _mnist_npz(x_train=_header(_SHAPE % "(4294967296, 4294967296, 28)")),
    "MNIST that is a pickle": lambda: _mnist_npz(x_train=_pickled()),
    "MNIST that is a bare pickle": lambda: pickle.dumps(_Exploit()),
    "MNIST whose header is a program": lambda: _mnist_npz(y_train=_header("__import__('os').system('true')")),
    "MNIST whose header is deep": lambda: _mnist_npz(y_train=_header("-" * 9_000 + "1")),
    "MNIST whose header is deeper": lambda: _mnist_npz(y_train=_header("(" * 9_000)),
    "MNIST whose header has a NUL": lambda: _mnist_npz(y_train=_header("{'descr': '|u1\0'}")),
    "MNIST with a member that is no array": lambda: _mnist_npz(x_test=b"no array"),
    "MNIST that unpacks to 4 GB": lambda: _bomb("x_train.npy", 2**32 - 2**20),
    "MNIST with a hundred thousand members": lambda: _crowd(100_000),
    "MNIST whose arrays are all one": lambda: overlapping_zip(
        [f"{name}.npy" for name in mnist_files.PARTS], _header(_SHAPE % "(250000, 28, 28)", bytes(196_000_000))
    ),
    "MNIST packed by LZMA": lambda: _packed_by(zipfile.ZIP_LZMA),
    "IDX that unpacks to 1 GB": lambda: _idx(
        b"\x1f\x8b\x08\0\0\0\0\0\0\3" + _deflated_zeros(2**30) + struct.pack("<II", 0, 2**30)
    ),
    "IDX that announces 4,294,967,295 images": lambda: _idx(b"\0\0\x08\x03" + b"\xff" * 12 + bytes(1000)),
    "IDX within its own header": lambda: _idx(b"\0\0\x08\x03\0\0"),
    "IDX of fractions": lambda: _idx(b"\0\0\x0d\x03" + struct.pack(">3I", 20, 28, 28) + bytes(80_000)),
    "IDX of 255 dimensions": lambda: _idx(b"\0\0\x08\xff" + b"\0\0\0\1" * 255 + b"x"),
    "IDX that goes on after its end": lambda: _idx(gzip.compress(b"\0\0\x08\x03") * 1000),
}


def _packed_by(method: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, array in _mnist(20).items():
            archive.writestr(f"{name}.npy", _npy(array)[:-1])
    return buffer.getvalue()


_GOOD = png(IMAGES[0])
DIGITS: dict[str, Make] = {
    "digits that are all one, overlapping": lambda: overlapping_zip(
        [f"7-{number}.png" for number in range(2000)], _GOOD[:-12] + bytes(10_000)
    ),
    "digits in a zip in a zip": lambda: packed({"7.png": packed({"7.png": _GOOD}, sign=False)}, sign=False),
    "a digit whose name turns round": lambda: packed({"7-\u202egnp.exe": _GOOD}, sign=False),
    "a digit of another script": lambda: packed({"\u0667.png": _GOOD}, sign=False),
    "a digit on a drive": lambda: packed({"C:7.png": _GOOD}, sign=False),
    "a digit above": lambda: packed({"../7.png": _GOOD}, sign=False),
    "a digit of the system": lambda: packed({"7-/../../etc/passwd.png": _GOOD}, sign=False),
    "a digit with a wrong checksum": lambda: packed({"7.png": _GOOD}, sign=False).replace(_GOOD[40:44], b"abcd"),
    "ten thousand digits of no size": lambda: packed({f"7-{n}.png": b"" for n in range(10_000)}, sign=False),
}


def named(folder: Path) -> Target:
    """Each case once, read by what would read it."""
    Image.init()
    stores = [
        RunStore(open_engine(f"sqlite:///{folder / name / 'lab.db'}"), folder / name) for name in ("from", "into")
    ]
    run = whole_run(stores[0])
    mouth = Mouth(stores[0], run)
    archive = FORMS["zip"].make(Source(stores[0], run, mouth))
    files = unpacked(archive)
    place = folder / "data"
    place.mkdir()
    kept = Artefacts(folder / "artefacts")
    with kept.writing("ab", "x.npz") as path:
        path.write_bytes(b"x")

    def picture(content: bytes) -> bool:
        sheet = drawing.sheet_of_image_file(content)
        drawing.from_sheet(sheet)
        reading.read(sheet, pictures.predict)
        return True

    def mnist(content: bytes | dict[str, bytes]) -> bool:
        for old in place.iterdir():
            old.unlink()
        for name, part in (content if isinstance(content, dict) else {"mnist.npz": content}).items():
            (place / name).write_bytes(part)
        mnist_files.read(mnist_files.files_of(place))
        return True

    def digits(content: bytes) -> bool:
        return bool(digit_files.read({"a.zip": content}))

    def brought(content: bytes) -> bool:
        return bool(bring_in(stores[1], content, mouth).run.id)

    names = list(files)
    archives: dict[str, Make] = {
        "a run whose files are all one, overlapping": lambda: overlapping_zip(names, bytes(60_000)),
        "a run whose files are all one, and large": lambda: overlapping_zip(
            [layout.POINTS, *layout.NEEDED], bytes(layout.SIZES[layout.MANIFEST])
        ),
        "a run with a wrong checksum": lambda: packed(files).replace(files[layout.SCRIPT][:40], b"x" * 40),
        "a run of zip64": lambda: archive[:-22] + b"PK\6\7" + bytes(16) + archive[-22:],
        "a run within a run": lambda: packed({**files, layout.KERAS_MODEL: archive, layout.RUN: archive}),
        "predictions that are a pickle": lambda: packed({**files, layout.PREDICTIONS: pickle.dumps(_Exploit())}),
        "predictions of which all arrays are one": lambda: packed(
            {**files, layout.PREDICTIONS: overlapping_zip(["probabilities.npy", "labels.npy", "indices.npy"],
            bytes(9_999))}
        ),
        # It is compared with its checksum and never opened.
        "a model of Keras with a Lambda layer beside the weights": lambda: packed({**files, layout.KERAS_MODEL: packed(
            {"config.json": b'{"class_name": "Lambda", "config": {"function": "import os"}}'}, sign=False)}),
    }  # fmt: skip
    cases = [
        (name, reader, make)
        for reader, group in ((picture, PICTURES), (mnist, MNIST), (digits, DIGITS), (brought, archives))
        for name, make in group.items()
    ]
    left = iter(cases)

    def following(chance: random.Random) -> tuple[str, Any]:
        name, reader, make = next(left)
        return name, (reader.__name__, make())

    readers = {reader.__name__: reader for reader in (picture, mnist, digits, brought)}

    def feed(value: tuple[str, Any]) -> bool:
        reader, content = value
        return readers[reader](content)

    first = [
        ("picture", pictures._saved(pictures._picture(), "PNG")),
        ("mnist", b"x"),
        ("digits", b"PK"),
        ("brought", b""),
    ]
    first += [
        ("mnist", _mnist_npz()),
        ("brought", packed({**files, layout.SCRIPT: b"#"})),
        ("digits", packed({"7.png": _GOOD}, sign=False)),
    ]
    return Target(feed, following, first=first)


ARCHIVES = (
    "a run whose files are all one, overlapping", "a run whose files are all one, and large",
    "a run with a wrong checksum", "a run of zip64", "a run within a run", "predictions that are a pickle",
    "predictions of which all arrays are one", "a model of Keras with a Lambda layer beside the weights",
)  # fmt: skip
NAMES = (*PICTURES, *MNIST, *DIGITS, *ARCHIVES)

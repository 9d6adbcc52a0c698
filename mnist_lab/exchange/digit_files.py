"""People's own digits taken away and brought in: as MNIST's own IDX files, or as a zip of PNGs.

What is brought in comes from anyone. Sizes are looked at before anything is unpacked, all is checked before anything is
kept, and one digit that cannot be used refuses the whole.
"""

from __future__ import annotations

import gzip
import io
import re
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mnist_lab import my_digits
from mnist_lab.errors import DataError, ExchangeError
from mnist_lab.exchange.archive import Archive, pack
from mnist_lab.exchange.forms import slug_of
from mnist_lab.mnist_files import idx_header, parse_idx
from mnist_lab.store import Digit, NewDigit
from mnist_lab.store.digits import IMAGE_SHAPE, MAX_DIGITS, digest_of

# A PNG of 28 x 28 pixels has less than 1 kB, whatever other programs write beside them.
MAX_PNG = 16 * 2**10
MAX_FILE = MAX_DIGITS * MAX_PNG
REMEDY = (
    "A zip holds PNGs of 28 x 28 pixels, white ink on black, whose names begin with their digit, as 7-one.png; "
    "IDX are two files, images and labels."
)
_NAME = re.compile(r"(?P<label>[0-9])(?:[-_ .][A-Za-z0-9(][A-Za-z0-9 _.()-]{0,79})?\.png")
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHUNK = struct.Struct(">I4s")
# All else (texts, colour profiles, further frames) could unpack to much, and says nothing of the image.
_NEEDED_CHUNKS = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
_MAX_IDX = 16 + MAX_DIGITS * IMAGE_SHAPE[0] * IMAGE_SHAPE[1]

Make = Callable[[Sequence[Digit]], bytes]


@dataclass(frozen=True, slots=True)
class DigitFile:
    """A file that holds a person's digits.

    Attributes:
        title: Words for a button.
        ending: Of the file's name, after the writer's.
        mime: Its type.
        make: Makes it of digits.
    """

    title: str
    ending: str
    mime: str
    make: Make


def file_name(writer: str, file: DigitFile) -> str:
    """The name of the file: made of the writer's name, and never a path."""
    return f"digits-{slug_of(writer, 'mine')}{file.ending}"


def images_file(digits: Sequence[Digit]) -> bytes:
    """The images as a gzipped IDX file."""
    return _idx(my_digits.images_of(digits))


def labels_file(digits: Sequence[Digit]) -> bytes:
    """The labels as a gzipped IDX file, in the order of `images_file`."""
    return _idx(my_digits.labels_of(digits))


def png_zip(digits: Sequence[Digit]) -> bytes:
    """A zip of PNGs; a name begins with the digit that the image is."""
    return pack({f"{digit.label}-{digit.digest[:16]}.png": _png(digit.image) for digit in digits})


# By form, its files.
FORMS: dict[str, tuple[DigitFile, ...]] = {
    "png": (DigitFile("PNGs, as one .zip", ".zip", "application/zip", png_zip),),
    "idx": (
        DigitFile("IDX images", "-images-idx3-ubyte.gz", "application/gzip", images_file),
        DigitFile("IDX labels", "-labels-idx1-ubyte.gz", "application/gzip", labels_file),
    ),
}


def read(files: Mapping[str, bytes]) -> list[NewDigit]:
    """Reads digits that come from anyone: a zip of PNGs, or two IDX files, each gzipped or not.

    Args:
        files: Name and content.

    Raises:
        ExchangeError: If they are neither, or one digit of them cannot be used.
    """
    try:
        if (large := max(map(len, files.values()), default=0)) > MAX_FILE:
            raise ExchangeError(f"{large:,} bytes are more than {MAX_DIGITS:,} digits can have.")
        if len(files) == 1 and next(iter(files.values())).startswith(b"PK"):
            found = _of_zip(*next(iter(files.items())))
        elif len(files) == 2:
            found = _of_idx(files)
        else:
            raise ExchangeError("These files are neither one zip of PNGs nor two IDX files.")
        _agree(found)
    except (ExchangeError, DataError) as error:
        raise ExchangeError(error.message, REMEDY) from error
    return [digit for _, digit in found]


Named = list[tuple[str, NewDigit]]


class _Names(Mapping[str, int]):
    """Every name that a PNG may have, and how large it may be: for `Archive`, which believes no name and no size."""

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and _NAME.fullmatch(name) is not None

    def __getitem__(self, name: str) -> int:
        return MAX_PNG

    def __len__(self) -> int:
        return MAX_DIGITS

    def __iter__(self) -> Iterator[str]:
        return iter(())


def _of_zip(name: str, content: bytes) -> Named:
    archive = Archive(content, _Names(), f"{name:.80}")
    found = []
    for each in archive.names:
        label = int(each[0])
        found.append((each, NewDigit(_image_of_png(archive.read(each), each), label, "import")))
    if not found:
        raise ExchangeError(f"{name:.80} holds no digits.")
    return found


def _image_of_png(content: bytes, name: str) -> NDArray[np.uint8]:
    try:
        with Image.open(io.BytesIO(_plain_png(content, name)), formats=("PNG",)) as picture:
            image = np.asarray(picture.convert("L"), np.uint8)
    except ExchangeError:
        raise
    except Exception as error:
        # Pillow's decoders raise many kinds (OSError, SyntaxError, ValueError, struct.error ...) on damaged files.
        raise ExchangeError(f"{name} is damaged.") from error
    return _checked(image, name)


def _plain_png(content: bytes, name: str) -> bytes:
    """What of a PNG is needed for its pixels; its size is looked at here, before anything is unpacked."""
    kept, place, sizes = [_SIGNATURE], len(_SIGNATURE), b""
    if not content.startswith(_SIGNATURE):
        raise ExchangeError(f"{name} is no PNG.")
    while place + _CHUNK.size <= len(content):
        length, kind = _CHUNK.unpack_from(content, place)
        whole = content[place : place + _CHUNK.size + length + 4]
        place += _CHUNK.size + length + 4
        if kind in _NEEDED_CHUNKS:
            kept.append(whole)
        if kind == b"IHDR" and not sizes:
            sizes = whole[_CHUNK.size : -4]
        if kind == b"IEND":
            break
    else:
        raise ExchangeError(f"{name} is not a whole PNG.")
    if len(sizes) != 13 or place != len(content):
        raise ExchangeError(f"{name} is damaged.")
    width, height, depth = struct.unpack(">IIB", sizes[:9])
    if (height, width) != IMAGE_SHAPE:
        raise ExchangeError(f"{name} has {width:,} x {height:,} pixels; a digit has 28 x 28.")
    if depth > 8:
        raise ExchangeError(f"{name} has {depth} bits a colour; at most 8 are read.")
    return b"".join(kept)


def _of_idx(files: Mapping[str, bytes]) -> Named:
    arrays = {name: parse_idx(_unpacked(content, name), f"{name:.80}") for name, content in files.items()}
    images, labels = sorted(arrays.values(), key=lambda array: -array.ndim)
    if (images.ndim, labels.ndim) != (3, 1):
        raise ExchangeError(f"{' and '.join(f'{name:.80}' for name in files)} are not one of images and one of labels.")
    if images.shape[1:] != IMAGE_SHAPE:
        raise ExchangeError(f"The images have {images.shape[2]:,} x {images.shape[1]:,} pixels; a digit has 28 x 28.")
    if len(images) != len(labels):
        raise ExchangeError(f"There are {len(images):,} images and {len(labels):,} labels.")
    if not 0 < len(images) <= MAX_DIGITS:
        raise ExchangeError(
            f"There are {len(images):,} digits; at most {MAX_DIGITS:,} are brought in, and at least one."
        )
    if labels.max() > 9:
        raise ExchangeError(f"Label {int(np.flatnonzero(labels > 9)[0]) + 1:,} is {labels.max()}; labels are 0 to 9.")
    return [
        (words := f"image {number:,}", NewDigit(_checked(image, words), int(label), "import"))
        for number, (image, label) in enumerate(zip(images, labels, strict=True), 1)
    ]


def _unpacked(content: bytes, name: str) -> bytes:
    if not content.startswith(b"\x1f\x8b"):
        return content
    unpacking = zlib.decompressobj(wbits=31)
    try:
        data = unpacking.decompress(content, _MAX_IDX + 1)
    except zlib.error as error:
        raise ExchangeError(f"{name:.80} is damaged.") from error
    if len(data) > _MAX_IDX:
        raise ExchangeError(f"{name:.80} unpacks to more than {MAX_DIGITS:,} digits can have.")
    if not unpacking.eof or unpacking.unused_data:
        raise ExchangeError(f"{name:.80} is not a whole gzip file, or more than one.")
    return data


def _checked(image: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    if not image.any():
        raise ExchangeError(f"{name} is empty.")
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    if border.mean() > 127:
        raise ExchangeError(f"{name} is dark ink on light paper.")
    return image


def _agree(found: Named) -> None:
    """One image with two labels is a mistake of which nobody can say where it is."""
    seen: dict[str, tuple[str, int]] = {}
    for name, digit in found:
        other, label = seen.setdefault(digest_of(digit.image), (name, digit.label))
        if label != digit.label:
            raise ExchangeError(f"{other} and {name} are the same image, once as a {label}, once as a {digit.label}.")


def _idx(array: NDArray[np.uint8]) -> bytes:
    # Without the time: the same digits make the same file.
    return gzip.compress(idx_header(array) + array.tobytes(), mtime=0)


def _png(image: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()

"""Reads images and labels from IDX files or an .npz file, and tells whether they are MNIST."""

from __future__ import annotations

import hashlib
import math
import struct
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnist_lab import npz
from mnist_lab.errors import DataError

PARTS = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}
# MD5 of MNIST's four files, unpacked.
MNIST_MD5 = {
    "x_train": "6bbc9ace898e44ae57da46a324031adb",
    "y_train": "a25bea736e30d166cdddb491f175f624",
    "x_test": "2646ac647ad5339dbf082846283269ea",
    "y_test": "27ae3e4e09519cfbb04c329615203637",
}
MNIST_COUNTS = (60_000, 10_000)
# All of EMNIST's digits have less.
MOST_BYTES = 220_000_000
# With fewer training images no part of a split is left with anything in it.
MIN_TRAINING_IMAGES = 20
_WHAT_IS_EXPECTED = (
    "Set MNIST_LAB_DATA to a folder with MNIST's four IDX files (gzipped or not), "
    "or to an .npz file with x_train, y_train, x_test and y_test."
)


class Arrays(NamedTuple):
    """Images, uint8 of shape `(n, 28, 28)`, and their labels, uint8 of shape `(n,)`; read-only."""

    x_train: NDArray[np.uint8]
    y_train: NDArray[np.uint8]
    x_test: NDArray[np.uint8]
    y_test: NDArray[np.uint8]


def files_of(path: Path) -> tuple[Path, ...]:
    """Returns the files that hold the data at `path`, in the order of `PARTS`, or the one .npz file.

    Raises:
        DataError: If one of the four IDX files is missing.
    """
    if path.is_file():
        return (path,)
    found = []
    for name in PARTS.values():
        names = (f"{name}.gz", name, f"{name.replace('-idx', '.idx')}.gz", name.replace("-idx", ".idx"))
        file = next((path / each for each in names if (path / each).is_file()), None)
        if file is None:
            if (path / "mnist.npz").is_file():
                return (path / "mnist.npz",)
            raise DataError(f"{path} lacks {name}.gz.", _WHAT_IS_EXPECTED)
        found.append(file)
    return tuple(found)


def read(files: tuple[Path, ...]) -> Arrays:
    """Reads and checks what `files_of` found.

    Returns:
        The images and labels.

    Raises:
        DataError: If a file is damaged or holds something else; it names the file.
    """
    arrays = _read_npz(files[0]) if len(files) == 1 else [_read_idx(file) for file in files]
    names = [files[0]] * 4 if len(files) == 1 else list(files)
    return Arrays(
        _images(arrays[0], names[0], MIN_TRAINING_IMAGES),
        _labels(arrays[1], names[1], len(arrays[0])),
        _images(arrays[2], names[2], 1),
        _labels(arrays[3], names[3], len(arrays[2])),
    )


def is_mnist(arrays: Arrays) -> bool:
    """Tells whether these are MNIST's images and labels in its own order, by the MD5 of the IDX files they make."""
    if (len(arrays.x_train), len(arrays.x_test)) != MNIST_COUNTS:
        return False
    return all(_idx_md5(array) == MNIST_MD5[name] for name, array in arrays._asdict().items())


def idx_header(array: NDArray[np.uint8]) -> bytes:
    """What stands before an array's bytes in an IDX file."""
    # Type 8 is an unsigned byte; every length is a big-endian 32-bit number.
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)


def _idx_md5(array: NDArray[np.uint8]) -> str:
    digest = hashlib.md5(idx_header(array), usedforsecurity=False)
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _damaged(file: Path | str, reason: str) -> DataError:
    return DataError(f"{file} is damaged: {reason}.", "Put a whole copy in its place, or remove it.")


def _read_idx(file: Path) -> NDArray[np.uint8]:
    data = _content(file)
    return parse_idx(_unpacked(data, file) if data[:2] == b"\x1f\x8b" else data, file)


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise _damaged(file, f"it cannot be read ({error.strerror or error})") from error
    if len(data) > MOST_BYTES:
        raise _too_large(file)
    return data


def _unpacked(data: bytes, file: Path) -> bytes:
    unpacking = zlib.decompressobj(wbits=31)
    try:
        unpacked = unpacking.decompress(data, MOST_BYTES + 1)
    except zlib.error as error:
        raise _damaged(file, f"it cannot be unpacked ({error})") from error
    if len(unpacked) > MOST_BYTES:
        raise _too_large(file)
    if not unpacking.eof or unpacking.unused_data.strip(b"\0"):
        raise _damaged(file, "it cannot be unpacked (it ends too early, or goes on after its end)")
    return unpacked


def _too_large(file: Path) -> DataError:
    return DataError(
        f"{file} has more than {MOST_BYTES:,} bytes, unpacked.",
        "Only digits of 28 x 28 pixels, some 280,000, are read.",
    )


def parse_idx(data: bytes, file: Path | str) -> NDArray[np.uint8]:
    """Reads an IDX file of bytes, with one dimension (labels) or three (images).

    Args:
        data: The file, unpacked.
        file: What it is called in an error.

    Raises:
        DataError: If it is damaged or of another type.
    """
    if len(data) < 4 or data[:3] != b"\0\0\x08" or data[3] not in (1, 3):
        raise _damaged(file, "it does not begin as an IDX file of bytes does")
    dimensions = data[3]
    start = 4 + 4 * dimensions
    if len(data) < start:
        raise _damaged(file, "it ends within its header")
    shape = struct.unpack(f">{dimensions}I", data[4:start])
    if len(data) - start != math.prod(shape):
        raise _damaged(file, f"its header announces {math.prod(shape):,} bytes, {len(data) - start:,} follow")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def _read_npz(file: Path) -> list[NDArray]:
    try:
        with file.open("rb") as stream:
            return npz.read(stream, tuple(PARTS), MOST_BYTES)
    except KeyError as error:
        raise DataError(f"{file} lacks an array: {error.args[0]}", _WHAT_IS_EXPECTED) from error
    except (OSError, ValueError) as error:
        raise _damaged(file, f"it is no .npz file that can be read ({error})") from error


def _images(images: NDArray, file: Path, least: int) -> NDArray[np.uint8]:
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    if images.ndim != 3 or images.shape[1:] != (28, 28):
        raise DataError(
            f"{file}: images must have the shape (n, 28, 28). Received: shape={images.shape}.", _WHAT_IS_EXPECTED
        )
    if len(images) < least:
        raise DataError(f"{file}: at least {least} images are needed. Received: {len(images)}.", _WHAT_IS_EXPECTED)
    return _bytes(images, file, "pixels", 255)


def _labels(labels: NDArray, file: Path, images: int) -> NDArray[np.uint8]:
    if labels.shape != (images,):
        raise DataError(
            f"{file}: labels must have the shape ({images},), one for each image. Received: shape={labels.shape}.",
            "Images and labels must belong together.",
        )
    return _bytes(labels, file, "labels", 9)


def _bytes(values: NDArray, file: Path, what: str, top: int) -> NDArray[np.uint8]:
    if values.dtype.kind not in "ui":
        raise DataError(
            f"{file}: {what} must be whole numbers from 0 to {top}. Received: dtype={values.dtype}.",
            "Save them as uint8.",
        )
    if values.min() < 0 or values.max() > top:
        raise DataError(
            f"{file}: {what} must lie in 0 to {top}. Received: {values.min()} to {values.max()}.",
            "Only digits, 0 to 9, in grey levels from 0 to 255 can be used.",
        )
    values = np.ascontiguousarray(values, np.uint8)
    values.setflags(write=False)
    return values

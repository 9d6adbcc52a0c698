"""Arrays of an ``.npz`` file of which nothing is believed: not how large it says it is, nor what it says is in it.

NumPy's reader asks for the memory that a header announces, follows a directory of any length, and raises whatever its
parts raise on damaged files, down to `SyntaxError`.
"""

from __future__ import annotations

import io
import math
import struct
import zipfile
from collections.abc import Sequence
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

MOST_DIRECTORY = 2**16
_END = struct.Struct("<4s4H2LH")
_LOCATOR_BYTES = 20
_CHUNK = 2**20
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read(stream: IO[bytes], names: Sequence[str], most: int) -> list[NDArray[Any]]:
    """Reads some arrays.

    Args:
        stream: The file, open for reading.
        names: Which ones.
        most: The most bytes that they may have together.

    Raises:
        KeyError: If one of them is lacking.
        ValueError: If it is no ``.npz`` file, is damaged, or holds more than `most` or other than plain arrays there.
    """
    try:
        _check_directory(stream)
        with zipfile.ZipFile(stream) as archive:
            entries = [archive.getinfo(f"{name}.npy") for name in names]
            if sum(entry.file_size for entry in entries) > most:
                raise ValueError(f"its arrays have more than {most:,} bytes")
            return [_array(archive, entry) for entry in entries]
    except (KeyError, ValueError):
        raise
    except Exception as error:  # zip files, zlib and headers fail in many ways
        raise ValueError(str(error) or type(error).__name__) from error


def _check_directory(stream: IO[bytes]) -> None:
    """Python's reader makes an object of each entry before it says how many there are."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, size - _END.size - 2**16))
    tail = stream.read()
    place = tail.rfind(b"PK\5\6")
    if place < 0 or place + _END.size > len(tail):
        raise ValueError("it is no zip archive, or not a whole one")
    directory = _END.unpack_from(tail, place)[5]
    if directory > MOST_DIRECTORY or tail[max(0, place - _LOCATOR_BYTES) :].startswith(b"PK\6\7"):
        raise ValueError("it holds too many files")
    stream.seek(0)


def _array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> NDArray[Any]:
    with archive.open(entry) as file:
        read_header = _HEADERS.get(np.lib.format.read_magic(file))
        if read_header is None:
            raise ValueError(f"{entry.filename} is of an unknown version")
        shape, is_by_columns, dtype = read_header(file)
        size = entry.file_size - file.tell()
        if dtype.hasobject or math.prod(shape) * dtype.itemsize != size or min(shape, default=0) < 0:
            raise ValueError(f"{entry.filename} is not the array that it announces")
        content, done = np.empty(size, np.uint8), 0
        while chunk := file.read(_CHUNK):
            content[done : done + len(chunk)] = np.frombuffer(chunk, np.uint8)
            done += len(chunk)
    if done != size:
        raise ValueError(f"{entry.filename} ends too early")
    array: NDArray[Any] = content.view(dtype).reshape(shape, order="F" if is_by_columns else "C")
    return array

"""Predictions as an `.npz` that comes from anyone: what it declares is looked at before memory is asked for.

NumPy's own reader evaluates the header of an array as Python and takes its shape at its word. Here the header must be,
to the letter, as NumPy writes it for plain numbers, and the bytes after it as many as it says.
"""

from __future__ import annotations

import io
import math
import re
import struct

import numpy as np
from numpy.typing import NDArray

from mnist_lab.errors import ExchangeError
from mnist_lab.exchange.archive import REMEDY, Archive
from mnist_lab.exchange.layout import MAX_IMAGES
from mnist_lab.predictions import Predictions

N_CLASSES = 10
_HEADER_BYTES = 256
# Float64 at the most.
_SIZES = {
    "probabilities.npy": MAX_IMAGES * N_CLASSES * 8 + _HEADER_BYTES,
    "labels.npy": MAX_IMAGES * 8 + _HEADER_BYTES,
    "indices.npy": MAX_IMAGES * 8 + _HEADER_BYTES,
}
_KINDS = {"probabilities.npy": "f", "labels.npy": "iu", "indices.npy": "iu"}
_HEADER = re.compile(
    r"\{'descr': '(?P<type>[<|][fiu][1248])', 'fortran_order': False, "
    r"'shape': \((?P<shape>[0-9]{1,9}(?:, ?[0-9]{1,9})*),?\), \} *\n"
)


def write(predictions: Predictions) -> bytes:
    """Predictions as an `.npz` file."""
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        probabilities=predictions.probabilities,
        labels=predictions.labels,
        indices=predictions.indices,
    )
    return buffer.getvalue()


def read(content: bytes, name: str) -> Predictions:
    """Reads predictions.

    Args:
        content: The `.npz` file.
        name: What it is called in an error.

    Raises:
        ExchangeError: If it is not that of plain numbers in the shapes of predictions, each a possible one.
    """
    archive = Archive(content, _SIZES, name)
    found = {each: _array(archive.read(each), f"{each} of {name}", _KINDS[each]) for each in _SIZES}
    probabilities, labels, indices = found.values()
    images = labels.shape[0] if labels.ndim == 1 else 0
    if not 0 < images <= MAX_IMAGES or probabilities.shape != (images, N_CLASSES) or indices.shape != (images,):
        raise ExchangeError(f"{name} does not hold ten probabilities, a label and an index for each image.", REMEDY)
    if labels.min() < 0 or labels.max() >= N_CLASSES or indices.min() < 0 or indices.max() > 10_000_000:
        raise ExchangeError(f"{name} has labels or indices that are impossible.", REMEDY)
    with np.errstate(over="ignore"):
        given: NDArray[np.float32] = probabilities.astype(np.float32)
    # NaN is nowhere near 1.
    if given.min() < 0 or not (np.abs(given.sum(axis=1) - 1) < 0.01).all():
        raise ExchangeError(f"{name} has probabilities that are none.", REMEDY)
    return Predictions(given, labels.astype(np.uint8), indices.astype(np.int64))


def _array(content: bytes, name: str, kinds: str) -> NDArray[np.generic]:
    odd = ExchangeError(f"{name} is not an array of plain numbers as this program writes it.", REMEDY)
    if content[:8] != b"\x93NUMPY\x01\x00" or len(content) < 10:
        raise odd
    (length,) = struct.unpack_from("<H", content, 8)
    start = 10 + length
    header = _HEADER.fullmatch(content[10:start].decode("latin-1")) if length <= _HEADER_BYTES else None
    if header is None:
        raise odd
    dtype = np.dtype(header["type"])
    shape = tuple(int(size) for size in header["shape"].split(","))
    if dtype.kind not in kinds or len(shape) > 2 or math.prod(shape) * dtype.itemsize != len(content) - start:
        raise odd
    return np.frombuffer(content, dtype, offset=start).reshape(shape)

"""Weights of a run to disk and back. A run's network is always built from its description: only weights are read.

A file is HDF5 as Keras writes it, and after it, where HDF5 does not look, a checksum over all that comes before: a
flipped bit in a weight would else be loaded as any other number. It is put together in memory: the HDF5 library never
recovers from a disk that is full, and takes the process with it when that ends.
"""

from __future__ import annotations

import io
import json
import zlib
from typing import Any

import h5py
import keras
import numpy as np

from mnist_lab.errors import ArtefactMissing
from mnist_lab.keras_side import foreign
from mnist_lab.keras_side.build import build
from mnist_lab.store import Run, RunStore
from mnist_lab.store.artefacts import MODEL

# Eight hexadecimal digits of a CRC-32 follow.
SEAL = b"\nmnist-lab crc32 "
# A text that was saved with the weights, as bytes: Keras passes it over.
NOTE = "mnist_lab"


class _Memory(io.BytesIO):
    """A file in memory, for Keras, which writes into one but wants a name that ends as a file of weights does."""

    def __str__(self) -> str:
        return "memory.weights.h5"


def save(
    model: keras.Model,
    store: RunStore,
    run_id: str,
    name: str = MODEL,
    *,
    with_optimizer: bool = False,
    note: dict[str, Any] | None = None,
) -> None:
    """Writes a model's weights; with the optimizer's state if the training is to go on from them.

    Args:
        model: Whose weights.
        store: Where they go.
        run_id: The run.
        name: The file.
        with_optimizer: Whether to keep the optimizer's state too.
        note: Plain JSON values to keep in the same file.

    Raises:
        StoreError: If the file cannot be written.
    """
    # A second model over the same layers shares their weights and has no optimizer that would be written too.
    bare = model if with_optimizer else keras.Model(model.inputs, model.outputs)
    memory = _Memory()
    bare.save_weights(memory)
    if note is not None:
        with h5py.File(memory, "r+") as file:
            file[NOTE] = np.frombuffer(json.dumps(note).encode(), np.uint8)
    with store.artefacts.writing(run_id, name) as path, path.open("wb") as file:
        content = memory.getbuffer()
        file.write(content)
        file.write(SEAL + b"%08x" % zlib.crc32(content))


def load(run: Run, store: RunStore, name: str = MODEL) -> keras.Model:
    """Builds a run's network with its learnt weights, ready to predict.

    Raises:
        ArtefactMissing: If the run has no weights yet, or they are damaged or do not fit its network.
    """
    store.artefacts.path(run.id, name)  # before a network is built for nothing
    model = build(run.network().without_downloads())
    put_into(model, run, store, name)
    return model


def put_into(model: keras.Model, run: Run, store: RunStore, name: str = MODEL) -> dict[str, Any]:
    """Gives a network that was built from a run's description the weights of one of its files.

    Returns:
        The note that was saved with them; empty if there was none.

    Raises:
        ArtefactMissing: If there is no such file, or it is damaged or does not fit the network.
    """
    path = store.artefacts.path(run.id, name)
    try:
        memory = _Memory(_unsealed(path.read_bytes()))
        with h5py.File(memory, "r") as file:
            # Whatever a file says of itself: nothing is read elsewhere, and nothing larger than it is.
            foreign.count_numbers(file)
            note = json.loads(bytes(file[NOTE][()])) if NOTE in file else {}
        model.load_weights(memory)
    except Exception as error:  # h5py and Keras raise whatever is nearest to what they met
        why = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ArtefactMissing(f"{name} of run {run.name!r} cannot be read ({why:.200}).", "Train it again.") from error
    return note if isinstance(note, dict) else {}


def _unsealed(content: bytes) -> bytes:
    """A file without its checksum, which must be right; files of earlier versions and of other programs have none."""
    before, seal, digits = content[-len(SEAL) - 8 :].partition(SEAL)
    if before or not seal:
        return content
    body = content[: -len(SEAL) - 8]
    if digits != b"%08x" % zlib.crc32(body):
        raise ValueError("it is damaged: its checksum is another")
    return body

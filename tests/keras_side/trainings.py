"""A queued run, trained in the test's own process as a worker trains it."""

import keras

from mnist_lab.keras_side import train
from mnist_lab.store import Run, RunStore


def execute(store: RunStore, run: Run) -> Run:
    claimed = store.claim("w", 1)
    assert claimed is not None and claimed.id == run.id
    train.execute(store, claimed, "w")
    return store.get(run.id)


def out_of_memory(words: str) -> Exception:
    """What Keras's backend raises when memory does not suffice, which each says in its own way."""
    backend = keras.backend.backend()
    if backend == "jax":
        from jax.errors import JaxRuntimeError

        return JaxRuntimeError(f"RESOURCE_EXHAUSTED: {words}")
    if backend == "torch":
        from torch import OutOfMemoryError

        return OutOfMemoryError(words)
    from tensorflow.errors import ResourceExhaustedError

    return ResourceExhaustedError(None, None, words)

"""A queued run, trained in the test's own process as a worker trains it."""

from mnist_lab.keras_side import train
from mnist_lab.store import Run, RunStore


def execute(store: RunStore, run: Run) -> Run:
    claimed = store.claim("w", 1)
    assert claimed is not None and claimed.id == run.id
    train.execute(store, claimed, "w")
    return store.get(run.id)

"""Runs that are made and not trained: finished, with predictions of the embedded digits, right where a test wants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mnist_lab import datasets
from mnist_lab.architecture import Architecture
from mnist_lab.jobs.alone import new_owner
from mnist_lab.layers import Dense, Flatten
from mnist_lab.metrics import accuracy_interval
from mnist_lab.store import Run, RunStore
from mnist_lab.store.artefacts import PREDICTIONS
from mnist_lab.training_config import TrainingConfig

DIGITS = datasets.load("digits").y_test
IMAGES = len(DIGITS)
SMALL = Architecture((Flatten(), Dense(16, "relu"), Dense(10, "softmax")))
WIDE = Architecture((Flatten(), Dense(32, "relu"), Dense(10, "softmax")))
ONE = TrainingConfig(dataset="digits", seed=1)


def add_run(
    store: RunStore,
    wrong: Sequence[int] | None = (),
    *,
    network: Architecture = SMALL,
    training: TrainingConfig = ONE,
    moved: int = 0,
    **figures: Any,
) -> Run:
    """A finished run that takes the test images at `wrong` for the next digit; None: it has no predictions."""
    dataset = datasets.load("digits")
    every = np.concatenate([dataset.y_train, dataset.y_test])
    where = np.arange(len(every) - IMAGES, len(every)) - moved
    said = every[where].astype(int)
    mistaken = [] if wrong is None else list(wrong)
    said[mistaken] = (said[mistaken] + 1) % 10
    right = IMAGES - len(mistaken)
    low, high = accuracy_interval(right, IMAGES)
    # With an owner: the worker of a running program would take it out of the queue before it is finished.
    run = store.create(network, training, name=figures.pop("name", ""), owner=new_owner(store))
    store.set_figures(run.id, **{
        "owner": None, "status": "finished", "dataset": "digits", "fingerprint": "f" * 12, "test_images": IMAGES,
        "test_accuracy": right / IMAGES, "test_accuracy_low": low, "test_accuracy_high": high, **figures,
    })  # fmt: skip
    if wrong is not None:
        with store.artefacts.writing(run.id, PREDICTIONS) as path:
            np.savez_compressed(path, probabilities=np.eye(10)[said], labels=every[where], indices=where)
    return store.get(run.id)


def add_course(
    store: RunStore, run: Run, epochs: Sequence[dict[str, Any]], points: Sequence[dict[str, Any]] = ()
) -> Run:
    """Gives a run a history, and points within its epochs."""
    for values in epochs:
        store.add_epoch(run.id, values)
    store.set_figures(run.id, worker="made")
    assert not points or store.report(run.id, "made", {}, points, status=run.status) is not None
    return store.get(run.id)

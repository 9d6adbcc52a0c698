"""Trainings on one device, and then on two at once, which are two of a processor; what came of them as JSON.

A process cannot take back what it trains on: it is one of its own. ``python -m tests.keras_side.two_devices HOME``
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import tensorflow as tf

from mnist_lab import heartbeat
from mnist_lab.architecture import Architecture
from mnist_lab.keras_side import train, weights
from mnist_lab.keras_side.backend import BACKEND
from mnist_lab.layers import Activation, BatchNormalization, Conv2D, Dense, Dropout, Flatten
from mnist_lab.optimizers import SGD, Adam
from mnist_lab.store import Run, RunStore
from mnist_lab.store.artefacts import PREDICTIONS
from mnist_lab.store.database import open_engine
from mnist_lab.training_config import EarlyStopping, TrainingConfig

PLAIN = Architecture((Conv2D(4, 5, 2, activation="relu"), Flatten(), Dense(12, "relu"), Dense(10, "softmax")))
CHANCY = Architecture(
    (Conv2D(4, 5, 3), BatchNormalization(), Activation("relu"), Dropout(0.25), Flatten(), Dense(10, "softmax"))
)
# Batches of 64, 64 and 23 images: the last is not to be halved.
CONFIG = TrainingConfig(dataset="digits", epochs=2, batch_size=64, limit=151, optimizer=SGD(0.1, momentum=0.9))
RESUMED = dataclasses.replace(
    CONFIG, epochs=3, optimizer=Adam(0.01), early_stopping=EarlyStopping(patience=3, restore_best_weights=True)
)


def trained(store: RunStore, run: Run) -> Run:
    claimed = store.claim("w", 1)
    assert claimed is not None and claimed.id == run.id
    train.execute(store, claimed, "w")
    return store.get(run.id)


def outcome(store: RunStore, run: Run) -> dict[str, Any]:
    run = store.get(run.id)
    return {
        "status": run.status,
        "reason": run.reason,
        "device": run.device,
        "history": store.history(run.id),
        "weights": [each.tolist() for each in weights.load(run, store).get_weights()],
        "test_accuracy": run.test_accuracy,
        "test_loss": run.test_loss,
        "is_evaluated": store.artefacts.has(run.id, PREDICTIONS),
    }


def stopped(store: RunStore) -> Run:
    """A run that was told to stop when its first epoch was done."""
    run = store.create(CHANCY, RESUMED)
    add_epoch = RunStore.add_epoch

    def told(self: RunStore, run_id: str, values: dict[str, Any], **more: Any) -> None:
        add_epoch(self, run_id, values, **more)
        self.command(run_id, "stop")
        time.sleep(1.0)  # until its heartbeat has heard of it, a few times over

    RunStore.add_epoch = told  # type: ignore[method-assign]
    heartbeat.PATIENCE_SECONDS = 60.0
    try:
        return trained(store, run)
    finally:
        RunStore.add_epoch = add_epoch  # type: ignore[method-assign]


def main(home: Path) -> None:
    warnings.simplefilter("error", UserWarning)  # Keras says so where images end too soon
    processor = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
    store = RunStore(open_engine(f"sqlite:///{home / 'lab.db'}"), home)
    found: dict[str, Any] = {"one": outcome(store, trained(store, store.create(PLAIN, CONFIG)))}
    BACKEND.take_gpu()
    BACKEND.take_all_devices()
    found["two"] = outcome(store, trained(store, store.create(PLAIN, CONFIG)))
    found["whole"] = outcome(store, trained(store, store.create(CHANCY, RESUMED)))
    run = stopped(store)
    found["stopped"] = outcome(store, run)
    found["resumed"] = outcome(store, trained(store, store.requeue(run.id)))
    print(json.dumps(found))
    store.close()
    sys.stdout.flush()
    os._exit(0)  # what TensorFlow has gathered is taken down in many seconds


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""What a trained network says of a set of images, kept so that no later question needs Keras."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_lab import predictions
from mnist_lab.datasets import Dataset, Split
from mnist_lab.store import RunStore
from mnist_lab.store.artefacts import BASE_PREDICTIONS, PREDICTIONS, VALIDATION_PREDICTIONS

BATCH = 512

Predict = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Probabilities for a set of images.

    Attributes:
        probabilities: float32, shape ``(n, 10)``.
        labels: uint8, shape ``(n,)``.
        indices: int64, shape ``(n,)``; which images of the data set these are.
        seconds_per_image: What a prediction took, in batches, once the network was ready.
    """

    probabilities: NDArray[np.float32]
    labels: NDArray[np.uint8]
    indices: NDArray[np.int64]
    seconds_per_image: float | None = None

    def figures(self) -> dict[str, Any]:
        """The columns of the store that follow from it."""
        figures = predictions.figures_of(self.labels, self.probabilities)
        return {**figures, "prediction_seconds": self.seconds_per_image}


def as_input(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Pixels 0-255 of shape ``(n, 28, 28)`` as the network takes them: 0-1, shape ``(n, 28, 28, 1)``."""
    return (images.astype(np.float32) / 255.0)[..., np.newaxis]


def evaluate(
    predict: Predict, images: NDArray[np.uint8], labels: NDArray[np.uint8], indices: NDArray[np.int64]
) -> Evaluation:
    """Predicts all images.

    Args:
        predict: What `BACKEND.compiled` made of a network with ten probabilities at its end. It builds its graph when
            first called: keep it for as long as the network.
        images: Shape ``(n, 28, 28)``, 0-255.
        labels: Shape ``(n,)``.
        indices: Shape ``(n,)``.
    """
    inputs = as_input(images)
    # The first call builds the graph, which is no part of what a prediction takes.
    predict(inputs[:BATCH])
    began = time.perf_counter()
    probabilities = np.concatenate([predict(inputs[i : i + BATCH]) for i in range(0, len(inputs), BATCH)])
    seconds = (time.perf_counter() - began) / len(images)
    return Evaluation(probabilities, labels, indices, seconds)


def validate(predict: Predict, split: Split, store: RunStore, run_id: str, *, is_all: bool = False) -> None:
    """Keeps what a model says of its validation images: thresholds and temperatures are chosen by these.

    Where the test images serve for validation there are no others, and nothing is kept.

    Args:
        predict: As in `evaluate`.
        split: Whose validation images.
        store: Where it is kept.
        run_id: The run.
        is_all: Whether the test images stay unseen, so that these tell how long a prediction takes.
    """
    if split.test_is_validation:
        return
    evaluation = evaluate(predict, split.x_validation, split.y_validation, split.validation_indices)
    write(evaluation, store, run_id, VALIDATION_PREDICTIONS)
    if is_all:
        store.set_figures(run_id, prediction_seconds=evaluation.seconds_per_image)


def write(evaluation: Evaluation, store: RunStore, run_id: str, name: str = PREDICTIONS) -> None:
    """Writes predictions beside the run's other files."""
    with store.artefacts.writing(run_id, name) as path:
        np.savez_compressed(
            path,
            probabilities=evaluation.probabilities,
            labels=evaluation.labels,
            indices=evaluation.indices,
        )


def remember_base(predict: Predict, base: Dataset, store: RunStore, run_id: str) -> None:
    """Keeps what a fine-tuned model says of the test images of the data that it came from: one more look at these."""
    indices = np.arange(len(base.x_train), len(base.x_train) + len(base.x_test))
    write(evaluate(predict, base.x_test, base.y_test, indices), store, run_id, BASE_PREDICTIONS)
    store.count_looks(run_id)


def keep(evaluation: Evaluation, store: RunStore, run_id: str) -> None:
    """Writes the predictions of the test images, then the figures into the run's row: one more look at them."""
    write(evaluation, store, run_id)
    store.set_figures(run_id, **evaluation.figures())
    store.count_looks(run_id)

"""What a trained network says of a set of images, kept so that no later question needs Keras."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from mnist_lab import metrics
from mnist_lab.store import RunStore
from mnist_lab.store.artefacts import PREDICTIONS

BATCH = 512


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Probabilities for a set of images.

    Attributes:
        probabilities: float32, shape ``(n, 10)``.
        labels: uint8, shape ``(n,)``.
        indices: int64, shape ``(n,)``; which images of the data set these are.
    """

    probabilities: NDArray[np.float32]
    labels: NDArray[np.uint8]
    indices: NDArray[np.int64]

    def figures(self) -> dict[str, Any]:
        """The columns of the store that follow from it."""
        right = int((self.probabilities.argmax(axis=1) == self.labels).sum())
        low, high = metrics.accuracy_interval(right, len(self.labels))
        return {
            "test_accuracy": right / len(self.labels),
            "test_accuracy_low": low,
            "test_accuracy_high": high,
            "test_loss": float(metrics.log_loss(self.labels, self.probabilities)),
            "test_images": len(self.labels),
        }


def as_input(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Pixels 0-255 of shape ``(n, 28, 28)`` as the network takes them: 0-1, shape ``(n, 28, 28, 1)``."""
    return (images.astype(np.float32) / 255.0)[..., np.newaxis]


def evaluate(
    model: keras.Model, images: NDArray[np.uint8], labels: NDArray[np.uint8], indices: NDArray[np.int64]
) -> Evaluation:
    """Predicts all images.

    Args:
        model: A network with ten probabilities at its end.
        images: Shape ``(n, 28, 28)``, 0-255.
        labels: Shape ``(n,)``.
        indices: Shape ``(n,)``.
    """
    probabilities = model.predict(as_input(images), batch_size=BATCH, verbose=0)
    return Evaluation(np.asarray(probabilities, np.float32), labels, indices)


def keep(evaluation: Evaluation, store: RunStore, run_id: str) -> None:
    """Writes the predictions beside the run's other files, then the figures into its row."""
    with store.artefacts.writing(run_id, PREDICTIONS) as path:
        np.savez_compressed(
            path,
            probabilities=evaluation.probabilities,
            labels=evaluation.labels,
            indices=evaluation.indices,
        )
    store.set_figures(run_id, **evaluation.figures())

"""What a run said of a set of images, read back from its file: no question about them needs Keras."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mnist_lab import metrics
from mnist_lab.errors import ArtefactMissing
from mnist_lab.store import Run, RunStore
from mnist_lab.store.artefacts import PREDICTIONS


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """What a run said of some images.

    Attributes:
        probabilities: Shape ``(n, 10)``.
        labels: The true digits, shape ``(n,)``.
        indices: Which images of the data set they are, shape ``(n,)``.
    """

    probabilities: NDArray[np.float32]
    labels: NDArray[np.uint8]
    indices: NDArray[np.int64]

    @property
    def digits(self) -> NDArray[np.int64]:
        """The predicted digits."""
        return self.probabilities.argmax(axis=1)


def figures_of(labels: ArrayLike, probabilities: ArrayLike) -> dict[str, Any]:
    """The columns of the store that follow from the predictions of a run's test images.

    Args:
        labels: The true digits, shape ``(n,)``, at least one.
        probabilities: Shape ``(n, 10)``.
    """
    true, said = np.asarray(labels), np.asarray(probabilities)
    right, images = int((said.argmax(axis=1) == true).sum()), len(true)
    low, high = metrics.accuracy_interval(right, images)
    loss = metrics.log_loss(true, said)
    return {
        "test_accuracy": right / images,
        "test_accuracy_low": low,
        "test_accuracy_high": high,
        "test_loss": loss if math.isfinite(loss) else None,
        "test_images": images,
    }


def read_predictions(store: RunStore, run: Run, name: str = PREDICTIONS) -> Predictions:
    """The kept predictions of a run.

    Args:
        store: Where they are.
        run: Whose they are.
        name: Which of its files: `PREDICTIONS` (its test images), `VALIDATION_PREDICTIONS`, or those of an epoch.

    Raises:
        ArtefactMissing: If there are none, or the file cannot be used.
    """
    evaluate = f"Evaluate it: python -m mnist_lab evaluate {run.id[:8]}."
    if not store.artefacts.has(run.id, name):
        what = "test images" if name == PREDICTIONS else f"the images of {name}"
        raise ArtefactMissing(f"Run {run.id[:8]} was not evaluated on {what}.", evaluate)
    damaged = ArtefactMissing(f"The predictions of run {run.id[:8]} cannot be read.", evaluate)
    try:
        arrays = store.artefacts.arrays(run.id, name, ("probabilities", "labels", "indices"))
        probabilities, labels, indices = arrays[0].astype(np.float32, copy=False), *arrays[1:]
    except (ArtefactMissing, ValueError, TypeError) as error:
        raise damaged from error
    images = len(labels) if labels.ndim else 0
    fits = probabilities.shape == (images, 10) and indices.shape == labels.shape == (images,)
    if not images or not fits or labels.dtype.kind not in "ui" or indices.dtype.kind not in "ui":
        raise damaged
    if labels.min() < 0 or labels.max() > 9:
        raise damaged
    return Predictions(probabilities, labels.astype(np.uint8), indices.astype(np.int64))

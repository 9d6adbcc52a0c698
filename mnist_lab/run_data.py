"""The images of a run: those of its data set, or, of a fine-tuned run, somebody's digits among MNIST's.

A fine-tuned run keeps the digits that there were when it was asked for: what its writer saves, corrects or deletes
later changes nothing of what it learnt and was tested on.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnist_lab import datasets, my_digits
from mnist_lab.datasets import Dataset, Split, fingerprint_of
from mnist_lab.errors import ArtefactMissing
from mnist_lab.store import Digit, Run, RunStore
from mnist_lab.store.artefacts import DIGITS
from mnist_lab.training_config import MY_DIGITS, FineTuning


@dataclass(frozen=True, slots=True, eq=False)
class RunData:
    """The images of a run.

    Attributes:
        dataset: Where its predictions point into.
        split: Which of them train, choose and test.
        base: Of a fine-tuned run the data set that it came from, whose test images tell what it forgot; None otherwise.
    """

    dataset: Dataset
    split: Split
    base: Dataset | None = None


def pack(digits: Sequence[Digit]) -> bytes:
    """Digits as the file that a fine-tuned run keeps."""
    buffer = io.BytesIO()
    held_out = np.array([my_digits.is_held_out(digit) for digit in digits], bool)
    np.savez_compressed(
        buffer, images=my_digits.images_of(digits), labels=my_digits.labels_of(digits), held_out=held_out
    )
    return buffer.getvalue()


def load(store: RunStore, run: Run, name: str = "", *, allow_download: bool = False) -> RunData:
    """Loads and splits the images of a run.

    Args:
        store: Where its digits are kept, if it is a fine-tuned one.
        run: The run.
        name: The data set; that which the run was trained on if empty.
        allow_download: As in `datasets.load`.

    Raises:
        DataError: If they are not on this machine.
        ArtefactMissing: If the run lacks its digits.
    """
    config = run.config()
    tuning = config.fine_tuning
    if tuning is None:
        dataset = datasets.load(name or run.dataset or config.dataset, allow_download)
        return RunData(dataset, datasets.split(dataset, config.split, seed=config.seed, limit=config.limit))
    base = datasets.load(config.dataset, allow_download)
    return _mixed(store, run, tuning, base, config.seed)


def dataset_of(store: RunStore, run: Run) -> Dataset:
    """The data set that a run's predictions point into.

    Raises:
        DataError: If it is not on this machine.
        ArtefactMissing: If the run lacks its digits.
    """
    return load(store, run).dataset if run.dataset == MY_DIGITS else datasets.load(run.dataset or "auto")


def _mixed(store: RunStore, run: Run, tuning: FineTuning, base: Dataset, seed: int) -> RunData:
    images, labels, held_out = _kept(store, run)
    plain = datasets.split(base, "holdout", seed=seed)
    count = min(tuning.rehearsal * int((~held_out).sum()), len(plain.x_train))
    rehearsed = np.sort(np.random.default_rng(seed).choice(len(plain.x_train), count, replace=False))
    x_train = np.concatenate([images[~held_out], plain.x_train[rehearsed]])
    y_train = np.concatenate([labels[~held_out], plain.y_train[rehearsed]])
    x_test, y_test = images[held_out], labels[held_out]
    cut, end = len(x_train), len(x_train) + len(plain.x_validation)
    mine = cut - count
    dataset = Dataset(
        MY_DIGITS, f"Digits of {tuning.writer}",
        np.concatenate([x_train, plain.x_validation]), np.concatenate([y_train, plain.y_validation]), x_test, y_test,
        source=f"kept with the run, and {base.title}",
    )  # fmt: skip
    split = Split(
        x_train, y_train, plain.x_validation, plain.y_validation, x_test, y_test,
        validation_indices=np.arange(cut, end),
        test_indices=np.arange(end, end + len(x_test)),
        description=f"{mine:,} digits of {tuning.writer} and {count:,} training images of {base.title}; validated on "
                    f"{end - cut:,} images of {base.title}, tested once on {len(x_test):,} digits held out",
        test_is_validation=False,
        fingerprint=fingerprint_of(x_test, y_test),
    )  # fmt: skip
    return RunData(dataset, split, base)


def _kept(store: RunStore, run: Run) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.bool_]]:
    try:
        images, labels, held_out = store.artefacts.arrays(run.id, DIGITS, ("images", "labels", "held_out"))
    except ArtefactMissing as error:
        raise ArtefactMissing(
            f"The digits that run {run.id[:8]} was fine-tuned on are not here, or its {DIGITS} is damaged.",
            "Fine-tune on digits of this program.",
        ) from error
    return images, labels, held_out

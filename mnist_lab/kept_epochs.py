"""The epochs of a run whose weights were kept, and what these say of its images: the names of the files, no Keras."""

from __future__ import annotations

import re

from mnist_lab.store import Run, RunStore
from mnist_lab.store.artefacts import (
    PREDICTIONS,
    VALIDATION_PREDICTIONS,
    epoch_predictions,
    epoch_weights,
)

VALIDATION, TEST = "validation", "test"
PARTS = {VALIDATION: VALIDATION_PREDICTIONS, TEST: PREDICTIONS}


def kept_epochs(store: RunStore, run: Run) -> list[int]:
    """The epochs whose weights were kept, rising; those that a resumed training has not reached again are left out."""
    found = (re.fullmatch(r"epoch-(\d+)\.weights\.h5", name) for name in store.artefacts.names(run.id))
    return sorted(epoch for each in found if each is not None and (epoch := int(each[1])) <= run.epochs_run)


def part_of(run: Run, part: str) -> str:
    """The part of the data that is meant: where the test images are the validation images too, these are one."""
    return TEST if run.test_is_validation else part


def known_predictions(store: RunStore, run: Run, epoch: int, part: str) -> str | None:
    """The file that holds what the weights of an epoch say of a part of the data.

    Args:
        store: Where the run's files are.
        run: The run.
        epoch: One of `kept_epochs`.
        part: ``"validation"`` or ``"test"``.

    Returns:
        Its name; None if they were not asked yet, or the training has written other weights since.
    """
    general = PARTS[part_of(run, part)]
    if run.status == "finished" and run.kept_epoch == epoch and store.artefacts.has(run.id, general):
        # This epoch's weights are the run's: it was evaluated with them.
        return general
    name = epoch_predictions(epoch, general)
    made, weights = (store.artefacts.changed(run.id, each) for each in (name, epoch_weights(epoch)))
    return name if made and made >= weights else None


def is_a_look(run: Run, part: str) -> bool:
    """Whether asking an epoch about this part is one more look at the test images.

    Where the test images are the validation images, each epoch was evaluated on them while it was trained, and counted
    then: nothing is seen now that was not seen before.
    """
    return part == TEST and not run.test_is_validation

"""`Finding`: one thing that a history says."""

from __future__ import annotations

from dataclasses import dataclass

LEVELS = ("warning", "note", "good")
# What a finding can be about, the most important first.
KINDS = (
    "diverged",  # the loss is no longer a number
    "dead",  # it learns nothing, or learns no longer
    "rate-too-high",  # the training loss jumps, or rises again
    "rate-too-low",  # the loss falls steadily, but takes too long
    "overfitting",  # validation loss rises while training loss falls
    "unfinished",  # validation loss is still falling in the last epoch
    "memorising",  # training loss falls, or lies, far below a validation loss that does not follow
    "underfitting",  # training accuracy is low, or well below validation accuracy
    "chosen-on-test",  # the best epoch was found with the test images
    "noise",  # the best epoch leads others by no more than chance
    "healthy",  # none of the above but the choice of the epoch
    "best-epoch",  # where validation accuracy is highest, and validation loss lowest
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a history says.

    Attributes:
        kind: One of `KINDS`.
        text: One or two sentences with the figures, and the remedy where there is one.
        epoch: The epoch that it is about, as the history counts; None where it is about the whole.
        level: ``"warning"``, ``"note"`` or ``"good"``.
    """

    kind: str
    text: str
    epoch: int | None
    level: str

"""The run store: the only channel between the app, the command line and the workers."""

from mnist_lab.store.digits import Digit, NewDigit, PracticeAnswer
from mnist_lab.store.listing import Shelf
from mnist_lab.store.records import ACTIVE, FINAL, STATUSES, Run
from mnist_lab.store.runs import RunStore, open_store
from mnist_lab.store.sweep_counts import StateCount
from mnist_lab.store.sweep_records import NewRun, NewTrial, SweepRecord, Trial

__all__ = [
    "ACTIVE", "FINAL", "STATUSES", "Digit", "NewDigit", "NewRun", "NewTrial", "PracticeAnswer", "Run", "RunStore",
    "Shelf", "StateCount", "SweepRecord", "Trial", "open_store",
]  # fmt: skip

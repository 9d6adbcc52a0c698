"""The curve of a training under way, read and made once for all the tabs that watch it."""

from __future__ import annotations

import threading
import time
from array import array

import pandas as pd
import streamlit as st

from mnist_lab.figures.curves import training_curves
from mnist_lab.store import Run, RunStore
from mnist_lab.ui.plot import Drawn, drawn

# What a message to a tab takes does not grow with the training: more points than this could not be told apart.
MAX_POINTS = 240
# A short curve changes before one's eyes; of a long one, a second's points are a hair's breadth.
YOUNG_SECONDS, OLD_SECONDS = 0.9, 1.9
_EPOCH_COLUMNS = ["epoch", "loss", "accuracy", "val_loss", "val_accuracy"]


class LiveCurve:
    """The curve of one run; of its points only those that are new are fetched, and kept as bare numbers.

    Args:
        run_id: The run.
    """

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._lock = threading.Lock()
        self._columns = {"epoch_float": array("d"), "loss": array("d"), "accuracy": array("d")}
        self._last_id = 0
        self._epochs = pd.DataFrame(columns=_EPOCH_COLUMNS)
        self._epochs_run: int | None = None
        self._drawn: Drawn | None = None
        self._looked = 0.0
        self._was_active = True

    def drawn(self, store: RunStore, run: Run) -> Drawn:
        """The chart as it is now, or was a moment ago.

        Args:
            store: Where the curve is.
            run: The run, as it is now.
        """
        with self._lock:
            length = len(self._columns["loss"])
            pause = 0.0 if not length else YOUNG_SECONDS if length < MAX_POINTS else OLD_SECONDS
            same = run.is_active == self._was_active and run.epochs_run == self._epochs_run
            if self._drawn is None or not same or (run.is_active and time.monotonic() - self._looked >= pause):
                self._looked, self._was_active = time.monotonic(), run.is_active
                self._read(store, run)
                self._drawn = drawn(training_curves(pd.DataFrame(self._columns), self._epochs, max_points=MAX_POINTS))
            return self._drawn

    def _read(self, store: RunStore, run: Run) -> None:
        self._add(store)
        epochs = self._columns["epoch_float"]
        if len(epochs) and epochs[-1] < run.epochs_run - 1:
            # The run was resumed from an earlier epoch: what came after was forgotten.
            self._last_id = 0
            for column in self._columns.values():
                del column[:]
            self._add(store)
        if run.epochs_run != self._epochs_run:
            self._epochs_run = run.epochs_run
            self._epochs = pd.DataFrame(store.history(self._run_id)).reindex(columns=_EPOCH_COLUMNS)

    def _add(self, store: RunStore) -> None:
        for point in store.points(self._run_id, self._last_id):
            self._last_id = point["id"]
            for name, key in (("epoch_float", "epoch"), ("loss", "loss"), ("accuracy", "accuracy")):
                self._columns[name].append(float("nan") if point[key] is None else point[key])


@st.cache_resource(show_spinner=False, max_entries=8)
def live_curve(run_id: str) -> LiveCurve:
    """The one curve of a run in this server."""
    return LiveCurve(run_id)

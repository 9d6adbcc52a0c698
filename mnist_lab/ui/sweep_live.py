"""The trials of a sweep, read once for all the tabs that look at it; while it runs, only what may have changed."""

from __future__ import annotations

import threading

import streamlit as st

from mnist_lab.figures.sweep_points import Dot, Field
from mnist_lab.store import RunStore, SweepRecord, Trial
from mnist_lab.sweeps.dimensions import Dimension, IntegerRange, NumberRange, OneOf, name_of
from mnist_lab.sweeps.labels import labels_of
from mnist_lab.sweeps.sweep import Sweep
from mnist_lab.ui.sweep_views import Shown


class LiveTrials:
    """The trials of one sweep. A trial that has ended changes no more: it is read once.

    Args:
        sweep_id: The sweep.
    """

    def __init__(self, sweep_id: str) -> None:
        self._sweep_id = sweep_id
        self._lock = threading.Lock()
        self._ended: list[Trial] = []
        self._dots: list[Dot] = []

    def read(self, store: RunStore) -> tuple[list[Trial], list[Dot], str]:
        """The trials, the same as points, and what changes whenever they do."""
        with self._lock:
            after = self._ended[-1].number if self._ended else -1
            new = store.trials(self._sweep_id, after=after)
            for trial in new:
                if trial.state == "running":
                    break
                self._ended.append(trial)
                self._dots.append(_dot(trial))
            open_ = [trial for trial in new if not self._ended or trial.number > self._ended[-1].number]
            version = f"{len(self._ended)} {hash(tuple((each.number, each.state, each.accuracy) for each in open_))}"
            return [*self._ended, *open_], [*self._dots, *map(_dot, open_)], version


@st.cache_resource(show_spinner=False, max_entries=16)
def live_trials(sweep_id: str) -> LiveTrials:
    """The trials of a sweep, one object for this server."""
    return LiveTrials(sweep_id)


@st.cache_resource(show_spinner=False, max_entries=64)
def _described(sweep_id: str, budget: str, _record: SweepRecord) -> tuple[Sweep, list[Field]]:
    """A sweep's description and its fields; only its budget may change."""
    sweep = Sweep.from_dict(_record.sweep)
    return sweep, fields_of(sweep)


def shown(store: RunStore, record: SweepRecord) -> Shown:
    """What the page shows of a sweep.

    Raises:
        SweepError: If its description cannot be read.
    """
    sweep, fields = _described(record.id, repr(record.sweep.get("search")), record)
    trials, dots, version = live_trials(record.id).read(store)
    return Shown(store, record, sweep, trials, dots, fields, version)


def fields_of(sweep: Sweep) -> list[Field]:
    """What a sweep searches, as axes of figures."""
    labels = labels_of(sweep.architecture, sweep.training, sweep.dimensions)
    return [
        Field(name_of(each), labels[name_of(each)], _is_log(each), isinstance(each, OneOf)) for each in sweep.dimensions
    ]


def _is_log(each: Dimension) -> bool:
    return isinstance(each, IntegerRange | NumberRange) and each.log


def _dot(trial: Trial) -> Dot:
    costs = {"parameters": trial.parameters, "multiply_adds": trial.multiply_adds}
    return Dot(trial.number, trial.state, trial.accuracy, trial.spread, trial.values, costs)

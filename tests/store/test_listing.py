"""Listing many runs: the same as asking for them one by one, and the best epoch of each by each metric."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from mnist_lab.architecture import Architecture
from mnist_lab.layers import Dense, Flatten
from mnist_lab.optimizers import SGD
from mnist_lab.store import RunStore
from mnist_lab.store.listing import best_of
from mnist_lab.training_config import TrainingConfig

SMALL = Architecture((Flatten(), Dense(10, "softmax")))


@pytest.fixture
def shelf(store: RunStore) -> RunStore:
    return store


def test_the_list_is_what_asking_for_the_runs_gives_whatever_happens_to_them(shelf: RunStore) -> None:
    assert shelf.listing() == []
    runs = [shelf.create(SMALL, TrainingConfig(seed=seed), name=f"run {seed}") for seed in range(3)]
    assert shelf.listing() == shelf.runs()
    shelf.edit(runs[0].id, name="other", notes="a note", starred=True, tags=["b", "a"])
    shelf.set_figures(runs[1].id, test_accuracy=0.0, dataset="mnist", progress={"phase": "training", "epoch": 1})
    assert shelf.listing() == shelf.runs()
    shelf.create(SMALL, TrainingConfig(optimizer=SGD()))
    assert shelf.listing() == shelf.runs()
    shelf.delete([runs[2].id])
    assert shelf.listing() == shelf.runs() and len(shelf.listing()) == 3
    shelf.undelete([runs[2].id])
    assert shelf.listing() == shelf.runs() and len(shelf.listing()) == 4


def test_a_run_that_did_not_change_is_the_same_object_and_its_settings_are_not_read_again(shelf: RunStore) -> None:
    first = [shelf.create(SMALL, TrainingConfig(seed=seed)) for seed in range(3)]
    before = {run.id: run for run in shelf.listing()}
    asked: list[str] = []
    event.listen(shelf._engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    shelf.edit(first[1].id, starred=True)
    after = {run.id: run for run in shelf.listing()}
    assert [after[run.id] is before[run.id] for run in first] == [True, False, True]
    assert after[first[1].id].starred
    assert not any("runs.architecture" in statement for statement in asked)


metric = st.none() | st.floats(allow_nan=True, allow_infinity=True) | st.integers(0, 3)
histories = st.lists(st.fixed_dictionaries({}, optional={"loss": metric, "val_loss": metric, "val_accuracy": metric}))


@given(histories)
def test_the_best_epoch_is_the_first_lowest_loss_and_the_first_highest_accuracy(history: list[dict[str, Any]]) -> None:
    history = [{"epoch": number + 1, **values} for number, values in enumerate(history)]
    best = best_of(history)
    for name, choose in (("loss", min), ("val_loss", min), ("val_accuracy", max), ("accuracy", max)):
        known = [(e[name], e["epoch"]) for e in history if e.get(name) is not None and math.isfinite(e[name])]
        if not known:
            assert name not in best
            continue
        value = choose(each for each, _ in known)
        assert best[name] == (value, min(epoch for each, epoch in known if each == value))


def test_best_epochs_are_found_for_many_runs_and_anew_when_a_run_goes_on(shelf: RunStore) -> None:
    runs = [shelf.create(SMALL, TrainingConfig(seed=seed)) for seed in range(3)]
    for run, losses in zip(runs, ([0.5, 0.2, 0.9], [0.0], []), strict=True):
        for number, loss in enumerate(losses):
            shelf.add_epoch(run.id, {"epoch": number + 1, "val_loss": loss, "val_accuracy": 1 - loss})
    best = shelf.best_epochs(shelf.runs())
    assert best == {
        runs[0].id: {"val_loss": (0.2, 2), "val_accuracy": (0.8, 2)},
        runs[1].id: {"val_loss": (0.0, 1), "val_accuracy": (1.0, 1)},
        runs[2].id: {},
    }
    shelf.add_epoch(runs[0].id, {"epoch": 4, "val_loss": 0.1, "val_accuracy": 0.5})
    assert shelf.best_epochs([shelf.get(runs[0].id)])[runs[0].id] == {"val_loss": (0.1, 4), "val_accuracy": (0.8, 2)}
    shelf.rewind(runs[0].id, 1)
    assert shelf.best_epochs([shelf.get(runs[0].id)])[runs[0].id] == {"val_loss": (0.5, 1), "val_accuracy": (0.5, 1)}

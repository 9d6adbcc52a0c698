"""Settings side by side: what differs, what a run does not have, and that zero, false and none are values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mnist_lab.architecture import Architecture
from mnist_lab.layers import Conv2D, Dense, Flatten, Parallel
from mnist_lab.optimizers import SGD
from mnist_lab.run_settings import differing, settings
from mnist_lab.store import Run, RunStore
from mnist_lab.store.database import open_engine
from mnist_lab.training_config import Augmentation, EarlyStopping
from tests.made_runs import ONE, WIDE, add_run

Make = Callable[..., Run]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    store = RunStore(open_engine(f"sqlite:///{tmp_path / 'lab.db'}"), tmp_path)
    yield lambda *given, **more: add_run(store, *given, **more)
    store.close()


def test_settings_that_differ_zero_and_false_among_them(make: Make) -> None:
    a = make(training=replace(ONE, optimizer=SGD(nesterov=False), label_smoothing=0.0))
    b = make(training=replace(ONE, optimizer=SGD(nesterov=True), label_smoothing=0.1, limit=500), network=WIDE)
    c = make(training=replace(ONE, augmentation=Augmentation(rotation=10)))
    found = differing([a, b])
    assert found["optimizer.nesterov"] == {a.id: False, b.id: True}
    assert found["label_smoothing"] == {a.id: 0.0, b.id: 0.1}
    assert found["limit"] == {a.id: None, b.id: 500}
    assert found["layer 2 Dense units"] == {a.id: 16, b.id: 32}
    assert len(found) == 4
    assert found.keys() < differing([a, b, c]).keys()
    assert differing([a, c])["optimizer.nesterov"] == {a.id: False}, "Adam has no such setting"
    assert differing([a, replace(a, id="0" * 32)]) == {}


def test_networks_of_other_layers_differ_in_their_number(make: Make) -> None:
    a, b = make(), make(network=Architecture((Flatten(), Dense(10, "softmax"))))
    assert differing([a, b]) == {"layers": {a.id: 3, b.id: 2}, "parameters": {a.id: a.parameters, b.id: b.parameters}}


def test_all_settings_hold_those_that_differ_and_no_result(make: Make) -> None:
    a, b = make(range(5), training=replace(ONE, optimizer=SGD())), make(range(50), network=WIDE, seconds=3.0)
    every, some = settings([a, b]), differing([a, b])
    assert {name: every[name] for name in some} == some
    same = every.keys() - some.keys()
    assert {"epochs", "seed", "split", "label_smoothing", "augmentation.rotation"} <= same
    assert all(len({repr(value) for value in every[name].values()}) == 1 for name in same)
    words = " ".join(every)
    assert not [result for result in ("accuracy", "test", "seconds", "best", "status") if result in words]


def test_zero_is_not_false_but_the_same_as_a_float(make: Make) -> None:
    values = {"0": 0, "0.0": 0.0, "False": False, "None": None}
    # As a version with another setting would have it.
    forms = {name: replace(make(), training={"x": value}) for name, value in values.items()}
    assert differing([forms["0"], forms["0.0"]]) == {}
    for one, other in (("0", "False"), ("0", "None"), ("False", "None")):
        assert list(differing([forms[one], forms[other]])) == ["x"]


def test_a_setting_that_a_run_does_not_have_is_absent(make: Make) -> None:
    a, b = make(), make(training=replace(ONE, early_stopping=EarlyStopping(patience=0)))
    found = differing([a, b])
    assert found["early_stopping"] == {a.id: False, b.id: True}
    assert found["early_stopping.patience"] == {b.id: 0}
    assert differing([replace(a, training={}), replace(b, training={"new": None})])["new"] == {b.id: None}


def test_layers_in_blocks_have_settings_too(make: Make) -> None:
    def network(filters: int) -> Architecture:
        return Architecture((Parallel(((), (Conv2D(filters, 1),))), Flatten(), Dense(10, "softmax")))

    a, b = make(network=network(2)), make(network=network(3))
    assert differing([a, b]) == {"layer 1, branch 2, layer 1 Conv2D filters": {a.id: 2, b.id: 3}}
    assert settings([a])["layer 1 Parallel merge"] == {a.id: "concatenate"}

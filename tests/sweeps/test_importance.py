"""The importance of fields, by made-up trials of which it is known what made them good."""

from __future__ import annotations

import random
from typing import Any

import pytest

from mnist_lab.store import Trial
from mnist_lab.sweeps.dimensions import Dimension, IntegerRange, NumberRange, OneOf, Repeat, name_of
from mnist_lab.sweeps.importance import LEAST_TRIALS, importances
from mnist_lab.sweeps.search import in_optunas_form
from tests.sweeps.fakes import NETWORK, sweep

pytest.importorskip("optuna")
SPACE: tuple[Dimension, ...] = (
    IntegerRange("layers.1.units", 1, 64),
    NumberRange("training.optimizer.learning_rate", 0.001, 0.1),
    OneOf("layers.1.activation", ("relu", "tanh")),
    Repeat("layers.1", 1, 1, 4),
)


def trials(count: int, weights: dict[str, float], noise: float = 0.001) -> list[Trial]:
    chance = random.Random(2)
    found = []
    for number in range(count):
        values = {
            "layers.1.units": chance.randint(1, 64),
            "training.optimizer.learning_rate": chance.uniform(0.001, 0.1),
            "layers.1.activation": chance.choice(("relu", "tanh")),
            "repeat layers.1": 2,
        }
        share = {
            "layers.1.units": values["layers.1.units"] / 64,
            "training.optimizer.learning_rate": values["training.optimizer.learning_rate"] / 0.1,
            "layers.1.activation": float(values["layers.1.activation"] == "relu"),
        }
        accuracy = 0.5 + 0.1 * sum(weights.get(name, 0.0) * value for name, value in share.items())
        accuracy += noise * chance.gauss(0, 1)
        found.append(Trial("s", number, values, "complete", accuracy, None, 5, 6, 1, [], None, [], 0, {}, 0.0, None))
    return found


@pytest.mark.parametrize("name", [name_of(each) for each in SPACE[:3]])
def test_what_alone_decides_is_found_with_an_interval_that_is_above_the_others(name: str) -> None:
    found = importances(sweep(SPACE), trials(80, {name: 1.0}), resamples=40)
    first, *rest = found.fields
    assert first.name == name and first.share > 0.6
    assert first.low <= first.share <= first.high
    assert all(each.high < first.low for each in rest)
    assert sum(each.share for each in found.fields) == pytest.approx(1)
    assert name in found.sentence and "cannot be told" not in found.sentence


def test_what_was_the_same_in_all_trials_is_left_out() -> None:
    found = importances(sweep(SPACE), trials(30, {"layers.1.units": 1.0}), resamples=10)
    assert {each.name for each in found.fields} == {name_of(each) for each in SPACE[:3]}


def test_of_chance_alone_no_field_is_told_from_the_next() -> None:
    found = importances(sweep(SPACE), trials(40, {}, noise=0.05), resamples=40)
    assert "cannot be told for sure" in found.sentence


def test_fewer_trials_have_wider_intervals() -> None:
    def width(count: int) -> float:
        fields = importances(sweep(SPACE), trials(count, {"layers.1.units": 1.0}, 0.03), resamples=60).fields
        return max(each.high - each.low for each in fields)

    assert width(LEAST_TRIALS) > width(200)


def test_too_few_trials_are_said_to_be() -> None:
    made = trials(LEAST_TRIALS, {"layers.1.units": 1.0})
    assert "9 complete trials" in str(importances(sweep(SPACE), made[1:]).problem)
    assert importances(sweep(SPACE), made, resamples=5).problem is None
    assert "same accuracy" in importances(sweep(SPACE), trials(20, {}, noise=0.0)).sentence


@pytest.mark.parametrize(
    ("values", "is_known"),
    [
        ({}, True),
        ({"layers.1.units": 65}, False),
        ({"layers.1.units": 3.5}, False),
        ({"layers.1.units": True}, False),
        ({"layers.1.activation": "elu"}, False),
        ({"training.optimizer.learning_rate": None}, False),
        ({"repeat layers.1": "2"}, False),
        ({"repeat layers.1": 4}, True),
    ],
)
def test_values_that_no_sweep_proposed_are_told_from_those_that_it_did(values: dict[str, Any], is_known: bool) -> None:
    whole = {**trials(1, {})[0].values, **values}
    assert (in_optunas_form(SPACE, whole) is not None) == is_known
    assert NETWORK.layers

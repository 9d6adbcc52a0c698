"""Sweeps that are made and not searched: their trials have what a test wants."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mnist_lab.architecture import Architecture
from mnist_lab.layers import Conv2D, Dense, Flatten
from mnist_lab.store import NewRun, NewTrial, RunStore, SweepRecord
from mnist_lab.sweeps.candidates import candidate
from mnist_lab.sweeps.dimensions import Dimension, IntegerRange, NumberRange, OneOf, Repeat, name_of
from mnist_lab.sweeps.sweep import Search, Sweep
from mnist_lab.training_config import TrainingConfig

NETWORK = Architecture((Conv2D(8), Conv2D(8), Flatten(), Dense(10, "softmax")))
TRAINING = TrainingConfig(dataset="digits", epochs=2, limit=200)
FILTERS = IntegerRange("layers.0.filters", 4, 32, log=True)
RATE = NumberRange("training.optimizer.learning_rate", 1e-4, 1e-1, log=True)
OPTIMIZER = OneOf("training.optimizer", ("Adam", "SGD", "RMSprop"))
KERNEL = OneOf("layers.1.kernel_size", ((3, 3), (5, 5), (27, 27)))
BLOCK = Repeat("layers.1", 1, 1, 3)
SWEEP = Sweep(NETWORK, TRAINING, (FILTERS, RATE, OPTIMIZER, KERNEL), Search(trials=40), "first sweep")
DRIVER = "made"


def add_sweep(store: RunStore, sweep: Sweep = SWEEP, trials: int = 12, *, status: str = "finished", seed: int = 1,
              with_runs: bool = True, person: str | None = None) -> SweepRecord:  # fmt: skip
    """A sweep with trials at random, of which one in eight was ended early; a large kernel is impossible."""
    record = store.create_sweep(sweep.to_dict(), name=sweep.name, driver=DRIVER, person=person)
    rng = random.Random(seed)
    for number in range(trials):
        values = {name_of(each): _draw(each, rng) for each in sweep.dimensions}
        state = "pruned" if number % 8 == 7 else "complete"
        add_trial(store, record, sweep, values, number, accuracy=_accuracy(rng), state=state, with_runs=with_runs)
    store.renew_sweep(record.id, DRIVER, 60.0)
    if status != "running":
        assert store.end_sweep(record.id, DRIVER, status)
    return store.get_sweep(record.id)


def add_trial(
    store: RunStore, record: SweepRecord, sweep: Sweep, values: dict[str, Any], number: int, *,
    accuracy: float | None = None, state: str = "complete", with_runs: bool = True,
) -> None:  # fmt: skip
    """A trial that has ended; an impossible one is so whatever is wanted."""
    found = candidate(sweep.architecture, sweep.training, sweep.dimensions, values)
    if found.problem is not None:
        store.add_trial(record.id, DRIVER, NewTrial(number, values, reason=found.problem))
        return
    assert found.architecture is not None and found.training is not None
    runs = tuple(
        NewRun(found.architecture, replace(found.training, seed=found.training.seed + place), f"{record.name} {number}")
        for place in range(sweep.search.seeds if with_runs else 0)
    )
    made = store.add_trial(
        record.id, DRIVER, NewTrial(number, values, runs, None, found.parameters, found.multiply_adds)
    )
    assert made is not None
    for run in made.runs:
        store.set_figures(run, status="finished", validation_accuracy=accuracy, dataset="digits", owner=None)
    store.update_trial(record.id, DRIVER, number, state=state, accuracy=accuracy, epochs=2)


def _draw(each: Dimension, rng: random.Random) -> Any:
    if isinstance(each, OneOf):
        return each.values[rng.randrange(len(each.values))]
    if isinstance(each, NumberRange):
        return (
            math.exp(rng.uniform(math.log(each.low), math.log(each.high)))
            if each.log
            else rng.uniform(each.low, each.high)
        )
    assert isinstance(each, IntegerRange | Repeat)
    return rng.randint(each.low, each.high)


def _accuracy(rng: random.Random) -> float:
    return round(0.9 + 0.09 * rng.random(), 4)


def best(trials: Sequence[Any]) -> Any:
    """The best of some trials, reckoned plainly."""
    return max((each for each in trials if each.state == "complete"), key=lambda each: each.accuracy)

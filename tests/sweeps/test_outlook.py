"""What a sweep would meet, against every combination tried one by one."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import pytest

from mnist_lab.shapes import analyse
from mnist_lab.sweeps.candidates import apply
from mnist_lab.sweeps.dimensions import Dimension, IntegerRange, NumberRange, OneOf, Repeat, name_of
from mnist_lab.sweeps.outlook import SAMPLES, outlook
from mnist_lab.sweeps.sweep import Search, Sweep
from tests.made_sweeps import KERNEL, NETWORK, RATE, TRAINING

STEPS = IntegerRange("layers.0.filters", 4, 16, step=4)
TIMES = Repeat("layers.1", 1, 1, 3)


def sweep(*dimensions: Dimension, **search: object) -> Sweep:
    return Sweep(NETWORK, TRAINING, dimensions, Search(**search))  # type: ignore[arg-type]


def test_few_combinations_are_all_looked_at() -> None:
    found = outlook(sweep(STEPS, KERNEL, TIMES))
    sizes, impossible = [], 0
    for filters, kernel, times in itertools.product((4, 8, 12, 16), KERNEL.values, (1, 2, 3)):
        values = {STEPS.field: filters, KERNEL.field: kernel, TIMES.name: times}
        network, _ = apply(NETWORK, TRAINING, (STEPS, KERNEL, TIMES), values)
        analysis = analyse(network)
        impossible += analysis.problem is not None
        sizes += [analysis.parameters] if analysis.problem is None else []
    assert (found.combinations, found.sampled, found.impossible) == (36, 36, impossible)
    assert found.is_complete and found.parameters == (min(sizes), max(sizes))
    assert "27" in found.why, "the kernel that does not fit is named"


def test_of_many_combinations_some_are_looked_at_the_same_ones_each_time() -> None:
    wanted = sweep(IntegerRange("layers.0.filters", 1, 1000), KERNEL)
    found = outlook(wanted)
    assert (found.combinations, found.sampled, found.is_complete) == (3000, SAMPLES, False)
    assert 0 < found.impossible < SAMPLES
    assert outlook(wanted) == found


def test_a_range_of_real_numbers_has_no_end_but_the_points_of_a_grid_have() -> None:
    assert math.isinf(outlook(sweep(RATE)).combinations)
    assert outlook(sweep(replace(RATE, points=7), STEPS, sampler="grid")).combinations == 28


def test_a_training_costs_the_mean_over_those_that_are_possible() -> None:
    costs = {4: 10.0, 8: 20.0, 12: 30.0, 16: 60.0}
    found = outlook(sweep(STEPS), lambda network, settings: costs[network.layers[0].filters])  # type: ignore[attr-defined]
    assert found.seconds == pytest.approx(30)
    assert found.whole(Search(trials=10, seeds=2), workers=4) == pytest.approx(10 * 2 * 30 / 4)
    assert found.whole(Search(trials=10, seconds=60), workers=1) == pytest.approx(60 + 30), (
        "the last one begins in time"
    )
    assert found.whole(Search(trials=10, sampler="grid"), workers=1) == pytest.approx(4 * 30), "there are but four"
    assert outlook(sweep(STEPS)).whole(Search(), 1) is None, "nobody knows"


def test_fields_of_the_training_reach_the_price() -> None:
    seen = set()

    def price(network: object, settings: object) -> float:
        seen.add((settings.batch_size, settings.optimizer.kind))  # type: ignore[attr-defined]
        return 1.0

    outlook(sweep(OneOf("training.batch_size", (32, 64)), OneOf("training.optimizer", ("Adam", "SGD"))), price)
    assert seen == set(itertools.product((32, 64), ("Adam", "SGD")))


@pytest.mark.parametrize("each", [STEPS, KERNEL, TIMES, RATE, NumberRange("training.label_smoothing", 0.0, 0.5),
                                  IntegerRange("training.batch_size", 1, 4096, log=True)], ids=name_of)  # fmt: skip
def test_what_is_sampled_is_within_its_range(each: Dimension) -> None:
    found = []

    def price(network: object, settings: object) -> float:
        found.append((network, settings))
        return 1.0

    wide = IntegerRange("layers.0.filters", 1, 10_000) if each.field != STEPS.field else RATE
    assert outlook(sweep(each, wide), price).seconds == 1.0
    assert len(found) > 10, "values out of range would have been impossible"

"""The forecast of a sweep: by the sum of its trials, where these can be reckoned by hand."""

from __future__ import annotations

import math

import pytest

from mnist_lab import forecast, shapes
from mnist_lab.forecast import Probe
from mnist_lab.sweeps.dimensions import IntegerRange, OneOf
from mnist_lab.sweeps.outlook import OVERHEAD_SECONDS, SHARE_AT_WORST, outlook
from tests.sweeps.fakes import NETWORK, sweep

PROBE = Probe(1e-3, 1e-4, 1e-9, 1e-11, 1e-9)
# An activation costs no multiply-adds.
SAME = (OneOf("layers.1.activation", ("relu", "tanh")),)


def test_trials_that_all_cost_the_same_cost_so_many_times_that() -> None:
    made = sweep(SAME, trials=2, epochs=3, seeds=2)
    found = outlook(made, PROBE, images=5000)
    one = forecast.forecast(shapes.analyse(NETWORK), made.training, 5000, PROBE).seconds_per_epoch
    assert one is not None
    expected = 2 * 2 * (3 * one + OVERHEAD_SECONDS)
    assert (found.low, found.high) == pytest.approx((expected, expected))
    assert (found.trials, found.epochs, found.impossible) == (2, 12, 0)
    both = outlook(made, PROBE, images=5000, workers=2)
    assert (both.low, both.high) == pytest.approx((expected / 2, expected / 2 / SHARE_AT_WORST))
    assert "2 at once" in both.sentence


def test_a_space_of_many_sizes_has_a_range_and_more_trials_take_longer() -> None:
    wide = (IntegerRange("layers.1.units", 1, 4000, log=True),)
    few, many = (outlook(sweep(wide, trials=trials), PROBE) for trials in (5, 50))
    assert few.low is not None and few.high is not None and many.low is not None and many.high is not None
    assert few.low < few.high < many.low < many.high
    assert few.high / few.low > many.high / many.low, "a sum of many is the surer"


def test_budgets_shorten_it() -> None:
    assert outlook(sweep(SAME, trials=1000), PROBE).trials == 2, "there are no more combinations"
    wide = (IntegerRange("layers.1.units", 1, 4000),)
    assert outlook(sweep(wide, trials=1000, epochs=3), PROBE).trials == 1000
    made = sweep(wide, trials=1000, epochs=3).to_dict()
    made["search"]["epochs"] = 10
    limited = outlook(type(sweep()).from_dict(made), PROBE)
    assert (limited.trials, limited.epochs) == (4, 12)
    made["search"] |= {"epochs": None, "seconds": 5}
    limited = outlook(type(sweep()).from_dict(made), PROBE)
    assert (
        limited.low == 5 and limited.high is not None and limited.high < outlook(sweep(wide, trials=1000), PROBE).high
    )  # type: ignore[operator]
    grid = (IntegerRange("layers.1.units", 1, 5), OneOf("layers.1.activation", ("relu", "tanh")))
    assert outlook(sweep(grid, sampler="grid", trials=1000), PROBE).trials == 10


def test_what_is_impossible_is_counted_and_a_machine_that_was_not_measured_is_said_to_be() -> None:
    half = (OneOf("layers.2.units", (10, 11)), IntegerRange("layers.1.units", 1, 64))
    found = outlook(sweep(half), None)
    assert 0.25 < found.impossible < 0.75 and found.seconds is None
    assert "measured as soon as" in found.sentence and "impossible" in found.sentence
    none = outlook(sweep((IntegerRange("layers.2.units", 11, 99), half[1])), PROBE)
    assert none.impossible == 1 and none.seconds is None and "no network of this space is possible" in none.sentence
    assert not math.isnan(none.trials)

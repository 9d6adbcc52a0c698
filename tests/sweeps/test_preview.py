"""What a sweep would meet, against every combination tried one by one."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import pytest

from mnist_lab.shapes import analyse
from mnist_lab.sweeps import preview as module
from mnist_lab.sweeps.candidates import Candidate, apply
from mnist_lab.sweeps.dimensions import Dimension, IntegerRange, NumberRange, OneOf, Repeat, name_of
from mnist_lab.sweeps.preview import SAMPLES, preview
from mnist_lab.sweeps.sweep import Search, Sweep
from tests.made_sweeps import KERNEL, NETWORK, RATE, TRAINING

STEPS = IntegerRange("layers.0.filters", 4, 16, step=4)
TIMES = Repeat("layers.1", 1, 1, 3)


def sweep(*dimensions: Dimension, **search: object) -> Sweep:
    return Sweep(NETWORK, TRAINING, dimensions, Search(**search))  # type: ignore[arg-type]


def test_few_combinations_are_all_looked_at() -> None:
    found = preview(sweep(STEPS, KERNEL, TIMES))
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
    found = preview(wanted)
    assert (found.combinations, found.sampled, found.is_complete) == (3000, SAMPLES, False)
    assert 0 < found.impossible < SAMPLES
    assert preview(wanted) == found


def test_a_range_of_real_numbers_has_no_end_but_the_points_of_a_grid_have() -> None:
    assert math.isinf(preview(sweep(RATE)).combinations)
    assert preview(sweep(replace(RATE, points=7), STEPS, sampler="grid")).combinations == 28


@pytest.mark.parametrize("each", [STEPS, KERNEL, TIMES, RATE, NumberRange("training.label_smoothing", 0.0, 0.5),
                                  IntegerRange("training.batch_size", 1, 4096, log=True)], ids=name_of)  # fmt: skip
def test_what_is_sampled_is_within_its_range(each: Dimension, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(module, "candidate", lambda network, training, dimensions, values: _seen(seen, values))
    wide = IntegerRange("layers.0.filters", 1, 10_000) if each.field != STEPS.field else RATE
    preview(sweep(each, wide))
    values = [found[name_of(each)] for found in seen]
    assert len(values) == SAMPLES and len(set(map(str, values))) > 1
    if isinstance(each, OneOf):
        assert set(values) == set(each.values)
    else:
        assert isinstance(each, IntegerRange | NumberRange | Repeat)
        assert all(each.low <= value <= each.high for value in values)
        assert all((value - each.low) % getattr(each, "step", 1) == 0 for value in values if isinstance(value, int))


def _seen(seen: list[Any], values: Any) -> Candidate:
    seen.append(values)
    return Candidate(None, None, None, None, None)

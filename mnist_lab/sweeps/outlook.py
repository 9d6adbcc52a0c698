"""How long a sweep will take on this machine, before it begins: reckoned over networks drawn from its space."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mnist_lab import forecast, formatting, shapes
from mnist_lab.forecast import Probe
from mnist_lab.store import Run
from mnist_lab.sweeps.candidates import candidate
from mnist_lab.sweeps.dimensions import Dimension, IntegerRange, NumberRange, OneOf, Repeat, name_of
from mnist_lab.sweeps.search import grid_of
from mnist_lab.sweeps.sweep import Sweep

SAMPLES = 60
# What a trial takes beside its training, on a warm worker.
OVERHEAD_SECONDS = 0.5
# Workers share the cores: several of them come to less than as many machines. Taken for the upper end, not measured.
SHARE_AT_WORST = 0.6
_DRAWS = 400


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a sweep will take.

    Attributes:
        seconds: Middle of the range; None until the machine was measured.
        low: Of 100 sweeps that draw from this space 5 would be quicker.
        high: 5 would be slower.
        trials: How many trials its budgets allow for, about.
        epochs: How many epochs these have, about.
        impossible: The share of the space that is impossible.
        workers: How many trainings at once it is reckoned for.
        basis: Where the seconds come from, in words.
    """

    seconds: float | None
    low: float | None
    high: float | None
    trials: int
    epochs: int
    impossible: float
    workers: int
    basis: str

    @property
    def sentence(self) -> str:
        """The whole in words."""
        words = f"About {self.trials:,} trials of {self.epochs:,} epochs in all"
        if self.low is None or self.high is None:
            words += f"; how long they take is {self.basis}."
        else:
            at_once = "" if self.workers == 1 else f", {self.workers} at once"
            words += f"{at_once}: {formatting.duration(self.low)} to {formatting.duration(self.high)}, {self.basis}."
        if self.impossible > 0.005:
            words += f" {100 * self.impossible:.0f} % of the space is impossible and skipped."
        return words


def outlook(
    sweep: Sweep,
    probe: Probe | None,
    earlier: Iterable[Run] = (),
    *,
    images: int = forecast.ALL_IMAGES,
    workers: int = 1,
    seed: int = 0,
) -> Outlook:
    """Forecasts a sweep; pruned trials, and samplers that like small networks, make it shorter.

    Args:
        sweep: The sweep.
        probe: This machine's speed, if it was measured.
        earlier: Runs of this machine, the newest first; see `forecast.forecast`.
        images: Training images there are.
        workers: How many trainings at once.
        seed: Of the draws.
    """
    chance = np.random.default_rng(seed)
    runs = list(earlier)
    made = [_draw(sweep, chance) for _ in range(SAMPLES)]
    possible = [each for each in made if each.problem is None]
    basis = "no network of this space is possible" if not possible else ""
    seconds, epochs = [], []
    for each in possible:
        assert each.architecture is not None and each.training is not None
        used = min(each.training.limit or images, images)
        expected = forecast.forecast(shapes.analyse(each.architecture), each.training, used, probe, runs)
        basis, count = expected.basis, each.training.epochs * sweep.search.seeds
        epochs.append(count)
        if expected.seconds_per_epoch is not None:
            seconds.append(expected.seconds_per_epoch * count + OVERHEAD_SECONDS * sweep.search.seeds)
    trials = _trials(sweep, float(np.mean(epochs)) if epochs else 0.0)
    total = round(trials * float(np.mean(epochs))) if epochs else 0
    impossible = 1 - len(possible) / len(made)
    if not seconds:
        return Outlook(None, None, None, trials, total, impossible, workers, basis)
    sums = np.array([chance.choice(seconds, trials).sum() for _ in range(_DRAWS)]) / workers
    slowed = sums / (1.0 if workers == 1 else SHARE_AT_WORST)
    low, high = float(np.quantile(sums, 0.05)), float(np.quantile(slowed, 0.95))
    limit = sweep.search.seconds
    if limit is not None:
        # No trial begins later; those under way are finished.
        last = float(np.max(seconds))
        low, high = min(low, limit), min(high, limit + last)
    return Outlook((low + high) / 2, low, high, trials, total, impossible, workers, basis)


def _draw(sweep: Sweep, chance: np.random.Generator) -> Any:
    values = {name_of(each): _value(each, chance) for each in sweep.dimensions}
    return candidate(sweep.architecture, sweep.training, sweep.dimensions, values)


def _value(each: Dimension, chance: np.random.Generator) -> Any:
    if isinstance(each, OneOf):
        return each.values[int(chance.integers(len(each.values)))]
    assert isinstance(each, IntegerRange | NumberRange | Repeat)
    low, high = float(each.low), float(each.high)
    drawn = float(np.exp(chance.uniform(np.log(low), np.log(high)))) if getattr(each, "log", False) else None
    if isinstance(each, NumberRange):
        return min(high, max(low, drawn if drawn is not None else float(chance.uniform(low, high))))
    if drawn is not None:
        return int(min(high, max(low, round(drawn))))
    step = getattr(each, "step", 1)
    return int(each.low + step * int(chance.integers((each.high - each.low) // step + 1)))


def _trials(sweep: Sweep, epochs: float) -> int:
    """How many trials the budgets allow for."""
    count = float(sweep.search.trials)
    if sweep.search.sampler == "grid":
        count = min(count, float(np.prod([len(points) for points in grid_of(sweep).values()])))
    else:
        count = min(count, float(np.prod([each.count for each in sweep.dimensions])))
    if sweep.search.epochs is not None and epochs:
        count = min(count, float(np.ceil(sweep.search.epochs / epochs)))
    return max(1, int(count))

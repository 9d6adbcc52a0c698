"""What a sweep would meet, before it begins: how many combinations, how many impossible networks, how long it takes."""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mnist_lab.architecture import Architecture
from mnist_lab.sweeps.candidates import candidate
from mnist_lab.sweeps.dimensions import Dimension, IntegerRange, NumberRange, OneOf, Repeat, name_of
from mnist_lab.sweeps.search import grid_of
from mnist_lab.sweeps.sweep import Search, Sweep
from mnist_lab.training_config import TrainingConfig

SAMPLES = 48
Price = Callable[[Architecture, TrainingConfig], float | None]


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a sweep would meet.

    Attributes:
        combinations: How many different trials there are; infinite where a range of real numbers is searched.
        sampled: How many of them were looked at: all, or so many at random.
        impossible: How many of these no network can have, or this machine has no room for.
        why: Why the most of these are impossible, or "".
        parameters: The fewest and the most of the others, or None.
        seconds: Of one training, the mean over the others; None where it is not known yet.
    """

    combinations: float
    sampled: int
    impossible: int
    why: str
    parameters: tuple[int, int] | None
    seconds: float | None

    @property
    def is_complete(self) -> bool:
        """Whether every combination was looked at."""
        return self.sampled >= self.combinations

    def whole(self, search: Search, workers: int) -> float | None:
        """Seconds that the whole sweep takes at most; None where that is not known yet.

        Args:
            search: How it searches.
            workers: Trainings at once.
        """
        if self.seconds is None:
            return None
        trials = search.trials
        if search.sampler == "grid":
            possible = 1 - self.impossible / max(1, self.sampled)
            trials = min(trials, math.ceil(self.combinations * possible)) if self.combinations < math.inf else trials
        long = trials * search.seeds * self.seconds / workers
        return long if search.seconds is None else min(long, search.seconds + self.seconds * search.seeds)


def outlook(
    sweep: Sweep, price: Price = lambda network, settings: None, samples: int = SAMPLES, seed: int = 0
) -> Outlook:
    """Looks at some of the trials that a sweep may have, or at all if they are few; nothing is trained for it.

    Args:
        sweep: The sweep.
        price: Seconds of a training, None where they are not known.
        samples: At so many it looks.
        seed: Of the choice.

    Raises:
        SweepError: If a grid is too large.
    """
    grid = grid_of(sweep) if sweep.search.sampler == "grid" else None
    lists = [_values(each, grid) for each in sweep.dimensions]
    combinations = math.prod(math.inf if values is None else len(values) for values in lists)
    names = [name_of(each) for each in sweep.dimensions]
    if combinations <= samples:
        every: Iterable[Sequence[Any]] = itertools.product(*(values or () for values in lists))
    else:
        rng = random.Random(seed)
        every = ([_one(each, values, rng) for each, values in zip(sweep.dimensions, lists, strict=True)]
                 for _ in range(samples))  # fmt: skip
    found = [
        candidate(sweep.architecture, sweep.training, sweep.dimensions, dict(zip(names, values, strict=True)))
        for values in every
    ]
    problems = Counter(each.problem for each in found if each.problem is not None)
    sizes = [each.parameters for each in found if each.parameters is not None]
    prices = [
        price(each.architecture, each.training)
        for each in found
        if each.problem is None and each.architecture is not None and each.training is not None
    ]
    known = [each for each in prices if each is not None]
    return Outlook(
        combinations,
        len(found),
        sum(problems.values()),
        problems.most_common(1)[0][0] if problems else "",
        (min(sizes), max(sizes)) if sizes else None,
        sum(known) / len(known) if known and len(known) == len(prices) else None,
    )


def _values(each: Dimension, grid: Mapping[str, Sequence[Any]] | None) -> Sequence[Any] | None:
    """All values of a dimension; None for a range of real numbers, of which there is no list."""
    if isinstance(each, OneOf):
        return each.values
    if grid is not None:
        return grid[name_of(each)]
    if isinstance(each, IntegerRange | Repeat):
        return range(each.low, each.high + 1, getattr(each, "step", 1))
    return None


def _one(each: Dimension, values: Sequence[Any] | None, rng: random.Random) -> Any:
    if isinstance(each, IntegerRange | NumberRange) and each.log:
        found = each.low * (each.high / each.low) ** rng.random()
        return round(found) if isinstance(each, IntegerRange) else found
    if values is None:
        assert isinstance(each, NumberRange)
        return rng.uniform(each.low, each.high)
    return values[rng.randrange(len(values))]

"""What a sweep would meet, before it begins: how many combinations there are, and how many of them are impossible."""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mnist_lab.sweeps.candidates import candidate
from mnist_lab.sweeps.dimensions import Dimension, IntegerRange, NumberRange, OneOf, Repeat, name_of
from mnist_lab.sweeps.search import grid_of
from mnist_lab.sweeps.sweep import Sweep

SAMPLES = 48


@dataclass(frozen=True, slots=True)
class Preview:
    """What a sweep would meet.

    Attributes:
        combinations: How many different trials there are; infinite where a range of real numbers is searched.
        sampled: How many of them were looked at: all, or so many at random.
        impossible: How many of these no network can have, or this machine has no room for.
        why: Why the most of these are impossible, or "".
        parameters: The fewest and the most of the others, or None.
    """

    combinations: float
    sampled: int
    impossible: int
    why: str
    parameters: tuple[int, int] | None

    @property
    def is_complete(self) -> bool:
        """Whether every combination was looked at."""
        return self.sampled >= self.combinations


def preview(sweep: Sweep, samples: int = SAMPLES, seed: int = 0) -> Preview:
    """Looks at some of the trials that a sweep may have, or at all if they are few; nothing is trained for it.

    Args:
        sweep: The sweep.
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
    return Preview(
        combinations,
        len(found),
        sum(problems.values()),
        problems.most_common(1)[0][0] if problems else "",
        (min(sizes), max(sizes)) if sizes else None,
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

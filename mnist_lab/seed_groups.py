"""Networks against each other by several seeds of each: how trainings differ, which no single pair of runs can tell.

How often this calls two groups of one network different, and how often it tells apart two that are not the same, is
measured by ``benchmarks/false_alarms.py``.
"""

from __future__ import annotations

import json
import math
import re
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_lab.comparison import (
    ALPHA,
    FLATTERED,
    Interval,
    but_seed,
    names_of,
    other_data,
    points,
    seed_of,
    with_holm,
    words_of_p,
)
from mnist_lab.store import Run
from mnist_lab.study_results import SEEDS_FOR_SPREAD

MOST_DEALINGS = 20_000
# Little better than guessing one of ten digits: such a training has learnt nothing.
LEARNT_NOTHING = 0.2
WELCH, PERMUTATION = "Welch's test", "a permutation test"
NOT_NORMAL = "That interval takes the seeds' accuracies for normal, which these hardly are."
FLATTERED_GROUP = "Its test images also served for validation, so its accuracies may be too good."


@dataclass(frozen=True, slots=True)
class Group:
    """Finished and evaluated runs that differ in their seed alone.

    Attributes:
        name: Of the first, without its seed.
        runs: At least one, ordered by seed; of each seed the newest.
    """

    name: str
    runs: tuple[Run, ...]

    @property
    def seeds(self) -> list[int]:
        """The seeds."""
        return [seed_of(run) for run in self.runs]

    @property
    def accuracies(self) -> list[float]:
        """The accuracy of each."""
        return [run.test_accuracy for run in self.runs if run.test_accuracy is not None]

    @property
    def accuracy(self) -> float:
        """The mean accuracy."""
        return statistics.fmean(self.accuracies)

    @property
    def spread(self) -> float | None:
        """The standard deviation of the accuracies; None for a single one."""
        return statistics.stdev(self.accuracies) if len(self.runs) > 1 else None

    @property
    def covers_seeds(self) -> bool:
        """Whether it has enough seeds to tell how they differ."""
        return len(self.runs) >= SEEDS_FOR_SPREAD

    @property
    def sentence(self) -> str:
        """What the group covers, in plain words."""
        many = f"{self.name}: {len(self.runs)} seed{'s' * (len(self.runs) != 1)}"
        if not self.covers_seeds or self.spread is None:
            return f"{many}, fewer than {SEEDS_FOR_SPREAD}: only the images' noise is covered, not that of the seeds."
        mean = f"mean accuracy {100 * self.accuracy:.2f} %, standard deviation {100 * self.spread:.2f} points"
        return f"{many}, {mean}." + f" {FLATTERED_GROUP}" * self.runs[0].test_is_validation

    def to_json(self) -> dict[str, Any]:
        """The group as the command line prints it."""
        return {
            "name": self.name,
            "runs": [run.id for run in self.runs],
            "seeds": self.seeds,
            "accuracy": self.accuracy,
            "spread": self.spread,
            "covers": "seeds" if self.covers_seeds else "images",
            "sentence": self.sentence,
        }


@dataclass(frozen=True, slots=True)
class GroupComparison:
    """Two groups by the accuracies of their seeds.

    Attributes:
        a: One group.
        b: The other.
        reason: Why they cannot be compared; "" if they can.
        p: Of the test, see `tell_apart`.
        by: The test that decided, `WELCH` or `PERMUTATION`.
        difference: Of the mean accuracies, `a` less `b`.
        interval: Its 95 % interval by Welch's test.
        corrected: p after Holm's correction for all pairs of groups.
        tests: How many these are.
    """

    a: Group
    b: Group
    reason: str = ""
    p: float | None = None
    by: str = WELCH
    difference: float | None = None
    interval: Interval | None = None
    corrected: float | None = None
    tests: int = 1

    @property
    def better(self) -> Group | None:
        """The better one, if the seeds say so."""
        if self.corrected is None or self.corrected >= ALPHA or not self.difference:
            return None
        return self.a if self.difference > 0 else self.b

    @property
    def sentence(self) -> str:
        """What came out, in plain words."""
        if self.corrected is None or self.difference is None or self.interval is None:
            return f"{self.a.name} and {self.b.name} are not compared by their seeds: {self.reason}."
        how = f"by {self.by} on the accuracies of {len(self.a.runs)} and {len(self.b.runs)} seeds"
        chance, ends = words_of_p(self.corrected, self.tests), f" {FLATTERED}" * self.a.runs[0].test_is_validation
        if self.better is None:
            by = points(self.difference, self.interval)
            is_odd = self.by == PERMUTATION and not self.interval[0] <= 0 <= self.interval[1]
            return (
                f"The seeds do not tell {self.a.name} and {self.b.name} apart ({chance}, {how}). "
                f"The mean accuracies differ by {by}.{f' {NOT_NORMAL}' * is_odd}{ends}"
            )
        other = self.b if self.better is self.a else self.a
        low, high = self.interval if self.better is self.a else (-self.interval[1], -self.interval[0])
        return (
            f"{self.better.name} is better than {other.name} from seed to seed too, {chance}, {how}. The mean "
            f"accuracy is higher by {points(abs(self.difference), (low, high))}.{ends}"
        )

    def to_json(self) -> dict[str, Any]:
        """The pair as the command line prints it; groups by their names."""
        return {
            "a": self.a.name,
            "b": self.b.name,
            "comparable": not self.reason,
            "reason": self.reason or None,
            "test": None if self.p is None else "welch" if self.by == WELCH else "permutation",
            "p": self.p,
            "p_corrected": self.corrected,
            "difference": self.difference,
            "difference_interval": None if self.interval is None else list(self.interval),
            "better": None if self.better is None else self.better.name,
            "sentence": self.sentence,
        }


def groups(runs: Iterable[Run]) -> list[Group]:
    """Puts runs together that differ in their seed alone: same network, training, data and split.

    Where a split draws lots, the seeds' test images differ, and their spread has the noise of the images in it.

    Runs that did not finish or were not evaluated are left out.
    """
    found: dict[str, dict[int, Run]] = {}
    for run in runs:
        if run.status != "finished" or run.test_accuracy is None:
            continue
        seeds = found.setdefault(json.dumps(but_seed(run), sort_keys=True), {})
        before = seeds.get(seed_of(run))
        if before is None or before.created < run.created:
            seeds[seed_of(run)] = run
    members = [tuple(seeds[seed] for seed in sorted(seeds)) for seeds in found.values()]
    firsts = [replace(each[0], name=re.sub(r"[,;]?\s*seed \d+$", "", each[0].name)) for each in members]
    names = names_of(firsts)
    return [Group(names[each[0].id], each) for each in members]


def siblings(chosen: Sequence[Run], listed: Iterable[Run], most: int) -> list[Run]:
    """Further seeds of the networks of some runs.

    Args:
        chosen: The runs.
        listed: Where to look.
        most: How many runs there may be in the end, the chosen ones among them.

    Returns:
        Runs that are not chosen and that `groups` would put together with one that is, of each seed the newest. Where
        they are too many, the network with the fewest seeds gets the next one.
    """
    first = {run.id for run in chosen}
    # To compare all settings takes its time, with thousands of runs: most differ in their network.
    kinds = {(run.parameters, run.split) for run in chosen}
    near = [run for run in listed if run.id not in first and (run.parameters, run.split) in kinds]
    if not near:
        return []
    found: list[tuple[int, list[Run]]] = []
    for group in groups([*chosen, *near]):
        here = {seed_of(run) for run in chosen if but_seed(run) == but_seed(group.runs[0])}
        if here:
            found.append((len(here), [run for run in group.runs if seed_of(run) not in here]))
    added: list[Run] = []
    for _ in range(most - len(chosen)):
        waiting = [index for index, (_, rest) in enumerate(found) if rest]
        if not waiting:
            break
        least = min(waiting, key=lambda index: found[index][0])
        seeds, rest = found[least]
        added.append(rest[0])
        found[least] = seeds + 1, rest[1:]
    return added


def compare_groups(found: Sequence[Group]) -> list[GroupComparison]:
    """Compares every pair of groups by `tell_apart`, with Holm's correction for all of them."""
    return with_holm([_group_pair(a, b) for a, b in combinations(found, 2)])


def _group_pair(a: Group, b: Group) -> GroupComparison:
    without = GroupComparison(a, b)
    if (reason := other_data(a.runs[0], b.runs[0])) is not None:
        return replace(without, reason=reason)
    for each in (a, b):
        if not each.covers_seeds:
            return replace(without, reason=f"{each.name} has fewer than {SEEDS_FOR_SPREAD} seeds")
    p, by = tell_apart(a.accuracies, b.accuracies)
    if p is None:
        return replace(without, reason="their accuracies do not differ from seed to seed at all")
    middle, low, high = welch_difference(a.accuracies, b.accuracies)
    return replace(without, p=p, by=by, difference=middle, interval=(low, high))


def tell_apart(first: Sequence[float], second: Sequence[float]) -> tuple[float | None, str]:
    """Welch's test of two networks' seeds, which must stand a permutation test before it may find a difference.

    Welch's test takes accuracies for normal. Those of a network that fails with some seeds are not, and then, as with
    three seeds of one network and many of the other, it finds differences between a network and itself more often than
    it says. A permutation test is exact there, however the seeds spread. So where Welch's p is below `ALPHA`, the
    larger of both counts; but where no other dealing sets the means as far apart the same way round, the permutation
    test has no more to say (of 3 and 3 seeds its p cannot fall below 0.1), and Welch's stands. It does not where a
    training has learnt nothing: three of a network that fails with every other seed may all fail, all alike, and this
    lack of spread is what Welch's test would go by.

    Args:
        first: Three accuracies or more, one per seed.
        second: As many or not.

    Returns:
        The p value, None as `welch` has it, and which test it is of.
    """
    p = welch(first, second)
    if p is None or p >= ALPHA:
        return p, WELCH
    this_way, either_way, dealings = permutation(first, second)
    has_failed = min(*first, *second) < LEARNT_NOTHING
    if (this_way > 1 or has_failed) and either_way / dealings > p:
        return either_way / dealings, PERMUTATION
    return p, WELCH


def permutation(first: Sequence[float], second: Sequence[float]) -> tuple[int, int, int]:
    """The permutation test of two means: all ways to deal the seeds to two groups of the same sizes.

    If both groups are of one network, each dealing was equally likely, whatever the distribution of its accuracies.

    Args:
        first: Accuracies, one per seed.
        second: As many or not.

    Returns:
        How many dealings set the means at least as far apart the same way round, the one that was seen among them; how
        many do so either way round; and how many there are. Where these are more than 20,000, so many drawn by lot
        stand for them, always the same.
    """
    # What is drawn by lot is to be the same whichever group comes first, and in whatever order its seeds.
    if math.comb(len(first) + len(second), len(first)) > MOST_DEALINGS:
        first, second = sorted((sorted(first), sorted(second)), key=lambda each: (len(each), each))
    together = np.array([*first, *second])
    expected = together.sum() * len(first) / len(together)
    sums = together[_dealings(len(together), len(first))].sum(axis=1)
    # Equal sums differ by rounding; an image of MNIST's test set is 0.0001.
    nearly = 1e-9 * len(together)
    lead = float(np.sum(first) - expected)
    this_way = sums - expected >= lead - nearly if lead > nearly else sums - expected <= lead + nearly
    either_way = abs(sums - expected) >= abs(lead) - nearly
    return int(this_way.sum()), int(either_way.sum()), len(sums)


@lru_cache(maxsize=16)
def _dealings(seeds: int, dealt: int) -> NDArray[np.intp]:
    """Which seeds the first group gets, a dealing a row; the first row is that which was seen."""
    if math.comb(seeds, dealt) <= MOST_DEALINGS:
        return np.array(list(combinations(range(seeds), dealt)))
    lots = np.random.default_rng(1).random((MOST_DEALINGS, seeds)).argsort(axis=1)[:, :dealt]
    lots[0] = np.arange(dealt)
    return lots


def welch(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Welch's test (1947) of two means: how often chance alone would set them as far apart, two-sided.

    Args:
        first: Two accuracies or more, one per seed.
        second: As many or not, and with a spread of their own.

    Returns:
        The p value; None where neither spreads at all and the means differ, which this test cannot judge.
    """
    from scipy.special import stdtr  # late: a quarter of a second that only this needs

    if not np.ptp(first) and not np.ptp(second):
        return 1.0 if first[0] == second[0] else None
    lead, error, freedom = _welch(first, second)
    return min(1.0, 2 * float(stdtr(freedom, -abs(lead) / error)))


def welch_difference(
    first: Sequence[float], second: Sequence[float], level: float = 0.95
) -> tuple[float, float, float]:
    """The difference of two means, first less second, and the ends of its interval by Welch's test.

    Without any spread both ends are the difference itself.
    """
    from scipy.special import stdtrit  # late, as above

    if not np.ptp(first) and not np.ptp(second):
        return (lead := float(first[0] - second[0])), lead, lead
    lead, error, freedom = _welch(first, second)
    half = error * float(stdtrit(freedom, (1 + level) / 2))
    return lead, lead - half, lead + half


def _welch(first: Sequence[float], second: Sequence[float]) -> tuple[float, float, float]:
    """The difference of the means, its standard error and the degrees of freedom by Welch and Satterthwaite."""
    parts = [float(np.var(each, ddof=1)) / len(each) for each in (first, second)]
    total = sum(parts)
    freedom = total**2 / sum(part**2 / (len(each) - 1) for part, each in zip(parts, (first, second), strict=True))
    return float(np.mean(first) - np.mean(second)), total**0.5, freedom

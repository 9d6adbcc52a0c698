"""Runs put together by any of their settings: how many, their mean accuracy, how they spread, and what differs."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from mnist_lab.comparison import is_by_lot, seed_of
from mnist_lab.metrics import seeds_interval
from mnist_lab.run_fields import NETWORK, SAME_BUT_SEED, SettingsOf, Value
from mnist_lab.run_query import in_order
from mnist_lab.store import Run
from mnist_lab.study_results import SEEDS_FOR_SPREAD

Interval = tuple[float, float]
# What follows from the rest, and what decides nothing of a training.
_FOLLOWS = (SAME_BUT_SEED, "keep_checkpoints")


@dataclass(frozen=True, slots=True)
class RunGroup:
    """Runs that have the same values of some fields, and the same data and split.

    Runs on other data or another split are a group of their own even where the fields are equal: their accuracies
    answer other questions and are not averaged together.

    Attributes:
        values: Of the fields, in their order.
        dataset: Its data; None where no run of it has begun.
        split: Its split.
        runs: At least one.
        differ: The settings in which they differ; ``network`` where their networks do.
        is_same_but_seed: Whether they differ in their seed alone.
    """

    values: tuple[Value, ...]
    dataset: str | None
    split: str
    runs: tuple[Run, ...]
    differ: tuple[str, ...]
    is_same_but_seed: bool

    @property
    def measured(self) -> list[Run]:
        """The finished and evaluated runs; where the seed alone differs, of each seed the newest."""
        done = [run for run in self.runs if run.status == "finished" and run.test_accuracy is not None]
        if not self.is_same_but_seed:
            return done
        newest = {seed_of(run): run for run in sorted(done, key=lambda run: run.created)}
        return [newest[seed] for seed in sorted(newest)]

    @property
    def accuracies(self) -> list[float]:
        """The test accuracies of `measured`, 0 to 1."""
        return [run.test_accuracy for run in self.measured if run.test_accuracy is not None]

    @property
    def mean(self) -> float | None:
        """The mean test accuracy; None if there is none."""
        return statistics.fmean(self.accuracies) if self.accuracies else None

    @property
    def spread(self) -> float | None:
        """The standard deviation of the test accuracies, divisor n - 1; None for fewer than two."""
        return statistics.stdev(self.accuracies) if len(self.accuracies) > 1 else None

    @property
    def best(self) -> float | None:
        """The highest test accuracy."""
        return max(self.accuracies, default=None)

    @property
    def interval(self) -> Interval | None:
        """Where the accuracy of one more seed falls, 95 %; None for fewer than three seeds or where more differs."""
        if not self.is_same_but_seed or len(self.accuracies) < SEEDS_FOR_SPREAD:
            return None
        return seeds_interval(self.accuracies)

    @property
    def test_is_validation(self) -> bool:
        """Whether the test images also chose the epochs, so that the accuracies are flattered."""
        return self.split == "test-as-validation"


def grouped(runs: Iterable[Run], fields: Sequence[str], settings: SettingsOf) -> list[RunGroup]:
    """Puts runs together that have the same values of the fields, the same data and the same split.

    Args:
        runs: In the order in which the groups shall stand, each by its first run.
        fields: Flat names of figures or settings.
        settings: What flattens them.
    """
    found: dict[tuple[object, ...], list[Run]] = {}
    for run in runs:
        values = tuple(settings.value(run, name) for name in fields)
        fingerprint = None if is_by_lot(run) else run.fingerprint
        # To Python 0 is False and 1 is True; to who compares settings they are not.
        kinds = tuple(type(value) is bool for value in values)
        found.setdefault((values, kinds, run.dataset, run.split, fingerprint), []).append(run)
    return [_group(members, fields, settings) for members in found.values()]


def _group(runs: list[Run], fields: Sequence[str], settings: SettingsOf) -> RunGroup:
    first = settings(runs[0])
    differ: dict[str, None] = {}
    for run in runs[1:]:
        other = settings(run)
        if other[SAME_BUT_SEED] == first[SAME_BUT_SEED]:
            names: Iterable[str] = ("seed",)
        else:
            names = {**first, **other}
        for name in names:
            if name not in differ and name not in _FOLLOWS and repr(first.get(name)) != repr(other.get(name)):
                differ[name] = None
    if NETWORK in differ:
        # Its parts are many and follow from it.
        training = [name for name in differ if name == NETWORK or not _is_of_network(name)]
        differ = dict.fromkeys(training)
    values = tuple(settings.value(runs[0], name) for name in fields)
    alike = all(settings(run)[SAME_BUT_SEED] == first[SAME_BUT_SEED] for run in runs)
    return RunGroup(values, runs[0].dataset, runs[0].split, tuple(runs), tuple(sorted(differ)), alike)


def _is_of_network(name: str) -> bool:
    return name[0].isupper() or name in ("layers", "layer kinds")


# The figures of a group that it can be sorted by, by the names of their columns.
FIGURES: dict[str, Callable[[RunGroup], float | None]] = {
    "Mean test accuracy": lambda group: group.mean,
    "Standard deviation": lambda group: group.spread,
    "Best": lambda group: group.best,
    "Runs": lambda group: len(group.runs),
    "Measured": lambda group: len(group.accuracies),
}
BY_VALUES = "Group"


def in_group_order(groups: Sequence[RunGroup], column: str, *, descending: bool) -> list[RunGroup]:
    """Sorts groups by one of `FIGURES`, or by their values, the first field first; missing values are last."""
    if column in FIGURES:
        return in_order(groups, FIGURES[column], descending=descending)
    ordered = list(groups)
    for number in reversed(range(len(groups[0].values) if groups else 0)):
        ordered = in_order(ordered, lambda group, number=number: group.values[number], descending=descending)  # type: ignore[misc]
    return ordered

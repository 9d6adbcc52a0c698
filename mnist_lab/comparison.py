"""Trained runs against each other on the same images: two of them, or many with a correction.

A pair of runs is compared on the images that both were asked. This covers the noise of the images and not that of the
training: with another seed the same two networks may come out the other way round. What covers it is several seeds of
each, see `mnist_lab.seed_groups`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, Protocol, TypeVar

import numpy as np

from mnist_lab.errors import ArtefactMissing
from mnist_lab.paired import Paired, difference, holm, mcnemar
from mnist_lab.predictions import Predictions, read_predictions
from mnist_lab.run_settings import training_of
from mnist_lab.store import Run, RunStore

ALPHA = 0.05
ONE_TRAINING = "One training of each is compared: with another seed it may turn out otherwise."
ONLY_THE_SEED = "Both are the same network trained alike; only their seeds differ."
FLATTERED = "Their test images also served for validation, so both accuracies may be too good."
OTHER_IMAGES = "they were evaluated on other test images"
Interval = tuple[float, float]
Read = Callable[[Run], Predictions]


# Two runs -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DigitDifference:
    """Two runs on the images of one digit.

    Attributes:
        digit: The digit.
        paired: The counts, and McNemar's p, which nothing corrects for there being ten digits.
        difference: Of the recalls, first less second; NaN if there is no image of it.
        interval: Its 95 % interval. Of ten such, one that leaves out 0 is no rarity between networks equally good.
        corrected: p after Holm's correction for all digits that have images; 1 for one that has none.
    """

    digit: int
    paired: Paired
    difference: float
    interval: Interval
    corrected: float = 1.0

    @property
    def p(self) -> float | None:
        """McNemar's p, of this digit alone; None without images."""
        return self.paired.p if self.paired.images else None

    @property
    def stands_out(self) -> bool:
        """Whether the runs part over this digit by more than ten looks would find by chance."""
        return self.corrected < ALPHA and self.difference != 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs on the same test images.

    Attributes:
        a: One run.
        b: The other.
        names: What the sentence calls them.
        reason: Why they cannot be compared; "" if they can, and only then are there figures.
        paired: How many images both, one or none get right, and McNemar's exact p.
        difference: Of their accuracies, `a` less `b`.
        interval: Its 95 % interval, which knows that the images are the same.
        digits: The same for each digit.
        corrected: p after Holm's correction for all pairs compared with this one.
        tests: How many these are.
        only_seed: Whether they differ in their seed alone.
    """

    a: Run
    b: Run
    names: tuple[str, str]
    reason: str = ""
    paired: Paired | None = None
    difference: float | None = None
    interval: Interval | None = None
    digits: tuple[DigitDifference, ...] = ()
    corrected: float | None = None
    tests: int = 1
    only_seed: bool = False

    @property
    def p(self) -> float | None:
        """McNemar's p, of this pair alone."""
        return None if self.paired is None else self.paired.p

    @property
    def is_flattered(self) -> bool:
        """Whether the test images also served for validation."""
        return self.a.test_is_validation or self.b.test_is_validation

    @property
    def better(self) -> Run | None:
        """The better one, if the data say so."""
        if self.corrected is None or self.corrected >= ALPHA or not self.difference:
            return None
        return self.a if self.difference > 0 else self.b

    @property
    def covers(self) -> str:
        """What the comparison does not cover, in plain words."""
        return ONLY_THE_SEED if self.only_seed else ONE_TRAINING

    @property
    def sentence(self) -> str:
        """What came out, in plain words, and what it does not cover."""
        return " ".join([self.finding, *([self.covers, *([FLATTERED] * self.is_flattered)] if not self.reason else [])])

    @property
    def finding(self) -> str:
        """What came out, in plain words."""
        one, other = self.names
        if self.paired is None or self.difference is None or self.interval is None or self.corrected is None:
            return f"{one} and {other} are not compared: {self.reason}."
        alone_one, alone_other = self.paired.only_a, self.paired.only_b
        by, chance = points(self.difference, self.interval), words_of_p(self.corrected, self.tests)
        these = "this one image" if self.paired.images == 1 else f"these {self.paired.images:,} images"
        if not alone_one + alone_other:
            return f"The data do not tell {one} and {other} apart: both are right on the same of {these}."
        if self.better is None:
            return (
                f"The data do not tell {one} and {other} apart ({chance}): of {these} the former has "
                f"{alone_one:,} right that the latter has wrong, the latter has {alone_other:,}. "
                f"The accuracies differ by {by}."
            )
        if self.better is self.b:
            one, other, alone_one, alone_other = other, one, alone_other, alone_one
            by = points(-self.difference, (-self.interval[1], -self.interval[0]))
        return (
            f"{one} is better than {other} on {these}, {chance}: the former has {alone_one:,} right that "
            f"the latter has wrong, the latter has {alone_other:,}. The accuracy is higher by {by}."
        )

    def to_json(self) -> dict[str, Any]:
        """The pair as the command line prints it; the keys are part of the outside contract."""
        counts = {
            name: None if self.paired is None else getattr(self.paired, name)
            for name in ("both", "only_a", "only_b", "neither")
        }
        return {
            "a": self.a.id,
            "b": self.b.id,
            "comparable": not self.reason,
            "reason": self.reason or None,
            "n": None if self.paired is None else self.paired.images,
            **counts,
            "p": self.p,
            "p_corrected": self.corrected,
            "difference": self.difference,
            "difference_interval": None if self.interval is None else list(self.interval),
            "better": None if self.better is None else self.better.id,
            "test_is_validation": self.is_flattered,
            "only_seed_differs": self.only_seed,
            "digits": [
                {
                    "digit": each.digit,
                    "n": each.paired.images,
                    "only_a": each.paired.only_a,
                    "only_b": each.paired.only_b,
                    "difference": _known(each.difference),
                    "difference_interval": None if math.isnan(each.difference) else list(each.interval),
                }
                for each in self.digits
            ],
            "sentence": self.sentence,
        }


def compare_runs(store: RunStore, a: Run, b: Run) -> Comparison:
    """Compares two runs on the test images that both were asked, or says why it cannot be done."""
    return compare_all(store, [a, b])[0]


def compare_all(store: RunStore, runs: Sequence[Run], read: Read | None = None) -> list[Comparison]:
    """Compares every pair of some runs; Holm's correction is for all pairs that could be compared.

    Args:
        store: Where their predictions are.
        runs: Each once.
        read: Gives the predictions of a run, if not by reading them from the store.

    Returns:
        The pairs in the order of the runs: first with second, first with third, and so on.
    """
    known: dict[str, Predictions | str] = {}
    for run in runs:
        try:
            known[run.id] = read_predictions(store, run) if read is None else read(run)
        except ArtefactMissing as error:
            known[run.id] = f"{error.message.rstrip('.')} (evaluate it: python -m mnist_lab evaluate {run.id[:8]})"
    names = names_of(runs)
    pairs = [_pair(a, b, (names[a.id], names[b.id]), known) for a, b in combinations(runs, 2)]
    return with_holm(pairs)


def _pair(a: Run, b: Run, names: tuple[str, str], known: dict[str, Predictions | str]) -> Comparison:
    without = Comparison(a, b, names, only_seed=but_seed(a) == but_seed(b))
    first, second = known[a.id], known[b.id]
    if (reason := other_data(a, b)) is not None:
        return replace(without, reason=reason)
    for each in (first, second):
        if isinstance(each, str):
            return replace(without, reason=each)
    assert isinstance(first, Predictions) and isinstance(second, Predictions)
    if (reason := other_images(a, b, first, second)) is not None:
        return replace(without, reason=reason)
    labels, said_a, said_b = first.labels, first.digits, second.digits
    digits = []
    for digit in range(10):
        where = labels == digit
        counts = mcnemar(labels[where], said_a[where], said_b[where])
        middle, low, high = difference(counts)
        digits.append(DigitDifference(digit, counts, middle, (low, high)))
    digits = with_holm(digits, count=False)
    paired = mcnemar(labels, said_a, said_b)
    middle, low, high = difference(paired)
    return replace(without, paired=paired, difference=middle, interval=(low, high), digits=tuple(digits))


def other_data(a: Run, b: Run) -> str | None:
    """Why runs cannot be compared by what their records tell of the data; None if they can be, as far as that goes."""
    if a.dataset and b.dataset and a.dataset != b.dataset:
        return f"they were evaluated on other data, {a.dataset} and {b.dataset}"
    if a.split != b.split:
        return f"they have other splits of the images, {a.split} and {b.split}"
    if is_by_lot(a):
        return None
    return OTHER_IMAGES if a.fingerprint and b.fingerprint and a.fingerprint != b.fingerprint else None


def other_images(a: Run, b: Run, first: Predictions, second: Predictions) -> str | None:
    """Why runs cannot be compared by the images that they were asked; None if these are the same."""
    are_same = np.array_equal(first.indices, second.indices) and np.array_equal(first.labels, second.labels)
    if are_same and a.fingerprint == b.fingerprint:
        return None
    return OTHER_IMAGES + ", drawn by lot for each seed" * is_by_lot(a)


def why_not(a: Run, first: Predictions, b: Run, second: Predictions) -> str | None:
    """Why what two runs said cannot be held against each other; None if it can.

    Args:
        a: One run.
        first: What it said.
        b: The other.
        second: What that said.
    """
    return other_data(a, b) or other_images(a, b, first, second)


def is_by_lot(run: Run) -> bool:
    """Whether its test images are drawn by lot, by its seed, so that another seed has others."""
    return run.split.startswith("pooled")


# What pairs and groups share ------------------------------------------------------------------------------------------


class _Test(Protocol):
    """A test with a p value of its own; None where it could not be done."""

    @property
    def p(self) -> float | None: ...


T = TypeVar("T", bound=_Test)


def with_holm(tests: Sequence[T], *, count: bool = True) -> list[T]:
    """Corrects the p values of those tests that could be done, for all of these together.

    Args:
        tests: Dataclasses with a field ``corrected``.
        count: Whether they also have a field ``tests`` for how many were corrected together.
    """
    done = [each.p for each in tests if each.p is not None]
    corrected = iter(holm(done))
    more = {"tests": len(done)} if count else {}
    return [
        each if each.p is None else replace(each, corrected=next(corrected), **more)  # type: ignore[type-var]
        for each in tests
    ]


def seed_of(run: Run) -> int:
    """The seed of a run's training."""
    return int(run.training.get("seed", 0))


def but_seed(run: Run) -> tuple[Any, ...]:
    """Everything that decides what a run is, but its seed; equal for runs that differ in their seed alone."""
    training = {key: value for key, value in training_of(run).items() if key not in ("seed", "keep_checkpoints")}
    # What was asked for, perhaps "auto", matters less than what it came to.
    asked = training.pop("dataset", None)
    # A fingerprint is of the test images.
    return run.architecture, training, run.dataset or asked, run.split, None if is_by_lot(run) else run.fingerprint


def names_of(runs: Sequence[Run]) -> dict[str, str]:
    """What sentences call some runs, by id: their names, with the beginning of the id where two have the same."""
    often = Counter(run.name for run in runs)
    return {
        run.id: run.id[:8] if not run.name else run.name if often[run.name] == 1 else f"{run.name} ({run.id[:8]})"
        for run in runs
    }


def words_of_p(p: float, tests: int = 1) -> str:
    """A p value, and for how many tests it was corrected: ``"p = 0.031 after Holm's correction for 3 pairs"``."""
    value = "p < 0.001" if p < 0.001 else f"p = {p:.2g}"
    return value + f" after Holm's correction for {tests} pairs" * (tests > 1)


def points(by: float, interval: Interval) -> str:
    """A difference of accuracies: ``"0.12 points (95 % interval 0.01 to 0.23)"``."""
    value, low, high = (f"{100 * each + 0.0:.2f}".replace("-0.00", "0.00") for each in (by, *interval))
    return f"{value} points (95 % interval {low} to {high})".replace("-", "−")


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value

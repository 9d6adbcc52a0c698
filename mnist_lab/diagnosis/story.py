"""`Story`: the four curves of a training, with holes, and what else is known of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral, Real
from statistics import fmean
from typing import Any

INFINITE = 1e12  # a loss beyond this is as good as infinite


@dataclass(frozen=True, slots=True)
class Curve:
    """The known values of one figure, with their epochs; a hole is passed over."""

    epochs: tuple[int, ...]
    values: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.values)

    @property
    def end(self) -> float:
        """Mean of the last three."""
        return fmean(self.values[-3:])

    @property
    def lowest(self) -> int:
        """Place of the lowest value, the first of equals."""
        return self.values.index(min(self.values))

    @property
    def highest(self) -> int:
        """Place of the highest value, the first of equals."""
        return self.values.index(max(self.values))

    def smooth(self) -> list[float]:
        """Each value averaged with its neighbours, one on each side; two where there are 20 or more."""
        reach = 1 if len(self) < 20 else 2
        return [fmean(self.values[max(0, at - reach) : at + reach + 1]) for at in range(len(self))]

    def wobble(self, last: int | None = None) -> float:
        """How far an epoch lies from the mean of its two neighbours, on average over the last so many; over all but the
        first, which lies far above the others, where no number is given.

        Of noise that is independent from epoch to epoch it is about the standard deviation.
        """
        values = self.values[1:] if last is None else self.values[-last:]
        triples = zip(values, values[1:], values[2:], strict=False)
        away = [abs(here - (before + after) / 2) for before, here, after in triples]
        return fmean(away) if away else 0.0

    def falls(self) -> float:
        """Share of the steps from one epoch to the next that go down."""
        steps = [after < before for before, after in zip(self.values, self.values[1:], strict=False)]
        return fmean(steps) if steps else 0.0

    def at(self, epoch: int) -> float | None:
        """The value in an epoch, or in the last known one before it."""
        return next(
            (value for at, value in zip(self.epochs[::-1], self.values[::-1], strict=True) if at <= epoch), None
        )


@dataclass(frozen=True)
class Story:
    """A history, read. The attributes are the arguments of `mnist_lab.diagnosis.diagnose`."""

    history: tuple[Mapping[str, Any], ...]
    n_validation: int | None = None
    classes: int = 10
    stopped_early: bool = False
    validation_is_test: bool = False
    diverged: bool = False

    @cached_property
    def loss(self) -> Curve:
        """Over the training images."""
        return self._curve("loss", INFINITE)

    @cached_property
    def accuracy(self) -> Curve:
        """Over the training images."""
        return self._curve("accuracy", 1.0)

    @cached_property
    def val_loss(self) -> Curve:
        """Over the validation images."""
        return self._curve("val_loss", INFINITE)

    @cached_property
    def val_accuracy(self) -> Curve:
        """Over the validation images."""
        return self._curve("val_accuracy", 1.0)

    @property
    def chance(self) -> float:
        """Accuracy up to which a network may be guessing: half as much again as blind guesses get right."""
        return 1.5 / self.classes

    @property
    def guessing(self) -> float:
        """The loss of a network that gives every class the same probability: ln(classes)."""
        return math.log(self.classes)

    @cached_property
    def epochs(self) -> tuple[int, ...]:
        """The number of each epoch; its place, from 1, where the history does not say."""
        return tuple(_whole(entry.get("epoch"), place) for place, entry in enumerate(self.history, 1))

    def _curve(self, name: str, most: float) -> Curve:
        values = [number(entry.get(name)) for entry in self.history]
        known = [(at, each) for at, each in zip(self.epochs, values, strict=True) if each is not None]
        sane = [(at, each) for at, each in known if 0 <= each <= most]
        return Curve(tuple(at for at, _ in sane), tuple(each for _, each in sane))


def number(value: Any) -> float | None:
    """A number, NaN and infinity among them; None for what is none."""
    if not isinstance(value, Real) or isinstance(value, bool):
        return None
    try:
        return float(value)
    except OverflowError:  # a whole number beyond all floats
        return math.inf


def _whole(value: Any, otherwise: int) -> int:
    if isinstance(value, Integral) and not isinstance(value, bool):
        return int(value)
    as_float = number(value)
    return int(as_float) if as_float is not None and as_float.is_integer() else otherwise


def read(history: Sequence[Mapping[str, Any]], **facts: Any) -> Story:
    """The story of a history.

    Raises:
        ValueError: If there are fewer than two classes.
    """
    story = Story(tuple(history), **facts)
    if story.classes < 2:
        raise ValueError(f"There must be two classes at least. Received: classes={story.classes}.")
    return story

"""Which runs a table lists and in which order: search, filters, sorting. Missing values are last, zero and false are
values."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from mnist_lab.run_fields import FIGURES, SAME_BUT_SEED, Scalar, SettingsOf, Value, label, words
from mnist_lab.store import Run

T = TypeVar("T")
# More values than this are a range, not a list to choose from.
MOST_CHOICES = 50
LEAST_OF_ID = 4


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition on one figure or setting. One that asks for nothing keeps every run.

    Attributes:
        field: Its flat name.
        values: The value is one of these; None among them is a value that is not set.
        low: The value is a number of at least this.
        high: The value is a number of at most this.
        is_not: The other runs are kept.
    """

    field: str
    values: tuple[Scalar, ...] = ()
    low: float | None = None
    high: float | None = None
    is_not: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether it asks for nothing."""
        return not self.values and self.low is None and self.high is None

    def keeps(self, value: Value) -> bool:
        """Whether a run with this value is kept; of several values one is enough."""
        if self.is_empty:
            return True
        several = value if isinstance(value, tuple) else (value,)
        return any(self._holds(each) for each in several or (None,)) != self.is_not

    def _holds(self, value: Scalar) -> bool:
        if self.values and _typed(value) not in {_typed(each) for each in self.values}:
            return False
        if self.low is None and self.high is None:
            return True
        if isinstance(value, (bool, str)) or value is None:
            return False
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    @property
    def sentence(self) -> str:
        """The condition in words: ``"optimizer.name: Adam, SGD"``."""
        name = label(self.field) + (" is not" if self.is_not else ":")
        share = self.field in FIGURES and FIGURES[self.field].kind == "share"
        ends = [
            f"{what} {100 * end:g} %" if share else f"{what} {end:,.10g}"
            for what, end in (("at least", self.low), ("at most", self.high))
            if end is not None
        ]
        listed = [", ".join("not set" if each is None else words(each) for each in self.values)] * bool(self.values)
        return f"{name} {' and '.join(listed + ends)}"


@dataclass(frozen=True, slots=True)
class RunQuery:
    """What a table shows: which runs, in which order, together by what, with which columns.

    Attributes:
        search: Words all of which a run has in its name, notes, tags, preset or status, or with which its id begins.
        filters: Conditions, all of which hold; one a field.
        group: The fields whose equal values make a group; none: every run has a row.
        sort: The field to sort by.
        descending: Whether the largest comes first.
        columns: Fields in their order; empty for the usual ones.
        group_sort: The column to sort groups by.
        group_descending: Whether the largest comes first there.
        editing: Whether names, stars, tags and notes are changed in the table.
    """

    search: str = ""
    filters: tuple[Filter, ...] = ()
    group: tuple[str, ...] = ()
    sort: str = "created"
    descending: bool = True
    columns: tuple[str, ...] = ()
    group_sort: str = "Mean test accuracy"
    group_descending: bool = True
    editing: bool = False

    @property
    def is_narrow(self) -> bool:
        """Whether it may leave out runs."""
        return bool(self.search.split()) or any(not each.is_empty for each in self.filters)

    def uses(self, names: Container[str]) -> bool:
        """Whether any of these fields decides what it shows."""
        asked = (self.sort, *self.columns, *(each.field for each in self.filters if not each.is_empty))
        return any(name in names for name in asked)

    @property
    def is_usual(self) -> bool:
        """Whether it lists all runs, the newest first, each in a row of its own."""
        return not self.is_narrow and not self.group and (self.sort, self.descending) == ("created", True)

    def decides_by(self, names: Container[str]) -> bool:
        """Whether any of these fields decides which runs are listed, or in which order."""
        asked = (self.sort, *(each.field for each in self.filters if not each.is_empty))
        return any(name in names for name in asked)

    def listed(self, runs: Sequence[Run], value: Callable[[Run, str], Value]) -> list[Run]:
        """The runs that it lists, in its order.

        Args:
            runs: All there are; equals stay in their order.
            value: A figure or setting of a run by its flat name.
        """
        kept = [run for run in runs if matches(run, self.search)] if self.search.split() else list(runs)
        for each in self.filters:
            if not each.is_empty:
                kept = [run for run in kept if each.keeps(value(run, each.field))]
        return in_order(kept, lambda run: value(run, self.sort), descending=self.descending)


def matches(run: Run, search: str) -> bool:
    """Whether a run has all words of a search in its name, notes, tags, preset or status, whatever their case.

    A word of four letters or more may be the beginning of its id too; shorter ones would be in every other id.
    """
    text = "\n".join((run.name, run.notes or "", *(run.tags or ()), run.preset or "", run.status)).casefold()
    return all(
        word in text or (len(word) >= LEAST_OF_ID and run.id.startswith(word)) for word in search.casefold().split()
    )


def in_order(items: Iterable[T], value: Callable[[T], Value], *, descending: bool = False) -> list[T]:
    """Sorts, with missing values last in either direction; equals keep their order.

    Numbers come before texts, texts are compared without regard to case, several values one after the other.
    """
    known: list[tuple[Value, T]] = []
    missing: list[tuple[Value, T]] = []
    for item in items:
        found = value(item)
        (missing if is_missing(found) else known).append((found, item))
    known.sort(key=lambda pair: _place(pair[0]), reverse=descending)
    return [item for _, item in known] + [item for _, item in missing]


def is_missing(value: Value) -> bool:
    """Whether there is no value; zero and false are values."""
    return value is None or value == "" or value == () or (isinstance(value, float) and math.isnan(value))


def _place(value: Value) -> Any:
    if isinstance(value, tuple):
        return (3, tuple(_place(each) for each in value))
    if isinstance(value, str):
        return (2, value.casefold())
    return (0, 0) if value is None else (1, value)


def _typed(value: Scalar) -> tuple[bool, Any]:
    # To Python 0 is False and 1 is True; to who asks for settings they are not.
    return isinstance(value, bool), None if is_missing(value) else value


def fields_of(runs: Iterable[Run], settings: SettingsOf) -> list[str]:
    """All that can be asked of these runs: the figures, then the settings that any of them has."""
    names: dict[str, None] = {}
    seen: set[int] = set()
    for run in runs:
        found = settings(run)
        # Runs with the same network and the same kind of training have the same names.
        names.update(dict.fromkeys(found)) if (key := hash(tuple(found))) not in seen else None
        seen.add(key)
    hidden = {SAME_BUT_SEED}
    own = [name for name in names if name not in hidden]
    return [*FIGURES, *sorted(own, key=lambda name: (name[0].isupper(), name))]


def is_range(name: str, values: Iterable[Value]) -> bool:
    """Whether a filter asks from where to where, rather than which values.

    Args:
        name: The field.
        values: Those that there are.
    """
    if name in FIGURES and not FIGURES[name].setting:
        return True
    distinct = {_typed(each) for value in values for each in (value if isinstance(value, tuple) else (value,))}
    numbers = [each for flag, each in distinct if not flag and isinstance(each, (int, float))]
    return len(distinct) > MOST_CHOICES and len(numbers) >= len(distinct) - 1


def can_be_filtered(name: str) -> bool:
    """Whether a filter can be made of a field: the others are what the search looks at, or dates."""
    return name not in ("name", "notes", "id", "created", "interval")


def can_be_grouped(name: str) -> bool:
    """Whether runs can be put together by a field: settings, not results."""
    return name not in FIGURES or FIGURES[name].setting


def choices(values: Iterable[Value]) -> list[tuple[Scalar, int]]:
    """The values to choose from, in order and with how many runs have each; None, if there is one, is last."""
    counts: Counter[tuple[bool, Any]] = Counter()
    for value in values:
        several = value if isinstance(value, tuple) else (value,)
        counts.update({_typed(each) for each in several or (None,)})
    ordered = in_order(counts.items(), lambda item: item[0][1])
    return [(bool(each) if flag and each is not None else each, count) for (flag, each), count in ordered]


def looks_sentence(runs: Iterable[Run]) -> str:
    """How often the test images of some runs were looked at, and what picking the best of them does; "" if never."""
    by_data: dict[str | None, tuple[int, int]] = {}
    for run in runs:
        if run.test_looks:
            looks, many = by_data.get(run.dataset, (0, 0))
            by_data[run.dataset] = looks + run.test_looks, many + 1
    return looks_words(by_data)


def looks_words(by_data: Mapping[str | None, tuple[int, int]]) -> str:
    """The same, of how often test images were looked at, and by how many runs, by the data set."""
    if not by_data:
        return ""
    parts = [
        f"{looks:,} time{'s' * (looks != 1)} by {many:,} run{'s' * (many != 1)}"
        + f" ({name or 'unknown data'})" * (len(by_data) > 1)
        for name, (looks, many) in by_data.items()
    ]
    said = f"The test images were looked at {', '.join(parts)} of this list."
    if max(many for _, many in by_data.values()) < 2:
        return said
    return f"{said} The best of many on the same images owes part of its lead to luck."

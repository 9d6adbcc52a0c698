"""What a sweep varies: one field of a layer or of the training over a range or a list, or how often a block stands.

A field is named by its way from the whole: ``"layers.0.filters"``, ``"layers.3.branches.1.0.units"``,
``"training.batch_size"``, ``"training.optimizer.learning_rate"``, ``"training.optimizer"`` (by its name).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from mnist_lab.errors import SweepError

Scalar = str | int | float | bool | None
Value = Scalar | tuple[int, int]
C = TypeVar("C", bound="type[Dimension]")

DIMENSIONS: dict[str, type[Dimension]] = {}


def dimension(cls: C) -> C:
    """Class decorator: registers a kind of dimension under its word."""
    DIMENSIONS[cls.word] = cls
    return cls


@dataclass(frozen=True, slots=True)
class Dimension:
    """Base of all dimensions.

    Attributes:
        field: Which field it varies; of `Repeat` the block.
    """

    word: ClassVar[str] = ""
    field: str

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; `dimension_from_dict` makes an equal dimension of them."""
        return {"kind": self.word, **{name: _plain(getattr(self, name)) for name in _types(type(self))}}

    @property
    def count(self) -> float:
        """How many values it has; infinite for a range of real numbers."""
        raise NotImplementedError


@dimension
@dataclass(frozen=True, slots=True)
class IntegerRange(Dimension):
    """Whole numbers from `low` to `high`, both included.

    Raises:
        SweepError: If the range is empty, or its step does not lead from end to end.
    """

    word: ClassVar[str] = "integer range"
    low: int
    high: int
    step: int = 1
    log: bool = False

    def __post_init__(self) -> None:
        _check_range(self)
        if self.step < 1 or (self.high - self.low) % self.step:
            raise SweepError(
                f"{self.field}: a step of {self.step} does not lead from {self.low} to {self.high}.",
                "Choose a step that divides the range.",
            )
        if self.log and self.step != 1:
            raise SweepError(f"{self.field}: a logarithmic range has no step.", "Leave the step at 1.")

    @property
    def count(self) -> float:
        """How many values it has."""
        return (self.high - self.low) // self.step + 1


@dimension
@dataclass(frozen=True, slots=True)
class NumberRange(Dimension):
    """Real numbers from `low` to `high`; a grid takes `points` of them.

    Raises:
        SweepError: If the range is empty.
    """

    word: ClassVar[str] = "number range"
    low: float
    high: float
    log: bool = False
    points: int = 5

    def __post_init__(self) -> None:
        _check_range(self)
        if not 2 <= self.points <= 1000:
            raise SweepError(f"{self.field}: a grid takes 2 to 1,000 points. Received: points={self.points}.")

    @property
    def count(self) -> float:
        """How many values it has."""
        return math.inf


@dimension
@dataclass(frozen=True, slots=True)
class OneOf(Dimension):
    """One of a list of values.

    Raises:
        SweepError: If there are fewer than two, or one stands there twice.
    """

    word: ClassVar[str] = "one of"
    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", tuple(_value(each) for each in self.values))
        seen = [(type(each), each) for each in self.values]
        if len(seen) < 2 or len(set(seen)) < len(seen):
            raise SweepError(f"{self.field}: a list has two values at least, and none twice.", "Change the list.")

    @property
    def count(self) -> float:
        """How many values it has."""
        return len(self.values)


@dimension
@dataclass(frozen=True, slots=True)
class Repeat(Dimension):
    """How often a block of layers stands one after the other.

    Attributes:
        field: The first layer of the block, as ``"layers.2"``.
        layers: How many layers the block has, from that one on, side by side.
        low: How often at least, 1 or more.
        high: How often at most.

    Raises:
        SweepError: If the range is empty or too large.
    """

    word: ClassVar[str] = "repeat"
    layers: int
    low: int
    high: int

    def __post_init__(self) -> None:
        _check_range(self)
        if self.layers < 1 or self.low < 1 or self.high > 50:
            raise SweepError(f"{self.field}: a block of at least one layer is repeated 1 to 50 times.")

    @property
    def count(self) -> float:
        """How many values it has."""
        return self.high - self.low + 1

    @property
    def name(self) -> str:
        """Its name among the values of a trial."""
        return f"repeat {self.field}"


def name_of(each: Dimension) -> str:
    """The name of a dimension among the values of a trial, of its own within a sweep."""
    return each.name if isinstance(each, Repeat) else each.field


def dimension_from_dict(values: Any) -> Dimension:
    """Reads what `Dimension.to_dict` wrote.

    Raises:
        SweepError: If it is none, a key is unknown or lacks, or a value is of another type.
    """
    if not isinstance(values, Mapping) or values.get("kind") not in DIMENSIONS:
        known = ", ".join(DIMENSIONS)
        raise SweepError(f"A searched field has a kind. Received: {values!r:.100}.", f"Kinds: {known}.")
    cls: Any = DIMENSIONS[values["kind"]]
    types = _types(cls)
    own = {name: value for name, value in values.items() if name != "kind"}
    for name, value in own.items():
        if name not in types or not _fits(types[name], value):
            raise SweepError(
                f"Searched field {own.get('field')!r:.60}: {name}={value!r:.60} cannot be used.",
                f"A {cls.word} has: {', '.join(types)}.",
            )
    try:
        made: Dimension = cls(**own)
        return made
    except TypeError as error:
        raise SweepError(
            f"Searched field {own.get('field')!r:.60} is not complete.",
            f"A {cls.word} has: {', '.join(types)}.",
        ) from error


def _types(cls: Any) -> dict[str, str]:
    """The fields of a kind of dimension, and their types as they are written."""
    return {each.name: str(each.type) for each in dataclasses.fields(cls)}


def _fits(type_: str, value: Any) -> bool:
    if type_ == "bool":
        return isinstance(value, bool)
    if type_ == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    if type_ == "float":
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return isinstance(value, str) if type_ == "str" else isinstance(value, list | tuple)


def _check_range(each: Any) -> None:
    if not each.low < each.high:
        raise SweepError(
            f"{each.field}: a range goes from a smaller value to a larger one. Received: {each.low} to {each.high}.",
            "Change its ends, or search this field no more.",
        )
    if getattr(each, "log", False) and each.low <= 0:
        raise SweepError(f"{each.field}: a logarithmic range begins above 0. Received: low={each.low}.")


def _value(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    return [_plain(each) for each in value] if isinstance(value, tuple) else value

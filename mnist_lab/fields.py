"""One declaration per setting: its default, its range, its words; checked, serialised and drawn from it.

A dataclass field made by `integer`, `number`, `choice` ... carries a `Spec` in its metadata. The constructor
check (`check`), the dictionary form (`to_dict`, `from_dict`) and the widgets of the pages all read that one `Spec`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from mnist_lab.errors import LabError

Kind = Literal["integer", "number", "choice", "pair", "boolean", "text"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Spec:
    """What a setting may be.

    Attributes:
        kind: ``"integer"``, ``"number"``, ``"choice"``, ``"pair"`` (of integers, as a kernel size), ``"boolean"``
            or ``"text"``.
        label: Words beside the widget.
        help: One sentence for the one who does not know the term.
        low: Smallest value that is allowed, inclusive.
        high: Largest value that is allowed, inclusive.
        choices: The values of a ``"choice"``.
        optional: Whether None is allowed (it means "as another field says" or "off").
        step: Step of the widget; None for a sensible one.
        exclusive_high: Whether `high` itself is forbidden.
        empty: What stands in the widget where there is no value.
    """

    kind: Kind
    label: str
    help: str = ""
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()
    optional: bool = False
    step: float | None = None
    exclusive_high: bool = False
    empty: str = "all"


def _field(spec: Spec, default: Any) -> Any:
    return dataclasses.field(default=default, metadata={"spec": spec})


def integer(default: int | None, label: str, low: int = 0, high: int = 2**31 - 1, help: str = "", **more: Any) -> Any:
    """A whole number in ``[low, high]``."""
    return _field(Spec("integer", label, help, low, high, **more), default)


def number(default: float | None, label: str, low: float = -math.inf, high: float = math.inf, help: str = "",
           **more: Any) -> Any:  # fmt: skip
    """A finite real number in ``[low, high]``."""
    return _field(Spec("number", label, help, low, high, **more), default)


def choice(default: str | None, label: str, choices: tuple[str, ...], help: str = "", **more: Any) -> Any:
    """One of several words."""
    return _field(Spec("choice", label, help, choices=choices, **more), default)


def pair(default: tuple[int, int] | None, label: str, low: int = 1, high: int = 1024, help: str = "",
         **more: Any) -> Any:  # fmt: skip
    """Two whole numbers, height and width; a single number stands for both."""
    return _field(Spec("pair", label, help, low, high, **more), default)


def boolean(default: bool, label: str, help: str = "") -> Any:
    """Yes or no."""
    return _field(Spec("boolean", label, help), default)


def text(default: str, label: str, help: str = "", high: int = 200) -> Any:
    """A piece of text of at most `high` characters."""
    return _field(Spec("text", label, help, high=high), default)


def specs(cls: type) -> dict[str, Spec]:
    """The declared settings of a dataclass, by name and in their order."""
    return {f.name: f.metadata["spec"] for f in dataclasses.fields(cls) if "spec" in f.metadata}


def check(instance: Any, error: type[LabError]) -> None:
    """Checks and normalises every declared field of a frozen dataclass; to be called in ``__post_init__``.

    Args:
        instance: The dataclass instance; integers given as 3.0 and pairs given as lists are put right in place.
        error: The exception class to raise.

    Raises:
        LabError: Of the class `error`, naming the class, the field, what was expected and what was received.
    """
    for name, spec in specs(type(instance)).items():
        value = getattr(instance, name)
        normal = _normal(spec, value)
        if normal is _BAD:
            raise error(
                f"{type(instance).__name__}: {name} must be {describe(spec)}. Received: {name}={value!r:.100}.",
                f"Set {name} to a value in that range." if spec.kind in ("integer", "number", "pair") else "",
            )
        if normal is not value:
            object.__setattr__(instance, name, normal)


_BAD = object()


def _normal(spec: Spec, value: Any) -> Any:
    if value is None:
        return None if spec.optional else _BAD
    if spec.kind == "boolean":
        return value if isinstance(value, bool) else _BAD
    if spec.kind == "choice":
        return value if isinstance(value, str) and value in spec.choices else _BAD
    if spec.kind == "text":
        return value if isinstance(value, str) and len(value) <= spec.high else _BAD
    if spec.kind == "pair":
        items = (value, value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value
        if not isinstance(items, (tuple, list)) or len(items) != 2:
            return _BAD
        whole = tuple(_whole(item) for item in items)
        if any(item is None or not spec.low <= item <= spec.high for item in whole):
            return _BAD
        return whole if whole != value or not isinstance(value, tuple) else value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return _BAD
    if spec.kind == "integer":
        whole_value = _whole(value)
        return whole_value if whole_value is not None and spec.low <= whole_value <= spec.high else _BAD
    try:
        real = float(value)
    except OverflowError:  # JSON's numbers may have thousands of digits
        return _BAD
    inside = spec.low <= real <= spec.high and not (spec.exclusive_high and real == spec.high)
    return real if math.isfinite(real) and inside else _BAD


def _whole(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if isinstance(value, int):
        return value
    return int(value) if math.isfinite(value) and value == int(value) else None


def describe(spec: Spec) -> str:
    """What a setting may be, in words: "a whole number from 1 to 1024"."""
    if spec.kind == "choice":
        words = "one of " + ", ".join(spec.choices)
    elif spec.kind == "boolean":
        words = "true or false"
    elif spec.kind == "text":
        words = f"a text of at most {int(spec.high)} characters"
    else:
        words = {"integer": "a whole number", "number": "a number", "pair": "one or two whole numbers"}[spec.kind]
        if math.isfinite(spec.low) and math.isfinite(spec.high):
            words += f" from {spec.low:g} to {'below ' if spec.exclusive_high else ''}{spec.high:g}"
        elif math.isfinite(spec.low):
            words += f" of at least {spec.low:g}"
    return words + (" or null" if spec.optional else "")


def to_dict(instance: Any) -> dict[str, Any]:
    """The declared fields as plain JSON values; pairs become lists."""
    values = {name: getattr(instance, name) for name in specs(type(instance))}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def from_dict(cls: type[T], values: Mapping[str, Any], error: type[LabError], what: str = "") -> T:
    """Makes an instance from plain JSON values.

    Raises:
        LabError: Of the class `error`, if a field is unknown or its value is out of range.
    """
    known = specs(cls)
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise error(
            f"{what or cls.__name__}: unknown field {', '.join(map(repr, unknown))}.",
            f"Known fields: {', '.join(known) or 'none'}.",
        )
    return cls(**values)

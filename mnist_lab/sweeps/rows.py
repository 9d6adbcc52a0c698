"""A searched field as a row to edit: its kind, its ends, its list; what is typed always makes a dimension."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from mnist_lab.errors import SweepError
from mnist_lab.fields import Spec
from mnist_lab.formatting import setting
from mnist_lab.sweeps.dimensions import Dimension, IntegerRange, NumberRange, OneOf, Repeat

RANGE, LOG, LIST, TIMES = "Range", "Log range", "List", "Times"
# How many values a list has that is made of a range.
_LISTED = 4


def kinds_of(spec: Spec) -> tuple[str, ...]:
    """The kinds of search that a field may have."""
    if spec.kind in ("integer", "number"):
        return (RANGE, LOG, LIST) if spec.high > 0 else (RANGE, LIST)
    return (RANGE, LIST) if spec.kind == "pair" else (LIST,)


def kind_of(each: Dimension) -> str:
    """The kind of a search."""
    if isinstance(each, IntegerRange | NumberRange):
        return LOG if each.log else RANGE
    return TIMES if isinstance(each, Repeat) else LIST


def as_kind(each: Dimension, kind: str, spec: Spec) -> Dimension:
    """The same field searched in another way, over much the same values.

    Raises:
        SweepError: If it cannot be.
    """
    if kind == kind_of(each) or isinstance(each, Repeat):
        return each
    if kind == LIST:
        assert isinstance(each, IntegerRange | NumberRange)
        return OneOf(each.field, tuple((value, value) if spec.kind == "pair" else value for value in spread(each)))
    low, high = _ends(each)
    if kind == LOG and low <= 0:
        low = max(spec.low, high / 100)
    return _range(each.field, low, high, kind == LOG, spec, points=each.points if isinstance(each, NumberRange) else 5)


def with_low(each: Dimension, low: float, spec: Spec | None = None) -> Dimension:
    """Another lower end; an upper end that is below it is pushed upwards."""
    return _moved(each, low, None, spec)


def with_high(each: Dimension, high: float, spec: Spec | None = None) -> Dimension:
    """Another upper end; a lower end that is above it is pushed downwards."""
    return _moved(each, None, high, spec)


def parse_list(text: str, spec: Spec) -> tuple[Any, ...]:
    """The values of a list as they are typed: ``"16, 32, 64"``, ``"3, 5, 3 x 5"``, ``"none"`` where that is a value.

    Raises:
        SweepError: If one cannot be read.
    """
    found: list[Any] = []
    for part in (part.strip() for part in re.split(r"[,;]", text)):
        if part:
            found.append(_parsed(part, spec))
    return tuple(dict.fromkeys(found))


def list_text(values: Sequence[Any], spec: Spec) -> str:
    """A list as it is typed."""
    return ", ".join(_typed(value, spec) for value in values)


def spread(each: IntegerRange | NumberRange, many: int = _LISTED) -> list[Any]:
    """Some values of a range, its ends among them."""
    shares = [place / (many - 1) for place in range(many)]
    if each.log:
        found: list[float] = [each.low * (each.high / each.low) ** share for share in shares]
    else:
        found = [each.low + share * (each.high - each.low) for share in shares]
    if isinstance(each, IntegerRange):
        found = [each.low + each.step * round((value - each.low) / each.step) for value in found]
    else:
        found = [float(f"{value:.3g}") for value in found]
    return list(dict.fromkeys(found))


def _ends(each: Dimension) -> tuple[float, float]:
    if isinstance(each, OneOf):
        numbers = [max(value) if isinstance(value, tuple) else value for value in each.values]
        real = [value for value in numbers if isinstance(value, int | float) and not isinstance(value, bool)]
        if not real:
            raise SweepError(f"{each.field}: of such a list no range can be made.")
        return (min(real), max(real)) if min(real) < max(real) else (min(real), min(real) + 1)
    assert isinstance(each, IntegerRange | NumberRange | Repeat)
    return each.low, each.high


def _range(
    field: str, low: float, high: float, log: bool, spec: Spec, *, step: int = 1, points: int = 5
) -> IntegerRange | NumberRange:
    if spec.kind == "number":
        return NumberRange(field, float(low), float(high), log, points)
    first, last = round(low), round(high)
    step = step if not log and step >= 1 and (last - first) % step == 0 else 1
    return IntegerRange(field, first, max(last, first + 1), step, log)


def _moved(each: Dimension, low: float | None, high: float | None, spec: Spec | None) -> Dimension:
    assert isinstance(each, IntegerRange | NumberRange | Repeat)
    was_low, was_high = each.low, each.high
    by_factor = not isinstance(each, Repeat) and each.log
    least, most = (1, 50) if spec is None else (spec.low, spec.high)
    if low is not None and low >= was_high:
        high = low * was_high / was_low if by_factor else low + (was_high - was_low)
        high = min(high, most)
    if high is not None and high <= was_low and low is None:
        low = high * was_low / was_high if by_factor else high - (was_high - was_low)
        low = max(low, least)
    low, high = was_low if low is None else low, was_high if high is None else high
    if isinstance(each, Repeat):
        return Repeat(each.field, each.layers, round(low), round(high))
    if spec is None or spec.kind != "number" or isinstance(each, IntegerRange):
        step = each.step if isinstance(each, IntegerRange) else 1
        return _range(each.field, low, high, each.log, Spec("integer", ""), step=step)
    return NumberRange(each.field, float(low), float(high), each.log, each.points)


def _parsed(part: str, spec: Spec) -> Any:
    if part.casefold() == "none" and spec.optional:
        return None
    try:
        if spec.kind == "pair":
            sides = [int(side) for side in re.split(r"[x×]", part)]
            if len(sides) > 2:
                raise ValueError
            return (sides[0], sides[-1])
        return int(part) if spec.kind == "integer" else float(part)
    except ValueError as error:
        wanted = {"pair": "whole numbers, or two with × between them", "integer": "whole numbers"}
        raise SweepError(
            f"{part!r:.40} in the list cannot be read.",
            f"Type {wanted.get(spec.kind, 'numbers')}, with commas between.",
        ) from error


def _typed(value: Any, spec: Spec) -> str:
    if spec.kind == "pair" and isinstance(value, tuple) and value[0] == value[1]:
        return str(value[0])
    return f"{value:.6g}" if isinstance(value, float) else setting(value)

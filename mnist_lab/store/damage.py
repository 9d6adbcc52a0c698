"""Reading what may be damaged: a value that cannot be read is left out and named, and the rest is as good as before.

A store is a file that other hands can reach: disks fail, and so do people with an SQL prompt. One bad row must not keep
the others from being read.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from mnist_lab.architecture import Architecture
from mnist_lab.errors import LabError
from mnist_lab.training_config import TrainingConfig

REMEDY = "`python -m mnist_lab doctor` says more, and with --repair mends what can be mended."
_TOLD = "Its row in the store is damaged ("
_FOREIGN = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
# Seconds since 1970 up to the last year that has a date.
_MAX_TIME = 253_402_300_799.0
_TIMES = ("heartbeat", "created", "started", "ended", "deleted")
# By the annotation of a field: the types that its values may have, and what stands for one that cannot be read.
_KINDS: dict[str, tuple[tuple[type, ...], Callable[[], Any]]] = {
    "str": ((str,), str),
    "bool": ((bool,), bool),
    "int": ((int,), int),
    "float": ((float, int), float),
    "list[str]": ((list,), list),
    "dict[str, Any]": ((dict,), dict),
    "list[float]": ((list,), list),
}
_ITEMS: dict[str, tuple[type, ...]] = {"list[str]": (str,), "list[float]": (float, int)}


def told(what: str, before: str | None) -> str:
    """The reason of a run whose row is damaged.

    Args:
        what: The columns, or what is the matter with them.
        before: The reason that it had.
    """
    if is_told(before):
        return str(before)
    return f"{_TOLD}{what}). {REMEDY}" + (f"\n{before}" if before else "")


def is_told(reason: str | None) -> bool:
    """Whether a reason says that the row is damaged."""
    return reason is not None and reason.startswith(_TOLD)


def read_json(text: Any) -> Any:
    """The value of a JSON text; None if it is none."""
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return None


def write_json(value: Any) -> str:
    """A JSON text that every database takes: NaN and infinities, for which JSON has no word, become null."""
    try:
        return json.dumps(value, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value), allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, (list, tuple)) else value


class Columns:
    """Reads rows whose columns have the names and the kinds of a dataclass's fields.

    Args:
        kinds: The annotations by name, as ``"float | None"``.
    """

    def __init__(self, kinds: Mapping[str, str]) -> None:
        self._columns = []
        for name, annotation in kinds.items():
            kind, _, optional = annotation.partition(" | ")
            types, empty = _KINDS[kind]
            allowed = frozenset((*types, type(None)) if optional else types)
            self._columns.append((name, allowed, (lambda: None) if optional else empty, _ITEMS.get(kind, ())))

    def read(self, row: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """The values of a row, and the names of those that could not be read.

        A number that is not finite is unknown, which is no damage: some databases keep what others do not.
        """
        values: dict[str, Any] = {}
        damaged = []
        # A list of many thousand rows comes through here at the first page: most values need one look at their type.
        for name, allowed, empty, items in self._columns:
            value = values[name] = row[name]
            kind = type(value)
            if kind not in allowed or (kind in _LOOKED_INTO and not _is_sound(name, value, items)):
                values[name] = empty()
                if kind is not float or math.isfinite(value):
                    damaged.append(name)
        return values, damaged


_LOOKED_INTO = frozenset((float, list))


def _is_sound(name: str, value: Any, items: tuple[type, ...]) -> bool:
    if type(value) is list:
        return all(type(each) in items for each in value)
    return math.isfinite(value) and (name not in _TIMES or 0 <= value <= _MAX_TIME)


def problem_of(architecture: dict[str, Any], training: dict[str, Any]) -> str:
    """Why a network or its training settings cannot be used; empty if they can."""
    return _problem_of(json.dumps(architecture), json.dumps(training))


# Runs are many and their descriptions few, and a page asks at each run.
@lru_cache(maxsize=4096)
def _problem_of(architecture: str, training: str) -> str:
    try:
        Architecture.from_dict(json.loads(architecture))
        TrainingConfig.from_dict(json.loads(training))
    except LabError as error:
        return error.message.rstrip(".")
    except _FOREIGN as error:
        return f"its network or its settings are of another form ({type(error).__name__})"
    return ""


def progress_of(values: dict[str, Any]) -> dict[str, Any]:
    """What a worker reported, without what is of another kind: the phase is a word, the rest are numbers."""
    return {
        key: value
        for key, value in values.items()
        if (isinstance(value, str) if key == "phase" else value is None or _is_number(value))
    }


def epochs_of(values: Iterable[Any]) -> list[dict[str, Any]]:
    """The entries of a history that can be read, without values that are no numbers."""
    found = []
    for entry in values:
        if isinstance(entry, dict) and type(entry.get("epoch")) is int and entry["epoch"] > 0:
            sound = {key: value for key, value in entry.items() if value is None or _is_number(value)}
            found.append(entry if len(sound) == len(entry) else sound)
    return found


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)

"""What an archive says of a run beside its network, its training and its curves: `run.json`, written and read back.

Figures that follow from the predictions stand in it for whoever reads the file. They are not taken from it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mnist_lab.errors import ExchangeError, StoreError
from mnist_lab.exchange.archive import REMEDY
from mnist_lab.exchange.layout import MAX_EPOCHS, MAX_POINTS, RUN
from mnist_lab.public import printable
from mnist_lab.store import FINAL, Run
from mnist_lab.store.edits import MAX_NOTES, clean_name, clean_tags
from mnist_lab.training_config import DATASETS, MY_DIGITS

MAX_REASON = 2000
_CLAIMS = ("test_accuracy", "test_loss", "test_images", "parameters")
_HEXADECIMAL = set("0123456789abcdef")
Check = Callable[[Any], bool]


def _text(most: int) -> Check:
    return lambda value: isinstance(value, str) and len(value) <= most


def _whole(low: int, high: int) -> Check:
    return lambda value: type(value) is int and low <= value <= high


def _real(low: float, high: float) -> Check:
    return lambda value: type(value) in (int, float) and math.isfinite(value) and low <= value <= high


def _or_none(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _id(letters: int) -> Check:
    return lambda value: isinstance(value, str) and len(value) == letters and set(value) <= _HEXADECIMAL


_moment, _duration = _real(0, 1e11), _or_none(_real(0, 1e10))
_FIELDS: dict[str, tuple[str, Check]] = {
    "id": ("32 hexadecimal digits", _id(32)),
    "name": ("a text", _text(1000)),
    "notes": ("a text", _text(MAX_NOTES)),
    "tags": (
        "a list of texts",
        lambda value: isinstance(value, list) and len(value) <= 100 and all(map(_text(200), value)),
    ),
    "preset": ("a text or null", _or_none(_text(100))),
    "status": (f"one of {', '.join(FINAL)}", lambda value: isinstance(value, str) and value in FINAL),
    "reason": ("a text or null", _or_none(_text(MAX_REASON))),
    "created": ("seconds", _moment),
    "started": ("seconds or null", _or_none(_moment)),
    "ended": ("seconds or null", _or_none(_moment)),
    "dataset": (
        "the name of a data set or null",
        _or_none(lambda value: isinstance(value, str) and value in (*DATASETS[1:], MY_DIGITS)),
    ),
    "fingerprint": ("12 hexadecimal digits or null", _or_none(_id(12))),
    "training_images": ("a whole number or null", _or_none(_whole(1, 10_000_000))),
    "best_epoch": ("an epoch or null", _or_none(_whole(1, MAX_EPOCHS))),
    "kept_epoch": ("an epoch or null", _or_none(_whole(1, MAX_EPOCHS))),
    "test_looks": ("a whole number", _whole(0, 10_000_000)),
    "prediction_seconds": ("seconds or null", _duration),
    "seconds": ("seconds or null", _duration),
    "images_per_second": ("a number or null", _or_none(_real(0, 1e12))),
    "device": ("a text or null", _or_none(_text(200))),
    "test_accuracy": ("a share or null", _or_none(_real(0, 1))),
    "test_loss": ("a number or null", _or_none(_real(0, 1e6))),
    "test_images": ("a whole number or null", _or_none(_whole(0, 10_000_000))),
    "parameters": ("a whole number", _whole(0, 2**53)),
}


@dataclass(frozen=True, slots=True)
class Record:
    """What `run.json` says.

    Attributes:
        values: Columns of the store as they may be kept.
        claims: Figures that are reckoned anew.
    """

    values: dict[str, Any]
    claims: dict[str, Any]


def to_json(run: Run) -> dict[str, Any]:
    """A run as `run.json` has it."""
    values = {name: getattr(run, name) for name in _FIELDS}
    return {**values, "reason": values["reason"] and values["reason"][:MAX_REASON]}


def from_json(values: Any) -> Record:
    """Reads what `to_json` wrote.

    Raises:
        ExchangeError: If a key is missing or unknown, or its value cannot be that of a run.
    """
    if not isinstance(values, dict) or set(values) != set(_FIELDS):
        raise ExchangeError(f"{RUN} is not what this program writes: it lacks keys, or has others.", REMEDY)
    for name, (wanted, check) in _FIELDS.items():
        if not check(values[name]):
            raise ExchangeError(f"{RUN}: {name} must be {wanted}. Received: {values[name]!r:.60}.", REMEDY)
    try:
        tags = clean_tags(values["tags"])
    except StoreError as error:
        raise ExchangeError(f"{RUN}: {error.message}", error.remedy) from error
    kept = {name: value for name, value in values.items() if name not in _CLAIMS}
    texts = {name: printable(kept[name]) for name in ("notes", "reason", "device", "preset") if kept[name]}
    kept |= {**texts, "name": clean_name(values["name"]), "tags": tags}
    return Record(kept, {name: values[name] for name in _CLAIMS})


def history(values: Any) -> list[dict[str, Any]]:
    """Checks the epochs of an archive.

    Raises:
        ExchangeError: If they are not a list of objects with an epoch each, in order, and finite figures or null.
    """
    if not isinstance(values, list) or len(values) > MAX_EPOCHS:
        raise ExchangeError(f"The history must be a list of at most {MAX_EPOCHS:,} epochs.", REMEDY)
    before = 0
    for entry in values:
        if not isinstance(entry, dict) or not _whole(before + 1, MAX_EPOCHS)(entry.get("epoch")):
            raise ExchangeError(f"The history must number its epochs upwards; after {before} it does not.", REMEDY)
        before = entry["epoch"]
        for name, value in entry.items():
            is_name = len(name) <= 40 and name.isascii() and name.isidentifier()
            if not is_name or len(entry) > 40 or not _or_none(_real(-1e30, 1e30))(value):
                raise ExchangeError(f"Epoch {before} of the history has a figure that is none: {name!r:.40}.", REMEDY)
    return values


def points(values: Any) -> list[dict[str, Any]]:
    """Checks the curve within the epochs of an archive.

    Raises:
        ExchangeError: If it is not a list of points with finite figures or null.
    """
    if not isinstance(values, list) or len(values) > MAX_POINTS:
        raise ExchangeError(f"The curve must be a list of at most {MAX_POINTS:,} points.", REMEDY)
    number = _or_none(_real(-1e30, 1e30))
    for point in values:
        if (
            not isinstance(point, dict)
            or set(point) != {"step", "epoch", "loss", "accuracy"}
            or not _whole(0, 2**31 - 1)(point["step"])
            or not _real(0, MAX_EPOCHS)(point["epoch"])
            or not number(point["loss"])
            or not number(point["accuracy"])
        ):
            raise ExchangeError("The curve has a point that is none.", REMEDY)
    return values

"""What can be searched of a network and its training, with a sensible range for each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from mnist_lab.architecture import Architecture
from mnist_lab.fields import Spec
from mnist_lab.layers import Dense
from mnist_lab.sweeps.dimensions import Dimension, IntegerRange, NumberRange, OneOf
from mnist_lab.sweeps.ways import all_fields, way_of
from mnist_lab.training_config import TrainingConfig

# Of words more than these are too many to begin with.
_WORDS = 4


@dataclass(frozen=True, slots=True)
class Searchable:
    """A field that can be searched.

    Attributes:
        field: The way to it.
        place: What it belongs to, in words: ``"2 Conv2D"``, ``"Training"``, ``"Adam"``.
        label: What the page calls the field.
        spec: What it may be.
        value: What it is now.
        suggestion: A range around that.
    """

    field: str
    place: str
    label: str
    spec: Spec
    value: Any
    suggestion: Dimension


def searchable(architecture: Architecture, training: TrainingConfig) -> list[Searchable]:
    """Every field that can be searched, in the order of the layers, then those of the training.

    The units of the last layer are not among them: they are the digits.
    """
    last = len(architecture.layers) - 1
    digits = way_of((last,), "units") if last >= 0 and isinstance(architecture.layers[last], Dense) else ""
    found = []
    for field, place, spec, value in all_fields(architecture, training):
        suggestion = None if field == digits else suggest(field, spec, value)
        if suggestion is not None:
            found.append(Searchable(field, place, spec.label, spec, value, suggestion))
    return found


def suggest(field: str, spec: Spec, value: Any) -> Dimension | None:
    """A sensible dimension for a field.

    Args:
        field: The way to it.
        spec: What it may be.
        value: What it is now.

    Returns:
        None where nothing can be searched, as of a text.
    """
    if spec.kind == "boolean":
        return OneOf(field, (True, False))
    if spec.kind == "choice":
        rest = [word for word in spec.choices if word != value]
        words = (*([] if value is None else [value]), *rest)[:_WORDS]
        return OneOf(field, words) if len(words) > 1 else None
    if spec.kind == "pair":
        return _pairs(field, spec, value)
    if spec.kind == "integer":
        return _integers(field, spec, value)
    return _numbers(field, spec, value) if spec.kind == "number" else None


def _pairs(field: str, spec: Spec, value: Any) -> Dimension:
    # Windows have an odd side, so that they have a middle; steps grow by one.
    by = 2 if field.endswith("kernel_size") else 1
    first = max(value) if value is not None else max(1, int(spec.low))
    sides = [side for side in (first - by, first, first + by) if spec.low <= side <= spec.high]
    return OneOf(field, tuple((side, side) for side in sides))


def _integers(field: str, spec: Spec, value: Any) -> Dimension:
    middle = int(value) if value is not None else 10_000 if field == "training.limit" else max(1, int(spec.low))
    low = max(int(spec.low), middle // 4, 0)
    high = min(int(spec.high), max(middle * 4, low + 4))
    if high <= low:
        low = max(int(spec.low), high - 4)
    # What is meant in doublings, as filters and units, has no end in sight.
    return IntegerRange(field, low, high, log=low >= 1 and high >= 8 * low)


def _numbers(field: str, spec: Spec, value: Any) -> Dimension:
    middle = float(value) if value is not None else 0.0
    if field.endswith(("learning_rate", "epsilon", "min_lr", "weight_decay")):
        middle = middle or 1e-4
        low, high = max(spec.low, middle / 10), min(spec.high, middle * 10)
        return NumberRange(field, low, high, log=low > 0)
    if 0.5 < middle < 1 and spec.high == 1:
        # Memories and factors: what counts is how far they are from 1.
        return NumberRange(field, max(spec.low, 1 - 5 * (1 - middle)), 1 - (1 - middle) / 5)
    low = spec.low if math.isfinite(spec.low) and abs(spec.low) <= 1 else min(middle / 2, middle - 1)
    high = max(2 * middle, middle + (0.2 if spec.high <= 1 else 1))
    if math.isfinite(spec.high):
        high = min(high, spec.high - (0.05 * (spec.high - low) if spec.exclusive_high else 0))
    if not low < high:
        low = max(spec.low, high / 2)
    return NumberRange(field, low, high)

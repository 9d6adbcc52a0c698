"""What the pages call what is searched, as ``"2 Conv2D · Filters"`` or ``"Layers 2 to 3 · Repeats"``."""

from __future__ import annotations

from collections.abc import Iterable

from mnist_lab.architecture import Architecture, where
from mnist_lab.errors import LabError
from mnist_lab.sweeps.dimensions import Dimension, Repeat, name_of
from mnist_lab.sweeps.marks import place_of
from mnist_lab.sweeps.searchable import Searchable, searchable
from mnist_lab.sweeps.ways import TRAINING, siblings_of, steps_of
from mnist_lab.training_config import TrainingConfig

_PARTS = {"optimizer": "Optimizer", "schedule": "Schedule", "early_stopping": "Early stopping",
          "augmentation": "Augmentation"}  # fmt: skip


def label_of(each: Searchable) -> str:
    """What the pages call a field that can be searched.

    A part of the training is not called by its kind: that may be searched itself, and be another in each trial.
    """
    first, *part, _ = steps_of(each.field)
    if first == TRAINING:
        return f"{_PARTS.get(str(part[0]), part[0])} · {each.label}" if part else each.label
    return f"{each.place} · {each.label}"


def labels_of(architecture: Architecture, training: TrainingConfig, dimensions: Iterable[Dimension]) -> dict[str, str]:
    """By the names of dimensions what the pages call them; the way itself where there is no such field."""
    known = {each.field: label_of(each) for each in searchable(architecture, training)}
    return {
        name_of(each): _of_block(architecture, each) if isinstance(each, Repeat) else known.get(each.field, each.field)
        for each in dimensions
    }


def _of_block(architecture: Architecture, each: Repeat) -> str:
    place = place_of(each.field)
    try:
        beside, first = siblings_of(architecture, each.field)
    except LabError:
        return name_of(each)
    assert place is not None
    path, _ = place
    if each.layers == 1:
        return f"{where(path)} {beside[first].kind} · Repeats"
    return f"Layers {where(path)} to {first + each.layers} · Repeats"

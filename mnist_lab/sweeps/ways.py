"""The ways to the fields of a network and a training, as ``"layers.3.branches.1.0.units"``, and what stands there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mnist_lab.architecture import Architecture, Path, where
from mnist_lab.errors import SweepError
from mnist_lab.fields import Spec, specs
from mnist_lab.layers import Layer, Parallel, Residual
from mnist_lab.optimizers import OPTIMIZERS
from mnist_lab.training_config import SCHEDULES, TrainingConfig

TRAINING = "training"
LAYERS = "layers"
# Parts that are chosen by their name.
NAMED: dict[str, tuple[dict[str, Any], Spec]] = {
    "optimizer": (OPTIMIZERS, Spec("choice", "Optimizer", "With its defaults.", choices=tuple(OPTIMIZERS))),
    "schedule": (SCHEDULES, Spec("choice", "Schedule", "With its defaults.", choices=tuple(SCHEDULES))),
}
_PARTS = ("optimizer", "schedule", "early_stopping", "augmentation")
# Each trial has seeds of its own; with other data or another split accuracies could not be compared; the rest decides
# nothing of what is learnt.
NOT_SEARCHED = ("seed", "dataset", "split", "keep_checkpoints", "test_at_end")

_REMEDY = "Fields of layers are named as layers.0.filters, those of the training as training.batch_size."


def way_of(path: Path, field: str = "") -> str:
    """The way to a layer, or to a field of it."""
    return ".".join(map(str, (LAYERS, *path, *([field] if field else []))))


def steps_of(way: str) -> tuple[int | str, ...]:
    """A way as the keys and places of the dictionary form of the whole."""
    return tuple(int(step) if step.isascii() and step.isdigit() else step for step in way.split("."))


def siblings_of(architecture: Architecture, way: str) -> tuple[Sequence[Layer], int]:
    """The layers beside which a layer stands, itself among them, and its place there.

    Raises:
        SweepError: If there is no such layer.
    """
    steps = steps_of(way)
    beside: Sequence[Layer] = architecture.layers
    try:
        if steps[0] != LAYERS or not isinstance(steps[-1], int):
            raise LookupError
        place, rest = steps[1], steps[2:]
        while rest:
            block = beside[place]  # type: ignore[index]
            if isinstance(block, Parallel) and rest[0] == "branches":
                beside, place, rest = block.branches[rest[1]], rest[2], rest[3:]  # type: ignore[index]
            elif isinstance(block, Residual) and rest[0] == "layers":
                beside, place, rest = block.layers, rest[1], rest[2:]
            else:
                raise LookupError
        beside[place]  # type: ignore[index]
    except (LookupError, TypeError) as error:
        raise SweepError(f"{way}: the network has no such layer.", _REMEDY) from error
    assert isinstance(place, int)
    return beside, place


def spec_of(architecture: Architecture, training: TrainingConfig, way: str) -> Spec:
    """What a field may be.

    Args:
        architecture: The network.
        training: The training.
        way: The way to the field.

    Raises:
        SweepError: If there is no such field, or it cannot be searched.
    """
    holder, _, name = way.rpartition(".")
    if holder == TRAINING or holder.startswith(f"{TRAINING}."):
        if name in NOT_SEARCHED and holder == TRAINING:
            raise SweepError(
                f"{way} cannot be searched.", "Each trial has seeds, data and split of the sweep's training."
            )
        found = _training_specs(training).get(way)
    elif holder.startswith(f"{LAYERS}."):
        beside, place = siblings_of(architecture, holder)
        found = specs(type(beside[place])).get(name)
    else:
        found = None
    if found is None:
        raise SweepError(f"{way}: there is no such field.", _REMEDY)
    return found


def all_fields(architecture: Architecture, training: TrainingConfig) -> Iterator[tuple[str, str, Spec, Any]]:
    """Every field with its way, what the page calls its place, what it may be, and its value."""
    for path, layer in architecture.walk():
        for name, spec in specs(type(layer)).items():
            yield way_of(path, name), f"{where(path)} {layer.kind}", spec, getattr(layer, name)
    for way, spec in _training_specs(training).items():
        _, *part, name = way.split(".")
        holder = getattr(training, part[0]) if part else training
        value = getattr(holder, name)
        yield (
            way,
            holder.kind if part else "Training",
            spec,
            value.kind if way.count(".") == 1 and name in NAMED else value,
        )


def _training_specs(training: TrainingConfig) -> dict[str, Spec]:
    found = {f"{TRAINING}.{name}": spec for name, spec in specs(TrainingConfig).items() if name not in NOT_SEARCHED} | {
        f"{TRAINING}.{name}": spec for name, (_, spec) in NAMED.items()
    }
    for name in _PARTS:
        part = getattr(training, name)
        if part is not None:
            found |= {f"{TRAINING}.{name}.{field}": spec for field, spec in specs(type(part)).items()}
    return found

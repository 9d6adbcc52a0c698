"""From the values of a trial to its network and its training; and whether a sweep's dimensions fit what they vary."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mnist_lab import forecast, shapes
from mnist_lab.architecture import Architecture
from mnist_lab.errors import LabError, SweepError
from mnist_lab.fields import Spec, describe
from mnist_lab.sweeps.dimensions import Dimension, IntegerRange, NumberRange, OneOf, Repeat, name_of
from mnist_lab.sweeps.ways import NAMED, TRAINING, siblings_of, spec_of, steps_of
from mnist_lab.training_config import TrainingConfig

Values = Mapping[str, Any]

# What a range of a kind may vary; a whole number stands for both sides of a pair. A list may vary all.
_VARIED: dict[type[Dimension], tuple[str, ...]] = {
    IntegerRange: ("integer", "number", "pair"),
    NumberRange: ("number",),
    OneOf: ("integer", "number", "pair", "choice", "boolean"),
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the values of a trial come to.

    Attributes:
        architecture: The network; None where not even that could be made.
        training: The training; None in the same case.
        parameters: Of the network; None for an impossible one.
        multiply_adds: Of the network, for one image.
        problem: Why it is impossible; None if it can be trained.
    """

    architecture: Architecture | None
    training: TrainingConfig | None
    parameters: int | None
    multiply_adds: int | None
    problem: str | None


def apply(
    architecture: Architecture, training: TrainingConfig, dimensions: Sequence[Dimension], values: Values
) -> tuple[Architecture, TrainingConfig]:
    """Sets the fields of a network and a training, then repeats blocks.

    Fields are named by where they are before anything is repeated; one within a block applies to all its copies.

    Args:
        architecture: The network to start from.
        training: The training to start from.
        dimensions: What is varied.
        values: By `name_of` of each dimension its value; what is not in it stays as it is.

    Raises:
        ArchitectureError: If no network can have these values, as each for itself can be had.
        ConfigError: If no training can.
    """
    whole: dict[str, Any] = {**architecture.to_dict(), TRAINING: training.to_dict()}
    chosen = [(each, values[name_of(each)]) for each in dimensions if name_of(each) in values]
    # Shorter ways first: an optimizer before its rate.
    for each, value in sorted(chosen, key=lambda pair: len(steps_of(pair[0].field))):
        if not isinstance(each, Repeat):
            *way, name = steps_of(each.field)
            is_named = way == [TRAINING] and name in NAMED
            _at(whole, way)[name] = {"name": value} if is_named else list(value) if isinstance(value, tuple) else value
    # From the last to the first, and what is within before what it is in: places before a block stay as they are.
    blocks = [(each, value) for each, value in chosen if isinstance(each, Repeat)]
    for each, times in sorted(blocks, key=lambda pair: steps_of(pair[0].field), reverse=True):
        *way, place = steps_of(each.field)
        assert isinstance(place, int)
        beside = _at(whole, way)
        block = beside[place : place + each.layers]
        beside[place : place + each.layers] = [copy.deepcopy(layer) for _ in range(times) for layer in block]
    made = TrainingConfig.from_dict(whole.pop(TRAINING))
    return Architecture.from_dict(whole), made


def _at(whole: Any, way: Sequence[int | str]) -> Any:
    for step in way:
        whole = whole[step]
    return whole


def check(architecture: Architecture, training: TrainingConfig, dimensions: Sequence[Dimension]) -> None:
    """Sees that all that is varied exists, and that each value can be had: both ends of a range, all of a list.

    Raises:
        SweepError: Naming the field.
    """
    for each in dimensions:
        if isinstance(each, Repeat):
            beside, place = siblings_of(architecture, each.field)
            if place + each.layers > len(beside):
                raise SweepError(
                    f"{each.field}: a block of {each.layers} layers does not end with the layers that there are.",
                    "Choose fewer layers.",
                )
        else:
            for base in _bases(training, dimensions):
                _check_kind(each, spec_of(architecture, base, each.field))
    _check_apart([each for each in dimensions if isinstance(each, Repeat)])
    named = [each for each in dimensions if isinstance(each, OneOf) and _is_named(each)]
    for each in dimensions:
        # With one of the names that are chosen by others: a field may belong to an optimizer of these.
        others = [other for other in named if other is not each]
        for value in ends_of(each):
            values = {name_of(other): other.values[0] for other in others} | {name_of(each): value}
            try:
                apply(architecture, training, (*others, each), values)
            except LabError as error:
                raise SweepError(f"{each.field}: {error.message}", error.remedy) from error


def ends_of(each: Dimension) -> tuple[Any, ...]:
    """Both ends of a range, all values of a list."""
    if isinstance(each, OneOf):
        return each.values
    assert isinstance(each, IntegerRange | NumberRange | Repeat)
    return each.low, each.high


def _is_named(each: OneOf) -> bool:
    return each.field.removeprefix(f"{TRAINING}.") in NAMED


def _bases(training: TrainingConfig, dimensions: Sequence[Dimension]) -> list[TrainingConfig]:
    """The training with each of the parts that are searched by name: fields of a part must be there in all."""
    bases = [training]
    for each in dimensions:
        if isinstance(each, OneOf) and _is_named(each):
            part = each.field.removeprefix(f"{TRAINING}.")
            registry, spec = NAMED[part]
            for value in each.values:
                if value not in registry:
                    raise SweepError(f"{each.field}: {value!r:.60} is unknown.", f"Known: {', '.join(spec.choices)}.")
            bases = [replace(base, **{part: registry[value]()}) for base in bases for value in each.values]  # type: ignore[index]
    return bases


def _check_kind(each: Dimension, spec: Spec) -> None:
    if spec.kind not in _VARIED[type(each)]:
        raise SweepError(
            f"{each.field} must be {describe(spec)}, which a {each.word} does not give.",
            "Search over a list of values, or over whole numbers." if spec.kind != "text" else "Search another field.",
        )


def _check_apart(blocks: Sequence[Repeat]) -> None:
    spans: dict[tuple[int | str, ...], list[tuple[int, int, str]]] = {}
    for each in blocks:
        *way, place = steps_of(each.field)
        assert isinstance(place, int)
        for first, end, other in spans.setdefault(tuple(way), []):
            if place < end and first < place + each.layers:
                raise SweepError(f"The repeated blocks {other} and {each.field} share a layer.", "Keep them apart.")
        spans[tuple(way)].append((place, place + each.layers, each.field))


def candidate(
    architecture: Architecture, training: TrainingConfig, dimensions: Sequence[Dimension], values: Values
) -> Candidate:
    """What the values of a trial come to, and whether it can be trained here; nothing is trained for it.

    Args:
        architecture: The network to start from.
        training: The training to start from.
        dimensions: What is varied.
        values: By `name_of` of each dimension its value.
    """
    try:
        network, settings = apply(architecture, training, dimensions, values)
    except LabError as error:
        return Candidate(None, None, None, None, error.message)
    analysis = forecast.within_memory(shapes.analyse(network), settings)
    if analysis.problem is not None:
        return Candidate(network, settings, None, None, analysis.problem)
    return Candidate(network, settings, analysis.parameters, analysis.multiply_adds, None)

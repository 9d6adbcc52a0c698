"""What was set in some runs, side by side: training, data, and the networks' layers where these match."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mnist_lab import fields
from mnist_lab.architecture import Architecture, where
from mnist_lab.errors import LabError
from mnist_lab.store import Run

ABSENT = "–"
"""What stands for a setting that a run does not have; None, zero and false are values."""


def settings(runs: Sequence[Run]) -> dict[str, dict[str, Any]]:
    """All settings of some runs. What came out of the training is none of them.

    Returns:
        By the setting's name, as ``optimizer.momentum`` or ``layer 2 Dense units``, its value by run id; a run that has
        no such setting has no entry. Where the networks have other layers, their numbers of layers and of parameters
        stand for these; `mnist_lab.network_diff` tells more.
    """
    flat: dict[str, dict[str, Any]] = {"dataset used": {run.id: run.dataset for run in runs}}
    for run in runs:
        for name, value in _flat(training_of(run)):
            flat.setdefault(name, {})[run.id] = value
    networks = [run.network() for run in runs]
    kinds = [[(path, layer.kind) for path, layer in network.walk()] for network in networks]
    if all(each == kinds[0] for each in kinds):
        for run, network in zip(runs, networks, strict=True):
            for name, value in _layers(network):
                flat.setdefault(name, {})[run.id] = value
    else:
        flat["layers"] = {run.id: len(each) for run, each in zip(runs, kinds, strict=True)}
        flat["parameters"] = {run.id: run.parameters for run in runs}
    return flat


def differing(runs: Sequence[Run]) -> dict[str, dict[str, Any]]:
    """Those of their `settings` that are not the same in all of some runs, or that not all have."""

    def same(values: dict[str, Any]) -> bool:
        return len(values) == len(runs) and len({_identity(each) for each in values.values()}) == 1

    return {name: values for name, values in settings(runs).items() if not same(values)}


def training_of(run: Run) -> dict[str, Any]:
    """The settings of a run's training, with those that it left to their defaults."""
    try:
        return run.config().to_dict()
    except LabError:  # of another version
        return run.training


def _identity(value: Any) -> tuple[bool, str]:
    """What makes two values the same. To Python 0 is False and 1 is True; to who compares settings they are not."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, bool), repr(float(value) if number else value)


def _flat(values: dict[str, Any], before: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in values.items():
        name = f"{before}{key}"
        if key == "early_stopping" and not before:
            # Whether there is any is a setting too, which every run has.
            found.append((name, value is not None))
            found += _flat(value, f"{name}.") if value else []
        else:
            found += _flat(value, f"{name}.") if isinstance(value, dict) else [(name, value)]
    return found


def _layers(network: Architecture) -> list[tuple[str, Any]]:
    return [
        (f"layer {where(path)} {layer.kind} {name}", value)
        for path, layer in network.walk()
        for name, value in fields.to_dict(layer).items()
    ]

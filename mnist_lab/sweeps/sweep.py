"""The description of a sweep: the network and the training it starts from, what it varies, and how it searches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mnist_lab import fields
from mnist_lab.architecture import Architecture
from mnist_lab.errors import LabError, SweepError
from mnist_lab.fields import choice, integer
from mnist_lab.sweeps import candidates
from mnist_lab.sweeps.dimensions import Dimension, dimension_from_dict, name_of
from mnist_lab.training_config import TrainingConfig

# Optuna's; `evolution` is NSGA-II.
SAMPLERS = ("tpe", "random", "grid", "evolution")
# Optuna's: median, successive halving, hyperband.
PRUNERS = ("none", "median", "successive halving", "hyperband")
# What is got beside the accuracy on the validation split, each as small as can be.
COSTS = ("parameters", "multiply_adds")


@dataclass(frozen=True, slots=True)
class Search:
    """How a sweep searches, and for how long.

    Attributes:
        trials: At most so many trials, impossible networks not counted.
        seconds: No trial begins later than this after the beginning, pauses not counted; None for no limit.
        epochs: No trial begins once so many epochs were trained in all; None for no limit.
        seeds: Trainings for each trial, with seeds that follow each other; the trial's accuracy is their mean.
        seed: Of the sampler: the same seed proposes the same trials, as long as they end in the same order.
        workers: Trainings at once; None for as many as the machine, or the cluster, has room for.

    Raises:
        SweepError: If a setting is out of its range.
    """

    sampler: str = choice("tpe", "Sampler", SAMPLERS, "How the next trial is chosen.")
    pruner: str = choice("none", "Pruner", PRUNERS, "Ends trials early that are worse than others were by then.")
    cost: str | None = choice(None, "And as few as can be", COSTS, "A second aim beside the accuracy.", optional=True)
    trials: int = integer(20, "Trials", 1, 100_000, "Networks that are trained, at most.")
    seconds: int | None = integer(None, "Seconds", 1, 10**8, "No trial begins later.", optional=True)
    epochs: int | None = integer(None, "Epochs in all", 1, 10**9, "No trial begins after so many.", optional=True)
    seeds: int = integer(1, "Seeds per trial", 1, 20, "Trainings of each network, whose mean counts.")
    seed: int = integer(0, "Seed of the search", 0, 2**31 - 1, "The same seed proposes the same trials.")
    workers: int | None = integer(None, "Workers", 1, 10_000, "Trainings at once.", optional=True)

    def __post_init__(self) -> None:
        fields.check(self, SweepError)
        if self.cost is not None and self.pruner != "none":
            raise SweepError(
                "Trials with two aims cannot be pruned: none of them is simply worse than another.",
                "Choose no pruner, or the accuracy alone.",
            )


@dataclass(frozen=True, slots=True)
class Sweep:
    """A search over networks and trainings. It chooses by the accuracy on the validation split, and nothing else.

    Attributes:
        architecture: The network it starts from.
        training: The training it starts from; its seed is the first of each trial.
        dimensions: What it varies.
        search: How.
        name: Display text.

    Raises:
        SweepError: If nothing is varied, a field twice or one that is not there, if a value cannot be had, or the split
            would have it choose by the test images.
    """

    architecture: Architecture
    training: TrainingConfig
    dimensions: tuple[Dimension, ...]
    search: Search = field(default_factory=Search)
    name: str = ""

    def __post_init__(self) -> None:
        names = [name_of(each) for each in self.dimensions]
        if not names:
            raise SweepError("Nothing is searched.", "Mark a field of a layer or of the training as searched.")
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise SweepError(f"{', '.join(twice)} is searched twice.", "Remove one of the two.")
        if self.training.test_is_validation:
            raise SweepError(
                "With this split a sweep would choose by the test images, whose accuracy would then mean nothing.",
                "Choose the split holdout.",
            )
        if self.training.fine_tuning is not None:
            raise SweepError(
                "A fine-tuning on a person's own digits cannot be searched.", "Search a training from the beginning."
            )
        candidates.check(self.architecture, self.training, self.dimensions)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; `from_dict` makes an equal sweep of them."""
        return {
            "name": self.name,
            "search": fields.to_dict(self.search),
            "dimensions": [each.to_dict() for each in self.dimensions],
            "training": self.training.to_dict(),
            "architecture": self.architecture.to_dict(),
        }

    @classmethod
    def from_dict(cls, values: Any) -> Sweep:
        """Reads what `to_dict` wrote.

        Raises:
            SweepError: If a key is unknown, or a part of it cannot be used.
        """
        known = ("name", "search", "dimensions", "training", "architecture")
        if not isinstance(values, Mapping) or not isinstance(values.get("dimensions"), list):
            raise SweepError('A sweep is an object with "dimensions", a list.', f"It has: {', '.join(known)}.")
        if unknown := sorted(set(map(str, values)) - set(known)):
            raise SweepError(f"The sweep has unknown keys: {', '.join(unknown)}.", f"Known: {', '.join(known)}.")
        search, name = values.get("search", {}), values.get("name", "")
        if not isinstance(search, Mapping) or not isinstance(name, str):
            raise SweepError("The search of a sweep is an object, and its name a text.")
        try:
            return cls(
                Architecture.from_dict(values.get("architecture")),
                TrainingConfig.from_dict(values.get("training", {})),
                tuple(dimension_from_dict(each) for each in values["dimensions"]),
                fields.from_dict(Search, search, SweepError),
                name,
            )
        except SweepError:
            raise
        except LabError as error:
            raise SweepError(f"The sweep cannot be read: {error.message}", error.remedy) from error

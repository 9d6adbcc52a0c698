"""What accuracy costs: runs and published models as points, and which of them no other beats in both respects."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mnist_lab import formatting, metrics
from mnist_lab.comparison import is_by_lot, names_of
from mnist_lab.seed_groups import groups
from mnist_lab.store import Run
from mnist_lab.studies import Preset, measured, presets
from mnist_lab.study_results import outcome_of_project, outcome_of_runs

YOURS, PROJECT, PUBLISHED = "yours", "project", "published"
KINDS = {YOURS: "measured by you", PROJECT: "measured by the project", PUBLISHED: "published"}
# On how many images the documents tested, as far as their split tells.
_PUBLISHED_TEST_IMAGES, _OF_A_POOL = 10_000, 7_000


@dataclass(frozen=True, slots=True)
class Cost:
    """What an accuracy is held against.

    Attributes:
        name: Its key in `Entry.costs`.
        label: What a control calls it.
        title: With its unit, as an axis has it.
        scale: Multiplies a value for the axis.
        missing: How to come by it, for those that have none.
    """

    name: str
    label: str
    title: str
    scale: float = 1.0
    missing: str = ""

    def words(self, value: float) -> str:
        """A value for people, with its unit."""
        if self.name == "parameters":
            return f"{value:,.0f} parameters"
        if self.name == "multiply_adds":
            return f"{formatting.count(value)} multiply-adds an image"
        if self.name == "seconds":
            return f"{formatting.duration(value)} of training"
        return f"{1000 * value:.3g} ms a prediction"


COSTS = {
    cost.name: cost
    for cost in (
        Cost("parameters", "Parameters", "Parameters"),
        Cost("multiply_adds", "Multiply-adds", "Multiply-adds an image"),
        Cost("seconds", "Training time", "Training time in seconds", missing="training anew measures it"),
        Cost("prediction_seconds", "Prediction time", "Prediction time of an image in milliseconds, in batches", 1000.0,
             "`evaluate` measures it, which is one more look at the test images"),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One point: a run, a group of runs that differ in their seed alone, or a published model.

    Attributes:
        kind: `YOURS`, `PROJECT` or `PUBLISHED`.
        name: What people call it.
        accuracy: Test accuracy, 0 to 1; the mean of several seeds.
        interval: Its 95 % interval.
        costs: By the names of `COSTS`, None where unknown; the mean of several seeds.
        data: What it was tested on; only points with the same can be held against each other.
        split: Of these data.
        is_flattered: Whether the test images also chose its epoch.
        runs: Ids of the runs behind it.
        preset: Name of the preset, for what is no run.
        seeds: How many trainings it stands for.
        spread: Standard deviation of their accuracies; None for a single one.
        where: The machine that its times are from.
    """

    kind: str
    name: str
    accuracy: float
    interval: tuple[float, float] | None
    costs: Mapping[str, float | None] = field(default_factory=dict)
    data: str = "mnist"
    split: str = "holdout"
    is_flattered: bool = False
    runs: tuple[str, ...] = ()
    preset: str | None = None
    seeds: int = 1
    spread: float | None = None
    where: str = ""

    @property
    def key(self) -> str:
        """A text that tells it from the others, for clicks on it."""
        return f"{self.kind}:{self.preset or self.runs[0]}"

    def cost(self, name: str) -> float | None:
        """What it costs; None where that is unknown or no number that an axis of powers has a place for."""
        value = self.costs.get(name)
        return value if value is not None and math.isfinite(value) and value > 0 else None

    def words(self, cost: Cost) -> list[str]:
        """Lines about it: its name, its accuracy with the interval, what it costs, how it was come by."""
        value, many = self.cost(cost.name), self.seeds > 1
        lines = [
            self.name,
            f"{formatting.accuracy(self.accuracy, self.interval)} {'mean ' * many}test accuracy",
            "cost unknown" if value is None else cost.words(value),
            KINDS[self.kind] + (f", {self.seeds} seeds" if many else ""),
            f"{self.split} of {self.data}",
        ]
        if self.spread is not None:
            lines[3] += f", standard deviation {100 * self.spread:.2f} points"
        if self.is_flattered:
            lines[4] = "⚠️ " + lines[4] + ": the test images also chose the epoch"
        if cost.name.endswith("seconds") and self.where:
            lines.append(f"on {self.where}")
        return lines


def front(costs: ArrayLike, accuracies: ArrayLike) -> NDArray[np.bool_]:
    """Which points no other beats: none costs at most as much, is at least as accurate, and better in one of the two.

    Args:
        costs: Shape `(n,)`; NaN where unknown.
        accuracies: Shape `(n,)`; NaN where unknown.

    Returns:
        Shape `(n,)`. Points equal in both are on the line together; one that lacks a figure never is, and beats none.

    Raises:
        ValueError: If the shapes differ.
    """
    x, y = np.asarray(costs, dtype=np.float64), np.asarray(accuracies, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(f"There must be one accuracy per cost. Received: shapes {x.shape} and {y.shape}.")
    on_line = np.zeros(len(x), dtype=bool)
    known = np.flatnonzero(~np.isnan(x) & ~np.isnan(y))
    if not len(known):
        return on_line
    # By cost, and the most accurate first; each must then be better than all before it.
    pairs, which = np.unique(np.column_stack([x[known], -y[known]]), axis=0, return_inverse=True)
    heights = -pairs[:, 1]
    best_before = np.concatenate([[-np.inf], np.maximum.accumulate(heights)[:-1]])
    on_line[known] = (heights > best_before)[which.reshape(-1)]
    return on_line


def on_line(entries: Sequence[Entry], cost: Cost) -> set[str]:
    """The keys of those points that no other beats."""
    costs = [math.nan if (value := entry.cost(cost.name)) is None else value for entry in entries]
    best = front(costs, [entry.accuracy for entry in entries])
    return {entry.key for entry, is_best in zip(entries, best, strict=True) if is_best}


def data_of(run: Run) -> str:
    """What a run was tested on: the name of its data set, and of data of the user's own also which they are."""
    name = run.dataset or "unknown"
    own = name == "custom" and run.fingerprint is not None and not is_by_lot(run)
    return f"{name} {run.fingerprint[:6]}" if own and run.fingerprint else name


def of_runs(runs: Sequence[Run]) -> list[Entry]:
    """One point per run that was evaluated, finished or not."""
    known = [run for run in runs if run.test_accuracy is not None]
    names = names_of(known)
    return [_of_runs([run], names[run.id], run.test_accuracy or 0.0, run.test_accuracy_interval) for run in known]


def of_groups(runs: Iterable[Run]) -> list[Entry]:
    """One point per group of finished runs that differ in their seed alone: their mean, the interval by its spread."""
    entries = []
    for group in groups(runs):
        outcome = outcome_of_runs(group.runs)
        if outcome is not None:
            entries.append(_of_runs(group.runs, group.name, outcome.accuracy, outcome.interval, outcome.spread))
    return entries


def _of_runs(
    runs: Sequence[Run],
    name: str,
    accuracy: float,
    interval: tuple[float, float] | None,
    spread: float | None = None,
) -> Entry:
    first = runs[0]
    return Entry(
        kind=YOURS,
        name=name,
        accuracy=accuracy,
        interval=interval,
        costs={
            "parameters": first.parameters,
            "multiply_adds": first.multiply_adds,
            "seconds": _mean([run.seconds for run in runs]),
            "prediction_seconds": _mean([run.prediction_seconds for run in runs]),
        },
        data=data_of(first),
        split=first.split,
        is_flattered=first.test_is_validation,
        runs=tuple(run.id for run in runs),
        seeds=len(runs),
        spread=spread,
        where=", ".join(sorted({run.device for run in runs if run.device})),
    )


def of_project() -> list[Entry]:
    """One point per model that the project measured as it was published, on MNIST."""
    entries = []
    for preset in presets().values():
        trainings = measured.of(preset.name)
        outcome = outcome_of_project(trainings)
        if outcome is not None:
            entries.append(
                Entry(
                    kind=PROJECT,
                    name=_title(preset),
                    accuracy=outcome.accuracy,
                    interval=outcome.interval,
                    costs={**_costs(preset), "seconds": outcome.seconds},
                    split=preset.training.split,
                    is_flattered=preset.training.test_is_validation,
                    preset=preset.name,
                    seeds=outcome.seeds,
                    spread=outcome.spread,
                    where=", ".join(sorted({each.machine for each in trainings})),
                )
            )
    return entries


def of_published(with_times: bool = False) -> list[Entry]:
    """One point per published test accuracy, with its interval by the number of test images.

    Args:
        with_times: Whether the time that a document printed counts as a cost; its machine is another one.
    """
    entries = []
    for preset in presets().values():
        published = preset.published
        if published is None or published.test_accuracy is None:
            continue
        images = _OF_A_POOL if preset.training.split.startswith("pooled") else _PUBLISHED_TEST_IMAGES
        entries.append(
            Entry(
                kind=PUBLISHED,
                name=_title(preset),
                accuracy=published.test_accuracy,
                interval=metrics.accuracy_interval(round(published.test_accuracy * images), images),
                costs={**_costs(preset), "seconds": published.wall_seconds if with_times else None},
                split=preset.training.split,
                is_flattered=preset.training.test_is_validation,
                preset=preset.name,
                where="the author's machine",
            )
        )
    return entries


def missing_words(entries: Sequence[Entry], cost: Cost) -> str:
    """How many of the user's own points lack a figure, and what helps: ``"12 of your points have no ..."``; else ""."""
    own = [entry for entry in entries if entry.kind == YOURS and entry.cost(cost.name) is None]
    if not own:
        return ""
    many = len(own) != 1
    figure = cost.label.lower()
    helps = f"; {cost.missing}" if cost.missing else ""
    return f"{len(own):,} of your points {'have' if many else 'has'} no {figure}{helps}."


def _title(preset: Preset) -> str:
    return f"{preset.title} (document {preset.study})" if preset.study.isdecimal() else preset.title


def _costs(preset: Preset) -> dict[str, float | None]:
    return {"parameters": preset.parameters, "multiply_adds": preset.analysis.multiply_adds}


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None and math.isfinite(value)]
    return sum(known) / len(known) if known else None

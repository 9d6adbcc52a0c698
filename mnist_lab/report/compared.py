"""`Compared`: everything that a report of two to ten runs says, as plain data; and where it is gathered from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_lab import comparison, paired, run_settings, seed_groups
from mnist_lab.comparison import Comparison
from mnist_lab.network_diff import Line, align
from mnist_lab.predictions import Predictions, read_predictions
from mnist_lab.report.record import pictures
from mnist_lab.seed_groups import Group, GroupComparison
from mnist_lab.store import Run, RunStore

MOST_IMAGES = 30


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Images over which two runs part, or which both get wrong.

    Attributes:
        name: ``"only_a"``, ``"only_b"`` or ``"neither"``.
        count: How many there are.
        indices: Which images of the data set the first of them are, the surest mistakes first; at most 30.
        labels: What these are.
        said: What each of the two says of them, and how surely: two pairs of digits and probabilities.
        images: The images, uint8 of shape ``(n, 28, 28)``; None if they are not on this machine.
    """

    name: str
    count: int
    indices: NDArray[np.int64]
    labels: NDArray[np.uint8]
    said: tuple[tuple[NDArray[np.int64], NDArray[np.float32]], ...]
    images: NDArray[np.uint8] | None


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """Runs held against each other at one moment.

    Attributes:
        runs: Two to ten.
        names: What they are called, by id; no two alike.
        made: The day.
        pairs: Every pair, in the order of the runs.
        groups: Runs that differ in their seed alone.
        group_pairs: Every pair of these.
        settings: What was not set alike, by the setting's name and the run's id.
        layers: The networks beside the first, layer by layer.
        histories: The course of each run, by id.
        moves: How the confusion matrix of the first becomes that of the second; None unless two can be compared.
        parts: The images that these two part over; as `moves`.
    """

    runs: tuple[Run, ...]
    names: dict[str, str]
    made: date
    pairs: tuple[Comparison, ...]
    groups: tuple[Group, ...]
    group_pairs: tuple[GroupComparison, ...]
    settings: dict[str, dict[str, Any]]
    layers: tuple[Line, ...]
    histories: dict[str, list[dict[str, Any]]]
    moves: paired.Moves | None = None
    parts: tuple[Part, ...] = ()

    @property
    def is_flattered(self) -> bool:
        """Whether an accuracy in it is of images that also served for validation."""
        return any(run.test_is_validation for run in self.runs)


def gather_runs(store: RunStore, runs: Sequence[Run], *, today: date | None = None) -> Compared:
    """Reads from the store what is known of some runs, and compares them.

    Args:
        store: Where their curves and predictions are.
        runs: Two to ten, each once.
        today: The date of the report.

    Raises:
        StoreError: If the store cannot be read.
    """
    groups = seed_groups.groups(runs)
    pairs = comparison.compare_all(store, runs)
    moves: paired.Moves | None = None
    parts: tuple[Part, ...] = ()
    if len(runs) == 2 and not pairs[0].reason:
        moves, parts = _apart(store, runs)
    return Compared(
        runs=tuple(runs),
        names=comparison.names_of(runs),
        made=today or date.today(),
        pairs=tuple(pairs),
        groups=tuple(groups),
        group_pairs=tuple(seed_groups.compare_groups(groups)),
        settings=run_settings.differing(runs),
        layers=tuple(align([run.network() for run in runs])),
        histories={run.id: list(store.history(run.id)) for run in runs},
        moves=moves,
        parts=parts,
    )


def _apart(store: RunStore, runs: Sequence[Run]) -> tuple[paired.Moves, tuple[Part, ...]]:
    first, second = (read_predictions(store, run) for run in runs)
    found = paired.sets(first.labels, first.digits, second.digits)
    parts = [_part(runs[0], name, getattr(found, name), first, second) for name in ("only_a", "only_b", "neither")]
    return paired.moves(first.labels, first.digits, second.digits), tuple(parts)


def _part(run: Run, name: str, where: NDArray[np.int64], first: Predictions, second: Predictions) -> Part:
    # Those first of which a network was surest and wrong.
    sure = np.max(
        [np.where(each.digits != each.labels, each.probabilities.max(axis=1), 0)[where] for each in (first, second)],
        axis=0,
    )
    shown = where[np.argsort(-sure, kind="stable")][:MOST_IMAGES]
    return Part(
        name=name,
        count=len(where),
        indices=first.indices[shown],
        labels=first.labels[shown],
        said=tuple((each.digits[shown], each.probabilities[shown].max(axis=1)) for each in (first, second)),
        images=pictures(run, first.indices[shown], first.labels[shown]),
    )

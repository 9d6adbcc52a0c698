"""A trial whose runs are being trained, as the driver of its sweep sees it."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mnist_lab.store import Run, RunStore, Trial
from mnist_lab.store.records import FINAL
from mnist_lab.sweeps.summary import curve_of, kept_accuracy

_NOT_SEEN: tuple[tuple[int, str], list[float]] = ((0, ""), [])


@dataclass
class OpenTrial:
    """A trial whose runs are being trained.

    Attributes:
        trial: As it was taken up.
        curve: By epoch, what the pruner was told.
        seen: By run, what was known of its history: epochs run and the status at its end, and the accuracy on the
            validation split by epoch.
        resumed: How often its runs were resumed.
        written: What the store was told last.
    """

    trial: Trial
    curve: list[float] = field(default_factory=list)
    seen: dict[str, tuple[tuple[int, str], list[float]]] = field(default_factory=dict)
    resumed: int = 0
    written: tuple[int, int] = (0, 0)

    @property
    def unfinished(self) -> int:
        """How many of its runs were queued or under way at the last look."""
        return sum(not self.seen.get(run_id, _NOT_SEEN)[0][1] for run_id in self.trial.runs)

    def look_at(self, store: RunStore, runs: Sequence[Run]) -> None:
        """Reads the histories of runs that have got further."""
        for run in runs:
            known = run.epochs_run, run.status if run.status in FINAL else ""
            if self.seen.get(run.id, (None,))[0] != known:
                self.seen[run.id] = known, curve_of(store.history(run.id))

    def figures(self, runs: Sequence[Run]) -> dict[str, Any]:
        """Mean and spread over the seeds of the accuracies of the weights that were kept; None if one is unknown."""
        known = [each for run in runs if (each := kept_accuracy(run, self.seen[run.id][1])) is not None]
        if len(known) < len(runs) or not known:
            return {"accuracy": None}
        return {"accuracy": statistics.fmean(known), "spread": statistics.stdev(known) if len(known) > 1 else None}

"""Many sweeps at once: how many trials of each are in which state, counted by the database."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, func, select

from mnist_lab.store import schema
from mnist_lab.store.database import reading
from mnist_lab.store.sweep_records import TRIAL_STATES

_trials = schema.trials.c


@dataclass(frozen=True, slots=True)
class StateCount:
    """The trials of a sweep in one state.

    Attributes:
        trials: How many.
        best: The highest of their accuracies, or None.
        epochs: That were trained for them.
    """

    trials: int
    best: float | None
    epochs: int


class SweepCounts:
    """The part of `RunStore` that counts trials."""

    _engine: Engine

    def sweep_counts(self) -> dict[str, dict[str, StateCount]]:
        """By sweep and by state the trials; a sweep without any is not in it."""
        query = select(
            _trials.sweep, _trials.state, func.count(), func.max(_trials.accuracy), func.sum(_trials.epochs)
        ).group_by(_trials.sweep, _trials.state)
        found: dict[str, dict[str, StateCount]] = {}
        with reading(self._engine) as connection:
            for sweep, state, trials, best, epochs in connection.execute(query):
                # Of a damaged row a text may stand where a number should.
                accuracy = best if isinstance(best, float) else None
                known = state if state in TRIAL_STATES else "failed"
                before = found.setdefault(sweep, {}).get(known, StateCount(0, None, 0))
                total = before.epochs + (int(epochs) if isinstance(epochs, int | float) else 0)
                found[sweep][known] = StateCount(before.trials + trials, accuracy, total)
        return found

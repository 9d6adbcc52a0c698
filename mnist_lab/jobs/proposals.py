"""What a proposal of a search comes to: whether it can be trained, its runs, and whether the budget has room for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from mnist_lab import limits
from mnist_lab.errors import LimitError, NoRoomError
from mnist_lab.store import NewRun, RunStore, SweepRecord, Trial
from mnist_lab.sweeps.candidates import Candidate, candidate
from mnist_lab.sweeps.sweep import Search, Sweep


def judged(store: RunStore, record: SweepRecord, sweep: Sweep, values: Mapping[str, Any]) -> Candidate:
    """What proposed values come to; what one person may not ask for counts as impossible.

    Args:
        store: The run store.
        record: The sweep, as the store has it.
        sweep: The same, read.
        values: By name of a dimension.

    Raises:
        NoRoomError: If the person has no room left on the disk, whatever is proposed.
    """
    made = candidate(sweep.architecture, sweep.training, sweep.dimensions, values)
    if made.problem is not None or made.parameters is None or made.training is None:
        return made
    try:
        limits.check_training(made.parameters, made.training.epochs)
        limits.check_room(store, record.person)
    except NoRoomError:
        raise
    except LimitError as error:
        return replace(made, problem=error.message)
    return made


def runs_for(sweep: Sweep, name: str, number: int, made: Candidate) -> tuple[NewRun, ...]:
    """The trainings of a trial, one for each seed; they never see the test images.

    Args:
        sweep: The sweep.
        name: Its name, of which theirs are made.
        number: The trial's.
        made: What is trained, a candidate without a problem.
    """
    assert made.architecture is not None and made.training is not None
    seeds, first = sweep.search.seeds, sweep.training.seed
    return tuple(
        NewRun(
            made.architecture,
            replace(made.training, seed=first + k, test_at_end=False),
            f"{name} {number}" + (f", seed {first + k}" if seeds > 1 else ""),
        )
        for k in range(seeds)
    )


def budget_spent(search: Search, trials: Collection[Trial], seconds: float) -> tuple[str, str] | None:
    """The status and the reason with which a sweep ends, if its budget is spent; else None.

    Args:
        search: The budget.
        trials: All so far.
        seconds: How long the sweep was driven.
    """
    trained = [trial for trial in trials if trial.state != "impossible"]
    if len(trained) >= search.trials:
        return "finished", f"All {search.trials:,} trials were made."
    if search.seconds is not None and seconds >= search.seconds:
        return "finished", f"Its {search.seconds:,} seconds are over."
    if search.epochs is not None and sum(trial.epochs for trial in trained) >= search.epochs:
        return "finished", f"Its {search.epochs:,} epochs were trained."
    return None

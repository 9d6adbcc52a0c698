"""What a sweep has come to, for the command line and for pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from mnist_lab import pareto
from mnist_lab.store import Run, SweepRecord, Trial
from mnist_lab.sweeps.search import best_of
from mnist_lab.sweeps.sweep import Sweep


def front_of(trials: Sequence[Trial], cost: str) -> list[Trial]:
    """The complete trials that no other beats in accuracy and cost, the cheapest first.

    Args:
        trials: Trials of one sweep.
        cost: ``"parameters"`` or ``"multiply_adds"``.
    """
    done = [each for each in best_of(trials) if getattr(each, cost) is not None]
    kept = pareto.front([getattr(each, cost) for each in done], [each.accuracy or 0.0 for each in done])
    return sorted((each for each, stays in zip(done, kept, strict=True) if stays), key=lambda each: getattr(each, cost))


def kept_accuracy(run: Run, curve: Sequence[float]) -> float | None:
    """The accuracy of a run on the validation split: that of the weights that were kept.

    Args:
        run: The run.
        curve: Its accuracy on the validation split, by epoch.
    """
    kept = run.kept_epoch
    return curve[kept - 1] if kept and kept <= len(curve) else run.validation_accuracy


def curve_of(history: Sequence[Mapping[str, Any]]) -> list[float]:
    """The accuracies of a history on the validation split; what is no share is as bad as can be."""
    values = (entry.get("val_accuracy") for entry in history)
    return [float(each) if isinstance(each, int | float) and 0 <= each <= 1 else 0.0 for each in values]


def counts_of(trials: Sequence[Trial]) -> dict[str, int]:
    """How many trials are in each state."""
    counts: dict[str, int] = {}
    for each in trials:
        counts[each.state] = counts.get(each.state, 0) + 1
    return counts


def to_json(record: SweepRecord, trials: Sequence[Trial] | None = None) -> dict[str, Any]:
    """A sweep as the command line prints it; the keys are part of the outside contract.

    Args:
        record: The sweep.
        trials: Its trials; None to leave them out.
    """
    document: dict[str, Any] = {
        "id": record.id,
        "name": record.name,
        "status": record.status,
        "reason": record.reason,
        "seconds": record.spent,
        "created": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="seconds"),
        "sweep": record.sweep,
    }
    if trials is None:
        return document
    cost = record.sweep.get("search", {}).get("cost")
    return {
        **document,
        "counts": counts_of(trials),
        "epochs": sum(each.epochs for each in trials),
        "best": [each.number for each in best_of(trials)[:10]],
        "front": None if cost is None else [each.number for each in front_of(trials, cost)],
        "trials": [trial_to_json(each) for each in trials],
    }


def trial_to_json(trial: Trial) -> dict[str, Any]:
    """A trial as the command line prints it."""
    names = (
        "number",
        "state",
        "values",
        "accuracy",
        "spread",
        "parameters",
        "multiply_adds",
        "epochs",
        "reason",
        "runs",
    )
    return {name: getattr(trial, name) for name in names}


def words_of(record: SweepRecord, trials: Sequence[Trial]) -> str:
    """How far a sweep has got, in a few words: ``"12 of 40 trials, 3 impossible"``."""
    counts = counts_of(trials)
    impossible = counts.pop("impossible", 0)
    wanted = Sweep.from_dict(record.sweep).search.trials if not record.is_damaged else 0
    words = [f"{sum(counts.values()):,} of {wanted:,} trials"]
    words += [f"{counts[state]:,} {state}" for state in ("running", "pruned", "failed") if counts.get(state)]
    return ", ".join([*words, *([f"{impossible:,} impossible"] if impossible else [])])

"""Training the best trials of a sweep anew, on seeds that it never used, with a look at the test images at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mnist_lab import limits, predictions
from mnist_lab.errors import LabError, SweepError
from mnist_lab.store import Run, RunStore, SweepRecord, Trial
from mnist_lab.store.artefacts import VALIDATION_PREDICTIONS
from mnist_lab.sweeps.candidates import candidate
from mnist_lab.sweeps.confirm import Confirmation, Fresh, chosen, confirmation, fresh_seeds
from mnist_lab.sweeps.summary import curve_of, kept_accuracy
from mnist_lab.sweeps.sweep import Sweep

BEST, SEEDS = 3, 5


def confirm(
    store: RunStore,
    record: SweepRecord,
    *,
    best: int = BEST,
    seeds: int = SEEDS,
    owner: str | None = None,
    person: str | None = None,
) -> list[Run]:
    """Queues the trainings that are missing to confirm the best trials of a sweep.

    Args:
        store: The run store.
        record: The sweep.
        best: How many of its trials.
        seeds: How many fresh seeds of each.
        owner: From `new_owner`, if this process trains them itself; None for the common queue.
        person: Who asks for it; None for the user of this process.

    Returns:
        The trainings that are not finished: those that were queued, and those that are under way.

    Raises:
        SweepError: If no trial is complete.
        LimitError: If one person may not ask for so many.
    """
    sweep = Sweep.from_dict(record.sweep)
    trials = chosen(sweep, store.trials(record.id), best)
    person = store.person_of_process() if person is None else person
    there = _fresh(store, record, trials)
    left = []
    for trial in trials:
        for seed in fresh_seeds(sweep, seeds):
            before = next((each for each in there[trial.number] if each.run.training.get("seed") == seed), None)
            if before is not None and before.is_done:
                continue
            if before is not None and before.run.status in ("queued", "running", "paused"):
                left.append(before.run)
                continue
            if before is not None and before.run.can_go_on:
                left.append(store.requeue(before.run.id, owner=owner, person=person, most_queued=limits.most_queued()))
                continue
            left.append(_queued(store, record, sweep, trial, seed, owner, person))
    return left


def _queued(
    store: RunStore, record: SweepRecord, sweep: Sweep, trial: Trial, seed: int, owner: str | None, person: str
) -> Run:
    made = candidate(sweep.architecture, sweep.training, sweep.dimensions, trial.values)
    if made.architecture is None or made.training is None or made.problem is not None:
        raise SweepError(
            f"Trial {trial.number} cannot be trained here: {made.problem}", "Confirm it where it was found."
        )
    limits.check(store, person, made.parameters or 0, made.training.epochs)
    return store.create(
        made.architecture,
        replace(made.training, seed=seed, test_at_end=True),
        name=f"{record.name} {trial.number} confirmed, seed {seed}",
        owner=owner,
        person=person,
        most_queued=limits.most_queued(),
        sweep=record.id,
        trial=trial.number,
    )


def confirmed(store: RunStore, record: SweepRecord, *, best: int = BEST, seeds: int = SEEDS) -> Confirmation:
    """What fresh seeds made of the best trials of a sweep, as far as they are trained.

    Args:
        store: The run store.
        record: The sweep.
        best: How many of its trials.
        seeds: How many fresh seeds of each.

    Raises:
        SweepError: If no trial is complete.
    """
    sweep = Sweep.from_dict(record.sweep)
    trials = chosen(sweep, store.trials(record.id), best)
    fresh = _fresh(store, record, trials)
    done = [each.run for runs in fresh.values() for each in runs if each.is_done]
    return confirmation(trials, fresh, fresh_seeds(sweep, seeds), _validation_images(store, done))


def _fresh(store: RunStore, record: SweepRecord, trials: Sequence[Trial]) -> dict[int, list[Fresh]]:
    """By number of a trial, its trainings that are none of the search's."""
    searched = {run_id for trial in trials for run_id in trial.runs}
    found: dict[int, list[Fresh]] = {trial.number: [] for trial in trials}
    for run in store.runs(sweep=record.id, trials=list(found)):
        if run.trial in found and run.id not in searched:
            accuracy = kept_accuracy(run, curve_of(store.history(run.id))) if run.status == "finished" else None
            found[run.trial].append(Fresh(run, accuracy))
    return found


def _validation_images(store: RunStore, runs: Sequence[Run]) -> int | None:
    for run in runs[:1]:
        try:
            return len(predictions.read_predictions(store, run, VALIDATION_PREDICTIONS).labels)
        except LabError:
            return None
    return None

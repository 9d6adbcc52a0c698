"""Who drives a sweep: it asks for trials, queues their runs, follows these through the store, and tells of their ends.

All that it knows is in the store, and is written before it is acted upon: whoever takes up a sweep, after whatever end
of the one before, goes on where that one was. A trial is made together with its runs, so that none is lost and none is
trained twice.
"""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mnist_lab.errors import JobError, LabError, NoRoomError
from mnist_lab.jobs.crew import Crew
from mnist_lab.jobs.open_trial import OpenTrial
from mnist_lab.jobs.processes import was_killed
from mnist_lab.jobs.proposals import budget_spent, judged, runs_for
from mnist_lab.store import NewTrial, Run, RunStore, SweepRecord
from mnist_lab.store.records import FINAL
from mnist_lab.sweeps.search import Search
from mnist_lab.sweeps.sweep import Sweep

# How often a driver says that it is there, and looks what people want of its sweep.
RENEW_SECONDS = 1.0
# Of the time between two looks no more counts as driven: the machine may have slept.
MOST_PER_LOOK = 10.0
# A run that was interrupted is resumed, up to so often for each trial.
MOST_RESUMED = 3
# After so many in a row there is something amiss with the space that is searched.
MOST_IMPOSSIBLE = 100
# After so many in a row there is something amiss with the machine, or with all of these trainings.
MOST_FAILED = 10
# In one look no more are proposed, so that the lease is renewed in time.
_MOST_AT_ONCE = 25

# Of many trainings each is looked at less often: a store has others to answer too.
_SECONDS_PER_TRIAL = 0.005
_MOST_SECONDS = 1.0

_log = logging.getLogger(__name__)


class LeaseLost(Exception):
    """Another drives the sweep by now."""


class Driver:
    """Drives one sweep, whose lease it has.

    Args:
        store: The run store.
        record: The sweep.
        name: Who drives it, as the lease says.
        crew: Who trains its runs; it is the driver's from now on.
        most_at_once: How many runs it may have under way; None for the size of the crew, which may change with a
            cluster's nodes.

    Attributes:
        most_at_once: The same; it may be changed.
        problem: Why nothing can be trained at present, or None.

    Raises:
        SweepError: If it cannot be read, or Optuna is not installed.
    """

    def __init__(
        self, store: RunStore, record: SweepRecord, name: str, crew: Crew, *, most_at_once: int | None = None
    ) -> None:
        self.store, self.record, self.name, self.crew = store, record, name, crew
        self.most_at_once = most_at_once
        self._sweep = Sweep.from_dict(record.sweep)
        self._trials = {trial.number: trial for trial in store.trials(record.id)}
        self._search = Search(self._sweep, list(self._trials.values()))
        self._open = {
            number: OpenTrial(trial, list(trial.curve), resumed=trial.resumed)
            for number, trial in self._trials.items()
            if trial.state == "running"
        }
        # Runs of trials that are decided, which have to end yet.
        self._leaving: dict[str, int] = {}
        self._asked: set[str] = set()
        self._take_up_runs()
        self._impossible = self._failed = 0
        self._ending: tuple[str, str] | None = None
        self._looked = self._not_before = time.monotonic()
        self._renewed, self._driven = self._looked - RENEW_SECONDS, 0.0

    def _take_up_runs(self) -> None:
        for run in self.store.runs(sweep=self.record.id):
            trial = self._trials.get(-1 if run.trial is None else run.trial)
            if trial is None or run.id not in trial.runs:
                continue
            if trial.state != "running":
                if run.status not in FINAL:
                    self._leaving[run.id] = trial.number
            elif run.status == "stopped":
                # With the sweep: by hand is told from that only while it is driven.
                self._asked.add(run.id)

    @property
    def problem(self) -> str | None:
        """Why nothing can be trained at present, in a sentence, or None."""
        return self.crew.problem

    @property
    def is_stopping(self) -> bool:
        """Whether a person wants it to stop."""
        return self.record.command == "stop"

    # One look -----------------------------------------------------------------------------------------------------

    def tick(self) -> bool:
        """Does what is to be done by now. Called a few times a second; it never blocks for long.

        Returns:
            Whether it is to be called again; else the sweep has ended, or is another's.

        Raises:
            LabError: If the store is away at present; the next call may do better.
            OSError: If no process can be started.
        """
        try:
            self._renew()
            self.crew.tick()
            if time.monotonic() < self._not_before and not self.is_stopping:
                return True
            self._not_before = time.monotonic() + min(_MOST_SECONDS, _SECONDS_PER_TRIAL * len(self._open))
            self._follow()
            self._see_off()
            if self.is_stopping:
                return self._stop()
            self._propose()
            return not self._is_done()
        except LeaseLost:
            _log.warning("sweep %s is driven by another", self.record.id)
            return False

    def close(self) -> None:
        """Leaves the sweep to the next who takes it; what is under way will go on from its last epoch."""
        self.crew.close()
        try:
            if self.store.renew_sweep(self.record.id, self.name) is None:
                return
            for run in self._runs_of(self._open.values()).values():
                # It was not its fault, and does not count.
                if run.status == "interrupted":
                    self._requeue(run)
            self.store.release_sweep(self.record.id, self.name)
            if self.is_stopping:
                # What a person wanted needs nobody who drives it.
                self.store.command_sweep(self.record.id, "stop")
        except LabError as error:
            _log.warning("%s", error)

    def _renew(self, *, now: bool = False) -> None:
        seconds = time.monotonic()
        self._driven += min(seconds - self._looked, MOST_PER_LOOK)
        self._looked = seconds
        if seconds - self._renewed < RENEW_SECONDS and not now:
            return
        record = self.store.renew_sweep(self.record.id, self.name, self._driven)
        if record is None:
            raise LeaseLost
        self._renewed, self._driven = seconds, 0.0
        if record.sweep != self.record.sweep:
            # It was extended.
            self._sweep, self._ending = Sweep.from_dict(record.sweep), None
            self._impossible = self._failed = 0
        self.record = record

    # What becomes of trials ---------------------------------------------------------------------------------------

    def _follow(self) -> None:
        runs = self._runs_of(self._open.values())
        for number, each in list(self._open.items()):
            mine = [runs.get(run_id) for run_id in each.trial.runs]
            there = [run for run in mine if run is not None]
            each.look_at(self.store, there)
            is_pruned = self._report(number, each, there)
            reason = self._mishap(each, mine)
            if reason is not None:
                self._end_trial(number, each, there, "failed", reason=reason)
            elif all(run.status == "finished" or self._is_whole(run) for run in there):
                self._end_trial(number, each, there, "complete", **each.figures(there))
            elif is_pruned:
                self._end_trial(number, each, there, "pruned", accuracy=each.curve[-1])
            else:
                self._write(number, each, there)

    def _runs_of(self, trials: Any) -> dict[str, Run]:
        ids = [run_id for each in trials for run_id in each.trial.runs]
        return {run.id: run for run in self.store.runs(ids=ids)} if ids else {}

    def _report(self, number: int, each: OpenTrial, runs: Sequence[Run]) -> bool:
        """Tells the pruner the epochs that all runs that have begun have behind them; whether it wants no more."""
        is_pruned = False
        curves = {run.id: each.seen[run.id][1] for run in runs}
        begun = [run for run in runs if run.is_active or curves[run.id]]
        while begun:
            epoch = len(each.curve) + 1
            values = [curve[epoch - 1] for curve in curves.values() if len(curve) >= epoch]
            if not values or any(len(curves[run.id]) < epoch and run.status not in FINAL for run in begun):
                break
            each.curve.append(statistics.fmean(values))
            wants_no_more = self._search.report(number, epoch, each.curve[-1])
            # What has no epoch left is not worth stopping.
            is_pruned = is_pruned or (wants_no_more and epoch < int(runs[0].training.get("epochs", 0)))
        return is_pruned

    def _mishap(self, each: OpenTrial, runs: Sequence[Run | None]) -> str | None:
        """Why a trial has failed, or None; runs that were interrupted are resumed."""
        for run in runs:
            if run is None:
                return "Its run was deleted."
            if run.status == "failed" and not was_killed(run):
                return run.reason or "Its training failed."
            if self.is_stopping or self._is_whole(run):
                continue
            if run.status == "stopped":
                if run.id not in self._asked:
                    return "Its training was stopped by hand."
                self._asked.discard(run.id)
                self._resume(each, run)
            elif run.status == "interrupted" or was_killed(run):
                if each.resumed >= MOST_RESUMED:
                    return f"Its training was interrupted {each.resumed + 1} times. {run.reason or ''}".strip()
                each.resumed += 1
                # Counted first: who ends between the two has resumed it once too seldom at most.
                self._set(each.trial.number, resumed=each.resumed)
                self._resume(each, run)
        return None

    def _resume(self, each: OpenTrial, run: Run) -> None:
        self._requeue(run)
        # It counts among those under way again.
        each.seen[run.id] = (run.epochs_run, ""), each.seen[run.id][1]

    def _requeue(self, run: Run) -> None:
        try:
            self.store.requeue(run.id, owner=self.record.owner)
        except JobError as error:
            _log.warning("%s", error)

    def _is_whole(self, run: Run) -> bool:
        """Whether it was stopped when it had nothing left to train."""
        return run.status == "stopped" and run.epochs_run >= int(run.training.get("epochs", 0))

    def _write(self, number: int, each: OpenTrial, runs: Sequence[Run]) -> None:
        """Tells the store how far a trial has got, where that is news."""
        epochs = sum(run.epochs_run for run in runs)
        if (news := (epochs, len(each.curve))) != each.written:
            each.written = news
            accuracy = each.curve[-1] if each.curve else None
            notes = self._search.notes(number)
            self._set(number, epochs=epochs, curve=each.curve, accuracy=accuracy, notes=notes)

    def _end_trial(self, number: int, each: OpenTrial, runs: Sequence[Run], state: str, **figures: Any) -> None:
        """Decides a trial: in the store first, then for the search, then for what still trains for it."""
        epochs = sum(run.epochs_run for run in runs)
        if state == "complete" and figures.get("accuracy") is None:
            state, figures = "failed", {"reason": "Its training has no accuracy on the validation split."}
        figures |= {"epochs": epochs, "curve": each.curve, "notes": self._search.notes(number), "ended": time.time()}
        self._set(number, state=state, **figures)
        trial = self._trials[number]
        cost = None if self._sweep.search.cost is None else getattr(trial, self._sweep.search.cost)
        self._search.tell(number, state, trial.accuracy, cost)
        del self._open[number]
        self._leaving |= {run.id: number for run in runs if run.status not in FINAL}
        self._failed = self._failed + 1 if state == "failed" else 0
        if self._failed >= MOST_FAILED:
            self._ending = "failed", f"{MOST_FAILED} trials in a row failed, the last one thus: {trial.reason}"
        _log.info("trial %d: %s", number, state)

    def _set(self, number: int, **values: Any) -> None:
        if not self.store.update_trial(self.record.id, self.name, number, **values):
            raise LeaseLost
        self._trials[number] = replace(self._trials[number], **values)

    def _see_off(self) -> None:
        """Stops what still trains for trials that are decided, and counts its epochs when it has ended."""
        if not self._leaving:
            return
        runs = {run.id: run for run in self.store.runs(ids=list(self._leaving))}
        for run_id, number in list(self._leaving.items()):
            run = runs.get(run_id)
            if run is not None and run.status not in FINAL:
                if run.command != "stop":
                    self.store.command(run_id, "stop")
                continue
            del self._leaving[run_id]
            trial = self._trials[number]
            epochs = sum(each.epochs_run for each in self.store.runs(ids=trial.runs))
            if epochs > trial.epochs:
                self._set(number, epochs=epochs)

    # The next trials ----------------------------------------------------------------------------------------------

    def _propose(self) -> None:
        unfinished = self._unfinished
        for _ in range(_MOST_AT_ONCE):
            if self._ending is not None or unfinished >= self._at_once + self._ahead:
                return
            self._ending = budget_spent(self._sweep.search, self._trials.values(), self.record.spent + self._driven)
            if self._ending is not None:
                return
            number = max(self._trials, default=-1) + 1
            proposal = self._search.ask(number)
            if proposal is None:
                self._ending = "finished", self._search.nothing_left
                return
            try:
                made = judged(self.store, self.record, self._sweep, proposal.values)
            except NoRoomError as error:
                self._ending = "failed", str(error)
                return
            runs = () if made.problem is not None else runs_for(self._sweep, self.record.name, number, made)
            trial = self.store.add_trial(
                self.record.id,
                self.name,
                NewTrial(
                    number, proposal.values, runs, made.problem, made.parameters, made.multiply_adds, proposal.notes
                ),
            )
            if trial is None:
                raise LeaseLost
            self._trials[number] = trial
            if made.problem is None:
                self._impossible = 0
                self._open[number] = OpenTrial(trial)
                unfinished += len(runs)
                continue
            self._search.tell(number, "impossible", None)
            self._impossible += 1
            if self._impossible >= MOST_IMPOSSIBLE and self._sweep.search.sampler != "grid":
                self._ending = (
                    "failed",
                    (f"The last {MOST_IMPOSSIBLE} proposals were impossible, the last one thus: {made.problem}"),
                )

    @property
    def _at_once(self) -> int:
        """How many runs there may be under way just now."""
        return self.crew.size if self.most_at_once is None else min(self.crew.size, self.most_at_once)

    @property
    def _ahead(self) -> int:
        """How many runs may wait, so that a worker that is done finds the next one at once.

        Only where a proposal rests on no result, and no limit could be reached before it begins.
        """
        search = self._sweep.search
        is_blind = search.sampler in ("random", "grid") and search.seconds is None and search.epochs is None
        # Of fewer than the crew would train the one that waits would not wait.
        return int(is_blind and self._at_once >= self.crew.size)

    @property
    def _unfinished(self) -> int:
        """How many runs were queued or under way at the last look."""
        return sum(each.unfinished for each in self._open.values()) + len(self._leaving)

    # Its end ------------------------------------------------------------------------------------------------------

    def _stop(self) -> bool:
        runs = self._runs_of(self._open.values())
        left = [run for run in runs.values() if run.status not in FINAL]
        for run in left:
            self._asked.add(run.id)
            if run.command != "stop":
                self.store.command(run.id, "stop")
        if left or self._leaving:
            return True
        self._end("stopped", None)
        return False

    def _is_done(self) -> bool:
        if self._ending is None or self._open or self._leaving:
            return False
        before = self.record
        self._renew(now=True)
        if self.record.sweep != before.sweep:
            return False
        self._end(*self._ending)
        return True

    def _end(self, status: str, reason: str | None) -> None:
        self.store.end_sweep(self.record.id, self.name, status, reason)
        _log.info("sweep %s: %s", self.record.id, status)
        self.crew.close()

"""Trainings by a real worker process: from the queue to their end, stopped, paused, killed."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from mnist_lab.architecture import Architecture
from mnist_lab.errors import ArchitectureError, JobError, TooLargeError
from mnist_lab.jobs import JobManager, local_crew, processes
from mnist_lab.jobs.processes import WorkerProcess, exit_words
from mnist_lab.layers import Conv2D, Dense, Flatten
from mnist_lab.niceness import NICENESS
from mnist_lab.store import Run, RunStore
from mnist_lab.store.artefacts import BEST, CHECKPOINT, LOG, MODEL, PREDICTIONS, VALIDATION_PREDICTIONS
from mnist_lab.store.database import open_engine
from mnist_lab.training_config import TrainingConfig
from tests.jobs.conftest import (
    FAST,
    LONG,
    SMALL,
    Lab,
    assert_curve_is_whole,
    assert_figures_follow_from_predictions,
    has_ended,
    has_trained,
    is_evaluated,
    is_stopped,
)

STOP_SECONDS = 2.0  # what a user is promised


def stop_within_the_promise(lab: Lab, run: Run) -> Run:
    """Stops a run, and says how long that took."""
    begin = time.monotonic()
    lab.manager.stop(run.id)
    stopped = lab.until(run, is_stopped)
    assert time.monotonic() - begin < STOP_SECONDS
    return stopped


def test_a_training_goes_from_the_queue_to_its_end_and_its_figures_are_what_its_predictions_say(lab: Lab) -> None:
    run = lab.submit(TrainingConfig(dataset="digits", epochs=3, batch_size=64), "first")
    assert run.status == "queued"
    run = lab.until(run, has_ended)
    assert (run.status, run.reason) == ("finished", None), lab.store.artefacts.log_tail(run.id)
    assert_curve_is_whole(lab.store, run)
    assert_figures_follow_from_predictions(lab.store, run)
    history = lab.store.history(run.id)
    assert len(history) == 3
    keys = ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds", "fit_seconds")
    assert all(entry[key] is not None for entry in history for key in keys)
    assert history[-1]["loss"] < history[0]["loss"]
    best = max(history, key=lambda entry: entry["val_accuracy"])
    assert (run.best_epoch, run.validation_accuracy) == (best["epoch"], best["val_accuracy"])
    assert run.validation_loss == best["val_loss"]
    assert run.kept_epoch == 3, "without early stopping the last epoch is kept"
    assert run.seconds == pytest.approx(sum(entry["seconds"] for entry in history))
    assert run.images_per_second and run.device
    assert (run.dataset, run.training_images, run.split) == ("digits", 1317, "holdout")
    assert run.created <= (run.started or 0) <= (run.ended or 0)
    assert run.progress and run.progress["phase"] == "done"
    kept = {path.name for path in lab.store.artefacts.folder(run.id).iterdir()}
    assert kept == {MODEL, PREDICTIONS, VALIDATION_PREDICTIONS, LOG}, f"{CHECKPOINT} and {BEST} are of no more use"


def test_the_worker_gives_way_to_the_page_and_waits_warm_for_the_next_run(lab: Lab) -> None:
    first = lab.trained()
    pid = first.pid
    assert psutil.Process(pid).nice() == min(psutil.Process().nice() + NICENESS, 19)
    assert lab.manager.is_warm
    again = lab.until(lab.submit(FAST), has_ended)
    assert (again.status, again.pid) == ("finished", pid)
    assert lab.manager.problem is None


def test_a_training_that_has_begun_lets_other_sessions_go_first_and_an_idle_worker_does_not(lab: Lab) -> None:
    run = lab.until(lab.submit(LONG), has_trained(1))
    session = Path(f"/proc/{run.pid}/autogroup")
    if not session.is_file() or not session.read_text():
        pytest.skip("only a Linux that shares its processor among sessions")
    assert session.read_text().endswith(f" nice {NICENESS}\n")
    run = stop_within_the_promise(lab, run)
    lab.until(run, lambda _: session.read_text().endswith(" nice 0\n"))


def test_a_stop_is_obeyed_within_two_seconds_and_what_was_learnt_is_kept_and_goes_on_from_there(lab: Lab) -> None:
    run = lab.until(lab.submit(LONG, "to stop"), has_trained(2))
    stopped = stop_within_the_promise(lab, run)
    assert stopped.reason is None
    assert stopped.kept_epoch == stopped.epochs_run >= 2
    assert lab.store.artefacts.has(run.id, MODEL)
    evaluated = lab.until(run, is_evaluated)
    assert evaluated.status == "stopped", "evaluating it does not wake it up"
    assert_figures_follow_from_predictions(lab.store, run)
    before = lab.store.history(run.id)

    lab.manager.resume(run.id)
    lab.until(run, has_trained(len(before) + 2))
    stop_within_the_promise(lab, run)
    after = lab.store.history(run.id)
    assert after[: len(before)] == before, "what was learnt before is not done again"
    assert after[len(before)]["loss"] < before[0]["loss"]
    assert_curve_is_whole_after_a_stop(lab, run)


def assert_curve_is_whole_after_a_stop(lab: Lab, run: Run) -> None:
    lab.store.rewind(run.id, lab.store.get(run.id).epochs_run)  # the epoch that was begun and not ended
    assert_curve_is_whole(lab.store, run)


def test_a_paused_training_makes_no_progress_and_goes_on_where_it_was(lab: Lab) -> None:
    run = lab.until(lab.submit(LONG, "to pause"), has_trained(1))
    lab.manager.pause(run.id)
    lab.until(run, lambda now: now.status == "paused")
    time.sleep(0.6)  # what was on its way has arrived
    paused, points = lab.store.get(run.id), lab.store.points(run.id)
    time.sleep(1.0)
    later = lab.store.get(run.id)
    assert later.status == "paused"
    assert later.progress == paused.progress
    assert lab.store.points(run.id) == points
    assert (later.heartbeat or 0) > (paused.heartbeat or 0), "it shows that it lives"
    lab.manager.resume(run.id)
    on = lab.until(run, has_trained(later.epochs_run + 2))
    slowest = lab.store.history(run.id)[later.epochs_run]["seconds"]
    assert slowest < 1.6 + 60 * min(entry["seconds"] for entry in lab.store.history(run.id))
    lab.manager.pause(run.id)
    lab.until(run, lambda now: now.status == "paused")
    stop_within_the_promise(lab, run)
    assert lab.store.get(run.id).epochs_run >= on.epochs_run
    lab.until(run, is_evaluated)


def test_queued_trainings_run_one_at_a_time_in_the_order_that_the_user_gave_them(lab: Lab) -> None:
    first = lab.until(lab.submit(LONG, "a"), has_trained(1))
    b, c, d = (lab.submit(FAST, name) for name in "bcd")
    lab.store.move_in_queue(d.id, -2)
    assert [run.name for run in lab.store.queue()] == ["d", "b", "c"]
    lab.manager.stop(b.id)
    assert lab.store.get(b.id).reason == "Cancelled while queued."
    stop_within_the_promise(lab, first)
    c, d = (lab.until(run, has_ended) for run in (c, d))
    assert (c.status, d.status, lab.store.get(b.id).status) == ("finished", "finished", "stopped")
    assert lab.store.get(b.id).started is None
    assert (d.started or 0) < (d.ended or 0) <= (c.started or 0)


def test_a_killed_worker_is_a_failed_run_with_its_reason_and_another_takes_the_next(lab: Lab) -> None:
    run = lab.until(lab.submit(LONG, "to kill"), has_trained(2))
    waiting = lab.submit(FAST, "next")
    assert run.pid is not None
    os.kill(run.pid, signal.SIGKILL)
    failed = lab.until(run, has_ended)
    assert failed.status == "failed"
    assert (failed.reason or "").startswith("The training process was ended by signal SIGKILL")
    assert "memory" in (failed.reason or "")
    before = lab.store.history(run.id)
    done = lab.until(waiting, has_ended)
    assert done.status == "finished"
    assert done.pid != run.pid

    lab.manager.resume(run.id)
    lab.until(run, has_trained(len(before) + 2))
    stop_within_the_promise(lab, run)
    assert lab.store.history(run.id)[: len(before)] == before
    assert_curve_is_whole_after_a_stop(lab, run)


# Without a worker ---------------------------------------------------------------------------------------------------


@pytest.fixture
def idle(tmp_path: Path) -> JobManager:
    """A manager that has not begun: what it is given stays in the queue."""
    return JobManager(RunStore(open_engine(f"sqlite:///{tmp_path / 'lab.db'}"), tmp_path), autostart=False)


def test_an_impossible_network_and_one_that_does_not_fit_are_refused_and_not_queued(idle: JobManager) -> None:
    with pytest.raises(ArchitectureError, match="Conv2D"):
        idle.submit(Architecture((Conv2D(4, (29, 29)), Flatten(), Dense(10))), FAST)
    same = Conv2D(512, padding="same")
    with pytest.raises(TooLargeError, match="of memory"):
        idle.submit(Architecture((same, same, Flatten(), Dense(25_000), Dense(10))), FAST)
    assert idle.store.runs() == []


def test_a_finished_run_cannot_be_resumed(idle: JobManager) -> None:
    run = idle.submit(SMALL, FAST)
    idle.store.claim("w", 1)
    idle.store.end(run.id, "finished")
    with pytest.raises(JobError):
        idle.resume(run.id)


def test_a_worker_that_does_not_start_is_said_and_tried_again_ever_more_rarely(
    idle: JobManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts = []

    class Fails(WorkerProcess):
        def __init__(self, task: str, *more: object) -> None:
            starts.append(time.monotonic())
            super().__init__(task)

    monkeypatch.setattr(local_crew, "WorkerProcess", Fails)
    monkeypatch.setattr(local_crew, "RETRY_SECONDS", (0.3, 0.6, 60.0))
    monkeypatch.setattr(idle.inference, "start", lambda: None)
    monkeypatch.setattr(processes.sys, "executable", "/bin/false")
    idle._not_before = 0.0
    run = idle.submit(SMALL, FAST)
    idle.start()
    limit = time.monotonic() + 30
    while len(starts) < 3 and time.monotonic() < limit:
        time.sleep(0.05)
    time.sleep(0.8)
    assert idle.problem == "The training engine does not start (it ended with exit status 1)."
    idle.close()
    assert len(starts) == 3
    assert starts[2] - starts[1] > starts[1] - starts[0] >= 0.3
    assert idle.store.get(run.id).status == "queued", "the run waits for a better time"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0, "ended with exit status 0"),
        (3, "ended with exit status 3"),
        (-signal.SIGTERM, "was ended by signal SIGTERM"),
        (-signal.SIGKILL, "was ended by signal SIGKILL; the system does that when memory runs out"),
        (
            -signal.SIGABRT,
            "was ended by signal SIGABRT; that happens when memory runs out, or by a fault of the engine",
        ),
        (-250, "was ended by signal 250"),
    ],
)
def test_an_exit_status_is_put_into_words(status: int, words: str) -> None:
    assert exit_words(status) == words


@pytest.mark.parametrize("status", [1, -signal.SIGABRT, -signal.SIGKILL])
@pytest.mark.parametrize(
    "said", ["terminate called ...\n  what():  std::bad_alloc", "MemoryError", "OOM when allocating"]
)
def test_a_process_that_said_so_had_no_more_memory(status: int, said: str) -> None:
    assert "; memory ran out: use a smaller batch or a smaller network" in exit_words(status, said)

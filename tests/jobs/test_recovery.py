"""What is left when the program is killed in the middle of a training, and how it goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from mnist_lab.jobs import JobManager
from mnist_lab.store import RunStore
from mnist_lab.store.artefacts import CHECKPOINT
from tests.jobs.conftest import (
    LONG,
    SMALL,
    assert_curve_is_whole,
    assert_figures_follow_from_predictions,
    environment,
    has_ended,
    has_trained,
    is_stopped,
    kill,
    place,
    until,
)

# The server, as far as trainings go: it queues two and sleeps.
SERVER = """\
import time
from mnist_lab.jobs import JobManager
from mnist_lab.store import open_store
from mnist_lab.training_config import TrainingConfig
from tests.jobs.conftest import LONG, SMALL
manager = JobManager(open_store(), autostart=False)
manager.inference.start = lambda: None
for config in (TrainingConfig(dataset="digits", epochs=8, batch_size=16), LONG):
    print(manager.submit(SMALL, config).id, flush=True)
manager.start()
time.sleep(600)
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    with place(tmp_path / "home") as store:
        yield store


def is_gone(pid: int | None) -> bool:
    try:
        return pid is None or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_trainings_outlive_the_program_and_are_resumed_where_they_were_when_their_process_was_killed_too(
    store: RunStore, tmp_path: Path
) -> None:
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER], env=environment(store.artefacts.root), stdout=subprocess.PIPE, text=True
    )
    with server:
        assert server.stdout is not None
        short, long = (store.get(server.stdout.readline().strip()) for _ in range(2))
        short = until(store, short, has_trained(1))
        server.kill()
    assert is_gone(server.pid)
    assert store.get(short.id).epochs_run < 8, "the program was killed in mid-training"
    short = until(store, short, has_ended)
    assert short.status == "finished"
    assert_curve_is_whole(store, short)
    assert_figures_follow_from_predictions(store, short)

    time.sleep(1.0)
    assert store.get(long.id).status == "queued", "what waits is for the next program"
    earlier = JobManager(store, autostart=False)
    earlier.inference.start = lambda: None  # type: ignore[method-assign]
    earlier.start()
    long = until(store, long, has_trained(2))
    earlier.close()
    manager = JobManager(store, autostart=False)
    manager.inference.start = lambda: None  # type: ignore[method-assign]
    manager.start()
    time.sleep(1.0)
    assert store.get(long.id).status == "running", "a new program leaves alone what is well"
    manager.pause(long.id)
    until(store, long, lambda run: run.status == "paused")
    manager.resume(long.id)
    until(store, long, has_trained(3))

    assert long.pid is not None
    os.kill(long.pid, signal.SIGKILL)
    assert earlier._worker is not None
    interrupted = until(store, long, has_ended)
    assert earlier._worker.wait(30) == -signal.SIGKILL
    assert interrupted.status == "interrupted"
    assert "Resume" in (interrupted.reason or "")
    assert interrupted.can_go_on
    assert store.artefacts.has(long.id, CHECKPOINT)
    before = store.history(long.id)

    manager.resume(long.id)
    again = until(store, long, has_trained(len(before) + 2))
    assert again.pid != long.pid
    manager.close()
    epochs = store.get(long.id).epochs_run
    until(store, long, has_trained(epochs + 2))  # a training that is under way goes on when the program is closed
    store.command(long.id, "stop")
    stopped = until(store, long, is_stopped)
    assert stopped.config() == LONG and stopped.network() == SMALL
    after = store.history(long.id)
    assert after[: len(before)] == before
    # It went on with what it had learnt: a fresh network would begin far above.
    assert after[len(before)]["loss"] < (before[0]["loss"] + before[-1]["loss"]) / 2
    store.rewind(long.id, stopped.epochs_run)
    assert_curve_is_whole(store, stopped)
    until(store, long, lambda run: run.test_accuracy is not None)
    kill(again.pid)
    assert manager._worker is not None
    manager._worker.wait(30)

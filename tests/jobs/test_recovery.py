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
    crew_of,
    environment,
    has_ended,
    has_trained,
    is_stopped,
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


def test_a_training_outlives_a_killed_program_and_ends_with_a_closed_one_to_be_resumed_where_it_was(
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
    until(store, long, has_trained(2))
    (worker,) = crew_of(earlier).processes
    begin = time.monotonic()
    earlier.close()
    assert time.monotonic() - begin < 5, "what is promised"
    assert worker.exit_status == 0
    closed = store.get(long.id)
    assert closed.status == "interrupted" and closed.can_go_on
    assert closed.reason == "The program or the machine was ended while it trained. Resume it from its last epoch."
    kept = store.history(long.id)

    another = JobManager(store, autostart=False)
    another.inference.start = lambda: None  # type: ignore[method-assign]
    another.start()
    time.sleep(1.0)
    assert store.get(long.id).status == "interrupted", "whether it goes on is the user's to say"
    another.resume(long.id)
    long = until(store, long, has_trained(len(kept) + 1))
    assert store.history(long.id)[: len(kept)] == kept
    manager = JobManager(store, autostart=False)
    manager.inference.start = lambda: None  # type: ignore[method-assign]
    manager.start()
    time.sleep(1.0)
    assert store.get(long.id).status == "running", "a second program leaves alone what is well"
    manager.close()
    until(store, long, has_trained(store.get(long.id).epochs_run + 1))  # it ends its own worker only
    manager = JobManager(store, autostart=False)
    manager.inference.start = lambda: None  # type: ignore[method-assign]
    manager.start()
    manager.pause(long.id)
    until(store, long, lambda run: run.status == "paused")
    manager.resume(long.id)
    until(store, long, has_trained(3))

    assert long.pid is not None
    os.kill(long.pid, signal.SIGKILL)
    interrupted = until(store, long, has_ended)
    assert interrupted.status in ("failed", "interrupted"), "by whichever program sees it first"
    assert "SIGKILL" in (interrupted.reason or "") or "Resume" in (interrupted.reason or "")
    another.close()
    assert interrupted.can_go_on
    assert store.artefacts.has(long.id, CHECKPOINT)
    before = store.history(long.id)

    manager.resume(long.id)
    again = until(store, long, has_trained(len(before) + 2))
    assert again.pid != long.pid
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
    manager.close()
    assert is_gone(again.pid)

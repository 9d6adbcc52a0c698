"""Runs whose worker is gone or hangs, told from those whose worker is slow, stopped, asleep or elsewhere."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from mnist_lab.errors import StoreError
from mnist_lab.jobs import end_lost, lost
from mnist_lab.jobs.lost import Watch, worker_of
from mnist_lab.store import Run, RunStore
from mnist_lab.store.records import STALE_SECONDS
from tests.jobs.conftest import FAST, SMALL, place


class Clock:
    """The watch's own clock, wound by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    with place(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(lost.time, "monotonic", made)
    return made


@contextmanager
def process(name: str) -> Iterator[psutil.Popen]:
    """A living process with a worker's name among its words."""
    words = [sys.executable, "-c", "input()", "mnist_lab.worker", "train", "--name", name]
    with psutil.Popen(words, stdin=subprocess.PIPE) as made:
        try:
            yield made
        finally:
            if made.poll() is None:
                made.kill()


def begun(store: RunStore, worker: str, **figures: object) -> str:
    run = store.create(SMALL, FAST, owner=worker)
    store.claim(worker, 1, own=True)
    # Whatever the test says is the worker's process, `place` must not end this one for it.
    store.set_figures(run.id, **figures)
    return run.id


def ids(runs: list[Run]) -> set[str]:
    return {run.id for run in runs}


def test_runs_of_this_machine_are_known_by_their_process_and_those_of_others_by_their_silence(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lost, "SECOND_LOOK_SECONDS", 0.5)
    with process("train-d") as alive, process("train-x") as gone:
        gone.kill()
        gone.wait()
        long_ago = time.time() - STALE_SECONDS - 5
        ended = {
            begun(store, "train-a", pid=gone.pid),
            begun(store, "train-b", pid=1, heartbeat=time.time()),  # another program has the number now
            begun(store, "train-c", host="elsewhere", heartbeat=long_ago),
            begun(store, "train-g", pid=alive.pid, heartbeat=time.time()),  # another worker has it
        }
        slow_clock = begun(store, "train-f", host="elsewhere", heartbeat=long_ago)
        kept = {
            begun(store, "train-d", pid=alive.pid, heartbeat=long_ago),  # the machine slept
            begun(store, "train-e", host="elsewhere", heartbeat=time.time()),
            begun(store, "own", pid=gone.pid),
            slow_clock,
        }
        waiting = store.create(SMALL, FAST).id
        # The clock of its machine is late, but it beats.
        beat = threading.Timer(0.2, lambda: store.set_figures(slow_clock, heartbeat=long_ago + 0.2))
        beat.start()
        assert ids(end_lost(store, {"own"})) == ended
        beat.join()
        assert {store.get(run).status for run in ended} == {"interrupted"}
        assert all("Resume" in (store.get(run).reason or "") for run in ended)
        assert {store.get(run).status for run in kept} == {"running"}
        assert store.get(waiting).status == "queued"
        store.set_figures(slow_clock, heartbeat=time.time())
        assert end_lost(store, {"own"}) == []


def test_a_worker_is_a_process_of_its_name_that_is_alive(store: RunStore) -> None:
    with process("train-1") as mine:
        run = store.get(begun(store, "train-1", pid=mine.pid))
        found = worker_of(run)
        assert found is not None and found.pid == mine.pid
        assert worker_of(store.get(begun(store, "train-2", pid=mine.pid))) is None, "that is another's"
        mine.kill()
        while mine.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        assert worker_of(run) is None, "a zombie does no work"
    assert worker_of(run) is None


def look(store: RunStore, watch: Watch, clock: Clock, seconds: float, step: float = 0.25) -> set[str]:
    """Looks for a while as a manager does; which runs were ended."""
    ended = set()
    until = clock.now + seconds
    while clock.now < until:
        clock.now += step
        ended |= ids(end_lost(store, watch=watch))
    return ended


def test_a_worker_that_lives_and_is_silent_is_killed_and_one_that_is_held_is_left_alone(
    store: RunStore, clock: Clock
) -> None:
    with process("train-1") as hangs, process("train-2") as held, process("train-3") as well:
        watch = Watch(60.0)
        runs = [begun(store, f"train-{index}", pid=each.pid) for index, each in enumerate((hangs, held, well), 1)]
        held.send_signal(signal.SIGSTOP)
        while held.status() != psutil.STATUS_STOPPED:
            time.sleep(0.01)
        ended = set()
        for second in range(59):
            store.set_figures(runs[2], heartbeat=1000.0 - second)  # its clock goes backwards
            ended |= look(store, watch, clock, 1.0)
        assert not ended
        for second in range(100):
            store.set_figures(runs[2], heartbeat=2000.0 + second)
            ended |= look(store, watch, clock, 1.0)
        assert ended == {runs[0]}
        assert hangs.wait(10) == -signal.SIGKILL
        run = store.get(runs[0])
        assert run.status == "interrupted" and run.can_go_on
        assert run.reason == (
            "Its training process gave no sign of life for 60 seconds and was ended. Resume it from its last epoch."
        )
        assert {store.get(each).status for each in runs[1:]} == {"running"}
        assert held.is_running() and well.is_running()


def test_time_in_which_nobody_looked_is_held_against_nobody(store: RunStore, clock: Clock) -> None:
    with process("train-1") as slept:
        watch = Watch(60.0, most_per_look=1.0)
        run = begun(store, "train-1", pid=slept.pid)
        assert not look(store, watch, clock, 50.0)
        for _ in range(3):
            clock.now += 3600.0  # the machine slept
            assert not look(store, watch, clock, 0.25)
        assert look(store, watch, clock, 20.0) == {run}


def test_a_run_of_another_machine_is_judged_by_whether_its_heartbeat_changes_whatever_its_clock_says(
    store: RunStore, clock: Clock
) -> None:
    watch = Watch(60.0)
    now = time.time()
    dead = {begun(store, f"d{ahead}", host="elsewhere", heartbeat=now + ahead) for ahead in (-3600, 0, 3600)}
    alive = {begun(store, f"a{ahead}", host="elsewhere", heartbeat=now + ahead): ahead for ahead in (-3600, 0, 3600)}
    ended = set()
    for second in range(70):
        for run, ahead in alive.items():
            store.set_figures(run, heartbeat=now + ahead + second * 0.25)
        ended |= look(store, watch, clock, 1.0)
    assert ended == dead
    assert {store.get(run).reason for run in dead} == {
        "The program or the machine was ended while it trained. Resume it from its last epoch."
    }


def test_while_the_store_cannot_be_written_nobody_is_killed_for_being_silent(
    store: RunStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with process("train-1") as well:
        watch = Watch(60.0)
        run = begun(store, "train-1", pid=well.pid)
        end = store.end

        def full(*_: object, **__: object) -> bool:
            raise StoreError("The run store cannot be written (disk full).")

        monkeypatch.setattr(store, "end", full)
        with pytest.raises(StoreError):
            look(store, watch, clock, 61.0)
        monkeypatch.setattr(store, "end", end)
        assert not look(store, watch, clock, 30.0), "there is room again, and the worker gets its time to say so"
        assert well.is_running() and well.status() != psutil.STATUS_ZOMBIE
        assert look(store, watch, clock, 31.0) == {run}

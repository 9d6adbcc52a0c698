"""Several workers for the queued runs of one owner: real ones, and such as never begin."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from mnist_lab.jobs import devices, end_lost, local_crew, processes
from mnist_lab.jobs.local_crew import LocalCrew
from mnist_lab.store import Run, RunStore
from mnist_lab.store.artefacts import PREDICTIONS
from mnist_lab.training_config import TrainingConfig
from tests.jobs.conftest import FAST, LONG, PATIENCE, SMALL, assert_curve_is_whole, has_ended, place

TICK = 0.1
TWELVE = TrainingConfig(dataset="digits", epochs=12, batch_size=16)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    with place(tmp_path / "home") as store:
        yield store


def tick_until(crew: LocalCrew, condition: Callable[[], object], patience: float = PATIENCE) -> None:
    limit = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < limit, [run.status for run in crew.store.runs()]
        crew.tick()
        time.sleep(TICK)


def now(store: RunStore, runs: list[Run]) -> list[Run]:
    return [store.get(run.id) for run in runs]


def test_two_workers_share_the_runs_of_one_owner_stay_warm_and_end_what_they_have_in_hand(store: RunStore) -> None:
    other = store.create(SMALL, FAST, owner="somebody else")
    crew = LocalCrew(store, "me", 2)
    crew.tick()
    assert not crew.is_warm, "where nothing is queued nothing is started"
    first = store.create(SMALL, LONG, owner="me")
    crew.tick()
    crew.tick()
    assert len(crew.processes) == 1, "nor more than there are runs for"
    runs = [store.create(SMALL, TWELVE, owner="me") for _ in range(3)]
    tick_until(crew, lambda: len({run.pid for run in store.active()}) == 2)
    pids = {process.pid for process in crew.processes}
    assert len(pids) == 2
    # Another program, or another crew of this one, leaves the runs of these alone.
    assert end_lost(store) == []
    tick_until(crew, lambda: all(map(has_ended, now(store, runs))))
    first, *runs = now(store, [first, *runs])
    assert first.status == "running" and first.epochs_run > 0, "which went on all the time"
    assert [run.status for run in runs] == ["finished"] * 3
    assert {run.pid for run in runs} == pids - {first.pid}
    for run in runs:
        assert_curve_is_whole(store, run)
    cores = devices.cores()
    assert {run.device for run in [first, *runs]} == {
        f"CPU, {cores // 2} of {cores} cores" if cores > 1 else "CPU, 1 core"
    }

    later = store.create(SMALL, FAST, owner="me")
    tick_until(crew, lambda: has_ended(store.get(later.id)))
    assert store.get(later.id).pid in pids, "warm workers wait for what comes next"
    store.command(first.id, "stop")
    tick_until(crew, lambda: has_ended(store.get(first.id)))
    workers = crew.processes
    crew.finish(60.0)
    assert [worker.exit_status for worker in workers] == [0, 0]
    assert store.get(first.id).status == "stopped"
    assert store.artefacts.has(first.id, PREDICTIONS), "what was stopped is evaluated before its worker goes"
    assert store.get(other.id).status == "queued"


# Workers that never begin ---------------------------------------------------------------------------------------------


@pytest.fixture
def stuck(store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[LocalCrew]]:
    """Crews to be closed; whatever they start as a worker hangs before it has looked at the store."""
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "import time; time.sleep(600)" "$@"\n')
    python.chmod(0o700)
    monkeypatch.setattr(processes.sys, "executable", str(python))
    monkeypatch.setattr(local_crew, "START_SECONDS", 0.5)
    monkeypatch.setattr(local_crew, "RETRY_SECONDS", (0.2,))
    crews: list[LocalCrew] = []
    yield crews
    for crew in crews:
        crew.close()


def test_a_worker_that_hangs_before_it_has_taken_a_run_is_replaced_and_the_run_waits(
    store: RunStore, stuck: list[LocalCrew]
) -> None:
    crew = LocalCrew(store, None, 1)
    stuck.append(crew)
    crew.keeps_warm = True
    crew.tick()
    (first,) = crew.processes
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        crew.tick()
        time.sleep(TICK)
    assert crew.processes == [first] and crew.problem is None, "nothing waits for it"
    run = store.create(SMALL, FAST)
    tick_until(crew, lambda: crew.processes not in ([first], []), 10)
    assert first.wait(5) == -signal.SIGKILL
    assert crew.problem == "The training engine does not start (it did nothing for 0.5 s and was ended)."
    assert store.get(run.id).status == "queued"


def test_where_nobody_would_wait_the_run_that_it_was_to_begin_with_fails_and_then_the_next(
    store: RunStore, stuck: list[LocalCrew]
) -> None:
    runs = [store.create(SMALL, FAST, owner="me") for _ in range(2)]
    crew = LocalCrew(store, "me", 1, patient=False)
    stuck.append(crew)
    tick_until(crew, lambda: has_ended(store.get(runs[0].id)), 10)
    assert store.get(runs[1].id).status == "queued"
    tick_until(crew, lambda: has_ended(store.get(runs[1].id)), 10)
    assert [(run.status, run.reason) for run in now(store, runs)] == [
        ("failed", "The training process did nothing for 0.5 s and was ended.")
    ] * 2


def test_a_worker_that_somebody_holds_is_not_blamed_for_doing_nothing(store: RunStore, stuck: list[LocalCrew]) -> None:
    store.create(SMALL, FAST)
    crew = LocalCrew(store, None, 1)
    stuck.append(crew)
    crew.tick()
    (worker,) = crew.processes
    held = psutil.Process(worker.pid)
    held.suspend()
    while held.status() != psutil.STATUS_STOPPED:
        time.sleep(0.01)
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        crew.tick()
        time.sleep(TICK)
    assert crew.processes == [worker]
    held.resume()
    tick_until(crew, lambda: worker not in crew.processes, 10)


def test_a_crew_that_is_closed_ends_all_its_workers_within_seconds_and_starts_no_more(
    store: RunStore, stuck: list[LocalCrew]
) -> None:
    for _ in range(3):
        store.create(SMALL, FAST, owner="me")
    crew = LocalCrew(store, "me", 3)
    stuck.append(crew)
    crew.tick()
    workers = crew.processes
    assert len(workers) == 3
    taken = store.claim(workers[0].name, workers[0].pid, owner="me")
    assert taken is not None
    begin = time.monotonic()
    crew.close()
    assert time.monotonic() - begin < 5
    assert all(worker.exit_status is not None for worker in workers)
    assert store.get(taken.id).status == "interrupted"
    crew.tick()
    assert crew.processes == []
    crew.close()

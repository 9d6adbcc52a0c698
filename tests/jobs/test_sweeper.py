"""The program's own thread that drives sweeps: what it takes up, how sweeps share the machine, what it leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mnist_lab.errors import SweepError
from mnist_lab.jobs import JobManager, sweeper
from mnist_lab.jobs.sweeper import Sweeper, start_sweep
from mnist_lab.store import RunStore
from mnist_lab.store.database import open_engine
from mnist_lab.store.records import FINAL
from mnist_lab.sweeps.dimensions import IntegerRange
from mnist_lab.sweeps.sweep import Sweep
from tests.jobs.conftest import PATIENCE, kill, place
from tests.sweeps.fakes import NETWORK, FakeCrew, sweep

pytest.importorskip("optuna")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    opened = RunStore(open_engine(f"sqlite:///{tmp_path / 'lab.db'}"), tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def thread(store: RunStore) -> Iterator[Callable[..., Sweeper]]:
    made: list[Sweeper] = []

    def start(size: int = 2, crew: Any = FakeCrew) -> Sweeper:
        made.append(Sweeper(store, crew=crew, size=size))
        made[-1].start()
        return made[-1]

    yield start
    for each in made:
        each.close()


def until(condition: Callable[[], Any], seconds: float = 30.0) -> Any:
    limit = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < limit, "it never came to that"
        time.sleep(0.02)
    return found


def test_it_drives_what_is_started_and_what_another_left(
    store: RunStore, thread: Callable[..., Sweeper], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeper, "TICK_SECONDS", 0.01)
    left = store.create_sweep(sweep(trials=2).to_dict(), name="left", driver="alone/nowhere/1/1-a")
    assert store.take_sweep(left.id, f"alone/{store.host[:50]}/999999999/1-a", lost=left)
    here = thread()
    until(lambda: store.get_sweep(left.id).status == "finished")
    made = start_sweep(store, sweep(trials=3), "p")
    here.look_now()
    done = until(lambda: (each := store.get_sweep(made.id)).status == "finished" and each)
    assert done.person == "p" and len(store.trials(made.id)) == 3
    assert here.problem is None


def test_sweeps_share_what_may_be_trained_at_once_and_more_than_that_wait(
    store: RunStore, thread: Callable[..., Sweeper]
) -> None:
    crews: list[FakeCrew] = []

    def idle(store: RunStore, owner: str, size: int) -> FakeCrew:
        crews.append(FakeCrew(store, owner, size))
        crews[-1].is_idle = True
        return crews[-1]

    records = [start_sweep(store, sweep(trials=50)) for _ in range(3)]
    thread(2, idle)
    until(lambda: len(crews) == 2 and len(store.runs()) >= 2)
    time.sleep(0.3)
    drivers = [store.get_sweep(each.id).driver for each in records]
    assert drivers[0] == drivers[1] is not None and drivers[2] is None, "the oldest come first"
    assert {crew.size for crew in crews} == {2}
    store.command_sweep(records[0].id, "stop")
    until(lambda: store.get_sweep(records[0].id).status == "stopped" and store.get_sweep(records[2].id).driver)


def test_a_sweep_that_cannot_be_driven_fails_and_the_others_go_on(
    store: RunStore, thread: Callable[..., Sweeper], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeper, "TICK_SECONDS", 0.01)

    class Odd(FakeCrew):
        def tick(self) -> None:
            if "odd" in str(self.store.get_sweep(str(self.owner).removeprefix("sweep/")).name):
                raise ZeroDivisionError("by chance")
            super().tick()

    bad = store.create_sweep({"no": "sweep"}, name="bad")
    odd = start_sweep(store, replace(sweep(), name="odd"))
    good = start_sweep(store, sweep(trials=2))
    thread(2, Odd)
    until(lambda: store.get_sweep(good.id).status == "finished")
    assert store.get_sweep(bad.id).status == "failed"
    found = store.get_sweep(odd.id)
    assert (found.status, found.reason) == ("failed", "ZeroDivisionError: by chance")


def test_closed_it_leaves_its_sweeps_to_the_next_start(store: RunStore, thread: Callable[..., Sweeper]) -> None:
    record = start_sweep(store, sweep(trials=3, epochs=1000))
    first = thread()
    until(lambda: any(run.epochs_run for run in store.runs()))
    first.close()
    now = store.get_sweep(record.id)
    assert (now.status, now.driver) == ("running", None)
    assert {run.status for run in store.runs()} == {"queued"}
    thread()
    until(lambda: store.get_sweep(record.id).driver)


def test_without_optuna_nothing_is_started_or_taken_up(
    store: RunStore, thread: Callable[..., Sweeper], monkeypatch: pytest.MonkeyPatch
) -> None:
    record = start_sweep(store, sweep())
    monkeypatch.setattr(sweeper, "have_optuna", lambda: False)
    with pytest.raises(SweepError, match="not installed"):
        start_sweep(store, sweep())
    thread()
    time.sleep(0.3)
    assert store.get_sweep(record.id).status == "running" and store.trials(record.id) == []


def test_optuna_is_not_imported_before_a_sweep_is_driven() -> None:
    script = "import sys, mnist_lab.jobs, mnist_lab.cli.sweep; print('optuna' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_sweep_of_real_trainings_outlives_a_killed_worker_and_a_restart_of_the_program(tmp_path: Path) -> None:
    made = Sweep(
        NETWORK,
        replace(sweep().training, dataset="digits", epochs=3),
        (IntegerRange("layers.1.units", 4, 64),),
        replace(sweep().search, trials=3, workers=1),
        "real",
    )
    with place(tmp_path) as store:
        record = start_sweep(store, made)
        first = Sweeper(store)
        first.start()
        try:
            run = until(lambda: next((run for run in store.active() if run.epochs_run), None), PATIENCE)
            os.kill(run.pid, signal.SIGKILL)
            until(lambda: store.trials(record.id)[0].resumed == 1, PATIENCE)
        finally:
            first.close()
        second = Sweeper(store)
        second.start()
        try:
            until(lambda: store.get_sweep(record.id).status != "running", PATIENCE)
        finally:
            second.close()
        assert store.get_sweep(record.id).reason == "All 3 trials were made."
        trials, runs = store.trials(record.id), store.runs(sweep=record.id)
        assert [each.state for each in trials] == ["complete"] * 3 and len(runs) == 3
        for each in trials:
            mine = store.get(each.runs[0])
            assert mine.status in FINAL and mine.test_accuracy is None and mine.test_looks == 0
            assert [entry["epoch"] for entry in store.history(mine.id)] == [1, 2, 3]
            assert each.accuracy == store.history(mine.id)[-1]["val_accuracy"]
        for left in store.active():
            kill(left.pid)


def test_pages_start_stop_resume_and_extend_sweeps_through_the_manager(store: RunStore) -> None:
    manager = JobManager(store, autostart=False)
    record = manager.start_sweep(sweep(trials=2), "p")
    assert (record.status, record.person, record.driver) == ("running", "p", None)
    manager.stop_sweep(record.id)
    assert store.get_sweep(record.id).status == "stopped"
    manager.resume_sweep(record.id)
    assert store.get_sweep(record.id).status == "running"
    manager.extend_sweep(record.id, trials=3)
    assert store.get_sweep(record.id).sweep["search"]["trials"] == 5
    manager.close()

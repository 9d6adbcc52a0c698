"""Driving a sweep, with a crew that trains nothing: what is recorded, what ends it, and that nothing comes twice."""

from __future__ import annotations

import os
import random
import signal
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mnist_lab.jobs import sweeping
from mnist_lab.jobs.alone import new_owner
from mnist_lab.jobs.leases import Leases, take
from mnist_lab.jobs.sweeping import Driver
from mnist_lab.store import Run, RunStore
from mnist_lab.store.database import open_engine
from mnist_lab.store.records import FINAL
from mnist_lab.sweeps.dimensions import IntegerRange, OneOf
from mnist_lab.sweeps.search import best_of
from tests.sweeps.fakes import FakeCrew, best_at_twenty, drive, driver_of, sweep, units

pytest.importorskip("optuna")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    """An empty store; what the two databases may do differently is tested of the store itself, and at the end here."""
    opened = RunStore(open_engine(f"sqlite:///{tmp_path / 'lab.db'}"), tmp_path)
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drivers look at each tick what people want."""
    monkeypatch.setattr(sweeping, "RENEW_SECONDS", 0.0)
    monkeypatch.setattr(sweeping, "_SECONDS_PER_TRIAL", 0.0)


def test_each_trial_is_a_run_with_what_was_proposed_and_none_sees_the_test_images(store: RunStore) -> None:
    driver = drive(driver_of(store, sweep(trials=5, epochs=3)))
    record = store.get_sweep(driver.record.id)
    assert (record.status, record.reason, record.driver) == ("finished", "All 5 trials were made.", None)
    assert record.spent > 0 and record.ended is not None
    trials, runs = store.trials(record.id), {run.id: run for run in store.runs(sweep=record.id)}
    assert [each.number for each in trials] == [0, 1, 2, 3, 4] and {each.state for each in trials} == {"complete"}
    assert len(runs) == 5 and {run_id for each in trials for run_id in each.runs} == set(runs)
    for each in trials:
        run = runs[each.runs[0]]
        assert units(run) == each.values["layers.1.units"]
        assert (run.name, run.person, run.trial, run.training["test_at_end"]) == (
            f"s {each.number}",
            "p",
            each.number,
            False,
        )
        assert (each.parameters, each.multiply_adds, each.epochs) == (run.parameters, run.multiply_adds, 3)
        assert each.accuracy == best_at_twenty(run)[-1] and each.curve == best_at_twenty(run) and each.spread is None
    assert driver.crew.is_closed  # type: ignore[attr-defined]


def test_the_accuracy_is_that_of_the_weights_that_were_kept(store: RunStore) -> None:
    class Keeping(FakeCrew):
        def _work(self, worker: str, run: Run) -> Run | None:
            left = super()._work(worker, run)
            self.store.set_figures(run.id, kept_epoch=2, validation_accuracy=0.123)
            return left

    made = sweep(trials=1, epochs=4)
    record = store.create_sweep(made.to_dict(), name="s", driver="me")
    drive(Driver(store, record, "me", Keeping(store, record.owner, curve=lambda run: [0.1, 0.9, 0.3, 0.2])))
    assert store.trials(record.id)[0].accuracy == 0.9


def test_seeds_of_a_trial_follow_each_other_and_their_mean_counts(store: RunStore) -> None:
    driver = drive(driver_of(store, sweep(trials=2, seeds=3), size=2))
    for each in store.trials(driver.record.id):
        runs = [store.get(run_id) for run_id in each.runs]
        assert [run.training["seed"] for run in runs] == [42, 43, 44]
        assert [run.name for run in runs] == [f"s {each.number}, seed {seed}" for seed in (42, 43, 44)]
        accuracies = [best_at_twenty(run)[-1] for run in runs]
        assert each.accuracy == pytest.approx(statistics.fmean(accuracies))
        assert each.spread == pytest.approx(statistics.stdev(accuracies))
        assert each.epochs == 6


@pytest.mark.parametrize(("sampler", "seconds", "ahead"), [("tpe", None, 0), ("random", None, 1), ("random", 99, 0)])
@pytest.mark.parametrize("size", [1, 3])
def test_no_more_runs_are_under_way_than_the_crew_has_room_for_and_one_waits_where_no_result_is_needed(
    store: RunStore, size: int, sampler: str, seconds: int | None, ahead: int
) -> None:
    driver = driver_of(store, sweep(trials=7, sampler=sampler, seconds=seconds), size=size)
    most, active = 0, 0
    while driver.tick():
        runs = [run for run in store.runs(sweep=driver.record.id) if run.status not in FINAL]
        most, active = max(most, len(runs)), max(active, sum(run.is_active for run in runs))
    assert (most, active) == (size + ahead, size) and len(store.trials(driver.record.id)) == 7


@pytest.mark.parametrize(("most_at_once", "expected"), [(None, 5), (3, 3)])
def test_a_crew_that_grows_with_its_cluster_gets_more_runs(
    store: RunStore, most_at_once: int | None, expected: int
) -> None:
    driver = driver_of(store, sweep(trials=50))
    driver.most_at_once = most_at_once
    # A cluster says how large it is some time after it was reached.
    assert driver.crew.size == 1
    driver.tick()
    assert len(store.runs()) == 1
    driver.crew.size = 5
    driver.crew.is_idle = True
    driver.tick()
    assert len(store.runs()) == expected


def test_many_trials_are_looked_at_less_often_than_few(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(sweeping, "time", SimpleNamespace(monotonic=lambda: now[0], time=time.time))
    monkeypatch.setattr(sweeping, "_SECONDS_PER_TRIAL", 0.125)

    def looks(size: int) -> int:
        driver = driver_of(store, sweep(trials=40), size=size)
        driver.crew.is_idle = True  # type: ignore[attr-defined]
        followed: list[float] = []
        monkeypatch.setattr(driver, "_follow", lambda: followed.append(now[0]))
        for _ in range(30):
            driver.tick()
            now[0] += 0.125
        return len(followed)

    assert (looks(1), looks(5), looks(20)) == (30, 7, 5)


def test_impossible_networks_are_told_apart_and_take_nothing_of_the_budget(store: RunStore) -> None:
    dimensions = (OneOf("layers.2.units", (10, 11)), IntegerRange("layers.1.units", 1, 64))
    driver = drive(driver_of(store, sweep(dimensions, trials=4)))
    trials = store.trials(driver.record.id)
    impossible = [each for each in trials if each.state == "impossible"]
    assert impossible and len(trials) - len(impossible) == 4
    for each in trials:
        assert (each.state == "impossible") == (each.values["layers.2.units"] == 11) == (not each.runs)
        assert (each.reason is not None) == (each.state == "impossible")
    assert len(store.runs()) == 4


def test_a_space_without_possible_networks_ends_in_words(store: RunStore) -> None:
    dimensions = (IntegerRange("layers.2.units", 11, 10**6), IntegerRange("layers.1.units", 1, 64))
    driver = drive(driver_of(store, sweep(dimensions)))
    record = store.get_sweep(driver.record.id)
    assert record.status == "failed" and "last 100 proposals were impossible" in str(record.reason)
    assert store.runs() == [] and len(store.trials(record.id)) == 100


def test_a_grid_ends_when_all_its_points_were_tried(store: RunStore) -> None:
    dimensions = (OneOf("layers.2.units", (10, 11)), IntegerRange("layers.1.units", 1, 4))
    driver = drive(driver_of(store, sweep(dimensions, sampler="grid", trials=100)))
    trials = store.trials(driver.record.id)
    assert {tuple(each.values.values()) for each in trials} == {(last, n) for last in (10, 11) for n in (1, 2, 3, 4)}
    assert len(trials) == 8 and sum(each.state == "impossible" for each in trials) == 4
    assert store.get_sweep(driver.record.id).reason == "All 8 combinations were tried."


def test_failed_trainings_do_not_end_a_sweep_unless_all_fail(store: RunStore) -> None:
    driver = drive(driver_of(store, sweep(), curve=lambda run: [-1.0] if run.trial in (1, 2) else [0.5, 0.6]))
    trials = store.trials(driver.record.id)
    assert [each.state for each in trials] == ["complete", "failed", "failed", "complete", "complete", "complete"]
    assert trials[1].reason == "The loss became NaN."
    driver = drive(driver_of(store, sweep(trials=50), curve=lambda run: [-1.0]))
    record = store.get_sweep(driver.record.id)
    assert record.status == "failed" and "10 trials in a row failed" in str(record.reason)


def test_budgets_of_epochs_and_seconds_end_it(store: RunStore) -> None:
    made = sweep(trials=100, epochs=3).to_dict()
    made["search"]["epochs"] = 7
    record = store.create_sweep(made, name="s", driver="me")
    drive(Driver(store, record, "me", FakeCrew(store, record.owner)))
    done = store.get_sweep(record.id)
    assert (done.status, done.reason) == ("finished", "Its 7 epochs were trained.")
    assert sum(each.epochs for each in store.trials(record.id)) == 9
    made["search"] |= {"epochs": None, "seconds": 1}
    record = store.create_sweep(made, name="s", driver="me")
    assert store.renew_sweep(record.id, "me", 0.9) is not None
    slow = Driver(store, store.get_sweep(record.id), "me", FakeCrew(store, record.owner))
    began = time.monotonic()
    while slow.tick():
        time.sleep(0.02)
    assert time.monotonic() - began < 5 and store.get_sweep(record.id).reason == "Its 1 seconds are over."


def test_pruned_trials_are_stopped_and_so_recorded(store: RunStore) -> None:
    driver = drive(driver_of(store, sweep(trials=20, epochs=8, pruner="median")))
    trials = store.trials(driver.record.id)
    pruned = [each for each in trials if each.state == "pruned"]
    assert pruned and len(pruned) < 15
    for each in trials:
        run = store.get(each.runs[0])
        assert run.status == ("stopped" if each.state == "pruned" else "finished")
        assert each.epochs == run.epochs_run and (each.epochs < 8) == (each.state == "pruned")
        assert each.accuracy == pytest.approx(each.curve[-1])
    assert max(each.accuracy or 0 for each in pruned) < (best_of(trials)[0].accuracy or 0)


def test_a_stop_keeps_what_is_under_way_and_it_goes_on_when_resumed(store: RunStore) -> None:
    driver = driver_of(store, sweep(trials=4, epochs=6), size=2)
    for _ in range(4):
        driver.tick()
    store.command_sweep(driver.record.id, "stop")
    drive(driver)
    record = store.get_sweep(driver.record.id)
    assert (record.status, record.command, record.driver) == ("stopped", "", None)
    under_way = [run for run in store.runs() if run.status == "stopped"]
    assert len(under_way) == 2 and all(0 < run.epochs_run < 6 for run in under_way)
    store.resume_sweep(record.id)
    again = drive(driver_of(store, record, "another"))
    trials = store.trials(record.id)
    assert {each.state for each in trials} == {"complete"} and len(trials) == 4
    assert all(each.resumed == 0 for each in trials)
    assert all(len(store.history(run.id)) == 6 and run.status == "finished" for run in store.runs())
    assert set(again.crew.begun) >= {run.id for run in under_way}  # type: ignore[attr-defined]


def test_a_stop_that_is_taken_back_lets_it_go_on(store: RunStore) -> None:
    driver = driver_of(store, sweep(trials=3, epochs=6))
    for _ in range(4):
        driver.tick()
    store.command_sweep(driver.record.id, "stop")
    driver.tick()
    store.resume_sweep(driver.record.id)
    drive(driver)
    assert [each.state for each in store.trials(driver.record.id)] == ["complete"] * 3


def test_a_run_that_a_person_stops_or_deletes_ends_its_trial_only(store: RunStore) -> None:
    driver = driver_of(store, sweep(trials=3, epochs=6))
    driver.tick()
    driver.tick()
    first = store.trials(driver.record.id)[0]
    store.command(first.runs[0], "stop")
    while len(store.trials(driver.record.id)) < 2:
        driver.tick()
    second = store.trials(driver.record.id)[1]
    store.command(second.runs[0], "stop")
    driver.crew.tick()
    store.end(second.runs[0], "stopped")
    store.delete(second.runs)
    drive(driver)
    trials = store.trials(driver.record.id)
    assert [each.state for each in trials] == ["failed", "failed", "complete"]
    assert [each.reason for each in trials] == ["Its training was stopped by hand.", "Its run was deleted.", None]


def test_an_interrupted_run_is_resumed_three_times(store: RunStore) -> None:
    driver = driver_of(store, sweep(trials=2, epochs=9))
    interrupted = 0
    while driver.tick():
        for run in store.active():
            if run.trial == 0 and run.epochs_run > interrupted:
                interrupted += 1
                store.end(run.id, "interrupted", reason="gone")
    first, second = store.trials(driver.record.id)
    assert (first.state, first.resumed) == ("failed", 3) and "interrupted 4 times" in str(first.reason)
    assert (second.state, second.resumed) == ("complete", 0)


def test_an_extended_sweep_goes_on_with_the_same_search(store: RunStore) -> None:
    whole = drive(driver_of(store, sweep(trials=8, sampler="tpe")))
    part = drive(driver_of(store, sweep(trials=3, sampler="tpe")))
    assert len(store.trials(part.record.id)) == 3
    record = store.extend_sweep(part.record.id, trials=5)
    drive(driver_of(store, record, "another"))
    assert [e.values for e in store.trials(record.id)] == [e.values for e in store.trials(whole.record.id)]


def test_a_sweep_is_extended_while_it_runs(store: RunStore) -> None:
    driver = driver_of(store, sweep(trials=1))
    driver.tick()
    store.extend_sweep(driver.record.id, trials=2)
    drive(driver)
    assert len(store.trials(driver.record.id)) == 3


def test_who_closes_the_program_loses_nothing_and_uses_up_no_resumption(store: RunStore) -> None:
    driver = driver_of(store, sweep(trials=3, epochs=5))
    for _ in range(4):
        driver.tick()
    driver.close()
    record = store.get_sweep(driver.record.id)
    assert (record.status, record.driver) == ("running", None)
    assert [run.status for run in store.runs()] == ["queued"]
    drive(driver_of(store, record, "next"))
    trials = store.trials(record.id)
    assert [each.state for each in trials] == ["complete"] * 3 and not any(each.resumed for each in trials)


def test_who_closes_the_program_while_a_sweep_stops_leaves_it_stopped(store: RunStore) -> None:
    driver = driver_of(store, sweep(trials=3, epochs=500))
    for _ in range(3):
        driver.tick()
    driver.crew.is_idle = True  # type: ignore[attr-defined]
    store.command_sweep(driver.record.id, "stop")
    assert driver.tick(), "the worker has not heard of it yet"
    driver.close()
    record = store.get_sweep(driver.record.id)
    assert (record.status, record.driver) == ("stopped", None)
    assert [run.status for run in store.runs()] == ["stopped"]


def test_one_whose_lease_was_taken_writes_no_more(store: RunStore) -> None:
    driver = driver_of(store, sweep())
    for _ in range(3):
        driver.tick()
    assert store.take_sweep(driver.record.id, "other", lost=store.get_sweep(driver.record.id))
    before = store.trials(driver.record.id)
    assert not driver.tick()
    assert store.trials(driver.record.id) == before and store.get_sweep(driver.record.id).driver == "other"


def test_a_lease_is_lost_by_silence_or_with_its_process(store: RunStore) -> None:
    leases = Leases(store, silent_seconds=0.3)
    record = store.create_sweep(sweep().to_dict(), name="s", driver="elsewhere")
    mine = store.create_sweep(sweep().to_dict(), name="m", driver=new_owner(store))
    assert leases.free([record, mine]) == []
    limit = time.monotonic() + 5
    while time.monotonic() < limit and not (found := leases.free([record])):
        time.sleep(0.05)
    assert found == [record]
    assert store.renew_sweep(record.id, "elsewhere") is not None
    assert leases.free([store.get_sweep(record.id)]) == []
    assert not take(store, mine.id, "other")
    gone = new_owner(store).replace(f"/{os.getpid()}/", "/999999999/")
    dead = store.create_sweep(sweep().to_dict(), name="d", driver=gone)
    assert leases.free([dead]) == [dead] and take(store, dead.id, "other")


# Killed at any moment -------------------------------------------------------------------------------------------------


def _drive_in_a_child(url: str, home: Path, sweep_id: str, log: Path, seed: int) -> int:
    """Forks a process that drives a sweep; returns its id."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        store = RunStore(open_engine(url), home)
        chance = random.Random(seed)
        name = new_owner(store)
        assert take(store, sweep_id, name)
        crew = FakeCrew(store, store.get_sweep(sweep_id).owner, 2)
        driver = Driver(store, store.get_sweep(sweep_id), name, crew)
        while driver.tick():
            with log.open("a") as file:
                file.write("".join(f"{run_id}\n" for run_id in crew.begun))
            crew.begun.clear()
            time.sleep(chance.uniform(0, 0.003))
        status = 0
    finally:
        os._exit(status)


def _begun(log: Path) -> int:
    return len(log.read_text().splitlines()) if log.exists() else 0


@pytest.mark.parametrize("pruner", ["none", "median"])
def test_whoever_is_killed_at_any_moment_no_trial_is_lost_and_none_is_trained_twice(
    url: str, home: Path, tmp_path: Path, pruner: str
) -> None:
    store = RunStore(open_engine(url), home)
    made = sweep(trials=14, epochs=4, seeds=2, sampler="tpe", pruner=pruner)
    record = store.create_sweep(made.to_dict(), name="s")
    chance, kills, log = random.Random(11), 0, tmp_path / "begun"
    for attempt in range(200):
        child = _drive_in_a_child(url, home, record.id, log, attempt)
        # Some are killed when they have something in hand, the rest may come to the end.
        before = _begun(log)
        limit = time.monotonic() + 60
        while attempt < 8 and _begun(log) == before and time.monotonic() < limit:
            time.sleep(0.002)
        limit = time.monotonic() + (chance.uniform(0, 0.1) if attempt < 8 else 60)
        while os.waitpid(child, os.WNOHANG) == (0, 0):
            if time.monotonic() > limit:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                kills += 1
                break
            time.sleep(0.005)
        if store.get_sweep(record.id).status != "running":
            break
    trials, runs = store.trials(record.id), store.runs(sweep=record.id)
    assert kills >= 3 and any(each.resumed for each in trials), "it was over too soon: this says nothing"
    assert store.get_sweep(record.id).status == "finished"
    assert [each.number for each in trials] == list(range(14))
    assert len({str(each.values) for each in trials}) == 14
    assert {each.state for each in trials} <= {"complete", "pruned", "failed"}
    owned = [run_id for each in trials for run_id in each.runs]
    assert len(owned) == len(set(owned)) == len(runs) == 28 and set(owned) == {run.id for run in runs}
    for each in trials:
        mine: list[Any] = [store.get(run_id) for run_id in each.runs]
        assert {run.status for run in mine} <= {"finished", "stopped", "interrupted"}
        if each.state == "complete":
            assert [run.status for run in mine] == ["finished"] * 2
            assert [[entry["epoch"] for entry in store.history(run.id)] for run in mine] == [[1, 2, 3, 4]] * 2
            assert each.accuracy == pytest.approx(statistics.fmean(best_at_twenty(run)[-1] for run in mine))
        if each.state == "failed":
            assert "interrupted" in str(each.reason)
    assert all(run.status in FINAL for run in runs)
    store.close()

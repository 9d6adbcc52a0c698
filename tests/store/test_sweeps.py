"""Sweeps and trials in the store, on both databases: one driver at a time, a trial and its runs together, none lost."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from mnist_lab.architecture import Architecture
from mnist_lab.errors import ArchitectureError, JobError, StoreError, SweepError
from mnist_lab.layers import Conv2D, Dense, Flatten
from mnist_lab.store import NewRun, NewTrial, RunStore, SweepRecord, Trial
from mnist_lab.store.database import open_engine
from mnist_lab.training_config import TrainingConfig
from tests.store.conftest import Start, at_once

NETWORK = Architecture((Flatten(), Dense(10, "softmax")))
SWEEP = {"search": {"trials": 20, "seconds": None, "epochs": 7}, "dimensions": []}


def trial(number: int = 0, runs: int = 1) -> NewTrial:
    wanted = tuple(NewRun(NETWORK, TrainingConfig(seed=seed), f"s {number}") for seed in range(runs))
    return NewTrial(number, {"layers.1.units": 3}, wanted, parameters=5, multiply_adds=6, notes={"attrs": {"a": 1}})


@pytest.fixture
def sweep(store: RunStore) -> SweepRecord:
    return store.create_sweep(SWEEP, name="my sweep", person="p", driver="me")


def test_what_was_written_is_read(store: RunStore, sweep: SweepRecord) -> None:
    assert (sweep.name, sweep.status, sweep.driver, sweep.person) == ("my sweep", "running", "me", "p")
    assert sweep.sweep == SWEEP
    assert store.sweeps() == [sweep]
    assert store.find_sweep(sweep.id[:8]) == store.find_sweep("my sweep") == sweep
    made = store.add_trial(sweep.id, "me", trial(0, runs=2))
    assert made is not None and store.trials(sweep.id) == [made]
    assert (made.values, made.state, made.notes) == ({"layers.1.units": 3}, "running", {"attrs": {"a": 1}})
    runs = store.runs(sweep=sweep.id)
    assert {run.id for run in runs} == set(made.runs)
    assert {(run.sweep, run.trial, run.owner, run.person) for run in runs} == {(sweep.id, 0, sweep.owner, "p")}
    refused = store.add_trial(sweep.id, "me", NewTrial(1, {"layers.1.units": 4}, reason="too large"))
    assert refused is not None and (refused.state, refused.runs, refused.reason) == ("impossible", [], "too large")
    assert store.update_trial(sweep.id, "me", 0, state="complete", accuracy=0.5, curve=[0.25, 0.5], epochs=4)
    assert [each.number for each in store.trials(sweep.id, states=["complete"])] == [0]
    assert store.trials(sweep.id, after=0) == [refused]
    done = store.trials(sweep.id)[0]
    assert (done.accuracy, done.curve, done.epochs) == (0.5, [0.25, 0.5], 4)


def test_what_is_not_there_is_said(store: RunStore, sweep: SweepRecord) -> None:
    for wrong in ("0" * 32, "no such"):
        with pytest.raises(SweepError, match="There is no sweep"):
            store.find_sweep(wrong)
    with pytest.raises(SweepError, match="There is no sweep"):
        store.get_sweep("0" * 32)
    store.create_sweep(SWEEP, name="my sweep")
    with pytest.raises(SweepError, match="2 sweeps answer"):
        store.find_sweep("my sweep")


def test_a_trial_and_its_runs_are_made_together_or_not_at_all(store: RunStore, sweep: SweepRecord) -> None:
    impossible = NewRun(Architecture((Conv2D(3, (40, 40)),)), TrainingConfig(), "x")
    with pytest.raises(ArchitectureError):
        store.add_trial(sweep.id, "me", NewTrial(0, {}, (*trial().runs, impossible)))
    assert store.trials(sweep.id) == store.runs() == []
    assert store.add_trial(sweep.id, "me", trial(0)) is not None
    with pytest.raises(StoreError):
        store.add_trial(sweep.id, "me", trial(0))
    assert len(store.trials(sweep.id)) == len(store.runs()) == 1


def test_the_runs_of_some_trials_are_asked_for_alone(store: RunStore, sweep: SweepRecord) -> None:
    made = [store.add_trial(sweep.id, "me", trial(number)) for number in range(3)]
    found = store.runs(sweep=sweep.id, trials=[0, 2, 9])
    assert {run.id for run in found} == {run_id for each in (made[0], made[2]) for run_id in each.runs}
    assert store.runs(sweep=sweep.id, trials=[]) == []


def test_who_has_no_lease_writes_nothing(store: RunStore, sweep: SweepRecord) -> None:
    assert store.add_trial(sweep.id, "me", trial(0)) is not None
    assert store.add_trial(sweep.id, "other", trial(1)) is None
    assert not store.update_trial(sweep.id, "other", 0, state="failed")
    assert store.renew_sweep(sweep.id, "other") is None
    assert not store.end_sweep(sweep.id, "other", "finished")
    store.release_sweep(sweep.id, "other")
    assert store.get_sweep(sweep.id).driver == "me"
    assert [each.state for each in store.trials(sweep.id)] == ["running"] and len(store.runs()) == 1


def test_a_lease_is_taken_from_nobody_or_from_one_who_is_gone(store: RunStore, sweep: SweepRecord) -> None:
    assert not store.take_sweep(sweep.id, "other")
    before = store.get_sweep(sweep.id)
    time.sleep(0.01)
    renewed = store.renew_sweep(sweep.id, "me", 1.5)
    assert renewed is not None and renewed.spent == 1.5
    assert not store.take_sweep(sweep.id, "other", lost=before), "it came back"
    assert store.take_sweep(sweep.id, "other", lost=renewed)
    assert not store.take_sweep(sweep.id, "third", lost=renewed), "somebody was quicker"
    assert store.renew_sweep(sweep.id, "me") is None
    store.release_sweep(sweep.id, "other")
    assert store.take_sweep(sweep.id, "third")
    assert store.end_sweep(sweep.id, "third", "finished", "Its trials are done.")
    assert not store.take_sweep(sweep.id, "me"), "there is nothing to drive"
    done = store.get_sweep(sweep.id)
    assert (done.status, done.reason, done.driver) == ("finished", "Its trials are done.", None)


def test_of_many_processes_one_takes_a_sweep(store: RunStore, start: Start) -> None:
    sweeps = [store.create_sweep(SWEEP, name=f"s{number}") for number in range(20)]
    script = (
        f"for each in {[each.id for each in sweeps]!r}:\n    if store.take_sweep(each, str(os.getpid())): print(each)\n"
    )
    others = at_once(start, 3, "store = opened()\n", script)
    taken = [line for other in others for line in other.output()]
    assert sorted(taken) == sorted(each.id for each in sweeps)


def test_a_stop_waits_for_the_driver_or_is_done_at_once_where_there_is_none(
    store: RunStore, sweep: SweepRecord
) -> None:
    store.add_trial(sweep.id, "me", trial(0, runs=2))
    store.claim(sweep.owner, 1, own=True)
    store.command_sweep(sweep.id, "stop")
    now = store.get_sweep(sweep.id)
    assert (now.status, now.command) == ("running", "stop")
    store.command_sweep(sweep.id, "")
    assert store.get_sweep(sweep.id).command == ""
    store.release_sweep(sweep.id, "me")
    store.command_sweep(sweep.id, "stop")
    now = store.get_sweep(sweep.id)
    assert (now.status, now.command) == ("stopped", "")
    assert sorted((run.status, run.command) for run in store.runs()) == [("running", "stop"), ("stopped", "")]
    with pytest.raises(JobError, match="Unknown command"):
        store.command_sweep(sweep.id, "pause")


def test_what_has_ended_goes_on_when_it_is_resumed_or_extended(store: RunStore, sweep: SweepRecord) -> None:
    store.end_sweep(sweep.id, "me", "failed", "why")
    again = store.resume_sweep(sweep.id)
    assert (again.status, again.reason, again.ended) == ("running", None, None)
    assert store.take_sweep(sweep.id, "me")
    store.end_sweep(sweep.id, "me", "finished")
    more = store.extend_sweep(sweep.id, trials=5, seconds=60, epochs=3)
    assert more.status == "running"
    assert more.sweep["search"] == {"trials": 25, "seconds": None, "epochs": 10}
    with pytest.raises(JobError, match="running"):
        store.delete_sweeps([sweep.id])


def test_a_deleted_sweep_comes_back_or_goes_for_good_and_its_runs_stay(store: RunStore, sweep: SweepRecord) -> None:
    store.add_trial(sweep.id, "me", trial(0))
    store.end_sweep(sweep.id, "me", "finished")
    store.delete_sweeps([sweep.id])
    assert store.sweeps() == [] and [each.id for each in store.sweeps(deleted=True)] == [sweep.id]
    with pytest.raises(JobError, match="deleted"):
        store.resume_sweep(sweep.id)
    store.undelete_sweeps([sweep.id])
    assert [each.id for each in store.sweeps()] == [sweep.id]
    store.delete_sweeps([sweep.id])
    store.purge(older_than=-1.0)
    assert store.sweeps(deleted=True) == store.trials(sweep.id) == []
    assert len(store.runs(sweep=sweep.id)) == 1


def test_all_that_run_are_halted_at_once(store: RunStore, sweep: SweepRecord) -> None:
    store.add_trial(sweep.id, "me", trial(0))
    assert store.halt_sweeps("restored") == 1
    now = store.get_sweep(sweep.id)
    assert (now.status, now.driver, now.reason) == ("stopped", None, "restored")
    assert [run.status for run in store.runs()] == ["stopped"]


def test_a_sweep_is_renamed(store: RunStore, sweep: SweepRecord) -> None:
    store.rename_sweep(sweep.id, " other\n name ")
    assert store.get_sweep(sweep.id).name == "other name"
    with pytest.raises(SweepError, match="empty"):
        store.rename_sweep(sweep.id, " ")


DAMAGES = {
    "its description is no JSON": ("UPDATE sweeps SET sweep = '{\"a' WHERE name = 'hurt'", "failed"),
    "its description is a list": ("UPDATE sweeps SET sweep = '[1]' WHERE name = 'hurt'", "failed"),
    "its status is unknown": ("UPDATE sweeps SET status = 'asleep' WHERE name = 'hurt'", "failed"),
    "its times are texts": ("UPDATE sweeps SET spent = 'long', created = 'once' WHERE name = 'hurt'", "running"),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_a_damaged_sweep_does_not_keep_the_others_from_being_listed(tmp_path: Path, what: str) -> None:
    statement, status = DAMAGES[what]
    store = RunStore(open_engine(f"sqlite:///{tmp_path / 'lab.db'}"), tmp_path)
    hurt, whole = (store.create_sweep(SWEEP, name=name) for name in ("hurt", "whole"))
    with closing(sqlite3.connect(tmp_path / "lab.db")) as connection, connection:
        assert connection.execute(statement).rowcount == 1
    found = {each.id: each for each in store.sweeps()}
    assert found[whole.id] == whole
    assert found[hurt.id].status == status and "damaged" in str(found[hurt.id].reason)
    assert len(store.sweeps(["running"])) == (2 if status == "running" else 1)
    store.close()


@pytest.mark.parametrize(
    "change", ["\"values\" = '['", "runs = '[1, 2]'", "curve = '[\"x\"]'", "state = 'odd'", "accuracy = 'good'"]
)
def test_a_damaged_trial_counts_as_failed_and_the_others_are_as_before(tmp_path: Path, change: str) -> None:
    store = RunStore(open_engine(f"sqlite:///{tmp_path / 'lab.db'}"), tmp_path)
    sweep = store.create_sweep(SWEEP, name="s", driver="me")
    first, second = (store.add_trial(sweep.id, "me", trial(number)) for number in (0, 1))
    assert isinstance(first, Trial) and second is not None
    with closing(sqlite3.connect(tmp_path / "lab.db")) as connection, connection:
        connection.execute(f"UPDATE trials SET {change} WHERE number = 0")
    hurt, whole = store.trials(sweep.id)
    assert whole == second
    assert hurt.state == "failed" and "damaged" in str(hurt.reason) and hurt.number == 0
    assert [each.number for each in store.trials(sweep.id, states=["running"])] == [1]
    store.close()


def test_runs_of_a_sweep_are_found_by_an_index(store: RunStore) -> None:
    if store._engine.dialect.name != "sqlite":
        pytest.skip("SQLite tells its plan in one line")
    with store._engine.connect() as connection:
        plan = str(connection.execute(text("EXPLAIN QUERY PLAN SELECT id FROM runs WHERE sweep = 'x'")).all())
    assert "runs_by_sweep" in plan

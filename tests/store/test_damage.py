"""One bad row is one bad run: it is listed as what it is, and every other is as good as before."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from mnist_lab.architecture import Architecture
from mnist_lab.errors import JobError
from mnist_lab.layers import Dense, Flatten
from mnist_lab.store import RunStore
from mnist_lab.store.database import open_engine
from mnist_lab.training_config import TrainingConfig
from tests.store import damages

NETWORK = Architecture((Flatten(), Dense(10, "softmax")))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "lab.db"


@pytest.fixture
def shelf(place: Path) -> Iterator[RunStore]:
    """Three finished runs with curves, on SQLite."""
    store = RunStore(open_engine(f"sqlite:///{place}"), place.parent)
    for number in range(3):
        run = store.create(NETWORK, TrainingConfig(epochs=5), name=f"run {number}", owner="w")
        store.claim("w", 1, own=True)
        store.report(run.id, "w", {"phase": "done"}, [{"step": 1, "epoch": 0.5, "loss": 1.0, "accuracy": 0.5}])
        for epoch in (1, 2):
            store.add_epoch(run.id, {"epoch": epoch, "loss": 1.0 / epoch, "val_accuracy": 0.5}, seconds=1.0)
        store.end(run.id, "stopped", test_accuracy=0.5)
    yield store
    store.close()


def everything(store: RunStore, run_id: str) -> tuple[object, ...]:
    run = store.get(run_id)
    return run, run.to_json(), store.history(run_id), store.points(run_id), list(store.point_rows(run_id))


@pytest.mark.parametrize("what", damages.ALL)
def test_one_damaged_row_keeps_no_other_from_being_read(shelf: RunStore, place: Path, what: str) -> None:
    first, bad, last = (run.id for run in shelf.runs()[::-1])
    sound = [everything(shelf, run_id) for run_id in (first, last)]
    shelf.listing()
    damages.damage(place, bad, what)
    for store in (shelf, RunStore(open_engine(f"sqlite:///{place}"), place.parent)):
        assert {run.id for run in store.runs()} == {first, bad, last}
        assert {run.id: run for run in store.listing()} == {run.id: run for run in store.runs()} or store is shelf
        assert [everything(store, run_id) for run_id in (first, last)] == sound
        run = store.get(bad)
        json.dumps(run.to_json(), allow_nan=False)
        for entry in store.history(bad):
            json.dumps(entry, allow_nan=False)
            assert all(isinstance(value, (int, float)) for value in entry.values())
        assert store.history(bad)[-1] == {"epoch": 2, "loss": 0.5, "val_accuracy": 0.5}
        assert set(store.best_epochs(store.runs())) == {first, bad, last}
        assert 0.0 <= run.share_done <= 1.0
        run.network(), run.config(), run.is_stale(), run.is_evaluating, run.can_go_on
        assert run.name == "run 1" or what == "its name is bytes"
        store.find("run 0")
    store.close()


@pytest.mark.parametrize("what", damages.UNREADABLE)
def test_a_run_that_cannot_be_read_has_failed_for_that_reason_and_is_not_trained(
    shelf: RunStore, place: Path, what: str
) -> None:
    bad = shelf.runs()[1].id
    damages.damage(place, bad, what)
    run = shelf.get(bad)
    assert (run.status, run.is_damaged, run.can_go_on) == ("failed", True, False)
    assert run.reason is not None and run.reason.startswith("Its row in the store is damaged (")
    assert "doctor" in run.reason
    assert [each.id for each in shelf.runs(["stopped"])] == [run.id for run in shelf.runs() if run.id != bad]
    with pytest.raises(JobError, match="damaged"):
        shelf.requeue(bad)
    shelf.edit(bad, name="another", notes="a note", starred=True, tags=["x"])
    assert shelf.get(bad).name == "another"
    shelf.delete([bad])
    assert len(shelf.listing()) == 2
    shelf.purge(-1.0)
    assert not shelf.exists(bad)


def test_what_a_damaged_row_still_says_is_kept(shelf: RunStore, place: Path) -> None:
    bad = shelf.runs()[1].id
    damages.damage(place, bad, "its figures are texts")
    run = shelf.get(bad)
    assert (run.status, run.test_accuracy, run.best_epoch, run.parameters) == ("stopped", None, None, 0)
    assert run.network() == NETWORK
    assert "test_accuracy, test_accuracy_low" in str(run.reason)


@pytest.mark.parametrize("what", damages.UNREADABLE)
def test_a_damaged_run_at_the_head_of_the_queue_fails_and_the_next_is_taken(
    shelf: RunStore, place: Path, what: str
) -> None:
    bad = [shelf.create(NETWORK, TrainingConfig()).id for _ in range(3)]
    good = shelf.create(NETWORK, TrainingConfig(), name="good")
    for run_id in bad:
        damages.damage(place, run_id, what)
    assert [run.id for run in shelf.queue()] == [good.id]
    taken = shelf.claim("w", 1)
    assert taken is not None and taken.id == good.id
    assert shelf.claim("w", 1) is None
    for run_id in bad:
        damages_reason = shelf.get(run_id).reason
        assert shelf.get(run_id).status == "failed" and str(damages_reason).count("damaged") >= 1


def test_a_run_that_is_damaged_while_a_worker_has_it_in_hand_stays_the_worker_s(shelf: RunStore, place: Path) -> None:
    run = shelf.create(NETWORK, TrainingConfig())
    shelf.claim("w", 1)
    damages.damage(place, run.id, "its network is no JSON")
    assert shelf.get(run.id).status == "running"
    assert shelf.report(run.id, "w", {"phase": "training"}) == ""
    assert [each.id for each in shelf.active()] == [run.id]
    assert shelf.end(run.id, "interrupted")
    assert shelf.get(run.id).status == "failed"


def test_a_row_without_an_id_is_left_out(shelf: RunStore, place: Path) -> None:
    wrong: tuple[str | bytes, ...] = ("../../etc", b"\xff", "ABC", "")
    for each in wrong:
        victim = shelf.create(NETWORK, TrainingConfig()).id
        with contextlib.closing(sqlite3.connect(place)) as connection, connection:
            connection.execute("UPDATE runs SET id = ? WHERE id = ?", (each, victim))
    assert len(shelf.runs()) == len(shelf.listing()) == 3
    assert shelf.claim("w", 1) is None
    assert shelf.queue() == []


def test_what_is_no_number_is_written_as_unknown(store: RunStore) -> None:
    run = store.create(NETWORK, TrainingConfig(), owner="w")
    store.claim("w", 1, own=True)
    nan, infinite = float("nan"), float("inf")
    store.add_epoch(run.id, {"epoch": 1, "loss": nan, "val_loss": infinite, "nested": [nan]}, test_loss=nan)
    assert store.report(run.id, "w", {"phase": "training", "loss": nan}) == ""
    assert store.history(run.id) == [{"epoch": 1, "loss": None, "val_loss": None}]
    found = store.get(run.id)
    assert (found.test_loss, found.progress) == (None, {"phase": "training", "loss": None})
    store.set_figures(run.id, test_loss=infinite)
    assert store.get(run.id).to_json()["test_loss"] is None

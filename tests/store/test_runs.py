"""Runs in the store: made, queued, claimed, followed, ended, edited, by one and by many at once."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from mnist_lab.architecture import Architecture
from mnist_lab.errors import ArchitectureError, JobError, RunNotFound, StoreError
from mnist_lab.layers import Conv2D, Dense, Flatten
from mnist_lab.store import ACTIVE, FINAL, STATUSES, Run, RunStore
from mnist_lab.store.artefacts import MODEL, PREDICTIONS
from mnist_lab.store.edits import KEEP_DELETED_SECONDS, MAX_NAME
from mnist_lab.training_config import TrainingConfig
from tests.store.conftest import Start, output

NETWORK = Architecture((Conv2D(4), Flatten(), Dense(10, "softmax")))
CONFIG = TrainingConfig(dataset="digits", epochs=3, split="test-as-validation")
# The outside contract: scripts of users rely on exactly these.
KEYS = [
    "id", "name", "status", "preset", "parameters", "trainable_parameters", "dataset", "split", "training",
    "architecture", "epochs_run", "best_epoch", "test_accuracy", "test_accuracy_interval", "test_loss",
    "validation_accuracy", "seconds", "images_per_second", "device", "created", "reason",
]  # fmt: skip
KNOWN_AT_FIRST = {
    "id", "name", "status", "parameters", "trainable_parameters", "split", "training", "architecture", "epochs_run",
    "created",
}  # fmt: skip


def create(store: RunStore, name: str = "", **more: Any) -> Run:
    return store.create(NETWORK, CONFIG, name=name, **more)


def begun(store: RunStore, worker: str = "w") -> Run:
    """A run that a worker has in hand."""
    create(store, owner=worker)
    run = store.claim(worker, 1, own=True)
    assert run is not None
    return run


def brought_to(store: RunStore, status: str) -> Run:
    """A run of any status."""
    if status == "queued":
        return create(store)
    run = begun(store)
    if status in ACTIVE:
        store.report(run.id, "w", {}, status=status)
    else:
        assert store.end(run.id, status, reason="so")
    return store.get(run.id)


def point(step: int, epoch: float) -> dict[str, Any]:
    return {"step": step, "epoch": epoch, "loss": 1.0 / step, "accuracy": 0.5}


# Made and found ----------------------------------------------------------------------------------------------------


def test_a_new_run_is_queued_and_holds_its_network_and_its_settings(store: RunStore) -> None:
    before = time.time()
    run = create(store, "first", notes="a\nnote", preset="000/a", owner="me")
    assert store.get(run.id) == run
    assert (run.name, run.notes, run.preset, run.owner, run.status) == ("first", "a\nnote", "000/a", "me", "queued")
    assert (run.network(), run.config(), run.split) == (NETWORK, CONFIG, "test-as-validation")
    assert (run.parameters, run.trainable_parameters) == (27_090, 27_090)
    assert before <= run.created <= time.time()
    assert run.test_is_validation
    assert not (run.is_active or run.can_go_on or run.starred)


def test_an_impossible_network_makes_no_run(store: RunStore) -> None:
    with pytest.raises(ArchitectureError):
        store.create(Architecture((Conv2D(4, (29, 29)), Flatten(), Dense(10))), CONFIG)
    assert store.runs() == []


def test_a_run_is_found_by_its_id_by_the_beginning_of_it_and_by_its_name(store: RunStore) -> None:
    run, other = create(store, "one of a kind"), create(store, "other")
    assert store.find(run.id) == store.find(run.id[:8].upper()) == store.find("one of a kind") == run
    store.delete([other.id])
    with pytest.raises(RunNotFound):
        store.find("other")
    assert store.find("other", deleted=True).id == other.id


@pytest.mark.parametrize("text", ["", "abc", "no such name", "x" * 500, "%", "' OR 1=1 --", "\udcff"])
def test_what_is_not_there_is_not_found(store: RunStore, text: str) -> None:
    create(store)
    with pytest.raises(RunNotFound):
        store.find(text)
    with pytest.raises(StoreError):
        store.get(text)


def test_a_name_that_two_runs_have_is_said_to_be_doubtful(store: RunStore) -> None:
    for _ in range(2):
        create(store, "twin")
    with pytest.raises(RunNotFound, match="2 runs answer to 'twin'"):
        store.find("twin")


NAMES = (
    "../../etc/passwd", "/etc/passwd", "..", "a\0b", "a\nb\tc", "x" * 1000, "Ziffern – 数字 🎉", "<b>bold</b>",
    "'; DROP TABLE runs; --", "C:\\x", "\ud800", "%s %(x)s {0}",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_a_line_of_text_and_never_a_path(store: RunStore, home: Path, name: str) -> None:
    run = create(store, name)
    assert run.name.isprintable()
    assert 0 < len(run.name) <= MAX_NAME
    if name.isprintable() and len(name) <= MAX_NAME:
        assert run.name == name
    with store.artefacts.writing(run.id, MODEL) as path:
        path.write_bytes(b"x")
    assert [entry.name for entry in home.iterdir() if entry.is_dir()] == [run.id]
    store.edit(run.id, name=name + "!")
    assert store.get(run.id).name.isprintable()


def test_a_run_without_a_name_is_named_by_its_layers(store: RunStore) -> None:
    assert create(store).name == create(store, " \n\t\0 ").name == "Conv 4, Dense 10"


def test_the_newest_runs_of_this_host_whose_speed_is_known(store: RunStore) -> None:
    figures = {"status": "finished", "host": store.host, "images_per_second": 100.0, "training_images": 60}
    changes: list[dict[str, Any]] = [
        {}, {"status": "stopped"}, {"status": "failed"}, {"host": "another"}, {"images_per_second": None},
        {"training_images": None}, {"deleted": 1.0}, {},
    ]  # fmt: skip
    for number, change in enumerate(changes):
        store.set_figures(create(store, str(number)).id, created=float(number), **{**figures, **change})
    assert [run.name for run in store.timed(10)] == ["7", "1", "0"]
    assert [run.name for run in store.timed(2)] == ["7", "1"]


def test_runs_are_listed_newest_first_and_by_status(store: RunStore) -> None:
    runs = [create(store, str(i)) for i in range(4)]
    store.claim("w", 1)
    assert [run.name for run in store.runs()] == ["3", "2", "1", "0"]
    assert [run.id for run in store.runs(["running"])] == [runs[0].id] == [run.id for run in store.active()]
    assert store.runs([]) == []
    assert [run.name for run in store.runs(most=2)] == ["3", "2"]


# The outside contract ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", STATUSES)
def test_json_has_exactly_the_keys_of_the_contract_and_null_where_unknown(store: RunStore, status: str) -> None:
    found = brought_to(store, status).to_json()
    assert list(found) == KEYS
    assert found["status"] == status
    known = KNOWN_AT_FIRST | ({"reason"} if status in FINAL else set())
    assert {key for key, value in found.items() if value is not None} == known
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_json_gives_the_figures_once_they_are_known(store: RunStore) -> None:
    run = begun(store)
    figures = {
        "best_epoch": 2, "validation_accuracy": 0.5, "test_accuracy": 0.9, "test_accuracy_low": 0.85,
        "test_accuracy_high": 0.93, "test_loss": 0.25, "seconds": 1.5, "images_per_second": 100.0, "device": "CPU",
        "dataset": "digits",
    }  # fmt: skip
    store.end(run.id, "finished", **figures)
    found = store.get(run.id).to_json()
    assert found["test_accuracy_interval"] == [0.85, 0.93]
    assert all(found[key] == value for key, value in figures.items() if key in found)
    assert found["created"].endswith("+00:00")


def test_a_figure_that_is_no_number_is_unknown(store: RunStore) -> None:
    run = begun(store)
    store.set_figures(run.id, test_loss=float("nan"))
    if store._engine.dialect.name == "sqlite":
        assert store.get(run.id).to_json()["test_loss"] is None


# The queue ---------------------------------------------------------------------------------------------------------


def names(runs: list[Run]) -> str:
    return "".join(run.name for run in runs)


def test_the_queue_is_in_order_of_arrival_and_workers_take_its_head(store: RunStore) -> None:
    for name in "abc":
        create(store, name)
    assert names(store.queue()) == "abc"
    taken = [store.claim("w", 7) for _ in range(4)]
    assert [run and run.name for run in taken] == ["a", "b", "c", None]
    assert store.queue() == []


@pytest.mark.parametrize(
    ("name", "by", "order"),
    [
        ("c", -1, "acbd"), ("c", -2, "cabd"), ("d", -99, "dabc"), ("a", 1, "bacd"), ("a", 99, "bcda"), ("b", 0, "abcd"),
        ("x", -1, "abcd"),
    ],
)  # fmt: skip
def test_a_run_moves_in_the_queue_and_workers_follow_the_new_order(
    store: RunStore, name: str, by: int, order: str
) -> None:
    ids = {each: create(store, each).id for each in "abcd"}
    store.move_in_queue(ids.get(name, "f" * 32), by)
    assert names(store.queue()) == order
    create(store, "e")
    assert names(store.queue()) == order + "e", "who comes later stands behind"
    assert [run.name for run in [store.claim("w", 1) for _ in range(5)] if run] == [*order, "e"]


def test_only_its_owner_takes_a_run_that_has_one(store: RunStore) -> None:
    own, common = create(store, "own", owner="me"), create(store, "common")
    taken = store.claim("other", 1)
    assert taken is not None and taken.id == common.id
    assert store.claim("other", 1) is None
    assert store.claim("other", 1, own=True) is None
    taken = store.claim("me", 1, own=True)
    assert taken is not None and taken.id == own.id


def test_several_workers_share_the_runs_of_one_owner_and_take_no_others(store: RunStore) -> None:
    mine = [create(store, name, owner="me").id for name in "ab"]
    create(store, "common")
    create(store, "of w", owner="w")
    assert (store.waiting_for("me"), store.waiting_for("w"), store.waiting_for(None), store.waiting_for("x")) == (
        2, 1, 1, 0,
    )  # fmt: skip
    assert not store.has_begun("v")
    taken = [store.claim(worker, 1, owner="me") for worker in ("v", "w")]
    assert [run.id for run in taken if run] == mine
    assert [run.worker for run in taken if run] == ["v", "w"]
    assert store.has_begun("v") and store.has_begun("w")
    assert store.claim("w", 1, owner="me") is None, "what is queued for it by name is not this owner's"
    assert (store.waiting_for("me"), store.waiting_for("w"), store.waiting_for(None)) == (0, 1, 1)
    store.interrupt("v")
    assert [store.get(run_id).status for run_id in mine] == ["interrupted", "running"]


def test_a_claimed_run_says_who_has_it(store: RunStore) -> None:
    run = create(store)
    taken = store.claim("w", 4711)
    assert taken is not None
    assert (taken.id, taken.status, taken.worker, taken.pid, taken.host) == (run.id, "running", "w", 4711, store.host)
    assert taken.is_active and not taken.is_stale()
    assert taken.started and taken.heartbeat


def test_a_deleted_run_is_not_in_the_queue_and_nobody_takes_it(store: RunStore) -> None:
    store.delete([create(store).id])
    assert store.queue() == []
    assert store.claim("w", 1) is None


def test_many_threads_and_processes_take_each_run_exactly_once(store: RunStore, start: Start) -> None:
    ids = [create(store).id for _ in range(60)]
    script = (
        "store = opened()\n"
        "def take(name):\n"
        "    while (run := store.claim(name, os.getpid())) is not None:\n"
        "        assert run.worker == name\n"
        "        sys.stdout.write(run.id + '\\n')\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "threads = [threading.Thread(target=take, args=(f'{os.getpid()}-{i}',)) for i in range(4)]\n"
        "[thread.start() for thread in threads]\n"
        "[thread.join() for thread in threads]\n"
    )
    processes = [start(script) for _ in range(3)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    here: list[str] = []

    def take(name: str) -> None:
        while (run := store.claim(name, 1)) is not None:
            here.append(run.id)

    threads = [threading.Thread(target=take, args=(f"here-{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shares = [here, *(output(process) for process in processes)]
    assert sorted(run_id for share in shares for run_id in share) == sorted(ids)
    assert sum(bool(share) for share in shares) > 1, "they did not meet: the test says nothing"
    assert {run.status for run in store.runs()} == {"running"}


def test_a_store_that_processes_and_threads_use_at_once_loses_nothing(store: RunStore, start: Start) -> None:
    shared = begun(store, "shared")
    script = f"""
store = opened()
def work(name):
    for i in range(4):
        run = store.create(NETWORK, TrainingConfig(), name=f"{{name}} {{i}}", owner=name)
        assert store.claim(name, 1, own=True).id == run.id
        for epoch in (1, 2):
            points = [{{"step": epoch, "epoch": epoch - 0.5, "loss": 1.0, "accuracy": 0.5}}] * 3
            assert store.report(run.id, name, {{"phase": "training"}}, points) == ""
            assert store.report({shared.id!r}, "shared", {{}}, points[:1]) == ""
            store.add_epoch(run.id, {{"epoch": epoch, "loss": 1.0}}, validation_loss=0.5)
        assert store.end(run.id, "finished", worker=name)
        store.note(f"{{name}} {{i}}", i)
threads = [threading.Thread(target=work, args=(f"{{os.getpid()}}-{{i}}",)) for i in range(2)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(os.getpid())
"""
    pids = [output(process)[0] for process in [start(script) for _ in range(3)]]
    done = store.runs(["finished"])
    wanted = {f"{pid}-{thread} {i}" for pid in pids for thread in range(2) for i in range(4)}
    assert {run.name for run in done} == wanted
    for run in done:
        assert [entry["epoch"] for entry in store.history(run.id)] == [1, 2]
        assert [each["step"] for each in store.points(run.id)] == [1, 1, 1, 2, 2, 2]
        assert run.epochs_run == 2
        assert store.note(run.name) == int(run.name[-1])
    assert len(store.points(shared.id)) == len(wanted) * 2
    positions = [run.position for run in done]
    assert len(set(positions)) == len(positions) or store._engine.dialect.name != "sqlite"


# Commands ----------------------------------------------------------------------------------------------------------


def test_a_command_reaches_the_worker_with_its_next_report_and_can_be_taken_back(store: RunStore) -> None:
    run = begun(store)
    for command in ("pause", "", "stop", ""):
        store.command(run.id, command)
        assert store.report(run.id, "w", {}) == command


def test_stop_takes_a_queued_run_out_of_the_queue_and_pause_leaves_it(store: RunStore) -> None:
    run = create(store)
    store.command(run.id, "pause")
    assert (store.get(run.id).status, store.get(run.id).command) == ("queued", "")
    store.command(run.id, "stop")
    run = store.get(run.id)
    assert (run.status, run.reason) == ("stopped", "Cancelled while queued.")
    assert store.claim("w", 1) is None


@pytest.mark.parametrize("status", FINAL)
def test_a_command_changes_nothing_in_a_run_that_has_ended(store: RunStore, status: str) -> None:
    run = brought_to(store, status)
    store.command(run.id, "stop")
    assert store.get(run.id) == run


def test_an_unknown_command_is_refused(store: RunStore) -> None:
    with pytest.raises(JobError, match="faster"):
        store.command(begun(store).id, "faster")


@pytest.mark.parametrize("status", STATUSES)
def test_only_a_run_that_ended_early_can_be_queued_again(store: RunStore, status: str) -> None:
    run = brought_to(store, status)
    if status in ("stopped", "interrupted", "failed"):
        waiting = create(store, "waiting")
        again = store.requeue(run.id)
        assert (again.status, again.reason, again.command, again.ended) == ("queued", None, "", None)
        assert [each.id for each in store.queue()] == [waiting.id, run.id], "it goes to the end of the queue"
        assert again.created == run.created
    else:
        with pytest.raises(JobError, match=f"is {status} and cannot be resumed"):
            store.requeue(run.id)
        assert store.get(run.id) == run


def test_a_run_that_is_claimed_again_keeps_its_first_start_and_forgets_how_it_ended(store: RunStore) -> None:
    run = brought_to(store, "failed")
    store.requeue(run.id, owner="me")
    taken = store.claim("me", 2)
    assert taken is not None
    assert (taken.started, taken.ended, taken.reason, taken.command) == (run.started, None, None, "")


# Reports -----------------------------------------------------------------------------------------------------------


def test_a_report_writes_heartbeat_progress_and_points_in_order(store: RunStore) -> None:
    run = begun(store)
    store.set_figures(run.id, heartbeat=1.0)
    progress = {"phase": "training", "epoch": 2, "epochs": 4, "step": 5, "steps": 10, "loss": 0.25}
    store.report(run.id, "w", progress, [point(1, 0.1), point(2, 0.2)])
    store.report(run.id, "w", progress, [point(3, 0.3)], status="paused")
    found = store.get(run.id)
    assert (found.status, found.progress) == ("paused", progress)
    assert found.share_done == pytest.approx((1 + 5 / 10) / 4)
    assert found.heartbeat and found.heartbeat > 1.0
    curve = store.points(run.id)
    assert [each["step"] for each in curve] == [1, 2, 3]
    assert set(curve[0]) == {"id", "step", "epoch", "loss", "accuracy"}
    assert store.points(run.id, after=curve[1]["id"]) == curve[2:], "a page fetches only what is new"
    assert store.points(run.id, after=curve[2]["id"]) == []
    rows = [(each["step"], each["epoch"], each["loss"], each["accuracy"]) for each in curve]
    assert list(map(tuple, store.point_rows(run.id))) == rows


def test_a_report_by_another_worker_is_refused_and_writes_nothing(store: RunStore) -> None:
    run = begun(store)
    before = store.get(run.id)
    assert store.report(run.id, "other", {"phase": "mine"}, [point(1, 0.1)]) is None
    assert store.get(run.id) == before
    assert store.points(run.id) == []


@pytest.mark.parametrize("status", ["queued", "interrupted", "failed"])
def test_a_worker_learns_that_its_run_is_lost(store: RunStore, status: str) -> None:
    run = begun(store)
    store.end(run.id, "interrupted" if status == "queued" else status)
    if status == "queued":
        store.requeue(run.id)
    assert store.report(run.id, "w", {}, [point(1, 0.1)]) is None
    assert store.get(run.id).status == status
    assert store.points(run.id) == []


def test_a_worker_that_still_evaluates_a_stopped_run_reports_without_waking_it(store: RunStore) -> None:
    run = begun(store)
    store.end(run.id, "stopped")
    assert store.report(run.id, "w", {"phase": "evaluating"}) == ""
    assert (store.get(run.id).status, store.get(run.id).progress) == ("stopped", {"phase": "evaluating"})


def test_a_worker_that_still_evaluates_a_run_which_was_deleted_learns_that_it_is_lost(store: RunStore) -> None:
    run = begun(store)
    store.end(run.id, "stopped")
    store.delete([run.id])
    assert store.report(run.id, "w", {}) is None


def test_a_report_of_many_points_is_written_whole_or_not_at_all(store: RunStore) -> None:
    run = begun(store)
    with pytest.raises(StoreError):
        store.report(run.id, "w", {"phase": "bad"}, [point(1, 0.1), {**point(2, 0.2), "step": None}])
    assert store.points(run.id) == []
    assert store.get(run.id).progress == {"phase": "starting"}


def test_an_epoch_is_in_the_history_once_and_sets_figures_of_the_run(store: RunStore) -> None:
    run = begun(store)
    for epoch, loss in ((1, 0.5), (2, 0.4), (2, 0.3)):
        store.add_epoch(run.id, {"epoch": epoch, "loss": loss, "val_loss": None}, best_epoch=epoch)
    assert store.history(run.id) == [
        {"epoch": 1, "loss": 0.5, "val_loss": None}, {"epoch": 2, "loss": 0.3, "val_loss": None},
    ]  # fmt: skip
    assert (store.get(run.id).epochs_run, store.get(run.id).best_epoch) == (2, 2)


def test_rewinding_forgets_what_came_after_an_epoch_and_nothing_else(store: RunStore) -> None:
    run, other = begun(store), begun(store, "other")
    for each, worker in ((run, "w"), (other, "other")):
        for epoch in (1, 2, 3):
            store.report(each.id, worker, {}, [point(2 * epoch - 1, epoch - 0.5), point(2 * epoch, float(epoch))])
            store.add_epoch(each.id, {"epoch": epoch})
    store.rewind(run.id, 2)
    assert [entry["epoch"] for entry in store.history(run.id)] == [1, 2]
    assert [each["epoch"] for each in store.points(run.id)] == [0.5, 1.0, 1.5, 2.0]
    assert store.get(run.id).epochs_run == 2
    assert len(store.history(other.id)) == 3 and len(store.points(other.id)) == 6
    store.rewind(run.id, 0)
    assert store.history(run.id) == store.points(run.id) == []


@pytest.mark.parametrize("status", FINAL)
def test_a_run_ends_once_and_the_first_word_stands(store: RunStore, status: str) -> None:
    run = begun(store)
    assert store.end(run.id, status, reason="first", kept_epoch=3)
    assert not store.end(run.id, "failed", reason="second")
    ended = store.get(run.id)
    assert (ended.status, ended.reason, ended.kept_epoch, ended.command) == (status, "first", 3, "")
    assert ended.ended


def test_nobody_ends_the_run_of_another_worker_or_one_that_waits(store: RunStore) -> None:
    run, waiting = begun(store), create(store)
    assert not store.end(run.id, "failed", worker="other")
    assert not store.end(waiting.id, "failed")
    assert store.end(waiting.id, "failed", among=("queued",))
    assert store.get(run.id).status == "running"


# Editing -----------------------------------------------------------------------------------------------------------


def test_a_run_is_renamed_noted_and_starred_one_by_one(store: RunStore) -> None:
    run = create(store, "old", notes="n")
    store.edit(run.id, starred=True)
    store.edit(run.id, name="new  name\n")
    store.edit(run.id)
    found = store.get(run.id)
    assert (found.name, found.notes, found.starred) == ("new name", "n", True)
    store.edit(run.id, notes="", starred=False)
    assert (store.get(run.id).notes, store.get(run.id).starred) == ("", False)
    with pytest.raises(StoreError, match="empty"):
        store.edit(run.id, name=" \0 ")


def test_a_text_that_no_file_can_hold_is_one_sentence(store: RunStore) -> None:
    run = create(store)
    with pytest.raises(StoreError, match="cannot be written"):
        store.set_figures(run.id, device="\udcff")


def test_notes_are_kept_without_what_no_file_can_hold_and_no_terminal_should_see(store: RunStore) -> None:
    run = create(store)
    store.edit(run.id, notes="a\udcff\0\x1b[31m\u202eb\nc")
    assert store.get(run.id).notes == "a  [31m b\nc"


def test_deleted_runs_come_back_with_all_they_had(store: RunStore) -> None:
    run, other = brought_to(store, "finished"), create(store)
    store.add_epoch(run.id, {"epoch": 1})
    before = store.get(run.id)
    assert store.delete(iter([run.id])) == [run.id]
    assert [each.id for each in store.runs()] == [other.id]
    assert [each.id for each in store.runs(deleted=True)] == [run.id]
    assert store.exists(run.id)
    store.purge()
    store.undelete([run.id])
    assert store.get(run.id) == before
    assert len(store.history(run.id)) == 1


def test_a_run_under_way_is_not_deleted_nor_those_named_with_it(store: RunStore) -> None:
    done, busy = brought_to(store, "finished"), begun(store)
    with pytest.raises(JobError, match="under way"):
        store.delete([done.id, busy.id])
    assert len(store.runs()) == 2


def test_a_purge_removes_old_deleted_runs_with_their_files_and_keeps_the_rest(store: RunStore) -> None:
    old, kept, fresh, live = (brought_to(store, "finished") for _ in range(4))
    for run in (old, kept, fresh, live):
        store.add_epoch(run.id, {"epoch": 1})
        with store.artefacts.writing(run.id, MODEL) as path:
            path.write_bytes(b"x")
    store.delete([old.id, kept.id, fresh.id])
    for run in (old, kept):
        store.set_figures(run.id, deleted=time.time() - KEEP_DELETED_SECONDS - 1)
    store.purge(keep=[kept.id])
    assert not store.exists(old.id)
    assert not store.artefacts.folder(old.id).exists()
    assert store.history(old.id) == []
    for run in (kept, fresh, live):
        assert store.exists(run.id) and store.artefacts.has(run.id, MODEL) and store.history(run.id)
    with pytest.raises(RunNotFound):
        store.get(old.id)


def test_a_run_trained_elsewhere_is_registered_once_with_its_curve_and_files(store: RunStore, tmp_path: Path) -> None:
    source = tmp_path / "weights"
    source.write_bytes(b"weights")
    template = brought_to(store, "finished")
    values = {key: getattr(template, key) for key in template.__dataclass_fields__}
    values |= {"id": "5" * 32, "name": "from elsewhere"}
    history = [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25}]
    for _ in range(2):
        run = store.register(values, history, {MODEL: source, PREDICTIONS: source})
    assert (run.id, run.name, run.network()) == ("5" * 32, "from elsewhere", NETWORK)
    assert store.history(run.id) == history
    assert store.artefacts.path(run.id, MODEL).read_bytes() == b"weights"
    assert len(store.runs()) == 2


def test_a_registered_run_whose_file_is_missing_is_not_in_the_store(store: RunStore, tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        store.register({"id": "6" * 32}, [], {MODEL: tmp_path / "missing"})
    assert not store.exists("6" * 32)


def test_notes_outlive_the_program_and_the_last_one_stands(store: RunStore, start: Start) -> None:
    assert store.note("probe:here") is None
    store.note("probe:here", {"fixed": 1.0})
    store.note("probe:here", {"fixed": 2.0, "each": [1, None, "ä"]})
    assert store.note("probe:here") == {"fixed": 2.0, "each": [1, None, "ä"]}
    assert output(start("print(opened().note('probe:here')['fixed'])\n")) == ["2.0"]

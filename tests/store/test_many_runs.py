"""Very many runs: only what was written since the last look is read again, and it comes to the same as reading all."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from benchmarks.filled_store import fill
from mnist_lab.architecture import Architecture
from mnist_lab.errors import RunNotFound
from mnist_lab.layers import Dense, Flatten
from mnist_lab.store import Run, RunStore, Shelf, listing, run_list, schema
from mnist_lab.store.database import open_engine
from mnist_lab.training_config import TrainingConfig

SMALL = Architecture((Flatten(), Dense(10, "softmax")))


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few runs are many."""
    for module in (run_list, listing):
        monkeypatch.setattr(module, "MANY", 1)


def asked(store: RunStore, act: Callable[[], Any]) -> list[str]:
    """The statements that something needs."""
    statements: list[str] = []

    def note(*arguments: Any) -> None:
        statements.extend([arguments[2]] * arguments[2].startswith("SELECT"))

    event.listen(store._engine, "before_cursor_execute", note)
    act()
    event.remove(store._engine, "before_cursor_execute", note)
    return statements


def filled(store: RunStore, count: int = 6) -> list[Run]:
    return [store.create(SMALL, TrainingConfig(seed=seed), name=f"run {seed}") for seed in range(count)]


@pytest.mark.usefixtures("many")
def test_whatever_happens_to_runs_the_list_is_what_reading_all_of_them_gives(store: RunStore, home: Path) -> None:
    other = RunStore(store._engine, home)
    runs, draw = filled(store), random.Random(3)

    def claim() -> None:
        taken = other.claim(f"w{draw.randrange(3)}", 1)
        if taken is not None:
            assert other.report(taken.id, str(taken.worker), {"phase": "training", "step": 1}) == ""

    def one() -> str:
        return draw.choice(runs).id

    def worker_of(run: Run) -> str:
        return str(run.worker)

    acts: list[Callable[[], Any]] = [
        lambda: other.edit(one(), name=f"name {draw.random()}"),
        lambda: other.edit(one(), starred=draw.random() < 0.5, tags=["a"]),
        lambda: other.delete([run.id for run in draw.sample(runs, 2) if not other.get(run.id).is_active]),
        lambda: other.undelete([run.id for run in runs[:3]]),
        lambda: runs.append(other.create(SMALL, TrainingConfig())),
        lambda: other.add_epoch(one(), {"epoch": draw.randrange(1, 9), "loss": 0.5}, looks=1),
        lambda: other.set_figures(one(), test_accuracy=draw.random()),
        lambda: [other.end(run.id, "finished") for run in other.active()[:1]],
        lambda: [other.report(run.id, worker_of(run), {"step": draw.randrange(99)}) for run in other.active()],
        lambda: other.move_in_queue(one(), draw.choice((-1, 1))),
        lambda: other.count_looks(one()),
        claim,
    ]
    assert store.listing() == store.runs()
    for _ in range(60):
        for _ in range(draw.randrange(1, 4)):
            draw.choice(acts)()
        assert store.listing() == store.runs()
        assert store.shelf() == store.listing()


@pytest.mark.usefixtures("many")
def test_of_many_runs_those_that_nobody_wrote_are_neither_read_nor_made_again(store: RunStore) -> None:
    runs = filled(store)
    before = store.listing()
    assert store.listing() is before, "none changed"
    store.edit(runs[2].id, notes="new")
    after = store.listing()
    assert [old is new for old, new in zip(before, after, strict=True)] == [True, True, True, False, True, True]
    found: list[Any] = []

    def keep(_: Any, cursor: Any, statement: str, *__: Any) -> None:
        found.append(statement)

    event.listen(store._engine, "after_cursor_execute", keep)
    store.listing()
    event.remove(store._engine, "after_cursor_execute", keep)
    assert any("runs.changed >=" in each for each in found)
    assert not any("architecture" in each for each in found)


@pytest.mark.usefixtures("many")
def test_a_writer_who_began_before_a_look_and_ended_after_it_is_seen_by_the_next(store: RunStore, home: Path) -> None:
    if store._engine.dialect.name == "sqlite":
        pytest.skip("there is one writer at a time")
    runs = filled(store)
    with store._engine.connect() as slow, slow.begin():
        slow.execute(schema.runs.update().where(schema.runs.c.id == runs[0].id).values(notes="slow"))
        # Others write and end after it has begun, and a look is taken in between.
        store.edit(runs[1].id, notes="quick")
        store.create(SMALL, TrainingConfig())
        assert {run.notes for run in store.listing()} == {"", "quick"}
        store.edit(runs[1].id, notes="quicker")
        assert {run.notes for run in store.listing()} == {"", "quicker"}
    assert {run.notes for run in store.listing()} == {"", "quicker", "slow"}


@pytest.mark.usefixtures("many")
def test_what_others_than_this_program_wrote_is_seen_after_a_while(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = filled(store)
    store.listing()
    with store._engine.connect().execution_options(writes=True) as connection, connection.begin():
        connection.execute(text("UPDATE runs SET notes = 'by hand'"))
    assert "" in {run.notes for run in store.listing()}
    monkeypatch.setattr(run_list, "ALL_AGAIN_SECONDS", 0.0)
    assert {run.notes for run in store.listing()} == {"by hand"} and len(store.listing()) == len(runs)


@pytest.mark.usefixtures("many")
def test_a_report_of_a_run_under_way_writes_no_index_and_is_seen_all_the_same(store: RunStore) -> None:
    filled(store)
    taken = store.claim("w", 1)
    assert taken is not None

    def changed() -> int:
        with store._engine.connect() as connection:
            query = schema.runs.select().with_only_columns(schema.runs.c.changed).where(schema.runs.c.id == taken.id)
            return int(connection.execute(query).scalar_one())

    store.listing()
    before = changed()
    store.report(taken.id, "w", {"phase": "training", "step": 7})
    store.add_epoch(taken.id, {"epoch": 1, "loss": 0.5})
    assert changed() == before > 0
    (seen,) = (run for run in store.listing() if run.id == taken.id)
    assert (seen.progress, seen.epochs_run) == ({"phase": "training", "step": 7}, 1)
    store.end(taken.id, "stopped", worker="w")
    assert changed() > before


def test_two_threads_that_list_at_once_get_the_same(store: RunStore) -> None:
    filled(store)
    found: list[list[Run]] = []
    threads = [threading.Thread(target=lambda: found.append(store.listing())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and all(each == store.runs() for each in found)


@pytest.mark.usefixtures("many")
def test_a_shelf_of_many_runs_reads_what_is_asked_for_and_is_a_list_in_all_else(store: RunStore, home: Path) -> None:
    runs = filled(store)[::-1]
    store.delete([runs.pop(1).id])
    shelf = RunStore(store._engine, home).shelf()
    assert isinstance(shelf, Shelf) and len(shelf) == len(runs) == 5
    some = asked(store, lambda: [*shelf[1:3]])
    assert [run.id for run in shelf[1:3]] == [run.id for run in runs[1:3]] and all("LIMIT" in each for each in some)
    assert [shelf[0].id, shelf[-1].id] == [runs[0].id, runs[-1].id]
    assert [run.id for run in shelf[-2:]] == [run.id for run in runs[-2:]]
    with pytest.raises(IndexError):
        shelf[5]
    assert [run.id for run in shelf.store.those([runs[3].id, "0" * 32, runs[0].id])] == [runs[0].id, runs[3].id]
    assert list(shelf) == store.runs() and shelf[1:3] == store.runs()[1:3] and len(shelf) == 5


def test_what_is_counted_of_the_looks_at_test_images_is_what_the_runs_say(store: RunStore) -> None:
    runs = filled(store)
    for run, dataset, looks in zip(runs, ("mnist", "mnist", "digits", None, "digits"), (3, 4, 5, 1, 0), strict=False):
        store.set_figures(run.id, dataset=dataset, test_looks=looks)
    store.delete([store.create(SMALL, TrainingConfig()).id])
    assert store.looks() == {"mnist": (7, 2), "digits": (5, 1), None: (1, 1)}
    assert store.count() == 6


@pytest.mark.usefixtures("many")
def test_the_runs_of_some_presets_are_kept_apart_from_those_of_others(store: RunStore) -> None:
    made = {name: store.create(SMALL, TrainingConfig(), preset=name).id for name in ("a", "b", "c")}
    store.create(SMALL, TrainingConfig())
    for _ in range(2):
        assert [run.id for run in store.with_presets(["a", "b"])] == [made["b"], made["a"]]
        assert [run.id for run in store.with_presets(["c"])] == [made["c"]]
    store.delete([made["a"]])
    more = store.create(SMALL, TrainingConfig(), preset="b")
    assert [run.id for run in store.with_presets(["a", "b"])] == [more.id, made["b"]]
    assert [run.id for run in store.with_presets(["a", "b"])] == [run.id for run in store.runs(presets=["a", "b"])]


def test_a_run_is_found_by_the_beginning_of_its_id_or_by_its_name_and_nothing_else_is_read(store: RunStore) -> None:
    runs = filled(store)
    twice = store.create(SMALL, TrainingConfig(), name="run 1")
    assert store.find(runs[0].id[:8]).id == store.find(runs[0].id.upper()).id == store.find("run 0").id == runs[0].id
    for unknown in ("run 1", runs[0].id[:3], "nothing", "%", "____", runs[0].id + "0"):
        with pytest.raises(RunNotFound):
            store.find(unknown)
    store.delete([twice.id])
    assert store.find("run 1").id == runs[1].id and store.find("run 1", deleted=True).id == twice.id
    assert store.which_are_there([runs[0].id, twice.id, "x"]) == {runs[0].id}


def test_very_many_runs_are_starred_tagged_deleted_and_purged_at_once(store: RunStore) -> None:
    values = [
        {
            "id": f"{number:032x}", "name": "x", "status": "finished", "created": 1.0 + number, "split": "holdout",
            "architecture": SMALL.to_dict(), "training": TrainingConfig().to_dict(), "parameters": 1,
            "trainable_parameters": 1, "multiply_adds": 1,
        }
        for number in range(1_200)
    ]  # fmt: skip
    with store._engine.connect().execution_options(writes=True) as connection, connection.begin():
        connection.execute(schema.runs.insert(), values)
    ids = [str(each["id"]) for each in values]
    store.star_all(ids, True)
    store.tag_all(ids, add=["t"])
    assert {(run.starred, *run.tags) for run in store.runs()} == {(True, "t")} and store.count() == 1_200
    store.delete(ids)
    store.undelete(ids[:700])
    store.purge(older_than=-1.0)
    assert [run.id for run in store.runs()] == ids[:700][::-1] and not store.runs(deleted=True)


def test_the_newest_is_found_by_an_index_and_not_by_looking_at_all(store: RunStore, home: Path) -> None:
    if store._engine.dialect.name != "sqlite":
        pytest.skip("a server chooses by what is there, and a few rows are read sooner than an index")
    filled(store)
    plans = {
        "SELECT id FROM runs WHERE deleted IS NULL ORDER BY created DESC LIMIT 3": "runs_by_creation",
        "SELECT id FROM runs WHERE changed >= 5": "runs_by_change",
        "SELECT id FROM runs WHERE host = 'a' ORDER BY created DESC LIMIT 3": "runs_by_host",
        "SELECT id FROM runs WHERE deleted IS NOT NULL AND deleted <= 5": "runs_by_deletion",
        "SELECT max(turn) FROM runs WHERE turn BETWEEN 1 AND 9": "runs_by_turn",
        "SELECT id FROM runs WHERE preset IN ('a', 'b')": "runs_by_preset",
        "SELECT dataset, sum(test_looks) FROM runs WHERE deleted IS NULL AND test_looks > 0 GROUP BY dataset":
            "runs_by_looks",
    }  # fmt: skip
    with store._engine.connect() as connection:
        for question, index in plans.items():
            plan = " ".join(str(row) for row in connection.execute(text(f"EXPLAIN QUERY PLAN {question}")))
            assert index in plan, (question, plan)


def test_turns_are_counted_on_whatever_a_damaged_row_has_in_place_of_one(url: str, home: Path) -> None:
    if not url.startswith("sqlite"):
        pytest.skip("a server takes no text for a number")
    store = RunStore(open_engine(url), home)
    for number in range(3):
        store.create(SMALL, TrainingConfig(), person=f"p{number}")
    first = store.claim("w", 1)
    assert first is not None and first.turn == 1
    damaged = store.create(SMALL, TrainingConfig())
    with store._engine.connect().execution_options(writes=True) as connection, connection.begin():
        connection.execute(text("UPDATE runs SET turn = 'x', status = 'failed' WHERE id = :id"), {"id": damaged.id})
    second = store.claim("w", 1)
    assert second is not None and second.turn == 2
    store.close()


def test_the_store_that_the_benchmark_fills_is_one_of_this_version(url: str, tmp_path: Path) -> None:
    fill(url, 60, 600)
    store = RunStore(open_engine(url), tmp_path)
    runs = [*store.runs(), *store.runs(deleted=True)]
    assert len(runs) == 60 and not [run.reason for run in runs if run.is_damaged]
    assert {run.status for run in runs} >= {"finished", "queued", "running"}
    for run in runs[:3]:
        assert (run.network(), run.config()) and len(store.points(run.id)) == len(store.history(run.id)) == 10
    store.close()

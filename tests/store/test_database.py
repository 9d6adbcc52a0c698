"""Opening the database: what cannot be opened, read or written is one sentence; what was written stays."""

from __future__ import annotations

import contextlib
import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.dialects import postgresql

from mnist_lab.architecture import Architecture
from mnist_lab.errors import StoreError
from mnist_lab.layers import Dense, Flatten
from mnist_lab.store import RunStore, open_store
from mnist_lab.store.database import open_engine
from mnist_lab.training_config import TrainingConfig
from tests.store.conftest import Start, at_once
from tests.store.older import bring_down

NETWORK = Architecture((Flatten(), Dense(10, "softmax")))


def create(store: RunStore, name: str = "") -> str:
    return store.create(NETWORK, TrainingConfig(), name=name).id


def one_sentence(error: StoreError) -> None:
    assert "\n" not in str(error)
    assert len(str(error)) < 400
    assert error.remedy


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "lab.db"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with some runs in it, closed, to be copied."""
    file = tmp_path_factory.mktemp("made") / "lab.db"
    store = RunStore(open_engine(f"sqlite:///{file}"), file.parent)
    for i in range(30):
        run_id = create(store, f"run {i}")
        store.claim("w", 1)
        store.report(run_id, "w", {"phase": "training"}, [{"step": 1, "epoch": 0.5, "loss": 1.0, "accuracy": 0.5}])
        store.add_epoch(run_id, {"epoch": 1, "loss": 1.0})
    store.note("a note", {"x": 1})
    store.close()
    return file


@pytest.fixture
def filled(file: Path, made: Path) -> Path:
    """A database with some runs in it, closed."""
    file.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(made, file)
    return file


def read_everything(file: Path) -> int:
    store = RunStore(open_engine(f"sqlite:///{file}"), file.parent)
    try:
        runs = store.runs()
        for run in runs:
            store.history(run.id)
            store.points(run.id)
        store.note("a note")
        return len(runs)
    finally:
        store.close()


def a_folder_stands_there(file: Path) -> None:
    file.mkdir()


def it_is_no_database(file: Path) -> None:
    file.write_bytes(b"This is a text, and has been one for a long time. " * 100)


def it_was_cut_short(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:5000])


def its_version_is_no_number(file: Path) -> None:
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE meta SET value = 'one' WHERE key = 'version'")


def a_table_is_gone(file: Path) -> None:
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("DROP TABLE epochs")
        connection.execute("CREATE TABLE epochs (something)")


DAMAGES: list[Callable[[Path], None]] = [
    it_is_no_database, it_was_cut_short, its_version_is_no_number, a_table_is_gone,
]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_one_sentence(filled: Path, damage: Callable[[Path], None]) -> None:
    assert read_everything(filled) == 30
    damage(filled)
    with pytest.raises(StoreError) as caught:
        read_everything(filled)
    one_sentence(caught.value)


@pytest.mark.parametrize("seed", range(12))
def test_no_damage_of_bytes_is_more_than_one_sentence(filled: Path, seed: int) -> None:
    rng = random.Random(seed)
    content = bytearray(filled.read_bytes())
    for _ in range(rng.choice((1, 20, 400))):
        content[rng.randrange(100, len(content))] = rng.randrange(256)
    filled.write_bytes(content)
    try:
        read_everything(filled)
    except StoreError as error:
        one_sentence(error)


def test_a_folder_in_its_place_is_one_sentence(file: Path) -> None:
    a_folder_stands_there(file)
    with pytest.raises(StoreError, match="cannot be opened") as caught:
        open_engine(f"sqlite:///{file}")
    one_sentence(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////proc/no/such/place/lab.db",
        "postgresql+psycopg://me:secret@127.0.0.1:port/lab",
        "postgresql+psycopg://me:secret@127.0.0.1:9/lab",
    ],
)
def test_a_place_that_cannot_be_is_one_sentence_without_the_password(url: str) -> None:
    with pytest.raises(StoreError, match="cannot be opened") as caught:
        open_engine(url)
    assert "secret" not in str(caught.value)
    assert caught.value.remedy


def test_the_settings_name_the_store_and_it_is_opened_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MNIST_LAB_STORE", raising=False)
    monkeypatch.setenv("MNIST_LAB_HOME", str(tmp_path / "what? 100%20 #1"))
    store = open_store()
    create(store)
    assert open_store() is store
    assert (tmp_path / "what? 100%20 #1" / "lab.db").is_file()
    monkeypatch.setenv("MNIST_LAB_STORE", f"sqlite:///{tmp_path / 'other.db'}")
    assert open_store().runs() == []
    open_store().close()
    store.close()


def test_a_store_of_a_newer_program_is_left_alone(filled: Path) -> None:
    with contextlib.closing(sqlite3.connect(filled)) as connection, connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'version'")
    with pytest.raises(StoreError, match="newer version") as caught:
        open_engine(f"sqlite:///{filled}")
    assert "Update" in caught.value.remedy


def test_a_full_disk_is_one_sentence_and_loses_nothing_that_was_written(store: RunStore, start: Start) -> None:
    if store._engine.dialect.name != "sqlite":
        pytest.skip("a server's disk is not ours to fill")
    first = create(store)
    words = start(
        "import resource\n"
        "store = opened()\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))\n"
        "try:\n"
        "    for _ in range(1000):\n"
        "        print(store.create(NETWORK, TrainingConfig(), notes='x' * 5000).id)\n"
        "except LabError as error:\n"
        "    print(type(error).__name__, error)\n"
    ).output()
    assert words[-1].startswith("StoreError The run store cannot be written (")
    assert len(words) > 5
    assert {run.id for run in store.runs()} == {first, *words[:-1]}
    create(store)


def test_the_file_is_kept_in_the_form_that_survives_a_power_cut(file: Path) -> None:
    engine = open_engine(f"sqlite:///{file}")
    with engine.connect() as connection:
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
    engine.dispose()
    assert found == ["wal", 2]


def test_a_process_that_is_killed_within_a_transaction_leaves_nothing_of_it_and_locks_nobody_out(
    store: RunStore, start: Start
) -> None:
    run_id = create(store)
    writer = start(
        "from mnist_lab.store import database, schema\n"
        "store = opened()\n"
        "with database.writing(store._engine) as connection:\n"
        "    connection.execute(schema.runs.update().values(name='half'))\n"
        "    print('half', flush=True)\n"
        "    time.sleep(60)\n"
    )
    assert writer.line() == "half"
    assert store.get(run_id).name != "half", "a reader waits for no writer and sees nothing unfinished"
    writer.kill()
    store.edit(run_id, notes="goes on")
    assert (store.get(run_id).name, store.get(run_id).notes) == ("Dense 10", "goes on")


def test_many_processes_that_come_to_an_empty_place_at_once_make_one_store(home: Path, start: Start) -> None:
    others = at_once(start, 5, "", "print(opened().create(NETWORK, TrainingConfig()).id)\n")
    ids = [other.output()[0] for other in others]
    again = start("for run in opened().runs():\n    print(run.id)\n").output()
    assert sorted(again) == sorted(ids)


def test_on_a_server_a_claimed_row_is_locked_and_passed_over(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    # SQLite has one writer at a time and needs no such lock; the words must be there for PostgreSQL.
    store = RunStore(open_engine(f"sqlite:///{file}"), file.parent)
    create(store)
    seen = []
    from sqlalchemy import event

    @event.listens_for(store._engine, "before_execute")
    def look(connection: object, statement: object, *_: object) -> None:
        if hasattr(statement, "with_for_update"):
            seen.append(str(statement.compile(dialect=postgresql.dialect())))  # type: ignore[attr-defined]

    assert store.claim("w", 1) is not None
    assert any(text.endswith("FOR UPDATE SKIP LOCKED") for text in seen)
    store.close()


# Stores of older versions ---------------------------------------------------------------------------------------------


@pytest.fixture
def older(filled: Path) -> Path:
    """The same store as version 1 left it: without tags, looks, prediction times and people."""
    bring_down(open_engine(f"sqlite:///{filled}"), 1)
    with contextlib.closing(sqlite3.connect(filled)) as connection, connection:
        connection.execute("UPDATE runs SET test_accuracy = 0.9 WHERE name IN ('run 1', 'run 2')")
        connection.execute("UPDATE runs SET split = 'test-as-validation', epochs_run = 7 WHERE name = 'run 2'")
    return filled


def test_a_store_of_the_first_version_is_brought_up_and_its_looks_are_reckoned(older: Path) -> None:
    assert read_everything(older) == 30
    store = RunStore(open_engine(f"sqlite:///{older}"), older.parent)
    runs = {run.name: run for run in store.runs()}
    assert [runs[f"run {number}"].test_looks for number in range(3)] == [0, 1, 8]
    assert all(run.tags == [] and run.prediction_seconds is None and run.person is None for run in runs.values())
    store.close()


def test_in_a_store_of_version_3_what_waits_goes_on_waiting_and_people_take_turns(filled: Path) -> None:
    store = RunStore(open_engine(f"sqlite:///{filled}"), filled.parent)
    for name in "abc":
        create(store, name)
    bring_down(store._engine, 3)
    store = RunStore(open_engine(f"sqlite:///{filled}"), filled.parent)
    store.create(NETWORK, TrainingConfig(), name="mine", person=store.person("anna"))
    assert [run.name for run in store.queue()] == ["a", "mine", "b", "c"]
    taken = [store.claim("w", 1) for _ in range(5)]
    assert [run and run.name for run in taken] == ["a", "mine", "b", "c", None]
    store.close()


def test_what_an_older_store_was_stays_beside_it(older: Path) -> None:
    with contextlib.closing(sqlite3.connect(older)) as connection:
        before = connection.execute("SELECT * FROM runs ORDER BY id").fetchall()
    read_everything(older)
    backup = older.with_name(f"{older.name}.version-1")
    with contextlib.closing(sqlite3.connect(backup)) as connection:
        assert connection.execute("SELECT * FROM runs ORDER BY id").fetchall() == before


def test_a_store_that_cannot_be_brought_up_is_left_as_it_was(older: Path) -> None:
    with contextlib.closing(sqlite3.connect(older)) as connection, connection:
        connection.execute("ALTER TABLE runs ADD COLUMN test_looks INTEGER")
    with pytest.raises(StoreError) as caught:
        read_everything(older)
    one_sentence(caught.value)
    with contextlib.closing(sqlite3.connect(older)) as connection:
        assert connection.execute("SELECT value FROM meta WHERE key = 'version'").fetchone() == ("1",)
        columns = {row[1] for row in connection.execute("PRAGMA table_info(runs)")}
        assert "tags" not in columns, "half of the way"

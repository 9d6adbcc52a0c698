"""Stores of every older version, on both databases: brought up whole or left as they were, with nothing lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, inspect, text

from mnist_lab.architecture import Architecture
from mnist_lab.errors import StoreError
from mnist_lab.layers import Dense, Flatten
from mnist_lab.store import RunStore, schema
from mnist_lab.store.database import open_engine
from mnist_lab.training_config import TrainingConfig
from tests.store.conftest import Start
from tests.store.older import VERSIONS, bring_down, columns_since

NETWORK = Architecture((Flatten(), Dense(10, "softmax")))
EACH = pytest.mark.parametrize("version", VERSIONS)


def columns(engine: Engine, table: str) -> set[str]:
    return {each["name"] for each in inspect(engine).get_columns(table)}


@pytest.fixture
def names(url: str, home: Path) -> Iterator[set[str]]:
    """The names of the runs in a store of today, which is closed."""
    store = RunStore(open_engine(url), home)
    for number in range(5):
        run = store.create(NETWORK, TrainingConfig(), name=f"run {number}", owner="w")
        store.add_epoch(run.id, {"epoch": 1, "loss": 0.5})
    yield {run.name for run in store.runs()}
    store.close()


def test_every_version_has_its_step() -> None:
    assert set(schema.MIGRATIONS) == set(range(2, schema.VERSION + 1))
    assert columns_since(1), "nothing was ever added: these tests would say nothing"


@EACH
def test_a_store_of_an_older_version_is_brought_up_and_can_be_used(
    url: str, home: Path, names: set[str], version: int
) -> None:
    bring_down(open_engine(url), version)
    store = RunStore(open_engine(url), home)
    for table, column in columns_since(version):
        assert column in columns(store._engine, table)
    assert {run.name for run in store.runs()} == {run.name for run in store.listing()} == names
    assert all(not run.is_damaged and store.history(run.id) == [{"epoch": 1, "loss": 0.5}] for run in store.runs())
    store.create(NETWORK, TrainingConfig())
    assert store.claim("v", 1) is not None
    with store._engine.connect() as connection:
        found = connection.execute(text("SELECT value FROM meta WHERE key = 'version'")).scalar()
    assert found == str(schema.VERSION)
    store.close()


@EACH
def test_a_step_that_fails_midway_leaves_the_store_as_it_was(
    url: str, home: Path, names: set[str], version: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring_down(open_engine(url), version)
    steps = {**schema.MIGRATIONS, schema.VERSION: (*schema.MIGRATIONS[schema.VERSION], "UPDATE nowhere SET x = 1")}
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", steps)
        with pytest.raises(StoreError, match="cannot be opened"):
            open_engine(url)
    with monkeypatch.context() as patch:
        patch.setattr(schema, "VERSION", version)
        engine = open_engine(url)
        for table, column in columns_since(version):
            assert column not in columns(engine, table), "half of the way"
        engine.dispose()
    store = RunStore(open_engine(url), home)
    assert {run.name for run in store.runs()} == names
    store.close()


def test_many_processes_that_find_an_older_store_bring_it_up_once(url: str, names: set[str], start: Start) -> None:
    bring_down(open_engine(url), VERSIONS[0])
    others = [start("print(len(opened().runs()))\n") for _ in range(3)]
    assert [other.output() for other in others] == [[str(len(names))]] * 3


def test_a_store_of_a_newer_version_is_refused_and_not_touched(url: str, home: Path, names: set[str]) -> None:
    engine = open_engine(url)
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        connection.execute(text("UPDATE meta SET value = '99' WHERE key = 'version'"))
    engine.dispose()
    with pytest.raises(StoreError, match="newer version") as caught:
        open_engine(url)
    assert "Update the program" in caught.value.remedy


@EACH
def test_a_copy_of_an_older_file_stays_beside_it(tmp_path: Path, version: int) -> None:
    file = tmp_path / "lab.db"
    store = RunStore(open_engine(f"sqlite:///{file}"), tmp_path)
    store.create(NETWORK, TrainingConfig(), name="kept")
    store.close()
    bring_down(open_engine(f"sqlite:///{file}"), version)
    open_engine(f"sqlite:///{file}").dispose()
    with closing(sqlite3.connect(f"{file}.version-{version}")) as connection:
        assert connection.execute("SELECT name FROM runs").fetchall() == [("kept",)]
        assert connection.execute("SELECT value FROM meta WHERE key = 'version'").fetchone() == (str(version),)

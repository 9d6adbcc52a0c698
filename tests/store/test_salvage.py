"""A damaged store made anew: every row of every table is compared with those before the damage."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnist_lab.store import NewDigit, NewTrial, PracticeAnswer, RunStore, schema
from mnist_lab.store.condition import condition_of
from mnist_lab.store.database import open_engine
from mnist_lab.store.salvage import salvage
from tests.made_runs import add_course, add_run
from tests.store.older import VERSIONS, bring_down

PAGE = 4096
COURSE = [{"epoch": epoch, "loss": 1.0 / epoch, "val_accuracy": 0.5} for epoch in range(1, 6)]
Rows = dict[str, list[dict[str, Any]]]


def filled(home: Path) -> RunStore:
    """A store with rows in every table, some of them on many pages."""
    store = RunStore(open_engine(f"sqlite:///{home / 'lab.db'}"), home)
    for number in range(30):
        # Some with what no page holds.
        run = add_run(store, None, name=f"Läufe {number}", notes="n" * (9000 * (number % 3)))
        add_course(
            store, run, COURSE, [{"step": step, "epoch": 0.1, "loss": 1.0, "accuracy": 0.5} for step in range(20)]
        )
    sweep = store.create_sweep({"a": [1, None, "é"]}, name="s", driver="me")
    for number in range(20):
        store.add_trial(sweep.id, "me", NewTrial(number, {"layers.1.units": number}, reason="too large"))
    images = [np.eye(28, dtype=np.uint8) * (200 + number) for number in range(12)]
    store.keep_digits("Anna", [NewDigit(image, number % 10) for number, image in enumerate(images)])
    store.add_answer("Anna", PracticeAnswer(run.id, 3, 8, 0.5))
    store.note("probe", {"speed": 3})
    return store


def rows_of(file: Path) -> Rows:
    """All rows by table, whatever the order of their columns."""
    found: Rows = {}
    with closing(sqlite3.connect(file)) as connection:
        connection.row_factory = sqlite3.Row
        for table in schema.metadata.sorted_tables:
            rows = [dict(row) for row in connection.execute(f'SELECT * FROM "{table.name}"')]
            keys = [column.name for column in table.primary_key]
            found[table.name] = sorted(rows, key=lambda row: [row[key] for key in keys])
    return found


def overwrite(file: Path, pages: list[int], content: bytes = bytes(PAGE)) -> None:
    with file.open("r+b") as opened:
        for page in pages:
            opened.seek((page - 1) * PAGE)
            opened.write(content)


def roots(file: Path) -> dict[str, int]:
    with closing(sqlite3.connect(file)) as connection:
        return dict(connection.execute("SELECT name, rootpage FROM sqlite_master WHERE type = 'table'").fetchall())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    store = filled(tmp_path)
    store.close()
    found = rows_of(tmp_path / "lab.db")
    assert all(found.values()), "a table has no rows"
    assert len({page for page in roots(tmp_path / "lab.db").values() if is_interior(tmp_path / "lab.db", page)}) >= 2
    return tmp_path / "lab.db"


def is_interior(file: Path, page: int) -> bool:
    return file.read_bytes()[(page - 1) * PAGE] == 5


def mended(file: Path) -> Rows:
    assert condition_of(f"sqlite:///{file}").is_damaged
    salvage(file)
    assert condition_of(f"sqlite:///{file}").problem == ""
    return rows_of(file)


@pytest.mark.parametrize("content", [bytes(PAGE), b"\xff" * PAGE], ids=["zeros", "ones"])
def test_where_the_first_page_is_lost_with_all_descriptions_every_row_comes_back(file: Path, content: bytes) -> None:
    before = rows_of(file)
    overwrite(file, [1], content)
    assert mended(file) == before


@pytest.mark.parametrize("version", VERSIONS)
def test_so_does_every_row_of_a_store_that_an_older_version_made(tmp_path: Path, version: int) -> None:
    store = filled(tmp_path)
    bring_down(store._engine, version)
    store.close()
    file = tmp_path / "lab.db"
    # Brought up again, it has the newer columns behind the others.
    open_engine(f"sqlite:///{file}").dispose()
    before = rows_of(file)
    overwrite(file, [1])
    assert mended(file) == before


def test_a_store_that_is_still_of_an_older_version_comes_back_in_the_newest(tmp_path: Path) -> None:
    store = filled(tmp_path)
    bring_down(store._engine, 1)
    store.close()
    file = tmp_path / "lab.db"
    before = rows_of(file)
    overwrite(file, [1])
    after = mended(file)
    for table, rows in before.items():
        assert len(after[table]) == len(rows)
        for old, new in zip(rows, after[table], strict=True):
            assert old.items() <= new.items() or table == "meta"


def test_where_the_top_of_a_tables_tree_is_lost_only_rows_on_it_are(file: Path) -> None:
    before = rows_of(file)
    pages = roots(file)
    tops = [page for name, page in pages.items() if is_interior(file, page)]
    overwrite(file, tops)
    assert mended(file) == before, "no row stands on such a page"


def test_a_column_whose_name_was_hit_is_seen_and_every_row_comes_back(file: Path) -> None:
    before = rows_of(file)
    content = file.read_bytes()
    assert content.count(b"\tworker VARCHAR") == 1
    file.write_bytes(content.replace(b"\tworker VARCHAR", b"\twOrKeq VARCHAR"))
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",), "SQLite has no objection"
    assert mended(file) == before


def test_what_was_removed_does_not_come_back_as_long_as_the_free_pages_are_known(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        # What was removed stays readable on pages that are free: some builds of SQLite wipe it.
        connection.execute("PRAGMA secure_delete=OFF")
        connection.execute("DELETE FROM points")
    before = rows_of(file)
    overwrite(file, [roots(file)["digits"]], b"\xff" * PAGE)
    after = mended(file)
    assert before.pop("points") == after.pop("points") == []
    before.pop("digits"), after.pop("digits")
    assert after == before


def test_a_file_that_is_cut_keeps_what_is_left_of_it(file: Path) -> None:
    before = rows_of(file)
    content = file.read_bytes()
    file.write_bytes(content[: len(content) * 3 // 4 // PAGE * PAGE + 100])
    after = mended(file)
    assert 0 < len(after["points"]) < len(before["points"])
    for table, rows in after.items():
        assert [row for row in rows if row not in before[table]] == []

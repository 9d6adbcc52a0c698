"""Pages over a store that cannot be opened or read: each is a sentence that names the doctor, and none is a trace."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mnist_lab.store import RunStore, runs
from mnist_lab.store.database import open_engine
from tests.made_runs import add_run
from tests.ui.conftest import PAGES

Visit = Callable[[str], AppTest]


def it_is_a_text(file: Path) -> None:
    file.write_text("This is no database. " * 1000)


def its_table_of_runs_is_torn(file: Path) -> None:
    """It opens, and no list of runs can be read."""
    with contextlib.closing(sqlite3.connect(file)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'runs'").fetchone()
    content = bytearray(file.read_bytes())
    content[(page - 1) * 4096 : page * 4096] = b"\xa5" * 4096
    file.write_bytes(content)


def it_was_cut_short(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize("damage", [it_is_a_text, its_table_of_runs_is_torn, it_was_cut_short])
def test_every_page_is_a_sentence(home: Path, visit: Visit, damage: Callable[[Path], None]) -> None:
    store = RunStore(open_engine(f"sqlite:///{home / 'lab.db'}"), home)
    for number in range(20):
        add_run(store, None, name=f"run {number}")
    store.close()
    damage(home / "lab.db")
    runs._opened.cache_clear()
    app = visit("draw")
    for page in PAGES:
        app = app.switch_page(f"pages/{page}.py").run()
        assert not app.exception
        said = " ".join(error.value for error in app.error)
        assert "The run store" in said and "mnist_lab doctor" in said, page
        assert "Something went wrong" not in said and "Traceback" not in said

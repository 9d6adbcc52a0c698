"""How a store is, looked at from outside: nothing is made or migrated, and one that cannot be opened is an answer."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psutil
from sqlalchemy import create_engine, inspect, select
from sqlalchemy.exc import SQLAlchemyError

from mnist_lab.store import damage, schema
from mnist_lab.store.database import SQLITE, shown_url
from mnist_lab.store.records import Run
from mnist_lab.store.runs import RunStore

MOST_FAULTS = 10


@dataclass(frozen=True, slots=True)
class Condition:
    """How a store is.

    Attributes:
        exists: Whether there is one.
        version: Of its tables; None if that cannot be read.
        problem: Why it cannot be used, in words; empty if it can.
        is_damaged: Whether the file itself is damaged, and not only out of reach.
    """

    exists: bool
    version: int | None = None
    problem: str = ""
    is_damaged: bool = False


def file_of(url: str) -> Path | None:
    """The file of an SQLite store; None for a server."""
    return Path(url.removeprefix(SQLITE)) if url.startswith(SQLITE) else None


def condition_of(url: str) -> Condition:
    """Looks at a store."""
    file = file_of(url)
    return _on_a_server(url) if file is None else _in_a_file(file)


def _in_a_file(file: Path) -> Condition:
    try:
        if not file.exists() or file.stat().st_size == 0:
            # An empty file is what SQLite makes a database of.
            return Condition(False)
        if not file.is_file():
            return Condition(True, None, f"{file} is no file")
        file.open("rb").close()
    except OSError as error:
        return Condition(True, None, f"{file} cannot be read ({error.strerror or error})")
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, timeout=5)) as connection:
            connection.text_factory = lambda text: text.decode(errors="replace")
            faults = [str(row[0]) for row in connection.execute(f"PRAGMA integrity_check({MOST_FAULTS})")]
            found = connection.execute("SELECT value FROM meta WHERE key = 'version'").fetchone()
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.DatabaseError as error:
        # Locked or out of reach is one thing, damaged another.
        is_damaged = not isinstance(error, sqlite3.OperationalError) or "no such table" in str(error)
        return Condition(True, None, f"{file} cannot be read ({error})", is_damaged)
    version = int(found[0]) if found and str(found[0]).isdigit() else None
    if faults != ["ok"]:
        return Condition(True, version, f"{file} is damaged ({' '.join(faults[0].split())[:120]})", True)
    if version is None or not {"runs", "epochs", "points"} <= tables:
        return Condition(True, version, f"{file} is no whole run store", True)
    return Condition(True, version)


def _on_a_server(url: str) -> Condition:
    try:
        engine = create_engine(url)
        try:
            with engine.connect() as connection:
                if not inspect(connection).has_table("meta"):
                    return Condition(False)
                found = connection.execute(select(schema.meta.c.value).where(schema.meta.c.key == "version")).scalar()
        finally:
            engine.dispose()
    except (SQLAlchemyError, ImportError, ValueError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        return Condition(True, None, f"{shown_url(url)} cannot be reached ({first})")
    return Condition(True, int(str(found)) if str(found).isdigit() else None)


def damaged_runs(store: RunStore) -> list[tuple[Run, bool]]:
    """Runs whose rows are damaged, and whether the row itself says so already."""
    marked = store.reasons()
    runs = [*store.runs(), *store.runs(deleted=True)]
    return [(run, damage.is_told(marked.get(run.id))) for run in runs if damage.is_told(run.reason)]


def users_of(file: Path) -> list[str]:
    """Other processes of this machine that have a file open, in words; those of other people may not be seen."""
    found = []
    for process in psutil.process_iter(["pid", "name"]):
        try:
            if process.pid != psutil.Process().pid and any(each.path == str(file) for each in process.open_files()):
                found.append(f"{process.info['name']} (process {process.pid})")
        except (psutil.Error, OSError):
            continue
    return found

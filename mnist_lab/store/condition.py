"""How a store is, looked at from outside: nothing is made or migrated, and one that cannot be opened is an answer."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psutil
from sqlalchemy import create_engine, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError

from mnist_lab.store import damage, schema
from mnist_lab.store.database import SQLITE, shown_url
from mnist_lab.store.records import Run
from mnist_lab.store.runs import RunStore

MOST_FAULTS = 10
SECONDS = 3
# Locked, closed to us, or on a disk that fails: that is one thing, and a damaged file is another.
_OUT_OF_REACH = (
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_FULL, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_AUTH,
)  # fmt: skip


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


def condition_of(url: str, *, briefly: bool = False) -> Condition:
    """Looks at a store.

    Args:
        url: The store's URL, from the settings.
        briefly: For who asks again and again: whether it could be written just now, and not whether all of a file is
            whole, which takes the longer the more runs there are.
    """
    file = file_of(url)
    return _on_a_server(url) if file is None else _in_a_file(file, briefly)


def _in_a_file(file: Path, briefly: bool) -> Condition:
    try:
        if not file.exists() or (file.stat().st_size == 0 and not briefly):
            # An empty file is what SQLite makes a database of. While a program is at work there should be none.
            return Condition(False)
        if not file.is_file():
            return Condition(True, None, f"{file} is no file")
        with file.open("rb") as opened:
            head = opened.read(20)
    except OSError as error:
        return Condition(True, None, f"{file} cannot be read ({error.strerror or error})")
    address = f"{file.resolve().as_uri()}?mode={'rw' if briefly else 'ro'}"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=SECONDS, isolation_level=None)) as connection:
            connection.text_factory = lambda read: read.decode(errors="replace")
            if briefly:
                # The right to write; it is given back with the connection.
                connection.execute("BEGIN IMMEDIATE")
                faults = ["ok"]
            else:
                faults = [str(row[0]) for row in connection.execute(f"PRAGMA integrity_check({MOST_FAULTS})")]
            found = connection.execute("SELECT value FROM meta WHERE key = 'version'").fetchone()
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            lost = _lost_columns(connection)
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        # Names and complaints of a damaged file need not be texts.
        is_out_of_reach = getattr(error, "sqlite_errorcode", 0) & 0xFF in _OUT_OF_REACH
        return Condition(True, None, f"{file} cannot be read ({error})", not is_out_of_reach)
    if not {*head[18:20]} <= {1, 2}:
        # SQLite reads such a file and refuses to write it: it is for a version of SQLite that is yet to come.
        return Condition(True, None, f"{file} is damaged (its head is not that of a file of ours)", True)
    version = int(found[0]) if found and str(found[0]).isdigit() else None
    if faults != ["ok"]:
        return Condition(True, version, f"{file} is damaged ({' '.join(faults[0].split())[:120]})", True)
    if version is None or not {"runs", "epochs", "points"} <= tables or (version == schema.VERSION and lost):
        return Condition(True, version, f"{file} is no whole run store", True)
    return Condition(True, version)


def _lost_columns(connection: sqlite3.Connection) -> bool:
    """Whether a table is described otherwise than in this version: SQLite finds nothing wrong with other names."""
    return any(
        {column.name for column in table.columns}
        - {row[1] for row in connection.execute(f'PRAGMA table_info("{table.name}")')}
        for table in schema.metadata.sorted_tables
    )


def _on_a_server(url: str) -> Condition:
    try:
        engine = create_engine(url, connect_args={"connect_timeout": SECONDS})
        try:
            with engine.connect() as connection:
                if connection.execute(text("SHOW transaction_read_only")).scalar() == "on":
                    return Condition(True, None, f"{shown_url(url)} cannot be written (its server only reads)")
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

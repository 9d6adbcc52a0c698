"""The tables of a store as one file, as they are at one moment, also while others write; and back into a server."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Engine, func, insert, select
from sqlalchemy.exc import SQLAlchemyError

from mnist_lab.errors import StoreError
from mnist_lab.store import schema
from mnist_lab.store.condition import file_of
from mnist_lab.store.damage import REMEDY
from mnist_lab.store.database import BUSY_SECONDS, SQLITE, open_engine

_AT_ONCE = 500


def take_snapshot(url: str, to: Path) -> None:
    """Writes the tables of a store, as they are at one moment, into a new SQLite file.

    Raises:
        StoreError: If the store cannot be read, or the file cannot be written.
    """
    file = file_of(url)
    with _in_words(f"No copy of the run store can be written to {to.parent}"):
        if file is not None:
            with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=rw", uri=True, timeout=BUSY_SECONDS)) as own:
                own.execute("VACUUM INTO ?", (str(to),))
            return
        source, target = open_engine(url), open_engine(f"{SQLITE}{to}")
        try:
            copy_rows(source, target)
        finally:
            source.dispose()
            target.dispose()


def copy_rows(source: Engine, target: Engine) -> None:
    """Copies all rows of a store, as they are at one moment, into an empty one, all or none."""
    level = {} if source.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
    with (
        source.connect().execution_options(**level) as from_here,
        from_here.begin(),
        target.connect().execution_options(writes=True) as to_there,
        to_there.begin(),
    ):
        for table in schema.metadata.sorted_tables:
            # Numbers that the database gives are given anew, in the same order.
            given = [column.name for column in table.primary_key if column.autoincrement is True]
            columns = [column for column in table.columns if column.name not in given]
            wanted = select(*columns).order_by(*table.primary_key)
            if table is schema.meta:
                wanted = wanted.where(schema.meta.c.key != "version")
            for part in from_here.execute(wanted).partitions(_AT_ONCE):
                to_there.execute(insert(table), [dict(row._mapping) for row in part])


def see_that_it_is_empty(url: str) -> None:
    """Makes the tables of a store on a server where there are none.

    Raises:
        StoreError: If it cannot be reached, or holds runs or sweeps.
    """
    engine = open_engine(url)
    try:
        with engine.connect() as connection:
            for table in (schema.runs, schema.sweeps):
                if connection.execute(select(func.count()).select_from(table)).scalar():
                    raise StoreError(
                        f"The database on the server holds {table.name}.", "Make an empty one, and name that."
                    )
    finally:
        engine.dispose()


def fill(url: str, snapshot: Path) -> None:
    """Copies a snapshot into an empty store on a server.

    Raises:
        StoreError: If that cannot be done; then it is as empty as before.
    """
    source, target = open_engine(f"{SQLITE}{snapshot}"), open_engine(url)
    try:
        with _in_words("The database on the server cannot be filled"):
            copy_rows(source, target)
    finally:
        source.dispose()
        target.dispose()


def check_snapshot(file: Path) -> None:
    """Sees that a file is a whole SQLite store and nothing else: no views, no triggers, no tables of others.

    Raises:
        StoreError: If it is not.
    """
    strange = StoreError(f"{file.name} of the backup is no run store, or not a whole one.", "Take another backup.")
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            kinds = set(connection.execute("SELECT type, tbl_name FROM sqlite_master"))
            if [row[0] for row in connection.execute("PRAGMA integrity_check(1)")] != ["ok"]:
                raise strange
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise strange from error
    known = {*schema.metadata.tables, "sqlite_sequence"}
    if not {("table", "runs"), ("table", "meta")} <= kinds or any(
        kind not in ("table", "index") or table not in known for kind, table in kinds
    ):
        raise strange


@contextmanager
def _in_words(what: str) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, SQLAlchemyError, OSError, ValueError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise StoreError(f"{what} ({first}).", f"Make room on the disk. {REMEDY}") from error

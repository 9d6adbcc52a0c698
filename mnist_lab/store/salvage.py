"""A damaged SQLite store made anew of all that can still be read of it; the old file stays beside the new one."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Table

from mnist_lab.errors import StoreError
from mnist_lab.store import schema
from mnist_lab.store.database import SQLITE, open_engine
from mnist_lab.store.readable import FAULTS, Text, readable_rows
from mnist_lab.store.trees import rows_of_trees

# Sides of a database file; the journal belongs to the old one.
_SIDES = ("", "-wal", "-shm")


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What was saved.

    Attributes:
        rows: By table, how many rows.
        kept: Where the damaged file is now.
    """

    rows: dict[str, int]
    kept: Path


def stamp() -> str:
    """The time for the name of a file that is kept."""
    return time.strftime("%Y%m%d-%H%M%S")


def copy_of(file: Path, why: str) -> Path:
    """A whole copy of an SQLite store beside it, also while others write.

    Raises:
        StoreError: If it cannot be made.
    """
    copy = Path(f"{file}.{why}-{stamp()}")
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=rw", uri=True, timeout=30)) as connection:
            connection.execute("VACUUM INTO ?", (str(copy),))
    except (sqlite3.Error, UnicodeDecodeError) as error:
        with suppress(OSError):
            copy.unlink()
        raise StoreError(f"No copy of {file} can be made ({error}).", "Make room on the disk.") from error
    return copy


def salvage(file: Path) -> Salvaged:
    """Makes a damaged store anew. All or nothing: until the new file is whole, the old one stays in its place.

    Raises:
        StoreError: If the new file cannot be written.
    """
    fresh = file.with_name(f".{file.name}-{stamp()}.salvage")
    kept = Path(f"{file}.damaged-{stamp()}")
    try:
        open_engine(f"{SQLITE}{fresh}").dispose()
        rows = _move_rows(file, fresh)
        for side in _SIDES:
            with suppress(FileNotFoundError):
                os.replace(f"{file}{side}", f"{kept}{side}")
        os.replace(fresh, file)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(
            f"{file} cannot be made anew ({error}).", "Make room on the disk; the damaged file is as it was."
        ) from error
    finally:
        for side in (*_SIDES, ".lock"):
            with suppress(OSError):
                Path(f"{fresh}{side}").unlink()
    return Salvaged(rows, kept)


def _move_rows(file: Path, fresh: Path) -> dict[str, int]:
    rows: dict[str, int] = {}
    size = file.stat().st_size
    with (
        closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as old,
        closing(sqlite3.connect(fresh)) as new,
    ):
        # So SQLite opens a file that is shorter than its head says, which it refuses else.
        old.execute("PRAGMA writable_schema=ON")
        # As bytes: what is no text is to be moved as it is.
        old.text_factory = bytes
        new.execute("PRAGMA synchronous=FULL")
        for table in schema.metadata.sorted_tables:
            columns = _columns(old, table)
            found = readable_rows(old, size, table.name, columns)
            rows[table.name] = sum(_insert(new, table.name, columns, row) for row in found)
        # What nothing leads to any more is missing above without a word. What was read already is not inserted again.
        for name, columns, row in rows_of_trees(file):
            rows[name] += _insert(new, name, columns, row)
        new.commit()
    return rows


def _columns(old: sqlite3.Connection, table: Table) -> list[str]:
    """Those of a table's columns that the old file has: none if it has no such table, or describes it otherwise."""
    has: list[str] = []
    with suppress(*FAULTS):
        has = [row[1].decode(errors="replace") for row in old.execute(f'PRAGMA table_info("{table.name}")')]
    return has if set(has) <= {column.name for column in table.columns} else []


def _insert(new: sqlite3.Connection, table: str, columns: list[str], values: tuple[Any, ...]) -> bool:
    names = ", ".join(f'"{column}"' for column in columns)
    # Texts came as bytes, and become texts again without a look at what they say.
    marks = ", ".join("CAST(? AS TEXT)" if isinstance(value, Text) else "?" for value in values)
    if table == schema.meta.name and values[0] == b"version":
        # The new file has its own.
        return False
    try:
        new.execute(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', values)
    except (sqlite3.IntegrityError, sqlite3.OperationalError):
        # A page that was read twice, or a row without what it must have.
        return False
    return True

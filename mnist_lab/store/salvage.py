"""A damaged SQLite store made anew of all that can still be read of it; the old file stays beside the new one."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Table

from mnist_lab.errors import StoreError
from mnist_lab.store import schema
from mnist_lab.store.database import SQLITE, open_engine

# Each unreadable place of a table costs some thirty of them; where nothing can be read, this is the end.
_MOST_FAILURES = 20_000
# What reading a damaged file ends with: its names, and the complaints about them, need not be texts.
_FAULTS = (sqlite3.DatabaseError, OverflowError, UnicodeDecodeError)
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
            if table.name == "meta":
                continue
            columns = _columns(old, table)
            rows[table.name] = sum(
                _insert(new, table.name, columns, row) for row in _all(old, size, table.name, columns)
            )
        columns = _columns(old, schema.meta)
        for row in _all(old, size, "meta", columns):
            if row[0] != b"version":
                _insert(new, "meta", columns, row)
        new.commit()
    return rows


def _columns(old: sqlite3.Connection, table: Table) -> list[str]:
    """Those of a table's columns that the old file has: none if the table is not there, or nothing can be read."""
    has: list[str] = []
    with suppress(*_FAULTS):
        has = [row[1].decode(errors="replace") for row in old.execute(f'PRAGMA table_info("{table.name}")')]
    return [column.name for column in table.columns if column.name in has]


def _insert(new: sqlite3.Connection, table: str, columns: list[str], values: tuple[Any, ...]) -> bool:
    names = ", ".join(f'"{column}"' for column in columns)
    # Texts came as bytes, and become texts again without a look at what they say.
    marks = ", ".join("CAST(? AS TEXT)" if isinstance(value, _Text) else "?" for value in values)
    try:
        new.execute(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', values)
    except (sqlite3.IntegrityError, sqlite3.OperationalError):
        # A page that was read twice, or a row without what it must have.
        return False
    return True


class _Text(bytes):
    """The bytes of a text."""


def _all(old: sqlite3.Connection, size: int, table: str, columns: list[str]) -> Iterator[tuple[Any, ...]]:
    """All rows of a table that can be read, around those that cannot; some of them more than once.

    Args:
        old: The damaged file.
        size: Its bytes.
        table: The table.
        columns: What is read of it.
    """
    if not columns:
        return
    names = ", ".join(f'"{column}", typeof("{column}")' for column in columns)
    # Row numbers begin at 1 and grow by one. The largest may be damaged too; there are no more rows than bytes.
    last = size
    with suppress(*_FAULTS):
        last = max(last, old.execute(f'SELECT max(rowid) FROM "{table}" NOT INDEXED').fetchone()[0] or 0)
    spans = [(1, last)]
    failures = 0
    while spans and failures < _MOST_FAILURES:
        first, end = spans.pop()
        # Of a single row nothing is asked that could lie on the next page.
        which = ">= ? ORDER BY rowid" if first < end else "= ?"
        query = f'SELECT rowid, {names} FROM "{table}" NOT INDEXED WHERE rowid {which}'
        # Up to here each number was the one after the last; behind a gap, those of a damaged page may lead astray.
        reached = first - 1
        try:
            for row in _in_order(old.execute(query, (first,)), end, last):
                reached += row[0] == reached + 1
                yield tuple(_value(row[at], row[at + 1]) for at in range(1, len(row), 2))
        except _FAULTS:
            # From where it broke, in halves; a single row is given up.
            failures += 1
            if first < end and reached < end:
                middle = (reached + 1 + end) // 2
                spans += [each for each in ((middle + 1, end), (reached + 1, middle)) if each[0] <= each[1]]


def _in_order(rows: Iterator[tuple[Any, ...]], end: int, last: int) -> Iterator[tuple[Any, ...]]:
    """The rows up to a number, as long as the numbers grow: those of a damaged page are any.

    Args:
        rows: Their numbers first.
        end: The last that is wanted.
        last: There is none beyond it.

    Raises:
        sqlite3.DatabaseError: If they do not grow, besides what reading ends with.
    """
    before = 0
    for row in rows:
        if not before < row[0] <= last:
            raise sqlite3.DatabaseError("row numbers out of order")
        if before > end:
            # The one beyond the end was no stray.
            return
        before = row[0]
        if before <= end:
            yield row


def _value(value: Any, kind: bytes) -> Any:
    return _Text(value) if kind == b"text" and isinstance(value, bytes) else value

"""Reading the rows of a damaged SQLite table, around those that cannot be read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

FAULTS = (sqlite3.DatabaseError, OverflowError, UnicodeDecodeError)
"""What reading a damaged file ends with: its names, and the complaints about them, need not be texts."""
# Each unreadable place of a table costs some thirty of them; where nothing can be read, this is the end.
MOST_FAULTS = 20_000


class Text(bytes):
    """The bytes of a text."""


def readable_rows(
    old: sqlite3.Connection, size: int, table: str, columns: Sequence[str], most: int = MOST_FAULTS
) -> Iterator[tuple[Any, ...]]:
    """All rows of a table that can be read, around those that cannot; some of them more than once.

    Args:
        old: The damaged file, which reads texts as bytes.
        size: Its bytes.
        table: The table.
        columns: What is read of it; if nothing, there are no rows.
        most: After so many places that cannot be read it ends.
    """
    if not columns:
        return
    names = with_types(columns)
    # Row numbers begin at 1 and grow by one. The largest may be damaged too; there are no more rows than bytes.
    last = size
    with suppress(*FAULTS):
        last = max(last, old.execute(f'SELECT max(rowid) FROM "{table}" NOT INDEXED').fetchone()[0] or 0)
    spans = [(1, last)]
    faults = 0
    while spans and faults < most:
        first, end = spans.pop()
        # Of a single row nothing is asked that could lie on the next page.
        which = ">= ? ORDER BY rowid" if first < end else "= ?"
        query = f'SELECT rowid, {names} FROM "{table}" NOT INDEXED WHERE rowid {which}'
        # Up to here each number was the one after the last; behind a gap, those of a damaged page may lead astray.
        reached = first - 1
        try:
            for row in _in_order(old.execute(query, (first,)), end, last):
                reached += row[0] == reached + 1
                yield values_of(row[1:])
        except FAULTS:
            # From where it broke, in halves; a single row is given up.
            faults += 1
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


def with_types(columns: Sequence[str]) -> str:
    """What is asked of these columns, for `values_of`."""
    return ", ".join(f'"{column}", typeof("{column}")' for column in columns)


def values_of(row: Sequence[Any]) -> tuple[Any, ...]:
    """The values of a row in which each is followed by its type, of a file that reads texts as bytes."""
    return tuple(Text(value) if kind == b"text" else value for value, kind in zip(row[::2], row[1::2], strict=True))

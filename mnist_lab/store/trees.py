"""Rows of an SQLite file whose way in is lost: its head, the description of its tables, or the top of a table's tree.

Each page of a table's tree says that it is one. Under those that no other page points to, rows hang together still;
SQLite itself reads them, through a first page that is made for each. The format: https://www.sqlite.org/fileformat2.html
"""

from __future__ import annotations

import shutil
import sqlite3
import struct
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import JSON, Boolean, Column, Float, Integer, LargeBinary, String, Table

from mnist_lab.store import schema
from mnist_lab.store.readable import FAULTS, Text, readable_rows, values_of, with_types

_MAGIC = b"SQLite format 3\0"
# SQLite's own choice, which no store of ours has ever changed.
_PAGE = 4096
_INTERIOR, _LEAF = 5, 13
# Of a tree, so many rows at either end tell which table it is of.
_TRIED = 3
# There may be many trees, most of them a page.
_MOST_FAULTS = 500
_MORE = "more"
_JSON = [bytes([letter]) for letter in b'{["ntf-0123456789']


def rows_of_trees(file: Path) -> Iterator[tuple[str, list[str], tuple[Any, ...]]]:
    """The rows that stand on whole pages of trees, whether or not anything leads there.

    Where the list of free pages is lost, rows that were removed may be among them; trees come before single pages,
    which such are.

    Args:
        file: The damaged file; it is copied for this.

    Yields:
        The table, its columns, and a row whose values are of these columns' types, in no order.
    """
    with tempfile.TemporaryDirectory(prefix=f".{file.name}-", dir=file.resolve().parent) as folder:
        copy = Path(folder) / "copy"
        shutil.copyfile(file, copy)
        with copy.open("rb") as pages:
            head = pages.read(100)
            size = struct.unpack_from(">H", head, 16)[0] if head.startswith(_MAGIC) else _PAGE
            # 1 stands for 65,536.
            size = 65536 if size == 1 else size if size in (512, 1024, 2048, _PAGE, 8192, 16384, 32768) else _PAGE
            free = _free(pages, size, *struct.unpack_from(">II", head, 32)) if head.startswith(_MAGIC) else set()
            roots = [each for each in _roots(pages, size) if each not in free]
        layouts = _layouts()
        for root in roots:
            for layout in list(layouts):
                found = _rows(copy, size, root, layout)
                if (first := next(found, None)) is not None:
                    # The next tree is likely to be of the same table.
                    layouts.remove(layout)
                    layouts.insert(0, layout)
                    yield layout.table.name, layout.names, first
                    yield from ((layout.table.name, layout.names, row) for row in found)
                    break


def _free(pages: BinaryIO, size: int, trunk: int, total: int) -> set[int]:
    """The pages that nothing stands on; none where their list is damaged, as others could be on it.

    Args:
        pages: The file.
        size: Of a page.
        trunk: The first page of the list.
        total: How many pages are on it.
    """
    free: set[int] = set()
    while trunk > 1 and trunk not in free:
        pages.seek((trunk - 1) * size)
        page = pages.read(size)
        count = struct.unpack_from(">I", page, 4)[0] if len(page) == size else size
        if count > size // 4 - 2:
            return set()
        free |= {trunk, *struct.unpack_from(f">{count}I", page, 8)}
        trunk = struct.unpack_from(">I", page, 0)[0]
    return free if len(free) == total else set()


def _roots(pages: BinaryIO, size: int) -> list[int]:
    """The pages of tables' trees that no other points to, numbered from 1; those with others below them first."""
    leaves: set[int] = set()
    below: dict[int, list[int]] = {}
    pages.seek(size)
    number = 1
    while len(page := pages.read(size)) == size:
        number += 1
        kind, cells = page[0], struct.unpack_from(">H", page, 3)[0]
        head = 12 if kind == _INTERIOR else 8
        if kind not in (_INTERIOR, _LEAF) or head + 2 * cells > size:
            continue
        places = struct.unpack_from(f">{cells}H", page, head)
        if any(not head + 2 * cells <= place <= size - 4 for place in places):
            continue
        if kind == _LEAF:
            leaves.add(number)
        else:
            children = [struct.unpack_from(">I", page, place)[0] for place in (*places, 8)]
            below[number] = children
    known = leaves | set(below)
    # One that leads to what is no tree is damaged: what is below it is taken by itself.
    sound = {each: children for each, children in below.items() if known.issuperset(children)}
    under = {child for children in sound.values() for child in children}
    return [*sorted(set(sound) - under), *sorted(leaves - under)]


@dataclass(frozen=True, slots=True)
class _Layout:
    """A table as a file may have it.

    Attributes:
        table: The table.
        names: Its columns, in the order in which the file has them.
        first: How many of these the oldest such file has.
    """

    table: Table
    names: list[str]
    first: int

    def page(self, size: int, root: int, pages: int) -> bytes:
        """A first page that knows this table alone, at this root."""
        number = self.table.autoincrement_column
        key = None if number is None else number.name
        # A row that is older than a column has what the column was added with.
        begun = {name: f" DEFAULT {words}" for name, words in _added(self.table.name).items() if words}
        words = [f'"{name}"' + (" INTEGER PRIMARY KEY" if name == key else begun.get(name, "")) for name in self.names]
        with closing(sqlite3.connect(":memory:")) as made:
            made.execute(f"PRAGMA page_size={size}")
            made.execute(f'CREATE TABLE "{self.table.name}" ({", ".join(words)}, {_MORE})')
            made.execute("PRAGMA writable_schema=ON")
            made.execute("UPDATE sqlite_master SET rootpage = ?", (root,))
            made.commit()
            page = bytearray(made.serialize()[:size])
        # As many pages as the file has, none of them free, and that is to be believed.
        page[28:40] = struct.pack(">III", pages, 0, 0)
        page[92:96] = page[24:28]
        return bytes(page)

    def fits(self, row: tuple[Any, ...]) -> bool:
        """Whether values can be a row of it: what the columns may hold, and nothing after the last."""
        if row[-1] is not None:
            return False
        columns = [self.table.columns[name] for name in self.names]
        return all(
            column.nullable or at >= self.first if value is None else _is_of(column, value)
            for at, (column, value) in enumerate(zip(columns, row[:-1], strict=True))
        )


def _is_of(column: Column[Any], value: Any) -> bool:
    kind = column.type
    if isinstance(kind, JSON):
        # Its first letter: the rest may be damaged, which the program bears.
        return isinstance(value, Text) and value[:1] in _JSON
    if isinstance(kind, String):
        return isinstance(value, Text) and (kind.length is None or len(value) <= 4 * kind.length)
    if isinstance(kind, LargeBinary):
        return isinstance(value, bytes) and not isinstance(value, Text)
    if isinstance(kind, Integer | Boolean):
        return isinstance(value, int)
    return isinstance(kind, Float) and isinstance(value, int | float)


def _layouts() -> list[_Layout]:
    """All tables, in each order of columns that versions of the program left them in."""
    found: list[_Layout] = []
    for table in schema.metadata.sorted_tables:
        added = list(_added(table.name))
        names = [column.name for column in table.columns]
        orders: list[list[str]] = []
        for born in range(len(added), -1, -1):
            # Made when it had the first so many of these, and given the others since.
            later = added[born:]
            orders.append([name for name in names if name not in later] + later)
        first = len(names) - len(added)
        found += [_Layout(table, order, first) for at, order in enumerate(orders) if order not in orders[:at]]
    return found


def _added(table: str) -> dict[str, str]:
    """The columns that a table was given since its first version, in their order, each with its default or nothing."""
    statements = [each for version in sorted(schema.MIGRATIONS) for each in schema.MIGRATIONS[version]]
    words = [each.split(maxsplit=6) for each in statements if each.startswith(f"ALTER TABLE {table} ADD COLUMN ")]
    return {name: rest.partition(" DEFAULT ")[2] for *_, name, rest in words}


def _rows(copy: Path, size: int, root: int, layout: _Layout) -> Iterator[tuple[Any, ...]]:
    """The rows under a page, if they are of this table."""
    pages = copy.stat().st_size // size
    with copy.open("r+b") as file:
        file.write(layout.page(size, root, pages))
    with closing(sqlite3.connect(f"{copy.as_uri()}?mode=ro&immutable=1", uri=True)) as old:
        old.text_factory = bytes
        names = [*layout.names, _MORE]
        if not any(layout.fits(row) for row in _some(old, layout.table.name, names)):
            return
        for row in readable_rows(old, pages * size, layout.table.name, names, _MOST_FAULTS):
            if layout.fits(row):
                yield row[:-1]


def _some(old: sqlite3.Connection, table: str, names: list[str]) -> Iterator[tuple[Any, ...]]:
    """A few rows from either end of a table."""
    for way in ("ASC", "DESC"):
        with suppress(*FAULTS):
            for row in old.execute(f'SELECT {with_types(names)} FROM "{table}" ORDER BY rowid {way} LIMIT {_TRIED}'):
                yield values_of(row)

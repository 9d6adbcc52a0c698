"""A list of runs that is kept in memory: of many runs only those are read again that were written since.

What never changes of a run is read once, what did not change is not made anew.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, RowMapping, Select, Text, cast, func, or_, select, text

from mnist_lab.store import schema
from mnist_lab.store.artefacts import is_run_id
from mnist_lab.store.damage import problem_of, read_json
from mnist_lab.store.database import reading
from mnist_lab.store.records import ACTIVE, Run

_runs = schema.runs
_NAMES = tuple(field.name for field in fields(Run))
# Written when a run is made, and never again; they are most of what there is to read.
_SETTLED = ("architecture", "training")
_TEXTS = ("tags", "progress")
_CHANGING = tuple(name for name in _NAMES if name not in _SETTLED)
_AT_ONCE = 500
# Fewer runs than this are all read at each look, which takes no time that anyone feels.
MANY = 2_000
# Of many runs only what was written since the last look; all of them again after so long, in case somebody wrote with
# other means than this program's.
ALL_AGAIN_SECONDS = 600.0

_Known = dict[str, tuple[tuple[Any, ...], Run]]


class RunList:
    """Runs that are not deleted, newest first, as they are at each look.

    A run that did not change since the last look is the same object as then; so what is made of it can be kept.

    Args:
        condition: Which runs; nothing that a run's life changes. None for all.
    """

    def __init__(self, condition: ColumnElement[bool] | None = None) -> None:
        self._condition = () if condition is None else (condition,)
        # Replaced as a whole, never changed in place: several threads read it.
        self._known: _Known = {}
        self._in_order: list[Run] = []
        self._since: int | None = None
        self._all_read = -math.inf
        self._looking = threading.Lock()

    @property
    def is_read(self) -> bool:
        """Whether there was a look before, so that the next one need look for what is new only."""
        return self._since is not None

    def look(self, engine: Engine) -> list[Run]:
        """The runs as they are now. Of many where none changed, the list is the same too: it is not to be changed."""
        # Two at once would read the same, and of very many runs keep each other from the processor.
        with self._looking:
            is_young = time.monotonic() - self._all_read < ALL_AGAIN_SECONDS
            with reading(engine) as connection:
                # First of all: what is written from here on is asked for next time.
                since = _moment(connection)
                if self._since is not None and len(self._known) >= MANY and is_young:
                    self._read_written(connection, self._since)
                else:
                    self._read_all(connection)
            self._since = since
            return self._in_order

    def _read_all(self, connection: Connection) -> None:
        order = _runs.c.created.desc(), _runs.c.id
        rows = _rows(connection, (_runs.c.deleted.is_(None), *self._condition), *order)
        self._keep(dict(_made(connection, rows, self._known)))
        self._all_read = time.monotonic()

    def _read_written(self, connection: Connection, since: int) -> None:
        """Brings the list up to date by the rows that were written."""
        before = self._known
        rows = _rows(connection, (_written_since(connection, since), *self._condition))
        gone = {row[0] for row in rows if row[_DELETED] is not None} & before.keys()
        there = [row for row in rows if row[_DELETED] is None]
        new = {run_id: known for run_id, known in _made(connection, there, before) if before.get(run_id) is not known}
        if not new and not gone:
            return
        after = {run_id: known for run_id, known in before.items() if run_id not in gone} | new
        if any(run_id not in before or before[run_id][1].created != run.created for run_id, (_, run) in new.items()):
            after = dict(sorted(after.items(), key=lambda item: (-item[1][1].created, item[0])))
        self._keep(after)

    def _keep(self, known: _Known) -> None:
        self._known, self._in_order = known, [run for _, run in known.values()]


_DELETED = _CHANGING.index("deleted")


def _moment(connection: Connection) -> int:
    """All that was written before this, in the numbers of `schema.Moment`, is seen by who asks after this."""
    if connection.dialect.name == "postgresql":
        # A transaction that is under way may be of an older number than one that has ended.
        return int(connection.execute(text("SELECT txid_snapshot_xmin(txid_current_snapshot())")).scalar_one())
    return int(connection.execute(select(func.coalesce(func.max(_runs.c.changed), 0))).scalar_one())


def _written_since(connection: Connection, moment: int) -> ColumnElement[bool]:
    """Which rows may be others than they were; what is under way is written at any time."""
    # Zero is what rows have that no program has written since there are such numbers.
    written: ColumnElement[bool] = _runs.c.changed >= max(1, moment)
    if connection.dialect.name == "postgresql":
        # Higher numbers come from a server whose store was brought here.
        written &= _runs.c.changed < text("txid_snapshot_xmax(txid_current_snapshot())")
    return or_(written, _runs.c.status.in_(ACTIVE))


def _rows(connection: Connection, conditions: Iterable[ColumnElement[bool]], *order: Any) -> list[tuple[Any, ...]]:
    columns = [cast(_runs.c[name], Text) if name in _TEXTS else _runs.c[name] for name in _CHANGING]
    found = connection.execute(select(*columns).where(*conditions).order_by(*order))
    return [tuple(row) for row in found if is_run_id(row[0])]


def _made(
    connection: Connection, rows: Iterable[tuple[Any, ...]], before: _Known
) -> Iterator[tuple[str, tuple[tuple[Any, ...], Run]]]:
    """Runs of their rows, in order, by id; those that did not change are those that were made before."""
    new = [row[0] for row in rows if row[0] not in before or before[row[0]][1].is_damaged]
    settled = _settled(connection, new)
    for row in rows:
        known = before.get(row[0])
        if known is None or known[0] != row:
            values = dict(zip(_CHANGING, row, strict=True))
            for name in _TEXTS:
                values[name] = None if values[name] is None else read_json(values[name])
            if known is not None and not known[1].is_damaged:
                values["architecture"], values["training"] = known[1].architecture, known[1].training
                problem: str | None = ""
            elif row[0] in settled:
                values["architecture"], values["training"], problem = settled[row[0]]
            else:
                continue  # deleted for good between the two questions
            known = row, Run.from_row(values, problem)
        yield row[0], known


def _settled(connection: Connection, run_ids: Sequence[str]) -> dict[str, tuple[Any, Any, str | None]]:
    """The columns of `_SETTLED` by run id, and what is the matter with them; None if their form is another."""
    found = {}
    query = select(_runs.c.id, *(cast(_runs.c[name], Text) for name in _SETTLED))
    if len(run_ids) > MANY:
        wanted = set(run_ids)
        parts = [query.where(_runs.c.deleted.is_(None))]
    else:
        wanted = None
        parts = [query.where(_runs.c.id.in_(some)) for some in parts_of(run_ids)]
    for part in parts:
        for run_id, *texts in connection.execute(part.execution_options(yield_per=_AT_ONCE)):
            if wanted is not None and run_id not in wanted:
                continue
            found[run_id] = _settled_of(*texts)
    return found


# Many runs have the same network, and pages ask for the same runs again and again.
@lru_cache(maxsize=4096)
def _object(text: str | None) -> Any:
    return read_json(text)


@lru_cache(maxsize=4096)
def _settled_of(architecture: str | None, training: str | None) -> tuple[Any, Any, str | None]:
    values = _object(architecture), _object(training)
    return *values, problem_of(*values) if all(isinstance(each, dict) for each in values) else None


def whole_rows() -> Select[Any]:
    """The question for whole rows of runs, to be read by `runs_of`."""
    return select(*(cast(_runs.c[name], Text).label(name) if name in _SETTLED else _runs.c[name] for name in _NAMES))


def runs_of(rows: Iterable[RowMapping]) -> list[Run]:
    """Runs from what `whole_rows` gives; what has no id can be neither shown nor asked for."""
    found = []
    for row in rows:
        if is_run_id(row["id"]):
            architecture, training, problem = _settled_of(row["architecture"], row["training"])
            found.append(Run.from_row({**row, "architecture": architecture, "training": training}, problem))
    return found


def parts_of(run_ids: Sequence[str], most: int = _AT_ONCE) -> Iterator[Sequence[str]]:
    """No more ids at once than any database takes in one question."""
    for first in range(0, len(run_ids), most):
        yield run_ids[first : first + most]

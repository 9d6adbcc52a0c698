"""Many runs at once: what never changes of a run is read once, what did not change is not made anew."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, Engine, Text, cast, select

from mnist_lab.store import schema
from mnist_lab.store.artefacts import is_run_id
from mnist_lab.store.damage import epochs_of, read_json
from mnist_lab.store.database import reading
from mnist_lab.store.records import Run
from mnist_lab.training_config import MONITORS, monitor_mode

_runs, _epochs = schema.runs, schema.epochs
_NAMES = tuple(field.name for field in fields(Run))
# Written when a run is made, and never again; they are most of what there is to read.
_SETTLED = ("architecture", "training")
_TEXTS = ("tags", "progress")
_AT_ONCE = 500

Best = dict[str, tuple[float, int]]
"""By metric its best value and the epoch of it."""


class Listing:
    """The part of `RunStore` that lists many runs quickly."""

    _engine: Engine

    def __init__(self) -> None:
        # Replaced as a whole, never changed in place: several threads read it.
        self._listed: dict[str, tuple[tuple[Any, ...], Run]] = {}
        self._best: dict[str, tuple[int, Best]] = {}

    def listing(self) -> list[Run]:
        """All runs that are not deleted, newest first, as `RunStore.runs` gives them.

        A run that did not change since the last call is the same object as then; so what is made of it can be kept.
        """
        changing = [name for name in _NAMES if name not in _SETTLED]
        columns = [cast(_runs.c[name], Text) if name in _TEXTS else _runs.c[name] for name in changing]
        wanted = select(*columns).where(_runs.c.deleted.is_(None)).order_by(_runs.c.created.desc(), _runs.c.id)
        before = self._listed
        with reading(self._engine) as connection:
            rows = [tuple(row) for row in connection.execute(wanted)]
            rows = [row for row in rows if is_run_id(row[0])]
            new = [row[0] for row in rows if row[0] not in before or before[row[0]][1].is_damaged]
            settled = _settled(connection, new)
        after = {}
        for row in rows:
            known = before.get(row[0])
            if known is None or known[0] != row:
                values = dict(zip(changing, row, strict=True))
                for name in _TEXTS:
                    values[name] = None if values[name] is None else read_json(values[name])
                if known is not None and not known[1].is_damaged:
                    values["architecture"], values["training"] = known[1].architecture, known[1].training
                elif row[0] in settled:
                    values["architecture"], values["training"] = settled[row[0]]
                else:
                    continue  # deleted for good between the two questions
                known = row, Run.from_row(values)
            after[row[0]] = known
        self._listed = after
        return [run for _, run in after.values()]

    def best_epochs(self, runs: Iterable[Run]) -> dict[str, Best]:
        """The best epoch of each run by each metric: where its losses are lowest and its accuracies highest.

        The first of equals; values that are no numbers are never the best. What was found is kept until a run has
        other epochs.

        Args:
            runs: Those that are wanted.

        Returns:
            By run id; a run without epochs has an empty entry.
        """
        wanted = list(runs)
        epochs = {run.id: run.epochs_run for run in wanted}
        missing = [run_id for run_id, count in epochs.items() if self._best.get(run_id, (None,))[0] != count]
        for run_id, history in self._histories(missing):
            # A run under way may have had one more epoch by now.
            self._best[run_id] = epochs[run_id], best_of(history)
        return {run_id: self._best[run_id][1] if run_id in self._best else {} for run_id in epochs}

    def _histories(self, run_ids: Sequence[str]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        with reading(self._engine) as connection:
            for some in _parts(run_ids):
                query = select(_epochs.c.run_id, _epochs.c["values"]).where(_epochs.c.run_id.in_(some))
                histories: dict[str, list[Any]] = {run_id: [] for run_id in some}
                for run_id, values in connection.execute(query.order_by(_epochs.c.run_id, _epochs.c.epoch)):
                    histories[run_id].append(values)
                for run_id, found in histories.items():
                    yield run_id, epochs_of(found)


def _settled(connection: Connection, run_ids: Sequence[str]) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """The columns of `_SETTLED` by run id."""
    decoded: dict[str, dict[str, Any]] = {}

    def read(text: str) -> dict[str, Any]:
        # Many runs have the same network.
        if text not in decoded:
            decoded[text] = read_json(text)
        return decoded[text]

    found = {}
    for some in _parts(run_ids):
        query = select(_runs.c.id, *(cast(_runs.c[name], Text) for name in _SETTLED))
        for run_id, architecture, training in connection.execute(query.where(_runs.c.id.in_(some))):
            found[run_id] = read(architecture), read(training)
    return found


def _parts(run_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """No more ids at once than any database takes in one question."""
    for first in range(0, len(run_ids), _AT_ONCE):
        yield run_ids[first : first + _AT_ONCE]


def best_of(history: Iterable[dict[str, Any]]) -> Best:
    """The best epoch by each metric: where the losses are lowest and the accuracies highest, the first of equals.

    Args:
        history: One object per epoch, in order.
    """
    best: Best = {}
    for values in history:
        for metric in MONITORS:
            value = values.get(metric)
            if value is None or not math.isfinite(value):
                continue
            sign = 1 if monitor_mode(metric) == "max" else -1
            if metric not in best or sign * value > sign * best[metric][0]:
                best[metric] = float(value), int(values["epoch"])
    return best

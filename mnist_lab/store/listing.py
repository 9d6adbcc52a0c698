"""Many runs at once, and the best epochs of each."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

from sqlalchemy import Engine, func, select

from mnist_lab.store import schema
from mnist_lab.store.damage import epochs_of
from mnist_lab.store.database import reading
from mnist_lab.store.records import Run
from mnist_lab.store.run_list import MANY, RunList, parts_of, runs_of, whole_rows
from mnist_lab.training_config import MONITORS, monitor_mode

_runs, _epochs = schema.runs, schema.epochs

Best = dict[str, tuple[float, int]]
"""By metric its best value and the epoch of it."""


class Listing:
    """The part of `RunStore` that lists many runs quickly."""

    _engine: Engine

    def __init__(self) -> None:
        self._all = RunList()
        self._of_presets: dict[tuple[str, ...], RunList] = {}
        self._are_many = False
        self._best: dict[str, tuple[int, Best]] = {}

    def listing(self) -> list[Run]:
        """All runs that are not deleted, newest first, as `RunStore.runs` gives them; see `RunList`."""
        return self._all.look(self._engine)

    def with_presets(self, presets: Sequence[str]) -> list[Run]:
        """The runs that have the network of one of these presets, newest first; see `RunList`."""
        key = tuple(presets)
        listed = self._of_presets.setdefault(key, RunList(_runs.c.preset.in_(key)))
        return listed.look(self._engine)

    def shelf(self) -> Sequence[Run]:
        """All runs as `listing` gives them; of very many, only those are read that are asked for. Not to be changed."""
        if not self._all.is_read:
            self._are_many = self._are_many or self.count() >= MANY
            return Shelf(self) if self._are_many else self.listing()
        runs = self.listing()
        self._are_many = len(runs) >= MANY
        return runs

    @property
    def are_many(self) -> bool:
        """Whether the shelf had so many runs, when it was looked at last, that one does not offer them all."""
        return self._are_many

    def newest(self, first: int, end: int) -> list[Run]:
        """A part of all runs, newest first, from one place up to, and without, another."""
        order = _runs.c.created.desc(), _runs.c.id
        query = whole_rows().where(_runs.c.deleted.is_(None)).order_by(*order).limit(max(0, end - first)).offset(first)
        with reading(self._engine) as connection:
            return runs_of(connection.execute(query).mappings())

    def those(self, run_ids: Sequence[str]) -> list[Run]:
        """The runs with these ids that are there and not deleted, newest first."""
        found: list[Run] = []
        with reading(self._engine) as connection:
            for some in parts_of(run_ids):
                query = whole_rows().where(_runs.c.id.in_(some), _runs.c.deleted.is_(None))
                found += runs_of(connection.execute(query).mappings())
        return sorted(found, key=lambda run: (-run.created, run.id))

    def count(self) -> int:
        """How many runs there are that are not deleted."""
        gone = select(func.count()).select_from(_runs).where(_runs.c.deleted.is_not(None)).scalar_subquery()
        with reading(self._engine) as connection:
            return int(connection.execute(select(func.count() - gone).select_from(_runs)).scalar() or 0)

    def looks(self) -> dict[str | None, tuple[int, int]]:
        """By data set, how often runs on it looked at the test images, and how many runs did."""
        query = select(_runs.c.dataset, func.sum(_runs.c.test_looks), func.count())
        query = query.where(schema.HAS_LOOKED).group_by(_runs.c.dataset)
        with reading(self._engine) as connection:
            return {dataset: (int(looks), int(many)) for dataset, looks, many in connection.execute(query)}

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
            for some in parts_of(run_ids):
                query = select(_epochs.c.run_id, _epochs.c["values"]).where(_epochs.c.run_id.in_(some))
                histories: dict[str, list[Any]] = {run_id: [] for run_id in some}
                for run_id, values in connection.execute(query.order_by(_epochs.c.run_id, _epochs.c.epoch)):
                    # A torn index may give rows that nobody asked for.
                    if run_id in histories:
                        histories[run_id].append(values)
                for run_id, found in histories.items():
                    yield run_id, epochs_of(found)


class Shelf(Sequence[Run]):
    """All runs of a store that has very many, newest first, as if they had been read.

    A place or a part is asked of the database; who goes through all of them has them read, as `Listing.listing` does.

    Args:
        store: The run store.
    """

    def __init__(self, store: Listing) -> None:
        self.store = store
        self._read: list[Run] | None = None
        self._count: int | None = None

    def all(self) -> list[Run]:
        """All of them, read once."""
        if self._read is None:
            self._read = self.store.listing()
        return self._read

    @overload
    def __getitem__(self, index: int) -> Run: ...
    @overload
    def __getitem__(self, index: slice) -> list[Run]: ...
    def __getitem__(self, index: int | slice) -> Run | list[Run]:
        if self._read is not None:
            return self._read[index]
        if isinstance(index, int):
            place = range(len(self))[index]
            return self.store.newest(place, place + 1)[0]
        if index.step not in (None, 1):
            return self.all()[index]
        first, end = index.start or 0, index.stop
        if first < 0 or end is None or end < 0:
            first, end, _ = index.indices(len(self))
        return self.store.newest(first, end)

    def __len__(self) -> int:
        if self._read is not None:
            return len(self._read)
        if self._count is None:
            self._count = self.store.count()
        return self._count

    def __iter__(self) -> Iterator[Run]:
        return iter(self.all())


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

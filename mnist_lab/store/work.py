"""What a worker reports of its run, and how a run ends."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Engine, case, delete, insert, select, update

from mnist_lab.store import schema
from mnist_lab.store.database import writing
from mnist_lab.store.records import ACTIVE, ENDED_EARLY

_runs, _epochs, _points = schema.runs, schema.epochs, schema.points
_is_active = _runs.c.status.in_(ACTIVE)
# Of what is under way every look asks anyway, and on PostgreSQL a row none of whose indexed columns changes is written
# without its indexes.
_changed = case((_is_active, _runs.c.changed), else_=schema.Moment())


class Work:
    """The part of `RunStore` through which runs are followed and ended."""

    _engine: Engine

    def report(
        self,
        run_id: str,
        worker: str,
        progress: dict[str, Any],
        points: Iterable[dict[str, Any]] = (),
        *,
        status: str = "running",
    ) -> str | None:
        """Writes a worker's heartbeat, progress and new points of the curve, in one transaction.

        Returns:
            The command that stands for the run (``""``, ``"stop"`` or ``"pause"``), or None if the run is no longer
            this worker's: it was taken for lost, deleted, or given to another.
        """
        mine = (
            (_runs.c.id == run_id) & (_runs.c.worker == worker) & _runs.c.status.in_((*ACTIVE, "stopped", "finished"))
        )
        with writing(self._engine) as connection:
            values = {
                "heartbeat": time.time(),
                "progress": progress,
                "status": case((_is_active, status), else_=_runs.c.status),
                "changed": _changed,
            }
            # One question in place of two: it is asked several times a second of each worker that there is.
            written = update(_runs).where(mine & _runs.c.deleted.is_(None)).values(**values)
            if connection.dialect.update_returning:
                command = connection.execute(written.returning(_runs.c.command)).scalar()
            else:  # an SQLite of before 2021
                there = connection.execute(written).rowcount > 0
                command = connection.execute(select(_runs.c.command).where(mine)).scalar() if there else None
            if command is None:
                return None
            rows = [{"run_id": run_id, **point} for point in points]
            if rows:
                connection.execute(insert(_points), rows)
        return str(command)

    def add_epoch(
        self, run_id: str, values: dict[str, Any], *, looks: int = 0, worker: str | None = None, **figures: Any
    ) -> None:
        """Adds one epoch (``{"epoch": 1, "loss": ...}``) to a run's history, and sets figures of the run with it.

        Args:
            run_id: The run.
            values: The epoch.
            looks: How often the test images were looked at for it.
            worker: Who says so. One that has lost the run to another, and does not know it yet, adds nothing.
            figures: Columns of the run.
        """
        epoch = int(values["epoch"])
        with writing(self._engine) as connection:
            if worker is not None:
                # Nobody takes the run away before the end of this transaction.
                has_it = select(_runs.c.id).where(_runs.c.id == run_id, _runs.c.worker == worker).with_for_update()
                if connection.execute(has_it).first() is None:
                    return
            connection.execute(delete(_epochs).where(_epochs.c.run_id == run_id, _epochs.c.epoch == epoch))
            connection.execute(insert(_epochs).values(run_id=run_id, epoch=epoch, values=values))
            seen = {"epochs_run": epoch, "test_looks": _runs.c.test_looks + looks, "changed": _changed}
            connection.execute(update(_runs).where(_runs.c.id == run_id).values(**seen, **figures))

    def rewind(self, run_id: str, epoch: int) -> None:
        """Forgets what came after an epoch: a resumed run will do it again."""
        with writing(self._engine) as connection:
            connection.execute(delete(_epochs).where(_epochs.c.run_id == run_id, _epochs.c.epoch > epoch))
            connection.execute(delete(_points).where(_points.c.run_id == run_id, _points.c.epoch > epoch))
            connection.execute(update(_runs).where(_runs.c.id == run_id).values(epochs_run=epoch))

    def set_figures(self, run_id: str, **figures: Any) -> None:
        """Sets columns of a run."""
        with writing(self._engine) as connection:
            connection.execute(update(_runs).where(_runs.c.id == run_id).values(**figures))

    def count_looks(self, run_id: str, by: int = 1) -> None:
        """Notes that figures of a run's test images were reckoned, once or oftener."""
        with writing(self._engine) as connection:
            looks = _runs.c.test_looks + by
            connection.execute(update(_runs).where(_runs.c.id == run_id).values(test_looks=looks))

    def interrupt(self, worker: str) -> None:
        """Ends what a worker has in hand as *interrupted*; the worker says so itself, or who knows that it is gone."""
        mine = (_runs.c.worker == worker) & _runs.c.status.in_(ACTIVE)
        ended = {"status": "interrupted", "reason": ENDED_EARLY, "ended": time.time(), "command": ""}
        with writing(self._engine) as connection:
            connection.execute(update(_runs).where(mine).values(**ended))

    def end(
        self,
        run_id: str,
        status: str,
        *,
        worker: str | None = None,
        reason: str | None = None,
        among: Sequence[str] = ACTIVE,
        **figures: Any,
    ) -> bool:
        """Ends a run; only one whose status is among those given, and only its own worker's where `worker` is given.

        Returns:
            Whether it was this call that ended it.
        """
        mine = (_runs.c.id == run_id) & _runs.c.status.in_(among)
        if worker is not None:
            mine &= _runs.c.worker == worker
        values = {"status": status, "reason": reason, "ended": time.time(), "command": "", **figures}
        with writing(self._engine) as connection:
            return connection.execute(update(_runs).where(mine).values(**values)).rowcount > 0

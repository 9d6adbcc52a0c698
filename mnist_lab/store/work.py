"""The way of a run from the queue to its end: what people ask of it, and what its worker reports."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, delete, func, insert, or_, select, update

from mnist_lab.errors import JobError
from mnist_lab.store import schema
from mnist_lab.store.database import writing
from mnist_lab.store.records import ACTIVE, ENDED_EARLY, FINAL, Run

_runs, _epochs, _points = schema.runs, schema.epochs, schema.points


class Work:
    """The part of `RunStore` through which runs are queued, taken, followed and ended."""

    _engine: Engine
    host: str

    if TYPE_CHECKING:

        def get(self, run_id: str) -> Run:
            """See `RunStore.get`."""

    # The queue ----------------------------------------------------------------------------------------------------

    def move_in_queue(self, run_id: str, by: int) -> None:
        """Moves a queued run by `by` places; negative is sooner."""
        with writing(self._engine) as connection:
            query = select(_runs.c.id).where(_runs.c.status == "queued", _runs.c.deleted.is_(None))
            order = list(connection.execute(query.order_by(_runs.c.position, _runs.c.created)).scalars())
            if run_id not in order:
                return
            index = order.index(run_id)
            order.insert(min(max(index + by, 0), len(order) - 1), order.pop(index))
            for position, each in enumerate(order):
                connection.execute(update(_runs).where(_runs.c.id == each).values(position=float(position)))

    def claim(self, worker: str, pid: int, *, own: bool = False) -> Run | None:
        """Takes the next queued run for a worker, so that no other worker takes it.

        Args:
            worker: Name of the worker.
            pid: Its process id on this host.
            own: Take none but those that are queued for this worker by name.
        """
        with writing(self._engine) as connection:
            wanted = select(_runs.c.id).where(_runs.c.status == "queued", _runs.c.deleted.is_(None))
            mine = _runs.c.owner == worker
            wanted = wanted.where(mine if own else or_(_runs.c.owner.is_(None), mine))
            wanted = wanted.order_by(_runs.c.position, _runs.c.created).limit(1)
            # On SQLite this is the only writer by now; elsewhere two may look at the same row.
            found = connection.execute(wanted.with_for_update(skip_locked=True)).scalar()
            if found is None:
                return None
            now = time.time()
            taken = {"status": "running", "worker": worker, "host": self.host, "pid": pid, "heartbeat": now}
            fresh = {"started": func.coalesce(_runs.c.started, now), "ended": None, "reason": None, "command": ""}
            progress = {"phase": "starting"}
            connection.execute(update(_runs).where(_runs.c.id == found).values(**taken, **fresh, progress=progress))
        return self.get(found)

    def command(self, run_id: str, command: str) -> None:
        """Asks the worker of a run to stop or to pause; an empty text takes that back.

        A queued run that is to stop leaves the queue at once, as *stopped*.
        """
        if command not in ("", "stop", "pause"):
            raise JobError(f"Unknown command {command!r}.", "Use stop or pause, or an empty text.")
        with writing(self._engine) as connection:
            if command == "stop":
                cancelled = {"status": "stopped", "reason": "Cancelled while queued.", "ended": time.time()}
                waiting = (_runs.c.id == run_id) & (_runs.c.status == "queued")
                connection.execute(update(_runs).where(waiting).values(**cancelled))
            busy = (_runs.c.id == run_id) & _runs.c.status.in_(ACTIVE)
            connection.execute(update(_runs).where(busy).values(command=command))

    def requeue(self, run_id: str, *, owner: str | None = None) -> Run:
        """Puts a stopped, interrupted or failed run back into the queue, to go on from its last epoch.

        Raises:
            JobError: If it is finished, queued or under way.
        """
        run = self.get(run_id)
        if run.status not in FINAL or run.status == "finished":
            raise JobError(
                f"Run {run.name!r} is {run.status} and cannot be resumed.", "Load its network and train anew."
            )
        with writing(self._engine) as connection:
            last = connection.execute(select(func.max(_runs.c.position))).scalar()
            again = {"status": "queued", "command": "", "reason": None, "ended": None, "position": (last or 0.0) + 1.0}
            still = (_runs.c.id == run_id) & (_runs.c.status == run.status)
            connection.execute(update(_runs).where(still).values(**again, owner=owner, progress=None))
        return self.get(run_id)

    def hand_over(self, run_id: str, owner: str | None, *, previous: str | None) -> bool:
        """Gives a queued run to another owner, or to the common queue; only if it still has the previous one.

        Returns:
            Whether it was handed over.
        """
        before = _runs.c.owner.is_(None) if previous is None else _runs.c.owner == previous
        waiting = (_runs.c.id == run_id) & (_runs.c.status == "queued") & before
        with writing(self._engine) as connection:
            return connection.execute(update(_runs).where(waiting).values(owner=owner)).rowcount > 0

    # What a worker reports ----------------------------------------------------------------------------------------

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
            row = connection.execute(select(_runs.c.command, _runs.c.status, _runs.c.deleted).where(mine)).first()
            if row is None or row.deleted is not None:
                return None
            values: dict[str, Any] = {"heartbeat": time.time(), "progress": progress}
            if row.status in ACTIVE:
                values["status"] = status
            connection.execute(update(_runs).where(mine).values(**values))
            rows = [{"run_id": run_id, **point} for point in points]
            if rows:
                connection.execute(insert(_points), rows)
        return str(row.command)

    def add_epoch(self, run_id: str, values: dict[str, Any], **figures: Any) -> None:
        """Adds one epoch (``{"epoch": 1, "loss": ...}``) to a run's history, and sets figures of the run with it."""
        epoch = int(values["epoch"])
        with writing(self._engine) as connection:
            connection.execute(delete(_epochs).where(_epochs.c.run_id == run_id, _epochs.c.epoch == epoch))
            connection.execute(insert(_epochs).values(run_id=run_id, epoch=epoch, values=values))
            connection.execute(update(_runs).where(_runs.c.id == run_id).values(epochs_run=epoch, **figures))

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

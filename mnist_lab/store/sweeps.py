"""Sweeps and their trials: made, found, driven by one at a time, and ended.

Who drives a sweep has its lease, and loses it by silence. All that a driver writes is written only as long as the lease
is its own, in the same transaction; a trial and its runs are made together or not at all.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, insert, or_, select, update

from mnist_lab.errors import JobError, SweepError
from mnist_lab.store import schema
from mnist_lab.store.artefacts import is_run_id
from mnist_lab.store.damage import REMEDY as DAMAGE_REMEDY
from mnist_lab.store.database import reading, writing
from mnist_lab.store.edits import clean_name
from mnist_lab.store.new_runs import new_row
from mnist_lab.store.queue import end_of_queue
from mnist_lab.store.records import ACTIVE
from mnist_lab.store.sweep_records import OWNER, NewTrial, SweepRecord, Trial

_runs, _sweeps, _trials = schema.runs, schema.sweeps, schema.trials
_BUDGETS = ("trials", "seconds", "epochs")


class Sweeps:
    """The part of `RunStore` that keeps sweeps."""

    _engine: Engine
    host: str

    # Making and finding -------------------------------------------------------------------------------------------

    def create_sweep(
        self, sweep: Mapping[str, Any], *, name: str, person: str | None = None, driver: str | None = None
    ) -> SweepRecord:
        """Adds a sweep that is to run.

        Args:
            sweep: What `Sweep.to_dict` gave.
            name: Display text.
            person: Who asks for it, from `person`.
            driver: Who drives it from the beginning; None for whoever takes it.
        """
        now = time.time()
        sweep_id = uuid.uuid4().hex
        values = {
            "id": sweep_id, "name": clean_name(name) or "Sweep", "sweep": dict(sweep), "status": "running",
            "person": person, "driver": driver, "heartbeat": now if driver else None, "created": now,
        }  # fmt: skip
        with writing(self._engine) as connection:
            connection.execute(insert(_sweeps).values(**values))
        return self.get_sweep(sweep_id)

    def get_sweep(self, sweep_id: str) -> SweepRecord:
        """The sweep with exactly this id.

        Raises:
            SweepError: If there is none, or it was deleted for good.
        """
        with reading(self._engine) as connection:
            row = connection.execute(select(_sweeps).where(_sweeps.c.id == sweep_id)).mappings().first()
        if row is None:
            raise SweepError(f"There is no sweep {sweep_id!r:.60}.", "See `sweep --list` for those that there are.")
        return SweepRecord.from_row(row)  # type: ignore[arg-type]

    def find_sweep(self, text: str) -> SweepRecord:
        """The sweep whose id is, or begins with, `text`, or whose name is `text` and is the only one of that name.

        Raises:
            SweepError: If there is none, or several.
        """
        sweeps = self.sweeps()
        by_id = [each for each in sweeps if len(text) >= 4 and each.id.startswith(text.lower())]
        found = by_id or [each for each in sweeps if each.name == text]
        if len(found) != 1:
            what = "There is no sweep" if not found else f"{len(found)} sweeps answer to"
            raise SweepError(f"{what} {text!r:.60}.", "Give the id that `sweep --list` prints.")
        return found[0]

    def sweeps(self, statuses: Sequence[str] | None = None, *, deleted: bool = False) -> list[SweepRecord]:
        """Sweeps, newest first.

        Args:
            statuses: Only those of these statuses; None for all.
            deleted: Those that were deleted, in place of those that were not.
        """
        wanted = select(_sweeps).where(_sweeps.c.deleted.is_not(None) if deleted else _sweeps.c.deleted.is_(None))
        if statuses is not None:
            wanted = wanted.where(_sweeps.c.status.in_(statuses))
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(_sweeps.c.created.desc(), _sweeps.c.id)).mappings().all()
        found = [SweepRecord.from_row(row) for row in rows if is_run_id(row["id"])]  # type: ignore[arg-type]
        return found if statuses is None else [each for each in found if each.status in statuses]

    def trials(self, sweep_id: str, *, states: Sequence[str] | None = None, after: int = -1) -> list[Trial]:
        """The trials of a sweep, in their order.

        Args:
            sweep_id: The sweep.
            states: Only those in these states; None for all.
            after: Only those with a higher number.
        """
        wanted = select(_trials).where(_trials.c.sweep == sweep_id, _trials.c.number > after)
        if states is not None:
            wanted = wanted.where(_trials.c.state.in_(states))
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(_trials.c.number)).mappings().all()
        found = [Trial.from_row(row) for row in rows if type(row["number"]) is int]  # type: ignore[arg-type]
        return found if states is None else [each for each in found if each.state in states]

    # What people ask of it ----------------------------------------------------------------------------------------

    def command_sweep(self, sweep_id: str, command: str) -> None:
        """Asks the driver of a sweep to stop it; an empty text takes that back.

        A sweep that nobody drives is stopped at once.
        """
        if command not in ("", "stop"):
            raise JobError(f"Unknown command {command!r}.", "Use stop, or an empty text.")
        running = (_sweeps.c.id == sweep_id) & (_sweeps.c.status == "running")
        with writing(self._engine) as connection:
            if command == "stop":
                ended = {"status": "stopped", "command": "", "reason": None, "ended": time.time()}
                nobody = running & _sweeps.c.driver.is_(None)
                if connection.execute(update(_sweeps).where(nobody).values(**ended)).rowcount:
                    _stop_runs(connection, sweep_id)
            connection.execute(update(_sweeps).where(running).values(command=command))

    def resume_sweep(self, sweep_id: str) -> SweepRecord:
        """Lets a sweep go on that was stopped, has failed or is finished; one whose budget is spent ends again at once.

        Raises:
            SweepError: If there is none.
            JobError: If it is damaged or was deleted.
        """
        record = self._usable(sweep_id)
        again = {"status": "running", "command": "", "reason": None, "ended": None}
        stopped = (_sweeps.c.id == sweep_id) & or_(_sweeps.c.status != "running", _sweeps.c.command != "")
        with writing(self._engine) as connection:
            connection.execute(update(_sweeps).where(stopped).values(**again))
        return self.get_sweep(record.id)

    def extend_sweep(self, sweep_id: str, *, trials: int = 0, seconds: int = 0, epochs: int = 0) -> SweepRecord:
        """Adds to the budget of a sweep, and lets it go on if it has ended; a limit that it does not have stays so.

        Args:
            sweep_id: The sweep.
            trials: So many more.
            seconds: So many more.
            epochs: So many more.

        Raises:
            SweepError: If there is none.
            JobError: If it is damaged or was deleted.
        """
        self._usable(sweep_id)
        more = dict(zip(_BUDGETS, (trials, seconds, epochs), strict=True))
        with writing(self._engine) as connection:
            query = select(_sweeps.c.sweep).where(_sweeps.c.id == sweep_id).with_for_update()
            sweep = connection.execute(query).scalar_one()
            search = dict(sweep.get("search", {}))
            search |= {name: search[name] + by for name, by in more.items() if search.get(name) is not None}
            changed = {**sweep, "search": search}
            connection.execute(update(_sweeps).where(_sweeps.c.id == sweep_id).values(sweep=changed))
        return self.resume_sweep(sweep_id)

    def change_sweep(self, sweep_id: str, sweep: Mapping[str, Any]) -> SweepRecord:
        """Replaces the description of a sweep, which has another budget, and lets it go on if it has ended.

        Args:
            sweep_id: The sweep.
            sweep: What `Sweep.to_dict` gave.

        Raises:
            SweepError: If there is none.
            JobError: If it was deleted.
        """
        self._usable(sweep_id)
        with writing(self._engine) as connection:
            connection.execute(update(_sweeps).where(_sweeps.c.id == sweep_id).values(sweep=dict(sweep)))
        return self.resume_sweep(sweep_id)

    def rename_sweep(self, sweep_id: str, name: str) -> None:
        """Gives a sweep another name.

        Raises:
            SweepError: If the name is empty.
        """
        if not (cleaned := clean_name(name)):
            raise SweepError("A sweep's name cannot be empty.", "Type a name.")
        with writing(self._engine) as connection:
            connection.execute(update(_sweeps).where(_sweeps.c.id == sweep_id).values(name=cleaned))

    def delete_sweeps(self, sweep_ids: Iterable[str]) -> list[str]:
        """Deletes sweeps; `undelete_sweeps` brings them back for a day. Their runs stay.

        Raises:
            JobError: If one of them is running; then none is deleted.
        """
        ids = list(sweep_ids)
        with writing(self._engine) as connection:
            query = select(_sweeps.c.name).where(_sweeps.c.id.in_(ids), _sweeps.c.status == "running")
            if busy := list(connection.execute(query).scalars()):
                raise JobError(f"Sweep {busy[0]!r} is running and cannot be deleted.", "Stop it first.")
            connection.execute(update(_sweeps).where(_sweeps.c.id.in_(ids)).values(deleted=time.time()))
        return ids

    def undelete_sweeps(self, sweep_ids: Iterable[str]) -> None:
        """Brings deleted sweeps back."""
        with writing(self._engine) as connection:
            connection.execute(update(_sweeps).where(_sweeps.c.id.in_(list(sweep_ids))).values(deleted=None))

    # The lease ----------------------------------------------------------------------------------------------------

    def take_sweep(self, sweep_id: str, driver: str, *, lost: SweepRecord | None = None) -> bool:
        """Takes the lease of a sweep that runs.

        Args:
            sweep_id: The sweep.
            driver: Who takes it.
            lost: The sweep as it was when its driver was found to be gone; None to take it only from nobody.

        Returns:
            Whether it is this driver's now: nobody else's, and not that of the one who was gone and has come back.
        """
        free: Any = _sweeps.c.driver.is_(None)
        if lost is not None and lost.driver is not None:
            free = or_(free, (_sweeps.c.driver == lost.driver) & (_sweeps.c.heartbeat == lost.heartbeat))
        mine = (_sweeps.c.id == sweep_id) & (_sweeps.c.status == "running") & _sweeps.c.deleted.is_(None) & free
        with writing(self._engine) as connection:
            taken = update(_sweeps).where(mine).values(driver=driver, heartbeat=time.time())
            return connection.execute(taken).rowcount > 0

    def renew_sweep(self, sweep_id: str, driver: str, seconds: float = 0.0) -> SweepRecord | None:
        """Says that a sweep is driven.

        Args:
            sweep_id: The sweep.
            driver: Who drives it.
            seconds: For how long it was driven since it was said last.

        Returns:
            The sweep as it is now; None if it is no longer this driver's.
        """
        with writing(self._engine) as connection:
            values = {"heartbeat": time.time(), "spent": _sweeps.c.spent + seconds}
            if not connection.execute(update(_sweeps).where(_driven(sweep_id, driver)).values(**values)).rowcount:
                return None
            row = connection.execute(select(_sweeps).where(_sweeps.c.id == sweep_id)).mappings().one()
        return SweepRecord.from_row(row)  # type: ignore[arg-type]

    def release_sweep(self, sweep_id: str, driver: str) -> None:
        """Leaves a sweep that goes on to the next who takes it."""
        with writing(self._engine) as connection:
            free = {"driver": None, "heartbeat": None}
            connection.execute(update(_sweeps).where(_driven(sweep_id, driver)).values(**free))

    def end_sweep(self, sweep_id: str, driver: str, status: str, reason: str | None = None) -> bool:
        """Ends a sweep that this driver has.

        Returns:
            Whether it was this call that ended it.
        """
        ended = {"status": status, "reason": reason, "ended": time.time(), "command": "", "driver": None}
        with writing(self._engine) as connection:
            return connection.execute(update(_sweeps).where(_driven(sweep_id, driver)).values(**ended)).rowcount > 0

    # What a driver writes -----------------------------------------------------------------------------------------

    def add_trial(self, sweep_id: str, driver: str, trial: NewTrial) -> Trial | None:
        """Adds a trial, and queues its runs, together or not at all.

        Returns:
            The trial; None if the sweep is no longer this driver's.

        Raises:
            ArchitectureError: If a network is impossible.
            StoreError: If it cannot be written, or there is a trial of this number.
        """
        owner = f"{OWNER}{sweep_id}"
        rows = [
            new_row(each.architecture, each.training, name=each.name, owner=owner, sweep=sweep_id, trial=trial.number)
            for each in trial.runs
        ]
        now = time.time()
        values = {
            "sweep": sweep_id, "number": trial.number, "values": dict(trial.values), "reason": trial.reason,
            "state": "impossible" if trial.reason is not None else "running", "runs": [row["id"] for row in rows],
            "parameters": trial.parameters, "multiply_adds": trial.multiply_adds, "notes": dict(trial.notes),
            "created": now, "ended": None if trial.reason is None else now,
        }  # fmt: skip
        with writing(self._engine) as connection:
            record = _held(connection, sweep_id, driver)
            if record is None:
                return None
            connection.execute(insert(_trials).values(**values))
            for row in rows:
                position = end_of_queue(connection, record.person, None)
                connection.execute(insert(_runs).values(**row, person=record.person, position=position))
            made = connection.execute(select(_trials).where(_this(sweep_id, trial.number))).mappings().one()
        return Trial.from_row(made)  # type: ignore[arg-type]

    def update_trial(self, sweep_id: str, driver: str, number: int, **values: Any) -> bool:
        """Sets columns of a trial.

        Returns:
            Whether that was done; not if the sweep is no longer this driver's.
        """
        with writing(self._engine) as connection:
            if _held(connection, sweep_id, driver) is None:
                return False
            connection.execute(update(_trials).where(_this(sweep_id, number)).values(**values))
        return True

    def halt_sweeps(self, reason: str) -> int:
        """Stops all sweeps that run, whoever drives them, as those of a store that was brought back from a backup.

        Returns:
            How many.
        """
        ended = {"status": "stopped", "reason": reason, "ended": time.time(), "command": "", "driver": None}
        with writing(self._engine) as connection:
            running = list(connection.execute(select(_sweeps.c.id).where(_sweeps.c.status == "running")).scalars())
            for sweep_id in running:
                _stop_runs(connection, sweep_id)
            connection.execute(update(_sweeps).where(_sweeps.c.id.in_(running)).values(**ended))
        return len(running)

    def _usable(self, sweep_id: str) -> SweepRecord:
        record = self.get_sweep(sweep_id)
        if record.is_damaged:
            raise JobError(f"Sweep {record.name!r} is damaged and cannot go on.", DAMAGE_REMEDY)
        if record.deleted is not None:
            raise JobError(f"Sweep {record.name!r} was deleted.", "Undo that first.")
        return record


# Within a transaction -------------------------------------------------------------------------------------------------


def _this(sweep_id: str, number: int) -> Any:
    return (_trials.c.sweep == sweep_id) & (_trials.c.number == number)


def _driven(sweep_id: str, driver: str) -> Any:
    return (_sweeps.c.id == sweep_id) & (_sweeps.c.driver == driver) & (_sweeps.c.status == "running")


def _held(connection: Connection, sweep_id: str, driver: str) -> Any:
    """The row of a sweep that is this driver's and stays so until the transaction is over; None if it is not."""
    query = select(_sweeps.c.person).where(_driven(sweep_id, driver)).with_for_update()
    return connection.execute(query).first()


def _stop_runs(connection: Connection, sweep_id: str) -> None:
    """Takes the queued runs of a sweep out of the queue, and asks the workers of the others to stop."""
    # Not those that confirm its winner, which have another owner.
    mine = (_runs.c.sweep == sweep_id) & (_runs.c.owner == f"{OWNER}{sweep_id}")
    waiting = {"status": "stopped", "reason": "Its sweep was stopped.", "ended": time.time()}
    connection.execute(update(_runs).where(mine & (_runs.c.status == "queued")).values(**waiting))
    connection.execute(update(_runs).where(mine & _runs.c.status.in_(ACTIVE)).values(command="stop"))

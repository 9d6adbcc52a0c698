"""The queue: runs wait there, are taken by workers, go back into it, and are asked to stop."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, func, or_, select, update

from mnist_lab.errors import JobError
from mnist_lab.store import schema
from mnist_lab.store.artefacts import is_run_id
from mnist_lab.store.damage import REMEDY as DAMAGE_REMEDY
from mnist_lab.store.database import reading, writing
from mnist_lab.store.people import Waiting, check_queue, fair_order, of_person, one_at_a_time
from mnist_lab.store.records import ACTIVE, FINAL, Run

_runs = schema.runs
_is_waiting = (_runs.c.status == "queued") & _runs.c.deleted.is_(None)
# A damaged row may have anything there, which would be above all numbers.
_is_turn = _runs.c.turn.between(1, 2**62)


class Queue:
    """The part of `RunStore` through which runs are queued and taken."""

    _engine: Engine
    host: str

    if TYPE_CHECKING:

        def get(self, run_id: str) -> Run:
            """See `RunStore.get`."""

        def runs(self, statuses: Sequence[str] | None = None, *, ids: Sequence[str] | None = None) -> list[Run]:
            """See `RunStore.runs`."""

        def end(self, run_id: str, status: str, *, worker: str | None = None, reason: str | None = None) -> bool:
            """See `Work.end`."""

    def queue(self, most: int | None = None) -> list[Run]:
        """Queued runs in the order in which they will start, as far as is known by now.

        Args:
            most: Only the first so many; None for all.
        """
        with reading(self._engine) as connection:
            waiting = _waiting(connection)
            order = fair_order(waiting, _served(connection, waiting))[:most]
        ids = [each.id for each in order]
        found = {run.id: run for run in self.runs(["queued"], ids=ids if most is not None else None)}
        return [found[run_id] for run_id in ids if run_id in found]

    def waiting(self, person: str | None = None) -> int:
        """How many runs are queued, of all people or of one."""
        with reading(self._engine) as connection:
            return _count(connection, person)

    def move_in_queue(self, run_id: str, by: int) -> None:
        """Moves a queued run by `by` places among those of the same person; negative is sooner."""
        with writing(self._engine) as connection:
            order = sorted(_waiting(connection), key=lambda each: each.place)
            lane = next((each.lane for each in order if each.id == run_id), None)
            order = [each for each in order if each.lane == lane]
            if lane is None:
                return
            places = [each.position for each in order]
            if len(set(places)) < len(places):
                places = [float(number) for number in range(len(order))]
            index = next(number for number, each in enumerate(order) if each.id == run_id)
            order.insert(min(max(index + by, 0), len(order) - 1), order.pop(index))
            for place, each in zip(places, order, strict=True):
                if each.position != place:
                    connection.execute(update(_runs).where(_runs.c.id == each.id).values(position=place))

    def waiting_for(self, owner: str | None) -> int:
        """How many runs are queued for an owner; None for the common queue."""
        with reading(self._engine) as connection:
            return int(connection.execute(select(func.count()).where(_is_waiting, _whose(owner))).scalar() or 0)

    def has_begun(self, worker: str) -> bool:
        """Whether a worker had a run in hand that nobody else has had since."""
        with reading(self._engine) as connection:
            return connection.execute(select(_runs.c.id).where(_runs.c.worker == worker)).first() is not None

    def claim(self, worker: str, pid: int, *, own: bool = False, owner: str | None = None) -> Run | None:
        """Takes the next queued run for a worker, so that no other worker takes it.

        Without `own` and `owner` it takes those of the common queue and those that are queued for it by name.

        Args:
            worker: Name of the worker.
            pid: Its process id on this host.
            own: Take none but those that are queued for this worker by name.
            owner: Take none but those that are queued for this owner, whose other workers do so too.
        """
        while (found := self._take(worker, pid, own, owner)) is not None:
            run = self.get(found)
            if not run.is_damaged and is_run_id(found):
                return run
            # Nobody can train it, and it must not keep the others from being trained.
            self.end(found, "failed", worker=worker, reason=run.reason)
        return None

    def _take(self, worker: str, pid: int, own: bool, owner: str | None) -> Any:
        with writing(self._engine) as connection:
            mine = _runs.c.owner == (owner or worker)
            may = mine if own or owner else or_(_runs.c.owner.is_(None), mine)
            waiting = _waiting(connection, may)
            for each in fair_order(waiting, _served(connection, waiting)):
                # On SQLite this is the only writer by now; elsewhere two may look at the same row.
                still = select(_runs.c.owner).where(_runs.c.id == each.id, _is_waiting, may)
                found = connection.execute(still.with_for_update(skip_locked=True)).first()
                if found is not None:
                    break
            else:
                return None
            self._hold(connection, each.id, worker, pid, takes_turn=not found.owner)
        return each.id

    def _hold(self, connection: Connection, run_id: str, worker: str, pid: int, *, takes_turn: bool) -> None:
        """Gives a queued run to a worker; one of a crew of somebody's own takes nobody's turn."""
        turn = {"turn": _last_turn(connection) + 1} if takes_turn else {}
        now = time.time()
        taken = {"status": "running", "worker": worker, "host": self.host, "pid": pid, "heartbeat": now}
        fresh = {"started": func.coalesce(_runs.c.started, now), "ended": None, "reason": None, "command": ""}
        progress = {"phase": "starting"}
        values = {**taken, **fresh, **turn, "progress": progress}
        connection.execute(update(_runs).where(_runs.c.id == run_id).values(**values))

    # One by one, where somebody else chooses who trains what -------------------------------------------------------

    def next_for(self, owner: str | None, most: int, besides: Collection[str] = ()) -> list[str]:
        """The ids of the queued runs of an owner that start next, in their order.

        Args:
            owner: Whose; None for the common queue.
            most: How many.
            besides: Those that somebody is about to take already.
        """
        with reading(self._engine) as connection:
            waiting = _waiting(connection, _whose(owner))
            order = fair_order(waiting, _served(connection, waiting)) if waiting else []
        return [each.id for each in order if each.id not in besides][:most]

    def claim_run(self, run_id: str, worker: str, pid: int, *, owner: str | None) -> Run | None:
        """Takes one queued run for a worker, so that no other worker takes it.

        Args:
            run_id: The run.
            worker: Name of the worker.
            pid: Its process id on this host.
            owner: Whose queue it must be in; None for the common queue.

        Returns:
            None if it is not there any more.
        """
        with writing(self._engine) as connection:
            there = select(_runs.c.id).where(_runs.c.id == run_id, _is_waiting, _whose(owner))
            if connection.execute(there.with_for_update(skip_locked=True)).first() is None:
                return None
            self._hold(connection, run_id, worker, pid, takes_turn=owner is None)
        run = self.get(run_id)
        if run.is_damaged:
            # As with `claim`.
            self.end(run_id, "failed", worker=worker, reason=run.reason)
            return None
        return run

    def put_back(self, run_id: str, worker: str, *, among: Sequence[str] = ACTIVE) -> bool:
        """Puts a run whose worker was lost back to where it was in the queue, to go on from its last epoch.

        Args:
            run_id: The run.
            worker: The worker that was lost; if it lives, it sees that the run is no longer its own.
            among: Only a run of one of these statuses is put back.

        Returns:
            Whether it was still that worker's, and was put back.
        """
        lost = (_runs.c.id == run_id) & (_runs.c.worker == worker) & _runs.c.status.in_(among)
        again = {"status": "queued", "command": "", "reason": None, "ended": None, "progress": None, "worker": None}
        with writing(self._engine) as connection:
            return connection.execute(update(_runs).where(lost).values(**again)).rowcount > 0

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

    def requeue(
        self, run_id: str, *, owner: str | None = None, person: str | None = None, most_queued: int | None = None
    ) -> Run:
        """Puts a stopped, interrupted or failed run back into the queue, to go on from its last epoch.

        Args:
            run_id: The run.
            owner: As in `RunStore.create`.
            person: Who asks for it; None for who did before.
            most_queued: As in `RunStore.create`.

        Raises:
            JobError: If it is finished, queued, under way or deleted.
            NoRoomError: If too many runs of this person are queued.
        """
        run = self.get(run_id)
        if run.is_damaged:
            raise JobError(f"Run {run.name!r} is damaged and cannot be resumed.", DAMAGE_REMEDY)
        if run.status not in FINAL or run.status == "finished":
            raise JobError(
                f"Run {run.name!r} is {run.status} and cannot be resumed.", "Load its network and train anew."
            )
        if run.deleted is not None:
            raise JobError(f"Run {run.name!r} was deleted.", "Undo that first, where it was deleted.")
        person = run.person if person is None else person
        with writing(self._engine) as connection:
            again = {"status": "queued", "command": "", "reason": None, "ended": None, "progress": None}
            place = {"position": end_of_queue(connection, person, most_queued), "owner": owner, "person": person}
            still = (_runs.c.id == run_id) & _runs.c.status.not_in(("queued", *ACTIVE, "finished"))
            connection.execute(update(_runs).where(still).values(**again, **place))
        return self.get(run_id)

    def hand_over(self, run_id: str, owner: str | None, *, previous: str | None) -> bool:
        """Gives a queued run to another owner, or to the common queue; only if it still has the previous one.

        Returns:
            Whether it was handed over.
        """
        waiting = (_runs.c.id == run_id) & (_runs.c.status == "queued") & _whose(previous)
        with writing(self._engine) as connection:
            return connection.execute(update(_runs).where(waiting).values(owner=owner)).rowcount > 0


# Within a transaction -------------------------------------------------------------------------------------------------


def _waiting(connection: Connection, *conditions: Any) -> list[Waiting]:
    """The queued runs, in no order."""
    columns = _runs.c.id, _runs.c.person, _runs.c.owner, _runs.c.position, _runs.c.created
    rows = connection.execute(select(*columns).where(_is_waiting, *conditions))
    return [
        Waiting(run_id, person, owner, _number(position), _number(created))
        for run_id, person, owner, position, created in rows
    ]


def _whose(owner: str | None) -> Any:
    """The condition that a run is queued for an owner, or for None in the common queue."""
    return _runs.c.owner.is_(None) if owner is None else _runs.c.owner == owner


def _number(value: Any) -> float:
    """What a damaged row has in place of a number is none: one such row must not hold up all others."""
    return float(value) if isinstance(value, int | float) else 0.0


def _served(connection: Connection, waiting: Iterable[Waiting]) -> dict[str, int]:
    """By person among those who wait in the common queue, the turn in which they were served last."""
    served: dict[str, int] = {}
    for person in {each.person for each in waiting if not each.owner}:
        # One look into the index each: people are few, and the runs that they ever had are many.
        query = select(func.max(_runs.c.turn)).where(of_person(person), _is_turn)
        turn = connection.execute(query).scalar()
        if turn is not None:
            served[person or ""] = max(served.get(person or "", 0), int(_number(turn)))
    return served


def _last_turn(connection: Connection) -> int:
    """The turn that was given last, to whomever."""
    return int(_number(connection.execute(select(func.max(_runs.c.turn)).where(_is_turn)).scalar()))


def _count(connection: Connection, person: str | None) -> int:
    query = select(func.count()).select_from(_runs).where(_is_waiting)
    if person is not None:
        query = query.where(of_person(person))
    return int(connection.execute(query).scalar() or 0)


def end_of_queue(connection: Connection, person: str | None, most: int | None) -> float:
    """The position of one more run of a person, in the transaction that queues it.

    Args:
        connection: That transaction, which writes.
        person: Who asks for it.
        most: How many runs of theirs may be queued; None for any number.

    Raises:
        NoRoomError: If so many are.
    """
    one_at_a_time(connection)
    if most is not None:
        check_queue(_count(connection, person or ""), most)
    return float(connection.execute(select(func.max(_runs.c.position))).scalar() or 0.0) + 1.0

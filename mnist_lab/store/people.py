"""Who asks for trainings, and in which order they are served."""

from __future__ import annotations

import getpass
import hashlib
import json
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Engine, insert, or_, select

from mnist_lab.errors import NoRoomError
from mnist_lab.store import schema
from mnist_lab.store.artefacts import Artefacts
from mnist_lab.store.database import reading, writing

_KEY = "people-key"
_DIGEST_BYTES = 12
_meta = schema.meta.c


@dataclass(frozen=True, slots=True)
class Waiting:
    """What decides of a queued run when it starts.

    Attributes:
        id: The run.
        person: Who asked for it, or None.
        owner: The worker that it waits for, None in the common queue.
        position: Its place among the runs of its person, ascending.
        created: Seconds since 1970; decides between equal places.
    """

    id: str
    person: str | None
    owner: str | None
    position: float
    created: float

    @property
    def place(self) -> tuple[float, float]:
        """Where it stands, by which those of one person are ordered."""
        return self.position, self.created

    @property
    def lane(self) -> tuple[str, str]:
        """What it waits in: its person's part of the common queue, or the queue of a worker of its own."""
        return self.owner or "", "" if self.owner else self.person or ""


def fair_order(waiting: Iterable[Waiting], served: Mapping[str, int]) -> list[Waiting]:
    """The order in which queued runs start: people take turns, who was served longest ago first.

    Whoever queues a run waits for one run of each other person at most, however many these have queued. The runs of one
    person start in the order of their places; one person alone has nobody to take turns with.

    Args:
        waiting: The queued runs, in any order.
        served: By person, the turn in which they were served last; who never was is not in it.

    Returns:
        The same runs, the next one first.
    """
    by_place = sorted(waiting, key=lambda run: run.place)
    # The head of each lane comes first in `by_place`, and decides between those who never had a turn.
    lanes = {lane: number for number, lane in enumerate(dict.fromkeys(run.lane for run in by_place))}
    order = {lane: (served.get(lane[1], 0) if not lane[0] else 0, number) for lane, number in lanes.items()}
    passed: Counter[tuple[str, str]] = Counter()
    keys = {}
    for run in by_place:
        keys[run.id] = passed[run.lane], order[run.lane]
        passed[run.lane] += 1
    return sorted(by_place, key=lambda run: keys[run.id])


class People:
    """The part of `RunStore` that tells people apart, and keeps nothing by which they could be known."""

    _engine: Engine
    artefacts: Artefacts
    _people_key: bytes = b""

    def person(self, who: str) -> str:
        """What stands for somebody in this store: a hash, with a key that no other store has.

        Args:
            who: A login, or what tells a browser from others; it is not kept.
        """
        self._people_key = self._people_key or bytes.fromhex(self._key())
        return hashlib.blake2b(
            who.encode(errors="surrogatepass"), key=self._people_key, digest_size=_DIGEST_BYTES
        ).hexdigest()

    def person_of_process(self) -> str:
        """What stands for the user of the operating system who runs this process."""
        try:
            name = getpass.getuser()
        except (OSError, KeyError, ImportError):
            # A number without a name, as in many containers.
            name = ""
        return self.person(f"process of {name}")

    def room_of(self, person: str | None) -> int:
        """The bytes of the files of all runs of a person, those included that are deleted and not gone yet."""
        query = select(schema.runs.c.id).where(of_person(person))
        with reading(self._engine) as connection:
            ids = list(connection.execute(query).scalars())
        return self.artefacts.sizes(ids)

    def _key(self) -> str:
        query = select(_meta.value).where(_meta.key == _KEY)
        with reading(self._engine) as connection:
            found = connection.execute(query).scalar()
        if found is None:
            with writing(self._engine) as connection:
                one_at_a_time(connection)
                found = connection.execute(query).scalar()
                if found is None:
                    found = json.dumps(secrets.token_hex(32))
                    connection.execute(insert(schema.meta).values(key=_KEY, value=found))
        return str(json.loads(found))


def of_person(person: str | None) -> ColumnElement[bool]:
    """Whose runs; nobody's are written in two ways."""
    column = schema.runs.c.person
    return column == person if person else or_(column.is_(None), column == "")


def check_queue(there: int, most: int | None) -> None:
    """Looks whether a person may queue one more run.

    Args:
        there: How many of theirs are queued.
        most: How many may be; None for any number.

    Raises:
        NoRoomError: If so many are.
    """
    if most is not None and there >= most:
        raise NoRoomError(
            f"You have {there:,} training{'s' * (there != 1)} in the queue, and {most:,} is the limit here.",
            "Wait until one of them has begun, or cancel one.",
        )


def one_at_a_time(connection: Connection) -> None:
    """Lets no other who calls this into the rest of their transaction before this one is over.

    SQLite has one writer at a time anyway; elsewhere what was counted would change before it is acted upon.
    """
    connection.execute(select(_meta.value).where(_meta.key == "version").with_for_update())

"""The sign that a program's job thread is at work, for whoever looks from outside: one small file for each program.

It lies in ``alive/`` in ``MNIST_LAB_HOME``. Several programs may share that folder, from several machines too.
"""

from __future__ import annotations

import json
import os
import socket
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

FOLDER = "alive"
RENEW_SECONDS = 5.0
# The thread may wait for a busy store half as long.
STALE_SECONDS = 60.0
_CLOCK_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Sign:
    """What a program said last.

    Attributes:
        host: Name of its machine.
        pid: Its process id there.
        began: When that process began, in seconds since 1970.
        seen: When it said so.
        problem: Why it can start no training at present, or None.
    """

    host: str
    pid: int
    began: float
    seen: float
    problem: str | None

    @property
    def is_alive(self) -> bool:
        """Whether its process, which must be of this machine, is still there."""
        try:
            # Process ids are used again.
            return abs(psutil.Process(self.pid).create_time() - self.began) < _CLOCK_SECONDS
        except psutil.Error:
            return False

    @property
    def is_fresh(self) -> bool:
        """Whether its thread was at work a moment ago."""
        return abs(time.time() - self.seen) < STALE_SECONDS


class SignOfLife:
    """This program's own sign.

    Args:
        home: The folder of everything that the program writes.
    """

    def __init__(self, home: Path) -> None:
        self._began = psutil.Process().create_time()
        self._path = home / FOLDER / f"{socket.gethostname()}-{os.getpid()}.json"
        self._said: tuple[float, str | None] = -RENEW_SECONDS, None

    def renew(self, problem: str | None) -> None:
        """Says that the thread is at work; at most every few seconds, unless there is something else to say."""
        now = time.monotonic()
        if now - self._said[0] < RENEW_SECONDS and problem == self._said[1]:
            return
        self._said = now, problem
        sign = Sign(socket.gethostname(), os.getpid(), self._began, time.time(), problem)
        temporary = self._path.with_suffix(".new")
        # On a full disk it grows old, as it should.
        with suppress(OSError):
            self._path.parent.mkdir(exist_ok=True)
            temporary.write_text(json.dumps(asdict(sign)), encoding="utf-8")
            os.replace(temporary, self._path)

    def remove(self) -> None:
        """Takes the sign away, as the program ends."""
        with suppress(OSError):
            self._path.unlink()


def signs(home: Path) -> list[Sign]:
    """The signs of the programs of this machine whose processes are there."""
    found = []
    with suppress(OSError):
        for path in sorted((home / FOLDER).glob("*.json")):
            with suppress(OSError, ValueError, TypeError):
                found.append(Sign(**json.loads(path.read_text(encoding="utf-8"))))
    return [each for each in found if each.host == socket.gethostname() and each.is_alive]


def sweep(home: Path) -> None:
    """Removes the signs of programs of this machine that ended without a word."""
    with suppress(OSError):
        for path in (home / FOLDER).glob("*.json"):
            with suppress(OSError, ValueError, TypeError):
                sign = Sign(**json.loads(path.read_text(encoding="utf-8")))
                if sign.host == socket.gethostname() and not sign.is_alive:
                    path.unlink()

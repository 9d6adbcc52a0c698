"""Whether the program could work just now: a look of a moment, for monitors, that makes and changes nothing."""

from __future__ import annotations

import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mnist_lab.jobs.sign_of_life import signs
from mnist_lab.settings import Settings
from mnist_lab.store.condition import condition_of
from mnist_lab.store.schema import VERSION

MIN_FREE = 200 * 2**20
"""Bytes: a run with its checkpoints needs some ten million, a store that is migrated a copy of itself."""
SERVER_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: ``"store"``, ``"disk"``, ``"jobs"`` or ``"server"``.
        is_well: Whether it is as it must be.
        words: What was found, in one sentence.
    """

    name: str
    is_well: bool
    words: str


def checks(settings: Settings, server: str | None = None) -> Iterator[Check]:
    """Looks at each thing in turn.

    Args:
        settings: Where the program reads and writes.
        server: The address of its web server, if that is to be asked too.
    """
    yield _store(settings)
    yield _disk(settings.home)
    yield _jobs(settings.home)
    if server is not None:
        yield _server(server)


def _store(settings: Settings) -> Check:
    condition = condition_of(settings.store_url, briefly=True)
    if not condition.exists:
        return Check("store", True, "There is no store yet.")
    if condition.problem:
        problem = f"The run store cannot be used: {condition.problem}. `python -m mnist_lab doctor` looks closer."
        return Check("store", False, problem)
    if (condition.version or 0) > VERSION:
        return Check("store", False, "The run store was written by a newer version of the program. Update the program.")
    return Check("store", True, "The store can be written.")


def _disk(home: Path) -> Check:
    place = next(each for each in (home, *home.parents) if each.exists())
    if not os.access(place, os.W_OK | os.X_OK):
        return Check("disk", False, "The folder MNIST_LAB_HOME cannot be written.")
    free = shutil.disk_usage(place).free
    return Check("disk", free >= MIN_FREE, f"{free / 2**20:,.0f} MiB are free, {MIN_FREE / 2**20:,.0f} are needed.")


def _jobs(home: Path) -> Check:
    here = signs(home)
    for sign in here:
        if not sign.is_fresh:
            return Check("jobs", False, f"The program with process id {sign.pid} looks after its trainings no more.")
        if sign.problem is not None:
            return Check("jobs", False, sign.problem)
    # A program begins to look after trainings when its first page is asked for.
    return Check("jobs", True, f"{len(here)} programs on this machine look after trainings.")


def _server(address: str) -> Check:
    if not address.startswith(("http://", "https://")):
        return Check("server", False, f"{address!r} is no address of a server. Give http://HOST:PORT.")
    try:
        with urllib.request.urlopen(f"{address.rstrip('/')}/_stcore/health", timeout=SERVER_SECONDS) as answer:
            return Check("server", answer.status == 200, f"The server answers with status {answer.status}.")
    except (OSError, ValueError) as error:
        status = error.code if isinstance(error, urllib.error.HTTPError) else None
        words = f"answers with status {status}" if status else f"does not answer ({type(error).__name__})"
        return Check("server", False, f"The server {words}.")

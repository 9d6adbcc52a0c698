"""The files of runs in an object store, with a copy on this machine of what is read.

What is written is whole on this disk first, and then becomes an object, whole or not at all. What could not be sent
stays under ``unsent/`` and is sent when its run is taken up here again, unless another machine has gone on with it. A
process knows for two seconds what the store has of a run, so that a page may ask often; that there is no such file is
never taken for granted, and neither is anything when a run is taken up.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
from collections.abc import Collection, Container
from contextlib import suppress
from pathlib import Path

from mnist_lab.errors import ArtefactMissing, StoreError
from mnist_lab.store.artefacts import (
    ABANDONED_SECONDS,
    LOG,
    Artefacts,
    is_abandoned,
    is_run_id,
    temporary_name,
)
from mnist_lab.store.bucket import Bucket, Object, Objects
from mnist_lab.store.cache import Cache

FOLDER = "objects"
# For so long an answer is taken for true.
KNOWN_SECONDS = 2.0
# More runs than this are asked about in one question about all.
MANY = 8
MOST_KNOWN = 20_000
# For so long a training waits for a store that is away.
PATIENCE_SECONDS = 300.0
_CLAIM = ".claim"
# Of a file that could not be sent: the store had none, or nobody knows what it had.
_NEW, _UNKNOWN = "new", "unknown"
# What a process writes of a run's log until it is over.
_LOGS = f".{LOG.partition('.')[0]}-*"

_log = logging.getLogger(__name__)


class ObjectArtefacts(Artefacts):
    """The files of each run in an object store.

    Args:
        bucket: The object store.
        home: The folder of everything that the program writes on this machine.
        limit: Bytes of the files that are kept here to be read.
    """

    is_remote = True
    waits_for = "the object store"
    patience_seconds = PATIENCE_SECONDS

    def __init__(self, bucket: Bucket, home: Path, limit: int) -> None:
        super().__init__(home)
        self.bucket = bucket
        self.cache = Cache(home / FOLDER / "cache", limit)
        self._unsent = home / FOLDER / "unsent"
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, Objects]] = {}

    def folder(self, run_id: str) -> Path:
        """Where what a process writes of a run lies until it is sent."""
        return self._unsent / super().folder(run_id).name

    # Looking ------------------------------------------------------------------------------------------------------

    def objects(self, run_id: str) -> Objects:
        """What the store has of a run, by name; it may be two seconds old.

        Raises:
            StoreError: If the store does not answer.
        """
        name = self.folder(run_id).name
        with self._lock:
            when, found = self._known.get(name, (0.0, {}))
        if not when or time.monotonic() - when > KNOWN_SECONDS:
            found = _seen(self.bucket.objects(name))
            self._note({name: found})
        return found

    def every(self) -> dict[str, Objects]:
        """What the store has of all runs, by id and name, in one question.

        Raises:
            StoreError: If the store does not answer.
        """
        found = {run_id: _seen(objects) for run_id, objects in self.bucket.every().items() if is_run_id(run_id)}
        self._note(found)
        return {run_id: objects for run_id, objects in found.items() if objects}

    def _note(self, found: dict[str, Objects]) -> None:
        now = time.monotonic()
        with self._lock:
            if len(self._known) + len(found) > MOST_KNOWN:
                self._known.clear()
            self._known.update({run_id: (now, objects) for run_id, objects in found.items()})

    def look_again(self, run_id: str | None = None) -> None:
        """Takes nothing for known of a run, or of all."""
        with self._lock:
            if run_id is None:
                self._known.clear()
            else:
                self._known.pop(run_id, None)

    def _find(self, run_id: str, name: str) -> Object | None:
        """An object of a run. What was there a moment ago still is; what was not may have come."""
        found = self.objects(run_id).get(name)
        if found is None:
            self.look_again(run_id)
            found = self.objects(run_id).get(name)
        return found

    def has(self, run_id: str, name: str) -> bool:
        """Whether a run has a file; raises StoreError if the store does not answer."""
        return self._find(run_id, name) is not None

    def having(self, run_ids: Collection[str], name: str) -> set[str]:
        """Those of some runs that have a file; raises StoreError if the store does not answer."""
        return {run_id for run_id, objects in self._of(run_ids).items() if name in objects}

    def _of(self, run_ids: Collection[str]) -> dict[str, Objects]:
        wanted = [run_id for run_id in run_ids if is_run_id(run_id)]
        if len(wanted) <= MANY:
            return {run_id: self.objects(run_id) for run_id in wanted}
        every = self.every()
        return {run_id: every.get(run_id, {}) for run_id in wanted}

    def run_ids(self) -> list[str]:
        """The ids of the runs that have files."""
        return sorted(self.every())

    def names(self, run_id: str) -> list[str]:
        """The names of a run's files, in alphabetical order."""
        return sorted(self.objects(run_id)) if is_run_id(run_id) else []

    def changed(self, run_id: str, name: str) -> float:
        """When a file was last written, by the clock of the store; 0 if the run has no such file."""
        found = self._find(run_id, name)
        return 0.0 if found is None else found.changed

    def mark(self, run_id: str, name: str) -> str | None:
        """What is another after the file has changed; None if there is none."""
        found = self._find(run_id, name)
        return None if found is None else found.mark

    def size(self, run_id: str) -> int:
        """The bytes of a run's files."""
        return self.sizes([run_id])

    def sizes(self, run_ids: Collection[str]) -> int:
        """The bytes of the files of some runs."""
        return sum(each.size for objects in self._of(run_ids).values() for each in objects.values())

    # Reading ------------------------------------------------------------------------------------------------------

    def path(self, run_id: str, name: str) -> Path:
        """A copy of a file on this machine: as it is now, or was two seconds ago.

        Raises:
            ArtefactMissing: If the run has no such file.
            StoreError: If the store does not answer, or there is no room on this disk.
        """
        found = self._find(run_id, name)
        path = None if found is None else self.cache.find(run_id, found.mark, name)
        if path is None and found is not None:
            path = self._fetch(run_id, name)
        if path is None:
            raise ArtefactMissing(
                f"Run {run_id[:8]} has no {name}.", "It may not have reached that point; train it again."
            )
        return path

    def _fetch(self, run_id: str, name: str) -> Path | None:
        try:
            part = self.cache.temporary(run_id)
            try:
                found = self.bucket.get(run_id, name, part)
                return None if found is None else self.cache.add(part, run_id, found.mark, name)
            finally:
                part.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(
                f"{name} of run {run_id[:8]} cannot be kept on this machine ({error.strerror or error}).",
                "Make room on the disk.",
            ) from error

    # Writing ------------------------------------------------------------------------------------------------------

    def _take_its_place(self, run_id: str, name: str, temporary: Path) -> None:
        """Makes an object of it, or keeps it for a better time."""
        before = self._before(run_id, name)
        try:
            self.bucket.put(temporary, run_id, name)
        except StoreError:
            self._let_go(run_id, name)
            place = self.folder(run_id) / before / name
            place.parent.mkdir(parents=True, exist_ok=True)
            os.replace(temporary, place)
            raise
        self._let_go(run_id, name)
        self._sent(run_id, name)

    def _sent(self, run_id: str, name: str) -> None:
        """Notes what the store has now of a name: the next one that cannot be sent is to replace this one."""
        try:
            now = self.bucket.look_at(run_id, name)
        except StoreError:
            now = None
        with self._lock:
            when, objects = self._known.pop(run_id, (0.0, {}))
            if now is not None and when:
                self._known[run_id] = when, {**objects, name: now}

    def _before(self, run_id: str, name: str) -> str:
        """The mark of what the store had last of a name, as far as this process knows."""
        for place in self._kept(run_id):
            if place.name == name:
                return place.parent.name
        with self._lock:
            if run_id not in self._known:
                return _UNKNOWN
            found = self._known[run_id][1].get(name)
        return _NEW if found is None else found.mark

    def _let_go(self, run_id: str, name: str) -> None:
        for place in self._kept(run_id):
            if place.name == name:
                place.unlink(missing_ok=True)
                with suppress(OSError):
                    place.parent.rmdir()

    def _kept(self, run_id: str) -> list[Path]:
        """The files of a run that could not be sent, as ``MARK/NAME``, with the mark of what they were to replace."""
        return sorted(path for path in self.folder(run_id).glob("*/*") if not path.name.startswith("."))

    def unsent(self) -> list[Path]:
        """The files of all runs that are here and could not be sent."""
        with suppress(OSError):
            return [path for run_id in sorted(os.listdir(self._unsent)) if is_run_id(run_id)
                    for path in self._kept(run_id)]  # fmt: skip
        return []

    def begin(self, run_id: str) -> None:
        """Takes a run up: looks anew at what the store has, and sends what could not be sent before.

        Raises:
            StoreError: If the store does not answer.
        """
        self.look_again(run_id)
        for place in self._kept(run_id):
            now = self.objects(run_id).get(place.name)
            if place.parent.name == (_NEW if now is None else now.mark):
                self.bucket.put(place, run_id, place.name)
                self.look_again(run_id)
            else:
                _log.warning("what was not sent is older than what another machine has sent since")
            self._let_go(run_id, place.name)
        self.objects(run_id)

    def claim(self, run_id: str) -> bool:
        """Makes the place of a run; False if there is one already, so that of two who ask only one has it.

        Raises:
            StoreError: If it cannot be made.
        """
        self.look_again(run_id)
        return not self.objects(run_id) and self.bucket.make(run_id, _CLAIM)

    # The log ------------------------------------------------------------------------------------------------------

    def log(self, run_id: str) -> Path:
        """Where a process writes a run's log on this machine; it begins with what was written before."""
        folder = self.folder(run_id)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / temporary_name(LOG)
        with suppress(StoreError):
            shutil.copyfile(self.path(run_id, LOG), path)
        for left in self._logs(run_id):
            if is_abandoned(left):
                # What its process had no more time to send.
                if not path.exists() or left.read_bytes().startswith(path.read_bytes()):
                    os.replace(left, path)
                left.unlink(missing_ok=True)
        return path

    def send_log(self, run_id: str, path: Path, *, is_over: bool = False) -> None:
        """Sends a run's log as it is now; one that cannot be sent stays here until the run is swept or taken up."""
        try:
            if path.is_file():
                self.bucket.put(path, run_id, LOG, patient=False)
                if is_over:
                    path.unlink()
        except (StoreError, OSError) as error:
            _log.warning("the log was not sent (%s)", type(error).__name__)
        self.look_again(run_id)

    def _logs(self, run_id: str) -> list[Path]:
        """What processes of this machine write, or wrote, of a run's log, the newest last."""
        return sorted(self.folder(run_id).glob(_LOGS), key=lambda path: path.stat().st_mtime)

    def log_tail(self, run_id: str, lines: int = 20) -> str:
        """The last lines of a run's log; empty if it has none, or the store does not answer."""
        here = self.folder(run_id)
        with suppress(OSError, StoreError):
            path = next(reversed(self._logs(here.name)), None) or self.path(run_id, LOG)
            return "\n".join(path.read_text(errors="replace").strip().splitlines()[-lines:])
        return ""

    # Removing -----------------------------------------------------------------------------------------------------

    def remove(self, run_id: str, name: str | None = None) -> None:
        """Removes one file of a run, or all of them.

        Raises:
            StoreError: If the store does not remove it. Of what cannot be removed with all others the doctor tells.
        """
        folder = self.folder(run_id)
        self.look_again(run_id)
        try:
            self.bucket.remove(run_id, name)
        except StoreError:
            if name is not None:
                raise
            _log.warning("the objects of a run were not removed", extra={"run": run_id})
        if name is not None:
            self._let_go(run_id, name)
        else:
            shutil.rmtree(folder, ignore_errors=True)
            self.cache.drop(run_id)

    def sweep(self, run_id: str) -> None:
        """Removes a run's half-written files of this machine whose writer is gone; a log that it left is sent."""
        with suppress(OSError):
            for path in self._logs(run_id):
                if is_abandoned(path):
                    self.send_log(run_id, path, is_over=True)
            for path in self.folder(run_id).iterdir():
                if path.name.startswith(".") and path not in self._logs(run_id) and is_abandoned(path):
                    path.unlink(missing_ok=True)

    def sweep_all(self, known: Container[str]) -> None:
        """Does the same for all runs, and removes empty folders. The store itself is left alone: it may be large."""
        with suppress(OSError):
            for run_id in filter(is_run_id, os.listdir(self._unsent)):
                self.sweep(run_id)
                folder = self.folder(run_id)
                with suppress(OSError):
                    if time.time() - folder.stat().st_mtime > ABANDONED_SECONDS:
                        folder.rmdir()


def _seen(objects: Objects) -> Objects:
    """Without what is being written, and what only holds a place."""
    return {name: each for name, each in objects.items() if not name.startswith(".")}

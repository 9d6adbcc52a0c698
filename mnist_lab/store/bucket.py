"""An object store by its URL, through fsspec: what this program asks of one, and its failures in words.

fsspec is an optional package: it is imported when something is first asked, and nowhere else in the program.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from mnist_lab.errors import StoreError
from mnist_lab.public import without_secrets

# What replaces an object replaces it whole; others get it under another name first.
WHOLE = ("s3", "s3a", "gs", "gcs", "abfs", "abfss", "az")
# Seconds between the attempts of what a training cannot do without; the driver itself has tried some times by then.
PAUSES = (1.0, 2.0, 4.0)
# After a failure nobody else tries for so long: a page shall not wait again for what was waited for just now.
SILENT_SECONDS = 3.0
# Of a store that does not answer at all.
CONNECT_SECONDS, READ_SECONDS = 5, 20
REMEDY = "See that the object store can be reached and written; `python -m mnist_lab doctor` looks into it."
_ETAGS = ("ETag", "etag", "md5Hash")
_TIMES = ("LastModified", "last_modified", "mtime", "updated", "created")
_T = TypeVar("_T")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Object:
    """What an object store says of one object.

    Attributes:
        size: Bytes.
        changed: When it was written by the clock of the store, in seconds since 1970.
        mark: Another one for another content.
    """

    size: int
    changed: float
    mark: str


Objects = dict[str, Object]


class Bucket:
    """The place in an object store under which each run has its objects, as ``RUN/NAME``.

    Args:
        url: What `fsspec` takes; the prefix ends without a slash.
    """

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self.shown = without_secrets(self._url)
        self.scheme = url.partition("://")[0]
        self._lock = threading.Lock()
        self._opened: tuple[int, Any, str] | None = None
        self._silent_until, self._said = 0.0, ""

    # Looking ------------------------------------------------------------------------------------------------------

    def objects(self, run_id: str) -> Objects:
        """The objects of a run by name, hidden ones included.

        Raises:
            StoreError: If the store does not answer.
        """

        def look(files: Any, root: str) -> Objects:
            try:
                entries = files.ls(f"{root}/{run_id}", detail=True)
            except FileNotFoundError:
                return {}
            named = {str(each["name"]).rpartition("/")[2]: each for each in entries if each["type"] == "file"}
            return {name: _object(each) for name, each in named.items() if name}

        return self._ask(look)

    def every(self) -> dict[str, Objects]:
        """The objects of all runs at once; a store answers for a thousand at a time.

        Raises:
            StoreError: If the store does not answer.
        """

        def look(files: Any, root: str) -> dict[str, Objects]:
            found: dict[str, Objects] = {}
            try:
                entries = files.find(root, detail=True)
            except FileNotFoundError:
                return {}
            for path, entry in entries.items():
                run_id, _, name = str(path).removeprefix(root).strip("/").partition("/")
                if name and "/" not in name:
                    found.setdefault(run_id, {})[name] = _object(entry)
            return found

        return self._ask(look)

    def look_at(self, run_id: str, name: str) -> Object | None:
        """One object; None if there is none.

        Raises:
            StoreError: If the store does not answer.
        """

        def look(files: Any, root: str) -> Object | None:
            try:
                return _object(files.info(f"{root}/{run_id}/{name}"))
            except FileNotFoundError:
                return None

        return self._ask(look)

    # Moving -------------------------------------------------------------------------------------------------------

    def put(self, source: Path, run_id: str, name: str, *, patient: bool = True) -> None:
        """Makes a file an object, which is there whole or not at all.

        Args:
            source: The file.
            run_id: The run.
            name: The object.
            patient: Whether to try for a while.

        Raises:
            StoreError: If that was in vain.
        """

        def send(files: Any, root: str) -> None:
            path = f"{root}/{run_id}/{name}"
            if self.scheme in WHOLE:
                files.put_file(str(source), path)
                return
            part = f"{root}/{run_id}/.{name}-{uuid.uuid4().hex[:8]}"
            try:
                if self.scheme == "file":
                    _copy_to_disk(source, Path(part), Path(path))
                else:
                    files.put_file(str(source), part)
                    files.mv(part, path)
            except BaseException:
                with suppress(Exception):
                    files.rm_file(part)
                raise

        self._ask(send, PAUSES if patient else ())

    def get(self, run_id: str, name: str, to: Path) -> Object | None:
        """Fetches an object into a file. Tries for a while.

        Returns:
            What was fetched; None if there is no such object.

        Raises:
            StoreError: If that was in vain.
        """

        def fetch(files: Any, root: str) -> Object | None:
            path = f"{root}/{run_id}/{name}"
            try:
                before = _object(files.info(path))
                while True:
                    files.get_file(path, str(to))
                    # A large one is fetched in parts, which must be of the same.
                    after = _object(files.info(path))
                    if after == before:
                        return before
                    before = after
            except FileNotFoundError:
                return None

        return self._ask(fetch, PAUSES)

    def make(self, run_id: str, name: str) -> bool:
        """Makes a small object; False if there is one of that name, so that of two who ask only one makes it.

        Raises:
            StoreError: If the store does not answer.
        """

        def claim(files: Any, root: str) -> bool:
            path = f"{root}/{run_id}/{name}"
            if self.scheme == "file":
                Path(path).parent.mkdir(parents=True, exist_ok=True)
                try:
                    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
                except FileExistsError:
                    return False
                return True
            try:
                files.pipe_file(path, b"claimed", mode="create")
            except OSError:
                # Drivers say in different ways that there is one.
                if not files.exists(path):
                    raise
                return False
            return True

        return self._ask(claim)

    def remove(self, run_id: str, name: str | None = None) -> None:
        """Removes one object of a run, or all of them; none is no fault.

        Raises:
            StoreError: If the store does not answer.
        """

        def clear(files: Any, root: str) -> None:
            path = f"{root}/{run_id}"
            with suppress(FileNotFoundError):
                if name is None:
                    files.rm(path, recursive=True)
                else:
                    files.rm_file(f"{path}/{name}")

        self._ask(clear)

    # Asking -------------------------------------------------------------------------------------------------------

    def _files(self) -> tuple[Any, str]:
        """fsspec's file system, and the path in it; a forked process opens its own."""
        with self._lock:
            if self._opened is None or self._opened[0] != os.getpid():
                import fsspec

                options: dict[str, Any] = {"use_listings_cache": False, "skip_instance_cache": True}
                if self.scheme in ("s3", "s3a"):
                    # The driver tries again by itself, five times; botocore would try five times at each of these.
                    config = {"connect_timeout": CONNECT_SECONDS, "read_timeout": READ_SECONDS,
                              "retries": {"max_attempts": 1}}  # fmt: skip
                    known = fsspec.config.conf.get(self.scheme, {}).get("config_kwargs", {})
                    options["config_kwargs"] = {**config, **(known if isinstance(known, dict) else {})}
                elif self.scheme == "file":
                    options["auto_mkdir"] = True
                files, root = fsspec.core.url_to_fs(self._url, **options)
                self._opened = os.getpid(), files, root.rstrip("/")
            return self._opened[1:]

    def _ask(self, ask: Callable[[Any, str], _T], pauses: tuple[float, ...] = ()) -> _T:
        if not pauses and time.monotonic() < self._silent_until:
            raise StoreError(self._said, REMEDY)
        left = list(pauses)
        while True:
            try:
                answer = ask(*self._files())
            except Exception as error:  # drivers raise what they and their libraries have
                self._said = f"The object store {self.shown} does not do what it was asked ({self._words(error)})."
                if not left or isinstance(error, (PermissionError, ImportError)):
                    self._silent_until = time.monotonic() + SILENT_SECONDS
                    raise StoreError(self._said, REMEDY) from error
                _log.warning("the object store does not answer (%s)", type(error).__name__)
                time.sleep(left.pop(0))
            else:
                self._silent_until = 0.0
                return answer

    def _words(self, error: Exception) -> str:
        words = (str(error).strip().splitlines() or [""])[0] or type(error).__name__
        words = words.replace(self._url, self.shown)
        secret, at, _ = self._url.partition("://")[2].partition("@")
        return (words.replace(secret, "…") if at and self.scheme != "file" else words)[:200]


def _copy_to_disk(source: Path, part: Path, path: Path) -> None:
    part.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, part)
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    os.replace(part, path)


def _object(entry: dict[str, Any]) -> Object:
    """An object from what a driver says of it; their words differ, also between a listing and a single answer."""
    size = int(entry.get("size") or 0)
    when = next((entry[key] for key in _TIMES if entry.get(key) is not None), 0.0)
    changed = _seconds(when)
    tag = next((str(entry[key]).strip('"') for key in _ETAGS if entry.get(key)), "")
    told = f"{size} {tag}" if tag else f"{size} {changed} {entry.get('ino', '')}"
    return Object(size, changed, hashlib.sha256(told.encode()).hexdigest()[:16])


def _seconds(when: Any) -> float:
    if isinstance(when, str):
        with suppress(ValueError):
            when = datetime.fromisoformat(when.replace("Z", "+00:00"))
    if isinstance(when, datetime):
        return when.timestamp()
    return float(when) if isinstance(when, (int, float)) else 0.0

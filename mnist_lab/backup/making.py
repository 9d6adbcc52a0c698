"""Taking a backup while trainings run.

The files of runs are taken before the tables and again after them. What a run has that is under way is from just
before, and all from one moment: it is as a power cut would have left it, and can go on. What has ended is from after:
it changes no more, and a run that is finished has its model.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
import uuid
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import mnist_lab
from mnist_lab.backup.layout import CHUNK, DATABASE, FILE_NAME, FORMAT, KIND, MANIFEST, RUN_ID
from mnist_lab.errors import ArtefactMissing, StoreError
from mnist_lab.store import ACTIVE, Run, RunStore
from mnist_lab.store.artefacts import LOG
from mnist_lab.store.database import SQLITE, open_engine
from mnist_lab.store.snapshot import take_snapshot

ZIP = ".zip"
# A stage that its maker left behind is swept by the next one after a day.
STAGE = ".backup-"
_ABANDONED_SECONDS = 24 * 3600.0
_MOST_LOOKS = 10


@dataclass(frozen=True, slots=True)
class Made:
    """A backup.

    Attributes:
        path: The file or the folder.
        runs: How many runs are in it, deleted ones included.
        files: How many files they have.
        size: Bytes in all.
    """

    path: Path
    runs: int
    files: int
    size: int


def back_up(store: RunStore, url: str, home: Path, to: Path, *, force: bool = False) -> Made:
    """Writes a backup of the whole store, whole or not at all.

    Args:
        store: The run store.
        url: Its URL.
        home: Where the files of its runs are.
        to: A file that ends in .zip, or a folder that is empty or not there yet.
        force: Whether a file that is there may be replaced.

    Raises:
        StoreError: If it cannot be read or written, or there is something already.
    """
    to = to.absolute()
    with _in_words(to):
        _check_place(to, home, force)
    with _in_words(to), _stage(home) as stage:
        _Taken(store, stage).all(url)
        runs = _count(stage / DATABASE)
        part = to.with_name(f".{to.name}-{uuid.uuid4().hex[:8]}.part")
        try:
            files, size = _as_zip(stage, part) if to.suffix == ZIP else _as_folder(stage, part)
            os.replace(part, to)
        finally:
            shutil.rmtree(part, ignore_errors=True)
            with suppress(OSError):
                part.unlink()
    return Made(to, runs, files - 1, size)


def _check_place(to: Path, home: Path, force: bool) -> None:
    if not to.parent.is_dir():
        raise StoreError(f"There is no folder {to.parent}.", "Make it, or choose another.")
    if to == home or home in to.parents:
        raise StoreError(f"{to} is in the home of the runs.", "Choose a place outside, best on another disk.")
    if to.suffix == ZIP:
        if to.is_dir() or (to.exists() and not force):
            raise StoreError(f"{to} is there already.", "Choose another name, or add --force to replace it.")
    elif to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise StoreError(f"{to} is there already.", "Choose another name, or one that ends in .zip.")


@contextmanager
def _in_words(to: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, zipfile.LargeZipFile) as error:
        reason = getattr(error, "strerror", None) or error
        raise StoreError(
            f"The backup {to} cannot be written ({reason}).", "Make room, or choose another place."
        ) from error


@contextmanager
def _stage(home: Path) -> Iterator[Path]:
    """A folder beside the runs, in which their files can be held by hard links: at once, and without more room."""
    for old in home.glob(f"{STAGE}*"):
        with suppress(OSError):
            if abs(time.time() - old.stat().st_mtime) > _ABANDONED_SECONDS:
                shutil.rmtree(old, ignore_errors=True)
    stage = home / f"{STAGE}{uuid.uuid4().hex}"
    stage.mkdir()
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


class _Taken:
    """The files that are held for a backup."""

    def __init__(self, store: RunStore, stage: Path) -> None:
        self._store, self._stage = store, stage
        self._held: dict[tuple[str, str], Any] = {}

    def all(self, url: str) -> None:
        """Holds the files, then the tables, then again the files of what has ended."""
        self._hold(run_id for run_id in self._store.artefacts.run_ids() if RUN_ID.fullmatch(run_id))
        # An epoch is several files: they are of one moment if nothing changed while they were looked through.
        for _ in range(_MOST_LOOKS):
            if not self._hold(run.id for run in self._store.active()):
                break
        take_snapshot(url, self._stage / DATABASE)
        # The same tables as in the backup, whatever has become of the runs since.
        snapshot = RunStore(open_engine(f"{SQLITE}{self._stage / DATABASE}"), self._stage)
        try:
            ended = {
                run.id: run for run in (*snapshot.runs(), *snapshot.runs(deleted=True)) if run.status not in ACTIVE
            }
        finally:
            snapshot.close()
        now = {run.id: run for run in _every(self._store)}
        # One that goes on by now has newer files than the tables know of.
        same = [run_id for run_id, run in ended.items() if run_id in now and now[run_id].status == run.status]
        self._hold(same, and_let_go=True)
        for side in ("-wal", "-shm", ".lock"):
            with suppress(FileNotFoundError):
                Path(f"{self._stage / DATABASE}{side}").unlink()

    def _hold(self, run_ids: Iterable[str], *, and_let_go: bool = False) -> int:
        """Holds the files of runs as they are now; returns how many were not held before, or in another form."""
        new = 0
        for run_id in run_ids:
            self._store.artefacts.look_again(run_id)
            names = [name for name in self._store.artefacts.names(run_id) if FILE_NAME.fullmatch(name)]
            new += sum(self._hold_one(run_id, name) for name in names)
            if and_let_go:
                for known in [key for key in self._held if key[0] == run_id and key[1] not in names]:
                    self._let_go(known)
        return new

    def _hold_one(self, run_id: str, name: str) -> bool:
        held = self._stage / run_id / name
        try:
            mark = self._store.artefacts.mark(run_id, name)
            if mark is not None and self._held.get((run_id, name)) == mark:
                return False
            source = self._store.artefacts.path(run_id, name)
            held.parent.mkdir(exist_ok=True)
            with suppress(FileNotFoundError):
                held.unlink()
            _link_or_copy(source, held)
            self._held[run_id, name] = mark
        except (FileNotFoundError, ArtefactMissing):
            self._let_go((run_id, name))
        return name != LOG

    def _let_go(self, key: tuple[str, str]) -> None:
        self._held.pop(key, None)
        with suppress(FileNotFoundError):
            (self._stage / key[0] / key[1]).unlink()


def _every(store: RunStore) -> list[Run]:
    return [*store.runs(), *store.runs(deleted=True)]


def _link_or_copy(source: Path, held: Path) -> None:
    if source.name != LOG:
        # A file is replaced and never changed, so that a second name for it holds it as it is. A log grows.
        try:
            os.link(source, held)
            return
        except FileNotFoundError:
            raise
        except OSError:
            pass  # no hard links here
    shutil.copyfile(source, held)


def _count(database: Path) -> int:
    store = RunStore(open_engine(f"{SQLITE}{database}"), database.parent)
    try:
        return len(store.reasons())
    finally:
        store.close()
        for side in ("-wal", "-shm", ".lock"):
            with suppress(FileNotFoundError):
                Path(f"{database}{side}").unlink()


def _as_zip(stage: Path, part: Path) -> tuple[int, int]:
    # Weights do not get smaller by packing; and what is not packed cannot unpack to more than it is.
    with part.open("xb") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:

            def put(name: str, source: IO[bytes], size: int) -> tuple[int, str]:
                entry = zipfile.ZipInfo(name, time.localtime()[:6])
                entry.external_attr = 0o644 << 16
                with archive.open(entry, "w", force_zip64=size > 2**30) as to:
                    return _copy(source, to)

            manifest, size = _put_all(stage, put)
            archive.writestr(MANIFEST, json.dumps(manifest, indent=1))
        file.flush()
        os.fsync(file.fileno())
    return len(manifest["files"]), size


def _as_folder(stage: Path, part: Path) -> tuple[int, int]:
    part.mkdir()

    def put(name: str, source: IO[bytes], size: int) -> tuple[int, str]:
        path = part / name
        path.parent.mkdir(exist_ok=True)
        with path.open("xb") as to:
            found = _copy(source, to)
            to.flush()
            os.fsync(to.fileno())
        return found

    manifest, size = _put_all(stage, put)
    (part / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    return len(manifest["files"]), size


def _put_all(stage: Path, put: Callable[[str, IO[bytes], int], tuple[int, str]]) -> tuple[dict[str, Any], int]:
    files: dict[str, Any] = {}
    total = 0
    for path in sorted(each for each in stage.rglob("*") if each.is_file()):
        name = path.relative_to(stage).as_posix()
        with path.open("rb") as source:
            size, digest = put(name, source, path.stat().st_size)
        files[name] = {"bytes": size, "sha256": digest}
        total += size
    made = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {"kind": KIND, "format": FORMAT, "program": mnist_lab.__version__, "made": made, "files": files}, total


def _copy(source: IO[bytes], to: IO[bytes]) -> tuple[int, str]:
    size, digest = 0, hashlib.sha256()
    while chunk := source.read(CHUNK):
        to.write(chunk)
        digest.update(chunk)
        size += len(chunk)
    return size, digest.hexdigest()

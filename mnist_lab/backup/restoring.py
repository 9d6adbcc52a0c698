"""Bringing a backup back. Nothing in it is believed: names, sizes and checksums are compared before it is moved in."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import struct
import uuid
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil

from mnist_lab import formatting
from mnist_lab.backup.layout import CHUNK, DATABASE, FORMAT, KIND, MANIFEST, MAX_MANIFEST, RUN_ID, is_known
from mnist_lab.errors import StoreError
from mnist_lab.store import RunStore
from mnist_lab.store.condition import condition_of, file_of, users_of
from mnist_lab.store.database import SQLITE, open_engine
from mnist_lab.store.salvage import stamp
from mnist_lab.store.snapshot import check_snapshot, fill, see_that_it_is_empty

REASON = "It was under way when the backup was made. Resume it from its last epoch."
SWEEP_REASON = "It was running when the backup was made. Resume it to go on."
BEFORE = "before-restore"
_STAGE = ".restore-"
_REMEDY = "Take another backup."
_FOREIGN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, struct.error, RuntimeError)


@dataclass(frozen=True, slots=True)
class Restored:
    """What was brought back.

    Attributes:
        runs: How many runs.
        interrupted: Those of them that were under way.
        files: How many files they have.
        aside: Where what was there before is now, or None.
    """

    runs: int
    interrupted: int
    files: int
    aside: Path | None


def restore(source: Path, url: str, home: Path, *, force: bool = False) -> Restored:
    """Brings a backup back into a home without runs, all or nothing.

    Args:
        source: The file or the folder.
        url: The URL of the store.
        home: Where the files of its runs go.
        force: Whether to move what is there aside.

    Raises:
        StoreError: If there are runs already, or the backup is damaged or none, or there is no room.
    """
    file = file_of(url)
    if file is None:
        see_that_it_is_empty(url)
    there = bool(_own(home)) or (file is not None and condition_of(url).exists)
    if there and not force:
        raise StoreError(
            f"There is a store in {home} already.", "Set MNIST_LAB_HOME to an empty folder, or add --force: what is "
            "there is then kept aside.",
        )  # fmt: skip
    if there and file is not None and (users := users_of(file)):
        raise StoreError(f"{', '.join(users)} uses the store.", "Stop the program first.")
    with _in_words(home):
        home.mkdir(parents=True, exist_ok=True)
        stage = home / f"{_STAGE}{uuid.uuid4().hex}"
        stage.mkdir()
        try:
            with _opened(source) as backup:
                files = _unpack(backup, stage)
            runs, interrupted = _make_ready(stage)
            aside = _move_aside(home, file) if there else None
            _move_in(stage, url, home, file)
        finally:
            shutil.rmtree(stage, ignore_errors=True)
    return Restored(runs, interrupted, files - 1, aside)


@contextmanager
def _in_words(home: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise StoreError(f"The backup cannot be brought into {home} ({reason}).", "Make room on the disk.") from error


class _Backup:
    """The files of a backup, by name; none of them is a link, and none has a name that leads elsewhere."""

    def __init__(self, what: Path) -> None:
        self.what = what
        self.sizes: dict[str, int] = {}

    def open(self, name: str) -> IO[bytes]:
        """The content of a file."""
        raise NotImplementedError

    def add(self, name: str, size: int) -> None:
        """Notes a file that is there."""
        if name != MANIFEST and not is_known(name):
            raise self.strange(f"{name!r:.60} has no place in it")
        if name in self.sizes:
            raise self.strange(f"it holds {name} twice")
        self.sizes[name] = size

    def strange(self, why: str) -> StoreError:
        """What is said of one that cannot be used."""
        return StoreError(f"{self.what} is no backup that can be used: {why}.", _REMEDY)


class _Zip(_Backup):
    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        super().__init__(path)
        self._archive = archive
        for entry in archive.infolist():
            kind = stat.S_IFMT(entry.external_attr >> 16)
            if kind not in (0, stat.S_IFREG) or entry.orig_filename != entry.filename:
                raise self.strange(f"{entry.orig_filename!r:.60} is no plain file")
            if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1:
                raise self.strange(f"{entry.filename!r:.60} is packed in a way that this program does not use")
            self.add(entry.filename, entry.file_size)
        if sum(self.sizes.values()) > path.stat().st_size:
            raise self.strange("its files would be larger than itself")

    def open(self, name: str) -> IO[bytes]:
        return self._archive.open(name)


class _Folder(_Backup):
    def __init__(self, path: Path) -> None:
        super().__init__(path)
        for each in sorted(path.rglob("*")):
            status = each.lstat()
            if stat.S_ISDIR(status.st_mode):
                continue
            name = each.relative_to(path).as_posix()
            if not stat.S_ISREG(status.st_mode):
                raise self.strange(f"{name!r:.60} is no plain file but a link or the like")
            self.add(name, status.st_size)

    def open(self, name: str) -> IO[bytes]:
        return (self.what / name).open("rb")


@contextmanager
def _opened(source: Path) -> Iterator[_Backup]:
    if os.path.isdir(source):
        yield _Folder(source)
        return
    try:
        with zipfile.ZipFile(source) as archive:
            yield _Zip(source, archive)
    except (FileNotFoundError, PermissionError) as error:
        raise StoreError(f"{source} cannot be read ({error.strerror}).", "Give the path of a backup.") from error
    except _FOREIGN as error:
        raise StoreError(f"{source} is no backup, or a damaged one ({type(error).__name__}).", _REMEDY) from error


def _unpack(backup: _Backup, stage: Path) -> int:
    files = _manifest(backup)
    total = sum(size for size, _ in files.values())
    if total > psutil.disk_usage(str(stage)).free:
        raise StoreError(f"The backup needs {formatting.size(total)}.", "Make room on the disk.")
    for name, (size, digest) in files.items():
        path = stage / name
        path.parent.mkdir(exist_ok=True)
        found, left = hashlib.sha256(), size
        with backup.open(name) as content, path.open("xb") as to:
            while left >= 0 and (chunk := content.read(CHUNK)):
                left -= len(chunk)
                found.update(chunk)
                to.write(chunk)
            to.flush()
            os.fsync(to.fileno())
        if left or found.hexdigest() != digest:
            raise backup.strange(f"{name} is damaged: its checksum is wrong")
    return len(files)


def _manifest(backup: _Backup) -> dict[str, tuple[int, str]]:
    """By name the bytes and the SHA-256 of each file, which are those that are there."""
    if not 0 < backup.sizes.get(MANIFEST, 0) <= MAX_MANIFEST:
        raise backup.strange(f"it has no {MANIFEST}")
    with backup.open(MANIFEST) as file:
        text = file.read(MAX_MANIFEST + 1)
    try:
        document: Any = json.loads(text)
        if document["kind"] != KIND or document["format"] != FORMAT:
            raise backup.strange(f"its format is {document['format']!r:.20}; this version reads {FORMAT}")
        files = {str(name): (each["bytes"], each["sha256"]) for name, each in document["files"].items()}
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise backup.strange(f"its {MANIFEST} is none") from error
    if {name: size for name, (size, _) in files.items()} != {
        name: size for name, size in backup.sizes.items() if name != MANIFEST
    }:
        raise backup.strange(f"its files are not those of its {MANIFEST}")
    if DATABASE not in files:
        raise backup.strange(f"it has no {DATABASE}")
    return files


def _make_ready(stage: Path) -> tuple[int, int]:
    """Checks the tables, brings them up to this version, and ends what was under way."""
    database = stage / DATABASE
    check_snapshot(database)
    store = RunStore(open_engine(f"{SQLITE}{database}"), stage)
    try:
        active = store.active()
        for run in active:
            store.end(run.id, "interrupted", reason=REASON)
        store.halt_sweeps(SWEEP_REASON)
        # Who queued them is not here; any worker may take them.
        for run in store.runs(["queued"], owned=True):
            store.hand_over(run.id, None, previous=run.owner)
        runs = len(store.reasons())
    finally:
        store.close()
    for left in stage.glob(f"{DATABASE}?*"):
        # Closed by the last who had it open, the file holds all that its journal held.
        left.unlink()
    return runs, len(active)


def _own(home: Path) -> list[Path]:
    """The folders of runs in a home."""
    with suppress(OSError):
        return [path for path in home.iterdir() if RUN_ID.fullmatch(path.name) and len(path.name) == 32]
    return []


def _move_aside(home: Path, file: Path | None) -> Path:
    aside = home / f"{BEFORE}-{stamp()}"
    aside.mkdir()
    for path in _own(home):
        os.replace(path, aside / path.name)
    if file is not None:
        for side in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                shutil.move(f"{file}{side}", aside / f"{file.name}{side}")
    return aside


def _move_in(stage: Path, url: str, home: Path, file: Path | None) -> None:
    for path in sorted(each for each in stage.iterdir() if each.is_dir()):
        os.replace(path, home / path.name)
    # The tables last: until they are there, there is no store.
    if file is None:
        fill(url, stage / DATABASE)
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.part")
    shutil.copyfile(stage / DATABASE, part)
    with part.open("rb+") as written:
        os.fsync(written.fileno())
    os.replace(part, file)

"""The files of a run. A file appears whole or not at all, also when the power fails midway.

They lie in a folder for each run; `mnist_lab.store.objects` keeps them in an object store in place of that.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import time
import uuid
import zlib
from collections.abc import Collection, Container, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from numpy.typing import NDArray

from mnist_lab import npz
from mnist_lab.errors import ArtefactMissing, StoreError

MODEL = "model.weights.h5"
CHECKPOINT = "checkpoint.weights.h5"
BEST = "best.weights.h5"
PREDICTIONS = "predictions.npz"
VALIDATION_PREDICTIONS = "validation-predictions.npz"
LOG = "log.txt"
# Of the arrays in one file.
MOST_BYTES = 2**28
# A fine-tuned run has its digits, and what it says of the test images of the data that it came from.
DIGITS = "digits.npz"
BASE_PREDICTIONS = "base-predictions.npz"

# A temporary file's name says which process of which host writes it, so that one which nobody writes is known.
_HOST = f"{zlib.crc32(socket.gethostname().encode()):08x}"
_TEMPORARY = re.compile(r"\..*-([0-9a-f]{8})-(\d+)-[0-9a-f]{8}(\..*)?")
_RUN_ID = re.compile("[0-9a-f]{32}")
# Nobody writes at one file, or on the files of a run that is yet to be made, for so long.
ABANDONED_SECONDS = 24 * 3600.0


def epoch_weights(epoch: int) -> str:
    """The name of the kept weights of one epoch."""
    return f"epoch-{epoch:05d}.weights.h5"


def epoch_predictions(epoch: int, name: str = PREDICTIONS) -> str:
    """The name of what the kept weights of one epoch said of the images of `name`."""
    return f"epoch-{epoch:05d}-{name}"


def temporary_name(name: str) -> str:
    """A name under which this process writes what then becomes `name`; it keeps the suffix."""
    stem, dot, suffix = name.partition(".")
    return f".{stem}-{_HOST}-{os.getpid()}-{uuid.uuid4().hex[:8]}{dot}{suffix}"


def is_run_id(text: Any) -> bool:
    """Whether a value can be the id of a run: hexadecimal, so that it leads nowhere but into a folder of its own."""
    return isinstance(text, str) and text != "" and set(text) <= set("0123456789abcdef")


class Artefacts:
    """The folder of each run's files.

    Args:
        root: The folder of all runs; created when first written to.

    Attributes:
        is_remote: Whether they are elsewhere, and this machine has copies only.
        waits_for: What a training waits for if it cannot write them.
        patience_seconds: For how long, if that is more than for a disk.
    """

    is_remote = False
    waits_for = "the disk"
    patience_seconds = 0.0

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, run_id: str) -> Path:
        """The folder of a run. Ids are hexadecimal, so no id leads outside `root`."""
        if not is_run_id(run_id):
            raise StoreError(f"{run_id!r:.40} is not a run id.", "Use the id that `runs` prints.")
        return self.root / run_id

    def claim(self, run_id: str) -> bool:
        """Makes the folder of a run; False if there is one already, so that of two who ask only one has it.

        Raises:
            StoreError: If it cannot be made.
        """
        folder = self.folder(run_id)
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            folder.mkdir()
        except FileExistsError:
            return False
        except OSError as error:
            raise StoreError(
                f"The folder of run {run_id[:8]} cannot be made ({error.strerror or error}).", "Make room on the disk."
            ) from error
        return True

    def path(self, run_id: str, name: str) -> Path:
        """Where a file is.

        Raises:
            ArtefactMissing: If the run has no such file.
        """
        path = self.folder(run_id) / name
        # Unlike `Path.is_file` this does not raise where the folder is closed to us.
        if not os.path.isfile(path):
            raise ArtefactMissing(
                f"Run {run_id[:8]} has no {name}.", "It may not have reached that point; train it again."
            )
        return path

    def arrays(self, run_id: str, name: str, keys: Sequence[str]) -> list[NDArray[Any]]:
        """Some arrays of an ``.npz`` file.

        Raises:
            ArtefactMissing: If the run has no such file, or it lacks one of them or cannot be used.
        """
        try:
            with self.path(run_id, name).open("rb") as file:
                return npz.read(file, keys, MOST_BYTES)
        except (OSError, ValueError, KeyError) as error:
            raise ArtefactMissing(f"{name} of run {run_id[:8]} cannot be read.", "Train it again.") from error

    def has(self, run_id: str, name: str) -> bool:
        """Whether a run has a file."""
        return os.path.isfile(self.folder(run_id) / name)

    def having(self, run_ids: Collection[str], name: str) -> set[str]:
        """Those of some runs that have a file."""
        return {run_id for run_id in run_ids if self.has(run_id, name)}

    def run_ids(self) -> list[str]:
        """The ids of the runs that have files, be they in the list of runs or not."""
        with suppress(OSError):
            return sorted(path.name for path in self.root.iterdir() if _RUN_ID.fullmatch(path.name))
        return []

    def names(self, run_id: str) -> list[str]:
        """The names of a run's files, in alphabetical order."""
        with suppress(OSError):
            return sorted(path.name for path in self.folder(run_id).iterdir() if not path.name.startswith("."))
        return []

    def changed(self, run_id: str, name: str) -> float:
        """When a file was last written, in seconds since 1970; 0 if the run has no such file."""
        with suppress(OSError):
            return (self.folder(run_id) / name).stat().st_mtime
        return 0.0

    def mark(self, run_id: str, name: str) -> Any:
        """What is another after a file has changed; None if the run has no such file."""
        with suppress(OSError):
            status = (self.folder(run_id) / name).stat()
            return status.st_ino, status.st_size, status.st_mtime_ns
        return None

    def sizes(self, run_ids: Collection[str]) -> int:
        """The bytes of the files of some runs."""
        return sum(map(self.size, run_ids))

    def size(self, run_id: str) -> int:
        """The bytes of a run's files, half-written ones included."""
        try:
            with os.scandir(self.folder(run_id)) as entries:
                return sum(entry.stat(follow_symlinks=False).st_size for entry in entries)
        except (OSError, StoreError):
            # None yet, one that is being replaced at this moment, or no id in a damaged row.
            return 0

    @contextmanager
    def writing(self, run_id: str, name: str) -> Iterator[Path]:
        """Gives a temporary path with the same suffix; what was written there then takes its place at once."""
        folder = self.folder(run_id)
        temporary = folder / temporary_name(name)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            yield temporary
            self._take_its_place(run_id, name, temporary)
        except OSError as error:
            raise StoreError(
                f"{name} of run {run_id[:8]} cannot be written ({error.strerror or error}).", "Make room on the disk."
            ) from error
        finally:
            with suppress(OSError):
                temporary.unlink()

    def _take_its_place(self, run_id: str, name: str, temporary: Path) -> None:
        """Puts what is whole by now where all find it."""
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, self.folder(run_id) / name)

    def remove(self, run_id: str, name: str | None = None) -> None:
        """Removes one file of a run, or all of them.

        Raises:
            StoreError: If the file is there and cannot be removed.
        """
        if name is not None:
            try:
                (self.folder(run_id) / name).unlink(missing_ok=True)
            except OSError as error:
                raise StoreError(
                    f"{name} of run {run_id[:8]} cannot be removed ({error.strerror or error}).", "See who owns it."
                ) from error
        else:
            shutil.rmtree(self.folder(run_id), ignore_errors=True)

    def sweep(self, run_id: str) -> None:
        """Removes a run's half-written files whose writer is gone."""
        with suppress(OSError):
            for path in self.folder(run_id).iterdir():
                if path.name.startswith(".") and is_abandoned(path):
                    with suppress(OSError):
                        path.unlink()

    def sweep_all(self, known: Container[str]) -> None:
        """Removes half-written files of all runs, and empty folders of runs that are in no list.

        Whole files are never removed: a run may lack in the list as the store was made anew after damage.

        Args:
            known: The ids of all runs, deleted ones included.
        """
        for run_id in self.run_ids():
            self.sweep(run_id)
            with suppress(OSError):
                if run_id not in known and _age(self.folder(run_id)) > ABANDONED_SECONDS:
                    self.folder(run_id).rmdir()

    def begin(self, run_id: str) -> None:
        """Takes a run up: nothing that was known of its files before counts. Only one elsewhere has work with that."""

    def look_again(self, run_id: str | None = None) -> None:
        """Takes nothing for known of the files of a run, or of all; those of a folder are looked at each time."""

    def log(self, run_id: str) -> Path:
        """Where the process that has a run in hand appends to its log; its folder is there.

        Raises:
            OSError: If the folder cannot be made.
        """
        path = self.folder(run_id) / LOG
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def send_log(self, run_id: str, path: Path, *, is_over: bool = False) -> None:
        """Brings what stands in a log from `log` to where others can read it.

        Args:
            run_id: The run.
            path: From `log`.
            is_over: Whether nobody writes it any more.
        """

    def log_tail(self, run_id: str, lines: int = 20) -> str:
        """The last lines of a run's log; empty if it has none."""
        with suppress(OSError):
            text = (self.folder(run_id) / LOG).read_text(errors="replace")
            return "\n".join(text.strip().splitlines()[-lines:])
        return ""


def is_abandoned(path: Path) -> bool:
    """Whether nobody writes a temporary file any more: its process is gone, or it has not changed for a day."""
    named = _TEMPORARY.fullmatch(path.name)
    if named is not None and named[1] == _HOST:
        try:
            process = psutil.Process(int(named[2]))
            # One that is about to end has no words any more. Process ids are used again; the system tells their
            # beginnings to about a second.
            is_ending = process.status() == psutil.STATUS_ZOMBIE or not process.cmdline()
            if is_ending or process.create_time() > path.stat().st_mtime + 2.0:
                return True
        except psutil.NoSuchProcess:
            return True
        except psutil.Error:
            return False
    return _age(path) > ABANDONED_SECONDS


def _age(path: Path) -> float:
    """Seconds between now and the last change, whichever came first: a clock may have been set back."""
    return abs(time.time() - path.stat().st_mtime)

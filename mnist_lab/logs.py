"""What the program's processes note for whoever looks after it: one JSON object a line, without anything of a person.

The app, the workers and the command line write to one file, ``logs/mnist-lab.jsonl`` in ``MNIST_LAB_HOME``, which is
rotated; what a person reads in the terminal, and a run's own ``log.txt``, stay as they are beside it.

Of a message only its template is kept as it stands, which is the program's own text; of what is put into it, only
numbers, the kinds of errors, and texts that are called `plain`: a name, a note, a path or an address cannot get in. Of
an error the kind and the lines of code are kept, and not what it says.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import sys
import threading
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from filelock import FileLock, Timeout

from mnist_lab.errors import LabError
from mnist_lab.settings import read_settings

FOLDER = "logs"
FILE = "mnist-lab.jsonl"
MAX_BYTES = 2_000_000
FILES = 5
"""The one that is written, and older ones."""
MAX_FRAMES = 30
LOCK_SECONDS = 2.0
# A run's own log.
MAX_RUN_BYTES = 5_000_000
KEPT_RUN_BYTES = 1_000_000

OWN = "mnist_lab"
_ROOT = Path(__file__).resolve().parent.parent

_log = logging.getLogger(__name__)


class Plain(str):
    """A text that holds nothing of a person: one of the program's own words, a run's id."""

    def __repr__(self) -> str:
        return str(self)


def plain(text: str) -> Plain:
    """Vouches for a text that is put into a message."""
    return Plain(text)


def set_up(process: str, terminal: int, words: str = "%(message)s") -> None:
    """From now on notes what is logged in this process, and how its threads fail.

    Where a setting is wrong there is no file: whoever needs the setting says so.

    Args:
        process: What this process is: ``"app"``, ``"train"``, ``"infer"``, ``"both"`` or ``"cli"``.
        terminal: The least level that is printed on standard error.
        words: The form of what is printed there.
    """
    root = logging.getLogger()
    for handler in [each for each in root.handlers if getattr(each, "of_mnist_lab", False)]:
        root.removeHandler(handler)
    handlers: list[logging.Handler] = [logging.StreamHandler()]
    handlers[0].setLevel(terminal)
    handlers[0].setFormatter(logging.Formatter(words))
    handlers[0].addFilter(lambda record: not hasattr(record, "is_printed"))
    own = logging.getLogger(OWN)
    own.setLevel(terminal)
    with suppress(LabError):
        settings = read_settings()
        level = logging.getLevelNamesMapping()[settings.log_level]
        if process == "app":
            # It would make it for the first page.
            with suppress(OSError):
                settings.home.mkdir(parents=True, exist_ok=True)
        handlers.append(LinesFile(settings.home / FOLDER / FILE, process))
        handlers[1].setLevel(level)
        own.setLevel(min(terminal, level))
    for handler in handlers:
        handler.of_mnist_lab = True  # type: ignore[attr-defined]
        root.addHandler(handler)
    if root.level > terminal or root.level == logging.NOTSET:
        root.setLevel(terminal)
    for name, logger in logging.root.manager.loggerDict.items():
        # These print by themselves, and tell the root logger nothing.
        if isinstance(logger, logging.Logger) and not logger.propagate and name.startswith(("streamlit", "uvicorn")):
            logger.handlers = [each for each in logger.handlers if not isinstance(each, LinesFile)] + handlers[1:]
    _listen_to_failures()


class LinesFile(logging.Handler):
    """Appends one JSON object a line to a file that other processes append to as well.

    Each line is one write at the end of the file, so that lines never mix. Who finds the file full moves it aside,
    alone. What cannot be written is left out: no work stops for its log.

    Args:
        path: The file; its folder is made when the first line is written, the folder above it never.
        process: What this process is.
    """

    def __init__(self, path: Path, process: str) -> None:
        super().__init__()
        self.path, self.process = path, process

    def emit(self, record: logging.LogRecord) -> None:
        """Writes one line."""
        if not _is_own(record) and record.levelno < logging.WARNING:
            return
        try:
            line = json.dumps(entry(record, self.process), allow_nan=False).encode() + b"\n"
            self.path.parent.mkdir(exist_ok=True)
            with suppress(FileNotFoundError):
                if self.path.stat().st_size + len(line) > MAX_BYTES:
                    self._rotate()
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(descriptor, line)
            finally:
                os.close(descriptor)
        except (OSError, ValueError, TypeError):
            return

    def _rotate(self) -> None:
        with suppress(Timeout), FileLock(f"{self.path}.lock", timeout=LOCK_SECONDS):
            # Another process may have been here first.
            if self.path.stat().st_size > MAX_BYTES // 2:
                for number in range(FILES - 1, 0, -1):
                    older = self.path.with_name(f"{FILE}.{number - 1}") if number > 1 else self.path
                    with suppress(FileNotFoundError):
                        os.replace(older, self.path.with_name(f"{FILE}.{number}"))


def entry(record: logging.LogRecord, process: str) -> dict[str, Any]:
    """What is kept of a record, in the order in which it is read."""
    kept: dict[str, Any] = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": record.levelname,
        "process": process,
        "pid": record.process,
        "logger": record.name,
        "message": _message(record),
        "where": f"{_place(record.pathname)}:{record.lineno}",
    }
    if run := getattr(record, "run", None):
        kept["run"] = run
    if record.exc_info and record.exc_info[1] is not None:
        kept["error"] = _error(record.exc_info[1])
    return kept


def keep_short(path: Path) -> None:
    """Cuts a run's log, which its worker goes on appending to, to its end if it has grown too long."""
    with suppress(OSError):
        size = path.stat().st_size
        if size > MAX_RUN_BYTES:
            with path.open("rb+") as file:
                file.seek(-KEPT_RUN_BYTES, os.SEEK_END)
                tail = file.read()
                file.truncate(0)
            with path.open("ab") as file:
                file.write(b"[what stood before was cut off, as this log had grown too long]\n" + tail)


def _is_own(record: logging.LogRecord) -> bool:
    return record.name == OWN or record.name.startswith(f"{OWN}.")


def _message(record: logging.LogRecord) -> str:
    """The template, filled with what may be known. Others' texts without places to fill may be filled already."""
    if not record.args:
        return str(record.msg) if _is_own(record) and isinstance(record.msg, str) else ""
    arguments = record.args if isinstance(record.args, tuple) else (record.args,)
    try:
        return str(record.msg) % tuple(_safe(each) for each in arguments)
    except (TypeError, ValueError):
        return str(record.msg)


def _safe(value: object) -> object:
    if value is None or isinstance(value, (bool, int, float, Plain)):
        return value
    return Plain(_kind(value) if isinstance(value, BaseException) else "…")


def _kind(error: BaseException) -> str:
    """The kind of an error, those that caused it, and what the system calls it: ``"StoreError < OSError ENOSPC"``."""
    kinds: list[str] = []
    seen: BaseException | None = error
    while seen is not None and len(kinds) < 5:
        name = errno.errorcode.get(seen.errno or 0) if isinstance(seen, OSError) else None
        kinds.append(type(seen).__name__ + (f" {name}" if name else ""))
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return " < ".join(kinds)


def _error(error: BaseException) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)[-MAX_FRAMES:]
    return {
        "kind": _kind(error),
        "frames": [f"{_place(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames],
    }


def _place(path: str) -> str:
    """Where a file is within the program or a package, without the folders of this machine."""
    found = Path(path)
    if "site-packages" in found.parts:
        return "/".join(found.parts[len(found.parts) - found.parts[::-1].index("site-packages") :])
    return found.relative_to(_ROOT).as_posix() if found.is_relative_to(_ROOT) else found.name


def _listen_to_failures() -> None:
    """Notes what ends a thread or the process; whoever printed it before still does."""
    print_thread, print_failure = threading.excepthook, sys.excepthook
    if hasattr(print_thread, "of_mnist_lab"):
        return

    def thread_failed(what: threading.ExceptHookArgs) -> None:
        if what.exc_value is not None and not isinstance(what.exc_value, SystemExit):
            error = (what.exc_type, what.exc_value, what.exc_traceback)
            _log.critical("a thread ended by an error", exc_info=error, extra={"is_printed": True})
        print_thread(what)

    def failed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if not issubclass(kind, KeyboardInterrupt):
            _log.critical("the process ended by an error", exc_info=(kind, error, trace), extra={"is_printed": True})
        print_failure(kind, error, trace)

    thread_failed.of_mnist_lab = True  # type: ignore[attr-defined]
    threading.excepthook, sys.excepthook = thread_failed, failed

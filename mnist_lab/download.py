"""The one download of the data: Keras's own `mnist.npz`, into Keras's own place, given up after seconds."""

from __future__ import annotations

import logging
import os
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from mnist_lab.errors import DataError

# Keras's address and digest of the file (keras/src/datasets/mnist.py).
MNIST_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
MNIST_SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
DEADLINE = 10.0  # seconds for everything: name, connection, transfer
PAUSE_AFTER_FAILURE = 300.0  # seconds in which a failure is remembered and nothing is tried

_lock = threading.Lock()
_failure: tuple[float, DataError] | None = None


def keras_file() -> Path:
    """Returns where Keras keeps its `mnist.npz`; `KERAS_HOME` is respected. It need not exist."""
    home = os.environ.get("KERAS_HOME", "").strip()
    return (Path(home).expanduser() if home else Path.home() / ".keras") / "datasets" / "mnist.npz"


def remedy() -> str:
    """Returns what a person without MNIST can do."""
    return (
        f"Put Keras's mnist.npz into {keras_file().parent}, "
        "or set MNIST_LAB_DATA to a folder with the four MNIST files."
    )


def download_mnist(deadline_s: float = DEADLINE, force: bool = False) -> Path:
    """Downloads MNIST, unless it lies there already.

    It returns or raises within `deadline_s`, whatever the line does. After a failure nothing is tried for
    `PAUSE_AFTER_FAILURE` seconds: the same error is raised at once.

    Args:
        deadline_s: Seconds for the whole.
        force: Try even shortly after a failure.

    Returns:
        Path of the file, whose SHA-256 was found right.

    Raises:
        DataError: If it cannot be had.
    """
    global _failure
    end = time.monotonic() + deadline_s
    if not _lock.acquire(timeout=max(0.0, deadline_s)):
        raise _error("another download of it is going on")
    try:
        if _failure is not None and not force and time.monotonic() - _failure[0] < PAUSE_AFTER_FAILURE:
            raise DataError(_failure[1].message, _failure[1].remedy)
        try:
            file = _within(end)
        except DataError as error:
            _failure = (time.monotonic(), error)
            raise
        _failure = None
        return file
    finally:
        _lock.release()


def forget_failure() -> None:
    """Lets the next call try again."""
    global _failure
    _failure = None


def _within(end: float) -> Path:
    """Runs the transfer in a thread: not every wait, that for a name least of all, has a time limit of its own."""
    outcome: list[Path | Exception] = []

    def work() -> None:
        try:
            outcome.append(_transfer(end))
        except Exception as error:
            outcome.append(error)

    thread = threading.Thread(target=work, name="mnist-download", daemon=True)
    thread.start()
    thread.join(max(0.0, end - time.monotonic()))
    if not outcome:
        raise _error("no answer, or too slow a line")
    if isinstance(outcome[0], Exception):
        raise _error(_reason(outcome[0])) from outcome[0]
    return outcome[0]


def _transfer(end: float) -> Path:
    import pooch  # late: the first page does not need it

    def fetch(url: str, output_file: str, _: object) -> None:
        # pooch's own way has no limit for the whole, and leaves its connection open when it fails.
        left = max(0.1, end - time.monotonic())
        with urllib.request.urlopen(url, timeout=left) as answer, open(output_file, "wb") as stream:
            while piece := answer.read1(65536):
                if time.monotonic() > end:
                    raise TimeoutError("too slow a line")
                stream.write(piece)

    pooch.get_logger().setLevel(logging.WARNING)
    file = keras_file()
    return Path(pooch.retrieve(MNIST_URL, f"sha256:{MNIST_SHA256}", file.name, file.parent, downloader=fetch))


def _reason(error: Exception) -> str:
    if isinstance(error, ValueError) and "hash" in str(error):
        return "what came is not the file: its SHA-256 is wrong"
    if isinstance(error, PermissionError):
        return f"{keras_file().parent} cannot be written to"
    if isinstance(error, urllib.error.HTTPError):
        error.close()
        return f"the server answered {error.code}"
    if isinstance(error, urllib.error.URLError):
        return getattr(error.reason, "strerror", None) or str(error.reason)
    return str(error) or type(error).__name__


def _error(reason: str) -> DataError:
    return DataError(f"MNIST could not be downloaded ({reason}).", remedy())

"""The client of the inference process: one question at a time, each with a deadline."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import struct
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import ProcessError
from multiprocessing.connection import Client, Connection, answer_challenge, deliver_challenge
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from mnist_lab.errors import InferenceError
from mnist_lab.jobs.processes import WorkerProcess

START_SECONDS = 90.0
DEADLINE_SECONDS = 30.0
_LOOK_SECONDS = 0.25
_SOCKET = "mnist-lab-"

_log = logging.getLogger(__name__)


class InferenceClient:
    """Asks the inference process, starts it when needed and starts it anew when it died or does not answer.

    Args:
        task: ``"infer"``, or ``"both"`` for a process that also trains.
        may_end: Whether a process that does not answer, or is no longer wanted, may be ended now: it may have more in
            hand than answers.
    """

    def __init__(self, task: str = "infer", may_end: Callable[[WorkerProcess], bool] = lambda process: True) -> None:
        self._task, self._may_end = task, may_end
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._process: WorkerProcess | None = None
        self._connection: Connection | None = None

    def start(self) -> None:
        """Starts the process without waiting for it, so that the first question finds it warm."""
        threading.Thread(target=self._warm, name="warm-inference", daemon=True).start()

    def _warm(self) -> None:
        try:
            self.ask("ping")
        except InferenceError as error:
            if not self._closed.is_set():
                _log.warning("%s", error)

    @property
    def process(self) -> WorkerProcess | None:
        """The process that was started last, if it is still wanted."""
        return self._process

    @property
    def is_warm(self) -> bool:
        """Whether the process has answered before."""
        return self._connection is not None

    def predict(
        self, run_id: str, images: NDArray[np.uint8], deadline: float = DEADLINE_SECONDS
    ) -> NDArray[np.float32]:
        """Probabilities, float32 of shape ``(n, 10)``, for images, uint8 of shape ``(n, 28, 28)``.

        Raises:
            InferenceError: If there is no answer within `deadline` seconds, or the network cannot be loaded.
        """
        answer: NDArray[np.float32] = self.ask("predict", deadline, run_id=run_id, images=images)
        return answer

    def ask(self, question: str, deadline: float = DEADLINE_SECONDS, **arguments: Any) -> Any:
        """Asks any of the questions of `mnist_lab.keras_side.infer.Answers`.

        Raises:
            InferenceError: If there is no answer in time, or it is an error.
        """
        with self._lock:
            try:
                connection = self._connected()
                connection.send((question, arguments))
                self._wait(connection, deadline)
                kind, answer, *more = _received(connection)
            except (OSError, EOFError, ValueError, ProcessError) as error:
                self._drop()
                remedy = "It is being started anew; try again." if self._process is None else "Try again."
                raise InferenceError(f"The prediction process {_words(error)}.", remedy) from error
        if kind == "error":
            raise InferenceError(answer, *more)
        return answer

    def close(self) -> None:
        """Ends the process for good, whatever it has in hand; whoever waits for an answer gets an error."""
        self._closed.set()
        # Who asks has the lock, and may wait for the process to have imported.
        while not self._lock.acquire(timeout=0.1):
            self._end()
        try:
            self._end()
            self._drop()
        finally:
            self._lock.release()

    def _end(self) -> None:
        process = self._process
        if process is not None:
            process.end(1.0)

    def _wait(self, connection: Connection, seconds: float) -> None:
        """Waits for an answer. Looks are counted, not seconds: this process, or the machine, may sleep meanwhile.

        Raises:
            TimeoutError: If there is none in time.
        """
        for _ in range(max(1, round(seconds / _LOOK_SECONDS))):
            if self._closed.is_set():
                raise EOFError
            if connection.poll(min(_LOOK_SECONDS, seconds)):
                return
        raise TimeoutError

    def _spawn(self) -> None:
        self._key = secrets.token_bytes(32)
        if sys.platform == "win32":
            self._address = rf"\\.\pipe\mnist-lab-{uuid.uuid4().hex}"
        else:
            # A socket's path may have some hundred characters only: not in the user's folder, which may lie deep.
            folder = Path(tempfile.gettempdir())
            _sweep(folder)
            self._address = str(folder / f"{_SOCKET}{os.getpid()}-{uuid.uuid4().hex[:8]}")
        environment = {"MNIST_LAB_INFERENCE_KEY": self._key.hex()}
        self._process = WorkerProcess(self._task, ["--address", self._address], environment)

    def _connected(self) -> Connection:
        if self._closed.is_set():
            raise InferenceError("The program is being closed.")
        if self._process is None or self._process.exit_status is not None:
            self._drop()
            self._spawn()
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> Connection:
        assert self._process is not None
        limit = time.monotonic() + START_SECONDS
        while not self._closed.is_set():
            if self._process.exit_status is not None:
                _log.error("the inference process did not start:\n%s", self._process.output_tail())
                raise InferenceError("The prediction process did not start.", "See the server's log for the reason.")
            try:
                connection = Client(self._address)
                break
            except (FileNotFoundError, ConnectionRefusedError):
                if time.monotonic() > limit:
                    raise TimeoutError from None
                time.sleep(0.05)
        else:
            raise EOFError
        _limit_transfers(connection, START_SECONDS)
        # It listens from its start, and answers when it has imported.
        answer_challenge(connection, self._key)
        deliver_challenge(connection, self._key)
        _limit_transfers(connection, DEADLINE_SECONDS)
        connection.send(("ping", {}))
        self._wait(connection, START_SECONDS)
        _received(connection)
        return connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._process is not None and (self._process.exit_status is not None or self._may_end(self._process)):
            self._process.end(1.0)
            self._process = None
            if sys.platform != "win32":
                # A process that ended before it was connected could not remove its socket.
                Path(self._address).unlink(missing_ok=True)


def _received(connection: Connection) -> tuple[Any, ...]:
    """What the process said: its kind, and the answer, or the words of an error.

    Raises:
        ValueError: If it is no answer.
    """
    try:
        said = connection.recv()
    except (OSError, EOFError):
        raise
    except Exception as error:
        # Whatever unpickling makes of nonsense.
        raise ValueError("no answer") from error
    if not isinstance(said, tuple) or len(said) not in (2, 3) or said[0] not in ("answer", "error"):
        raise ValueError("no answer")
    return said


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError | BlockingIOError):
        return "gave no answer in time"
    return "gave an answer that cannot be read" if isinstance(error, ValueError) else "ended unexpectedly"


def _limit_transfers(connection: Connection, seconds: float) -> None:
    """Gives a question and an answer on their way a time limit too: a process that hangs empties no socket."""
    if sys.platform == "win32":
        return
    limit = struct.pack("ll", round(seconds), 0)
    with socket.socket(fileno=os.dup(connection.fileno())) as same:
        for option in (socket.SO_SNDTIMEO, socket.SO_RCVTIMEO):
            same.setsockopt(socket.SOL_SOCKET, option, limit)


def _sweep(folder: Path) -> None:
    """Removes the sockets of programs that were killed before anybody connected."""
    for path in folder.glob(f"{_SOCKET}*-*"):
        pid = path.name.removeprefix(_SOCKET).partition("-")[0]
        with suppress(OSError, OverflowError):
            if pid.isdigit() and not psutil.pid_exists(int(pid)) and path.is_socket():
                path.unlink()

"""The client of the inference process: one question at a time, each with a deadline."""

from __future__ import annotations

import logging
import os
import secrets
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_lab.errors import InferenceError
from mnist_lab.jobs.processes import WorkerProcess

START_SECONDS = 90.0
DEADLINE_SECONDS = 30.0

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
        self._process: WorkerProcess | None = None
        self._connection: Connection | None = None

    def start(self) -> None:
        """Starts the process without waiting for it, so that the first question finds it warm."""
        threading.Thread(target=self._warm, name="warm-inference", daemon=True).start()

    def _warm(self) -> None:
        try:
            self.ask("ping")
        except InferenceError as error:
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
                if not connection.poll(deadline):
                    raise TimeoutError
                kind, *answer = connection.recv()
            except (OSError, EOFError, TimeoutError) as error:
                self._drop()
                what = "gave no answer in time" if isinstance(error, TimeoutError) else "ended unexpectedly"
                remedy = "It is being started anew; try again." if self._process is None else "Try again."
                raise InferenceError(f"The prediction process {what}.", remedy) from error
        if kind == "error":
            raise InferenceError(*answer)
        return answer[0]

    def close(self) -> None:
        """Ends the process."""
        with self._lock:
            self._drop()

    def _spawn(self) -> None:
        self._key = secrets.token_bytes(32)
        if sys.platform == "win32":
            self._address = rf"\\.\pipe\mnist-lab-{uuid.uuid4().hex}"
        else:
            # A socket's path may have some hundred characters only: not in the user's folder, which may lie deep.
            self._address = str(Path(tempfile.gettempdir()) / f"mnist-lab-{os.getpid()}-{uuid.uuid4().hex[:8]}")
        environment = {"MNIST_LAB_INFERENCE_KEY": self._key.hex()}
        self._process = WorkerProcess(self._task, ["--address", self._address], environment)

    def _connected(self) -> Connection:
        if self._process is None or self._process.exit_status is not None:
            self._drop()
            self._spawn()
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> Connection:
        assert self._process is not None
        limit = time.monotonic() + START_SECONDS
        while True:
            if self._process.exit_status is not None:
                _log.error("the inference process did not start:\n%s", self._process.output_tail())
                raise InferenceError("The prediction process did not start.", "See the server's log for the reason.")
            try:
                connection = Client(self._address, authkey=self._key)
                break
            except (FileNotFoundError, ConnectionRefusedError):
                if time.monotonic() > limit:
                    raise TimeoutError from None
                time.sleep(0.05)
        connection.send(("ping", {}))
        if not connection.poll(max(1.0, limit - time.monotonic())):
            raise TimeoutError
        connection.recv()
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

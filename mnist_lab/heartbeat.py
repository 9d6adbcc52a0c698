"""The thread of a worker that talks with the store while the main thread trains.

The training loop must not wait for a disk at every batch: it leaves its figures here and reads a flag; four times a
second this thread writes the ones and refreshes the other. It is the one thread outside `mnist_lab.jobs`, since it
lives in the worker process. It also sees whether the main thread still moves.

A server is asked by the workers of a whole cluster. Each of them spends a small share of its time there, whatever it
takes: where the server is slow to answer, it is asked less often, so that what is asked of it stays what it can bear.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from mnist_lab.errors import StoreError
from mnist_lab.store import RunStore

PERIOD_SECONDS = 0.25
# Of a server's answers, the time between two reports is this many times as long as one takes; and at most so long,
# which is how long a stop may then wait. Who takes a silent worker for lost waits far longer.
PERIOD_FACTOR = 20.0
MOST_PERIOD_SECONDS = 5.0
# How much the last answer counts for what the next is thought to take.
_LAST_COUNTS = 0.3
# The curve within the epochs is as dense as reports come until it has so many points, four a second then 500 s; after
# that, points stand as far apart as this part of the time so far. A day has 12,000 of them in place of 346,000, and no
# screen is so wide.
DENSE_POINTS = 2_000
# A batch may take longer than a user waits for Stop; then the last epoch is kept in place of the batch.
PATIENCE_SECONDS = 1.4
# A main thread that has not moved for so long hangs: before its first batch, when it may download, compile or wait for
# a slow disk; and later, when it is also given so many times the longest that it ever took.
FIRST_SECONDS = 3600.0
HANG_SECONDS = 600.0
HANG_FACTOR = 20.0
# The process itself may have been held, or the machine have slept: a beat counts for no more than this.
MOST_PER_BEAT = 5.0

_log = logging.getLogger(__name__)


class Pace:
    """How often a worker asks a store for the same thing again.

    Args:
        store: The run store.
        local: Seconds between two questions to this machine's own store, always.
        server: The least seconds between two to a server.
        most: The most.
    """

    def __init__(
        self, store: RunStore, local: float, server: float | None = None, most: float = MOST_PERIOD_SECONDS
    ) -> None:
        self._is_on_a_server = store.is_on_a_server
        self._local, self._server, self._most = local, local if server is None else server, most
        self._answer_seconds = 0.0

    @property
    def seconds(self) -> float:
        """Between two questions, as the store answers now."""
        if not self._is_on_a_server:
            return self._local
        return min(self._most, max(self._server, PERIOD_FACTOR * self._answer_seconds))

    @property
    def pause(self) -> float:
        """The next time between two questions: workers that began together do not go on asking together."""
        return self.seconds * (random.uniform(0.8, 1.0) if self._is_on_a_server else 1.0)

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Around each question: what the answer takes decides of the next. One that fails took a while at least."""
        began = time.monotonic()
        try:
            yield
        except StoreError:
            self._took(max(time.monotonic() - began, self._answer_seconds, 2 * self._server / PERIOD_FACTOR))
            raise
        self._took(time.monotonic() - began)

    def _took(self, seconds: float) -> None:
        self._answer_seconds += _LAST_COUNTS * (seconds - self._answer_seconds)


class Heartbeat:
    """Reports a run's progress and fetches its command, four times a second.

    Args:
        store: The run store.
        run_id: The run.
        worker: Name of this worker.
        give_up: Called from the thread when a stop was asked for and the main thread did not turn to it in time.
        hung: Called from the thread, with the seconds, when the main thread has not moved for far too long.
    """

    def __init__(
        self,
        store: RunStore,
        run_id: str,
        worker: str,
        give_up: Callable[[], None] | None = None,
        hung: Callable[[float], None] | None = None,
    ) -> None:
        self._store, self._run_id, self._worker, self._give_up, self._hung = store, run_id, worker, give_up, hung
        self._still = 0.0
        self._longest = 0.0
        self._has_begun = False
        self._began = time.monotonic()
        self._pace = Pace(store, PERIOD_SECONDS)
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._points: list[dict[str, Any]] = []
        self._progress: dict[str, Any] = {"phase": "starting"}
        self._status = "running"
        self._done = threading.Event()
        self._stop_since: float | None = None
        self._thread = threading.Thread(target=self._loop, name="heartbeat", daemon=True)
        self.command = ""
        self.is_lost = False

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join(timeout=30)
        self._beat()

    @property
    def period(self) -> float:
        """Seconds between two reports, as the store answers now."""
        return self._pace.seconds

    @property
    def point_period(self) -> float:
        """Seconds between two points of the curve, ever more in a long training."""
        return max(self.period, (time.monotonic() - self._began) / DENSE_POINTS)

    def progress(self, **values: Any) -> None:
        """Replaces values of the progress that is shown (phase, epoch, step ...)."""
        self.moved()
        with self._lock:
            self._progress = {**self._progress, **values}

    def point(self, step: int, epoch: float, loss: float | None, accuracy: float | None) -> None:
        """Adds a point of the curve within the epoch."""
        with self._lock:
            self._points.append({"step": step, "epoch": epoch, "loss": loss, "accuracy": accuracy})

    def status(self, status: str) -> None:
        """Says whether the run is *running* or *paused*."""
        self.moved()
        with self._lock:
            self._status = status

    def flush(self) -> None:
        """Writes at once what has gathered; what the thread was writing is then written too."""
        self._beat()

    def attended(self) -> None:
        """Called by the main thread when it has turned to the stop: from then on it may take its time."""
        self._give_up = None

    def moved(self, *, by_a_batch: bool = False) -> None:
        """Called by the main thread whenever it gets on."""
        with self._lock:
            if by_a_batch or self._has_begun:
                self._has_begun = True
                self._longest = max(self._longest, self._still)
            self._still = 0.0

    def _loop(self) -> None:
        before = time.monotonic()
        while not self._done.wait(self._pace.pause):
            self._beat()
            now = time.monotonic()
            with self._lock:
                self._still += min(now - before, MOST_PER_BEAT)
                still = self._still
                limit = max(HANG_SECONDS, HANG_FACTOR * self._longest) if self._has_begun else FIRST_SECONDS
            before = now
            if self._hung is not None and still > limit:
                self._hung(still)
            if self.command == "stop" or self.is_lost:
                self._stop_since = self._stop_since or time.monotonic()
                if self._give_up is not None and time.monotonic() - self._stop_since > PATIENCE_SECONDS:
                    self._give_up()

    def _beat(self) -> None:
        # One at a time: what was handed over first is written first.
        with self._writing:
            with self._lock:
                points, self._points = self._points, []
                progress, status = self._progress, self._status
            try:
                with self._pace.asking():
                    command = self._store.report(self._run_id, self._worker, progress, points, status=status)
            except StoreError as error:
                # The disk may be full or the database away for a while: the training goes on, the points wait.
                _log.warning("progress was not written: %s", error, extra={"run": self._run_id})
                with self._lock:
                    self._points = points + self._points
                return
        if command is None:
            self.is_lost = True
        else:
            self.command = command

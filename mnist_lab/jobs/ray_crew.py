"""A crew on a Ray cluster: each run is a task there, with its CPUs and GPUs, and goes on elsewhere when its node dies.

What speaks with Ray is a process of its own, `mnist_lab.ray_driver`; this looks after that process. Ray is imported
there and on the nodes only.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from mnist_lab.errors import LabError
from mnist_lab.jobs.crew import Crew
from mnist_lab.jobs.local_crew import RETRY_SECONDS
from mnist_lab.jobs.lost import Watch, end_lost
from mnist_lab.jobs.processes import WorkerProcess, exit_words
from mnist_lab.jobs.putting_back import put_back
from mnist_lab.ray_names import STATE
from mnist_lab.store import Run, RunStore

# A driver tells the cluster that it goes, and ends one that it started. If that takes longer it is killed; Ray then
# finds out by itself.
CLOSE_SECONDS = 4.0
CONNECT_SECONDS = 120.0
_LOOK_SECONDS = 0.05

_log = logging.getLogger(__name__)


class RayCrew(Crew):
    """Tasks of a Ray cluster.

    Args:
        store: As in `Crew`, as are `owner` and `patient`.
        size: How many runs at once, at most. For how many of them the cluster has room is known some time after it was
            reached, and changes with its nodes: `size` says it, and 1 until then.
    """

    def __init__(self, store: RunStore, owner: str | None, size: int, *, patient: bool = True) -> None:
        super().__init__(store, owner, 1, patient=patient)
        self.watch = Watch()
        self._most = max(1, size)
        self._process: WorkerProcess | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._losses: Counter[str] = Counter()
        self._failures = 0
        self._not_before = 0.0
        self._began = 0.0
        self._is_closed = False

    @property
    def is_warm(self) -> bool:
        """Whether the driver is up; it may still be on its way to the cluster."""
        return self._process is not None and self._process.exit_status is None

    def tick(self) -> None:
        """See `Crew.tick`."""
        if self._process is not None:
            state = self._state()
            if self._process.exit_status is not None:
                self._bury(self._process, state)
            elif state.get("is_connected"):
                self._failures = 0
                self.size, self.problem = int(state.get("size", self.size)), state.get("problem")
            elif time.monotonic() - self._began > CONNECT_SECONDS:
                # Ray tries for many minutes where somebody listens who says nothing.
                self._process.kill()
        end_lost(self.store, watch=self.watch)
        may_start = self._process is None and not self._is_closed and time.monotonic() >= self._not_before
        if may_start and (self.keeps_warm or self.store.waiting_for(self.owner)):
            self._start()

    def finish(self, seconds: float) -> None:
        """See `Crew.finish`."""
        limit = time.monotonic() + seconds
        if self._process is not None:
            if self._in_hand(self._process) or self._state().get("is_connected"):
                self._process.leave()
            else:
                self._process.end(0.0)
        while self.is_warm and time.monotonic() < limit:
            time.sleep(_LOOK_SECONDS)
        self.close()

    def close(self) -> None:
        """See `Crew.close`."""
        self._is_closed = True
        process, self._process = self._process, None
        if process is None:
            return
        process.end(CLOSE_SECONDS)
        try:
            # It said so itself, unless it had to be killed.
            for run in self._in_hand(process):
                self.store.interrupt(run.worker or "")
        except LabError as error:
            _log.warning("%s", error)
        self._clear()

    def _start(self) -> None:
        # On some systems the folder for temporary files has a long name, and Ray makes sockets in this one.
        self._folder = tempfile.TemporaryDirectory(prefix="lab-ray-", ignore_cleanup_errors=True)
        arguments = ["--folder", self._folder.name, "--size", str(self._most)]
        arguments += [] if self.owner is None else ["--owner", self.owner]
        arguments += [] if self.patient else ["--impatient"]
        environment = {"RAY_USAGE_STATS_ENABLED": "0"}
        if not os.environ.get("RAY_ADDRESS", "").strip():
            # Whoever else is on this machine has no business in a cluster of the program's own. Ray would make a token
            # too, and leave it in the user's home, where it changes what other programs do.
            environment |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        self._began = time.monotonic()
        self._process = WorkerProcess("ray", arguments, environment, module="mnist_lab.ray_driver")

    def _state(self) -> dict[str, Any]:
        """What the driver said last."""
        try:
            state = json.loads((Path(self._folder.name) / STATE).read_text(encoding="utf-8")) if self._folder else {}
        except (OSError, ValueError):
            return {}
        return state if isinstance(state, dict) else {}

    def _in_hand(self, process: WorkerProcess) -> list[Run]:
        """The runs that tasks of a driver have."""
        return [run for run in self.store.active() if (run.worker or "").startswith(f"{process.name}-")]

    def _bury(self, process: WorkerProcess, state: dict[str, Any]) -> None:
        """Puts back what the tasks of a driver that is gone have in hand: Ray ends them, and the store tells them."""
        status = process.exit_status or 0
        words = exit_words(status, process.output_tail())
        for run in self._in_hand(process):
            put_back(self.store, run, "the process that speaks with the Ray cluster ended", self._losses)
        self._process = None
        self._clear()
        if not status:
            return
        _log.error("the process that speaks with Ray %s\n%s", words, process.output_tail())
        self._failures += 1
        self._not_before = time.monotonic() + RETRY_SECONDS[min(self._failures, len(RETRY_SECONDS)) - 1]
        if state.get("is_connected"):
            self.problem = f"The connection with the Ray cluster was lost: its process {words}."
        else:
            self.problem = state.get("problem") or f"The Ray cluster does not answer (what speaks with it {words})."
        if not self.patient and not state.get("is_connected"):
            queued = [run for run in self.store.runs(["queued"], owned=True) if run.owner == self.owner]
            for run in sorted(queued, key=lambda run: run.position)[:1]:
                self.store.end(run.id, "failed", reason=self.problem, among=("queued",))

    def _clear(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

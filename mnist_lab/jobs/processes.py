"""Starting worker processes, and what is said of one that has ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import uuid
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from mnist_lab.store import ACTIVE, RunStore

ROOT = Path(__file__).resolve().parent.parent.parent


class WorkerProcess:
    """A worker process of this machine.

    Args:
        task: ``"train"``, ``"infer"`` or ``"both"``.
        arguments: More arguments for `mnist_lab.worker`.
        environment: More environment variables.
        name: Under which it claims runs; a new one if empty.
    """

    def __init__(
        self,
        task: str,
        arguments: Sequence[str] = (),
        environment: dict[str, str] | None = None,
        name: str = "",
    ) -> None:
        self.name = name or f"{task}-{uuid.uuid4().hex[:12]}"
        # It lives as long as this object does; the system removes it with the last handle.
        self._output: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        weakref.finalize(self, self._output.close)
        command = [sys.executable, "-m", "mnist_lab.worker", task, "--name", self.name, "--parent", str(os.getpid())]
        path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        # A session of its own: Ctrl-C in the server's terminal reaches the server alone, which ends its worker itself.
        self._process = subprocess.Popen(
            [*command, *arguments],
            env={**os.environ, **(environment or {}), "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "2"},
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """None while it lives; negative for the signal that ended it."""
        return self._process.poll()

    def wait(self, timeout: float) -> int | None:
        """Waits for its end; None if it still lives after `timeout` seconds."""
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None

    def output_tail(self, lines: int = 20) -> str:
        """The last lines that it printed outside a run."""
        self._output.seek(0, os.SEEK_END)
        self._output.seek(max(0, self._output.tell() - 8000))
        return "\n".join(self._output.read().decode(errors="replace").strip().splitlines()[-lines:])

    def end(self, patience: float = 3.0) -> None:
        """Ends it: asks first, then insists."""
        if self.exit_status is None:
            self._process.terminate()
            if self.wait(patience) is None:
                self._process.kill()
                self._process.wait()


def exit_words(status: int) -> str:
    """An exit status in words."""
    if status >= 0:
        return f"ended with exit status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = str(-status)
    hint = "; the system does that when memory runs out" if name == "SIGKILL" else ""
    return f"was ended by signal {name}{hint}"


def end_failed(store: RunStore, run_id: str, status: int, tail: str, among: Sequence[str] = ACTIVE) -> None:
    """Ends a run whose process has ended before it, as *failed*, with what is known of why.

    Args:
        store: The run store.
        run_id: The run.
        status: The process's exit status.
        tail: What it printed last.
        among: Only a run of one of these statuses is ended.
    """
    reason = f"The training process {exit_words(status)}." + (f"\n{tail}" if tail else "")
    store.end(run_id, "failed", reason=reason, among=among)
    store.artefacts.sweep(run_id)

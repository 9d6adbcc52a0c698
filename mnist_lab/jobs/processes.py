"""Starting worker processes, and what is said of one that has ended."""

from __future__ import annotations

import logging
import os
import re
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

_log = logging.getLogger(__name__)

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

    def leave(self) -> None:
        """Asks it to end when it has done all that it has in hand; Windows has no word for that and just ends it."""
        if self.exit_status is None:
            if sys.platform == "win32":
                self._process.terminate()
            else:
                self._process.send_signal(signal.SIGUSR1)

    def ask_to_end(self) -> None:
        """Asks it to end at once; it does so in a moment, or hangs."""
        if self.exit_status is None:
            self._process.terminate()

    def kill(self) -> None:
        """Kills it, and does not wait for its end."""
        if self.exit_status is None:
            self._process.kill()

    def end(self, patience: float = 3.0) -> None:
        """Ends it: asks first, then insists."""
        if self.exit_status is None:
            self._process.terminate()
            if self.wait(patience) is None:
                self._process.kill()
                self._process.wait()


# What C++, Python, TensorFlow and the loader of libraries print when they get no more memory.
_MEMORY = re.compile(
    r"bad_alloc|MemoryError|out of memory|OOM when allocating|RESOURCE_?EXHAUSTED|cannot allocate memory|"
    r"failed to allocate|unable to allocate",
    re.IGNORECASE,
)


def exit_words(status: int, said: str = "") -> str:
    """An exit status in words.

    Args:
        status: Negative for the signal that ended the process.
        said: What it printed last, which may tell that memory ran out.
    """
    hint = "; memory ran out: use a smaller batch or a smaller network" if _MEMORY.search(said) else ""
    if status >= 0:
        return f"ended with exit status {status}{hint}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = str(-status)
    if name == "SIGKILL" and not hint:
        hint = "; the system does that when memory runs out"
    elif name in ("SIGABRT", "SIGBUS", "SIGSEGV") and not hint:
        # TensorFlow's kernels do not all look whether they got the memory that they asked for.
        hint = "; that happens when memory runs out, or by a fault of the engine"
    return f"was ended by signal {name}{hint}"


def end_failed(store: RunStore, run_id: str, status: int, tail: str, among: Sequence[str] = ACTIVE) -> None:
    """Ends a run whose process has ended before it, as *failed*, with how the process ended for a reason.

    Args:
        store: The run store.
        run_id: The run.
        status: The process's exit status.
        tail: What it printed last: for the log of this process only, as it has traces and paths.
        among: Only a run of one of these statuses is ended.
    """
    reason = f"The training process {exit_words(status, tail)}."
    if store.end(run_id, "failed", reason=reason, among=among) and tail:
        _log.warning("run %s: %s Its last words:\n%s", run_id[:8], reason, tail)
    store.artefacts.sweep(run_id)

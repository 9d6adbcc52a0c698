"""Worker processes that start at once: one process imports TensorFlow, which takes seconds, and forks them all."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.jobs.conftest import environment

# What is forked is a worker like any other, from its entry on. It has a session of its own, as real ones have.
PROGRAM = """\
import json, os, sys, time
from mnist_lab import heartbeat, worker
from mnist_lab.keras_side import infer, probe, train
print("ready", flush=True)
for line in sys.stdin:
    name, home, changes = json.loads(line)
    pid = os.fork()
    if pid == 0:
        os.setsid()
        os.environ["MNIST_LAB_HOME"] = home
        exec(changes)
        os._exit(worker.main(["train", "--own", "--name", name, "--parent", str(os.getppid())]))
    print(pid, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


class ForkedWorkers:
    """Starts workers for the runs that are queued for them by name, one at a time.

    Args:
        log: What they print outside their runs goes there.
    """

    def __init__(self, log: Path) -> None:
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM],
                env={**environment(log.parent), "TF_CPP_MIN_LOG_LEVEL": "2"},
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=output, text=True,
            )  # fmt: skip
        assert self._line() == "ready", log.read_text()

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def start(self, name: str, home: Path, changes: str = "") -> int:
        """Starts a worker.

        Args:
            name: Whose runs it takes.
            home: The home of the program.
            changes: Python that it runs first, to be made impatient or sick.

        Returns:
            Its process id.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([name, str(home), changes]) + "\n")
        self._process.stdin.flush()
        return int(self._line())

    def wait(self) -> int:
        """Waits for the end of that worker; returns its exit status, negative for a signal."""
        return int(self._line())

    def close(self) -> None:
        """Ends the process that forks."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()

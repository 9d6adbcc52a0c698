"""What trainings would run on, asked in a process of its own: no other imports Keras."""

from __future__ import annotations

import os
import subprocess
import sys

from mnist_lab.jobs.processes import ROOT

SECONDS = 120.0
_ASK = "from mnist_lab.keras_side.backend import BACKEND\nprint('device', BACKEND.device_name())"


def device_words(backend: str, seconds: float = SECONDS) -> tuple[str, str]:
    """The device in words, and why it cannot be told; one of the two is empty.

    Args:
        backend: Keras's backend.
        seconds: How long to wait: TensorFlow takes its time to be imported.
    """
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    try:
        asked = subprocess.run(
            [sys.executable, "-c", _ASK],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "", f"it gave no answer within {seconds:.0f} seconds"
    except OSError as error:
        return "", f"no process can be started ({error.strerror or error})"
    for line in asked.stdout.splitlines():
        if line.startswith("device "):
            return line.removeprefix("device ").strip() or "an unknown device", ""
    last = (asked.stderr.strip().splitlines() or [f"it ended with exit status {asked.returncode}"])[-1]
    return "", last[:300].rstrip(".")

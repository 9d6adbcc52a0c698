"""Processes that work on a store and may be killed at any moment, forked from one that has imported all they need.

``python -m tests.torture.store_children`` reads lines of JSON, ``{"do": NAME, ...}``, forks for each, and answers with
the process id; ``{"wait": PID}`` answers with its exit status, negative for a signal.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import pwd
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from mnist_lab import cli
from mnist_lab.architecture import Architecture
from mnist_lab.errors import LabError
from mnist_lab.layers import Dense, Flatten
from mnist_lab.store import RunStore
from mnist_lab.store.artefacts import CHECKPOINT, MODEL
from mnist_lab.store.database import open_engine
from mnist_lab.training_config import TrainingConfig

ROOT = Path(__file__).resolve().parents[2]
NETWORK = Architecture((Flatten(), Dense(10, "softmax")))
CONFIG = TrainingConfig(dataset="digits", epochs=1000)


def opened(url: str, home: str) -> RunStore:
    return RunStore(open_engine(url), Path(home))


def open_it(url: str, home: str) -> None:
    """Opens a store, and by that migrates or makes it."""
    opened(url, home).close()


def create_one(url: str, home: str, at: float) -> None:
    """Comes to a store at a time at which others come too, and makes a run."""
    time.sleep(max(0.0, at - time.time()))
    opened(url, home).create(NETWORK, CONFIG)


def checkpoint(epoch: int) -> bytes:
    """A file of which one can see whether it is whole, and of which epoch."""
    return f"{epoch:08d}".encode() * (2000 + epoch % 7)


def train(url: str, home: str, worker: str, epochs: int) -> None:
    """Does what a worker does to a store, as fast as it goes: run after run, epoch after epoch, file before row."""
    store = opened(url, home)
    while True:
        run = store.create(NETWORK, CONFIG, owner=worker)
        store.claim(worker, os.getpid(), own=True)
        for epoch in range(1, epochs + 1):
            points = [{"step": epoch, "epoch": epoch - 0.5, "loss": 1.0, "accuracy": 0.5}]
            store.report(run.id, worker, {"phase": "training", "epoch": epoch}, points)
            with store.artefacts.writing(run.id, CHECKPOINT) as path:
                path.write_bytes(checkpoint(epoch))
            store.add_epoch(run.id, {"epoch": epoch, "loss": 1.0 / epoch}, best_epoch=epoch)
        with store.artefacts.writing(run.id, MODEL) as path:
            path.write_bytes(checkpoint(epochs))
        store.end(run.id, "finished", worker=worker)
        store.artefacts.remove(run.id, CHECKPOINT)


def say(home: str, scratch: str, commands: list[list[str]], answers: str) -> None:
    """Gives commands as a user to whom nothing belongs: root would be let in everywhere.

    Args:
        home: The home of the runs.
        scratch: Another, in which the same is done before as root: what is imported late must be there by then.
        commands: Their words.
        answers: A file for what they said.
    """
    os.environ["MNIST_LAB_HOME"] = scratch
    _say(commands)
    with Path(answers).open("w") as file:
        nobody = pwd.getpwnam("nobody")
        os.setgroups([])
        os.setresgid(nobody.pw_gid, nobody.pw_gid, nobody.pw_gid)
        os.setresuid(nobody.pw_uid, nobody.pw_uid, nobody.pw_uid)
        os.environ.update(MNIST_LAB_HOME=home, KERAS_HOME="/nonexistent", HOME="/nonexistent")
        json.dump(_say(commands), file)


def _say(commands: list[list[str]]) -> list[tuple[list[str], int, str, str]]:
    said = []
    for words in commands:
        out, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
            status = cli.main(words)
        said.append((words, status, out.getvalue(), errors.getvalue()))
    return said


JOBS = {"open": open_it, "create": create_one, "train": train, "say": say}


class Children:
    """The parent of such processes, as a test sees it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.torture.store_children"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.ask({"wait": 0})

    def ask(self, question: dict[str, Any]) -> int:
        """Asks, and waits for the answer."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def start(self, do: str, **arguments: Any) -> int:
        """Starts one; returns its process id."""
        return self.ask({"do": do, **arguments})

    def wait(self, pid: int) -> int:
        """Waits for the end of one; returns its exit status, negative for a signal."""
        return self.ask({"wait": pid})

    def close(self) -> None:
        """Ends the parent; all children must have been waited for."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)
        assert self._process.stdout is not None
        self._process.stdout.close()


def main() -> None:
    """Reads what is asked for, and forks."""
    for line in sys.stdin:
        question = json.loads(line)
        if "wait" in question:
            status = os.waitpid(question["wait"], 0)[1] if question["wait"] else 0
            print(os.waitstatus_to_exitcode(status), flush=True)
            continue
        pid = os.fork()
        if pid:
            print(pid, flush=True)
            continue
        code = 1
        try:
            JOBS[question.pop("do")](**question)
            code = 0
        except LabError as error:
            print(error, file=sys.stderr)
            code = 3
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)


if __name__ == "__main__":
    main()

"""What is forked to work on a store and may be killed at any moment: without TensorFlow, which it does not need."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pwd
import time
from pathlib import Path

from mnist_lab import cli
from mnist_lab.architecture import Architecture
from mnist_lab.layers import Dense, Flatten
from mnist_lab.store import RunStore
from mnist_lab.store.artefacts import CHECKPOINT, MODEL
from mnist_lab.store.database import open_engine
from mnist_lab.training_config import TrainingConfig

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
    """Does what a worker does to a store, fifty times a second: run after run, epoch after epoch, file before row."""
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
            # A store that grows while it is copied would be another with each backup.
            time.sleep(0.02)
        with store.artefacts.writing(run.id, MODEL) as path:
            path.write_bytes(checkpoint(epochs))
        store.end(run.id, "finished", worker=worker)
        store.artefacts.remove(run.id, CHECKPOINT)


def take_turns(url: str, home: str) -> None:
    """Takes what comes and ends it, until it is killed."""
    store = opened(url, home)
    while True:
        run = store.claim(f"w{os.getpid()}", os.getpid())
        if run is None:
            time.sleep(0.01)
            continue
        time.sleep(0.03)
        store.end(run.id, "finished", worker=f"w{os.getpid()}")


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

"""What the zygote's children do; imported by it, with all that takes long to import."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil

from mnist_lab import datasets, exchange, heartbeat, worker
from mnist_lab.jobs import JobManager, inference, local_crew, manager, processes
from mnist_lab.jobs.lost import Watch
from mnist_lab.keras_side import evaluate, infer, probe, train, weights  # noqa: F401
from mnist_lab.store import RunStore, open_store
from tests.jobs.conftest import FAST, SMALL, crew_of
from tests.torture.phases import PHASES, Phase
from tests.torture.zygote import Child, show_command

# Of what each would read again.
datasets.load("digits")
gc.collect()
gc.freeze()

STEP = "step"  # the file that tells by how much the time of day is wrong


def settle(home: str, environment: dict[str, str] | None = None) -> None:
    """Makes the store in `home` this process's."""
    for name in [name for name in os.environ if name.startswith("MNIST_LAB_")]:
        del os.environ[name]
    os.environ.update({"MNIST_LAB_HOME": home, **(environment or {})})


def app(home: str, address: str, silent: float = 60.0, most_per_look: float = 1.0) -> None:
    """The server, as far as trainings go: its manager, whose workers are forked."""
    settle(home)
    show_command(["python", "-m", "streamlit", "run", "app.py"])
    _step_the_clock(home)

    class Forked(Child):
        def __init__(self, command: list[str], env: dict[str, str], stdout: Any, **_: Any) -> None:
            words = command[command.index("mnist_lab.worker") + 1 :]
            super().__init__(address, "work", {"home": home, "words": words}, stdout.fileno())

    stand_in = SimpleNamespace(**{**vars(subprocess), "Popen": Forked})
    processes.subprocess = stand_in  # type: ignore[assignment]
    manager.START_DELAY_SECONDS = 0.0
    local_crew.RETRY_SECONDS = (0.05,)
    inference.InferenceClient.start = lambda self: None  # type: ignore[method-assign]
    JobManager.fetch_data = lambda self, again=False: None  # type: ignore[method-assign,misc]
    made = JobManager(open_store(), autostart=False)
    crew_of(made).watch = Watch(silent, most_per_look)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    made.start()
    while not ended.wait(0.1):
        pass
    made.close()


def work(home: str, words: list[str]) -> int:
    """A worker: its real entry, which notes what it is doing."""
    settle(home)
    show_command(["python", "-m", "mnist_lab.worker", *words])
    _step_the_clock(home)
    phase = Phase(Path(home) / PHASES)
    phase.set("starting")
    # Its parent is the zygote.
    worker._is_orphan = lambda parent: not _is_alive(parent)  # type: ignore[assignment]
    progress = heartbeat.Heartbeat.progress

    def noted(self: heartbeat.Heartbeat, **values: Any) -> None:
        if "phase" in values:
            phase.set(values["phase"])
            if values["phase"] == "training":
                # The one waits as a long step of an engine does, which no signal breaks off; the other with Python's
                # lock in hand besides: no thread of this process does anything any more.
                for trouble, library in (("busy", ctypes.CDLL(None)), ("hang", ctypes.PyDLL(None))):
                    if (Path(home) / f"{trouble}-{self._run_id}").exists():
                        mutex = ctypes.create_string_buffer(128)
                        library.pthread_mutex_lock(mutex)
                        library.pthread_mutex_lock(mutex)
        progress(self, **values)

    heartbeat.Heartbeat.progress = noted  # type: ignore[method-assign]
    save, add_epoch = weights.save, RunStore.add_epoch

    def saved(*arguments: Any, **more: Any) -> None:
        with phase.within("saving"):
            save(*arguments, **more)

    def added(*arguments: Any, **more: Any) -> None:
        with phase.within("saving"):
            add_epoch(*arguments, **more)

    weights.save = saved
    RunStore.add_epoch = added  # type: ignore[method-assign]
    return worker.main(words)


def make(home: str) -> None:
    """Makes a store, and a run with a file in it."""
    settle(home)
    phase = Phase(Path(home + ".phases"))
    phase.set("creating the store")
    store = open_store()
    phase.set("creating a run")
    store.create(SMALL, FAST, files={"digits.npz": b"digits" * 1000})
    phase.set("done")


def bring(home: str, archive: str) -> None:
    """Brings a run in; the network is asked in this process."""
    settle(home)
    phase = Phase(Path(home + ".phases"))
    phase.set("importing")
    store = open_store()
    answers = infer.Answers(store)

    def ask(question: str, deadline: float, **arguments: Any) -> Any:
        return getattr(answers, question)(**arguments)

    content = Path(archive).read_bytes()
    adopt = store.adopt

    def adopted(*arguments: Any) -> Any:
        phase.set("writing an imported run")
        run = adopt(*arguments)
        phase.set("done")
        return run

    store.adopt = adopted  # type: ignore[method-assign]
    exchange.bring_in(store, content, ask)


def export(home: str, run_id: str, archive: str) -> None:
    """Writes a run's archive."""
    settle(home)
    store = open_store()
    answers = infer.Answers(store)
    source = exchange.Source(store, store.get(run_id), lambda q, deadline=0.0, **more: getattr(answers, q)(**more))
    Path(archive).write_bytes(exchange.FORMS["zip"].make(source))


def _is_alive(pid: int) -> bool:
    with suppress(psutil.Error):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def _step_the_clock(home: str) -> None:
    """From now on the time of day is wrong by what a file says, which may change."""
    path = Path(home) / STEP
    if not path.exists():
        return
    real = time.time
    time.time = lambda: real() + float(path.read_text())

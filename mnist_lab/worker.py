"""Entry of a worker process: ``python -m mnist_lab.worker train``, ``infer`` or ``both``.

Keras is imported here and in no other process. A trainer takes queued runs from the store, one after the other; an
inference server answers on a local socket; one that does both answers beside its trainings. All end when the process
that started them is gone; a trainer first ends what it has in hand. Asked to end (SIGTERM) it ends at once, and what it
has in hand is *interrupted*.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from typing import Any

from mnist_lab import datasets, logs, niceness, public
from mnist_lab.errors import LabError
from mnist_lab.heartbeat import Pace
from mnist_lab.settings import read_settings
from mnist_lab.store import Run, RunStore, open_store

POLL_SECONDS = 0.1
# On a server, which the idle workers of a whole cluster ask.
SERVER_POLL_SECONDS = 1.0
# TensorFlow's memory grows a little with each network; a fresh process is warmed up in the background after this many.
RUNS_PER_PROCESS = 25
LOG_SECONDS = 2.0  # between two looks at how long a run's log has become
SEND_SECONDS = 30.0  # between two sendings of it, where others read it elsewhere

# Questions are answered one at a time, and none while Keras forgets what it knew of a training.
_answering = threading.Lock()
_log = logging.getLogger("mnist_lab.worker")  # it is run as __main__


def main(arguments: list[str] | None = None) -> int:
    """Runs a worker until it is no longer wanted; returns the exit status."""
    parser = argparse.ArgumentParser(prog="mnist_lab.worker")
    parser.add_argument("task", choices=("train", "infer", "both"))
    parser.add_argument("--name", required=True)
    parser.add_argument("--parent", type=int, required=True, help="process id of the one who started this")
    parser.add_argument("--own", action="store_true", help="train the runs queued for this name only, then end")
    parser.add_argument("--owner", help="train the runs queued for this owner only, as others may do too")
    parser.add_argument("--threads", type=int, help="compute in so many, where others share the machine")
    parser.add_argument("--gpu-memory", type=int, metavar="MIB", help="take so much, where others share the GPU")
    parser.add_argument("--address", help="socket of the inference server")
    options = parser.parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    logs.set_up(options.task, logging.INFO, "%(asctime)s %(name)s: %(message)s")
    _log.info("the worker has started")
    try:
        # Keras would also go by a file in the user's home, of which nobody may think.
        os.environ["KERAS_BACKEND"] = read_settings().backend
        if options.threads is not None:
            # OpenMP's and those of numerical libraries are counted when these are loaded.
            os.environ["OMP_NUM_THREADS"] = str(options.threads)
        store = open_store(kept=1)
    except LabError as error:
        print(error, file=sys.stderr)
        return 2
    if options.task == "infer":
        return _infer(store, options.address, options.parent)
    if options.task == "both":
        return _both(store, options)
    return _train(store, options)


def _is_orphan(parent: int) -> bool:
    return os.getppid() != parent


def _train(store: RunStore, options: argparse.Namespace, beside: Callable[[], None] = lambda: None) -> int:
    """Trains until it is no longer wanted; `beside` is called once, when the device has been taken."""
    get_ready(options.threads, options.gpu_memory)
    from mnist_lab.forecast import probe_key, read_probe
    from mnist_lab.keras_side import probe
    from mnist_lab.keras_side.backend import BACKEND

    name, parent, own = options.name, options.parent, options.own
    beside()
    done = 0
    pace = Pace(store, POLL_SECONDS, SERVER_POLL_SECONDS)
    leaving = _end_when_asked(store, name)

    def is_unwanted() -> bool:
        return leaving.is_set() or _is_orphan(parent)

    def next_run() -> Run | None:
        # What waits is for the next program's trainer: two at once would take each other's time.
        if is_unwanted():
            return None
        with pace.asking():
            return store.claim(name, os.getpid(), own=own, owner=options.owner)

    # Whoever has queued runs of their own waits for these, and for nothing else.
    for_all = not own and options.owner is None
    run = next_run()
    if run is None and not own:
        with BACKEND.device():
            probe.warm_up()
        # The first training finds its images read. Without any, or with damaged ones, it says so itself.
        with suppress(LabError):
            datasets.load()
    measured = not for_all or read_probe(store.note(probe_key(store.host))) is not None
    while True:
        if run is None and is_unwanted():
            return 0
        run = run or next_run()
        if run is not None:
            is_sound = train_one(store, run, name)
            run = None
            done += 1
            if done >= RUNS_PER_PROCESS or not is_sound:
                return 0
        elif own:
            return 0
        elif not measured:
            with BACKEND.device():
                found = probe.measure(lambda: not store.waiting())
            if found is not None:
                store.note(probe_key(store.host), found.to_dict())
            measured = found is not None
        else:
            time.sleep(pace.pause)


def get_ready(threads: int | None = None, gpu_memory: int | None = None) -> None:
    """Makes this process one that trains: imports Keras, and takes the device or its share of it.

    Args:
        threads: In how many threads to compute; None for as many as there are cores.
        gpu_memory: MiB of the GPU's memory that may be taken; None to take it as it is needed.
    """
    niceness.be_nice()
    from mnist_lab.keras_side.backend import BACKEND

    BACKEND.take_threads(threads)
    BACKEND.take_gpu(gpu_memory)
    if read_settings().all_devices:
        BACKEND.take_all_devices()


def train_one(store: RunStore, run: Run, name: str) -> bool:
    """Trains a claimed run in this process, which is ready, and leaves it as it was.

    Args:
        store: The run store.
        run: The run.
        name: Under which it was claimed.

    Returns:
        Whether this process may go on; see `train.execute`.
    """
    from mnist_lab.keras_side import train

    with _log_into(store, run):
        is_sound = train.execute(store, run, name)
    with suppress(LabError):
        _log.info("a run has ended: %s", logs.plain(store.get(run.id).status), extra={"run": run.id})
    niceness.come_forward()
    with _answering:
        train.keras.backend.clear_session()
    return is_sound


def _end_when_asked(store: RunStore, name: str) -> threading.Event:
    """From now on SIGTERM ends the process at once, and what it has in hand as *interrupted*, to be resumed.

    All that a training goes on from is on the disk already, so that nothing need be waited for; a batch may be long.
    Before, while it imports, the signal ends it by itself. Windows knows no such signal: there a worker is just ended.

    Returns:
        What SIGUSR1 sets: that the process is to end when it has done what it has in hand.
    """
    leaving = threading.Event()
    if sys.platform == "win32":
        return leaving
    asked, heard = os.pipe()
    os.set_blocking(heard, False)
    # The handler of Python's would wait for the main thread, which may be in a long step of its engine.
    signal.set_wakeup_fd(heard)
    for number in (signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, lambda *_: None)

    def wait() -> None:
        while (number := os.read(asked, 1)) != bytes([signal.SIGTERM]):
            if number == bytes([signal.SIGUSR1]):
                leaving.set()
        try:
            store.interrupt(name)
        except LabError as error:
            _log.warning("%s", error)
        os._exit(0)

    threading.Thread(target=wait, name="end-when-asked", daemon=True).start()
    return leaving


class _log_into:
    """Sends all that the process prints, also from C++, into a run's log, if it can be written and within bounds."""

    def __init__(self, store: RunStore, run: Run) -> None:
        self._files, self._run = store.artefacts, run.id
        self._path: Path | None = None
        self._done = threading.Event()

    def __enter__(self) -> None:
        self._kept = os.dup(1), os.dup(2)
        try:
            self._path = self._files.log(self._run)
            with self._path.open("ab") as file:
                os.dup2(file.fileno(), 1)
                os.dup2(file.fileno(), 2)
        except OSError as error:
            _log.warning("the log cannot be written: %s", error)
        self._keeper = threading.Thread(target=self._keep, name="log-keeper", daemon=True)
        self._keeper.start()

    def _keep(self) -> None:
        """Keeps it short, and where others can read it; one that has not grown is not sent again."""
        sent, due = 0.0, time.monotonic() + SEND_SECONDS
        while not self._done.wait(LOG_SECONDS):
            if self._path is None:
                continue
            logs.keep_short(self._path)
            with suppress(OSError):
                if time.monotonic() > due and (changed := self._path.stat().st_mtime) != sent:
                    self._files.send_log(self._run, self._path)
                    sent, due = changed, time.monotonic() + SEND_SECONDS

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._keeper.join()
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):
                stream.flush()
        for kept, descriptor in zip(self._kept, (1, 2), strict=True):
            os.dup2(kept, descriptor)
            os.close(kept)
        if self._path is not None:
            logs.keep_short(self._path)
            self._files.send_log(self._run, self._path, is_over=True)


def _infer(store: RunStore, address: str, parent: int) -> int:
    # Inference stays on the CPU, so that it never waits for a training on the GPU nor takes its memory.
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    with _listener(address) as listener:
        from mnist_lab.keras_side.infer import Answers

        if _is_orphan(parent):
            # Whoever was to connect is gone, and nobody else ever will.
            return 0
        connection = listener.accept()
    # The listener has closed and its file is gone: whatever ends this process leaves nothing lying about.
    _serve_one(Answers(store), connection, parent)
    return 0


def _listener(address: str) -> Listener:
    return Listener(address, authkey=bytes.fromhex(os.environ.pop("MNIST_LAB_INFERENCE_KEY", "")))


def _both(store: RunStore, options: argparse.Namespace) -> int:
    with _listener(options.address) as listener:
        from mnist_lab.keras_side.infer import Answers

        def beside() -> None:
            answers = Answers(store)
            threading.Thread(target=_serve_all, args=(answers, listener, options.parent), daemon=True).start()

        return _train(store, options, beside)


def _serve_all(answers: Any, listener: Listener, parent: int) -> None:
    """Serves whoever connects: one who waited in vain comes again, as this process is not ended for one answer."""
    while True:
        try:
            connection = listener.accept()
        except (AuthenticationError, EOFError, ConnectionError):
            continue
        threading.Thread(target=_serve_one, args=(answers, connection, parent), daemon=True).start()


def _serve_one(answers: Any, connection: Connection, parent: int) -> None:
    with connection:
        _serve(answers, connection, parent)


def _serve(answers: Any, connection: Connection, parent: int) -> None:
    while True:
        while not connection.poll(1.0):
            if _is_orphan(parent):
                return
        try:
            question, arguments = connection.recv()
        except EOFError:
            return
        try:
            if question.startswith("_"):
                raise AttributeError(question)
            with _answering:
                said: tuple[Any, ...] = "answer", getattr(answers, question)(**arguments)
        except LabError as error:
            said = "error", error.message, error.remedy
        except Exception as error:
            _log.error("%s", traceback.format_exc())
            first = public.without_paths((str(error).strip().splitlines() or [""])[0])
            said = "error", f"{type(error).__name__}: {first:.300}", "See the server's log."
        try:
            connection.send(said)
        except OSError:
            # Nobody waits for it any more.
            return


if __name__ == "__main__":
    sys.exit(main())

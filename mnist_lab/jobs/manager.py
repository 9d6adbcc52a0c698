"""The background thread that keeps the trainings of this machine going.

It keeps one warm trainer process, which takes queued runs from the store by itself; it starts another when one has
ended, and ends the runs whose process is gone or hangs. With the program the worker ends too.
"""

from __future__ import annotations

import atexit
import logging
import signal
import threading
import time
from functools import cache

from mnist_lab import datasets, forecast, starter
from mnist_lab.architecture import Architecture
from mnist_lab.download import download_mnist
from mnist_lab.errors import LabError
from mnist_lab.jobs.alone import release_lost
from mnist_lab.jobs.inference import InferenceClient
from mnist_lab.jobs.lost import Watch, end_lost
from mnist_lab.jobs.processes import WorkerProcess, end_failed, exit_words
from mnist_lab.jobs.queueing import resume, submit
from mnist_lab.jobs.sign_of_life import SignOfLife, sweep
from mnist_lab.settings import read_settings
from mnist_lab.store import Run, RunStore, open_store
from mnist_lab.training_config import TrainingConfig

TICK_SECONDS = 0.25
# The first page is drawn before the engines take the cores for their start.
START_DELAY_SECONDS = 1.5
TRAINER_DELAY_SECONDS = 20.0
# A worker that does not end by itself within this is killed.
CLOSE_SECONDS = 2.0
# A trainer that fails to start is tried again, ever more rarely.
RETRY_SECONDS = (1.0, 5.0, 30.0, 120.0)

_log = logging.getLogger(__name__)


class JobManager:
    """Queues trainings, keeps a warm worker for them and watches over what it does.

    Args:
        store: The run store.
        autostart: Whether to start the trainer and the inference process soon; tests start them when they want.
        one_worker: Whether one process is both.

    Attributes:
        problem: Why no training can start at present, or None.
        data_words: How the download of MNIST is getting on, where it is not on this machine.
    """

    def __init__(self, store: RunStore, *, autostart: bool = True, one_worker: bool = False) -> None:
        self.store = store
        self._one_worker = one_worker
        self.inference = InferenceClient("both", self._is_idle) if one_worker else InferenceClient()
        self._worker: WorkerProcess | None = None
        self._buried: WorkerProcess | None = None
        self._watch = Watch()
        self._failures = 0
        self._not_before = time.monotonic() + START_DELAY_SECONDS
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="job-manager", daemon=True)
        self.problem: str | None = None
        self.data_words = ""
        if autostart:
            self.start()

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    @property
    def is_warm(self) -> bool:
        """Whether a trainer process is up; it may still be importing."""
        return self._worker is not None and self._worker.exit_status is None

    def submit(
        self,
        architecture: Architecture,
        training: TrainingConfig,
        *,
        name: str = "",
        notes: str = "",
        preset: str | None = None,
        images: int = forecast.ALL_IMAGES,
        person: str | None = None,
    ) -> Run:
        """Queues a training; it starts when the worker is free and its person's turn has come.

        Raises:
            ArchitectureError: If the network is impossible.
            TooLargeError: If it would not fit into memory.
            LimitError: If one person may not ask for so much, or for so many at once.
        """
        return submit(
            self.store, architecture, training, name=name, notes=notes, preset=preset, images=images, person=person
        )

    def stop(self, run_id: str) -> None:
        """Stops a training, which keeps what it has learnt; or takes it out of the queue."""
        self.store.command(run_id, "stop")

    def pause(self, run_id: str) -> None:
        """Holds a training after its current batch."""
        self.store.command(run_id, "pause")

    def resume(self, run_id: str, *, person: str | None = None) -> None:
        """Lets a paused training go on; queues a stopped, interrupted or failed one to go on from its last epoch."""
        run = self.store.get(run_id)
        if run.is_active:
            self.store.command(run_id, "")
        else:
            resume(self.store, run, person=person)

    def close(self) -> None:
        """Ends the thread and this program's processes, in seconds; a training under way becomes *interrupted*."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(timeout=1.0)
        worker = self._worker or (self.inference.process if self._one_worker else None)
        self.inference.close()
        if worker is None:
            return
        worker.end(CLOSE_SECONDS)
        try:
            # It said so itself, unless it had to be killed.
            self.store.interrupt(worker.name)
        except LabError as error:
            _log.warning("%s", error)

    def fetch_data(self, *, again: bool = False) -> None:
        """Downloads MNIST in a thread, if no data but the embedded digits are here; pages never wait for it.

        Args:
            again: Try even shortly after a failure.
        """
        threading.Thread(target=self._fetch_data, args=(again,), name="fetch-data", daemon=True).start()

    def _fetch_data(self, again: bool) -> None:
        try:
            if datasets.load("auto").name == "digits":
                self.data_words = "MNIST is being downloaded."
                download_mnist(force=again)
            self.data_words = ""
        except LabError as error:
            self.data_words = str(error)
        except RuntimeError:
            # A program that is being closed lets no library import any more, some moments before its main thread ends.
            threading.main_thread().join(CLOSE_SECONDS)
            if threading.main_thread().is_alive():
                raise

    def _is_idle(self, worker: WorkerProcess) -> bool:
        try:
            return not any(run.worker == worker.name for run in self.store.active())
        except LabError:
            # Nobody knows; an idle one ends by itself when its parent is gone.
            return False

    def _loop(self) -> None:
        warmed_at: float | None = None
        sweep(self.store.artefacts.root)
        sign = SignOfLife(self.store.artefacts.root)
        while not self._ended.wait(TICK_SECONDS):
            try:
                self._bury()
                if time.monotonic() >= self._not_before and self._worker is None:
                    if warmed_at is None:
                        warmed_at = time.monotonic()
                        self.inference.start()
                        self.fetch_data()
                        # Shipped models would be registered anew at the next start, and be back undeleted.
                        self.store.purge(keep=starter.IDS)
                        self.store.sweep()
                    # Both engines at once would leave the first page no processor; a queued training does not wait.
                    late = time.monotonic() - warmed_at > TRAINER_DELAY_SECONDS
                    if self._one_worker:
                        self._worker = self._both()
                    elif self.inference.is_warm or late or self.store.waiting():
                        self._worker = WorkerProcess("train")
            except (LabError, OSError) as error:
                # The database may be away for a while; the thread must outlive that.
                self.problem = str(error)
                _log.warning("%s", error)
                self._ended.wait(2.0)
            else:
                self.problem = None if self._failures < 2 else self.problem
            sign.renew(self.problem)
        sign.remove()

    def _both(self) -> WorkerProcess | None:
        """The one process for both: who asks starts it."""
        process = self.inference.process
        if process is None or process is self._buried:
            self.inference.start()
            return None
        return process

    def _bury(self) -> None:
        """Ends the runs whose worker is gone."""
        worker = self._worker
        status = None if worker is None else worker.exit_status
        if worker is not None and status is not None:
            self._worker, self._buried = None, worker
            mine = [run for run in self.store.active() if run.worker == worker.name]
            for run in mine:
                end_failed(self.store, run.id, status, self.store.artefacts.log_tail(run.id))
            if status == 0 or mine:
                self._failures = 0
            else:
                self._failures += 1
                wait = RETRY_SECONDS[min(self._failures, len(RETRY_SECONDS)) - 1]
                self._not_before = time.monotonic() + wait
                self.problem = f"The training engine does not start (it {exit_words(status)})."
                _log.error("the trainer ended early: %s\n%s", exit_words(status), worker.output_tail())
        ended = end_lost(self.store, worker.name if worker is not None and status is None else None, self._watch)
        if worker is not None and any(run.worker == worker.name for run in ended):
            # It hung and was killed, which is no failure to start.
            worker.end()
            self._worker, self._buried = None, worker
        release_lost(self.store)


@cache
def job_manager() -> JobManager:
    """The one manager of this process, over the store that the settings name.

    Raises:
        SettingError: If a setting is wrong.
        StoreError: If the store cannot be opened.
    """
    manager = JobManager(open_store(), one_worker=read_settings().one_worker)
    atexit.register(_close_at_exit, manager)
    return manager


def _close_at_exit(manager: JobManager) -> None:
    # Whoever presses Ctrl-C twice shall not keep the program from ending its worker, which takes seconds at most.
    if threading.current_thread() is threading.main_thread():
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_IGN)
    manager.close()

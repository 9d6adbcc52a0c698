"""The background thread that keeps the trainings of this machine going.

It has a crew for the common queue and keeps it warm; it starts the inference process, and puts right what other
programs have left behind. With the program they all end.
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
from mnist_lab.jobs.crew import Crew
from mnist_lab.jobs.executors import make_crew
from mnist_lab.jobs.inference import InferenceClient
from mnist_lab.jobs.local_crew import CLOSE_SECONDS, LocalCrew
from mnist_lab.jobs.processes import WorkerProcess
from mnist_lab.jobs.queueing import resume, submit
from mnist_lab.jobs.sign_of_life import SignOfLife, sweep
from mnist_lab.jobs.sweeper import Sweeper, start_sweep
from mnist_lab.settings import read_settings
from mnist_lab.store import Run, RunStore, SweepRecord, open_store
from mnist_lab.sweeps.sweep import Sweep
from mnist_lab.training_config import TrainingConfig

TICK_SECONDS = 0.25
# The first page is drawn before the engines take the cores for their start.
START_DELAY_SECONDS = 1.5
TRAINER_DELAY_SECONDS = 20.0

_log = logging.getLogger(__name__)


class JobManager:
    """Queues trainings, keeps warm workers for them and watches over what they do.

    Args:
        store: The run store.
        autostart: Whether to start the trainer and the inference process soon; tests start them when they want.
        one_worker: Whether one process is both.

    Attributes:
        crew: Who trains what is in the common queue.
        problem: Why no training can start at present, or None.
        data_words: How the download of MNIST is getting on, where it is not on this machine.
    """

    def __init__(self, store: RunStore, *, autostart: bool = True, one_worker: bool = False) -> None:
        self.store = store
        self._one_worker = one_worker
        self.inference = InferenceClient("both", self._is_idle) if one_worker else InferenceClient()
        self.crew: Crew = LocalCrew(store, None, 1, start=self._both) if one_worker else make_crew(store, None)
        self._warmed_at: float | None = None
        self._not_before = time.monotonic() + START_DELAY_SECONDS
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="job-manager", daemon=True)
        self.sweeper = Sweeper(store)
        self.problem: str | None = None
        self.data_words = ""
        if autostart:
            self.start()

    def start(self) -> None:
        """Starts the threads."""
        self._thread.start()
        self.sweeper.start()

    @property
    def is_warm(self) -> bool:
        """Whether a trainer is up; it may still be importing."""
        return self.crew.is_warm

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

    def start_sweep(self, sweep: Sweep, person: str | None = None) -> SweepRecord:
        """Starts a sweep; this program drives it.

        Raises:
            SweepError: If Optuna is not installed, or a grid is too large.
        """
        record = start_sweep(self.store, sweep, person)
        self.sweeper.look_now()
        return record

    def stop_sweep(self, sweep_id: str) -> None:
        """Stops a sweep, which can be resumed."""
        self.store.command_sweep(sweep_id, "stop")

    def resume_sweep(self, sweep_id: str) -> None:
        """Lets a sweep go on that has ended.

        Raises:
            JobError: If it is damaged or was deleted.
        """
        self.store.resume_sweep(sweep_id)
        self.sweeper.look_now()

    def extend_sweep(self, sweep_id: str, *, trials: int = 0, seconds: int = 0, epochs: int = 0) -> None:
        """Adds to the budget of a sweep, and lets it go on.

        Raises:
            JobError: If it is damaged or was deleted.
        """
        self.store.extend_sweep(sweep_id, trials=trials, seconds=seconds, epochs=epochs)
        self.sweeper.look_now()

    def close(self) -> None:
        """Ends the thread and this program's processes, in seconds; a training under way becomes *interrupted*."""
        self._ended.set()
        self.sweeper.close()
        if self._thread.is_alive():
            self._thread.join(timeout=1.0)
        both = self.inference.process if self._one_worker else None
        self.inference.close()
        self.crew.close()
        if both is not None:
            both.end(CLOSE_SECONDS)
            try:
                # It may have begun a run since the crew looked.
                self.store.interrupt(both.name)
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
        sweep(self.store.artefacts.root)
        sign = SignOfLife(self.store.artefacts.root)
        while not self._ended.wait(TICK_SECONDS):
            try:
                if time.monotonic() >= self._not_before:
                    self._warm()
                    self.crew.tick()
                release_lost(self.store)
            except (LabError, OSError) as error:
                # The database may be away for a while; the thread must outlive that.
                self.problem = str(error)
                _log.warning("%s", error)
                self._ended.wait(2.0)
            else:
                self.problem = self.crew.problem
            sign.renew(self.problem)
        sign.remove()

    def _warm(self) -> None:
        """Starts, once, all but the trainers, and says whether one of these is to be kept warm."""
        if self._warmed_at is None:
            self._warmed_at = time.monotonic()
            self.inference.start()
            self.fetch_data()
            # Shipped models would be registered anew at the next start, and be back undeleted.
            self.store.purge(keep=starter.IDS)
            self.store.sweep()
        # Both engines at once would leave the first page no processor; a queued training does not wait.
        late = time.monotonic() - self._warmed_at > TRAINER_DELAY_SECONDS
        self.crew.keeps_warm = self._one_worker or self.inference.is_warm or late

    def _both(self, _: int) -> WorkerProcess | None:
        """The one process for both: who asks starts it."""
        process = self.inference.process
        if process is None or process.exit_status is not None:
            self.inference.start()
            return None
        return process


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

"""The thread of the program that drives sweeps: those that are started on its pages, and those that nobody drives."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from mnist_lab import public
from mnist_lab.errors import LabError, SweepError
from mnist_lab.jobs.alone import new_owner
from mnist_lab.jobs.crew import Crew
from mnist_lab.jobs.executors import default_size, make_crew
from mnist_lab.jobs.leases import Leases
from mnist_lab.jobs.sweeping import Driver
from mnist_lab.store import RunStore, SweepRecord
from mnist_lab.sweeps.search import INSTALL, MISSING, grid_of, have_optuna
from mnist_lab.sweeps.sweep import Sweep

TICK_SECONDS = 0.1
# How often it looks for sweeps that nobody drives.
LOOK_SECONDS = 1.0
# After a failure of the store or of the machine.
WAIT_SECONDS = 2.0

_log = logging.getLogger(__name__)

MakeCrew = Callable[[RunStore, str, int], Crew]


class Sweeper:
    """Drives sweeps of a store in a thread of its own: as many at once as there may be trainings, which they share.

    Args:
        store: The run store.
        crew: Makes a crew of a store, an owner and a size.
        size: How many runs may be trained at once, those of all sweeps together; None to ask the executor when the
            first sweep is taken up.

    Attributes:
        problem: Why nothing can be trained at present, or None.
    """

    def __init__(self, store: RunStore, *, crew: MakeCrew | None = None, size: int | None = None) -> None:
        self.store = store
        self.problem: str | None = None
        self._make_crew = crew or _crew
        self._size = size
        self._name = ""
        self._leases = Leases(store)
        self._drivers: dict[str, Driver] = {}
        self._ended = threading.Event()
        self._wanted = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="sweeper", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def look_now(self) -> None:
        """Has it look for sweeps at once: one was made, or is to go on."""
        self._wanted.set()

    def close(self, seconds: float = 10.0) -> None:
        """Ends the thread, and leaves its sweeps to the next start of the program."""
        self._ended.set()
        self._wanted.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _loop(self) -> None:
        looked = -LOOK_SECONDS
        while not self._ended.is_set():
            try:
                if self._wanted.is_set() or time.monotonic() - looked >= LOOK_SECONDS:
                    self._wanted.clear()
                    looked = time.monotonic()
                    self._take_up()
                self._tick()
                self.problem = next((each.problem for each in self._drivers.values() if each.problem), None)
            except (LabError, OSError) as error:
                # The store may be away for a while; the thread must outlive that.
                self.problem = str(error)
                _log.warning("%s", error)
                self._ended.wait(WAIT_SECONDS)
            # Where nothing is driven there is nothing to be quick about.
            (self._ended if self._drivers else self._wanted).wait(TICK_SECONDS if self._drivers else LOOK_SECONDS)
        for driver in self._drivers.values():
            driver.close()

    def _tick(self) -> None:
        for sweep_id, driver in list(self._drivers.items()):
            try:
                goes_on = driver.tick()
            except (LabError, OSError):
                raise
            except Exception as error:
                # Whatever a library raises ends this sweep and no other.
                _log.exception("a sweep cannot go on")
                words = public.without_paths(f"{type(error).__name__}: {error}")
                self.store.end_sweep(sweep_id, self._name, "failed", words)
                goes_on = False
            if not goes_on:
                driver.crew.close()
                del self._drivers[sweep_id]
                self._share()

    def _take_up(self) -> None:
        running = [each for each in self.store.sweeps(["running"]) if each.id not in self._drivers]
        # Where Optuna is missing, another machine may have it.
        if not running or not have_optuna() or (self._size is not None and len(self._drivers) >= self._size):
            return
        free = self._leases.free(running)
        if free and self._size is None:
            self._size = default_size()
        # Who has waited longest comes first.
        for record in sorted(free, key=lambda each: each.created):
            if len(self._drivers) < (self._size or 1):
                self._drive(record)

    def _drive(self, record: SweepRecord) -> None:
        # Not before it is needed: a name is of a process, and this one may have been forked.
        self._name = self._name or new_owner(self.store)
        if not self.store.take_sweep(record.id, self._name, lost=record):
            return
        size = self._size or 1
        try:
            wanted = Sweep.from_dict(record.sweep).search.workers
            crew = self._make_crew(self.store, record.owner, min(size, wanted or size))
            self._drivers[record.id] = Driver(self.store, self.store.get_sweep(record.id), self._name, crew)
        except LabError as error:
            _log.warning("sweep %s cannot be driven: %s", record.id, type(error).__name__)
            self.store.end_sweep(record.id, self._name, "failed", str(error))
        self._share()

    def _share(self) -> None:
        """Divides the trainings that there may be at once among the sweeps."""
        for driver in self._drivers.values():
            driver.most_at_once = max(1, (self._size or 1) // len(self._drivers))


def start_sweep(store: RunStore, sweep: Sweep, person: str | None = None, *, driver: str | None = None) -> SweepRecord:
    """Adds a sweep that is to run.

    Args:
        store: The run store.
        sweep: What is searched.
        person: Who asks for it, from `RunStore.person`; None for the user of this process.
        driver: Who drives it from the beginning; None for whoever takes it.

    Raises:
        SweepError: If Optuna is not installed, or a grid is too large.
    """
    check_optuna()
    if sweep.search.sampler == "grid":
        grid_of(sweep)
    person = store.person_of_process() if person is None else person
    return store.create_sweep(sweep.to_dict(), name=sweep.name, person=person, driver=driver)


def check_optuna() -> None:
    """Sees that sweeps can be driven here.

    Raises:
        SweepError: If Optuna is not installed.
    """
    if not have_optuna():
        raise SweepError(MISSING, INSTALL)


def _crew(store: RunStore, owner: str, size: int) -> Crew:
    return make_crew(store, owner, size=size)

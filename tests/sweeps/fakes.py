"""A crew that trains nothing: it goes through the states that a worker would, with made-up accuracies."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from typing import Any

from mnist_lab.architecture import Architecture
from mnist_lab.jobs.crew import Crew
from mnist_lab.jobs.lost import end_lost
from mnist_lab.jobs.sweeping import Driver
from mnist_lab.layers import Dense, Flatten
from mnist_lab.store import Run, RunStore, SweepRecord
from mnist_lab.sweeps.dimensions import Dimension, IntegerRange
from mnist_lab.sweeps.sweep import Search, Sweep
from mnist_lab.training_config import TrainingConfig

Curve = Callable[[Run], list[float]]
NETWORK = Architecture((Flatten(), Dense(16), Dense(10, "softmax")))
UNITS: tuple[Dimension, ...] = (IntegerRange("layers.1.units", 1, 64),)


def units(run: Run) -> int:
    return int(run.architecture["layers"][1]["units"])


def best_at_twenty(run: Run) -> list[float]:
    """Rises over the epochs; best with 20 units, and a little better with each seed."""
    top = 0.99 - abs(units(run) - 20) / 100 + 0.001 * (run.training["seed"] - 42)
    return [top * (epoch + 1) / (epoch + 2) for epoch in range(int(run.training["epochs"]))]


class FakeCrew(Crew):
    """Trains one epoch of each run it has in hand at each tick.

    Args:
        store: As in `Crew`, as are `owner` and `size`.
        curve: The accuracies of a run, by epoch.

    Attributes:
        begun: The ids of the runs that were begun or gone on with, in order.
        is_idle: If set, nothing moves.
    """

    def __init__(self, store: RunStore, owner: str | None, size: int = 1, curve: Curve = best_at_twenty) -> None:
        super().__init__(store, owner, size)
        self.curve = curve
        self.begun: list[str] = []
        self.hands: dict[str, Run | None] = {f"fake-{uuid.uuid4().hex[:8]}": None for _ in range(self.size)}
        self.is_idle = self.is_closed = False

    @property
    def is_warm(self) -> bool:
        return True

    def tick(self) -> None:
        end_lost(self.store, set(self.hands))
        for worker, run in list(self.hands.items()):
            if self.is_idle:
                continue
            if run is None:
                self.hands[worker] = claimed = self.store.claim(worker, os.getpid(), owner=self.owner)
                if claimed is not None:
                    self.begun.append(claimed.id)
                continue
            self.hands[worker] = self._work(worker, run)

    def _work(self, worker: str, run: Run) -> Run | None:
        command = self.store.report(run.id, worker, {"phase": "training"})
        if command is None:
            return None
        if command == "stop":
            self.store.end(run.id, "stopped", worker=worker, kept_epoch=self.store.get(run.id).epochs_run or None)
            return None
        curve, done = self.curve(run), self.store.get(run.id).epochs_run
        if done < len(curve):
            if curve[done] < 0:
                self.store.end(run.id, "failed", worker=worker, reason="The loss became NaN.")
                return None
            self.store.add_epoch(run.id, {"epoch": done + 1, "val_accuracy": curve[done]})
        if done + 1 < len(curve):
            return run
        self.store.end(run.id, "finished", worker=worker, kept_epoch=len(curve), validation_accuracy=curve[-1])
        return None

    def finish(self, seconds: float) -> None:
        self.close()

    def close(self) -> None:
        self.is_closed = True
        for worker in self.hands:
            self.store.interrupt(worker)


def sweep(dimensions: tuple[Dimension, ...] = UNITS, *, epochs: int = 2, **settings: Any) -> Sweep:
    known: dict[str, Any] = {"sampler": "random", "trials": 6, "seed": 3, **settings}
    return Sweep(NETWORK, TrainingConfig(epochs=epochs), dimensions, Search(**known), "s")


def driver_of(store: RunStore, made: Sweep | SweepRecord, name: str = "me", **crew: Any) -> Driver:
    """A driver with a crew that trains nothing."""
    if isinstance(made, Sweep):
        made = store.create_sweep(made.to_dict(), name=made.name, person="p")
    assert store.take_sweep(made.id, name, lost=store.get_sweep(made.id))
    return Driver(store, store.get_sweep(made.id), name, FakeCrew(store, made.owner, **crew))


def drive(driver: Driver, most: int = 3000) -> Driver:
    """Drives a sweep to its end."""
    for _ in range(most):
        if not driver.tick():
            return driver
    raise AssertionError("it does not end")

"""Real worker processes over a home of their own. Each takes seconds to start, so the tests share one manager."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from scipy.stats import binomtest

from mnist_lab import datasets
from mnist_lab.architecture import Architecture
from mnist_lab.jobs import JobManager
from mnist_lab.jobs.local_crew import LocalCrew
from mnist_lab.layers import Conv2D, Dense, Flatten, MaxPooling2D
from mnist_lab.store import Run, RunStore
from mnist_lab.store.artefacts import PREDICTIONS
from mnist_lab.store.database import open_engine
from mnist_lab.training_config import TrainingConfig

HERE = Path(__file__).resolve().parent
PATIENCE = 150.0  # seconds; the machine may be busy with other things
SMALL = Architecture((Conv2D(4, activation="relu"), MaxPooling2D((4, 4)), Flatten(), Dense(10, "softmax")))
FAST = TrainingConfig(dataset="digits", epochs=2, batch_size=64)
LONG = TrainingConfig(dataset="digits", epochs=10_000, batch_size=32)


@contextmanager
def place(home: Path) -> Iterator[RunStore]:
    """A store that this process and the workers it starts take for theirs; no worker outlives it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MNIST_LAB_HOME", str(home))
        for name in ("MNIST_LAB_STORE", "MNIST_LAB_DATA", "MNIST_LAB_EXECUTOR", "MNIST_LAB_WORKERS"):
            patch.delenv(name, raising=False)
        store = RunStore(open_engine(f"sqlite:///{home / 'lab.db'}"), home)
        yield store
        for run in store.active():
            kill(run.pid)
        store.close()


def kill(pid: int | None) -> None:
    """Ends a worker that a test started, if it is still there."""
    with suppress(psutil.Error, TypeError):
        process = psutil.Process(pid)
        if any("mnist_lab.worker" in part for part in process.cmdline()):
            process.kill()


@dataclass
class Lab:
    """A store and the manager over it."""

    store: RunStore
    manager: JobManager

    def submit(self, config: TrainingConfig, name: str = "") -> Run:
        return self.manager.submit(SMALL, config, name=name)

    def until(self, run: Run, condition: Callable[[Run], Any], patience: float = PATIENCE) -> Run:
        return until(self.store, run, condition, patience)

    def trained(self) -> Run:
        """A finished run, trained when it is first asked for."""
        done = self.store.runs(["finished"])
        return done[-1] if done else self.until(self.submit(FAST, "trained"), has_ended)


@pytest.fixture(scope="package")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The lab that the tests of this folder share."""
    with place(tmp_path_factory.mktemp("jobs") / "home") as store:
        manager = JobManager(store)
        yield Lab(store, manager)
        manager.close()


def crew_of(manager: JobManager) -> LocalCrew:
    """Who trains a manager's common queue: worker processes of this machine."""
    assert isinstance(manager.crew, LocalCrew)
    return manager.crew


def until(store: RunStore, run: Run, condition: Callable[[Run], Any], patience: float = PATIENCE) -> Run:
    """Waits for something to be true of a run."""
    limit = time.monotonic() + patience
    while not condition(now := store.get(run.id)):
        if time.monotonic() > limit:
            pytest.fail(f"waited {patience} s in vain: {now}\n{store.artefacts.log_tail(run.id)}")
        time.sleep(0.02)
    return now


def has_ended(run: Run) -> bool:
    return run.status in ("finished", "stopped", "interrupted", "failed")


def is_stopped(run: Run) -> bool:
    return run.status == "stopped"


def is_evaluated(run: Run) -> bool:
    return run.test_accuracy is not None


def has_trained(epochs: int) -> Callable[[Run], bool]:
    """Under way, with so many epochs done."""
    return lambda run: run.status == "running" and run.epochs_run >= epochs


def assert_curve_is_whole(store: RunStore, run: Run) -> None:
    """Each epoch once, in order, and the curve within them without a step done twice."""
    history = store.history(run.id)
    assert [entry["epoch"] for entry in history] == list(range(1, len(history) + 1))
    assert store.get(run.id).epochs_run == len(history)
    points = store.points(run.id)
    steps, epochs = ([point[key] for point in points] for key in ("step", "epoch"))
    assert steps == sorted(set(steps)), "a step is in the curve twice"
    assert epochs == sorted(set(epochs))
    ends = {round(epoch) for epoch in epochs if epoch == int(epoch)}
    assert set(range(1, len(history) + 1)) <= ends, "an epoch's end is missing in the curve"


def assert_figures_follow_from_predictions(store: RunStore, run: Run) -> None:
    """Reckons the run's figures anew from its predictions."""
    with np.load(store.artefacts.path(run.id, PREDICTIONS)) as file:
        probabilities, labels, indices = (file[name] for name in ("probabilities", "labels", "indices"))
    digits = datasets.load("digits")
    assert probabilities.shape == (360, 10)
    np.testing.assert_array_equal(labels, digits.y_test)
    np.testing.assert_array_equal(indices, np.arange(1437, 1797))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-4)
    right = sum(int(row.argmax() == label) for row, label in zip(probabilities, labels, strict=True))
    run = store.get(run.id)
    assert run.test_images == 360
    assert run.test_accuracy == right / 360
    interval = binomtest(right, 360).proportion_ci(method="wilson")
    assert run.test_accuracy_interval == pytest.approx((interval.low, interval.high))
    given = probabilities[np.arange(360), labels].astype(float)
    assert run.test_loss == pytest.approx(-np.log(np.clip(given, 1e-7, None)).mean(), abs=1e-5)


def environment(home: Path) -> dict[str, str]:
    """For a script that is to use the store in `home`."""
    root = str(HERE.parent.parent)
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MNIST_LAB_")}
    return {**kept, "MNIST_LAB_HOME": str(home), "PYTHONPATH": path}

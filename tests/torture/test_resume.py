"""A training killed by SIGKILL again and again, at random moments, ends as the one that ran through: bit for bit."""

from __future__ import annotations

import dataclasses
import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from mnist_lab.architecture import Architecture
from mnist_lab.errors import StoreError
from mnist_lab.jobs import end_lost
from mnist_lab.layers import Activation, BatchNormalization, Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from mnist_lab.optimizers import SGD, Adadelta, Adam
from mnist_lab.store import Run, RunStore
from mnist_lab.store.artefacts import MODEL
from mnist_lab.training_config import (
    Augmentation,
    CosineDecay,
    EarlyStopping,
    ReduceLROnPlateau,
    TrainingConfig,
)
from tests.jobs.conftest import assert_curve_is_whole, place
from tests.torture.conftest import FULL, Tally, times
from tests.zygote import Child, Zygote

NETWORK = Architecture(
    (Conv2D(4, 5), BatchNormalization(), Activation("relu"), MaxPooling2D((2, 2)), Dropout(0.25), Flatten(),
     Dense(16, "relu"), Dropout(0.5), Dense(10, "softmax"))
)  # fmt: skip
TRAININGS = {
    "Adam, dropout, augmentation": TrainingConfig(
        dataset="digits", epochs=12, batch_size=64, limit=640, optimizer=Adam(),
        augmentation=Augmentation(rotation=10.0, shift=0.1, zoom=0.1, shear=5.0),
        early_stopping=EarlyStopping(patience=50),
    ),
    "Adadelta, dropout, plateau": TrainingConfig(
        dataset="digits", epochs=12, batch_size=64, limit=640, optimizer=Adadelta(5.0),
        schedule=ReduceLROnPlateau(patience=1), early_stopping=EarlyStopping("val_accuracy", patience=8),
    ),
    "SGD with momentum, dropout, pen": TrainingConfig(
        dataset="digits", epochs=8, batch_size=64, limit=320, optimizer=SGD(0.05, 0.9, nesterov=True),
        schedule=CosineDecay(warmup_epochs=1.0), augmentation=Augmentation(rotation=10.0, pen=0.5, strangers=0.1),
    ),
}  # fmt: skip
KILLS = times(full=20, short=3)
PATIENCE = 120.0


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunStore]:
    with place(tmp_path_factory.mktemp("resume") / "home") as store:
        yield store


def history(store: RunStore, run_id: str) -> list[dict[str, Any]]:
    """The epochs of a run, without the time that they took."""
    return [
        {name: value for name, value in entry.items() if not name.endswith("seconds")}
        for entry in store.history(run_id)
    ]


def arrays(path: Path) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


def assert_same(store: RunStore, run_id: str, expected: Run) -> None:
    """All that a run came to is what another did, to the last bit."""
    run = store.get(run_id)
    assert run.status == "finished", run.reason
    assert history(store, run_id) == history(store, expected.id)
    assert_curve_is_whole(store, run)
    ours, theirs = (arrays(store.artefacts.path(each, MODEL)) for each in (run_id, expected.id))
    assert ours.keys() == theirs.keys() and len(ours) > 8
    assert all(np.array_equal(ours[key], theirs[key]) for key in ours)
    figures = ("best_epoch", "kept_epoch", "validation_accuracy", "validation_loss", "test_accuracy", "test_loss")
    assert [getattr(run, each) for each in figures] == [getattr(expected, each) for each in figures]


def worker(zygote: Zygote, store: RunStore, name: str, changes: str = "") -> Child:
    """Starts a worker for the runs of that name."""
    return zygote.fork("work_alone", home=str(store.artefacts.root), name=name, changes=changes)


def ran_through(store: RunStore, zygote: Zygote, config: TrainingConfig) -> Run:
    run = store.create(NETWORK, config, owner="through")
    assert worker(zygote, store, "through").wait() == 0
    return store.get(run.id)


def wait_for(store: RunStore, run_id: str, epochs: int) -> None:
    """Until a run has got so far, or to its end."""
    limit = time.monotonic() + PATIENCE
    while (run := store.get(run_id)).epochs_run < epochs and not run.test_accuracy and run.status != "finished":
        assert run.status in ("queued", "running"), run.reason
        assert time.monotonic() < limit, store.artefacts.log_tail(run_id)
        time.sleep(0.005)


@pytest.mark.parametrize("name", TRAININGS if FULL else list(TRAININGS)[:1])
def test_a_training_that_was_killed_again_and_again_is_the_one_that_ran_through(
    store: RunStore, zygote: Zygote, chance: random.Random, tally: Tally, name: str
) -> None:
    began = time.monotonic()
    through = ran_through(store, zygote, TRAININGS[name])
    seconds = time.monotonic() - began
    assert through.status == "finished", through.reason
    expected = history(store, through.id)
    seconds_per_epoch = (through.seconds or 0.0) / len(expected)

    run_id, killed, again = store.create(NETWORK, TRAININGS[name], owner="killed").id, 0, 0
    for _ in range(KILLS):
        process = worker(zygote, store, "killed")
        # Some while it starts, most in an epoch that is being done, or between the writing down of one and the next.
        done = store.get(run_id).epochs_run
        if chance.random() < 0.25:
            time.sleep(chance.uniform(0.0, seconds / 2))
        else:
            wait_for(store, run_id, done + 1)
            time.sleep(chance.uniform(0.0, 2 * seconds_per_epoch))
        before = history(store, run_id)
        process.kill()
        if process.wait() == 0 or store.get(run_id).status == "finished":
            # It had come to its end; the process may have been killed after that.
            break
        killed += 1
        end_lost(store)
        run = store.get(run_id)
        assert (run.status, run.can_go_on) == ("interrupted", True), run.reason
        now = history(store, run_id)
        assert now[: len(before)] == before and now == expected[: len(now)]
        store.requeue(run_id, owner="killed")
        again += bool(now)
    else:
        assert worker(zygote, store, "killed").wait() == 0

    assert_same(store, run_id, through)
    assert killed >= 2
    tally(f"trainings killed by SIGKILL and resumed, same history and weights to the last bit ({name})", killed)
    tally(f"of these, with epochs that were done ({name})", again)


# A disk that is full, and a main thread that hangs ------------------------------------------------------------------

FEW = dataclasses.replace(TRAININGS["Adam, dropout, augmentation"], epochs=6, limit=320)
SLOW = "begin = train.Control.on_epoch_begin\n" \
       "train.Control.on_epoch_begin = lambda *given: (time.sleep(0.5), begin(*given))\n"  # fmt: skip


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of a few megabytes; the tests that need one are skipped where none can be mounted."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(disk)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(ballast: Path) -> None:
    """Takes the last byte of a disk."""
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass


@pytest.fixture(scope="module")
def through(store: RunStore, zygote: Zygote) -> Run:
    """A training of few epochs that nothing befell."""
    return ran_through(store, zygote, FEW)


@pytest.mark.parametrize("is_long", [False, True] if FULL else [True])
def test_a_disk_that_is_full_costs_no_epoch(
    store: RunStore, zygote: Zygote, through: Run, small_disk: Path, tally: Tally, is_long: bool
) -> None:
    """For a while a training waits; then it is *interrupted* with that reason, and goes on to the same end."""
    with place(small_disk / "home") as small:
        run_id = small.create(NETWORK, FEW, owner="full").id
        patience = 1.0 if is_long else 60.0
        process = worker(zygote, small, "full", f"{SLOW}train.DISK_PATIENCE_SECONDS = {patience}")
        wait_for(small, run_id, 2)
        ballast = small_disk / "ballast"
        fill(ballast)
        time.sleep(4.0)
        with pytest.raises(StoreError):
            small.set_figures(run_id, notes="x" * 100_000)
        assert small.get(run_id).status == "running", "that cannot be written either"
        epochs = small.get(run_id).epochs_run
        ballast.unlink()
        assert process.wait() == 0
        run = small.get(run_id)
        if is_long:
            assert run.status == "interrupted" and run.can_go_on, run.reason
            assert "Make room on the disk." in (run.reason or "") or "the disk has room" in (run.reason or "")
            assert epochs <= run.epochs_run < FEW.epochs
            small.requeue(run_id, owner="full")
            assert worker(zygote, small, "full").wait() == 0
        folder = small.artefacts.folder(run_id)
        assert not [path for path in folder.iterdir() if path.name.startswith(".")], "half-written files"
        files = store.artefacts.folder(run_id)
        shutil.copytree(folder, files)
        small_run = small.get(run_id)
        assert history(small, run_id) == history(store, through.id), small_run.reason
        assert_curve_is_whole(small, small_run)
    ours, theirs = (arrays(store.artefacts.path(each, MODEL)) for each in (run_id, through.id))
    assert all(np.array_equal(ours[key], theirs[key]) for key in theirs)
    tally("disks filled in mid-training, no epoch lost", 1)


HANGS = """
end = train.Control.on_train_batch_end
def hang(self, batch, logs=None):
    end(self, batch, logs)
    if self._epoch == 2:
        heartbeat.HANG_SECONDS, heartbeat.HANG_FACTOR = 2.0, 0.0
        time.sleep(600)
train.Control.on_train_batch_end = hang
"""


def test_a_training_that_hangs_is_interrupted_says_so_and_goes_on(
    store: RunStore, zygote: Zygote, through: Run, tally: Tally
) -> None:
    run_id = store.create(NETWORK, FEW, owner="hangs").id
    began = time.monotonic()
    assert worker(zygote, store, "hangs", HANGS).wait() == 0
    run = store.get(run_id)
    assert (run.status, run.epochs_run, run.can_go_on) == ("interrupted", 2, True), run.reason
    assert (run.reason or "").startswith("The training hung: nothing moved for ")
    assert "in hang" in store.artefacts.log_tail(run_id, 1000), "where it hung is in its log"
    tally("seconds until a worker that hung for 2 s had ended", round(time.monotonic() - began, 1))
    store.requeue(run_id, owner="hangs")
    assert worker(zygote, store, "hangs").wait() == 0
    assert_same(store, run_id, through)

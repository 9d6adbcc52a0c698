"""A training whose files go to an object store over a network that fails: it waits, or ends with a sentence."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mnist_lab.keras_side import train
from mnist_lab.store import Run, RunStore
from mnist_lab.store.artefacts import CHECKPOINT, MODEL
from mnist_lab.store.bucket import Bucket
from mnist_lab.store.database import open_engine
from mnist_lab.store.objects import ObjectArtefacts
from tests.keras_side.test_resume import CONFIG, PLAIN, Outcome, assert_same, outcome
from tests.keras_side.trainings import execute
from tests.object_store import SECRET, Door, Server, let_in

THREE = dataclasses.replace(CONFIG, epochs=3)


@pytest.fixture
def door(object_server: Server, s3_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    """The network between the trainings and the object store; who finds it shut tries again soon."""
    made = Door(object_server.port)
    let_in(monkeypatch, made.port)
    monkeypatch.setattr("mnist_lab.store.bucket.PAUSES", (0.1,))
    monkeypatch.setattr("s3fs.S3FileSystem.retries", 1)
    yield made
    made.close()


@pytest.fixture
def store(door: Door, s3_url: str, tmp_path: Path) -> Iterator[RunStore]:
    made = RunStore(
        open_engine(f"sqlite:///{tmp_path / 'lab.db'}"), tmp_path, ObjectArtefacts(Bucket(s3_url), tmp_path, 10**9)
    )
    yield made
    made.close()


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """What the same training comes to with its files in a folder."""
    home = tmp_path_factory.mktemp("folder")
    store = RunStore(open_engine(f"sqlite:///{home / 'lab.db'}"), home)
    found = outcome(store, execute(store, store.create(PLAIN, THREE)))
    store.close()
    return found


def shuts_in_epoch_two(patch: pytest.MonkeyPatch, door: Door) -> None:
    """The network fails after the first epoch was written down."""
    begin = train.Control.on_epoch_begin

    def shutting(self: Any, epoch: int, logs: Any = None) -> None:
        if epoch == 1:
            door.shut()
        begin(self, epoch, logs)

    patch.setattr(train.Control, "on_epoch_begin", shutting)


def test_a_network_that_fails_in_the_middle_of_a_training_is_waited_for(
    store: RunStore, door: Door, expected: Outcome
) -> None:
    run = store.create(PLAIN, THREE)
    seen: list[Run] = []

    def look_and_open() -> None:
        while not seen or (seen[-1].progress or {}).get("phase") != "waiting for the object store":
            seen.append(store.get(run.id))
        door.open()

    opener = threading.Thread(target=look_and_open)
    with pytest.MonkeyPatch.context() as patch:
        shuts_in_epoch_two(patch, door)
        opener.start()
        done = execute(store, run)
        opener.join()
    assert seen[-1].epochs_run == 1, "the epoch that could not be written is not in the store either"
    assert_same(outcome(store, done), expected)


def test_a_network_that_stays_away_interrupts_a_training_with_a_sentence_and_costs_it_nothing(
    store: RunStore, door: Door, s3_url: str, expected: Outcome
) -> None:
    run = store.create(PLAIN, THREE)
    files = store.artefacts
    assert isinstance(files, ObjectArtefacts)
    with pytest.MonkeyPatch.context() as patch:
        shuts_in_epoch_two(patch, door)
        patch.setattr(ObjectArtefacts, "patience_seconds", 0.0)
        patch.setattr(train, "DISK_PATIENCE_SECONDS", 0.0)
        ended = execute(store, run)
    reason = ended.reason or ""
    assert (ended.status, ended.epochs_run) == ("interrupted", 1), reason
    assert s3_url in reason and "resume it from its last epoch" in reason and len(reason.splitlines()) == 1
    assert SECRET not in reason
    assert [path.name for path in files.unsent()] == [CHECKPOINT], "the epoch that was done is kept on this machine"
    door.open()
    files.bucket._silent_until = 0.0
    steps: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        begin = train.Control.on_epoch_begin
        patch.setattr(
            train.Control, "on_epoch_begin", lambda self, epoch, logs=None: (steps.append(epoch), begin(self, epoch))
        )
        done = execute(store, store.requeue(run.id))
    assert steps == [2], "and is not done again"
    assert_same(outcome(store, done), expected)
    assert files.unsent() == [] and files.has(run.id, MODEL) and not files.has(run.id, CHECKPOINT)

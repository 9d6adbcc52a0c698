"""What is PostgreSQL's alone: a server that goes away and comes back, texts that it does not take, workers at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mnist_lab.architecture import Architecture
from mnist_lab.errors import StoreError
from mnist_lab.heartbeat import Heartbeat
from mnist_lab.layers import Dense, Flatten
from mnist_lab.store import RunStore
from mnist_lab.store.database import open_engine
from mnist_lab.training_config import TrainingConfig
from tests.postgres import Server

NETWORK = Architecture((Flatten(), Dense(10, "softmax")))


@pytest.fixture
def served(postgres_url: str, home: Path) -> Iterator[RunStore]:
    store = RunStore(open_engine(postgres_url), home)
    yield store
    store.close()


def test_a_server_that_was_restarted_is_found_again_by_the_next_call(served: RunStore, postgres_server: Server) -> None:
    run = served.create(NETWORK, TrainingConfig(), owner="w")
    postgres_server.stop()
    with pytest.raises(StoreError, match="cannot be read") as caught:
        served.runs()
    assert "\n" not in str(caught.value)
    postgres_server.start()
    assert [each.id for each in served.runs()] == [run.id]
    postgres_server.stop()
    postgres_server.start()
    served.edit(run.id, notes="first call after a restart")
    assert served.get(run.id).notes == "first call after a restart"


def test_a_heartbeat_outlives_its_server_and_writes_later_what_it_had_to_say(
    served: RunStore, postgres_server: Server
) -> None:
    run = served.create(NETWORK, TrainingConfig(), owner="w")
    served.claim("w", 1, own=True)
    with Heartbeat(served, run.id, "w") as heartbeat:
        heartbeat.progress(phase="training")
        heartbeat.flush()
        postgres_server.stop()
        for step in range(1, 4):
            heartbeat.point(step, step / 4, 1.0, 0.5)
            heartbeat.flush()
        assert not heartbeat.is_lost
        postgres_server.start()
        served.command(run.id, "pause")
        end = time.monotonic() + 30
        while heartbeat.command != "pause" and time.monotonic() < end:
            time.sleep(0.05)
        assert heartbeat.command == "pause"
    assert [point["step"] for point in served.points(run.id)] == [1, 2, 3]


def test_texts_that_no_table_takes_are_left_out_or_one_sentence(store: RunStore) -> None:
    run = store.create(NETWORK, TrainingConfig(), name="a\0b", notes="c\0d")
    assert (run.name, run.notes) == ("a b", "cd")
    store.edit(run.id, notes="e\0f", tags=["g\0h"])
    assert (store.get(run.id).notes, store.get(run.id).tags) == ("ef", ["g h"])
    store.note("with\\u0000", {"x": "\0", "y": "'; DROP TABLE runs; --", "z": "%s %(x)s :id"})
    assert store.note("with\\u0000") == {"x": "\0", "y": "'; DROP TABLE runs; --", "z": "%s %(x)s :id"}
    for text in ("a\0", "\udcff"):
        with pytest.raises(StoreError):
            store.get(text)


def test_a_password_is_never_said(postgres_server: Server) -> None:
    url = postgres_server.url("no_such_database").replace("lab@", "lab:secret@")
    with pytest.raises(StoreError, match="cannot be opened") as caught:
        open_engine(url)
    assert "secret" not in str(caught.value)

"""Runs whose worker is gone, told from those whose worker is only silent or elsewhere."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mnist_lab.jobs import end_lost
from mnist_lab.store import RunStore
from mnist_lab.store.records import STALE_SECONDS
from tests.jobs.conftest import FAST, SMALL, place


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    with place(tmp_path / "home") as opened:
        yield opened


def begun(store: RunStore, worker: str, **figures: object) -> str:
    run = store.create(SMALL, FAST, owner=worker)
    store.claim(worker, 1, own=True)
    # Whatever the test says is the worker's process, `place` must not end this one for it.
    store.set_figures(run.id, **figures)
    return run.id


def test_runs_of_this_machine_are_known_by_their_process_and_those_of_others_by_their_silence(store: RunStore) -> None:
    gone = subprocess.Popen([sys.executable, "-c", "", "mnist_lab"])
    gone.wait()
    alive = subprocess.Popen([sys.executable, "-c", "input()", "mnist_lab"], stdin=subprocess.PIPE)
    try:
        long_ago = time.time() - STALE_SECONDS - 5
        lost = {
            begun(store, "a", pid=gone.pid),
            begun(store, "b", pid=1, heartbeat=time.time()),  # another program has the number now
            begun(store, "c", host="elsewhere", heartbeat=long_ago),
        }
        kept = {
            begun(store, "d", pid=alive.pid, heartbeat=long_ago),  # the machine slept
            begun(store, "e", host="elsewhere", heartbeat=time.time()),
            begun(store, "own", pid=gone.pid),
        }
        waiting = store.create(SMALL, FAST).id
        assert {run.id for run in end_lost(store, "own")} == lost
        assert {store.get(run).status for run in lost} == {"interrupted"}
        assert all("Resume" in (store.get(run).reason or "") for run in lost)
        assert {store.get(run).status for run in kept} == {"running"}
        assert store.get(waiting).status == "queued"
        assert end_lost(store, "own") == []
    finally:
        alive.communicate(b"\n")

"""What the process that speaks with a Ray cluster makes of what that says, by a cluster that says what a test wants."""

from __future__ import annotations

import argparse
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mnist_lab.ray_names import STATE, host_of
from mnist_lab.store import Run, RunStore
from mnist_lab.store.database import open_engine
from mnist_lab.store.records import ENDED_EARLY
from tests.jobs.conftest import FAST, SMALL
from tests.ray_nodes import lacking

if missing := lacking():
    pytest.skip(f"needs Ray: {missing}", allow_module_level=True)

from ray import exceptions

from mnist_lab import ray_driver
from mnist_lab.ray_driver import Driver

A, B = "a" * 56, "b" * 56


class Cluster:
    """As much of `ray` as the driver uses. A task's reference is what it was called with."""

    def __init__(self) -> None:
        self.known = {A: {"CPU": 2.0}, B: {"CPU": 1.0}}
        self.gone: set[str] = set()
        self.tasks: list[tuple[str, str]] = []
        self.asked: list[dict[str, Any]] = []
        self.ended: dict[tuple[str, str], str | Exception] = {}
        self.cancelled: list[tuple[str, str]] = []

    def nodes(self) -> list[dict[str, Any]]:
        return [
            {"NodeID": node, "Alive": node not in self.gone, "Resources": resources}
            for node, resources in self.known.items()
        ]

    def remote(self, **options: Any) -> Callable[[Any], Any]:
        def call(run_id: str, worker: str, *_: Any) -> tuple[str, str]:
            self.asked.append(options)
            self.tasks.append((run_id, worker))
            return run_id, worker

        return lambda function: SimpleNamespace(remote=call)

    def wait(self, refs: list[Any], **_: Any) -> tuple[list[Any], list[Any]]:
        return [ref for ref in refs if ref in self.ended], []

    def get(self, ref: Any) -> str:
        said = self.ended[ref]
        if isinstance(said, Exception):
            raise said
        return said

    def cancel(self, ref: Any, force: bool) -> None:
        self.cancelled.append(ref)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(ray_driver, "time", made)
    return made


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    made = Cluster()
    monkeypatch.setattr(ray_driver, "ray", made)
    return made


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(open_engine(f"sqlite:///{tmp_path / 'lab.db'}"), tmp_path)


def driver_of(store: RunStore, folder: Path, **options: Any) -> Driver:
    given = {"name": "ray-x", "parent": os.getppid(), "owner": "me", "size": 9, "impatient": False, "folder": folder}
    return Driver(store, argparse.Namespace(**{**given, **options}))


def turn(driver: Driver, clock: Clock, seconds: float = 0.5) -> None:
    """Some turns of the driver's loop."""
    until = clock.now + seconds
    while clock.now < until:
        clock.now += 0.25
        driver._look()
        driver._collect()
        driver._settle()
        driver._submit()


def began(store: RunStore, task: tuple[str, str], node: str) -> Run:
    """What a task does first."""
    store.host = host_of("box", node)
    run = store.claim_run(*task, 1, owner="me")
    assert run is not None
    return run


def test_it_gives_out_as_many_runs_as_the_nodes_have_room_for_each_once(
    store: RunStore, cluster: Cluster, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [store.create(SMALL, FAST, owner="me") for _ in range(5)]
    store.create(SMALL, FAST, owner="you")
    driver = driver_of(store, tmp_path)
    turn(driver, clock, 5.0)
    assert [run_id for run_id, _ in cluster.tasks] == [run.id for run in runs[:3]]
    assert len({worker for _, worker in cluster.tasks}) == 3
    assert cluster.asked[0] == {"num_cpus": 1, "num_gpus": 0, "max_retries": 0, "max_calls": 25}
    assert json.loads((tmp_path / STATE).read_text()) == {"size": 3, "problem": None}
    taken = began(store, cluster.tasks[0], A)
    store.end(taken.id, "finished")
    cluster.ended[cluster.tasks[0]] = ""
    turn(driver, clock, 5.0)
    assert [run_id for run_id, _ in cluster.tasks] == [run.id for run in runs[:4]]

    monkeypatch.setenv("MNIST_LAB_RAY_CPUS", "2")
    cluster.known[A]["GPU"] = 1.0
    driver = driver_of(store, tmp_path)
    turn(driver, clock, 3.0)
    assert driver.size == 1, "one node has a GPU, and two CPUs for it; the others wait"
    assert cluster.asked[-1] == {"num_cpus": 2, "num_gpus": 1, "max_retries": 0, "max_calls": 1}
    cluster.known[A]["CPU"] = 1.0
    turn(driver, clock, 3.0)
    said = json.loads((tmp_path / STATE).read_text())
    assert said["problem"] == "No node of the Ray cluster has 2 CPUs and a GPU for a training."


@pytest.mark.parametrize("error", [exceptions.NodeDiedError("gone"), exceptions.WorkerCrashedError()])
def test_a_run_whose_task_is_lost_is_put_back_when_its_heartbeat_is_still(
    store: RunStore, cluster: Cluster, clock: Clock, tmp_path: Path, error: Exception
) -> None:
    run = store.create(SMALL, FAST, owner="me")
    driver = driver_of(store, tmp_path)
    turn(driver, clock)
    (task,) = cluster.tasks
    began(store, task, B)
    cluster.ended[task] = error
    for beat in range(8):
        store.set_figures(run.id, heartbeat=float(beat))
        turn(driver, clock, 1.0)
    assert store.get(run.id).worker == task[1] and len(cluster.tasks) == 1, "its process lives a little longer"
    turn(driver, clock, 4.0)
    again = cluster.tasks[1]
    assert again[0] == run.id and again[1] != task[1]
    assert store.get(run.id).status == "queued"
    began(store, again, A)
    store.end(run.id, "finished")
    cluster.ended[again] = ""
    turn(driver, clock, 4.0)
    assert store.get(run.id).status == "finished" and len(cluster.tasks) == 2


def test_a_node_that_vanished_without_a_word_has_its_runs_no_longer(
    store: RunStore, cluster: Cluster, clock: Clock, tmp_path: Path
) -> None:
    runs = [store.create(SMALL, FAST, owner="me") for _ in range(3)]
    driver = driver_of(store, tmp_path)
    turn(driver, clock, 3.0)
    lost, kept, pending = cluster.tasks
    began(store, lost, B)
    began(store, kept, A)
    cluster.gone.add(B)  # and of its task Ray says nothing at all
    turn(driver, clock, 6.0)
    assert set(cluster.cancelled) == {lost, pending}, "where that was that had not begun, nobody knows"
    assert store.get(runs[0].id).status == "queued" and store.get(runs[1].id).worker == kept[1]
    assert len(cluster.tasks) == 4 and cluster.tasks[3][0] == runs[2].id, "there is room for two by now"
    store.end(runs[1].id, "finished")
    cluster.ended[kept] = ""
    turn(driver, clock, 3.0)
    assert cluster.tasks[4][0] == runs[0].id
    assert driver.losses == {runs[0].id: 1}
    assert store.claim_run(*pending, 1, owner="me") is not None, "the old one was slow and not gone"
    assert store.claim_run(*cluster.tasks[3], 1, owner="me") is None


def test_a_task_that_gives_no_sign_of_life_is_ended_and_its_run_goes_on_elsewhere(
    store: RunStore, cluster: Cluster, clock: Clock, tmp_path: Path
) -> None:
    run = store.create(SMALL, FAST, owner="me")
    driver = driver_of(store, tmp_path)
    turn(driver, clock)
    (task,) = cluster.tasks
    began(store, task, A)
    turn(driver, clock, 5.0)
    store.end(run.id, "interrupted", reason=ENDED_EARLY)  # by any program that watches
    turn(driver, clock, 25.0)
    assert not cluster.cancelled, "it may see that by itself"
    turn(driver, clock, 15.0)
    assert set(cluster.cancelled) == {task}
    cluster.ended[task] = exceptions.TaskCancelledError()
    turn(driver, clock, 5.0)
    assert cluster.tasks[1][0] == run.id and store.get(run.id).status == "queued"


def test_an_address_where_nobody_is_is_said_at_once(
    store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
        for prefix in ("", "ray://"):
            monkeypatch.setenv("RAY_ADDRESS", prefix + address)
            (tmp_path / STATE).unlink(missing_ok=True)
            assert not driver_of(store, tmp_path).connect()
            problem = json.loads((tmp_path / STATE).read_text())["problem"]
            assert problem.startswith(f"The Ray cluster at {prefix}{address} cannot be reached (")


def test_where_a_node_cannot_begin_it_is_said_and_tried_ever_more_rarely(
    store: RunStore, cluster: Cluster, clock: Clock, tmp_path: Path
) -> None:
    run = store.create(SMALL, FAST, owner="me")
    driver = driver_of(store, tmp_path)
    words = "MNIST_LAB_DATA=/none does not exist. Set it to a folder."
    for tries, seconds in ((1, 0.5), (2, 6.0), (3, 31.0)):
        turn(driver, clock, seconds)
        assert len(cluster.tasks) == tries
        cluster.ended[cluster.tasks[-1]] = words
        turn(driver, clock, 0.5)
    assert store.get(run.id).status == "queued"
    assert json.loads((tmp_path / STATE).read_text())["problem"] == words
    turn(driver, clock, 121.0)
    cluster.ended[cluster.tasks[-1]] = ""
    turn(driver, clock, 3.0)
    assert json.loads((tmp_path / STATE).read_text())["problem"] is None

    impatient = driver_of(store, tmp_path, name="ray-y", impatient=True)
    turn(impatient, clock)
    cluster.ended[cluster.tasks[-1]] = words
    turn(impatient, clock)
    assert (store.get(run.id).status, store.get(run.id).reason) == ("failed", words)

"""Runs on a real cluster of two nodes with a real PostgreSQL: one node is lost, and nothing else is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mnist_lab.jobs.executors import ALL_THERE_IS
from mnist_lab.jobs.ray_crew import RayCrew
from mnist_lab.ray_names import is_node
from mnist_lab.store import Run, RunStore
from mnist_lab.store.artefacts import PREDICTIONS
from mnist_lab.store.database import open_engine
from mnist_lab.training_config import TrainingConfig
from tests.jobs.conftest import (
    LONG,
    SMALL,
    assert_curve_is_whole,
    assert_figures_follow_from_predictions,
    has_ended,
)
from tests.ray_nodes import SECRETS, RayNode, lacking

TICK = 0.1
PATIENCE = 400.0  # seconds; Keras is imported and networks are trained in several processes beside those of other tests
TWINS = TrainingConfig(dataset="digits", epochs=20, batch_size=16, seed=5)


@pytest.fixture
def nodes() -> Iterator[list[RayNode]]:
    """A head and another node, with one CPU each."""
    if missing := lacking():
        pytest.skip(f"needs Ray: {missing}")
    started: list[RayNode] = []
    try:
        started.append(RayNode(1))
        started[0].wait()
        started.append(RayNode(1, head=started[0]))
        started[1].wait()
        yield started
    finally:
        for node in reversed(started):
            node.close()


@pytest.fixture
def store(
    postgres_url: str, nodes: list[RayNode], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RunStore]:
    for name in ("DATA", "EXECUTOR", "WORKERS", "TRAINERS", "RAY_CPUS", "ARTEFACTS"):
        monkeypatch.delenv(f"MNIST_LAB_{name}", raising=False)
    monkeypatch.setenv("MNIST_LAB_STORE", postgres_url)
    monkeypatch.setenv("MNIST_LAB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RAY_ADDRESS", nodes[0].address)
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    opened = RunStore(open_engine(postgres_url), tmp_path / "home")
    yield opened
    opened.close()


def tick_until(crew: RayCrew, condition: Callable[[], Any], patience: float = PATIENCE) -> None:
    limit = time.monotonic() + patience
    while not condition():
        if time.monotonic() > limit:
            said = crew._process.output_tail() if crew._process else ""
            pytest.fail(f"{[(run.status, run.reason) for run in crew.store.runs()]}, {crew.problem}\n{said}")
        crew.tick()
        time.sleep(TICK)


@pytest.mark.timeout(1200)  # two nodes, and Keras on each of them
def test_a_run_of_a_lost_node_goes_on_on_another_and_becomes_what_it_would_have_become(
    store: RunStore, nodes: list[RayNode]
) -> None:
    crew = RayCrew(store, "me", ALL_THERE_IS)
    other = store.create(SMALL, LONG, owner="somebody else")
    twins = [store.create(SMALL, TWINS, owner="me", name=name) for name in "ab"]

    def now() -> list[Run]:
        return [store.get(run.id) for run in twins]

    try:
        tick_until(crew, lambda: all(run.host for run in now()))
        assert crew.size == 2, "one for each CPU of the cluster"
        here = {process.pid for process in nodes[1].processes()}
        (lost,) = [run for run in now() if run.pid in here]
        (kept,) = [run for run in now() if run.pid not in here]
        assert lost.host != kept.host and is_node(lost.host) and is_node(kept.host), "each node has a name of its own"
        tick_until(crew, lambda: store.get(lost.id).epochs_run >= 2)
        nodes[1].kill_raylet()
        assert store.get(lost.id).epochs_run < TWINS.epochs, "it was killed in mid-training"
        tick_until(crew, lambda: store.get(lost.id).status != "running" or store.get(lost.id).worker != lost.worker)
        assert store.get(lost.id).status in ("queued", "running"), "it is put back and never seen to have ended"
        later = store.create(SMALL, LONG, owner="me")
        tick_until(crew, lambda: all(map(has_ended, now())))
        assert [(run.status, run.reason) for run in now()] == [("finished", None)] * 2
        again = store.get(lost.id)
        assert again.worker != lost.worker and again.host == kept.host != lost.host
        assert store.get(kept.id).worker == kept.worker, "the other went on undisturbed"
        for run in now():
            assert_curve_is_whole(store, run)
            assert_figures_follow_from_predictions(store, run)
        learnt = [
            [(entry["loss"], entry["val_accuracy"], entry["val_loss"]) for entry in store.history(run.id)]
            for run in now()
        ]
        assert learnt[0] == learnt[1], "the same seed, the same network, with and without a loss on the way"
        a, b = now()
        assert (a.test_accuracy, a.test_loss) == (b.test_accuracy, b.test_loss)
        tick_until(crew, lambda: crew.size == 1)

        tick_until(crew, lambda: store.get(later.id).epochs_run >= 1)
        assert store.get(later.id).pid == kept.pid, "Keras is imported once for many runs"
        store.command(later.id, "stop")
        tick_until(crew, lambda: store.get(later.id).status == "stopped")
        last = store.create(SMALL, LONG, owner="me")
        tick_until(crew, lambda: store.get(last.id).epochs_run >= 1)
        assert store.artefacts.has(later.id, PREDICTIONS), "what was stopped is evaluated before the next begins"
        begin = time.monotonic()
        crew.close()
        assert time.monotonic() - begin < 6
        closed = store.get(last.id)
        assert closed.status == "interrupted" and closed.can_go_on
        time.sleep(1.0)
        assert store.get(last.id).heartbeat == closed.heartbeat, "its task has ended too"
    finally:
        crew.close()
    assert store.get(other.id).status == "queued"

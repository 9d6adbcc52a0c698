"""What a crew on a Ray cluster does without one, and what becomes of the runs of lost nodes."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path

import pytest

from mnist_lab.jobs import default_size, executors, make_crew, processes, ray_crew
from mnist_lab.jobs.executors import ALL_THERE_IS, common_size
from mnist_lab.jobs.putting_back import RETRIES, put_back
from mnist_lab.jobs.ray_crew import RayCrew
from mnist_lab.ray_names import host_of, is_node, told
from mnist_lab.settings import read_settings
from mnist_lab.store import Run, RunStore
from mnist_lab.store.database import open_engine
from mnist_lab.store.records import ENDED_EARLY
from tests.jobs.conftest import FAST, SMALL

WHY = "its node was lost"


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(open_engine(f"sqlite:///{tmp_path / 'lab.db'}"), tmp_path)


def lost(store: RunStore, run: Run, worker: str) -> Run:
    """Claimed by a worker that then is gone."""
    taken = store.claim_run(run.id, worker, 1, owner="me")
    assert taken is not None
    return taken


def test_a_lost_run_is_put_back_so_often_and_then_it_is_for_a_person_to_say(store: RunStore) -> None:
    run = store.create(SMALL, FAST, owner="me")
    losses: Counter[str] = Counter()
    for time_ in range(RETRIES):
        put_back(store, lost(store, run, f"w{time_}"), WHY, losses)
        assert store.get(run.id).status == "queued"
        assert store.next_for("me", 5) == [run.id]
    put_back(store, lost(store, run, "last"), WHY, losses)
    ended = store.get(run.id)
    assert ended.status == "interrupted" and ended.can_go_on
    assert ended.reason == "It was begun 4 times, and its node was lost each time. Resume it from its last epoch."


def test_a_lost_run_that_was_to_stop_or_was_held_does_not_begin_again(store: RunStore) -> None:
    losses: Counter[str] = Counter()
    for command, status in (("stop", "stopped"), ("pause", "interrupted")):
        run = lost(store, store.create(SMALL, FAST, owner="me"), command)
        store.command(run.id, command)
        put_back(store, store.get(run.id), WHY, losses)
        ended = store.get(run.id)
        assert ended.status == status and WHY in (ended.reason or "")


def test_a_run_that_somebody_else_has_by_now_is_not_put_back(store: RunStore) -> None:
    first = lost(store, store.create(SMALL, FAST, owner="me"), "first")
    losses: Counter[str] = Counter()
    put_back(store, first, WHY, losses)
    lost(store, first, "second")
    put_back(store, first, WHY, losses)
    assert store.get(first.id).worker == "second" and store.get(first.id).status == "running"
    assert losses[first.id] == 1, "nor is it counted"


def test_a_run_that_was_taken_for_silent_is_put_back_too(store: RunStore) -> None:
    run = lost(store, store.create(SMALL, FAST, owner="me"), "w")
    store.end(run.id, "interrupted", reason=ENDED_EARLY)
    put_back(store, store.get(run.id), WHY, Counter())
    again = store.get(run.id)
    assert (again.status, again.reason, again.ended) == ("queued", None, None)


def test_nodes_of_one_machine_are_told_apart_and_from_the_machine() -> None:
    names = {host_of("box", "a" * 56), host_of("box", "b" * 56), host_of("m" * 300, "a" * 56)}
    assert len(names) == 3 and all(is_node(name) and len(name) <= 255 for name in names)
    assert not is_node("box") and not is_node(None)


def test_nodes_are_told_where_things_are_and_what_opens_them_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNIST_LAB_HOME", str(tmp_path))
    monkeypatch.setenv("MNIST_LAB_STORE", "postgresql+psycopg://me:secret@db/lab")
    monkeypatch.setenv("MNIST_LAB_EXECUTOR", "local")
    monkeypatch.delenv("MNIST_LAB_DATA", raising=False)
    environment = {
        "MNIST_LAB_LOG_LEVEL": "DEBUG", "MNIST_LAB_EXECUTOR": "ray", "AWS_SECRET_ACCESS_KEY": "key",
        "PGSSLMODE": "require", "PATH": "/bin", "HOME": "/root", "RAY_ADDRESS": "head:6379", "OTHER_TOKEN": "t",
    }  # fmt: skip
    assert told(read_settings(), environment) == {
        "MNIST_LAB_HOME": str(tmp_path), "MNIST_LAB_STORE": "postgresql+psycopg://me:secret@db/lab",
        "MNIST_LAB_LOG_LEVEL": "DEBUG", "AWS_SECRET_ACCESS_KEY": "key", "PGSSLMODE": "require",
        "KERAS_BACKEND": "tensorflow",
    }  # fmt: skip


def test_the_setting_chooses_the_crew_and_its_size_is_the_clusters_to_say(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mnist_lab.settings.find_spec", lambda package: object())
    monkeypatch.setenv("MNIST_LAB_EXECUTOR", "ray")
    monkeypatch.delenv("MNIST_LAB_TRAINERS", raising=False)
    assert default_size() == common_size() == ALL_THERE_IS
    crew = make_crew(store, "me")
    assert isinstance(crew, RayCrew) and crew.size == 1 and not crew.is_warm
    monkeypatch.setenv("MNIST_LAB_TRAINERS", "7")
    assert default_size() == common_size() == 7
    assert set(executors.CREWS) == {"local", "ray"}
    crew.close()


# Drivers that fail ----------------------------------------------------------------------------------------------------


@pytest.fixture
def unreachable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is started as a driver says that it reached no cluster, and ends."""
    python = tmp_path / "python"
    said = json.dumps({"problem": "The Ray cluster at head:6379 cannot be reached (no route)."})
    python.write_text(
        '#!/bin/sh\nfor word; do [ "$before" = --folder ] && folder=$word; before=$word; done\n'
        f"echo '{said}' >\"$folder/state.json\"\nexit 3\n"
    )
    python.chmod(0o700)
    monkeypatch.setattr(processes.sys, "executable", str(python))
    monkeypatch.setattr(ray_crew, "RETRY_SECONDS", (0.2,))


def tick_for(crew: RayCrew, seconds: float) -> None:
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        crew.tick()
        time.sleep(0.05)


@pytest.mark.usefixtures("unreachable")
def test_where_no_cluster_is_reached_the_runs_wait_and_it_is_said(store: RunStore) -> None:
    crew = RayCrew(store, None, 9)
    tick_for(crew, 0.2)
    assert not crew.is_warm and crew.problem is None, "nothing is queued, and nothing is asked"
    run = store.create(SMALL, FAST)
    tick_for(crew, 1.5)
    assert crew.problem == "The Ray cluster at head:6379 cannot be reached (no route)."
    assert store.get(run.id).status == "queued"
    crew.close()


@pytest.mark.usefixtures("unreachable")
def test_where_nobody_would_wait_a_run_fails_with_the_reason(store: RunStore) -> None:
    run = store.create(SMALL, FAST, owner="me")
    crew = RayCrew(store, "me", 1, patient=False)
    tick_for(crew, 1.5)
    ended = store.get(run.id)
    assert (ended.status, ended.reason) == ("failed", "The Ray cluster at head:6379 cannot be reached (no route).")
    crew.close()


@pytest.mark.usefixtures("unreachable")
def test_what_a_driver_had_in_hand_is_put_back_when_it_is_gone(store: RunStore) -> None:
    crew = RayCrew(store, "me", 1)
    runs = [store.create(SMALL, FAST, owner="me") for _ in range(2)]
    crew.tick()
    assert crew._process is not None
    assert store.claim_run(runs[0].id, f"{crew._process.name}-1", 1, owner="me") is not None
    assert store.claim_run(runs[1].id, "another-1", 1, owner="me") is not None
    for run in runs:
        store.set_figures(run.id, host=host_of("box", "a" * 56))
    crew._process.wait(10)
    crew.tick()
    assert [store.get(run.id).status for run in runs] == ["queued", "running"]
    crew.close()

"""The worker's thread that writes progress and reads commands, over a store that can be away for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from mnist_lab import heartbeat
from mnist_lab.architecture import Architecture
from mnist_lab.errors import StoreError
from mnist_lab.heartbeat import Heartbeat
from mnist_lab.layers import Dense, Flatten
from mnist_lab.store import RunStore
from mnist_lab.store.database import open_engine
from mnist_lab.training_config import TrainingConfig


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "PERIOD_SECONDS", 0.02)
    monkeypatch.setattr(heartbeat, "PATIENCE_SECONDS", 0.2)


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(open_engine(f"sqlite:///{tmp_path / 'lab.db'}"), tmp_path)


@pytest.fixture
def run_id(store: RunStore) -> str:
    store.create(Architecture((Flatten(), Dense(10, "softmax"))), TrainingConfig())
    run = store.claim("w", 1)
    assert run is not None
    return run.id


def soon(condition: Callable[[], Any]) -> None:
    limit = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < limit, "waited in vain"
        time.sleep(0.005)


def test_it_writes_progress_status_and_points_and_all_of_them_before_it_ends(store: RunStore, run_id: str) -> None:
    with Heartbeat(store, run_id, "w") as beat:
        beat.progress(phase="training", epoch=1)
        beat.progress(step=5)
        beat.status("paused")
        soon(lambda: store.get(run_id).status == "paused")
        beat.status("running")
        for step in range(1, 101):
            beat.point(step, step / 100, 1.0, 0.5)
        beat.progress(phase="done")
    run = store.get(run_id)
    assert run.status == "running"
    assert run.progress == {"phase": "done", "epoch": 1, "step": 5}
    assert [point["step"] for point in store.points(run_id)] == list(range(1, 101))


def test_it_brings_commands_and_says_when_the_run_is_lost(store: RunStore, run_id: str) -> None:
    with Heartbeat(store, run_id, "w") as beat:
        for command in ("pause", "", "stop"):
            store.command(run_id, command)
            soon(lambda wanted=command: beat.command == wanted)
        assert not beat.is_lost
        store.end(run_id, "interrupted")
        soon(lambda: beat.is_lost)
    assert store.get(run_id).status == "interrupted"


def test_while_the_store_is_away_nothing_is_lost_and_nothing_raised(
    store: RunStore, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = store.report
    failures: list[int] = []

    def away(*_: Any, **__: Any) -> str:
        failures.append(1)
        raise StoreError("away")

    with Heartbeat(store, run_id, "w") as beat:
        monkeypatch.setattr(store, "report", away)
        for step in range(1, 6):
            beat.point(step, step / 10, 1.0, 0.5)
            failures.clear()
            soon(lambda: failures)
        assert store.points(run_id) == []
        monkeypatch.setattr(store, "report", report)
        soon(lambda: store.points(run_id))
        assert not beat.is_lost
    assert [point["step"] for point in store.points(run_id)] == [1, 2, 3, 4, 5]


def test_after_a_flush_all_points_are_written_in_order_even_if_the_thread_was_busy_with_some(
    store: RunStore, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    report, inside = store.report, threading.Event()

    def slow(*arguments: Any, **more: Any) -> str | None:
        if arguments[3] and not inside.is_set():
            inside.set()
            time.sleep(0.2)
        return report(*arguments, **more)

    monkeypatch.setattr(store, "report", slow)
    with Heartbeat(store, run_id, "w") as beat:
        beat.point(1, 0.1, 1.0, 0.5)
        assert inside.wait(10)
        beat.point(2, 0.2, 1.0, 0.5)
        beat.flush()
        assert [point["step"] for point in store.points(run_id)] == [1, 2]


@pytest.mark.parametrize("attended", [False, True])
def test_a_stop_to_which_the_training_does_not_turn_is_given_up_after_a_while(
    store: RunStore, run_id: str, attended: bool
) -> None:
    given_up: list[float] = []
    with Heartbeat(store, run_id, "w", lambda: given_up.append(time.monotonic())) as beat:
        time.sleep(0.3)
        assert not given_up, "nobody asked for a stop"
        store.command(run_id, "stop")
        asked = time.monotonic()
        if attended:
            beat.attended()
        time.sleep(0.1)
        assert not given_up
        time.sleep(0.4)
    assert bool(given_up) is not attended
    if given_up:
        assert given_up[0] - asked >= 0.2


def watched(store: RunStore, run_id: str, hung: list[float]) -> Heartbeat:
    return Heartbeat(store, run_id, "w", hung=hung.append)


def test_a_main_thread_that_moves_no_more_hangs_and_may_take_longer_for_its_first_batch(
    store: RunStore, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "FIRST_SECONDS", 60.0)
    monkeypatch.setattr(heartbeat, "HANG_SECONDS", 1.0)
    monkeypatch.setattr(heartbeat, "HANG_FACTOR", 0.0)
    hung: list[float] = []
    with watched(store, run_id, hung) as beat:
        time.sleep(1.3)
        assert not hung, "it may still download"
        beat.moved(by_a_batch=True)
        for move in (beat.moved, lambda: beat.status("paused")):
            for _ in range(13):
                time.sleep(0.1)
                move()
            assert not hung, "it moves, or is paused"
        soon(lambda: hung)
    assert hung[0] > 1.0


def test_a_main_thread_may_take_many_times_the_longest_that_it_ever_took(
    store: RunStore, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "HANG_SECONDS", 0.1)
    monkeypatch.setattr(heartbeat, "HANG_FACTOR", 1000.0)
    hung: list[float] = []
    with watched(store, run_id, hung) as beat:
        soon(lambda: beat._still > 0)  # its longest so far: a beat of 0.02 s at least
        beat.moved(by_a_batch=True)
        time.sleep(0.5)
        assert not hung
        monkeypatch.setattr(heartbeat, "HANG_FACTOR", 0.0)
        soon(lambda: hung)


def test_a_process_that_was_held_or_a_machine_that_slept_does_not_hang(
    store: RunStore, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, true = [0.0], time.monotonic
    monkeypatch.setattr(heartbeat.time, "monotonic", lambda: true() + clock[0])
    hung: list[float] = []
    with watched(store, run_id, hung) as beat:
        beat.moved(by_a_batch=True)
        for _ in range(20):
            clock[0] += 3600.0
            time.sleep(0.03)
        assert not hung, "each hour counts as one beat"


def test_the_promise_of_two_seconds_leaves_time_for_the_disk() -> None:
    source = Path(heartbeat.__file__).read_text(encoding="utf-8")
    values = {
        name.strip(): float(value)
        for name, _, value in (line.partition("=") for line in source.splitlines())
        if name.strip() in ("PERIOD_SECONDS", "PATIENCE_SECONDS")
    }
    assert 2 * values["PERIOD_SECONDS"] + values["PATIENCE_SECONDS"] <= 1.95


# How often -----------------------------------------------------------------------------------------------------------


class Slow:
    """A store whose answers take as long as one wishes; the clock is set forward by that."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, is_on_a_server: bool) -> None:
        self.is_on_a_server, self.takes, self.asked, self.now = is_on_a_server, 0.001, 0, 0.0
        monkeypatch.setattr(heartbeat.time, "monotonic", lambda: self.now)

    def report(self, *_: Any, **__: Any) -> str:
        self.asked += 1
        self.now += self.takes
        if self.takes > 100:
            raise StoreError("away", "wait")
        return ""


def settled(beat: Heartbeat) -> float:
    """The period when the last answers are all that counts."""
    for _ in range(30):
        beat.flush()
    return beat.period


def test_a_server_is_asked_less_often_the_slower_it_answers_and_oftener_again_when_it_is_quick(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()
    slow = Slow(monkeypatch, is_on_a_server=True)
    beat = Heartbeat(slow, "r", "w")  # type: ignore[arg-type]
    assert beat.period == settled(beat) == 0.25, "an answer of a millisecond"
    slow.takes = 0.05
    assert settled(beat) == pytest.approx(1.0, rel=0.01), "a twentieth of its time is what a worker spends there"
    slow.takes = 3.0
    assert settled(beat) == 5.0, "who stops a training does not wait longer than that"
    slow.takes = 0.001
    assert settled(beat) == 0.25


def test_a_server_that_refuses_is_asked_less_often_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    slow = Slow(monkeypatch, is_on_a_server=True)
    beat = Heartbeat(slow, "r", "w")  # type: ignore[arg-type]
    slow.takes = 101.0
    assert settled(beat) == 5.0 and slow.asked == 30 and not beat.is_lost


def test_this_machines_own_store_is_asked_four_times_a_second_however_long_it_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()
    slow = Slow(monkeypatch, is_on_a_server=False)
    beat = Heartbeat(slow, "r", "w")  # type: ignore[arg-type]
    slow.takes = 3.0
    assert settled(beat) == beat._pace.pause == 0.25


def test_workers_that_began_together_do_not_ask_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    slow = Slow(monkeypatch, is_on_a_server=True)
    pauses = {heartbeat.Pace(slow, 0.1, 1.0).pause for _ in range(50)}  # type: ignore[arg-type]
    assert len(pauses) > 40 and min(pauses) >= 0.8 and max(pauses) <= 1.0


def test_the_points_of_a_long_training_are_as_many_as_a_screen_can_show_and_those_of_a_short_one_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()
    slow = Slow(monkeypatch, is_on_a_server=False)
    beat = Heartbeat(slow, "r", "w")  # type: ignore[arg-type]
    points = []
    while slow.now < 24 * 3600:
        points.append(slow.now)
        slow.now += beat.point_period
    early = [each for each in points if each <= 480]
    assert len(early) == pytest.approx(4 * 480, abs=2), "four a second"
    assert 10_000 < len(points) < 13_000
    # Ever wider, and never so wide that a curve would lack a part of itself.
    assert max(after - before for before, after in pairwise(points)) < 24 * 3600 / 1_900

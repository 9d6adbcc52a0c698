"""The curve that all tabs share: what it asks the store for, and when it is drawn anew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mnist_lab.store import Run, RunStore, open_store
from mnist_lab.studies import preset
from mnist_lab.ui import live_curve
from mnist_lab.ui.live_curve import MAX_POINTS, OLD_SECONDS, YOUNG_SECONDS, LiveCurve


class Clock:
    """A clock that stands still until it is told."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(live_curve, "time", made)
    return made


@pytest.fixture
def store(home: Path) -> Any:
    made = open_store()
    yield made
    made.close()


def begin(store: RunStore) -> str:
    chosen = preset("lenet-5")
    run = store.create(chosen.architecture, chosen.training)
    claimed = store.claim("w", 1)
    assert claimed is not None
    assert claimed.id == run.id
    return run.id


def report(store: RunStore, run_id: str, steps: range) -> None:
    points = [{"step": step, "epoch": step / 1000, "loss": 1 / step, "accuracy": 0.5} for step in steps]
    store.report(run_id, "w", {"phase": "training"}, points)


def points(curve: LiveCurve, store: RunStore, run: Run) -> int:
    """How many points the drawn chart has in its curve of batches."""
    traces = json.loads(curve.drawn(store, run).payload)["data"]
    found = [trace for trace in traces if trace["uid"] == "batch-loss"]
    if not found:
        return 0
    x = found[0]["x"]
    # Plotly writes arrays as base64 of float32.
    return len(x["bdata"].rstrip("=")) * 3 // 4 // 4 if isinstance(x, dict) else len(x)


def test_a_young_curve_follows_each_second_and_a_long_one_every_other(store: RunStore, clock: Clock) -> None:
    run_id = begin(store)
    curve = LiveCurve(run_id)
    assert points(curve, store, store.get(run_id)) == 0
    report(store, run_id, range(1, 4))
    assert points(curve, store, store.get(run_id)) == 3, "the first point is not waited for"
    report(store, run_id, range(4, 6))
    assert points(curve, store, store.get(run_id)) == 3
    clock.now += YOUNG_SECONDS + 0.01
    assert points(curve, store, store.get(run_id)) == 5
    report(store, run_id, range(6, 1000))
    clock.now += YOUNG_SECONDS + 0.01
    assert 0.9 * MAX_POINTS <= points(curve, store, store.get(run_id)) <= MAX_POINTS
    before = curve.drawn(store, store.get(run_id))
    report(store, run_id, range(1000, 1100))
    clock.now += YOUNG_SECONDS + 0.01
    assert curve.drawn(store, store.get(run_id)) is before
    clock.now += OLD_SECONDS
    assert curve.drawn(store, store.get(run_id)).revision != before.revision


def test_an_epoch_and_the_end_are_shown_at_once(store: RunStore, clock: Clock) -> None:
    run_id = begin(store)
    curve = LiveCurve(run_id)
    report(store, run_id, range(1, 4))
    before = curve.drawn(store, store.get(run_id))
    store.add_epoch(run_id, {"epoch": 1, "loss": 0.5, "accuracy": 0.8, "val_loss": 0.4, "val_accuracy": 0.9})
    after = curve.drawn(store, store.get(run_id))
    assert '"val_accuracy"' in after.payload
    assert '"val_accuracy"' not in before.payload
    report(store, run_id, range(1001, 1004))
    store.end(run_id, "finished", worker="w")
    assert points(curve, store, store.get(run_id)) == 6
    assert curve.drawn(store, store.get(run_id)) is curve.drawn(store, store.get(run_id))


def test_only_new_points_are_fetched(store: RunStore, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = begin(store)
    curve = LiveCurve(run_id)
    report(store, run_id, range(1, 101))
    curve.drawn(store, store.get(run_id))
    asked: list[int] = []
    read = store.points

    def watched(run_id: str, after: int = 0) -> Any:
        found = read(run_id, after)
        asked.append(len(found))
        return found

    monkeypatch.setattr(store, "points", watched)
    report(store, run_id, range(101, 104))
    clock.now += YOUNG_SECONDS + 0.01
    curve.drawn(store, store.get(run_id))
    assert asked == [3]


def test_a_run_that_goes_on_from_an_earlier_epoch_forgets_what_came_after(store: RunStore, clock: Clock) -> None:
    run_id = begin(store)
    curve = LiveCurve(run_id)
    report(store, run_id, range(1, 3000, 100))
    for epoch in (1, 2):
        store.add_epoch(run_id, {"epoch": epoch, "loss": 0.5, "accuracy": 0.8})
    assert points(curve, store, store.get(run_id)) == 30
    store.rewind(run_id, 0)
    clock.now += YOUNG_SECONDS + 0.01
    for epoch in (1, 2, 3, 4):
        store.add_epoch(run_id, {"epoch": epoch, "loss": 0.5, "accuracy": 0.8})
    assert points(curve, store, store.get(run_id)) == 0

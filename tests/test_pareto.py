"""What accuracy costs: the line of what no other point beats, against brute force, and the points it is drawn from."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mnist_lab import metrics, pareto
from mnist_lab.pareto import COSTS, PROJECT, PUBLISHED, YOURS, front
from mnist_lab.store import RunStore
from mnist_lab.store.database import open_engine
from mnist_lab.studies import measured, preset, presets
from tests.made_runs import IMAGES, ONE, SMALL, WIDE, add_run


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    store = RunStore(open_engine(f"sqlite:///{tmp_path / 'lab.db'}"), tmp_path)
    yield store
    store.close()


def beaten(costs: np.ndarray, accuracies: np.ndarray, one: int) -> bool:
    """Whether any other point is at least as good in both and better in one: the definition, pair by pair."""
    return any(
        costs[other] <= costs[one]
        and accuracies[other] >= accuracies[one]
        and (costs[other] < costs[one] or accuracies[other] > accuracies[one])
        for other in range(len(costs))
    )


def test_the_line_is_what_no_other_point_beats_over_random_points_with_ties_and_gaps() -> None:
    rng = np.random.default_rng(1)
    for _ in range(300):
        size = int(rng.integers(0, 30))
        costs = rng.integers(1, 8, size).astype(float)
        accuracies = rng.integers(0, 8, size) / 8
        costs[rng.random(size) < 0.1] = math.nan
        accuracies[rng.random(size) < 0.1] = math.nan
        known = ~np.isnan(costs) & ~np.isnan(accuracies)
        expected = [bool(known[one]) and not beaten(costs, accuracies, one) for one in range(size)]
        assert front(costs, accuracies).tolist() == expected


def test_equal_points_are_on_the_line_together_and_a_dearer_one_as_good_is_not() -> None:
    assert front([10, 10, 20, 5], [0.9, 0.9, 0.9, 0.8]).tolist() == [True, True, False, True]
    assert front([], []).tolist() == []
    assert front([math.nan, 3], [1.0, math.nan]).tolist() == [False, False]
    with pytest.raises(ValueError, match="one accuracy per cost"):
        front([1, 2], [0.5])


def test_runs_that_differ_in_their_seed_alone_are_one_point_at_their_mean(store: RunStore) -> None:
    runs = [
        add_run(store, range(wrong), training=replace(ONE, seed=seed), seconds=seconds, name=f"net, seed {seed}")
        for seed, (wrong, seconds) in enumerate([(5, 10.0), (8, None), (14, 14.0)])
    ]
    alone = add_run(store, range(3), network=WIDE, name="wide")
    (seeds,) = (entry for entry in pareto.of_groups([*runs, alone]) if entry.seeds == 3)
    accuracies = [run.test_accuracy for run in runs]
    assert seeds.accuracy == pytest.approx(np.mean(accuracies)) and seeds.spread == pytest.approx(
        np.std(accuracies, ddof=1)
    )
    assert seeds.interval == metrics.seeds_interval(accuracies)
    assert seeds.cost("seconds") == 12.0, "the mean of those that are known"
    assert set(seeds.runs) == {run.id for run in runs} and seeds.name == "net"
    each = pareto.of_runs([*runs, alone])
    assert [entry.runs for entry in each] == [(run.id,) for run in [*runs, alone]]
    assert each[0].interval == runs[0].test_accuracy_interval and each[0].spread is None
    assert each[3].cost("parameters") == alone.parameters and each[3].cost("multiply_adds") == alone.multiply_adds


def test_runs_without_an_accuracy_are_no_points_and_those_without_a_cost_are_counted_in_words(store: RunStore) -> None:
    known = add_run(store, [1], prediction_seconds=1e-5)
    unknown = [add_run(store, [1], name=str(each), test_accuracy=0.9) for each in range(2)]
    waiting = store.create(SMALL, ONE)
    entries = pareto.of_runs([known, *unknown, waiting])
    assert len(entries) == 3
    words = pareto.missing_words(entries, COSTS["prediction_seconds"])
    assert words.startswith("2 of your points have no prediction time; `evaluate` measures it")
    assert pareto.missing_words(entries[:1], COSTS["prediction_seconds"]) == ""
    assert pareto.on_line(entries, COSTS["prediction_seconds"]) == {entries[0].key}


def test_other_data_are_told_apart_also_where_they_are_the_users_own(store: RunStore) -> None:
    digits = add_run(store, [1])
    own = [add_run(store, [1], dataset="custom", fingerprint=letter * 12) for letter in "ab"]
    assert pareto.data_of(digits) == "digits"
    assert len({pareto.data_of(run) for run in own}) == 2
    assert {entry.data for entry in [*pareto.of_published(), *pareto.of_project()]} == {"mnist"}


def test_every_published_accuracy_is_a_point_with_the_costs_of_our_arithmetic() -> None:
    entries = {entry.preset: entry for entry in pareto.of_published()}
    printed = {
        name: each for name, each in presets().items() if each.published and each.published.test_accuracy is not None
    }
    assert set(entries) == set(printed) and len(entries) == 58
    for name, entry in entries.items():
        published = printed[name].published
        assert entry.accuracy == published.test_accuracy and entry.cost("parameters") == published.parameters
        assert entry.cost("multiply_adds") == printed[name].analysis.multiply_adds
        assert entry.is_flattered == (entry.split == "test-as-validation")
        assert entry.cost("seconds") is None and entry.cost("prediction_seconds") is None
    timed = {entry.preset: entry.cost("seconds") for entry in pareto.of_published(with_times=True)}
    assert {name for name, value in timed.items() if value} == {
        name for name, each in printed.items() if each.published.wall_seconds
    }


def test_what_the_project_measured_is_one_point_a_model() -> None:
    entry = next(entry for entry in pareto.of_project() if entry.preset == "000-model-10")
    trainings = measured.of("000-model-10")
    assert entry.kind == PROJECT and entry.seeds == len(trainings)
    assert entry.accuracy == pytest.approx(np.mean([each.test_accuracy for each in trainings]))
    assert entry.cost("seconds") == pytest.approx(np.mean([each.seconds for each in trainings]))
    assert entry.cost("parameters") == preset("000-model-10").parameters


def test_a_point_says_what_it_is_with_its_interval_and_who_flatters_it(store: RunStore) -> None:
    run = add_run(store, range(36), name="<b>", split="test-as-validation", seconds=61.0, device="a machine")
    (entry,) = pareto.of_runs([run])
    words = " | ".join(entry.words(COSTS["seconds"]))
    low, high = metrics.accuracy_interval(IMAGES - 36, IMAGES)
    assert f"90.00 % ({100 * low:.2f} – {100 * high:.2f}) test accuracy" in words
    assert "1 min 01 s of training" in words and "on a machine" in words and "⚠️" in words
    assert "on a machine" not in " ".join(entry.words(COSTS["parameters"])), "parameters depend on no machine"
    assert (entry.kind, entry.key) == (YOURS, f"yours:{run.id}")
    assert "cost unknown" in " ".join(replace(entry, costs={}).words(COSTS["seconds"]))
    assert next(iter(pareto.of_published())).kind == PUBLISHED

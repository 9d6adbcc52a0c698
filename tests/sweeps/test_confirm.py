"""Fresh seeds tell luck from skill: the intervals hold what they promise, and the test images choose nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from mnist_lab.errors import SweepError
from mnist_lab.jobs.confirming import confirm, confirmed
from mnist_lab.store import Run, RunStore, Trial
from mnist_lab.store.records import FINAL
from mnist_lab.sweeps.confirm import Confirmation, Fresh, chosen, confirmation, fresh_seeds
from mnist_lab.sweeps.search import best_of
from tests.sweeps.fakes import FakeCrew, drive, driver_of, sweep

pytest.importorskip("optuna")


def trained(store: RunStore, accuracies: list[float], tests: list[float]) -> list[Fresh]:
    run = store.create(sweep().architecture, sweep().training)
    values = {name: getattr(run, name) for name in Run.__dataclass_fields__}
    found = []
    for seed, (accuracy, test) in enumerate(zip(accuracies, tests, strict=True)):
        known = {"status": "finished", "test_accuracy": test, "test_images": 10_000, "training": {"seed": seed}}
        found.append(Fresh(Run(**{**values, **known}), accuracy))
    return found


def trial(number: int = 0, accuracy: float = 0.99) -> Trial:
    return Trial("s", number, {}, "complete", accuracy, None, 5, 6, 1, [], None, [], 0, {}, 0.0, None)


def test_the_luck_is_what_the_search_found_less_the_mean_of_fresh_seeds(store: RunStore) -> None:
    accuracies, tests = [0.981, 0.983, 0.985, 0.979], [0.975, 0.976, 0.974, 0.979]
    found = confirmation([trial()], {0: trained(store, accuracies, tests)}, range(4), 5000).trials[0]
    mean = stats.ttest_1samp(accuracies, 0).confidence_interval(0.95)
    assert found.luck.value == pytest.approx(0.99 - np.mean(accuracies))
    assert (found.luck.low, found.luck.high) == pytest.approx((0.99 - mean.high, 0.99 - mean.low))
    assert (found.validation.low, found.validation.high) == pytest.approx((mean.low, mean.high))
    assert found.test.value == pytest.approx(np.mean(tests))
    seeds = stats.ttest_1samp(tests, 0).confidence_interval(0.95)
    assert found.test.low is not None and found.test.low < seeds.low
    assert found.images.value == pytest.approx(np.mean(accuracies) - np.mean(tests))
    assert "were luck of the search" in found.sentence and "0.80 points" in found.sentence


def test_the_interval_of_the_luck_holds_the_truth_as_often_as_it_says(store: RunStore) -> None:
    chance = np.random.default_rng(4)
    fresh = trained(store, [0.5] * 4, [0.5] * 4)
    held, many = 0, 1500
    for _ in range(many):
        truth = 0.9 + 0.01 * chance.random(20)
        searched = truth + 0.005 * chance.standard_normal(20)
        best = int(searched.argmax())
        again = truth[best] + 0.005 * chance.standard_normal(4)
        those = [Fresh(each.run, float(value)) for each, value in zip(fresh, again, strict=True)]
        luck = confirmation([trial(0, float(searched[best]))], {0: those}, range(4)).trials[0].luck
        assert luck.low is not None and luck.high is not None
        held += luck.low <= searched[best] - truth[best] <= luck.high
    assert 0.93 < held / many < 0.97


def test_one_seed_says_nothing_of_luck_and_what_is_missing_is_counted(store: RunStore) -> None:
    fresh = trained(store, [0.98, 0.97], [0.97, 0.96])
    found = confirmation([trial(), trial(1)], {0: fresh[:1]}, [0, 1, 2])
    assert found.missing == 5 and len(found.trials) == 1
    assert found.trials[0].luck.low is None and "a single seed does not tell" in found.trials[0].sentence
    assert "5 trainings are not finished" in found.sentence
    assert Confirmation((), 3).winner is None and "Nothing" in Confirmation((), 3).sentence


def test_the_winner_is_chosen_by_validation_and_not_by_the_test_images(store: RunStore) -> None:
    first, second = trained(store, [0.97, 0.98], [0.99, 0.99]), trained(store, [0.98, 0.99], [0.90, 0.91])
    found = confirmation([trial(0), trial(1)], {0: first, 1: second}, range(2))
    assert found.winner is not None and found.winner.trial.number == 1
    assert "it is the best" in found.sentence
    assert found.to_json()["winner"] == 1


@pytest.fixture
def done(store: RunStore) -> Any:
    return drive(driver_of(store, sweep(trials=4, seeds=2))).record


class Evaluating(FakeCrew):
    """Has a look at the test images at the end, where it is asked to."""

    def _work(self, worker: str, run: Run) -> Run | None:
        left = super()._work(worker, run)
        if left is None and run.training.get("test_at_end", True):
            self.store.set_figures(run.id, test_accuracy=0.9, test_images=100)
            self.store.count_looks(run.id)
        return left


def test_the_best_are_trained_anew_on_seeds_that_the_sweep_never_used(store: RunStore, done: Any) -> None:
    made = sweep(trials=4, seeds=2)
    searched = {run.training["seed"] for run in store.runs(sweep=done.id)}
    assert searched == {42, 43} and not searched & set(fresh_seeds(made, 50))
    left = confirm(store, done, best=2, seeds=3, owner="me", person="p")
    assert {run.id for run in confirm(store, done, best=2, seeds=3, owner="me")} == {run.id for run in left}
    best = [each.number for each in best_of(store.trials(done.id))[:2]]
    assert [(run.trial, run.training["seed"]) for run in left] == [(n, seed) for n in best for seed in (44, 45, 46)]
    crew = Evaluating(store, "me")
    for _ in range(200):
        crew.tick()
    assert all(store.get(run.id).status in FINAL for run in left)
    assert {
        (run.test_looks, run.training.get("test_at_end", True)) for run in store.runs(ids=[r.id for r in left])
    } == {(1, True)}
    found = confirmed(store, done, best=2, seeds=3)
    assert found.missing == 0 and [each.trial.number for each in found.trials] == best
    assert [run.training["seed"] for run in found.trials[0].runs] == [44, 45, 46]
    assert confirm(store, done, best=2, seeds=3, owner="me") == []
    assert len(confirm(store, done, best=2, seeds=4, owner="me")) == 2
    again = store.trials(done.id)
    store.extend_sweep(done.id, trials=1)
    drive(driver_of(store, store.get_sweep(done.id), "next"))
    assert store.trials(done.id)[:4] == again, "confirming changes nothing of the search"


def test_without_a_complete_trial_there_is_nothing_to_confirm() -> None:
    with pytest.raises(SweepError, match="no complete trial"):
        chosen(sweep(), [], 3)

"""The search proposes what Optuna, driven directly, proposes; and goes on after a restart as if there had been none."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from mnist_lab.architecture import Architecture
from mnist_lab.errors import SweepError
from mnist_lab.layers import Conv2D, Dense, Flatten
from mnist_lab.store import Trial
from mnist_lab.sweeps.dimensions import Dimension, IntegerRange, NumberRange, OneOf, Repeat, name_of
from mnist_lab.sweeps.search import Search, best_of, seed_of
from mnist_lab.sweeps.sweep import Search as Settings
from mnist_lab.sweeps.sweep import Sweep
from mnist_lab.training_config import TrainingConfig

optuna = pytest.importorskip("optuna")
NETWORK = Architecture((Conv2D(8), Flatten(), Dense(16), Dense(10, "softmax")))
SPACE: tuple[Dimension, ...] = (
    IntegerRange("layers.2.units", 4, 64, log=True),
    NumberRange("training.optimizer.learning_rate", 1e-4, 1e-1, log=True),
    OneOf("layers.0.kernel_size", ((3, 3), (5, 5))),
    Repeat("layers.2", 1, 1, 3),
)
SMALL: tuple[Dimension, ...] = (IntegerRange("layers.2.units", 1, 4), OneOf("layers.0.padding", ("valid", "same")))
EPOCHS = 9


def sweep(dimensions: tuple[Dimension, ...] = SPACE, **settings: Any) -> Sweep:
    return Sweep(NETWORK, TrainingConfig(epochs=EPOCHS), dimensions, Settings(seed=7, **settings))


def accuracy(values: dict[str, Any]) -> float:
    """A made-up figure with a best place within the space."""
    units = values.get("layers.2.units", 0)
    rate = values.get("training.optimizer.learning_rate", 0.01)
    return round(0.99 - abs(units - 20) / 200 - abs(rate - 0.01) - 0.01 * values.get("repeat layers.2", 1), 6)


def cost(values: dict[str, Any]) -> int:
    return int(values.get("layers.2.units", 0)) * int(values.get("repeat layers.2", 1))


def as_trial(number: int, values: dict[str, Any], notes: dict[str, Any], state: str = "complete", **more: Any) -> Trial:
    known = {"accuracy": accuracy(values), "parameters": cost(values)} if state == "complete" else {}
    figures: dict[str, Any] = {"accuracy": None, "parameters": None, "curve": [], **known, **more}
    return Trial(
        sweep="s", number=number, values=values, state=state, spread=None, multiply_adds=None, epochs=1, runs=[],
        reason=None, resumed=0, notes=notes, created=0.0, ended=None, **figures,
    )  # fmt: skip


def driven(
    made: Sweep, count: int, *, restarts: bool = False, state: Callable[[int], str] = lambda number: "complete"
) -> list[dict[str, Any]]:
    """The values of the trials that a sweep makes, one after the other."""
    search, trials = Search(made), []
    for number in range(count):
        if restarts:
            search = Search(made, trials)
        proposal = search.ask(number)
        if proposal is None:
            break
        what = state(number)
        trials.append(as_trial(number, proposal.values, proposal.notes, what))
        search.tell(number, what, trials[-1].accuracy, trials[-1].parameters)
        trials[-1] = as_trial(number, proposal.values, search.notes(number), what)
    return [trial.values for trial in trials]


SAMPLERS = {
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed, multivariate=True, constant_liar=True),
    "evolution": lambda seed: optuna.samplers.NSGAIISampler(seed=seed, population_size=20),
}
DISTRIBUTIONS = {
    "layers.2.units": optuna.distributions.IntDistribution(4, 64, log=True),
    "training.optimizer.learning_rate": optuna.distributions.FloatDistribution(1e-4, 1e-1, log=True),
    "layers.0.kernel_size": optuna.distributions.CategoricalDistribution((0, 1)),
    "repeat layers.2": optuna.distributions.IntDistribution(1, 3),
}


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("aims", [None, "parameters"])
@pytest.mark.parametrize("kind", SAMPLERS)
def test_it_proposes_what_optunas_own_study_proposes(kind: str, aims: str | None) -> None:
    directions = ["maximize"] if aims is None else ["maximize", "minimize"]
    study = optuna.create_study(directions=directions, sampler=SAMPLERS[kind](0))
    theirs: list[dict[str, Any]] = []
    while len(theirs) < 45:
        study.sampler = SAMPLERS[kind](seed_of(7, len(study.trials)))
        trial = study.ask(DISTRIBUTIONS)
        values = {**trial.params, "layers.0.kernel_size": ((3, 3), (5, 5))[trial.params["layers.0.kernel_size"]]}
        if values in theirs:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
            continue
        theirs.append(values)
        study.tell(trial, [accuracy(values), cost(values)][: len(directions)])
    assert driven(sweep(sampler=kind, cost=aims), 45) == theirs


@pytest.mark.parametrize("aims", [None, "parameters"])
@pytest.mark.parametrize("kind", [*SAMPLERS, "grid"])
def test_a_restart_before_each_trial_changes_no_proposal(kind: str, aims: str | None) -> None:
    made = sweep(sampler=kind, cost=aims)

    def state(number: int) -> str:
        return {3: "impossible", 5: "failed", 6: "impossible"}.get(number, "complete")

    assert driven(made, 30, restarts=True, state=state) == driven(made, 30, state=state)


@pytest.mark.parametrize("kind", [*SAMPLERS, "grid"])
def test_no_proposal_comes_twice_and_a_small_space_is_gone_through(kind: str) -> None:
    for restarts in (False, True):
        found = driven(sweep(SMALL, sampler=kind), 100, restarts=restarts)
        expected = {(units, padding) for units in (1, 2, 3, 4) for padding in ("valid", "same")}
        assert len(found) == 8 and {tuple(each.values()) for each in found} == expected
    search = Search(sweep(SMALL, sampler=kind), [as_trial(n, v, {"asked": n}) for n, v in enumerate(found)])
    assert search.ask(8) is None
    assert search.nothing_left == "All 8 combinations were tried."


def test_a_grid_takes_the_ends_of_each_range_and_points_between() -> None:
    made = sweep(
        (
            IntegerRange("layers.2.units", 4, 40, log=True),
            NumberRange("training.optimizer.learning_rate", 0.001, 0.1, log=True, points=3),
            IntegerRange("layers.0.filters", 2, 8, step=3),
        ),
        sampler="grid",
    )
    found = driven(made, 1000)
    expected = itertools.product((4, 8, 16, 32, 40), (0.001, 0.01, 0.1), (2, 5, 8))
    assert sorted(tuple(each.values()) for each in found) == [pytest.approx(each) for each in sorted(expected)]


def test_a_grid_that_nobody_waits_for_is_refused() -> None:
    huge = sweep(tuple(IntegerRange(f"layers.{n}.units", 1, 400) for n in (2,)) + SPACE[1:2], sampler="grid")
    Search(huge)
    with pytest.raises(SweepError, match="160,000 points"):
        Search(
            sweep((IntegerRange("layers.2.units", 1, 400), IntegerRange("layers.0.filters", 1, 400)), sampler="grid")
        )


def test_running_trials_are_known_after_a_restart_and_can_be_told() -> None:
    made = sweep(sampler="tpe")
    first = Search(made)
    asked = [first.ask(number) for number in range(3)]
    trials = [as_trial(n, each.values, each.notes, "running") for n, each in enumerate(asked) if each is not None]
    second = Search(made, trials)
    assert second.ask(3) == first.ask(3)
    second.tell(1, "complete", 0.5)
    second.tell(0, "failed", None)
    assert second.ask(4) is not None


@pytest.mark.parametrize("pruner", ["median", "successive halving", "hyperband"])
def test_pruning_is_optunas_own_and_goes_on_after_a_restart(pruner: str) -> None:
    pruners = {
        "median": optuna.pruners.MedianPruner,
        "successive halving": lambda: optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=3),
        "hyperband": lambda: optuna.pruners.HyperbandPruner(min_resource=1, max_resource=EPOCHS, reduction_factor=3),
    }
    made = sweep(sampler="random", pruner=pruner)

    def curve(number: int) -> list[float]:
        top = 0.9 - 0.1 * (number * 7 % 11)
        return [top * epoch / (epoch + 1) for epoch in range(1, EPOCHS + 1)]

    study = optuna.create_study(
        direction="maximize",
        study_name="sweep",
        sampler=optuna.samplers.RandomSampler(seed=0),
        pruner=pruners[pruner](),
    )
    theirs = []
    for number in range(25):
        trial = study.ask(DISTRIBUTIONS)
        ended = EPOCHS
        for epoch, value in enumerate(curve(number), 1):
            trial.report(value, epoch)
            if trial.should_prune():
                ended = epoch
                break
        theirs.append(ended)
        if ended < EPOCHS:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            study.tell(trial, curve(number)[-1])
    assert min(theirs) < EPOCHS, "nothing was pruned: this says nothing"
    for restarts in (False, True):
        search, trials = Search(made), []
        ours = []
        for number in range(25):
            proposal = search.ask(number)
            assert proposal is not None
            told: list[float] = []
            for epoch, value in enumerate(curve(number), 1):
                if restarts:
                    running = as_trial(number, proposal.values, search.notes(number), "running", curve=list(told))
                    search = Search(made, [*trials, running])
                told.append(value)
                if search.report(number, epoch, value):
                    break
            state = "pruned" if len(told) < EPOCHS else "complete"
            ours.append(len(told))
            search.tell(number, state, told[-1])
            trials.append(as_trial(number, proposal.values, search.notes(number), state, curve=told, accuracy=told[-1]))
        assert ours == theirs, restarts


def test_two_aims_are_never_pruned() -> None:
    search = Search(sweep(cost="parameters"))
    search.ask(0)
    assert not search.report(0, 1, 0.0)


def test_damaged_trials_of_the_store_do_no_harm() -> None:
    made = sweep(sampler="tpe")
    good = [as_trial(n, each, {"asked": n}) for n, each in enumerate(driven(made, 12))]
    for change in ({}, {"layers.2.units": "many"}, {**good[3].values, "layers.2.units": 10**9}):
        bad = as_trial(3, change, {}, "failed")
        search = Search(made, [*good[:3], bad, *good[4:]])
        assert search.ask(12) is not None


def test_the_best_come_first_and_of_equals_the_earlier() -> None:
    values = dict(zip(map(name_of, SPACE), (8, 0.01, (3, 3), 1), strict=True))
    trials = [as_trial(n, values, {}, accuracy=share) for n, share in enumerate((0.5, 0.9, 0.9, 0.7))]
    trials.append(as_trial(4, values, {}, "pruned", accuracy=0.99))
    assert [each.number for each in best_of(trials)] == [1, 2, 3, 0]


def test_it_gives_no_warnings() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        driven(sweep(sampler="tpe"), 12)

"""Optuna asked for the next trial, and told what came of each. It keeps nothing: what the store has is the truth.

A proposal follows from the seed of the sweep, from how many were made before it and from what is known by then, and
from nothing else: whoever takes up a sweep proposes what the one before would have proposed.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_lab.errors import SweepError
from mnist_lab.store import Trial
from mnist_lab.sweeps import candidates
from mnist_lab.sweeps.dimensions import Dimension, IntegerRange, NumberRange, OneOf, Repeat, name_of
from mnist_lab.sweeps.sweep import Sweep

if TYPE_CHECKING:
    import optuna

MISSING = "Sweeps need Optuna, which is not installed."
INSTALL = "Install it by `pip install -r requirements-sweep.txt`."
# A grid of more is none that anybody waits for.
MOST_OF_A_GRID = 100_000
# So many proposals in a row that were made before: there is next to nothing left to propose.
_MOST_REPEATED = 200
# Of evolution, in one generation.
POPULATION = 20
_REDUCTION = 3


def have_optuna() -> bool:
    """Whether Optuna is installed; it is not imported for that."""
    from importlib.util import find_spec

    return find_spec("optuna") is not None


def import_optuna() -> Any:
    """Optuna, quiet.

    Raises:
        SweepError: If it is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise SweepError(MISSING, INSTALL) from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a search proposes.

    Attributes:
        values: By `name_of` of each dimension.
        notes: What must be kept with the trial, so that the search can be rebuilt.
    """

    values: dict[str, Any]
    notes: dict[str, Any]


class Search:
    """The search of a sweep.

    Args:
        sweep: What is searched, and how.
        trials: All that there were, by their numbers.

    Raises:
        SweepError: If Optuna is not installed, or a grid is too large.
    """

    def __init__(self, sweep: Sweep, trials: Sequence[Trial] = ()) -> None:
        self._optuna = import_optuna()
        self._sweep = sweep
        self._distributions = {name_of(each): self._distribution(each) for each in sweep.dimensions}
        self._grid = grid_of(sweep) if sweep.search.sampler == "grid" else None
        directions = ["maximize"] if sweep.search.cost is None else ["maximize", "minimize"]
        # The name decides who competes with whom in hyperband.
        self._study: optuna.Study = self._optuna.create_study(
            directions=directions, study_name="sweep", sampler=self._quiet(), pruner=self._pruner()
        )
        # By the number of a trial its number in the study, where proposals that were not wanted have one too.
        self._numbers: dict[int, int] = {}
        self._tried: set[str] = set()
        for trial in trials:
            self._take_up(trial)
        if sweep.search.sampler == "evolution":
            self._choose_parents(trials)

    # Asking -------------------------------------------------------------------------------------------------------

    def ask(self, number: int) -> Proposal | None:
        """The next proposal; one that was tried before is not made again.

        Args:
            number: Of the trial that it is for.

        Returns:
            None if there is nothing left to propose: the grid is exhausted, or all that still comes was tried.
        """
        for _ in range(_MOST_REPEATED):
            asked = len(self._study.get_trials(deepcopy=False))
            if self._grid is not None and asked >= self._points:
                return None
            if len(self._tried) >= self._size:
                return None
            self._study.sampler = self._sampler(asked)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                trial = self._study.ask(self._distributions)
            values = self._values(trial.params)
            if _key(values) not in self._tried:
                self._numbers[number] = trial.number
                self._tried.add(_key(values))
                return Proposal(values, {"asked": trial.number, "attributes": self._attributes(trial.number)})
            self._tell(trial.number, "FAIL")
        return None

    @property
    def nothing_left(self) -> str:
        """Why there is nothing left to propose, in words."""
        if len(self._tried) >= self._size:
            return f"All {int(self._size):,} combinations were tried."
        return "All points of the grid were tried." if self._grid is not None else "It found nothing new to try."

    # Telling ------------------------------------------------------------------------------------------------------

    def report(self, number: int, epoch: int, accuracy: float) -> bool:
        """Tells the pruner what a trial has got after an epoch; each epoch once, in order.

        Returns:
            Whether the trial is worth no more epochs.
        """
        if self._sweep.search.cost is not None:
            return False
        trial = self._trial(number)
        trial.report(accuracy, epoch)
        return bool(trial.should_prune())

    def notes(self, number: int) -> dict[str, Any]:
        """What must be kept with a trial by now, so that the search can be rebuilt."""
        asked = self._numbers[number]
        return {"asked": asked, "attributes": self._attributes(asked)}

    def tell(self, number: int, state: str, accuracy: float | None, cost: int | None = None) -> None:
        """Tells what came of a trial.

        Args:
            number: Of the trial.
            state: One of `TRIAL_STATES` but ``"running"``.
            accuracy: On the validation split; None where it has none.
            cost: What the sweep's `cost` counts, of its network.
        """
        known = _STATES[state]
        values: list[float] | None = None
        if known == "COMPLETE":
            values = self._aims(accuracy, cost)
            known = "COMPLETE" if values is not None else "FAIL"
        self._tell(self._numbers[number], known, values)

    def _aims(self, accuracy: float | None, cost: int | None) -> list[float] | None:
        if accuracy is None:
            return None
        if self._sweep.search.cost is None:
            return [float(accuracy)]
        return None if cost is None else [float(accuracy), float(cost)]

    def _tell(self, asked: int, state: str, values: list[float] | None = None) -> None:
        # What a sampler does after a trial is not wanted: that of a grid ends the loop, of which there is none here.
        self._study.sampler = self._quiet()
        self._study.tell(asked, values, state=getattr(self._optuna.trial.TrialState, state))

    # Rebuilding ---------------------------------------------------------------------------------------------------

    def _take_up(self, trial: Trial) -> None:
        """Puts a trial of the store where it was in the study."""
        states = self._optuna.trial.TrialState
        asked = trial.notes.get("asked")
        asked = asked if isinstance(asked, int) else len(self._study.get_trials(deepcopy=False))
        # Those between were proposals that had been tried before.
        while len(self._study.get_trials(deepcopy=False)) < asked:
            self._study.add_trial(self._optuna.create_trial(state=states.FAIL))
        params = self._params(trial.values)
        cost = None if self._sweep.search.cost is None else getattr(trial, self._sweep.search.cost)
        state, values = _STATES[trial.state], None
        if state == "COMPLETE":
            values = self._aims(trial.accuracy, cost)
        if params is None or (state == "COMPLETE" and values is None):
            state = "FAIL"  # a damaged row
        curve = dict(enumerate(trial.curve, 1)) if self._sweep.search.cost is None else {}
        if state == "PRUNED" and curve:
            values = [float(curve[len(curve)])]
        attributes = trial.notes.get("attributes")
        attributes = dict(attributes) if isinstance(attributes, dict) else {}
        if self._grid is not None:
            attributes |= {"grid_id": asked, "search_space": self._grid}
        self._study.add_trial(
            self._optuna.create_trial(
                state=getattr(states, state),
                values=values,
                params=params or {},
                distributions=self._distributions if params else {},
                intermediate_values=curve,
                system_attrs=attributes,
            )
        )
        self._numbers[trial.number] = len(self._study.get_trials(deepcopy=False)) - 1
        if params is not None:
            self._tried.add(_key(trial.values))

    def _choose_parents(self, trials: Iterable[Trial]) -> None:
        """Has evolution choose the parents of the generations that have begun, which it remembers in another order."""
        found = (trial.notes.get("attributes") for trial in trials)
        generations = {
            value
            for attributes in found
            if isinstance(attributes, dict)
            for key, value in attributes.items()
            if key.endswith(":generation") and isinstance(value, int)
        }
        sampler = self._sampler(0)
        for generation in sorted(generations):
            sampler.get_parent_population(self._study, generation)

    def _attributes(self, asked: int) -> dict[str, Any]:
        found = self._study.get_trials(deepcopy=False)[asked].system_attrs
        # The grid is the same for all, and may be long.
        return {key: value for key, value in found.items() if key not in ("search_space", "grid_id")}

    def _trial(self, number: int) -> Any:
        frozen = self._study.get_trials(deepcopy=False)[self._numbers[number]]
        return self._optuna.Trial(self._study, frozen._trial_id)

    # Into Optuna's words ------------------------------------------------------------------------------------------

    def _distribution(self, each: Dimension) -> Any:
        kinds = self._optuna.distributions
        if isinstance(each, OneOf):
            # By their places: Optuna takes no pairs of numbers.
            return kinds.CategoricalDistribution(tuple(range(len(each.values))))
        if isinstance(each, NumberRange):
            return kinds.FloatDistribution(each.low, each.high, log=each.log)
        if isinstance(each, IntegerRange):
            return kinds.IntDistribution(each.low, each.high, log=each.log, step=each.step)
        assert isinstance(each, Repeat)
        return kinds.IntDistribution(each.low, each.high)

    def _values(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: each.values[params[name]] if isinstance(each, OneOf) else params[name]
            for each in self._sweep.dimensions
            for name in [name_of(each)]
        }

    def _params(self, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """The values in Optuna's form; None if they are not this sweep's."""
        params: dict[str, Any] = {}
        for each in self._sweep.dimensions:
            name = name_of(each)
            value = values.get(name)
            value = tuple(value) if isinstance(value, list) else value
            if isinstance(each, OneOf):
                places = [
                    place for place, known in enumerate(each.values) if known == value and type(known) is type(value)
                ]
                if not places:
                    return None
                params[name] = places[0]
            elif isinstance(value, int | float) and not isinstance(value, bool):
                params[name] = value
            else:
                return None
            if not self._distributions[name]._contains(self._distributions[name].to_internal_repr(params[name])):
                return None
        return params

    @property
    def _size(self) -> float:
        """How many combinations there are; infinite where a range is of real numbers."""
        return float(np.prod([each.count for each in self._sweep.dimensions]))

    @property
    def _points(self) -> int:
        assert self._grid is not None
        return int(np.prod([len(values) for values in self._grid.values()]))

    def _quiet(self) -> Any:
        return self._optuna.samplers.RandomSampler(seed=0)

    def _sampler(self, asked: int) -> Any:
        """The sampler for one proposal."""
        kind, samplers = self._sweep.search.sampler, self._optuna.samplers
        seed = seed_of(self._sweep.search.seed, asked)
        if self._grid is not None:
            return samplers.GridSampler(self._grid, seed=self._sweep.search.seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if kind == "tpe":
                return samplers.TPESampler(seed=seed, multivariate=True, constant_liar=True)
            if kind == "evolution":
                return samplers.NSGAIISampler(seed=seed, population_size=POPULATION)
        return samplers.RandomSampler(seed=seed)

    def _pruner(self) -> Any:
        pruners, epochs = self._optuna.pruners, self._most_epochs
        return {
            "none": pruners.NopPruner,
            "median": pruners.MedianPruner,
            "successive halving": lambda: pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=_REDUCTION),
            "hyperband": lambda: pruners.HyperbandPruner(
                min_resource=1, max_resource=max(_REDUCTION, epochs), reduction_factor=_REDUCTION
            ),
        }[self._sweep.search.pruner]()

    @property
    def _most_epochs(self) -> int:
        searched = [each for each in self._sweep.dimensions if each.field == "training.epochs"]
        ends = [value for each in searched for value in candidates.ends_of(each)]
        return int(max(ends)) if ends else self._sweep.training.epochs


# An impossible network tells the search as much as a bad one, a failed training nothing.
_STATES = {"running": "RUNNING", "complete": "COMPLETE", "pruned": "PRUNED", "failed": "FAIL", "impossible": "PRUNED"}


def seed_of(seed: int, asked: int) -> int:
    """The seed of the sampler for one proposal: of a restart no proposal comes twice.

    Args:
        seed: Of the search.
        asked: How many proposals were made before.
    """
    return int(np.random.SeedSequence([seed, asked]).generate_state(1)[0])


def grid_of(sweep: Sweep) -> dict[str, list[Any]]:
    """The points of a sweep's grid, by dimension in Optuna's form.

    Raises:
        SweepError: If there are too many.
    """
    grid = {name_of(each): _points_of(each) for each in sweep.dimensions}
    count = 1
    for values in grid.values():
        count *= len(values)
    if count > MOST_OF_A_GRID:
        raise SweepError(
            f"This grid has {count:,} points; at most {MOST_OF_A_GRID:,} can be tried.",
            "Search fewer fields, use steps, or choose another sampler.",
        )
    return grid


def _points_of(each: Dimension) -> list[Any]:
    if isinstance(each, OneOf):
        return list(range(len(each.values)))
    if isinstance(each, NumberRange):
        space = np.geomspace if each.log else np.linspace
        points = [float(point) for point in space(each.low, each.high, each.points)]
        return [each.low, *points[1:-1], each.high]
    if isinstance(each, IntegerRange) and each.log:
        doublings = [each.low]
        while doublings[-1] * 2 < each.high:
            doublings.append(doublings[-1] * 2)
        return [*doublings, each.high]
    assert isinstance(each, IntegerRange | Repeat)
    return list(range(each.low, each.high + 1, getattr(each, "step", 1)))


def _key(values: Mapping[str, Any]) -> str:
    return json.dumps(values, sort_keys=True)


def best_of(trials: Iterable[Trial]) -> list[Trial]:
    """Complete trials, the most accurate first; the earlier of equals."""
    done = [each for each in trials if each.state == "complete" and each.accuracy is not None]
    return sorted(done, key=lambda each: (-(each.accuracy or 0.0), each.number))

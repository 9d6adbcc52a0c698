"""Which of the searched fields decide whether a trial is among the better half, and how sure that is.

Optuna's PED-ANOVA tells by how much the values of each field among the better trials differ from those among all.
Trials drawn anew with replacement tell how much of the answer hangs on a few of them.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mnist_lab.store import Trial
from mnist_lab.sweeps.dimensions import name_of
from mnist_lab.sweeps.search import distribution_of, import_optuna, in_optunas_form
from mnist_lab.sweeps.sweep import Sweep

LEAST_TRIALS = 10
# The share of the trials that counts as the better ones. Of some dozens a smaller share is too few: where a field of
# two values decided all of 80 made-up trials, a fifth of them gave it but half of the importance.
BEST_SHARE = 0.5
RESAMPLES = 100
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Importance:
    """How much of what sets the better trials apart is in one field.

    Attributes:
        name: Of the field, as `name_of` gives it.
        share: Mean over the draws; those of all fields add up to 1.
        low: Lower end of its 95 % interval over the draws.
        high: Upper end.
    """

    name: str
    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Importances:
    """The importance of each field.

    Attributes:
        fields: The most important first; those that were the same in all trials are left out.
        trials: How many complete trials it rests on.
        problem: Why there is nothing to be said, in a sentence, or None.
    """

    fields: tuple[Importance, ...]
    trials: int
    problem: str | None = None

    @property
    def sentence(self) -> str:
        """What can be said of the most important field, and whether it can be told from the next."""
        if self.problem is not None or not self.fields:
            return self.problem or "Only one value was tried of each field."
        first = self.fields[0]
        shares = f"{100 * first.share:.0f} % ({100 * first.low:.0f} to {100 * first.high:.0f})"
        words = f"{first.name} decides most whether a trial is in the better half: {shares} by {self.trials} trials."
        if len(self.fields) > 1 and self.fields[1].high > first.low:
            return f"{words} It cannot be told for sure from {self.fields[1].name}."
        return words


def importances(sweep: Sweep, trials: Sequence[Trial], *, resamples: int = RESAMPLES, seed: int = 0) -> Importances:
    """The importance of each field for the accuracy.

    Args:
        sweep: The sweep.
        trials: Its trials; the complete ones count.
        resamples: How often trials are drawn anew.
        seed: Of the draws.

    Raises:
        SweepError: If Optuna is not installed.
    """
    optuna = import_optuna()
    done = [each for each in trials if each.state == "complete" and each.accuracy is not None]
    found = [(in_optunas_form(sweep.dimensions, each.values), float(each.accuracy or 0.0)) for each in done]
    known = [(params, accuracy) for params, accuracy in found if params is not None]
    if len(known) < LEAST_TRIALS:
        return Importances((), len(known), f"There are {len(known)} complete trials, and {LEAST_TRIALS} at least tell.")
    if len({accuracy for _, accuracy in known}) == 1:
        return Importances((), len(known), "All trials have the same accuracy: no field made a difference.")
    varied = [
        name for each in sweep.dimensions for name in [name_of(each)] if len({params[name] for params, _ in known}) > 1
    ]
    kinds = {name_of(each): distribution_of(each) for each in sweep.dimensions if name_of(each) in varied}
    frozen = [
        optuna.create_trial(params={name: params[name] for name in varied}, distributions=kinds, value=accuracy)
        for params, accuracy in known
    ]
    chance = np.random.default_rng(seed)
    draws: list[list[float]] = []
    while len(draws) < resamples:
        drawn = chance.integers(len(frozen), size=len(frozen))
        # Of one accuracy alone, or of one value of a field, nothing can be told.
        if len({known[number][1] for number in drawn}) > 1:
            draws.append(_shares(optuna, [frozen[number] for number in drawn], varied))
    shares = np.array(draws)
    low, high = np.quantile(shares, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    each = [
        Importance(name, float(shares[:, at].mean()), float(low[at]), float(high[at])) for at, name in enumerate(varied)
    ]
    return Importances(tuple(sorted(each, key=lambda one: -one.share)), len(known))


def _shares(optuna: Any, trials: Sequence[Any], names: Sequence[str]) -> list[float]:
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0))
    study.add_trials(trials)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=BEST_SHARE)
        found = optuna.importance.get_param_importances(study, evaluator=evaluator, params=list(names))
    values = [max(0.0, float(found.get(name, 0.0))) for name in names]
    total = sum(values)
    return [value / total for value in values] if total > 0 else [1 / len(names)] * len(names)

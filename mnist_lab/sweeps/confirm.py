"""The best trials of a sweep trained anew on fresh seeds: how much of their accuracy was luck of the search.

Who takes the best of many noisy figures takes one that was lucky (the winner's curse). Fresh seeds, which the search
has never seen, tell by how much; the test images, which it has not seen either, are looked at once for each training.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from mnist_lab import formatting
from mnist_lab.errors import SweepError
from mnist_lab.store import Run, Trial
from mnist_lab.sweeps.search import best_of
from mnist_lab.sweeps.summary import front_of
from mnist_lab.sweeps.sweep import Sweep

# Seeds are up to 31 bits.
_SEEDS = 2**31
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval.

    Attributes:
        value: The figure.
        low: Lower end of its 95 % interval; None where a single training says nothing of it.
        high: Upper end.
    """

    value: float
    low: float | None = None
    high: float | None = None

    @property
    def words(self) -> str:
        """In percentage points, as ``"0.31 points (0.10 to 0.52)"``."""
        if self.low is None or self.high is None:
            return f"{100 * self.value:.2f} points"
        return f"{100 * self.value:.2f} points ({100 * self.low:.2f} to {100 * self.high:.2f})"

    def to_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {"value": self.value, "interval": None if self.low is None else [self.low, self.high]}


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A trial, and what fresh seeds made of it.

    Attributes:
        trial: The trial.
        runs: Its finished trainings on fresh seeds.
        validation: Mean accuracy of these on the validation split.
        test: Mean accuracy of these on the test images, with an interval for seeds and images alike.
        luck: The accuracy that the search found, less that of fresh seeds: what was luck of its seeds.
        images: Accuracy on the validation split less that on the test images: what fits the former images only.
    """

    trial: Trial
    runs: tuple[Run, ...]
    validation: Estimate
    test: Estimate
    luck: Estimate
    images: Estimate

    @property
    def sentence(self) -> str:
        """How much of the search's accuracy was luck, in words."""
        found = formatting.percent(self.trial.accuracy)
        begun = (
            f"Trial {self.trial.number}: the search found {found} on the validation split; {len(self.runs)} fresh "
            f"seed{'s' * (len(self.runs) != 1)} got {formatting.percent(self.validation.value)} on average"
        )
        tested = f" On the test images they got {_with_interval(self.test)}."
        if self.luck.low is None or self.luck.high is None:
            return f"{begun}. How much of the difference is luck a single seed does not tell.{tested}"
        if self.luck.low > 0:
            judged = f"so that {self.luck.words} were luck of the search"
        elif self.luck.high < 0:
            judged = f"so that the search's seeds had bad luck: {self.luck.words}"
        else:
            judged = f"a difference of {self.luck.words}, which may be none at all"
        return f"{begun}, {judged}.{tested}"

    def to_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {
            "trial": self.trial.number,
            "values": dict(self.trial.values),
            "parameters": self.trial.parameters,
            "search_accuracy": self.trial.accuracy,
            "runs": [run.id for run in self.runs],
            "seeds": [run.training.get("seed") for run in self.runs],
            **{name: getattr(self, name).to_json() for name in ("validation", "test", "luck", "images")},
            "sentence": self.sentence,
        }


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What became of the best trials of a sweep on fresh seeds.

    Attributes:
        trials: Each of them, in the order in which the search had them.
        missing: Trainings that are wanted and not finished.
    """

    trials: tuple[Confirmed, ...]
    missing: int

    @property
    def winner(self) -> Confirmed | None:
        """The best on the validation split of fresh seeds; the test images choose nothing."""
        return max(self.trials, key=lambda each: each.validation.value, default=None)

    @property
    def sentence(self) -> str:
        """The whole in words."""
        if self.winner is None:
            return "Nothing has been confirmed yet."
        first = "stays the best" if self.winner is self.trials[0] else "is the best"
        rest = f" {self.missing} trainings are not finished." if self.missing else ""
        among = "" if len(self.trials) == 1 else f" Of {len(self.trials)} that were confirmed it {first}."
        return f"{self.winner.sentence}{among}{rest}"

    def to_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        winner = self.winner
        return {
            "winner": None if winner is None else winner.trial.number,
            "trials": [each.to_json() for each in self.trials],
            "missing": self.missing,
            "sentence": self.sentence,
        }


def chosen(sweep: Sweep, trials: Sequence[Trial], best: int) -> list[Trial]:
    """The trials that are worth being confirmed, the most accurate first: of two aims those on the front.

    Args:
        sweep: The sweep.
        trials: Its trials.
        best: How many.

    Raises:
        SweepError: If there are none.
    """
    found = best_of(trials if sweep.search.cost is None else front_of(trials, sweep.search.cost))[:best]
    if not found:
        raise SweepError("The sweep has no complete trial to confirm.", "Wait for one.")
    return found


def fresh_seeds(sweep: Sweep, count: int) -> list[int]:
    """Seeds that the sweep never used, the same at each call.

    Args:
        sweep: The sweep.
        count: How many.
    """
    first = sweep.training.seed + sweep.search.seeds
    return [(first + k) % _SEEDS for k in range(count)]


@dataclass(frozen=True, slots=True)
class Fresh:
    """A training on a fresh seed.

    Attributes:
        run: The run, in whatever state.
        accuracy: On the validation split, of the weights that were kept; None where it is unknown.
    """

    run: Run
    accuracy: float | None

    @property
    def is_done(self) -> bool:
        """Whether it has all that is asked of it."""
        return self.run.status == "finished" and self.accuracy is not None and self.run.test_accuracy is not None


def confirmation(
    chosen_trials: Sequence[Trial],
    fresh: Mapping[int, Sequence[Fresh]],
    seeds: Sequence[int],
    validation_images: int | None = None,
) -> Confirmation:
    """Lays the search's figures beside those of fresh seeds.

    The interval of a mean over seeds is Student's; where images are a sample too, it is joined with theirs as the root
    of the sum of squares, since the two have nothing to do with each other.

    Args:
        chosen_trials: The trials that are confirmed.
        fresh: By number of a trial, its trainings on fresh seeds, finished or not.
        seeds: Those that are wanted of each.
        validation_images: How many images the validation split has; None if nobody knows, then as many as the test's.
    """
    confirmed, missing = [], 0
    for trial in chosen_trials:
        by_seed = {each.run.training.get("seed"): each for each in fresh.get(trial.number, ()) if each.is_done}
        done = [by_seed[seed] for seed in seeds if seed in by_seed]
        missing += len(seeds) - len(done)
        if done:
            confirmed.append(_confirmed(trial, done, validation_images))
    return Confirmation(tuple(confirmed), missing)


def _confirmed(trial: Trial, fresh: Sequence[Fresh], validation_images: int | None) -> Confirmed:
    runs = [each.run for each in fresh]
    validation = [each.accuracy or 0.0 for each in fresh]
    test = [run.test_accuracy or 0.0 for run in runs]
    mean, half = statistics.fmean(validation), _half(validation)
    luck = (trial.accuracy or 0.0) - mean
    gaps = [one - other for one, other in zip(validation, test, strict=True)]
    images = runs[0].test_images or 0
    noise = _noise(statistics.fmean(test), images)
    both = math.hypot(noise, _noise(mean, validation_images or images))
    return Confirmed(
        trial,
        tuple(runs),
        _around(mean, half),
        _around(statistics.fmean(test), _joined(_half(test), noise)),
        _around(luck, half),
        _around(statistics.fmean(gaps), _joined(_half(gaps), both)),
    )


def _half(values: Sequence[float]) -> float | None:
    """Half the 95 % interval of a mean, by Student's distribution; None for a single value."""
    from scipy.special import stdtrit  # late: a quarter of a second that only this needs

    if len(values) < 2:
        return None
    error = statistics.stdev(values) / math.sqrt(len(values))
    return error * float(stdtrit(len(values) - 1, (1 + LEVEL) / 2))


def _noise(share: float, images: int) -> float:
    """Half the 95 % interval of an accuracy for the images that it was measured on."""
    if not images:
        return 0.0
    return NormalDist().inv_cdf((1 + LEVEL) / 2) * math.sqrt(max(share * (1 - share), 1 / images) / images)


def _joined(half: float | None, noise: float) -> float | None:
    """Both together: that of the seeds and that of the images have nothing to do with each other."""
    return None if half is None else math.hypot(half, noise)


def _around(value: float, half: float | None) -> Estimate:
    return Estimate(value) if half is None else Estimate(value, value - half, value + half)


def _with_interval(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return formatting.percent(estimate.value)
    return f"{formatting.percent(estimate.value)} ({100 * estimate.low:.2f} to {100 * estimate.high:.2f})"

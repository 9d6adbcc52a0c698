"""How far a sweep has come, and what it has found so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mnist_lab import formatting
from mnist_lab.store import Trial
from mnist_lab.sweeps.search import best_of
from mnist_lab.sweeps.summary import counts_of
from mnist_lab.sweeps.sweep import Search

STATE_WORDS = {"complete": "trained to the end", "pruned": "ended early", "failed": "failed",
               "impossible": "impossible", "running": "under way"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sweep has come.

    Attributes:
        counts: Trials by state; a state that none has is not in it.
        best: The highest accuracy of a trial that was trained to the end, or None.
        epochs: That were trained for it in all.
    """

    counts: Mapping[str, int]
    best: float | None = None
    epochs: int = 0

    @classmethod
    def of(cls, trials: Sequence[Trial]) -> Progress:
        """That of these trials."""
        best = next((trial.accuracy for trial in best_of(trials)), None)
        return cls(counts_of(trials), best, sum(trial.epochs for trial in trials))

    @property
    def done(self) -> int:
        """Trials that have ended and count for the budget: impossible networks do not."""
        return sum(self.counts.get(state, 0) for state in ("complete", "pruned", "failed"))

    def share(self, search: Search, spent: float) -> float:
        """How much of the budget is used up, by the limit that comes first: 0 to 1."""
        shares = [self.done / search.trials]
        shares += [spent / search.seconds] if search.seconds else []
        shares += [self.epochs / search.epochs] if search.epochs else []
        return min(1.0, max(shares))

    def seconds_left(self, search: Search, spent: float) -> float | None:
        """How long it will go on at the pace of so far; None until a trial is done."""
        if not self.done or spent <= 0:
            return None
        left = [(search.trials - self.done) * spent / self.done]
        left += [search.seconds - spent] if search.seconds else []
        left += [(search.epochs - self.epochs) * spent / self.epochs] if search.epochs and self.epochs else []
        return max(0.0, min(left))

    def words(self, search: Search | None = None, *, is_running: bool = True) -> str:
        """The counts: ``"12 of 20 trials, 3 ended early, 1 failed · 2 under way · 4 impossible networks"``.

        Args:
            search: How it searches, for the budget.
            is_running: Whether the sweep runs; in one that was stopped, trials that were under way wait to go on.
        """
        done = f"{self.done:,} trial{'s' * (self.done != 1)}"
        if search is not None:
            done = f"{self.done:,} of {search.trials:,} trial{'s' * (search.trials != 1)}"
        parts = [
            f"{self.counts[state]:,} {STATE_WORDS[state]}" for state in ("pruned", "failed") if self.counts.get(state)
        ]
        said = [", ".join([done, *parts])]
        under_way = "under way" if is_running else "to go on with"
        said += [f"{count:,} {under_way}"] if (count := self.counts.get("running")) else []
        if count := self.counts.get("impossible"):
            said.append(f"{count:,} impossible network{'s' * (count != 1)}")
        return " · ".join(said)


def accuracy_words(trial: Trial) -> str:
    """A trial's accuracy on the validation images, with the spread of its seeds: ``"98.20 % ± 0.11"``."""
    spread = f" ± {100 * trial.spread:.2f}" if trial.spread is not None else ""
    return formatting.percent(trial.accuracy) + spread

"""Several trained networks as one that says the mean of what they say (an ensemble), against each of its members.

Nothing is computed anew: the members' kept predictions of the same images are averaged. Of networks that err in other
places the mean errs less often (Hansen and Salamon 1990).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mnist_lab import formatting, metrics
from mnist_lab.comparison import ALPHA, FLATTERED, Interval, Read, names_of, points, why_not, with_holm, words_of_p
from mnist_lab.errors import LabError
from mnist_lab.paired import Paired, difference, mcnemar
from mnist_lab.predictions import Predictions
from mnist_lab.store import Run


@dataclass(frozen=True, slots=True)
class Member:
    """A network of an ensemble, and the ensemble against it.

    Attributes:
        run: Its run.
        name: What tables call it.
        accuracy: Its share of right answers, from 0 to 1.
        paired: The counts of images; ``only_a`` are those that only the ensemble gets right.
        difference: The ensemble's accuracy less its own.
        interval: The 95 % interval of that.
        corrected: p after Holm's correction for all members.
    """

    run: Run
    name: str
    accuracy: float
    paired: Paired
    difference: float
    interval: Interval
    corrected: float = 1.0

    @property
    def p(self) -> float:
        """McNemar's p, of this member alone."""
        return self.paired.p

    @property
    def is_beaten(self) -> bool:
        """Whether the data say that the ensemble is better than it."""
        return self.corrected < ALPHA and self.difference > 0

    @property
    def is_ahead(self) -> bool:
        """Whether the data say that it is better than the ensemble, as one among much worse ones may be."""
        return self.corrected < ALPHA and self.difference < 0


@dataclass(frozen=True, slots=True, eq=False)
class Ensemble:
    """What several networks say together.

    Attributes:
        members: Two or more, in the order in which they were chosen.
        predictions: The mean of their probabilities.
    """

    members: tuple[Member, ...]
    predictions: Predictions

    @property
    def images(self) -> int:
        """How many images they were all asked."""
        return len(self.predictions.labels)

    @property
    def right(self) -> int:
        """How many of these they get right together."""
        return int((self.predictions.digits == self.predictions.labels).sum())

    @property
    def accuracy(self) -> float:
        """The share of right answers, from 0 to 1."""
        return self.right / self.images

    @property
    def interval(self) -> Interval:
        """The 95 % interval of the accuracy, by the images."""
        return metrics.accuracy_interval(self.right, self.images)

    @property
    def parameters(self) -> int:
        """The weights of all members: an answer of the ensemble costs as much as theirs together."""
        return sum(member.run.parameters for member in self.members)

    @property
    def is_flattered(self) -> bool:
        """Whether the test images also served some member for validation."""
        return any(member.run.test_is_validation for member in self.members)

    @property
    def sentence(self) -> str:
        """What came out, in plain words."""
        mean = sum(member.accuracy for member in self.members) / len(self.members)
        beaten = sum(member.is_beaten for member in self.members)
        ahead = sum(member.is_ahead for member in self.members)
        # Of members equally good the one against which there is least to be said.
        best = max(self.members, key=lambda member: (member.accuracy, member.corrected))
        said = (
            f"Together these {len(self.members)} networks get {self.right:,} of {self.images:,} images right: "
            f"{formatting.accuracy(self.accuracy, self.interval)}. Alone they reach {formatting.percent(mean)} on "
            f"average, the best of them {formatting.percent(best.accuracy)}. "
        )
        if beaten == len(self.members):
            said += f"It is better than every one of them ({words_of_p(best.corrected)} against the best, "
            said += f"{points(best.difference, best.interval)})."
        elif not beaten and not ahead:
            said += "The data do not tell the ensemble and any of its members apart."
        else:
            parts = [f"It is better than {beaten} of them"] * bool(beaten)
            parts += [f"{ahead} of them {'is' if ahead == 1 else 'are'} better than it"] * bool(ahead)
            if beaten + ahead < len(self.members):
                parts += ["the data do not tell it and the others apart"]
            said += f"{'; '.join(parts)}."
        return said + f" {FLATTERED}" * self.is_flattered

    def to_json(self) -> dict[str, Any]:
        """The ensemble as the command line prints it; the keys are part of the outside contract."""
        return {
            "members": [
                {
                    "id": member.run.id,
                    "accuracy": member.accuracy,
                    "only_ensemble": member.paired.only_a,
                    "only_member": member.paired.only_b,
                    "p": member.p,
                    "p_corrected": member.corrected,
                    "difference": member.difference,
                    "difference_interval": list(member.interval),
                }
                for member in self.members
            ],
            "n": self.images,
            "accuracy": self.accuracy,
            "accuracy_interval": list(self.interval),
            "parameters": self.parameters,
            "test_is_validation": self.is_flattered,
            "sentence": self.sentence,
        }


def form(runs: Sequence[Run], read: Read) -> Ensemble:
    """Puts runs together.

    Args:
        runs: Two or more, each once, that were asked the same test images.
        read: Gives the predictions of a run.

    Returns:
        The mean of what they said of each image, and it against each of them.

    Raises:
        LabError: If there are fewer, or their images are not the same.
        ArtefactMissing: If a run has no predictions.
    """
    if len(runs) < 2:
        raise LabError("An ensemble needs two networks at least.", "Choose more runs.")
    said = [read(run) for run in runs]
    names = names_of(runs)
    for run, known in zip(runs[1:], said[1:], strict=True):
        if (reason := why_not(runs[0], said[0], run, known)) is not None:
            raise LabError(
                f"{names[runs[0].id]} and {names[run.id]} cannot be put together: {reason}.",
                "Choose runs that were tested on the same images.",
            )
    labels = said[0].labels
    mean = np.stack([known.probabilities for known in said]).mean(axis=0, dtype=np.float64)
    together = Predictions(mean.astype(np.float32), labels, said[0].indices)
    members = []
    for run, known in zip(runs, said, strict=True):
        counts = mcnemar(labels, together.digits, known.digits)
        middle, low, high = difference(counts)
        right = float((known.digits == labels).mean())
        members.append(Member(run, names[run.id], right, counts, middle, (low, high)))
    return Ensemble(tuple(with_holm(members, count=False)), together)

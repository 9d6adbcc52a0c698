"""A person's own digits as a test set: what a run reads right of them, and how that went in practice."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnist_lab.metrics import accuracy_interval
from mnist_lab.store import Digit, PracticeAnswer, Run

# One digit of so many is held out.
HELD_OUT_OF = 5
LEAST_TO_LEARN, LEAST_HELD_OUT = 20, 5


@dataclass(frozen=True, slots=True)
class Score:
    """How many of some images were read right.

    Attributes:
        right: Those that were.
        images: All of them.
    """

    right: int
    images: int

    @property
    def accuracy(self) -> float | None:
        """The share, 0 to 1; None without images."""
        return self.right / self.images if self.images else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Its 95 % interval, as that of a test accuracy; None without images."""
        return accuracy_interval(self.right, self.images) if self.images else None


@dataclass(frozen=True, slots=True)
class PracticeScore:
    """How a run did in practice.

    Attributes:
        score: How many of the digits that it asked for it read right.
        seconds: Median time from the request to its right answer; None if it never gave one.
        best: The shortest.
    """

    score: Score
    seconds: float | None
    best: float | None


def images_of(digits: Sequence[Digit]) -> NDArray[np.uint8]:
    """The images, uint8 of shape ``(n, 28, 28)``."""
    return np.stack([digit.image for digit in digits]) if digits else np.zeros((0, 28, 28), np.uint8)


def labels_of(digits: Sequence[Digit]) -> NDArray[np.uint8]:
    """Their labels, uint8 of shape ``(n,)``."""
    return np.array([digit.label for digit in digits], np.uint8)


def score(labels: NDArray[np.uint8], probabilities: NDArray[np.float32]) -> Score:
    """How many images a network reads right.

    Args:
        labels: What they are, shape ``(n,)``.
        probabilities: What it says, shape ``(n, 10)``.
    """
    return Score(int((probabilities.argmax(axis=1) == labels).sum()), len(labels))


def learnt_from(run: Run) -> str | None:
    """Whose digits a run was fine-tuned on; None if it was not."""
    tuning = run.training.get("fine_tuning")
    return str(tuning.get("writer")) if isinstance(tuning, dict) else None


def is_held_out(digit: Digit) -> bool:
    """Whether a digit is kept from every fine-tuning: about one in five, by the hash of its image alone.

    More digits move none of them from one part to the other.
    """
    return int(digit.digest[:8], 16) % HELD_OUT_OF == 0


def lacking(digits: Sequence[Digit]) -> str:
    """Why some digits are too few to fine-tune on; ``""`` if they are not."""
    held_out = sum(map(is_held_out, digits))
    if len(digits) - held_out >= LEAST_TO_LEARN and held_out >= LEAST_HELD_OUT:
        return ""
    return (
        f"Fine-tuning needs at least {LEAST_TO_LEARN} digits to learn from and {LEAST_HELD_OUT} held out, which is "
        f"about one in {HELD_OUT_OF}; there are {len(digits) - held_out} and {held_out}."
    )


def practice_scores(answers: Sequence[PracticeAnswer]) -> dict[str, PracticeScore]:
    """By run id how it did in practice, in the order in which the runs were first asked."""
    scores = {}
    for run_id in dict.fromkeys(answer.run_id for answer in answers):
        own = [answer for answer in answers if answer.run_id == run_id]
        right = [answer.seconds for answer in own if answer.said == answer.asked]
        scores[run_id] = PracticeScore(
            Score(len(right), len(own)), statistics.median(right) if right else None, min(right, default=None)
        )
    return scores


def to_ask(asked: Sequence[int], seed: int) -> int:
    """The digit to ask for next: each ten requests ask for every digit once, in an order drawn by lot.

    Args:
        asked: What was asked before, in its order.
        seed: Of the lots.
    """
    order = np.random.default_rng((seed, len(asked) // 10)).permutation(10)
    return int(order[len(asked) % 10])

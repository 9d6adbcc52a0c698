"""Two networks asked of the same images: whether one gets more of them right than chance explains."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True, slots=True)
class Paired:
    """How two networks did on the same images.

    Attributes:
        both: Images that both get right.
        only_a: Images that only the first gets right.
        only_b: Images that only the second gets right.
        neither: Images that both get wrong.
        p: How often chance alone would part the images that only one gets right as unevenly, two-sided.
    """

    both: int
    only_a: int
    only_b: int
    neither: int
    p: float

    @property
    def images(self) -> int:
        """How many images there are."""
        return self.both + self.only_a + self.only_b + self.neither


def mcnemar(labels: ArrayLike, a: ArrayLike, b: ArrayLike) -> Paired:
    """McNemar's test (1947) in its exact form.

    What both networks get right or both get wrong says nothing about which is better. If neither were, each image that
    only one gets right would be the first's or the second's with equal chance; p is the two-sided binomial probability
    of a parting as uneven as this one.

    It speaks of two trained networks and of images like these. How another training of the same networks would end, it
    does not know.

    Args:
        labels: The true digits, shape ``(n,)``.
        a: What the first network says, shape ``(n,)``.
        b: What the second network says, shape ``(n,)``.

    Raises:
        ValueError: If the shapes differ.
    """
    from scipy.special import bdtr  # late: a quarter of a second that only this function needs

    true, first, second = np.asarray(labels), np.asarray(a), np.asarray(b)
    if true.ndim != 1 or not true.shape == first.shape == second.shape:
        raise ValueError(
            f"There must be one label and two predictions per image. Received: {true.shape}, {first.shape}, "
            f"{second.shape}."
        )
    right_a, right_b = first == true, second == true
    only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    one_right = only_a + only_b
    p = min(1.0, 2 * float(bdtr(min(only_a, only_b), one_right, 0.5))) if one_right else 1.0
    both = int((right_a & right_b).sum())
    return Paired(both, only_a, only_b, len(true) - both - one_right, p)


def holm(ps: Sequence[float]) -> list[float]:
    """Corrects p values of several tests so that none of the true null hypotheses is likely to fall (Holm 1979).

    The smallest of k is multiplied by k, the next by k - 1 and so on; none falls below one before it, none exceeds 1.
    What then is below 0.05 was found by a procedure that finds anything where nothing is at most once in 20 times.

    Args:
        ps: Each between 0 and 1, in any order.

    Returns:
        The corrected values in the same order.

    Raises:
        ValueError: If one is not between 0 and 1.
    """
    if any(math.isnan(p) or not 0 <= p <= 1 for p in ps):
        raise ValueError(f"p values lie in 0..1. Received: {list(ps)}.")
    corrected = [0.0] * len(ps)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[index]))
        corrected[index] = highest
    return corrected

"""Two networks asked of the same images: whether one gets more of them right than chance explains."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mnist_lab.metrics import confusion

_HALVINGS = 64  # of an interval no longer than 2: what is left is below a float's last digit


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

    right_a, right_b = _right(labels, a, b)
    only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    one_right = only_a + only_b
    p = min(1.0, 2 * float(bdtr(min(only_a, only_b), one_right, 0.5))) if one_right else 1.0
    both = int((right_a & right_b).sum())
    return Paired(both, only_a, only_b, len(right_a) - both - one_right, p)


@dataclass(frozen=True, slots=True, eq=False)
class Sets:
    """Which images two networks part over; each a rising sequence of positions in the labels.

    Attributes:
        only_a: Only the first gets them right: the second broke them.
        only_b: Only the second gets them right: it fixed them.
        neither: Both get them wrong.
    """

    only_a: NDArray[np.int64]
    only_b: NDArray[np.int64]
    neither: NDArray[np.int64]


def sets(labels: ArrayLike, a: ArrayLike, b: ArrayLike) -> Sets:
    """The images behind the counts of `mcnemar`.

    Args:
        labels: The true digits, shape ``(n,)``.
        a: What the first network says, shape ``(n,)``.
        b: What the second network says, shape ``(n,)``.

    Raises:
        ValueError: If the shapes differ.
    """
    right_a, right_b = _right(labels, a, b)
    found = [np.flatnonzero(which) for which in (right_a & ~right_b, right_b & ~right_a, ~right_a & ~right_b)]
    return Sets(*found)


@dataclass(frozen=True, slots=True, eq=False)
class Moves:
    """How the confusion matrix of one network becomes that of another on the same images, as two matrices of counts.

    Attributes:
        came: By true digit (rows) and by what the second network says: images of which the first says otherwise.
        left: By true digit and by what the first network says: images of which the second says otherwise.
    """

    came: NDArray[np.int64]
    left: NDArray[np.int64]

    @property
    def difference(self) -> NDArray[np.int64]:
        """The second confusion matrix less the first; each row adds up to 0."""
        return self.came - self.left


def moves(labels: ArrayLike, a: ArrayLike, b: ArrayLike) -> Moves:
    """The images of which two networks say different things, by cell of the confusion matrix.

    Args:
        labels: The true digits, shape ``(n,)``.
        a: What the first network says, shape ``(n,)``.
        b: What the second network says, shape ``(n,)``.

    Raises:
        ValueError: If the shapes differ.
    """
    _right(labels, a, b)
    true, first, second = np.asarray(labels), np.asarray(a), np.asarray(b)
    part = first != second
    return Moves(confusion(true[part], second[part]), confusion(true[part], first[part]))


def difference(paired: Paired, level: float = 0.95) -> tuple[float, float, float]:
    """How much more of the images the first network gets right, with an interval that knows they are the same images.

    The score interval of Tango (1998), Statistics in Medicine 17, 891-908: all differences d that the score test does
    not reject. With b images that only the first gets right, c that only the second does, n in all, and q the most
    likely share of the latter if the difference were d, they are those with
    |b - c - n d| <= z √(n (2 q + d (1 - d))); q is the larger root of
    2 n q² + ((2 n - b + c) d - b - c) q - c d (1 - d) = 0. It lies in -1..1, is not empty where the networks never or
    always part, and its level holds for few images and for accuracies near 1, where that of Wald does not.

    It is the counterpart of McNemar's test by chi-squared. `mcnemar` is exact and so a little more careful: beside a p
    just above 0.05 may stand an interval that just leaves out 0. The p value decides.

    Args:
        paired: How the two did.
        level: Confidence level, between 0 and 1.

    Returns:
        The difference of the accuracies, first less second, and the ends of its interval; all NaN without images.

    Raises:
        ValueError: If level is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1. Received: level={level}.")
    b, c, n = paired.only_a, paired.only_b, paired.images
    if n == 0:
        return math.nan, math.nan, math.nan
    z = NormalDist().inv_cdf((1 + level) / 2)
    return (b - c) / n, _lower(b, c, n, z), 0.0 - _lower(c, b, n, z)


def _lower(b: int, c: int, n: int, z: float) -> float:
    """The lower end of Tango's interval, by bisection: the statistic falls as d grows."""
    low, high = -1.0, (b - c) / n
    for _ in range(_HALVINGS):
        d = (low + high) / 2
        half = b + c - (2 * n - b + c) * d
        root = math.sqrt(max(0.0, half * half + 8 * n * c * d * (1 - d)))
        # Of two forms of one number that which subtracts nothing; for d < 0 the first is always it.
        q = (half + root) / (4 * n) if half >= 0 else 2 * c * d * (1 - d) / (root - half)
        is_rejected = b - c - n * d > z * math.sqrt(max(0.0, n * (2 * q + d * (1 - d))))
        low, high = (d, high) if is_rejected else (low, d)
    return low


def _right(labels: ArrayLike, a: ArrayLike, b: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which images each gets right."""
    true, first, second = np.asarray(labels), np.asarray(a), np.asarray(b)
    if true.ndim != 1 or not true.shape == first.shape == second.shape:
        raise ValueError(
            f"There must be one label and two predictions per image. Received: {true.shape}, {first.shape}, "
            f"{second.shape}."
        )
    return first == true, second == true


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

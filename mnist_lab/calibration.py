"""Whether a network is as sure as it may be: reliability, temperature, and what it gains by refusing unsure digits.

All of it starts from kept probabilities, float32 as a softmax gave them. Their logarithms are the network's logits but
for a constant per image, which a softmax does not see; a probability that float32 rounded to 0 counts as `SMALLEST`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mnist_lab import metrics
from mnist_lab.metrics import accuracy_interval

BINS = 15
SMALLEST = float(np.finfo(np.float32).tiny)
"""About 1.2e-38: the least probability that float32 holds with all its digits."""
_LOWEST, _HIGHEST = 0.05, 20.0  # temperatures beyond these say that there is nothing to fit
_LIKELIHOOD_95 = 1.9207  # half the 95 % quantile of chi-square with one degree of freedom

Interval = tuple[float, float]


# Reliability ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bin:
    """Images about which a network was about as sure.

    Attributes:
        low: Least confidence, left out itself but in the first bin.
        high: Greatest confidence.
        images: How many images there are.
        right: How many of them it gets right.
        confidence: Its mean confidence in them.
    """

    low: float
    high: float
    images: int
    right: int
    confidence: float

    @property
    def accuracy(self) -> float:
        """The share that it gets right."""
        return self.right / self.images

    @property
    def interval(self) -> Interval:
        """Wilson's 95 % interval of the accuracy."""
        return accuracy_interval(self.right, self.images)


def reliability(labels: ArrayLike, probabilities: ArrayLike, bins: int = BINS, equal_mass: bool = False) -> list[Bin]:
    """Puts images into bins by the probability of the predicted digit.

    Args:
        labels: The true digits, shape `(n,)`.
        probabilities: Shape `(n, classes)`.
        bins: How many, of equal width over 0..1.
        equal_mass: Bins of about as many images each instead. Images with the same confidence stay together, so that
            a network that is often entirely sure has fewer bins.

    Returns:
        The bins with at least one image, from unsure to sure.
    """
    confidence, right = _top(labels, probabilities)
    edges = _edges(confidence, bins, equal_mass)
    where = np.searchsorted(edges[1:-1], confidence, side="left")
    images = np.bincount(where, minlength=len(edges) - 1)
    hits = np.bincount(where, weights=right, minlength=len(edges) - 1)
    sums = np.bincount(where, weights=confidence, minlength=len(edges) - 1)
    return [
        Bin(float(edges[i]), float(edges[i + 1]), int(images[i]), round(hits[i]), float(sums[i] / images[i]))
        for i in np.flatnonzero(images)
    ]


def calibration_error(found: Sequence[Bin]) -> float:
    """Expected calibration error: the mean over all images of how far their bin's accuracy is from its confidence.

    The sum over the bins of images / n times the absolute difference of accuracy and mean confidence. NaN without bins.
    """
    total = sum(each.images for each in found)
    gaps = sum(each.images * abs(each.accuracy - each.confidence) for each in found)
    return gaps / total if total else math.nan


def error_by_chance(
    labels: ArrayLike, probabilities: ArrayLike, bins: int = BINS, equal_mass: bool = False, draws: int = 400
) -> Interval:
    """The calibration error that a perfectly calibrated network would show on as many images, by chance alone.

    For each draw every image is right with the probability that the network gave it. There is no interval for the
    error itself here: bootstraps of it, tried on networks whose error is known, held it far too seldom.

    Args:
        labels: The true digits, shape `(n,)`.
        probabilities: Shape `(n, classes)`.
        bins: As in `reliability`.
        equal_mass: As in `reliability`.
        draws: How many; the lots are the same each time.

    Returns:
        The mean over the draws, and what 95 % of them stay under; both NaN if there are no images.
    """
    confidence, _ = _top(labels, probabilities)
    if not len(confidence):
        return math.nan, math.nan
    confidence = np.sort(confidence)
    edges = _edges(confidence, bins, equal_mass)
    where = np.searchsorted(edges[1:-1], confidence, side="left")
    starts = np.flatnonzero(np.diff(where, prepend=-1))
    rng = np.random.default_rng(0)
    errors = np.empty(draws)
    for draw in range(draws):
        gaps = (rng.random(len(confidence)) < confidence) - confidence
        errors[draw] = np.abs(np.add.reduceat(gaps, starts)).sum() / len(confidence)
    return float(errors.mean()), float(np.quantile(errors, 0.95))


def brier(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Brier's score (1950): the mean of the squared distance of the probabilities from the truth, 0 to 2.

    Args:
        labels: The true digits, shape `(n,)`.
        probabilities: Shape `(n, classes)`.

    Returns:
        0 for a network that is always right and sure, 2 for one always wrong and sure; NaN if there are no images.
    """
    each = _squares(labels, probabilities)
    return float(each.mean()) if len(each) else math.nan


def mean_interval(values: ArrayLike) -> Interval:
    """A 95 % interval for a mean of many values, mean ± 1.96 standard errors; NaN for fewer than two."""
    known = np.asarray(values, dtype=np.float64)
    if len(known) < 2:
        return math.nan, math.nan
    half = 1.959964 * float(known.std(ddof=1)) / math.sqrt(len(known))
    return float(known.mean()) - half, float(known.mean()) + half


@dataclass(frozen=True, slots=True)
class Figures:
    """How far the probabilities of some images can be trusted.

    Attributes:
        bins: As `reliability` has them.
        error: Expected calibration error over these bins.
        chance: `error_by_chance`.
        loss: Mean negative log-likelihood, in nats, as `metrics.log_loss` has it.
        loss_interval: Its 95 % interval.
        brier: Brier's score.
        brier_interval: Its 95 % interval.
    """

    bins: tuple[Bin, ...]
    error: float
    chance: Interval
    loss: float
    loss_interval: Interval
    brier: float
    brier_interval: Interval


def figures(labels: ArrayLike, probabilities: ArrayLike, bins: int = BINS, equal_mass: bool = False) -> Figures:
    """All figures of one set of images; arguments as in `reliability`."""
    values = np.asarray(probabilities, dtype=np.float64)
    digits = np.asarray(labels, dtype=np.int64)
    given = np.clip(values[np.arange(len(digits)), digits], 1e-7, 1 - 1e-7)
    found = tuple(reliability(digits, values, bins, equal_mass))
    return Figures(
        found,
        calibration_error(found),
        error_by_chance(digits, values, bins, equal_mass),
        metrics.log_loss(digits, values),
        mean_interval(-np.log(given)),
        brier(digits, values),
        mean_interval(_squares(digits, values)),
    )


# Temperature ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Temperature:
    """What a network's logits are divided by, so that its probabilities fit; it changes no prediction.

    Attributes:
        value: Above 1 for a network that is too sure, below 1 for one that is not sure enough.
        interval: Where it is with 95 %, by the likelihood; an end is that of the search where it lies beyond.
        images: On how many it was fitted.
        is_bounded: Whether the best one lies within the search. Where the network has all images right the likelihood
            grows for ever, and there is none.
    """

    value: float
    interval: Interval
    images: int
    is_bounded: bool


def fit_temperature(labels: ArrayLike, probabilities: ArrayLike) -> Temperature:
    """Finds the temperature with the least negative log-likelihood. The images must not be those that test it.

    Args:
        labels: The true digits, shape `(n,)`; at least one.
        probabilities: Shape `(n, classes)`.

    Raises:
        ValueError: If there are no images.
    """
    from scipy.optimize import brentq, minimize_scalar  # late: a quarter of a second that only this needs

    digits, logits = np.asarray(labels, dtype=np.int64), _logits(probabilities)
    if not len(digits):
        raise ValueError("A temperature needs at least one image. Received: none.")
    rows = np.arange(len(digits))
    above = logits - logits[rows, digits][:, None]

    def loss(log_temperature: float) -> float:
        scaled = above * math.exp(-log_temperature)
        top = scaled.max(axis=1)
        return float((top + np.log(np.exp(scaled - top[:, None]).sum(axis=1))).sum())

    ends = math.log(_LOWEST), math.log(_HIGHEST)
    found = minimize_scalar(loss, bounds=ends, method="bounded", options={"xatol": 1e-5})
    best, least = float(found.x), float(found.fun)

    def excess(log_temperature: float) -> float:
        return loss(log_temperature) - least - _LIKELIHOOD_95

    low, high = (
        math.exp(float(brentq(excess, *sorted((best, end)), xtol=1e-4))) if excess(end) > 0 else math.exp(end)
        for end in ends
    )
    inside = ends[0] + 1e-3 < best < ends[1] - 1e-3
    return Temperature(math.exp(best), (low, high), len(digits), inside)


def scaled(probabilities: ArrayLike, temperature: float) -> NDArray[np.float64]:
    """Probabilities as the network would give them if its logits were divided by `temperature`; rows add up to 1."""
    logits = _logits(probabilities) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return shares


# Refusing -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Refusal:
    """What becomes of some images where those are refused of which the network is less sure than a threshold.

    Attributes:
        threshold: Answered is what has at least this confidence.
        images: How many there are.
        answered: How many are answered.
        right: How many of those rightly.
        refused_wrong: How many of the others would have been wrong.
    """

    threshold: float
    images: int
    answered: int
    right: int
    refused_wrong: int

    @property
    def coverage(self) -> float:
        """The share of the images that is answered."""
        return self.answered / self.images if self.images else math.nan

    @property
    def accuracy(self) -> float:
        """The share of the answers that is right; NaN without any."""
        return self.right / self.answered if self.answered else math.nan

    @property
    def interval(self) -> Interval:
        """Wilson's 95 % interval of the accuracy."""
        return accuracy_interval(self.right, self.answered)

    @property
    def sentence(self) -> str:
        """How much it answers, how much of that is right, and what it refuses."""
        if not self.answered:
            return f"answers none of the {self.images:,} digits"
        low, high = self.interval
        refused = self.images - self.answered
        rest = f"refuses {refused:,}" + (f" of which {self.refused_wrong:,} would have been wrong" if refused else "")
        return (
            f"answers {100 * self.coverage:.2f} % of the {self.images:,} digits, {100 * self.accuracy:.2f} % "
            f"({100 * low:.2f} – {100 * high:.2f}) of these right, {rest}"
        )


class Coverage:
    """Accuracy against coverage: which images a network answers at any threshold.

    Args:
        labels: The true digits, shape `(n,)`.
        probabilities: Shape `(n, classes)`.
    """

    def __init__(self, labels: ArrayLike, probabilities: ArrayLike) -> None:
        confidence, right = _top(labels, probabilities)
        order = np.argsort(-confidence, kind="stable")
        self._confidence = confidence[order]
        self._right = np.concatenate([[0], np.cumsum(right[order])]).astype(np.int64)

    def at(self, threshold: float) -> Refusal:
        """What becomes of the images at a threshold."""
        images = len(self._confidence)
        answered = int(np.searchsorted(-self._confidence, -threshold, side="right"))
        right, all_right = int(self._right[answered]), int(self._right[-1])
        return Refusal(threshold, images, answered, right, (images - answered) - (all_right - right))

    @property
    def thresholds(self) -> NDArray[np.float64]:
        """All thresholds that make a difference, from the one that answers most."""
        return np.unique(self._confidence)

    def curve(self, most: int = 300) -> list[Refusal]:
        """The curve from answering everything to answering what is surest.

        Args:
            most: Of more thresholds so many are taken, most of them where few images are refused.
        """
        known = self.thresholds
        if len(known) > most:
            spread = np.quantile(self._confidence, np.linspace(0, 1, most) ** 3, method="inverted_cdf")
            known = np.unique(np.concatenate([spread, known[:1], known[-1:]]))
        return [self.at(float(threshold)) for threshold in known]

    def threshold_for(self, accuracy: float, surely: bool = False) -> float | None:
        """The threshold that answers most while so many of the answers are right.

        Args:
            accuracy: The wanted share of right answers, 0 to 1.
            surely: Whether the lower end of the accuracy's 95 % interval must reach it, and not only the accuracy.

        Returns:
            The threshold; None where no threshold gives it.
        """

        def reaches(refusal: Refusal) -> bool:
            return (refusal.interval[0] if surely else refusal.accuracy) >= accuracy

        return next((each for each in map(float, self.thresholds) if reaches(self.at(each))), None)


# What these share -----------------------------------------------------------------------------------------------------


def _top(labels: ArrayLike, probabilities: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """How sure the network is of the digit that it says, and whether that is right."""
    values, digits = np.asarray(probabilities, dtype=np.float64), np.asarray(labels)
    if values.ndim != 2 or digits.shape != values.shape[:1]:
        raise ValueError(f"There must be one row per label. Received: shapes {values.shape} and {digits.shape}.")
    return values.max(axis=1, initial=0.0), values.argmax(axis=1) == digits


def _edges(confidence: NDArray[np.float64], bins: int, equal_mass: bool) -> NDArray[np.float64]:
    if bins < 1:
        raise ValueError(f"There must be at least one bin. Received: bins={bins}.")
    if not equal_mass or not len(confidence):
        return np.linspace(0.0, 1.0, bins + 1)
    edges = np.quantile(confidence, np.linspace(0.0, 1.0, bins + 1))
    return np.concatenate([edges[:1], np.unique(edges[1:-1]), edges[-1:]])


def _logits(probabilities: ArrayLike) -> NDArray[np.float64]:
    logits: NDArray[np.float64] = np.log(np.maximum(np.asarray(probabilities, dtype=np.float64), SMALLEST))
    return logits


def _squares(labels: ArrayLike, probabilities: ArrayLike) -> NDArray[np.float64]:
    values, digits = np.asarray(probabilities, dtype=np.float64), np.asarray(labels, dtype=np.int64)
    truth = np.zeros_like(values)
    truth[np.arange(len(digits)), digits] = 1.0
    squares: NDArray[np.float64] = ((values - truth) ** 2).sum(axis=1)
    return squares

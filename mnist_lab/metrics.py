"""How good a classification is: counts of confusions, figures per digit, intervals, the most confident mistakes.

What is undefined, 0/0, is NaN here and never 0: a digit that does not occur has no recall, not a bad one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import pandas as pd


def confusion(labels: ArrayLike, predictions: ArrayLike, n_classes: int = 10) -> NDArray[np.int64]:
    """Counts how often each digit was taken for each.

    Args:
        labels: The true digits, shape `(n,)`.
        predictions: The predicted digits, shape `(n,)`.
        n_classes: Number of classes.

    Returns:
        Counts, shape `(n_classes, n_classes)`: rows are the true digits, columns the predicted ones.

    Raises:
        ValueError: If the shapes differ or a digit is not in 0..n_classes-1.
    """
    true, predicted = _classes(labels, n_classes, "labels"), _classes(predictions, n_classes, "predictions")
    if true.shape != predicted.shape:
        raise ValueError(f"There must be one prediction per label. Received: {true.shape} and {predicted.shape}.")
    counts = np.bincount(true * n_classes + predicted, minlength=n_classes * n_classes)
    return counts.reshape(n_classes, n_classes).astype(np.int64)


def per_digit(labels: ArrayLike, probabilities: ArrayLike) -> pd.DataFrame:
    """Figures for each digit against all others.

    With TP, FP and FN counted in the confusion matrix: precision = TP / (TP + FP), recall = TP / (TP + FN),
    F1 = 2 TP / (2 TP + FP + FN). AUC is the probability that an image of the digit gets a higher probability of it than
    an image of another, ties counting half.

    `auc_hard` is another figure and must not be set beside `auc`: the area under the curve that has the predicted digit
    alone for its score, (recall + specificity) / 2 with specificity = TN / (TN + FP). It does not see how sure the
    network was and is lower than `auc` for any good network. Some documents print it under the name AUC.

    Args:
        labels: The true digits, shape `(n,)`.
        probabilities: Shape `(n, classes)`.

    Returns:
        Columns `digit`, `support` (how many images), `precision`, `recall`, `f1`, `auc` and `auc_hard`; one row per
        digit. Undefined figures are NaN: precision of a digit never predicted, recall of one that does not occur, F1 of
        one that is neither, both AUC of one that does not occur or is the only one.
    """
    import pandas as pd  # late: a worker that only evaluates does not need it

    true, values = _checked(labels, probabilities)
    matrix = confusion(true, values.argmax(axis=1), values.shape[1])
    right, support, predicted = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    recall, others = _ratio(right, support), len(true) - support
    return pd.DataFrame(
        {
            "digit": np.arange(len(matrix)),
            "support": support,
            "precision": _ratio(right, predicted),
            "recall": recall,
            "f1": _f1(matrix),
            "auc": [_auc(true == digit, values[:, digit]) for digit in range(len(matrix))],
            "auc_hard": (recall + _ratio(others - (predicted - right), others)) / 2,
        }
    )


def macro_f1(labels: ArrayLike, predictions: ArrayLike, n_classes: int = 10) -> float:
    """Mean F1 of the digits for which it is defined, each counting the same.

    Args:
        labels: The true digits, shape `(n,)`.
        predictions: The predicted digits, shape `(n,)`.
        n_classes: Number of classes.

    Returns:
        A figure in 0..1; NaN if there are no images.
    """
    each = _f1(confusion(labels, predictions, n_classes))
    defined = each[~np.isnan(each)]
    return float(defined.mean()) if len(defined) else math.nan


def micro_f1(labels: ArrayLike, predictions: ArrayLike, n_classes: int = 10) -> float:
    """F1 of all decisions together. Where every image has one label and one prediction, this is the accuracy.

    Args:
        labels: The true digits, shape `(n,)`.
        predictions: The predicted digits, shape `(n,)`.
        n_classes: Number of classes.

    Returns:
        A figure in 0..1; NaN if there are no images.
    """
    matrix = confusion(labels, predictions, n_classes)
    total = int(matrix.sum())
    return int(np.trace(matrix)) / total if total else math.nan


def thresholded_precision(labels: ArrayLike, probabilities: ArrayLike, threshold: float = 0.5) -> float:
    """Precision over all decisions, one per image and digit: "yes" where the probability is above the threshold.

    This is what Keras's `Precision` says on one-hot labels: the comparison is strict, so exactly one half is a "no".
    At a threshold of one half or more an image has at most one "yes", and none where the network was unsure; this is
    why it is higher than the accuracy.

    Args:
        labels: The true digits, shape `(n,)`.
        probabilities: Shape `(n, classes)`.
        threshold: What a probability must exceed.

    Returns:
        The share of the "yes" that are right; NaN if there are none (Keras says 0).
    """
    right, said, _ = _decisions(labels, probabilities, threshold)
    return right / said if said else math.nan


def thresholded_recall(labels: ArrayLike, probabilities: ArrayLike, threshold: float = 0.5) -> float:
    """Recall over all decisions: the share of images whose true digit got a probability above the threshold.

    This is what Keras's `Recall` says on one-hot labels. At a threshold of one half or more it is at most the accuracy.

    Args:
        labels: The true digits, shape `(n,)`.
        probabilities: Shape `(n, classes)`.
        threshold: What a probability must exceed.

    Returns:
        A figure in 0..1; NaN if there are no images.
    """
    right, _, images = _decisions(labels, probabilities, threshold)
    return right / images if images else math.nan


def accuracy_interval(k: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Interval for an accuracy of which k of n images tell: the score interval of Wilson (1927).

    With p = k / n and the normal quantile z for `level`, its ends are
    (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n). It lies in 0..1 and is not empty at k = 0 or k = n.

    Args:
        k: How many were right.
        n: How many there were.
        level: Confidence level, between 0 and 1.

    Returns:
        Lower and upper end; both NaN if n is 0.

    Raises:
        ValueError: If not 0 <= k <= n, or level is not between 0 and 1.
    """
    if not 0 <= k <= n:
        raise ValueError(f"k must lie in 0..n. Received: k={k}, n={n}.")
    _check_level(level)
    if n == 0:
        return math.nan, math.nan
    z = NormalDist().inv_cdf((1 + level) / 2)
    share, weight = k / n, z * z / n
    middle = (share + weight / 2) / (1 + weight)
    half = z * math.sqrt(share * (1 - share) / n + weight / (4 * n)) / (1 + weight)
    # At the ends the formula gives 0 and 1 but for rounding.
    low = 0.0 if k == 0 else max(0.0, middle - half)
    high = 1.0 if k == n else min(1.0, middle + half)
    return low, high


_HALF_AN_IMAGE = 0.00005


def seeds_interval(accuracies: Sequence[float], level: float = 0.95) -> tuple[float, float]:
    """Interval in which the accuracy of one more training falls, another seed being all that differs.

    A prediction interval of normal values, on the scale of ln(p / (1 - p)), where accuracies near 1 have as much room
    above as below: with n values there, their mean m, their standard deviation s (divisor n - 1) and the quantile t of
    Student's distribution with n - 1 degrees of freedom, m ± t s √(1 + 1/n), taken back to shares. It is wider than an
    interval for the mean, and so it must be: it speaks of a single training. Accuracies of 0 and 1, which have no place
    on that scale, are moved in by 0.00005, half an image of MNIST's test set.

    Args:
        accuracies: One per training, each in 0..1; three at least, as two say next to nothing about their spread.
        level: How often the next accuracy shall fall into it, between 0 and 1.

    Returns:
        Lower and upper end.

    Raises:
        ValueError: If there are fewer than three accuracies, one is not in 0..1, or level is not between 0 and 1.
    """
    from scipy.special import expit, stdtrit  # late: a quarter of a second that only this function needs

    known = np.asarray(accuracies, dtype=np.float64)
    if known.ndim != 1 or len(known) < 3:
        raise ValueError(f"accuracies must be three or more. Received: shape={known.shape}.")
    if not ((known >= 0) & (known <= 1)).all():
        raise ValueError(f"accuracies must lie in 0..1. Received: {known.tolist()}.")
    _check_level(level)
    known = np.clip(known, _HALF_AN_IMAGE, 1 - _HALF_AN_IMAGE)
    places = np.log(known / (1 - known))
    half = float(stdtrit(len(known) - 1, (1 + level) / 2)) * float(places.std(ddof=1)) * math.sqrt(1 + 1 / len(known))
    middle = float(places.mean())
    return float(expit(middle - half)), float(expit(middle + half))


def mistakes(
    labels: ArrayLike, probabilities: ArrayLike, true: int | None = None, predicted: int | None = None
) -> NDArray[np.int64]:
    """Finds the images that were taken for another digit.

    Args:
        labels: The true digits, shape `(n,)`.
        probabilities: Shape `(n, classes)`.
        true: Only images of this digit, or None for all.
        predicted: Only images taken for this digit, or None for all.

    Returns:
        Positions in `labels`, those first of which the network was surest; equals stay in order.
    """
    digits, values = _checked(labels, probabilities)
    guesses = values.argmax(axis=1)
    wrong = guesses != digits
    if true is not None:
        wrong &= digits == true
    if predicted is not None:
        wrong &= guesses == predicted
    found = np.flatnonzero(wrong)
    return found[np.argsort(-values[found].max(axis=1), kind="stable")]


def log_loss(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Mean of -ln of the probability that the true digit got (cross-entropy).

    Probabilities are first brought into eps..1-eps, eps being 1e-7 as in Keras, so that one sure mistake costs 16.1
    and not infinitely much.

    Args:
        labels: The true digits, shape `(n,)`.
        probabilities: Shape `(n, classes)`; each row adds up to 1.

    Returns:
        The loss in nats; NaN if there are no images or a probability is NaN.
    """
    digits, values = _checked(labels, probabilities)
    if not len(digits):
        return math.nan
    given = values[np.arange(len(digits)), digits].astype(np.float64)
    return float(-np.log(np.clip(given, 1e-7, 1 - 1e-7)).mean())


def _classes(values: ArrayLike, n_classes: int, what: str) -> NDArray[np.int64]:
    digits = np.asarray(values)
    if digits.ndim != 1 or (digits.size and digits.dtype.kind not in "ui"):
        raise ValueError(
            f"{what} must be whole numbers of shape (n,). Received: shape={digits.shape}, dtype={digits.dtype}."
        )
    digits = digits.astype(np.int64)
    if digits.size and not (digits.min() >= 0 and digits.max() < n_classes):
        raise ValueError(f"{what} must lie in 0..{n_classes - 1}. Received: {digits.min()} to {digits.max()}.")
    return digits


def _checked(labels: ArrayLike, probabilities: ArrayLike) -> tuple[NDArray[np.int64], NDArray]:
    values = np.asarray(probabilities)
    if values.ndim != 2 or values.shape[1] < 1:
        raise ValueError(f"probabilities must have the shape (n, classes). Received: shape={values.shape}.")
    digits = _classes(labels, values.shape[1], "labels")
    if len(digits) != len(values):
        raise ValueError(f"There must be one row per label. Received: {len(values)} rows, {len(digits)} labels.")
    return digits, values


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1. Received: level={level}.")


def _decisions(labels: ArrayLike, probabilities: ArrayLike, threshold: float) -> tuple[int, int, int]:
    """How many "yes" are right, how many there are, and how many images."""
    digits, values = _checked(labels, probabilities)
    yes = values > threshold
    return int(yes[np.arange(len(digits)), digits].sum()), int(yes.sum()), len(digits)


def _ratio(above: NDArray, below: NDArray) -> NDArray[np.float64]:
    return np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)


def _f1(matrix: NDArray[np.int64]) -> NDArray[np.float64]:
    return _ratio(2 * np.diag(matrix), matrix.sum(axis=0) + matrix.sum(axis=1))


def _auc(positive: NDArray[np.bool_], scores: NDArray) -> float:
    """Area under the curve by ranks (Mann and Whitney, 1947); ties share the mean of their ranks."""
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if not positives or not negatives or np.isnan(scores).any():
        return math.nan
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return float((ranks[positive].sum() - positives * (positives + 1) / 2) / (positives * negatives))

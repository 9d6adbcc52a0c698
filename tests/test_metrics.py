"""Metrics, checked against scikit-learn, SciPy and their definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special, stats
from statsmodels.stats.proportion import proportion_confint

from mnist_lab import metrics

N_CLASSES = 10
Case = tuple[np.ndarray, np.ndarray]


@st.composite
def cases(draw: st.DrawFn, least: int = 1) -> Case:
    """Labels and probabilities, coarse so that there are ties, few enough that digits are missing."""
    n = draw(st.integers(least, 60))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    digits = random.choice(N_CLASSES, size=draw(st.integers(1, N_CLASSES)), replace=False)
    labels = random.choice(digits, n).astype(np.uint8)
    weights = random.integers(0, draw(st.sampled_from([3, 1000])), (n, N_CLASSES)) + 0.01
    weights[np.arange(n), labels] += draw(st.sampled_from([0, 2, 900]))
    return labels, (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


@given(cases())
@settings(max_examples=150, deadline=None)
def test_confusion_is_that_of_scikit_learn(case: Case) -> None:
    labels, predictions = case[0], case[1].argmax(axis=1)
    expected = reference.confusion_matrix(labels, predictions, labels=range(N_CLASSES))
    matrix = metrics.confusion(labels, predictions)
    assert np.array_equal(matrix, expected) and matrix.dtype == np.int64


def test_rows_are_the_true_digits() -> None:
    matrix = metrics.confusion([4, 4, 4, 9], [9, 9, 4, 9])
    assert matrix[4, 9] == 2 and matrix[9, 4] == 0 and matrix.sum() == 4


@given(cases())
@settings(max_examples=150, deadline=None)
def test_figures_per_digit_are_those_of_scikit_learn(case: Case) -> None:
    labels, probabilities = case
    predictions = probabilities.argmax(axis=1)
    precision, recall, f1, support = reference.precision_recall_fscore_support(
        labels, predictions, labels=range(N_CLASSES), zero_division=np.nan
    )
    table = metrics.per_digit(labels, probabilities)
    assert table.columns.tolist() == ["digit", "support", "precision", "recall", "f1", "auc", "auc_hard"]
    assert table["digit"].tolist() == list(range(N_CLASSES)) and np.array_equal(table["support"], support)
    np.testing.assert_allclose(table["precision"], precision, rtol=1e-12)
    np.testing.assert_allclose(table["recall"], recall, rtol=1e-12)
    np.testing.assert_allclose(table["f1"], f1, rtol=1e-12)
    for digit, auc, hard in table[["digit", "auc", "auc_hard"]].itertuples(index=False):
        is_digit = labels == digit
        if is_digit.all() or not is_digit.any():
            assert math.isnan(auc) and math.isnan(hard)
        else:
            assert auc == pytest.approx(reference.roc_auc_score(is_digit, probabilities[:, int(digit)]), rel=1e-12)
            assert hard == pytest.approx(reference.roc_auc_score(is_digit, predictions == digit), rel=1e-12)


def test_the_two_aucs_are_told_apart() -> None:
    # Four images; the second 3 is taken for a 5, yet no image of another digit has a higher probability of a 3.
    probabilities = np.full((4, N_CLASSES), 0.01)
    probabilities[[0, 1, 1, 2, 3], [3, 3, 5, 5, 7]] = 0.9, 0.4, 0.5, 0.9, 0.9
    table = metrics.per_digit([3, 3, 5, 7], probabilities).set_index("digit")
    assert table.loc[3, ["auc", "auc_hard"]].tolist() == [1.0, (1 / 2 + 2 / 2) / 2]
    assert table.loc[5, ["auc", "auc_hard"]].tolist() == [1.0, (1 / 1 + 2 / 3) / 2]
    assert table.loc[7, ["auc", "auc_hard"]].tolist() == [1.0, 1.0]


def test_the_undefined_is_nan_and_not_zero() -> None:
    # Two images of a 3, one taken for a 5; no other digit occurs.
    probabilities = np.eye(N_CLASSES, dtype=np.float32)[[3, 5]]
    table = metrics.per_digit([3, 3], probabilities).set_index("digit")
    assert table.loc[3, ["precision", "recall"]].tolist() == [1.0, 0.5] and math.isnan(table.loc[3, "auc"])
    assert table.loc[5, "precision"] == 0.0 and math.isnan(table.loc[5, "recall"]) and table.loc[5, "f1"] == 0.0
    assert table.loc[7, ["precision", "recall", "f1", "auc"]].isna().all() and table.loc[7, "support"] == 0


@given(cases())
@settings(max_examples=100, deadline=None)
def test_f1_over_all_digits_is_that_of_scikit_learn(case: Case) -> None:
    labels, predictions = case[0], case[1].argmax(axis=1)
    assert metrics.macro_f1(labels, predictions) == pytest.approx(
        reference.f1_score(labels, predictions, average="macro"), rel=1e-12
    )
    micro = metrics.micro_f1(labels, predictions)
    assert micro == pytest.approx(reference.f1_score(labels, predictions, average="micro"), rel=1e-12)
    assert micro == pytest.approx(reference.accuracy_score(labels, predictions), rel=1e-12)


@given(cases(), st.sampled_from([0.0, 0.05, 0.3, 0.5, 0.9, 1.0]))
@settings(max_examples=150, deadline=None)
def test_figures_above_a_threshold_are_those_of_scikit_learn(case: Case, threshold: float) -> None:
    labels, probabilities = case
    decided, truth = probabilities > np.float32(threshold), np.eye(N_CLASSES, dtype=bool)[labels]
    precision = metrics.thresholded_precision(labels, probabilities, threshold)
    recall = metrics.thresholded_recall(labels, probabilities, threshold)
    if decided.any():
        assert precision == pytest.approx(reference.precision_score(truth, decided, average="micro"), rel=1e-12)
    else:
        assert math.isnan(precision) and recall == 0
    assert recall == pytest.approx(reference.recall_score(truth, decided, average="micro"), rel=1e-12)
    if threshold >= 0.5:
        assert recall <= metrics.micro_f1(labels, probabilities.argmax(axis=1))


def test_exactly_the_threshold_is_a_no_as_in_keras() -> None:
    # By Keras 3.15: Precision() and Recall() say 2/3 and 2/5 of these five, and 0 and 0 of the last alone; the
    # figures for 0.7 and 0.3 are also what it says.
    labels = [0, 1, 2, 3, 4]
    probabilities = np.zeros((5, N_CLASSES), np.float32)
    probabilities[0, 0] = 0.9  # right
    probabilities[1, [1, 2]] = 0.51, 0.49  # right, only just
    probabilities[2, [2, 3]] = 0.3, 0.7  # wrong
    probabilities[3, [3, 4]] = 0.5  # neither is above
    probabilities[4, 4:7] = 0.4, 0.3, 0.3  # right by argmax, and yet nothing is said
    assert metrics.thresholded_precision(labels, probabilities) == 2 / 3
    assert metrics.thresholded_recall(labels, probabilities) == 2 / 5
    assert metrics.micro_f1(labels, probabilities.argmax(axis=1)) == 4 / 5
    assert math.isnan(metrics.thresholded_precision(labels[4:], probabilities[4:]))
    assert metrics.thresholded_recall(labels[4:], probabilities[4:]) == 0
    # A threshold that single precision does not hold exactly: 0.7 there is no more than 0.7.
    assert metrics.thresholded_precision(labels, probabilities, 0.7) == 1
    assert metrics.thresholded_recall(labels, probabilities, 0.7) == 1 / 5
    assert metrics.thresholded_recall(labels, probabilities, 0.3) == 4 / 5
    assert metrics.thresholded_precision(labels, probabilities, 0.3) == 4 / 7


@given(cases())
@settings(max_examples=100, deadline=None)
def test_log_loss_is_that_of_scikit_learn(case: Case) -> None:
    labels, probabilities = case
    exact = probabilities.astype(np.float64)
    exact /= exact.sum(axis=1, keepdims=True)
    assert metrics.log_loss(labels, exact) == pytest.approx(
        reference.log_loss(labels, exact, labels=range(N_CLASSES)), rel=1e-6, abs=1e-6
    )


def test_a_sure_mistake_costs_much_but_not_infinitely_much() -> None:
    probabilities = np.eye(N_CLASSES, dtype=np.float32)[[3, 5]]
    assert metrics.log_loss([3, 5], probabilities) == pytest.approx(0, abs=1e-6)
    assert metrics.log_loss([3, 4], probabilities) == pytest.approx(-math.log(1e-7) / 2)
    assert math.isnan(metrics.log_loss([3, 4], np.full((2, 10), np.nan, np.float32)))


# Intervals ----------------------------------------------------------------------------------------------------------


@given(st.integers(1, 20_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.5, 0.999))
@settings(max_examples=150, deadline=None)
def test_the_interval_is_that_of_scipy(counts: tuple[int, int], level: float) -> None:
    expected = stats.binomtest(*counts).proportion_ci(level, method="wilson")
    assert metrics.accuracy_interval(*counts, level) == pytest.approx(
        (expected.low, expected.high), rel=1e-9, abs=1e-12
    )


@given(st.integers(1, 20_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.5, 0.999))
@settings(deadline=None)
def test_the_interval_is_that_of_statsmodels_too(counts: tuple[int, int], level: float) -> None:
    expected = proportion_confint(*counts, alpha=1 - level, method="wilson")
    assert metrics.accuracy_interval(*counts, level) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("k", [0, 1])
def test_the_interval_of_one_image(k: int) -> None:
    assert metrics.accuracy_interval(k, 1) == pytest.approx(proportion_confint(k, 1, method="wilson"), abs=1e-12)


@pytest.mark.parametrize(("k", "n"), [(9_900, 10_000), (3, 40), (39, 40)])
def test_the_ends_are_the_accuracies_that_a_score_test_just_does_not_reject(k: int, n: int) -> None:
    z, p = stats.norm.ppf(0.975), k / n

    def score(q: float) -> float:
        return abs(p - q) / math.sqrt(q * (1 - q) / n) - z

    low, high = metrics.accuracy_interval(k, n)
    assert low == pytest.approx(optimize.brentq(score, 1e-9, p), abs=1e-9)
    assert high == pytest.approx(optimize.brentq(score, p, 1 - 1e-9), abs=1e-9)


def test_the_interval_at_its_edges() -> None:
    z = stats.norm.ppf(0.975)
    assert metrics.accuracy_interval(0, 50) == (0.0, pytest.approx(z * z / (50 + z * z)))
    assert metrics.accuracy_interval(50, 50) == (pytest.approx(50 / (50 + z * z)), 1.0)
    assert all(math.isnan(end) for end in metrics.accuracy_interval(0, 0))
    low, high = metrics.accuracy_interval(10_000, 10_000)
    assert 0.9995 < low < high == 1.0


@pytest.mark.parametrize(("k", "n", "level"), [(-1, 5, 0.95), (6, 5, 0.95), (0, -1, 0.95), (1, 5, 0.0), (1, 5, 1.0)])
def test_impossible_counts_and_levels_are_refused(k: int, n: int, level: float) -> None:
    with pytest.raises(ValueError, match="Received: "):
        metrics.accuracy_interval(k, n, level)


ACCURACIES = st.lists(st.floats(0, 1), min_size=3, max_size=12)


@given(ACCURACIES, st.floats(0.5, 0.999))
@settings(max_examples=150, deadline=None)
def test_the_interval_of_seeds_is_that_of_students_distribution(accuracies: list[float], level: float) -> None:
    places = special.logit(np.clip(accuracies, 0.00005, 0.99995))
    half = stats.t.ppf((1 + level) / 2, len(places) - 1) * np.std(places, ddof=1) * np.sqrt(1 + 1 / len(places))
    low, high = metrics.seeds_interval(accuracies, level)
    ends = special.expit(np.mean(places) - half), special.expit(np.mean(places) + half)
    assert (low, high) == pytest.approx(ends, rel=1e-6, abs=1e-12)
    assert 0 <= low <= high <= 1


def test_the_interval_of_seeds_by_hand() -> None:
    # ln(p / (1 - p)) is 4.498799, 4.595120 and 4.701490: mean 4.598469, s 0.101387.
    # t is 4.302653, for two degrees of freedom.
    half = 4.302653 * 0.101387 * math.sqrt(4 / 3)
    low, high = (1 / (1 + math.exp(-(4.598469 + side))) for side in (-half, half))
    assert metrics.seeds_interval([0.989, 0.990, 0.991]) == pytest.approx((low, high), abs=1e-6)
    assert high - 0.99 < 0.99 - low, "there is less room above"
    assert metrics.seeds_interval([0.97, 0.99, 1.0])[1] < 1.0
    assert metrics.seeds_interval([0.9, 0.9, 0.9, 0.9]) == pytest.approx((0.9, 0.9))


def test_the_next_training_falls_into_the_interval_as_often_as_it_says() -> None:
    runs = np.random.default_rng(0).normal(0.9, 0.004, (4000, 6))
    inside = [low <= last <= high for *seeds, last in runs.tolist() for low, high in [metrics.seeds_interval(seeds)]]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.011)  # three standard errors


@pytest.mark.parametrize(
    ("accuracies", "level"),
    [
        *[
            (accuracies, 0.95)
            for accuracies in ([], [0.9, 0.8], [0.9, 0.8, 1.1], [0.9, 0.8, -0.1], [0.9, 0.8, math.nan])
        ],
        *[([0.9, 0.8, 0.7], level) for level in (0.0, 1.0)],
        ([[0.9, 0.8, 0.7]], 0.95),
    ],
)
def test_too_few_or_impossible_accuracies_are_refused(accuracies: list, level: float) -> None:
    with pytest.raises(ValueError, match="Received: "):
        metrics.seeds_interval(accuracies, level)


# Mistakes -----------------------------------------------------------------------------------------------------------


@given(cases(), st.none() | st.integers(0, 9), st.none() | st.integers(0, 9))
@settings(max_examples=150, deadline=None)
def test_mistakes_are_all_there_and_the_surest_come_first(case: Case, true: int | None, predicted: int | None) -> None:
    labels, probabilities = case
    found = metrics.mistakes(labels, probabilities, true, predicted).tolist()
    expected = [
        position
        for position, (label, row) in enumerate(zip(labels.tolist(), probabilities.tolist(), strict=True))
        if (guess := row.index(max(row))) != label and true in (None, label) and predicted in (None, guess)
    ]
    assert found == sorted(expected, key=lambda position: -max(probabilities[position].tolist()))


# Edges --------------------------------------------------------------------------------------------------------------


def test_no_images_give_zeros_and_nan() -> None:
    none, rows = np.empty(0, np.uint8), np.empty((0, 10), np.float32)
    assert not metrics.confusion(none, none).any() and metrics.confusion([], []).shape == (10, 10)
    assert metrics.per_digit(none, rows).drop(columns=["digit", "support"]).isna().all(axis=None)
    assert metrics.mistakes(none, rows).tolist() == []
    for figure in (metrics.macro_f1(none, none), metrics.micro_f1(none, none)):
        assert math.isnan(figure)
    for function in (metrics.log_loss, metrics.thresholded_precision, metrics.thresholded_recall):
        assert math.isnan(function(none, rows))


def test_a_diverged_network_is_no_crash() -> None:
    labels, probabilities = np.array([1, 2, 0], np.uint8), np.full((3, 10), np.nan, np.float32)
    assert metrics.per_digit(labels, probabilities)["auc"].isna().all()
    assert metrics.mistakes(labels, probabilities).tolist() == [0, 1]
    assert math.isnan(metrics.thresholded_precision(labels, probabilities))
    assert metrics.thresholded_recall(labels, probabilities) == 0


@pytest.mark.parametrize(
    ("labels", "predictions"),
    [([1, 2], [1]), ([10], [1]), ([1], [-1]), ([1.0], [1]), ([[1]], [[1]])],
)
def test_labels_of_another_form_are_refused(labels: list, predictions: list) -> None:
    with pytest.raises(ValueError, match="Received: "):
        metrics.confusion(labels, predictions)


@pytest.mark.parametrize("shape", [(2,), (3, 10), (2, 0), (2, 3)])
def test_probabilities_of_another_form_are_refused(shape: tuple[int, ...]) -> None:
    for function in (
        metrics.per_digit,
        metrics.mistakes,
        metrics.log_loss,
        metrics.thresholded_precision,
        metrics.thresholded_recall,
    ):
        with pytest.raises(ValueError, match="Received: "):
            function([4, 5], np.ones(shape, np.float32))

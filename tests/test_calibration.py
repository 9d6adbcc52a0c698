"""Calibration against scikit-learn, brute force and networks whose temperature is known."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, log_loss

from mnist_lab import metrics
from mnist_lab.calibration import (
    BINS,
    SMALLEST,
    Coverage,
    brier,
    calibration_error,
    error_by_chance,
    figures,
    fit_temperature,
    mean_interval,
    reliability,
    scaled,
)


def network(images: int, seed: int, temperature: float = 1.0, sharp: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn from a softmax, and what a network says that divides these logits by 1 / `temperature`."""
    rng = np.random.default_rng(seed)
    logits = sharp * rng.normal(size=(images, 10))
    truth = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (rng.random((images, 1)) > truth.cumsum(axis=1)).sum(axis=1).clip(0, 9)
    said = np.exp(logits * temperature - (logits * temperature).max(axis=1, keepdims=True))
    return labels.astype(np.uint8), (said / said.sum(axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize(("strategy", "bins"), [("uniform", 15), ("uniform", 7), ("quantile", 15), ("quantile", 10)])
def test_bins_are_those_of_scikit_learn(strategy: str, bins: int) -> None:
    labels, probabilities = network(3000, 1)
    probabilities[:700] = np.eye(10, dtype=np.float32)[labels[:700]]  # entirely sure: many equal confidences
    confidence = probabilities.astype(float).max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    found = reliability(labels, probabilities, bins, equal_mass=strategy == "quantile")
    accuracy, mean = calibration_curve(right, confidence, n_bins=bins, strategy=strategy)
    assert [each.accuracy for each in found] == pytest.approx(list(accuracy))
    assert [each.confidence for each in found] == pytest.approx(list(mean))
    assert sum(each.images for each in found) == 3000 and sum(each.right for each in found) == right.sum()
    for each in found:
        assert each.interval == metrics.accuracy_interval(each.right, each.images)


def test_the_calibration_error_is_that_of_its_definition_bin_by_bin() -> None:
    labels, probabilities = network(500, 2, temperature=1.7)
    total = 0.0
    for number in range(BINS):
        low, high = number / BINS, (number + 1) / BINS
        inside = [i for i in range(500) if low < float(probabilities[i].max()) <= high]
        if inside:
            accuracy = sum(int(probabilities[i].argmax() == labels[i]) for i in inside) / len(inside)
            confidence = sum(float(probabilities[i].max()) for i in inside) / len(inside)
            total += len(inside) / 500 * abs(accuracy - confidence)
    assert calibration_error(reliability(labels, probabilities)) == pytest.approx(total)
    assert math.isnan(calibration_error([]))


def test_brier_and_loss_are_those_of_scikit_learn_and_have_their_standard_errors() -> None:
    labels, probabilities = network(800, 3)
    values = probabilities.astype(float)
    values /= values.sum(axis=1, keepdims=True)
    found = figures(labels, values)
    expected = brier_score_loss(labels, values, labels=range(10), scale_by_half=False)
    assert brier(labels, values) == found.brier == pytest.approx(expected)
    assert found.loss == pytest.approx(log_loss(labels, values, labels=range(10)), rel=1e-6)
    each = -np.log(values[np.arange(800), labels])
    error = each.std(ddof=1) / math.sqrt(800)
    assert found.loss_interval == pytest.approx((found.loss - 1.96 * error, found.loss + 1.96 * error), rel=1e-4)
    assert found.brier_interval[0] < found.brier < found.brier_interval[1]
    assert math.isnan(mean_interval([1.0])[0]) and math.isnan(brier([], np.empty((0, 10))))


def test_a_calibrated_network_errs_as_by_chance_and_an_overconfident_one_more() -> None:
    calibrated = figures(*network(4000, 4))
    assert calibrated.error < calibrated.chance[1]
    assert calibrated.chance[0] < calibrated.chance[1] < 0.05
    overconfident = figures(*network(4000, 4, temperature=2.0))
    assert overconfident.error > overconfident.chance[1]


def test_the_error_by_chance_is_that_of_networks_drawn_anew() -> None:
    errors = [calibration_error(reliability(*network(400, seed))) for seed in range(60)]
    mean, limit = error_by_chance(*network(400, 99), draws=300)
    assert mean == pytest.approx(np.mean(errors), rel=0.15)
    assert np.mean([error > limit for error in errors]) < 0.15
    assert error_by_chance(*network(400, 99)) == error_by_chance(*network(400, 99)), "its lots are the same each time"


@pytest.mark.parametrize("temperature", [0.6, 1.0, 1.8, 3.0])
def test_the_temperature_of_a_network_is_found_again(temperature: float) -> None:
    labels, probabilities = network(6000, 15, temperature)
    found = fit_temperature(labels, probabilities)
    assert found.value == pytest.approx(temperature, rel=0.05) and found.is_bounded and found.images == 6000
    assert found.interval[0] < temperature < found.interval[1]
    tested, said = network(6000, 6, temperature)
    after = figures(tested, scaled(said, found.value))
    before = figures(tested, said)
    assert after.error <= after.chance[1] * 1.3
    if temperature != 1.0:
        assert after.loss < before.loss and after.error < before.error


def test_no_other_temperature_has_a_lower_loss() -> None:
    labels, probabilities = network(1000, 7, 1.5)
    best = fit_temperature(labels, probabilities).value

    def loss(temperature: float) -> float:
        values = scaled(probabilities, temperature)
        return -np.log(values[np.arange(1000), labels]).sum()

    assert all(loss(best) <= loss(each) + 1e-6 for each in np.geomspace(0.1, 10, 60))


def test_the_interval_of_the_temperature_holds_the_true_one_about_as_often_as_it_says() -> None:
    held = 0
    for seed in range(100):
        low, high = fit_temperature(*network(300, 1000 + seed, 1.5)).interval
        held += low <= 1.5 <= high
    assert 88 <= held <= 100


def test_a_temperature_changes_no_prediction_and_one_changes_nothing() -> None:
    _, probabilities = network(500, 8)
    assert (scaled(probabilities, 2.7).argmax(axis=1) == probabilities.argmax(axis=1)).all()
    assert scaled(probabilities, 1.0) == pytest.approx(probabilities, abs=1e-6)
    assert scaled(probabilities, 3.0).sum(axis=1) == pytest.approx(1.0)


def test_probabilities_that_were_rounded_to_nothing_stay_finite() -> None:
    sure = np.eye(10, dtype=np.float32)[[3, 4]]
    assert np.isfinite(scaled(sure, 5.0)).all()
    assert scaled(sure, 1.0)[0, 0] == pytest.approx(SMALLEST)
    found = fit_temperature([3, 5], sure)
    assert math.isfinite(found.value) and found.is_bounded is False, "one sure mistake of two asks for the highest"


def test_a_network_without_mistakes_has_no_temperature() -> None:
    _, probabilities = network(300, 9)
    right = probabilities.argmax(axis=1).astype(np.uint8)
    assert not fit_temperature(right, probabilities).is_bounded
    with pytest.raises(ValueError, match="at least one image"):
        fit_temperature([], np.empty((0, 10)))


def test_refusals_are_those_that_counting_finds() -> None:
    labels, probabilities = network(400, 10)
    probabilities[:50] = probabilities[0]  # ties
    coverage = Coverage(labels, probabilities)
    confidence, digits = probabilities.max(axis=1), probabilities.argmax(axis=1)
    for threshold in [0.0, 0.3, 0.5, float(confidence[0]), 0.9, 0.99, 1.0, 1.1]:
        found = coverage.at(threshold)
        answered = [i for i in range(400) if float(confidence[i]) >= threshold]
        assert found.answered == len(answered) and found.images == 400
        assert found.right == sum(int(digits[i] == labels[i]) for i in answered)
        refused = set(range(400)) - set(answered)
        assert found.refused_wrong == sum(int(digits[i] != labels[i]) for i in refused)
        assert found.coverage == len(answered) / 400
        if answered:
            assert found.interval == metrics.accuracy_interval(found.right, found.answered)


def test_the_curve_goes_from_all_answers_to_the_surest_and_is_thinned_without_losing_its_ends() -> None:
    labels, probabilities = network(2000, 11)
    coverage = Coverage(labels, probabilities)
    whole, thin = coverage.curve(10_000), coverage.curve(50)
    assert len(whole) == len(np.unique(probabilities.max(axis=1))) and 30 <= len(thin) <= 52
    assert sum(each.coverage > 0.8 for each in thin) > len(thin) / 3, "it is finest where few are refused"
    for curve in (whole, thin):
        assert curve[0].answered == 2000 and curve[0].accuracy == np.mean(probabilities.argmax(axis=1) == labels)
        assert curve[-1].answered == whole[-1].answered
        assert all(a.answered > b.answered for a, b in pairwise(curve))
    assert {each.threshold for each in thin} <= {each.threshold for each in whole}


@pytest.mark.parametrize(("accuracy", "surely"), [(0.97, False), (0.93, True)])
def test_the_threshold_for_an_accuracy_answers_most_of_all_that_reach_it(accuracy: float, surely: bool) -> None:
    labels, probabilities = network(900, 12)
    coverage = Coverage(labels, probabilities)
    threshold = coverage.threshold_for(accuracy, surely)
    reaching = [
        each for each in coverage.curve(10_000) if (each.interval[0] if surely else each.accuracy) >= accuracy
    ]  # fmt: skip
    assert threshold is not None
    assert coverage.at(threshold).answered == max(each.answered for each in reaching)
    hopeless = Coverage([1, 2], np.eye(10)[[3, 4]])
    assert hopeless.threshold_for(0.5) is None


def test_a_refusal_is_said_in_plain_words() -> None:
    labels = np.zeros(100, dtype=int)
    probabilities = np.full((100, 10), 0.01)
    probabilities[:, 0] = np.linspace(0.5, 1.0, 100)
    probabilities[:10, 1] = 0.9  # wrong, and surer than some that are right
    found = Coverage(labels, probabilities).at(0.85)
    low, high = found.interval
    assert found.sentence == (
        f"answers {found.answered:.2f} % of the 100 digits, {100 * found.accuracy:.2f} % "
        f"({100 * low:.2f} – {100 * high:.2f}) of these right, refuses {100 - found.answered} "
        f"of which {found.refused_wrong} would have been wrong"
    )
    assert Coverage(labels, probabilities).at(2.0).sentence == "answers none of the 100 digits"
    assert Coverage(labels, probabilities).at(0.0).sentence.endswith("refuses 0")

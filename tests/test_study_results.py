"""Ours beside published: means, intervals, and whether a printed figure lies inside."""

from __future__ import annotations

import json
import statistics
from dataclasses import replace

import pytest
from scipy.special import expit, logit
from scipy.stats import binomtest, t

from mnist_lab.studies import measured, preset, presets
from mnist_lab.study_plan import Setting
from mnist_lab.study_results import Measurement, Outcome, judged, outcome_of_project, outcome_of_runs

BASE = preset("000-baseline").published
assert BASE is not None


def one(accuracy: float, images: int = 10_000, seed: int = 1) -> Measurement:
    return Measurement(seed, accuracy, 0.1, images, 10, 9, 30.0)


def test_one_training_has_the_interval_of_its_test_images() -> None:
    single = Outcome((one(0.9271),))
    expected = binomtest(9271, 10_000).proportion_ci(method="wilson")
    assert single.interval == pytest.approx((expected.low, expected.high))
    assert single.spread is None and single.seeds == 1


def test_from_three_seeds_on_the_interval_is_that_of_another_training() -> None:
    values = [0.99, 0.992, 0.991]
    several = Outcome(tuple(one(value, seed=seed) for seed, value in enumerate(values)))
    places = [float(logit(value)) for value in values]
    half = t.ppf(0.975, 2) * statistics.stdev(places) * (1 + 1 / 3) ** 0.5
    ends = [float(expit(statistics.fmean(places) + side)) for side in (-half, half)]
    assert several.accuracy == pytest.approx(0.991)
    assert several.spread == pytest.approx(statistics.stdev(values))
    assert several.interval == pytest.approx(tuple(ends))


def test_two_seeds_have_a_spread_but_the_interval_of_the_images() -> None:
    pair = Outcome((one(0.99), one(0.992)))
    assert pair.spread == pytest.approx(statistics.stdev([0.99, 0.992]))
    expected = binomtest(9910, 10_000).proportion_ci(method="wilson")
    assert pair.interval == pytest.approx((expected.low, expected.high))


def test_a_printed_figure_is_as_exact_as_its_decimals() -> None:
    low = Outcome((one(0.9271),)).interval[0]
    just_out = replace(BASE, test_accuracy=low - 0.0004, decimals=4)
    assert Outcome((one(0.9271),)).holds(just_out) is False
    assert Outcome((one(0.9271),)).holds(replace(just_out, decimals=3)) is True
    assert Outcome((one(0.9271),)).holds(replace(just_out, test_accuracy=None)) is None


def test_an_interval_that_would_hold_anything_says_nothing() -> None:
    wild = Outcome((one(0.1135), one(0.1135, seed=2), one(0.9261, seed=3)))
    assert wild.interval == pytest.approx((0.0, 1.0), abs=1e-5)
    assert wild.holds(BASE) is None


def test_only_trainings_as_published_on_mnist_are_held_against_a_document() -> None:
    ours = Outcome((one(0.9271),))
    assert judged(ours, BASE, Setting(), "mnist") is True
    assert judged(ours, BASE, Setting(seeds=(1, 2)), "mnist") is True
    assert judged(Outcome((one(0.5),)), BASE, Setting(), "mnist") is False
    assert judged(ours, BASE, Setting(epochs=3), "mnist") is None
    assert judged(ours, BASE, Setting(limit=3), "mnist") is None
    assert judged(ours, BASE, Setting(), "digits") is None
    assert judged(None, BASE, Setting(), "mnist") is None
    assert judged(ours, None, Setting(), "mnist") is None


def test_nothing_trained_is_nothing_to_compare() -> None:
    assert outcome_of_runs([]) is None
    assert outcome_of_project([]) is None


def test_what_the_project_measured_is_of_known_presets_and_hangs_together() -> None:
    entries = json.loads(measured.FILE.read_text(encoding="utf-8"))
    assert {entry["preset"] for entry in entries} <= set(presets())
    for entry in entries:
        (each,) = (each for each in measured.of(entry["preset"]) if each.seed == entry["seed"])
        assert each.digest == measured.digest_of(presets()[each.preset]), "the preset has changed: measure it anew"
        assert each.epochs_run == len(each.history) <= presets()[each.preset].training.epochs
        right = each.test_accuracy * each.test_images
        assert right == pytest.approx(round(right), abs=1e-6), "an accuracy is a share of whole images"
        assert each.machine and each.when and {"python", "keras", "tensorflow", "mnist_lab"} <= set(each.versions)
        if presets()[each.preset].training.split == "test-as-validation":
            best = max(row["val_accuracy"] for row in each.history)
            assert each.test_accuracy <= best + 1e-6


def test_the_project_measured_what_it_promises() -> None:
    """All of document 000, LeNet-5 and the CNN of 003, two of 002, one each of 001 and 004."""
    known = {name for name in presets() if measured.of(name)}
    assert {name for name in presets() if name.startswith("000-")} <= known
    assert {"lenet-5", "003-cnn"} <= known
    assert len([name for name in known if name.startswith("002-")]) >= 2
    assert any(name.startswith("001-") for name in known)
    assert any(name.startswith("004-") for name in known)

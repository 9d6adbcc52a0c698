"""Reliability diagram and accuracy against coverage: by their traces."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mnist_lab.calibration import Coverage, reliability
from mnist_lab.figures.calibration import Refusing, Reliability, accuracy_over_coverage, reliability_diagram
from mnist_lab.figures.theme import run_looks

LOOK = run_looks(["a"])["a"]
RNG = np.random.default_rng(3)
SAID = RNG.dirichlet([0.3] * 10, 500)
LABELS = np.where(RNG.random(500) < 0.8, SAID.argmax(axis=1), 0)
BINS = reliability(LABELS, SAID)
COVERAGE = Coverage(LABELS, SAID)


def by_uid(figure) -> dict:
    return {trace.uid: trace for trace in figure.data}


def test_a_reliability_diagram_has_each_bin_with_its_interval_over_its_images() -> None:
    traces = by_uid(reliability_diagram({"a": Reliability("<b>a</b>", LOOK, BINS)}))
    line, bars = traces["a"], traces["a-images"]
    assert list(line.x) == [each.confidence for each in BINS] and list(line.y) == [each.accuracy for each in BINS]
    tops = [y + up for y, up in zip(line.y, line.error_y.array, strict=True)]
    assert tops == pytest.approx([each.interval[1] for each in BINS])
    feet = [y - down for y, down in zip(line.y, line.error_y.arrayminus, strict=True)]
    assert feet == pytest.approx([each.interval[0] for each in BINS])
    assert list(bars.y) == [each.images for each in BINS] and bars.yaxis == "y2"
    assert sum(bars.y) == 500
    assert line.name == "&lt;b&gt;a&lt;/b&gt;" and f"{BINS[0].images:,} images" in line.text[0]
    assert (line.line.color, line.marker.symbol) == (LOOK.colour, LOOK.symbol), "a run's look is its own"
    assert traces["diagonal"].x == traces["diagonal"].y


def test_the_sure_end_is_stretched_on_both_axes_alike() -> None:
    figure = reliability_diagram({"a": Reliability("a", LOOK, BINS)}, stretched=True)
    line = by_uid(figure)["a"]
    assert list(line.x) == pytest.approx([-math.log10(1 - each.confidence) for each in BINS])
    assert figure.layout.xaxis.tickvals == figure.layout.yaxis.tickvals
    assert figure.layout.xaxis.ticktext[3] == "99%" and figure.layout.xaxis.tickvals[3] == pytest.approx(2)


def test_accuracy_over_coverage_has_the_curve_and_the_chosen_threshold_with_its_interval() -> None:
    chosen = COVERAGE.at(0.7)
    traces = by_uid(accuracy_over_coverage({"a": Refusing("a", LOOK, COVERAGE.curve(), chosen)}))
    curve = traces["a"]
    assert curve.x[0] == 1.0 and 1 - 10 ** -curve.y[0] == pytest.approx(COVERAGE.at(0.0).accuracy)
    point = traces["a-chosen"]
    assert list(point.x) == [chosen.coverage] and 1 - 10 ** -point.y[0] == pytest.approx(chosen.accuracy)
    assert 1 - 10 ** -(point.y[0] - point.error_y.arrayminus[0]) == pytest.approx(chosen.interval[0])
    assert {"a-band-0", "a-band-1"} <= set(traces)


def test_bands_are_drawn_for_few_runs_only_and_nothing_answered_has_no_marker() -> None:
    runs = {name: Refusing(name, LOOK, COVERAGE.curve(), COVERAGE.at(2.0)) for name in "abcd"}
    assert set(by_uid(accuracy_over_coverage(runs))) == set("abcd")


def test_without_images_a_sentence_stands_there() -> None:
    assert reliability_diagram({"a": Reliability("a", LOOK, [])}).layout.annotations[0].text
    assert accuracy_over_coverage({}).layout.annotations[0].text


def test_the_picture_begins_where_a_run_begins_to_err_and_holds_the_chosen_threshold() -> None:
    said = np.array([[p, 1 - p] + [0.0] * 8 for p in np.linspace(0.51, 0.999, 100)])
    labels = (np.arange(100) < 10).astype(int)  # wrong where it is least sure
    coverage = Coverage(labels, said)
    low, high = accuracy_over_coverage({"a": Refusing("a", LOOK, coverage.curve())}).layout.xaxis.range
    assert 0.85 < low < 0.9 and high > 1.0
    chosen = coverage.at(0.8)
    figure = accuracy_over_coverage({"a": Refusing("a", LOOK, coverage.curve(), chosen)})
    assert figure.layout.xaxis.range[0] < chosen.coverage < 0.6


def test_counts_are_on_a_scale_of_powers_only_where_they_differ_widely() -> None:
    equal = reliability(LABELS, SAID, equal_mass=True)
    assert reliability_diagram({"a": Reliability("a", LOOK, equal)}).layout.yaxis2.type is None
    sure = np.vstack([SAID, np.eye(10)[np.zeros(5000, dtype=int)]])
    bins = reliability(np.concatenate([LABELS, np.zeros(5000, dtype=int)]), sure)
    assert reliability_diagram({"a": Reliability("a", LOOK, bins)}).layout.yaxis2.type == "log"

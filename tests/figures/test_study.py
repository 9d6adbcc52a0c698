"""The figures of studies: by their traces."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise

import pytest

from mnist_lab.figures.study import Point, effect, published_over_ours

PRINTED = [{"epoch": 1, "val_accuracy": 0.9, "loss": 0.4}, {"epoch": 2, "val_accuracy": 0.95, "loss": 0.3}]
OURS = {
    "seed 1": [{"epoch": 1, "loss": 0.5, "accuracy": 0.8, "val_loss": 0.4, "val_accuracy": 0.88}],
    "seed 2": [{"epoch": 1, "loss": 0.6, "accuracy": 0.7, "val_loss": None, "val_accuracy": 0.87}],
}


def test_published_figures_are_open_circles_over_our_lines() -> None:
    figure = published_over_ours(PRINTED, OURS)
    circles = [trace for trace in figure.data if trace.mode == "markers"]
    lines = [trace for trace in figure.data if trace.mode == "lines"]
    assert {(trace.name, trace.yaxis) for trace in circles} == {
        ("published, training", "y"), ("published, validation", "y2"),
    }  # fmt: skip
    assert all(trace.marker.symbol == "circle-open" for trace in circles)
    assert list(circles[-1].y) == [0.9, 0.95] and list(circles[-1].x) == [1, 2]
    assert len(lines) == 7, "one curve was not measured by the second seed"
    legend = [trace.name for trace in figure.data if trace.showlegend]
    assert sorted(legend) == ["ours, training", "ours, validation", "published, training", "published, validation"]


def test_training_and_validation_keep_their_colours_in_both_panels() -> None:
    figure = published_over_ours(PRINTED, OURS)
    for kind in ("training", "validation"):
        line = {trace.line.color for trace in figure.data if trace.name == f"ours, {kind}"}
        assert len(line) == 1


@pytest.mark.parametrize(("printed", "ours"), [([], {}), ([{"epoch": 1}], {"seed 1": []})])
def test_without_any_curve_a_sentence_stands_there(printed: list, ours: dict) -> None:
    figure = published_over_ours(printed, ours)
    assert not figure.data and "No curve" in figure.layout.annotations[0].text


SERIES = {
    "Document 002, 32 filters": [
        Point("3×3", "a", 0.992, 0.9915, (0.99, 0.993)),
        Point("5×5", "b", 0.9909, 0.9911, (0.989, 0.9925)),
    ],
    "<b>64</b> & more": [Point("5×5", "c", 0.9922), Point("7×7", "d", None, 0.98, None)],
}


def accuracies(heights: Iterable[float]) -> list[float]:
    """The axis is logarithmic in the errors."""
    return [1 - 10**-height for height in heights]


def test_an_effect_has_ours_with_intervals_and_the_published_as_circles() -> None:
    figure = effect("Kernel size", SERIES)
    ours, printed, other, other_printed = figure.data
    assert accuracies(ours.y) == pytest.approx([0.9915, 0.9911]) and list(ours.customdata) == ["a", "b"]
    highs = [y + more for y, more in zip(ours.y, ours.error_y.array, strict=True)]
    lows = [y - less for y, less in zip(ours.y, ours.error_y.arrayminus, strict=True)]
    assert accuracies(highs) == pytest.approx([0.993, 0.9925])
    assert accuracies(lows) == pytest.approx([0.99, 0.989])
    assert accuracies(printed.y) == pytest.approx([0.992, 0.9909]) and printed.marker.symbol == "circle-open"
    assert list(other.customdata) == ["d"] and list(other_printed.customdata) == ["c"]
    assert list(other.error_y.array) == [0]


def test_all_series_share_one_axis_of_values_in_order() -> None:
    figure = effect("Kernel size", SERIES)
    assert list(figure.layout.xaxis.ticktext) == ["3×3", "5×5", "7×7"]
    assert figure.layout.xaxis.title.text == "Kernel size"
    near = {round(x) for trace in figure.data for x in trace.x}
    assert near == {0, 1, 2}
    assert figure.data[0].x[1] != figure.data[3].x[0], "two series at one value stand side by side"


def test_labels_are_text_and_no_markup() -> None:
    assert effect("x", SERIES).data[2].name == "&lt;b&gt;64&lt;/b&gt; &amp; more"


def test_values_stand_in_the_order_of_the_series_wherever_they_first_appear() -> None:
    def points(*values: str) -> list[Point]:
        return [Point(value, value, 0.9) for value in values]

    figure = effect("Filters", {"a": points("1", "32"), "b": points("16", "32"), "c": points("32", "64")})
    assert list(figure.layout.xaxis.ticktext) == ["1", "16", "32", "64"]
    crossed = effect("x", {"a": points("1", "2"), "b": points("2", "1")})
    assert list(crossed.layout.xaxis.ticktext) == ["1", "2"]


def test_the_axis_is_labelled_in_percent_and_its_labels_do_not_touch() -> None:
    figure = effect("x", {"a": [Point("1", "p", 0.918, 0.38, (0.0, 1.0)), Point("2", "q", 0.993, 0.9925)]})
    low, high = figure.layout.yaxis.range
    assert low < 0.0, "the interval goes down to 0 %"
    assert -math.log10(1 - 0.993) < high < 4.0, "but up to 100 % it is cut: the points would be pressed together"
    heights = figure.layout.yaxis.tickvals
    assert all(other - one > (high - low) / 15 for one, other in pairwise(heights)), "no label touches another"
    for tick, text in zip(figure.layout.yaxis.tickvals, figure.layout.yaxis.ticktext, strict=True):
        assert min(accuracies([tick])[0], 0.9999) == pytest.approx(min(float(text[:-1]) / 100, 0.9999), abs=1e-9)
    assert len(figure.layout.shapes) == 1, "every other column is shaded"


def test_an_effect_of_nothing_is_a_sentence() -> None:
    assert effect("x", {"a": [Point("1", "p")]}).layout.annotations[0].text.startswith("Nothing was published")

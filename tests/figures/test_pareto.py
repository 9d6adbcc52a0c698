"""Accuracy against cost: by its traces."""

from __future__ import annotations

import pytest

from mnist_lab.figures.accuracy_axis import accuracy_ticks, height_of
from mnist_lab.figures.pareto import Mark, trade_off
from mnist_lab.figures.theme import run_colour

MARKS = [
    Mark("yours:a", "yours", 1000, 0.98, (0.97, 0.985), ("<b>a</b>",), is_on_line=True, ring=run_colour("a")),
    Mark("yours:b", "yours", 5000, 0.975, None, ("b",)),
    Mark("project:p", "project", 9000, 0.992, (0.99, 0.994), ("p",), is_flattered=True, is_on_line=True),
    Mark("published:q", "published", 90000, 0.991, (0.989, 0.993), ("q",)),
    Mark("published:r", "published", 300, 0.5, None, ("r",), is_flattered=True, is_on_line=True),
]


def by_uid(figure) -> dict:
    return {trace.uid: trace for trace in figure.data}


def test_measured_points_are_filled_and_published_ones_open_each_with_its_key() -> None:
    traces = by_uid(trade_off(MARKS, "Parameters"))
    assert set(traces) == {
        "yours-False", "project-True", "published-False", "published-True", "pareto-line", "selected",
    }  # fmt: skip
    for uid, trace in traces.items():
        if trace.mode == "markers" and uid != "selected":
            assert ("open" in trace.marker.symbol) == uid.startswith("published")
            assert ("dot" in trace.marker.symbol, "⚠️" in trace.name) == (uid.endswith("True"),) * 2
    yours = traces["yours-False"]
    assert list(yours.customdata) == ["yours:a", "yours:b"] and list(yours.x) == [1000, 5000]
    assert [1 - 10**-y for y in yours.y] == pytest.approx([0.98, 0.975])
    assert yours.text[0] == "&lt;b&gt;a&lt;/b&gt;"
    rims = {uid: trace.marker.line.color for uid, trace in traces.items() if trace.mode == "markers"}
    assert rims["project-True"] == rims["published-True"] != rims["yours-False"]


def test_the_line_steps_through_its_points_by_cost_and_goes_on_to_the_last() -> None:
    line = by_uid(trade_off(MARKS, "Parameters"))["pareto-line"]
    assert line.line.shape == "hv" and line.hoverinfo == "skip"
    assert list(line.x) == [300, 1000, 9000, 90000]
    assert [1 - 10**-y for y in line.y] == pytest.approx([0.5, 0.98, 0.992, 0.992])


def test_intervals_are_drawn_where_asked_for() -> None:
    without, drawn = (by_uid(trade_off(MARKS, "x", intervals))["yours-False"] for intervals in (False, True))
    assert without.error_y.array is None
    assert [1 - 10 ** -(y + up) for y, up in zip(drawn.y, drawn.error_y.array, strict=True)] == pytest.approx(
        [0.985, 0.975]
    )
    assert [1 - 10 ** -(y - down) for y, down in zip(drawn.y, drawn.error_y.arrayminus, strict=True)] == (
        pytest.approx([0.97, 0.975])
    )


def test_points_below_the_lowest_accuracy_are_left_out() -> None:
    figure = trade_off(MARKS, "x", lowest=0.9)
    assert "published-True" not in by_uid(figure)
    assert figure.layout.yaxis.range[0] > height_of(0.95)
    assert trade_off(MARKS, "x", lowest=0.999).layout.annotations[0].text.startswith("No point")
    assert trade_off([], "x").layout.annotations[0].text.startswith("No point")


def test_costs_are_on_a_scale_of_powers_and_accuracies_are_labelled_in_percent() -> None:
    layout = trade_off(MARKS, "Parameters").layout
    assert (layout.xaxis.type, layout.xaxis.title.text) == ("log", "Parameters")
    for height, text in zip(layout.yaxis.tickvals, layout.yaxis.ticktext, strict=True):
        assert 1 - 10**-height == pytest.approx(float(text[:-1]) / 100, abs=1.1e-4)


def test_costs_that_are_near_each_other_are_labelled_in_full() -> None:
    near = [Mark("yours:a", "yours", 0.031, 0.98), Mark("yours:b", "yours", 0.052, 0.99)]
    axis = trade_off(near, "ms").layout.xaxis
    shown = [(value, text) for value, text in zip(axis.tickvals, axis.ticktext, strict=True) if 0.02 < value < 0.06]
    assert [text for _, text in shown] == ["0.03", "0.05"]
    for value, text in shown:
        assert value == pytest.approx(float(text))
    assert trade_off(MARKS, "Parameters").layout.xaxis.tickvals is None, "powers of ten are enough"


def test_selected_runs_are_ringed_in_their_own_colour() -> None:
    selected = by_uid(trade_off(MARKS, "x"))["selected"]
    assert list(selected.x) == [1000] and list(selected.marker.color) == [run_colour("a")]


def test_equal_steps_halve_the_errors() -> None:
    assert height_of(0.99) - height_of(0.98) == pytest.approx(height_of(0.995) - height_of(0.99))
    ticks = accuracy_ticks(0.0, 4.0)
    assert ticks[0] == 0.0 and ticks == sorted(ticks)

"""The figures of a sweep: by their traces."""

from __future__ import annotations

import math
from typing import Any

import pytest

from mnist_lab.figures.accuracy_axis import height_of
from mnist_lab.figures.sweep_front import sweep_front
from mnist_lab.figures.sweep_history import sweep_history
from mnist_lab.figures.sweep_importance import Bar, sweep_importance
from mnist_lab.figures.sweep_parallel import MOST_LINES, sweep_parallel
from mnist_lab.figures.sweep_points import Dot, Field, Scale, short
from mnist_lab.figures.sweep_slices import sweep_slices

FIELDS = [
    Field("f", "1 · Conv2D <filters>"),
    Field("rate", "Learning rate", is_log=True),
    Field("kind", "Optimizer", is_list=True),
    Field("same", "Batch size"),
]


def dot(number: int, accuracy: float | None, state: str = "complete", **values: Any) -> Dot:
    base = {"f": 8 * (number + 1), "rate": 10.0 ** -(number + 1), "kind": ("SGD", "Adam")[number % 2], "same": 128}
    return Dot(number, state, accuracy, None, {**base, **values}, {"parameters": 1000.0 * (5 - number)})


DOTS = [
    dot(0, 0.9), dot(1, 0.98, "pruned"), dot(2, None, "impossible"), dot(3, 0.95), dot(4, 0.93), dot(5, None, "failed"),
]  # fmt: skip


def by_uid(figure: Any) -> dict[str, Any]:
    return {trace.uid: trace for trace in figure.data}


def accuracies(trace: Any) -> list[float]:
    return [1 - 10**-height for height in trace.y]


def test_the_history_has_a_point_for_each_trial_with_an_accuracy_by_its_state() -> None:
    traces = by_uid(sweep_history(DOTS))
    assert list(traces["complete"].customdata) == [0, 3, 4] == list(traces["complete"].x)
    assert accuracies(traces["complete"]) == pytest.approx([0.9, 0.95, 0.93])
    assert list(traces["pruned"].customdata) == [1] and "open" in traces["pruned"].marker.symbol
    assert traces["complete"].text[1] == "trial 3: 95.00 %" and "ended early" in traces["pruned"].text[0]


def test_the_best_so_far_never_falls_and_leaves_out_what_was_ended_early() -> None:
    best = by_uid(sweep_history(DOTS))["best"]
    assert best.line.shape == "hv" and list(best.x) == [0, 3, 4]
    assert accuracies(best) == pytest.approx([0.9, 0.95, 0.95])


def test_the_chosen_trial_is_ringed_and_nothing_else() -> None:
    ring = by_uid(sweep_history(DOTS, 3))["chosen"]
    assert list(ring.x) == [3] and accuracies(ring) == pytest.approx([0.95])
    assert not by_uid(sweep_history(DOTS, 2))["chosen"].x, "an impossible network has no place"
    assert not by_uid(sweep_history(DOTS))["chosen"].x


def test_the_traces_of_a_figure_stay_the_same_when_trials_come_so_that_hidden_ones_stay_hidden() -> None:
    before, after = (by_uid(sweep_history(dots, chosen)) for dots, chosen in ((DOTS[:4], None), (DOTS, 3)))
    assert list(before) == list(after)


def test_spreads_over_seeds_are_drawn_where_there_are_any() -> None:
    several = [Dot(0, "complete", 0.95, 0.01), Dot(1, "complete", 0.96, 0.0)]
    bars = by_uid(sweep_history(several))["complete"]
    assert [1 - 10 ** -(y + up) for y, up in zip(bars.y, bars.error_y.array, strict=True)] == pytest.approx(
        [0.96, 0.96]
    )
    assert [1 - 10 ** -(y - down) for y, down in zip(bars.y, bars.error_y.arrayminus, strict=True)] == pytest.approx(
        [0.94, 0.96]
    )
    assert by_uid(sweep_history(DOTS))["complete"].error_y.array is None


def test_the_front_steps_through_the_trials_that_are_on_it_and_goes_on_to_the_most_expensive() -> None:
    traces = by_uid(sweep_front(DOTS, "parameters", "Parameters", {3, 4}))
    assert [10**x for x in traces["complete"].x] == pytest.approx([5000, 2000, 1000])
    front = traces["front"]
    assert front.line.shape == "hv" and [10**x for x in front.x] == pytest.approx([1000, 2000, 5000])
    assert accuracies(front) == pytest.approx([0.93, 0.95, 0.95])


def test_a_trial_without_the_cost_is_left_out_of_the_front() -> None:
    unknown = [*DOTS, Dot(9, "complete", 0.99, None, {}, {"parameters": None})]
    assert 9 not in by_uid(sweep_front(unknown, "parameters", "Parameters", set()))["complete"].customdata


def test_slices_have_a_panel_for_each_field_that_differs() -> None:
    figure = sweep_slices(DOTS, FIELDS, 3)
    titles = [figure.layout[f"xaxis{number}"].title.text for number in ("", "2", "3")]
    assert titles == ["1 · Conv2D &lt;filters&gt;", "Learning rate", "Optimizer"]
    traces = by_uid(figure)
    assert list(traces["f complete"].x) == [8, 32, 40]
    assert list(traces["rate complete"].x) == pytest.approx([-1, -4, -5]), "a logarithmic range on a logarithmic axis"
    assert list(traces["kind complete"].x) == [1, 0, 1], "a list in its order, side by side"
    assert list(figure.layout.xaxis3.ticktext) == ["Adam", "SGD"]
    assert all(list(traces[f"{name} complete"].customdata) == [0, 3, 4] for name in ("f", "rate", "kind"))


def test_a_field_that_only_some_trials_have_is_drawn_for_these() -> None:
    some = [dot(0, 0.9), dot(1, 0.95), Dot(2, "complete", 0.96, None, {"f": 7})]
    traces = by_uid(sweep_slices(some, FIELDS))
    assert list(traces["f complete"].customdata) == [0, 1, 2]
    assert list(traces["rate complete"].customdata) == [0, 1]


def lines(trace: Any) -> list[list[tuple[float, float | None]]]:
    """The lines of a trace of several."""
    found: list[list[tuple[float, float | None]]] = [[]]
    for x, y in zip(trace.x, trace.y, strict=True):
        if x is None:
            found.append([])
        else:
            found[-1].append((x, y))
    return found[:-1]


def test_parallel_coordinates_have_an_axis_for_each_field_that_differs_and_a_line_for_each_trial() -> None:
    figure = sweep_parallel(DOTS, FIELDS)
    heads = [note.text for note in figure.layout.annotations if note.y > 1]
    assert heads == [
        "<b>1 · Conv2D<br>&lt;filters&gt;</b>", "<b>Learning rate</b>", "<b>Optimizer</b>",
        "<b>Validation<br>accuracy</b>",
    ]  # fmt: skip
    parts = [trace for uid, trace in by_uid(figure).items() if uid.startswith("part-")]
    every = [line for part in parts for line in lines(part)]
    assert len(every) == 4 and {len(line) for line in every} == {4}
    best = by_uid(figure)["best"]
    assert lines(best) == [[(0, pytest.approx(1 / 4)), (1, pytest.approx(3 / 4)), (2, 0.0), (3, 1.0)]], "trial 1"
    assert {*best.customdata} == {1}


def test_a_trial_without_a_value_leaves_its_axis_out() -> None:
    some = [dot(0, 0.9), dot(1, 0.95), Dot(2, "complete", 0.97, None, {"f": 7})]
    (line,) = lines(by_uid(sweep_parallel(some, FIELDS))["best"])
    assert [y is None for _, y in line] == [False, True, True, False]


def test_of_very_many_trials_the_best_are_drawn() -> None:
    many = [dot(number, 0.5 + number / 1e4, f=number, rate=0.1, kind="SGD") for number in range(MOST_LINES + 20)]
    drawn = [number for trace in sweep_parallel(many, FIELDS).data for number in trace.customdata or ()]
    assert min(drawn) == 20 and len(set(drawn)) == MOST_LINES


def test_the_most_important_field_is_at_the_top_with_its_interval() -> None:
    (bars,) = sweep_importance(
        [Bar("a", "A", 0.7, 0.5, 0.8), Bar("b", "<B>", 0.2), Bar("c", "C", 0.9, 0.85, 0.99)]
    ).data
    assert list(bars.customdata) == ["b", "a", "c"], "Plotly begins at the bottom"
    assert list(bars.x) == pytest.approx([20, 70, 90])
    assert list(bars.error_x.array) == pytest.approx([0, 10, 9])
    assert list(bars.error_x.arrayminus) == pytest.approx([0, 20, 5])
    assert bars.text[1] == "A: 70 % (50 – 80 %)" and bars.text[0] == "&lt;B&gt;: 20 %"


def test_with_nothing_to_draw_each_figure_is_a_sentence() -> None:
    hopeless = [dot(0, None, "failed")]
    for figure in (
        sweep_history(hopeless), sweep_front(hopeless, "parameters", "Parameters", set()),
        sweep_slices(hopeless, FIELDS), sweep_parallel(hopeless, FIELDS), sweep_importance([]),
    ):  # fmt: skip
        assert not figure.data and figure.layout.annotations[0].text.endswith(".")


def test_numbers_stand_where_they_are_and_all_else_side_by_side() -> None:
    assert Scale.of([3, 1, 2]).place(2) == 2
    assert Scale.of([1e-4, 1e-2], is_log=True).place(1e-3) == pytest.approx(-3)
    assert not Scale.of([0, 1e-2], is_log=True).is_log, "zero has no place there"
    mixed = Scale.of([[5, 5], None, [3, 3], True])
    assert [mixed.place(value) for value in (None, [3, 3], (5, 5), True)] == [0, 1, 2, 3]
    assert math.isnan(mixed.place("else"))
    assert Scale.of([16, 4, 8], is_list=True).ticks(0, 2) == [(0, "4"), (1, "8"), (2, "16")]
    assert [text for _, text in Scale.of([1e-4, 1e-1], is_log=True).ticks(-4, -1)] == ["1e-4", "0.001", "0.01", "0.1"]


@pytest.mark.parametrize(("value", "words"), [(0, "0"), (2.5e-5, "2.5e-5"), (0.02, "0.02"), (128, "128"), (2e6, "2 M")])
def test_a_number_is_written_in_few_characters(value: float, words: str) -> None:
    assert short(value) == words


def test_accuracies_near_each_other_are_labelled_all_the_same() -> None:
    axis = sweep_history([dot(0, 0.9880), dot(1, 0.9883)]).layout.yaxis
    inside = [
        text
        for at, text in zip(axis.tickvals, axis.ticktext, strict=True)
        if height_of(0.988) <= at <= height_of(0.9883)
    ]
    assert len(inside) >= 2

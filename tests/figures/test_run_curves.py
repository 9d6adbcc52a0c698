"""Curves of several runs over each other, checked by their traces."""

import base64
import json
import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_lab.figures.curves import METRICS
from mnist_lab.figures.run_curves import Choice, RunCurve, run_curves, smooth
from mnist_lab.figures.theme import run_looks

EPOCHS = pd.DataFrame(
    {
        "epoch": [1, 2, 3, 4],
        "loss": [0.4, 0.2, 0.1, 0.05],
        "accuracy": [0.9, 0.95, 0.97, 0.98],
        "val_loss": [0.3, 0.15, 0.14, 0.16],
        "val_accuracy": [0.92, 0.96, 0.97, 0.965],
        "learning_rate": [0.01, 0.01, 0.001, 0.0],
        "seconds": [5.0, 4.0, 4.0, 3.0],
        "fit_seconds": [4.0, 3.0, 3.0, 2.0],
    }
)
POINTS = pd.DataFrame({"step": [5, 10, 15, 20, 25], "epoch": [0.5, 1.0, 1.5, 2.0, 2.5], "loss": [3.0, 2, 1, 0.5, 0.4],
                       "accuracy": [0.1, 0.5, 0.7, 0.8, 0.9]})  # fmt: skip
ALL = tuple(METRICS)


def run(run_id: str = "a", **more) -> RunCurve:
    return RunCurve(run_id, **{"name": run_id, "epochs": EPOCHS, **more})


def by_uid(figure):
    return {trace.uid: trace for trace in figure.data}


def drawn(*runs: RunCurve, **choice):
    return by_uid(run_curves(runs, Choice(**choice)))


def test_each_run_has_its_own_look_in_all_panels():
    runs = [run(f"id{i}") for i in range(10)]
    looks = run_looks(each.id for each in runs)
    figure = run_curves(runs, Choice(("val_loss", "val_accuracy")))
    for trace in figure.data:
        if not trace.uid.endswith("-best"):
            look = looks[trace.meta]
            assert (trace.line.color, trace.line.dash, trace.marker.symbol) == (look.colour, look.dash, look.symbol)
        else:
            assert trace.marker.color == looks[trace.meta].colour
    curves = [trace for trace in figure.data if not trace.uid.endswith("-best")]
    assert len({(t.line.color, t.line.dash) for t in curves if t.yaxis == "y"}) == 10


def test_a_run_keeps_its_colour_when_others_come_and_go():
    alone = drawn(run("id3"))["val_accuracy-id3"].line.color
    assert drawn(*(run(f"id{i}") for i in range(10)))["val_accuracy-id3"].line.color == alone


def test_each_metric_has_a_panel_and_each_run_one_entry_in_the_legend():
    figure = run_curves([run("a"), run("b")], Choice(ALL))
    titles = {name: figure.layout[name].title.text for name in ("yaxis", *(f"yaxis{i}" for i in range(2, 7)))}
    assert list(titles.values()) == list(METRICS.values())
    domains = [figure.layout[name].domain for name in titles]
    assert all(below[1] < above[0] for above, below in pairwise(domains))
    assert figure.layout.xaxis.anchor == "y6"
    assert [trace.meta for trace in figure.data if trace.showlegend is not False] == ["a", "b"]
    assert {trace.legendgroup for trace in figure.data if trace.meta == "b"} == {"b"}, "a click hides all of a run"


def test_the_values_are_those_that_were_measured():
    for metric in ALL:
        np.testing.assert_array_equal(drawn(run(), metrics=ALL)[f"{metric}-a"].y, EPOCHS[metric])


@pytest.mark.parametrize(
    ("metric", "epoch", "value"),
    [("loss", 4, 0.05), ("val_loss", 3, 0.14), ("accuracy", 4, 0.98), ("val_accuracy", 3, 0.97)],
)
def test_the_best_epoch_of_each_metric_is_a_star_in_its_own_direction(metric, epoch, value):
    best = drawn(run(), metrics=ALL)[f"{metric}-a-best"]
    assert (list(best.x), list(best.y), best.marker.symbol) == ([epoch], [value], "star")


def test_rates_and_times_have_no_best():
    assert not {"learning_rate-a-best", "seconds-a-best"} & set(drawn(run(), metrics=ALL))


# Axes -----------------------------------------------------------------------------------------------------------------


def test_by_step_a_run_with_smaller_batches_is_further_on():
    traces = drawn(run("a", steps=10), run("b", steps=100), run("c"), x="step")
    assert list(traces["val_accuracy-a"].x) == [10, 20, 30, 40]
    assert list(traces["val_accuracy-b"].x) == [100, 200, 300, 400]
    assert list(traces["val_accuracy-b-best"].x) == [300]
    assert not any("-c" in uid for uid in traces), "its steps are not known"


def test_by_time_an_epoch_stands_where_it_ended():
    traces = drawn(run(points=POINTS), metrics=("loss", "val_loss"), x="time")
    assert list(traces["val_loss-a"].x) == list(traces["loss-a"].x) == [5, 9, 13, 16]
    assert list(traces["val_loss-a-best"].x) == [13]


def test_points_within_an_epoch_lie_before_its_validation():
    within = drawn(run(points=POINTS, steps=10), metrics=("loss",), x="time", within=True)["loss-a"]
    assert list(within.x) == [2, 5, 6.5, 9, 10.5]
    assert list(within.y) == list(POINTS["loss"])
    steps = drawn(run(points=POINTS, steps=10), metrics=("loss",), x="step", within=True)["loss-a"]
    assert list(steps.x) == list(POINTS["step"])


def test_points_of_the_epoch_under_way_have_no_time_yet():
    young = run(epochs=EPOCHS.head(1), points=POINTS)
    assert list(drawn(young, metrics=("loss",), x="time", within=True)["loss-a"].x) == [2, 5]
    assert list(drawn(young, metrics=("loss",), within=True)["loss-a"].x) == list(POINTS["epoch"])
    newborn = run(epochs=pd.DataFrame(), points=POINTS)
    assert drawn(newborn, metrics=("loss",), x="time", within=True) == {}
    assert list(drawn(newborn, metrics=("loss",), within=True)["loss-a"].y) == list(POINTS["loss"])


@pytest.mark.parametrize(("seconds", "unit", "x"), [(10, "s", 10), (100, "min", 100 / 60), (7200, "h", 2)])
def test_time_has_a_unit_that_fits(seconds, unit, x):
    figure = run_curves([run(epochs=EPOCHS.assign(seconds=float(seconds)))], Choice(x="time"))
    assert figure.layout.xaxis.title.text == f"Training time ({unit})"
    assert by_uid(figure)["val_accuracy-a"].x[0] == pytest.approx(x)


def test_a_logarithmic_axis_is_for_all_panels():
    figure = run_curves([run()], Choice(("loss", "val_loss"), log=True))
    assert figure.layout.yaxis.type == figure.layout.yaxis2.type == "log"
    assert run_curves([run()], Choice()).layout.yaxis.type == "linear"


def test_a_zoomed_range_is_kept_as_long_as_it_means_the_same():
    def kept(**choice):
        layout = run_curves([run(steps=10)], Choice(**choice)).layout
        return layout.xaxis.uirevision, layout.yaxis.uirevision

    longer = run_curves([run(epochs=EPOCHS.head(2)), run("b")], Choice(smoothing=0.5)).layout
    assert kept() == (longer.xaxis.uirevision, longer.yaxis.uirevision)
    assert kept()[1] != kept(log=True)[1] and kept()[0] == kept(log=True)[0]
    assert kept()[0] != kept(x="step")[0] and kept()[1] != kept(metrics=("loss",))[1]


# Smoothing ------------------------------------------------------------------------------------------------------------


def by_hand(values: list[float], weight: float) -> list[float]:
    """As TensorBoard does it: a mean that starts at zero, divided by the weight that it has gathered."""
    last, count, found = 0.0, 0, []
    for value in values:
        if not math.isfinite(value):
            found.append(math.nan)
            continue
        last = last * weight + (1 - weight) * value
        count += 1
        found.append(last / (1 - weight**count))
    return found


numbers = st.lists(st.floats(-1e3, 1e3) | st.just(math.nan) | st.just(math.inf), max_size=50)


@given(numbers, st.floats(0.0, 0.99))
@settings(deadline=None)
def test_smoothing_is_the_debiased_exponential_mean(values, weight):
    np.testing.assert_allclose(smooth(values, weight), by_hand(values, weight), rtol=1e-9, atol=1e-6)


def test_smoothing_by_one_or_more_is_refused():
    with pytest.raises(ValueError, match=r"weight=1\.0"):
        smooth([1, 2], 1.0)


def test_smoothing_is_off_until_it_is_wanted():
    assert Choice().smoothing == 0
    assert set(drawn(run())) == {"val_accuracy-a", "val_accuracy-a-best"}


def test_what_was_measured_stays_faint_behind_what_was_smoothed():
    traces = drawn(run(), smoothing=0.6)
    raw, smoothed = traces["val_accuracy-a-raw"], traces["val_accuracy-a"]
    np.testing.assert_array_equal(raw.y, EPOCHS["val_accuracy"])
    np.testing.assert_allclose(smoothed.y, by_hand(list(EPOCHS["val_accuracy"]), 0.6))
    assert raw.line.color.startswith("rgba(") and raw.line.color.endswith("0.3)")
    assert raw.showlegend is False and raw.legendgroup == smoothed.legendgroup
    np.testing.assert_array_equal(smoothed.customdata, EPOCHS["val_accuracy"])
    assert "measured" in smoothed.hovertemplate
    assert list(traces["val_accuracy-a-best"].y) == [0.97], "the star stands where it was measured"


# Gaps, and many points ------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(-1e6, 1e6) | st.none(), min_size=1, max_size=3000), st.integers(1, 10), st.booleans())
@settings(deadline=None, max_examples=50)
def test_no_curve_loses_its_ends_its_lowest_or_its_highest(values, runs, smoothed):
    points = pd.DataFrame({"epoch": np.arange(1, len(values) + 1) / 100, "loss": pd.Series(values, dtype=object)})
    many = [run(f"id{i}", points=points) for i in range(runs)]
    traces = drawn(*many, metrics=("loss",), within=True, smoothing=0.9 if smoothed else 0.0)
    real = [value for value in values if value is not None]
    if not real:
        assert not any(trace.mode == "lines" for trace in traces.values())
        return
    trace = traces["loss-id0-raw" if smoothed else "loss-id0"]
    assert (np.nanmin(trace.y), np.nanmax(trace.y)) == (min(real), max(real))
    assert (trace.x[0], trace.x[-1]) == (points["epoch"].iloc[0], points["epoch"].iloc[-1])
    assert len(trace.x) <= 2000


def long(run_id: str, generator: np.random.Generator) -> RunCurve:
    figures = {metric: generator.random(200) for metric in ALL}
    points = {
        "epoch": np.arange(1, 10_001) / 50,
        "loss": generator.random(10_000),
        "accuracy": generator.random(10_000),
    }
    return run(run_id, epochs=pd.DataFrame({"epoch": np.arange(1, 201), **figures}), points=pd.DataFrame(points))


def test_ten_long_runs_are_sent_in_less_than_half_a_megabyte():
    generator = np.random.default_rng(0)
    runs = [long(f"id{i}", generator) for i in range(10)]
    for choice in (Choice(), Choice(("loss", "accuracy"), within=True), Choice(("loss",), within=True, smoothing=0.9)):
        assert len(run_curves(runs, choice).to_json(validate=False, remove_uids=False)) < 500_000


def test_gaps_stay_gaps():
    gaps = EPOCHS.assign(val_accuracy=pd.Series([0.9, None, math.inf, 0.95], dtype=object))
    figure = run_curves([run(epochs=gaps)], Choice())
    curve = by_uid(figure)["val_accuracy-a"]
    np.testing.assert_array_equal(curve.y, [0.9, np.nan, np.nan, 0.95])
    sent = next(t for t in json.loads(figure.to_json(remove_uids=False))["data"] if t["uid"] == "val_accuracy-a")["y"]
    np.testing.assert_array_equal(np.frombuffer(base64.b64decode(sent["bdata"]), sent["dtype"]), curve.y)


def test_runs_without_a_curve_are_left_out_and_a_sentence_says_so_where_none_has_one():
    bare = run("bare", epochs=pd.DataFrame())
    assert {trace.meta for trace in run_curves([run(), bare], Choice()).data} == {"a"}
    failed = run("nan", epochs=EPOCHS.assign(val_loss=math.nan))
    empty = run_curves([bare, failed], Choice(("val_loss",)))
    assert not empty.data and "validation loss" in empty.layout.annotations[0].text
    assert "Choose" in run_curves([run()], Choice(())).layout.annotations[0].text


# Names ----------------------------------------------------------------------------------------------------------------


def test_validation_on_test_images_is_marked_in_the_legend():
    flattered = run(flattered=True)
    assert drawn(flattered)["val_accuracy-a"].name == "⚠️ a (test as validation)"
    assert drawn(flattered, metrics=("loss",))["loss-a"].name == "a", "its training images are no test images"
    assert drawn(run())["val_accuracy-a"].name == "a"


def test_a_name_with_markup_is_written_as_it_was_typed_and_a_long_one_is_cut():
    trace = drawn(run(name="<b>bold</b> & %{y}"))["val_accuracy-a"]
    assert trace.name == "&lt;b&gt;bold&lt;/b&gt; &amp; %{y}"
    assert "bold" not in trace.hovertemplate
    assert drawn(run(name="x" * 200))["val_accuracy-a"].name == "x" * 39 + "…"


def test_what_traces_are_called_can_stand_in_a_selector():
    runs = [run("4711", points=POINTS)]
    for trace in run_curves(runs, Choice(ALL, smoothing=0.5)).data:
        assert trace.uid.replace("-", "").replace("_", "").isalnum(), "Plotly fails where it looks for it"

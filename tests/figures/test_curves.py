"""Curves, checked by their traces."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_lab.figures.curves import best_epoch, thin, training_curves

EPOCHS = pd.DataFrame(
    {
        "epoch": [1, 2, 3, 4],
        "loss": [0.4, 0.2, 0.1, 0.05],
        "accuracy": [0.9, 0.95, 0.97, 0.98],
        "val_loss": [0.3, 0.15, 0.14, 0.16],
        "val_accuracy": [0.92, 0.96, 0.97, 0.971],
    }
)
BATCHES = pd.DataFrame(
    {
        "step": np.arange(5000),
        "epoch_float": np.arange(5000) / 1250,
        "loss": np.linspace(2, 0.05, 5000),
        "accuracy": np.linspace(0.1, 0.98, 5000),
    }
)


def by_uid(figure):
    return {trace.uid: trace for trace in figure.data}


curves = st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), min_size=1, max_size=300)


@given(curves, st.integers(4, 60))
def test_thinning_keeps_the_ends_the_lowest_and_the_highest(values, max_points):
    y = np.array(values)
    x = np.arange(len(y)) * 0.5
    kept_x, kept_y = thin(x, y, max_points)
    assert len(kept_x) == len(kept_y) <= max(max_points, 4)
    assert kept_x[0] == x[0] and kept_x[-1] == x[-1]
    assert (np.diff(kept_x) > 0).all()
    np.testing.assert_array_equal(kept_y, y[(kept_x * 2).astype(int)])
    if not np.isnan(y).all():
        assert np.nanmin(kept_y) == np.nanmin(y)
        assert np.nanmax(kept_y) == np.nanmax(y)


def test_thinning_makes_use_of_the_points_it_may_keep():
    assert 900 <= len(thin(np.arange(10_000), np.random.default_rng(0).normal(size=10_000), 1000)[0]) <= 1000


def test_a_short_curve_is_not_thinned():
    x, y = thin([1, 2, 3], [3.0, 1.0, 2.0], 4)
    assert list(x) == [1, 2, 3] and list(y) == [3.0, 1.0, 2.0]


def test_thinning_refuses_what_it_cannot_do():
    with pytest.raises(ValueError, match="max_points=3"):
        thin([1], [1], 3)
    with pytest.raises(ValueError, match="2 and 1"):
        thin([1, 2], [1], 10)


def test_the_best_epoch_is_the_lowest_loss_and_the_highest_accuracy():
    assert best_epoch(EPOCHS, "val_loss") == 3
    assert best_epoch(EPOCHS, "val_accuracy") == 4
    assert best_epoch(EPOCHS.assign(val_loss=np.nan), "val_loss") is None
    assert best_epoch(EPOCHS[["epoch", "loss"]], "val_accuracy") is None


def test_two_panels_hold_loss_and_accuracy():
    traces = by_uid(training_curves(BATCHES, EPOCHS))
    assert set(traces) == {
        "batch-loss", "loss", "val_loss", "batch-accuracy", "accuracy", "val_accuracy", "best",
    }  # fmt: skip
    for uid in ("batch-loss", "loss", "val_loss"):
        assert traces[uid].yaxis == "y"
    for uid in ("batch-accuracy", "accuracy", "val_accuracy", "best"):
        assert traces[uid].yaxis == "y2"
    np.testing.assert_allclose(traces["val_loss"].y, EPOCHS["val_loss"])
    assert traces["loss"].mode == "lines+markers"
    assert len(traces["batch-loss"].x) <= 1500
    assert traces["batch-loss"].y[0] == 2


def test_the_panels_do_not_overlap_and_share_the_axis_of_epochs():
    layout = training_curves(BATCHES, EPOCHS).layout
    assert layout.yaxis2.domain[1] < layout.yaxis.domain[0]
    assert layout.xaxis.title.text == "Epoch"
    assert {layout.yaxis.title.text, layout.yaxis2.title.text} == {"Loss", "Accuracy"}


@pytest.mark.parametrize(("monitor", "x", "y"), [("val_accuracy", 4, 0.971), ("val_loss", 3, 0.14), ("loss", 4, 0.05)])
def test_the_best_epoch_is_marked_where_it_is(monitor, x, y):
    figure = training_curves(BATCHES, EPOCHS, monitor=monitor)
    best = by_uid(figure)["best"]
    assert (best.x[0], best.y[0]) == (x, y)
    assert best.yaxis == ("y" if "loss" in monitor else "y2")
    assert figure.layout.shapes[0].x0 == x


def test_a_run_that_has_just_begun_has_no_epochs_yet():
    figure = training_curves(BATCHES.head(3), EPOCHS.head(0))
    assert {trace.uid for trace in figure.data} == {"batch-loss", "batch-accuracy"}
    assert len(training_curves(BATCHES.head(0), EPOCHS.head(0)).data) == 0


def test_a_run_without_validation_has_no_validation_curve():
    traces = by_uid(training_curves(BATCHES, EPOCHS[["epoch", "loss", "accuracy"]], monitor="loss"))
    assert "val_loss" not in traces and "best" in traces


def test_validation_on_test_images_is_called_so():
    traces = by_uid(training_curves(BATCHES, EPOCHS, validation_name="test"))
    assert traces["val_loss"].name == "test"


def test_a_legend_entry_stands_for_both_panels():
    figure = training_curves(BATCHES, EPOCHS)
    shown = [trace.name for trace in figure.data if trace.showlegend is not False]
    assert len(shown) == len(set(shown)) == 4
    traces = by_uid(figure)
    assert traces["val_loss"].legendgroup == traces["val_accuracy"].legendgroup

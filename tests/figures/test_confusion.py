"""The confusion matrix, checked by its traces."""

import numpy as np
import pytest

from mnist_lab.figures.confusion import confusion_heatmap


@pytest.fixture
def counts():
    matrix = np.zeros((10, 10), dtype=int)
    np.fill_diagonal(matrix, np.arange(900, 1000, 10))
    matrix[7, 1] = 12
    matrix[4, 9] = 1
    return matrix


def parts(figure):
    return {trace.uid: trace for trace in figure.data}


def test_diagonal_and_errors_have_scales_of_their_own(counts):
    traces = parts(confusion_heatmap(counts))
    correct, errors = np.array(traces["correct"].z), np.array(traces["errors"].z)
    diagonal = np.eye(10, dtype=bool)
    assert np.isnan(correct[~diagonal]).all() and not np.isnan(correct[diagonal]).any()
    assert np.isnan(errors[diagonal]).all()
    np.testing.assert_array_equal(errors[~diagonal], counts[~diagonal])
    assert traces["errors"].zmax == 12
    assert traces["correct"].colorscale != traces["errors"].colorscale


def test_rows_are_true_digits_and_columns_predicted_ones(counts):
    figure = confusion_heatmap(counts)
    assert figure.layout.xaxis.title.text == "Predicted digit"
    assert figure.layout.yaxis.title.text == "True digit"
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1], "0 stands at the top"
    assert figure.layout.yaxis.scaleanchor == "x"
    assert parts(figure)["errors"].z[7][1] == 12


def test_the_hover_text_says_what_was_taken_for_what(counts):
    hover = parts(confusion_heatmap(counts))["errors"].hovertext
    assert hover[7][1].startswith("true 7, predicted 1: 12 images<br>")
    assert "of the 982 images of a 7" in hover[7][1]
    assert hover[4][9].startswith("true 4, predicted 9: 1 image<br>")


def texts(figure):
    written = {}
    for uid in ("text", "text on dark"):
        trace = parts(figure)[uid]
        written |= {(int(y), int(x)): text for x, y, text in zip(trace.x, trace.y, trace.text, strict=True)}
    return written


def test_every_cell_that_is_not_empty_has_its_count(counts):
    written = texts(confusion_heatmap(counts))
    assert written == {(i, j): str(counts[i, j]) for i, j in zip(*np.nonzero(counts), strict=True)}


def test_rates_are_shares_of_the_true_digit(counts):
    written = texts(confusion_heatmap(counts, as_rates=True))
    assert written[7, 1] == f"{100 * 12 / 982:.1f}" == "1.2"
    assert written[0, 0] == "100.0"


def test_a_digit_without_images_is_no_division_by_zero():
    figure = confusion_heatmap(np.zeros((10, 10), dtype=int), as_rates=True)
    assert texts(figure) == {}


@pytest.mark.parametrize("wrong", [np.zeros((10, 9)), np.zeros(10), -np.eye(10)])
def test_what_is_no_confusion_matrix_is_refused(wrong):
    with pytest.raises(ValueError, match="confusion matrix"):
        confusion_heatmap(wrong)

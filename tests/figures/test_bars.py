"""Bars, checked by their traces."""

import numpy as np
import pandas as pd
import pytest

from mnist_lab.figures.bars import counts_per_digit, probability_bars

PROBABILITIES = np.array([0.001, 0.9, 0.02, 0.01, 0.01, 0.02, 0.0001, 0.03, 0.005, 0.0039])


@pytest.mark.parametrize("horizontal", [True, False])
def test_bars_hold_the_probabilities_of_the_ten_digits(horizontal):
    bar = probability_bars(PROBABILITIES, horizontal).data[0]
    values, digits = (bar.x, bar.y) if horizontal else (bar.y, bar.x)
    np.testing.assert_array_equal(values, PROBABILITIES)
    assert list(digits) == list("0123456789")


def test_the_winner_alone_stands_out():
    colours = probability_bars(PROBABILITIES).data[0].marker.color
    assert len(set(colours)) == 2
    assert colours.count(colours[1]) == 1


def test_values_are_written_in_percent():
    text = probability_bars(PROBABILITIES).data[0].text
    assert text[1] == "90.0 %" and text[6] == "< 0.1 %" and text[7] == "3.0 %"


def test_near_certainty_is_not_written_as_certainty():
    nearly = np.full(10, 1e-6)
    nearly[3] = 0.99999
    assert probability_bars(nearly).data[0].text[3] == "> 99.9 %"


def test_an_empty_canvas_has_neither_bars_nor_a_winner():
    bar = probability_bars(None).data[0]
    assert not np.any(bar.x) and set(bar.text) == {""} and len(set(bar.marker.color)) == 1


def test_the_axis_stays_while_one_draws():
    assert probability_bars(None).layout.xaxis.range == probability_bars(PROBABILITIES).layout.xaxis.range


def test_other_than_ten_probabilities_are_refused():
    with pytest.raises(ValueError, match="Received: 9"):
        probability_bars(PROBABILITIES[:9])


def test_each_split_is_a_group_of_bars():
    frame = pd.DataFrame(
        [(split, digit, scale + digit) for split, scale in (("training", 500), ("test", 90)) for digit in range(10)],
        columns=["split", "digit", "count"],
    )
    figure = counts_per_digit(frame)
    assert [trace.name for trace in figure.data] == ["training", "test"]
    assert list(figure.data[1].y) == list(range(90, 100))
    assert figure.layout.barmode == "group"
    assert figure.layout.yaxis.title.text == "Images"

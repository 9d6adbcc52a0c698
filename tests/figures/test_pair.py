"""Two networks on the same images, and a network over its epochs, checked by traces and axes."""

import numpy as np
import pytest

from mnist_lab.figures.pair import confusion_difference, difference_forest, epoch_accuracies


@pytest.fixture
def moves():
    """One image came to (4, 9) and three left it; two cells exchanged as many as they got."""
    came, left = np.zeros((2, 10, 10), int)
    came[4, 9], left[4, 9] = 1, 3
    came[4, 4] = 2
    came[7, 1] = left[7, 1] = 5
    return came, left


def parts(figure):
    return {trace.uid: trace for trace in figure.data}


def texts(figure):
    return {
        (int(y), int(x)): text
        for uid in ("text", "text on dark")
        for x, y, text in zip(parts(figure)[uid].x, parts(figure)[uid].y, parts(figure)[uid].text, strict=True)
    }


def test_the_difference_is_what_came_less_what_left_with_its_middle_at_zero(moves):
    trace = parts(confusion_difference(*moves))["difference"]
    np.testing.assert_array_equal(np.array(trace.z), moves[0] - moves[1])
    assert trace.zmin == -trace.zmax == -2
    scale = [(place, colour) for place, colour in trace.colorscale]
    assert [place for place, _ in scale] == sorted(place for place, _ in scale)
    assert (scale[0][0], scale[-1][0]) == (0, 1)
    (middle,) = [colour for place, colour in scale if place == 0.5]
    assert middle.startswith("rgba(138, 148, 163"), "grey"
    assert scale[0][1].startswith("rgba(0, 114, 178") and scale[-1][1].startswith("rgba(213, 94, 0"), "blue and orange"


def test_cells_that_an_image_came_into_or_left_have_a_number_with_its_sign(moves):
    assert texts(confusion_difference(*moves)) == {(4, 9): "−2", (4, 4): "+2", (7, 1): "0"}


def test_the_hover_text_tells_those_that_came_from_those_that_left(moves):
    hover = parts(confusion_difference(*moves, names=("A", "B")))["difference"].hovertext[4][9]
    assert hover.startswith("true 4, said 9: −2 with B<br>1 image came: A says otherwise<br>3 images left")


def test_the_diagonal_is_framed_and_rows_are_true_digits(moves):
    layout = confusion_difference(*moves).layout
    assert {(shape.x0 + 0.5, shape.y0 + 0.5) for shape in layout.shapes} == {(i, i) for i in range(10)}
    assert layout.yaxis.range[0] > layout.yaxis.range[1], "0 stands at the top"
    assert (layout.xaxis.title.text, layout.yaxis.title.text) == ("Predicted digit", "True digit")


def test_networks_that_say_the_same_have_an_empty_matrix():
    figure = confusion_difference(np.zeros((10, 10), int), np.zeros((10, 10), int))
    assert texts(figure) == {} and parts(figure)["difference"].zmax == 1


@pytest.mark.parametrize(
    ("came", "left"), [(np.zeros((9, 10)), np.zeros((9, 10))), (np.eye(10), np.eye(9)), (-np.eye(10), np.eye(10))]
)
def test_what_are_no_counts_is_refused(came, left):
    with pytest.raises(ValueError, match="two square matrices"):
        confusion_difference(came, left)


DIFFERENCES = [0.01, float("nan"), -0.02]
INTERVALS = [(0.002, 0.019), (float("nan"), float("nan")), (-0.05, 0.01)]


def test_each_digit_has_its_point_and_its_bar_and_zero_its_line():
    figure = difference_forest(DIFFERENCES, INTERVALS, [True, False, False])
    marked, chance = parts(figure)["marked"], parts(figure)["chance"]
    assert (list(marked.y), list(chance.y)) == (["0"], ["2"]), "a digit without images has no point"
    assert list(marked.x) == pytest.approx([1.0]) and list(chance.x) == pytest.approx([-2.0]), "in points"
    assert list(chance.x - chance.error_x.arrayminus) == pytest.approx([-5.0])
    assert list(chance.x + chance.error_x.array) == pytest.approx([1.0])
    assert marked.marker.symbol != chance.marker.symbol, "not by colour alone"
    (line,) = figure.layout.shapes
    assert line.x0 == line.x1 == 0
    assert "points" in figure.layout.xaxis.title.text
    assert list(figure.layout.yaxis.categoryarray) == ["0", "1", "2"]


def test_a_forest_without_any_images_says_so():
    figure = difference_forest([float("nan")], [(float("nan"),) * 2], [False])
    assert not figure.data and "no images" in figure.layout.annotations[0].text


def test_a_forest_needs_all_its_parts():
    with pytest.raises(ValueError, match="3, 3, 2"):
        difference_forest(DIFFERENCES, INTERVALS, [True, False])


def test_epochs_have_a_line_and_those_that_were_tested_a_point_with_its_interval():
    figure = epoch_accuracies([1, 2, 3], [0.5, None, 0.75], {3: (0.7, 0.6, 0.78), 1: (0.4, 0.3, 0.5)}, 2)
    validation, test = figure.data
    np.testing.assert_array_equal(validation.y, [0.5, np.nan, 0.75])
    assert (list(test.x), list(test.y)) == ([1, 3], [0.4, 0.7])
    assert list(test.y - test.error_y.arrayminus) == pytest.approx([0.3, 0.6])
    assert list(test.y + test.error_y.array) == pytest.approx([0.5, 0.78])
    assert figure.layout.shapes[0].x0 == 2
    assert len(epoch_accuracies([1], [0.5], {}, 1).data) == 1

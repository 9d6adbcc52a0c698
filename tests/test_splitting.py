"""Several digits on one sheet: which ink belongs together, in what order it is read, and what a network decides."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnist_lab import drawing, mnist_form, pieces, reading, splitting
from mnist_lab.ink import ink_of_strokes
from tests.browser.actions import STROKES, Point

Stroke = list[Point]


def placed(digit: int, x: float, y: float, height: float = 80.0) -> list[Stroke]:
    """A digit's strokes with their box's corner at a place."""
    strokes = STROKES[digit]
    left, top = np.min([point for stroke in strokes for point in stroke], axis=0)
    scale = height / 185
    return [[((px - left) * scale + x, (py - top) * scale + y) for px, py in stroke] for stroke in strokes]


def boxes(ink: np.ndarray) -> list[list[tuple[int, int]]]:
    return [[(part.left, part.top) for part in line] for line in splitting.split(ink)]


def count(ink: np.ndarray) -> int:
    return sum(map(len, splitting.split(ink)))


def test_digits_are_read_from_left_to_right_and_line_by_line() -> None:
    places = [(300, 40), (30, 52), (160, 30), (40, 200), (170, 215)]
    ink = ink_of_strokes([stroke for digit, (x, y) in zip((3, 0, 9, 6, 8), places, strict=True)
                          for stroke in placed(digit, x, y)], 8, 400)  # fmt: skip
    found = boxes(ink)
    assert [len(line) for line in found] == [3, 2]
    order = [min(places, key=lambda place: abs(place[0] - x) + abs(place[1] - y)) for line in found for x, y in line]
    assert order == [places[1], places[2], places[0], places[3], places[4]]


def test_each_digit_has_its_own_ink_and_no_other() -> None:
    alone = [ink_of_strokes(placed(digit, x, 100), 8, 400) for digit, x in ((2, 40), (5, 150), (7, 260))]
    parts = [part for line in splitting.split(np.max(alone, axis=0)) for part in line]
    for part, ink in zip(parts, alone, strict=True):
        rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
        assert (part.top, part.left) == (rows[0], columns[0])
        assert np.array_equal(part.ink, ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


@pytest.mark.parametrize("digit", range(10))
@pytest.mark.parametrize(("height", "pen"), [(40, 2), (120, 22), (230, 8)])
def test_one_digit_stays_one(digit: int, height: int, pen: int) -> None:
    assert count(ink_of_strokes(placed(digit, 25, 25, height), pen, 280)) == 1


def test_the_bar_of_a_5_stays_with_it_above_and_beside() -> None:
    body = [[(105, 75), (98, 130), *STROKES[5][0][3:]]]
    for bar in ([(110, 52), (180, 52)], [(135, 60), (210, 60)], [(125, 40), (205, 34)]):
        ink = ink_of_strokes([*body, bar], 12, 280)
        assert count(ink) == 1
        assert splitting.split(ink)[0][0].ink.sum() == ink.sum()


@pytest.mark.parametrize("digit", range(10))
def test_a_dotted_digit_stays_one(digit: int) -> None:
    points = [np.array(stroke) for stroke in placed(digit, 40, 30, 200)]
    dots = []
    for stroke in points:
        steps = np.hypot(*np.diff(stroke, axis=0).T)
        along = np.concatenate([[0], np.cumsum(steps)])
        dots += [[(np.interp(at, along, stroke[:, 0]), np.interp(at, along, stroke[:, 1]))]
                 for at in np.arange(0, along[-1], 22)]  # fmt: skip
    ink = ink_of_strokes(dots, 10, 280)
    assert count(ink) == 1
    assert np.array_equal(splitting.without_specks(ink), ink)


def test_a_slip_of_the_pen_far_away_is_left_out_and_one_close_by_is_not() -> None:
    seven = ink_of_strokes(placed(7, 60, 60, 100), 10, 280)
    far, close = ink_of_strokes([[(250, 260)]], 10, 280), ink_of_strokes([[(60, 74)]], 6, 280)
    assert np.array_equal(splitting.without_specks(np.maximum(seven, far)), seven)
    assert np.array_equal(splitting.without_specks(np.maximum(seven, close)), np.maximum(seven, close))
    assert count(np.maximum(seven, far)) == 1


def test_a_torn_off_arc_stays_with_its_digit() -> None:
    three = ink_of_strokes(placed(3, 60, 40, 160), 12, 280).copy()
    three[120:132] = 0
    assert count(three) == 1
    arc = [[(50.0, 215.0), (90.0, 226.0), (120.0, 218.0)]]
    assert count(np.maximum(three, ink_of_strokes(arc, 12, 280))) == 1


def test_a_dash_between_digits_is_no_digit() -> None:
    strokes = [*placed(3, 30, 100), *placed(1, 240, 100), *placed(8, 290, 100), [(125, 140), (180, 140)]]
    assert count(ink_of_strokes(strokes, 8, 400)) == 3


def test_an_empty_sheet_has_no_digits_and_a_small_image_one() -> None:
    assert splitting.split(np.zeros((40, 40), np.uint8)) == []
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 6:9] = image[4:24, 18:21] = 200
    assert count(image) == 1


def test_digits_that_touch_can_be_cut_where_least_ink_is() -> None:
    touching = ink_of_strokes([*placed(0, 40, 40, 120), *placed(0, 40 + 75, 40, 120)], 10, 280)
    (part,) = [part for line in splitting.split(touching) for part in line]
    left, right = splitting.cuts(part)[0]
    assert left.width == pytest.approx(right.width, rel=0.15)
    whole = splitting.joined([left, right])
    assert (whole.top, whole.left) == (part.top, part.left) and np.array_equal(whole.ink, part.ink)


def test_dust_takes_no_long_time() -> None:
    sheet = Image.new("L", (800, 800))
    pen = ImageDraw.Draw(sheet)
    for x, y in np.random.default_rng(0).integers(0, 800, (2000, 2)):
        pen.point((int(x), int(y)), 255)
    assert count(np.asarray(sheet)) <= pieces.MAX_PIECES


# With a network ------------------------------------------------------------------------------------------------------


def wide(digit: int) -> list[Stroke]:
    return [[(140 + (x - 140) * 1.2, 140 + (y - 140) * 0.7) for x, y in stroke] for stroke in STROKES[digit]]


class Oracle:
    """Stands for a network that knows some digits, one pixel off or not, and is unsure of others."""

    def __init__(self, drawings: list[tuple[int, list[Stroke]]]) -> None:
        self.calls = 0
        self.known = [(digit, drawing.from_strokes(strokes, 16).image) for digit, strokes in drawings]

    def __call__(self, images: np.ndarray) -> np.ndarray:
        self.calls += 1
        answers = np.full((len(images), 10), 0.04, np.float32)
        for answer, image in zip(answers, images, strict=True):
            moved = [np.roll(image, (y, x), (0, 1)).ravel() for y in (-1, 0, 1) for x in (-1, 0, 1)]
            near = [max(np.corrcoef(each, known.ravel())[0, 1] for each in moved) for _, known in self.known]
            answer[self.known[int(np.argmax(near))][0]] = 0.95 if max(near) > 0.85 else 0.3
        return answers


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    return Oracle([(digit, form) for digit in range(10) for form in (STROKES[digit], wide(digit))])


def read(ink: np.ndarray, network: Oracle) -> list[int]:
    sheet = drawing.Sheet(ink, (drawing.Step("drawn", "As drawn", ink),))
    return [each.digit for each in reading.read(sheet, network)]


def test_digits_that_touch_are_cut_where_the_network_knows_the_halves(oracle: Oracle) -> None:
    touching = ink_of_strokes([*placed(3, 30, 40, 140), *placed(0, 111, 40, 140)], 12, 280)
    assert count(touching) == 1
    assert read(touching, oracle) == [3, 0]


@pytest.mark.parametrize("digit", [0, 2, 4, 5, 7, 8])
def test_a_wide_digit_that_the_network_knows_is_not_cut(digit: int, oracle: Oracle) -> None:
    assert read(ink_of_strokes(wide(digit), 14, 280), oracle) == [digit]


def test_two_halves_side_by_side_are_joined_where_the_network_knows_the_whole(oracle: Oracle) -> None:
    ink = ink_of_strokes(STROKES[0], 16, 280).copy()
    ink[:, 134:146] = 0
    assert count(ink) == 2
    assert read(ink, oracle) == [0]


def test_a_reading_has_its_way_its_place_and_the_whole_sheet(oracle: Oracle) -> None:
    ink = ink_of_strokes([*placed(3, 30, 100), *placed(7, 160, 90)], 8, 280)
    sheet = drawing.Sheet(ink, (drawing.Step("drawn", "As drawn", ink),))
    before = oracle.calls
    three, seven = reading.read(sheet, oracle)
    assert oracle.calls == before + 1
    assert (three.digit, seven.digit) == (3, 7) and three.confidence == pytest.approx(0.95)
    assert [step.name for step in seven.prepared.steps][:3] == ["drawn", "digit", "cropped"]
    assert np.array_equal(seven.prepared.steps[-1].image, seven.image)
    left, top, right, bottom = seven.box
    alone = ink_of_strokes(placed(7, 160, 90), 8, 280)
    assert np.array_equal(ink[top:bottom, left:right], mnist_form.crop(alone))
    assert reading.read(drawing.Sheet(np.zeros((9, 9), np.uint8), ()), oracle) == []


def test_a_dotted_slip_of_the_pen_beside_something_large_is_left_out() -> None:
    ink = np.zeros((280, 280), np.uint8)
    ink[40:240, 20:120] = 255
    for row in (100, 106, 112):
        ink[row : row + 2, 250:252] = 255
    ((part,),) = splitting.split(ink)
    assert (part.height, part.width) == (200, 100)


def test_no_cut_leaves_a_half_without_ink() -> None:
    ink = np.full((40, 60), 100, np.uint8)
    ink[:, :20] = 255
    assert all((half.ink > 127).any() for cut in splitting.cuts(splitting.Part(ink, 0, 0)) for half in cut)

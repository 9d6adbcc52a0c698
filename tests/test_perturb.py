"""Shifts, turns and strokes: against NumPy, against drawn bars, and the search for the smallest of them."""

from __future__ import annotations

import numpy as np
import pytest

from mnist_lab import datasets
from mnist_lab.perturb import CHANGES, combined, flips, thickened

ACROSS, DOWN, TURN, STROKE = CHANGES


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return datasets.load("digits").x_test[3]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_no_amount_of_a_change_is_the_image_itself(change, image) -> None:
    assert np.array_equal(change.apply(image, 0.0), image)
    amounts = change.amounts()
    assert amounts[len(amounts) // 2] == 0 and amounts[0] == -change.most and amounts[-1] == change.most


def test_shifts_move_every_pixel_and_leave_paper_behind(image) -> None:
    right, down = ACROSS.apply(image, 3), DOWN.apply(image, -2)
    assert np.array_equal(right[:, 3:], image[:, :-3]) and not right[:, :3].any()
    assert np.array_equal(down[:-2], image[2:]) and not down[-2:].any()


def test_a_quarter_turn_clockwise_is_that_of_numpy(image) -> None:
    assert np.array_equal(TURN.apply(image, 90), np.rot90(image, -1))


@pytest.mark.parametrize("amount", [-2.0, -0.5, 1.0, 3.0])
def test_a_bar_becomes_wider_by_as_much_as_was_asked(amount: float) -> None:
    bar = np.zeros((28, 28), np.uint8)
    bar[4:24, 11:17] = 255
    changed = thickened(bar, amount)
    assert changed[14].sum() / 255 == pytest.approx(6 + amount, abs=0.15)


def test_paper_has_no_strokes_to_change() -> None:
    assert not thickened(np.zeros((28, 28), np.uint8), 3).any()


def test_the_smallest_change_is_found_in_both_directions_or_none(image) -> None:
    calls = []

    def predict(images: np.ndarray) -> np.ndarray:
        """Says 1 where the middle of the ink is more than 2.5 px right of the image's, 2 where 4.5 px left; else 0."""
        calls.append(len(images))
        weight = images.sum(axis=(1, 2)).clip(1)
        centre = (images.sum(axis=1) * np.arange(28)).sum(axis=1) / weight
        moved = centre - centre[0]
        return np.eye(10, dtype=np.float32)[np.where(moved > 2.5, 1, np.where(moved < -4.5, 2, 0))]

    small = np.zeros((28, 28), np.uint8)
    small[10:18, 11:17] = 255
    across, down, turn, stroke = flips(small, predict)
    assert len(calls) == 1
    assert across.answer == 0
    assert across.smallest(1) == (3.0, 1) and across.smallest(-1) == (-5.0, 2)
    for other in (down, turn, stroke):
        assert other.smallest(1) is None and other.smallest(-1) is None
    assert calls[0] == 1 + sum(len(change.amounts()) - 1 for change in CHANGES)


def test_several_changes_follow_each_other(image) -> None:
    wanted = ACROSS.apply(DOWN.apply(TURN.apply(STROKE.apply(image, 1.0), 10), 1), 2)
    amounts = {"Shift across": 2.0, "Shift down": 1.0, "Rotation": 10.0, "Stroke width": 1.0}
    assert np.array_equal(combined(image, amounts), wanted)
    assert np.array_equal(combined(image, {}), image)

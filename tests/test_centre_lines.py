"""The middle lines of digits, against lines that are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from mnist_lab import centre_lines, datasets


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    """Some training images: of MNIST where it is on this machine, else of scikit-learn's digits."""
    return datasets.load("auto").x_train[:300]


def test_the_field_of_a_straight_bar_is_the_distance_to_its_middle() -> None:
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, 4:24, 12:15] = 255
    field = centre_lines.fields(image)[0] / centre_lines.UNITS_PER_PIXEL
    columns = np.abs(np.arange(28) - 13.0)
    # Half a fine pixel either way, as an even width has no middle pixel.
    np.testing.assert_allclose(field[10], np.minimum(columns, 12.75), atol=0.4)
    assert field[10].argmin() == 13


def test_a_ring_keeps_its_hole_and_a_disc_becomes_a_point() -> None:
    y, x = np.mgrid[:40, :40] - 19.5
    radius = np.hypot(y, x)
    lines = centre_lines.thinned(np.stack([(radius > 8) & (radius < 14), radius < 12]))
    assert ndimage.label(~lines[0])[1] == 2, "inside and outside are still apart"
    np.testing.assert_allclose(radius[lines[0]], 11, atol=1.1)
    assert lines[1].sum() <= 4


def test_thinning_keeps_the_number_of_pieces_and_holes_of_real_digits(digits: np.ndarray) -> None:
    ink = digits > 127
    lines = centre_lines.thinned(ink)
    everywhere = np.ones((3, 3))
    for before, after in zip(ink, lines, strict=True):
        assert not (after & ~before).any()
        assert ndimage.label(after, everywhere)[1] == ndimage.label(before, everywhere)[1]
        assert ndimage.label(~np.pad(after, 1))[1] == ndimage.label(~np.pad(before, 1))[1]


def test_an_image_is_measured_alike_alone_and_among_others(digits: np.ndarray) -> None:
    together = centre_lines.fields(digits[:5])
    for image, field in zip(digits[:5], together, strict=True):
        np.testing.assert_array_equal(centre_lines.fields(image[np.newaxis])[0], field)


def test_blank_paper_is_far_from_every_line() -> None:
    assert (centre_lines.fields(np.zeros((2, 28, 28), np.uint8)) == 255).all()


def test_ink_drawn_along_the_line_covers_the_digit_it_came_from(digits: np.ndarray) -> None:
    near = centre_lines.fields(digits) < 1.4 * centre_lines.UNITS_PER_PIXEL
    ink = digits > 127
    overlap = (near & ink).sum((1, 2)) / (near | ink).sum((1, 2))
    assert np.median(overlap) > 0.7

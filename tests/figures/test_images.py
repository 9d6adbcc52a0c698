"""Pictures of digits, checked by their pixels where they are data."""

import io

import numpy as np
import pytest
from PIL import Image

from mnist_lab.figures.images import contact_sheet, mean_images


@pytest.fixture
def digits():
    return np.random.default_rng(0).integers(0, 256, (7, 28, 28), dtype=np.uint8)


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)))


def test_the_sheet_holds_every_image_unchanged(digits):
    sheet = pixels(contact_sheet(digits, columns=3, scale=2, gap=4))
    assert sheet.shape == (3 * 60 - 4, 3 * 60 - 4, 4)
    for index, image in enumerate(digits):
        top, left = index // 3 * 60, index % 3 * 60
        np.testing.assert_array_equal(sheet[top : top + 56 : 2, left : left + 56 : 2, 0], image)
    assert sheet[0, 57, 3] == 0, "the gap is transparent"
    assert sheet[-1, -1, 3] == 0, "the place after the last image is empty"


def test_captions_are_written_under_the_images(digits):
    sheet = pixels(contact_sheet(digits, [f"{i} → 3" for i in range(7)], columns=7, scale=2))
    assert sheet.shape[0] == 56 + 16
    assert sheet[57:, :, 3].any()
    with pytest.raises(ValueError, match="7 images, 1 captions"):
        contact_sheet(digits, ["one"])


def test_captions_may_have_several_lines(digits):
    one, three = (pixels(contact_sheet(digits, [text] * 7, columns=7)) for text in ("is 3", "is 3\nA: 3\nB: 5"))
    assert three.shape[0] == one.shape[0] + 2 * 16
    np.testing.assert_array_equal(three[: one.shape[0]], one)
    for line in (1, 2):
        assert three[56 + line * 16 : 56 + (line + 1) * 16, :, 3].any()


@pytest.mark.parametrize("scaled", [True, False])
def test_images_as_a_network_takes_them_give_the_same_sheet(digits, scaled):
    other = (digits / 255).astype("float32")[..., None] if scaled else digits[..., None]
    assert contact_sheet(other) == contact_sheet(digits)


def test_a_sheet_without_images_is_a_picture_too():
    assert pixels(contact_sheet(np.zeros((0, 28, 28), np.uint8))).size > 0


def test_what_are_no_images_is_refused():
    with pytest.raises(ValueError, match=r"\(n, height, width\)"):
        contact_sheet(np.zeros((2, 28, 28, 3)))


def test_mean_images_are_the_means_of_their_digits(digits):
    labels = np.array([0, 0, 3, 3, 3, 9, 9])
    means = mean_images(digits, labels)
    assert means.shape == (10, 28, 28) and means.dtype == np.uint8
    np.testing.assert_allclose(means[3], digits[2:5].mean(axis=0), atol=0.5)
    assert not means[1].any()

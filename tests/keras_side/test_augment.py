"""The random changes to training images, against SciPy and against cases that are exact."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from mnist_lab.keras_side.augment import augment_numpy, augmented, augmenter, inverse_maps, transform
from mnist_lab.training_config import Augmentation

SIZE = 28


def blob(seed: int = 0) -> np.ndarray:
    """A smooth picture with nothing at its border."""
    noise = np.random.default_rng(seed).random((SIZE, SIZE)).astype(np.float32)
    noise[:5] = noise[-5:] = 0
    noise[:, :5] = noise[:, -5:] = 0
    return ndimage.gaussian_filter(noise, 1.0)


def changed(image: np.ndarray, rotation: float = 0, shear: float = 0, zoom: float = 1, down: float = 0,
            across: float = 0) -> np.ndarray:  # fmt: skip
    """The picture after one known change; angles in degrees."""
    numbers = [tf.constant([v], tf.float32) for v in (math.radians(rotation), math.radians(shear), zoom, down, across)]
    maps = inverse_maps(*numbers, *(tf.constant(size, tf.float32) for size in image.shape))
    return transform(tf.constant(image[None, ..., None]), maps).numpy()[0, ..., 0]


def by_scipy(image: np.ndarray, forward: np.ndarray, shift: tuple[float, float] = (0, 0)) -> np.ndarray:
    """The same by SciPy, from the forward matrix in (down, across) coordinates about the centre."""
    inverse = np.linalg.inv(forward)
    centre = (np.array(image.shape) - 1) / 2
    return ndimage.affine_transform(
        image, inverse, centre - inverse @ (centre + np.array(shift)), order=1, mode="grid-constant"
    )


def rotation_matrix(degrees: float) -> np.ndarray:
    """Clockwise on the screen: what is on the right goes down."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[c, s], [-s, c]])


def shear_matrix(degrees: float) -> np.ndarray:
    """What is below the centre goes to the right."""
    return np.array([[1.0, 0.0], [math.tan(math.radians(degrees)), 1.0]])


def test_a_quarter_turn_is_exact() -> None:
    image = np.random.default_rng(0).random((SIZE, SIZE)).astype(np.float32)
    np.testing.assert_allclose(changed(image, rotation=90)[1:-1, 1:-1], np.rot90(image, -1)[1:-1, 1:-1], atol=1e-4)


@pytest.mark.parametrize(("down", "across"), [(3, 0), (0, 4), (-2, 5), (-7, -7)])
def test_a_shift_by_whole_pixels_is_exact_and_fills_with_zeros(down: int, across: int) -> None:
    image = np.random.default_rng(0).random((SIZE, SIZE)).astype(np.float32)
    expected = np.zeros_like(image)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    inside = (rows - down >= 0) & (rows - down < SIZE) & (columns - across >= 0) & (columns - across < SIZE)
    expected[inside] = image[(rows - down)[inside], (columns - across)[inside]]
    np.testing.assert_allclose(changed(image, down=down, across=across), expected, atol=1e-6)


@pytest.mark.parametrize("degrees", [-140, -15, 7.5, 45])
def test_a_rotation_is_scipy_s(degrees: float) -> None:
    expected = by_scipy(blob(), rotation_matrix(degrees))
    np.testing.assert_allclose(changed(blob(), rotation=degrees), expected, atol=1e-4)


@pytest.mark.parametrize("degrees", [-30, 5, 45])
def test_a_shear_is_scipy_s(degrees: float) -> None:
    np.testing.assert_allclose(changed(blob(), shear=degrees), by_scipy(blob(), shear_matrix(degrees)), atol=1e-4)


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.3])
def test_a_zoom_is_scipy_s(factor: float) -> None:
    np.testing.assert_allclose(changed(blob(), zoom=factor), by_scipy(blob(), factor * np.eye(2)), atol=1e-4)


def test_a_factor_above_one_makes_the_digit_larger() -> None:
    assert changed(blob(), zoom=1.5).sum() > 1.9 * blob().sum()  # its area grows by 2.25, less what leaves the image


def test_all_four_at_once_are_zoom_then_shear_then_rotation_then_shift() -> None:
    forward = rotation_matrix(20) @ shear_matrix(-10) @ (1.1 * np.eye(2))
    expected = by_scipy(blob(), forward, (1.5, -2.25))
    np.testing.assert_allclose(changed(blob(), 20, -10, 1.1, 1.5, -2.25), expected, atol=1e-4)


def test_an_image_that_is_not_square_turns_about_its_own_centre() -> None:
    image = blob()[:20]
    np.testing.assert_allclose(changed(image, rotation=30), by_scipy(image, rotation_matrix(30)), atol=1e-4)


def drawn_maps(augmentation: Augmentation, n: int = 4000) -> np.ndarray:
    """The linear part and the shift of the maps drawn for `n` images, by asking where three points come from.

    The pictures hold the coordinates themselves, so that a changed picture tells where each value came from.
    """
    down, across = np.mgrid[:SIZE, :SIZE].astype(np.float32) + 100
    images = np.broadcast_to(np.stack([down, across], -1), (n, SIZE, SIZE, 2))
    out = augmenter(augmentation, 1)(tf.constant(images), tf.constant(0, tf.int64)).numpy() - 100
    middle = out[:, 13:15, 13:15]
    down_step = (middle[:, 1] - middle[:, 0]).mean(1)
    across_step = (middle[:, :, 1] - middle[:, :, 0]).mean(1)
    inverse = np.stack([down_step, across_step], -1)
    forward = np.linalg.inv(inverse.astype(np.float64))
    shift = -np.einsum("nij,nj->ni", forward, middle.mean((1, 2)) - 13.5)
    return np.concatenate([forward.reshape(n, 4), shift], 1)


def assert_fills(values: np.ndarray, limit: float) -> None:
    """The values fill the range from -limit to limit evenly and stay inside."""
    assert np.abs(values).max() <= limit * 1.002
    assert values.max() > 0.97 * limit
    assert values.min() < -0.97 * limit
    counts, _ = np.histogram(values, 8, (-limit, limit))
    assert counts.min() > 0.8 * len(values) / 8


def test_a_rotation_stays_in_its_range_and_fills_it() -> None:
    forward = drawn_maps(Augmentation(rotation=12))
    assert_fills(np.degrees(np.arctan2(forward[:, 1], forward[:, 0])), 12)
    np.testing.assert_allclose(np.hypot(forward[:, 0], forward[:, 1]), 1, atol=1e-3)
    np.testing.assert_allclose(forward[:, 4:], 0, atol=1e-2)


def test_a_shift_stays_in_its_range_and_fills_it_both_ways() -> None:
    forward = drawn_maps(Augmentation(shift=0.1))
    for axis in (4, 5):
        assert_fills(forward[:, axis], 2.8)
    assert abs(np.corrcoef(forward[:, 4], forward[:, 5])[0, 1]) < 0.06
    np.testing.assert_allclose(forward[:, :4], np.tile([1, 0, 0, 1], (len(forward), 1)), atol=1e-3)


def test_a_zoom_stays_in_its_range_and_fills_it() -> None:
    forward = drawn_maps(Augmentation(zoom=0.2))
    assert_fills(forward[:, 0] - 1, 0.2)
    np.testing.assert_allclose(forward[:, 3], forward[:, 0], atol=1e-3)


def test_a_shear_stays_in_its_range_and_fills_it() -> None:
    forward = drawn_maps(Augmentation(shear=15))
    assert_fills(np.degrees(np.arctan(forward[:, 2])), 15)
    np.testing.assert_allclose(forward[:, [0, 1, 3]], np.tile([1, 0, 1], (len(forward), 1)), atol=1e-3)


def test_no_ranges_are_the_identity() -> None:
    images = np.random.default_rng(0).random((4, SIZE, SIZE, 1)).astype(np.float32)
    np.testing.assert_array_equal(np.asarray(augmenter(Augmentation(), 1)(images, 0)), images)
    np.testing.assert_allclose(changed(images[0, ..., 0]), images[0, ..., 0], atol=1e-6)
    dataset = tf.data.Dataset.from_tensors(images)
    assert augmented(dataset, Augmentation(), 1) is dataset


STRONG = Augmentation(rotation=20, shift=0.1, zoom=0.1, shear=10)


def batches(seed: int, first_step: int = 0, n: int = 6) -> list[Any]:
    images = tf.constant(np.stack([blob(k) for k in range(8)])[..., None])
    dataset = tf.data.Dataset.from_tensors((images, tf.range(8))).repeat(n)
    return [(x.numpy(), y.numpy()) for x, y in augmented(dataset, STRONG, seed, first_step)]


def test_a_data_set_of_one_seed_is_always_the_same_and_no_two_batches_are() -> None:
    first, again, other = batches(5), batches(5), batches(6)
    for (x, y), (x2, y2) in zip(first, again, strict=True):
        np.testing.assert_array_equal(x, x2)
        np.testing.assert_array_equal(y, np.arange(8))
        np.testing.assert_array_equal(y2, y)
        assert x.shape == (8, SIZE, SIZE, 1)
        assert x.dtype == np.float32
    assert not np.allclose(first[0][0], other[0][0], atol=1e-3)
    assert all(not np.allclose(first[0][0], later[0], atol=1e-3) for later in first[1:])


def test_a_training_that_goes_on_at_a_step_sees_what_it_would_have_seen() -> None:
    np.testing.assert_array_equal(batches(5)[4][0], batches(5, first_step=4)[0][0])


def test_each_image_of_a_batch_is_changed_in_its_own_way() -> None:
    images = tf.constant(np.tile(blob()[None, ..., None], (6, 1, 1, 1)))
    out = augmenter(STRONG, 1)(images, 0).numpy()
    assert all(not np.allclose(out[0], out[k], atol=1e-2) for k in range(1, 6))


def test_a_data_set_of_images_alone_keeps_its_form_and_its_static_shape() -> None:
    dataset = tf.data.Dataset.from_tensor_slices(np.zeros((6, SIZE, SIZE, 1), np.float32)).batch(3, drop_remainder=True)
    assert augmented(dataset, STRONG, 1).element_spec == dataset.element_spec


@pytest.mark.parametrize("shape", [(3, SIZE, SIZE), (3, SIZE, SIZE, 1)])
def test_a_preview_is_what_the_first_batch_of_a_training_gets(shape: tuple[int, ...]) -> None:
    images = (255 * np.stack([blob(k) / blob(k).max() for k in range(3)])).astype(np.uint8)
    preview = augment_numpy(images.reshape(shape), STRONG, 9, np.zeros(3))
    assert preview.shape == shape
    assert preview.dtype == np.uint8
    trained_on = augmenter(STRONG, 9)(tf.constant(images[..., None] / 255, tf.float32), 0).numpy()
    np.testing.assert_allclose(preview.reshape(3, SIZE, SIZE), 255 * trained_on[..., 0], atol=0.51)
    np.testing.assert_array_equal(augment_numpy(images, Augmentation(), 9, np.zeros(3)), images)

"""Digits written anew, habits of writers and shapes that are no digits."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage, stats

from mnist_lab import centre_lines, datasets
from mnist_lab.keras_side import penmanship
from mnist_lab.keras_side.augment import augment_numpy, augmented, writer
from mnist_lab.keras_side.strangers import strangers
from mnist_lab.training_config import Augmentation

N = 400
SEEDS = tf.constant([3, 1000], tf.int64)


@pytest.fixture(scope="module")
def batch() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images 0-255, their labels, their fields."""
    data = datasets.load("auto")
    images, labels = data.x_train[:N], data.y_train[:N].astype(np.int64)
    return images, labels, centre_lines.fields(images)


@pytest.fixture(scope="module")
def habits(batch) -> tuple[np.ndarray, np.ndarray]:
    """The fields in pixels before and after the habits."""
    before = batch[2].astype(np.float32) / centre_lines.UNITS_PER_PIXEL
    return before, penmanship.with_habits(tf.constant(before), tf.constant(batch[1]), SEEDS).numpy()


def changed(batch, augmentation: Augmentation, one_hot: bool, step: int = 0, seed: int = 5) -> tuple:
    images, labels, lines = batch
    given = np.eye(10, dtype=np.float32)[labels] if one_hot else labels
    x = tf.constant(images[..., np.newaxis] / 255, tf.float32)
    made, said = writer(augmentation, seed)(x, tf.constant(given), tf.constant(lines), tf.constant(step, tf.int64))
    return made.numpy(), said.numpy()


def test_distances_to_a_segment_are_those_of_geometry() -> None:
    found = penmanship.to_segments(tf.constant([[2.0, 3.0, 20.0, 11.0], [5.0, 5.0, 5.0, 5.0]]), 28).numpy()
    share = np.linspace(0, 1, 4001)
    y, x = np.mgrid[:28, :28]
    for field, (y1, x1, y2, x2) in zip(found, [(2, 3, 20, 11), (5, 5, 5, 5)], strict=True):
        points = np.stack([y1 + share * (y2 - y1), x1 + share * (x2 - x1)])
        expected = np.sqrt(((np.stack([y, x])[..., None] - points[:, None, None]) ** 2).sum(0)).min(-1)
        np.testing.assert_allclose(field, expected, atol=1e-2)


def test_a_slash_is_drawn_through_zeros_and_through_nothing_else(batch, habits, monkeypatch) -> None:
    before, labels = habits[0], batch[1]
    for name in ("CROSSED", "UPSTROKE", "FOOT", "SERIF", "TAIL", "BREAK"):
        monkeypatch.setattr(penmanship, name, 0.0)
    monkeypatch.setattr(penmanship, "SLASHED", 1.0)
    after = penmanship.with_habits(tf.constant(before), tf.constant(labels), SEEDS).numpy()
    np.testing.assert_array_equal(after[labels != 0], before[labels != 0])
    zeros = np.flatnonzero(labels == 0)
    assert (np.abs(after - before)[zeros].max((1, 2)) > 1).all()
    # From the lower left to the upper right: what was drawn lies along the falling diagonal of (row, column).
    for index in zeros:
        rows, columns = np.nonzero((after[index] < 0.5) & (before[index] > 1.0))
        assert len(rows) < 3 or np.corrcoef(rows, columns)[0, 1] < 0


def test_a_bar_crosses_the_stem_of_sevens_only(batch, habits, monkeypatch) -> None:
    before, labels = habits[0], batch[1]
    for name in ("SLASHED", "UPSTROKE", "FOOT", "SERIF", "TAIL", "BREAK"):
        monkeypatch.setattr(penmanship, name, 0.0)
    monkeypatch.setattr(penmanship, "CROSSED", 1.0)
    after = penmanship.with_habits(tf.constant(before), tf.constant(labels), SEEDS).numpy()
    np.testing.assert_array_equal(after[labels != 7], before[labels != 7])
    for index in np.flatnonzero(labels == 7):
        drawn = (after[index] < 0.75) & (before[index] >= 0.75)
        assert drawn.any()
        pieces = ndimage.label((after[index] < 0.75), np.ones((3, 3)))[1]
        assert pieces <= ndimage.label((before[index] < 0.75), np.ones((3, 3)))[1], "the bar touches the seven"


def test_the_shares_of_habits_are_those_that_are_stated(habits, batch) -> None:
    labels = batch[1]
    touched = np.abs(habits[1] - habits[0]).max((1, 2)) > 0.01
    any_digit = 1 - (1 - penmanship.TAIL) * (1 - penmanship.BREAK)
    others = ~np.isin(labels, (0, 1, 7))
    assert touched[others].mean() == pytest.approx(any_digit, abs=0.08)
    assert touched[labels == 7].mean() > touched[others].mean()


@pytest.mark.mnist
def test_what_is_written_anew_has_mnist_s_form(batch) -> None:
    made, _ = changed(batch, Augmentation(pen=1.0), one_hot=True)
    assert made.shape == (N, 28, 28, 1)
    assert made.dtype == np.float32
    assert made.min() >= 0
    assert made.max() <= 1
    ink = made[..., 0]
    heights = np.array([np.ptp(np.flatnonzero((image > 0.5).any(1))) + 1 for image in ink])
    widths = np.array([np.ptp(np.flatnonzero((image > 0.5).any(0))) + 1 for image in ink])
    longest = np.maximum(heights, widths)
    assert np.median(longest) == pytest.approx(20, abs=1)
    assert np.percentile(longest, 5) >= 18 and np.percentile(longest, 95) <= 22
    middle = np.array([ndimage.center_of_mass(image) for image in ink])
    assert (np.abs(middle - 14) <= 0.51).all()


def test_labels_are_kept_and_no_two_hands_are_alike(batch) -> None:
    made, said = changed(batch, Augmentation(pen=1.0), one_hot=False)
    np.testing.assert_array_equal(said, batch[1])
    again, _ = changed(batch, Augmentation(pen=1.0), one_hot=False)
    np.testing.assert_array_equal(made, again)
    for other in (
        changed(batch, Augmentation(pen=1.0), False, step=1),
        changed(batch, Augmentation(pen=1.0), False, seed=6),
    ):
        assert (np.abs(other[0] - made).max((1, 2, 3)) > 0.1).mean() > 0.99


def test_a_share_is_written_anew_and_the_rest_is_as_it_was(batch) -> None:
    made, _ = changed(batch, Augmentation(pen=0.4), one_hot=False)
    same = (np.abs(made[..., 0] - batch[0] / 255) < 1e-6).all((1, 2))
    assert 1 - same.mean() == pytest.approx(0.4, abs=0.08)


@pytest.mark.mnist
def test_a_hand_does_not_make_another_digit_of_it(batch) -> None:
    """By the nearest mean image: of redrawn digits most are nearest to their own digit's, far more than a tenth."""
    images, labels, _ = batch
    made = changed(batch, Augmentation(pen=1.0), one_hot=False)[0][..., 0]
    smooth = ndimage.gaussian_filter(images / 255.0, (0, 1.5, 1.5))
    means = np.stack([smooth[labels == digit].mean(0) for digit in range(10)])

    def right(pictures: np.ndarray) -> float:
        far = ((ndimage.gaussian_filter(pictures, (0, 1.5, 1.5))[:, None] - means) ** 2).sum((2, 3))
        return float((far.argmin(1) == labels).mean())

    assert right(made) > 0.55


def test_strangers_get_the_same_probability_for_every_digit_and_digits_keep_theirs(batch) -> None:
    made, said = changed(batch, Augmentation(strangers=0.5), one_hot=True)
    np.testing.assert_allclose(said.sum(1), 1, atol=1e-5)
    even = np.isclose(said, 0.1).all(1)
    assert not even[N // 2 :].any()
    assert 0.6 < even[: N // 2].mean() < 1
    np.testing.assert_array_equal(said[~even], np.eye(10)[batch[1]][~even])
    np.testing.assert_allclose(made[~even][..., 0], batch[0][~even] / 255, atol=1e-6)


def test_no_stranger_is_made_where_one_would_be_a_digit(batch) -> None:
    lines = tf.constant(batch[2], tf.float32) / centre_lines.UNITS_PER_PIXEL
    ones = tf.ones(N, tf.int64)
    shapes, made = strangers(lines, ones, SEEDS)
    # A one turned, mirrored or beside another is a one, a dash or an eleven: it is left alone.
    assert made.numpy().mean() == pytest.approx(0.625, abs=0.08), "five of eight kinds take no heed of the digit"
    np.testing.assert_array_equal(shapes.numpy()[~made.numpy()], lines.numpy()[~made.numpy()])


def test_some_strangers_are_the_half_of_a_digit(batch) -> None:
    """Of fives every half will do: what is left of the line lies on one side of the middle, and was there before."""
    _, labels, lines = batch
    fives = np.flatnonzero(labels == 5)
    before = np.repeat(lines[fives].astype(np.float32) / centre_lines.UNITS_PER_PIXEL, -(-N // len(fives)), 0)[:N]
    after, made = (part.numpy() for part in strangers(tf.constant(before), tf.fill([N], np.int64(5)), SEEDS))
    halves = 0
    for old, new in zip(before[made] < 0.75, after[made] < 0.75, strict=True):
        rows, columns = np.nonzero(old)
        row, column = (rows.min() + rows.max()) / 2, (columns.min() + columns.max()) / 2
        y, x = np.mgrid[:28, :28]
        sides = [y < row + 0.75, y > row - 0.75, x < column + 0.75, x > column - 0.75]
        halves += any(np.array_equal(new, old & side) for side in sides)
    assert stats.binom.ppf(0.001, N, 1 / 8) <= halves <= stats.binom.ppf(0.999, N, 1 / 8)


def test_a_data_set_loses_its_fields_and_keeps_its_form(batch) -> None:
    images, labels, lines = batch
    x, y = (images[:32, ..., None] / 255).astype(np.float32), np.eye(10, dtype=np.float32)[labels[:32]]
    data = tf.data.Dataset.from_tensors((x, y, lines[:32])).repeat(3)
    shares = Augmentation(pen=0.5, strangers=0.2, rotation=10)
    batches = [(made.numpy(), said.numpy()) for made, said in augmented(data, shares, 5, first_step=7)]
    assert len(batches) == 3
    made, said = changed(tuple(part[:32] for part in batch), shares, one_hot=True, step=9)
    np.testing.assert_allclose(batches[2][0], made, atol=1e-4)
    np.testing.assert_array_equal(batches[2][1], said)
    assert not np.allclose(batches[0][0], batches[1][0])


def test_a_preview_shows_what_is_written(batch) -> None:
    images, labels, _ = batch
    preview = augment_numpy(images[:8], Augmentation(pen=1.0), 5, labels[:8])
    made, _ = changed(tuple(part[:8] for part in batch), Augmentation(pen=1.0), one_hot=False)
    np.testing.assert_allclose(preview, made[..., 0] * 255, atol=0.51)
    blank = augment_numpy(np.zeros((2, 28, 28), np.uint8), Augmentation(pen=1.0, strangers=0.5), 5, np.array([0, 1]))
    assert np.isfinite(blank).all()

"""What a network is fed with, against NumPy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import tensorflow as tf

from mnist_lab.keras_side.batches import batches_in_order, training_batches
from mnist_lab.training_config import Augmentation, TrainingConfig

COUNT = 50
TRAINING = TrainingConfig(epochs=3, batch_size=16, seed=7)


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Images that all differ, and their numbers as labels."""
    return np.random.default_rng(0).integers(0, 256, (COUNT, 28, 28), np.uint8), np.arange(COUNT, dtype=np.uint8)


def fed(training: TrainingConfig, done: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(x.numpy(), y.numpy()) for x, y in training_batches(*digits(), training, done)]


def test_each_epoch_has_every_image_once_in_an_order_of_its_own() -> None:
    pixels, _ = digits()
    batches = fed(TRAINING)
    assert [len(y) for _, y in batches] == [16, 16, 16, 2] * 3
    orders = [np.concatenate([y for _, y in batches[4 * epoch : 4 * epoch + 4]]) for epoch in range(3)]
    assert all(sorted(order) == list(range(COUNT)) for order in orders)
    assert len({tuple(order) for order in orders}) == 3
    assert tuple(range(COUNT)) not in {tuple(order) for order in orders}
    for x, y in batches:
        np.testing.assert_array_equal(x, pixels[y][..., np.newaxis].astype(np.float32) / np.float32(255))


def test_a_training_that_goes_on_sees_what_it_would_have_seen() -> None:
    for training in (TRAINING, replace(TRAINING, augmentation=Augmentation(rotation=10.0, shift=0.1))):
        whole, rest = fed(training), fed(training, 1)
        for (x, y), (x_after, y_after) in zip(whole[4:], rest, strict=True):
            np.testing.assert_array_equal(y, y_after)
            np.testing.assert_array_equal(x, x_after)


def test_another_seed_has_another_order() -> None:
    ours, others = fed(TRAINING), fed(replace(TRAINING, seed=8))
    assert any((y != z).any() for (_, y), (_, z) in zip(ours, others, strict=True))


def test_validation_images_come_in_order_and_every_time_the_same() -> None:
    pixels, labels = digits()
    batches = batches_in_order(pixels, labels, 20)
    for _ in range(2):
        x, y = (np.concatenate(part) for part in zip(*((x.numpy(), y.numpy()) for x, y in batches), strict=True))
        np.testing.assert_array_equal(y, labels)
        np.testing.assert_array_equal(x[..., 0], pixels.astype(np.float32) / np.float32(255))


def test_nothing_tunes_the_pipeline_at_the_price_of_waits() -> None:
    one_hot = np.eye(10, dtype=np.float32)[np.arange(COUNT) % 10]
    for made in (training_batches(digits()[0], one_hot, TRAINING), batches_in_order(*digits(), 20)):
        assert made.options().autotune.enabled is False
    assert training_batches(digits()[0], one_hot, TRAINING).element_spec == (
        tf.TensorSpec((None, 28, 28, 1), tf.float32),
        tf.TensorSpec((None, 10), tf.float32),
    )

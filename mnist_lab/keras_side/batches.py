"""The batches that a network learns from and is validated with: the input pipeline.

It is TensorFlow's whatever the backend: Keras's `fit` takes a `tf.data.Dataset` on each. Pixels stay whole numbers
until their batch is wanted: a quarter of the memory.
"""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from mnist_lab.centre_lines import fields
from mnist_lab.keras_side.augment import augmented
from mnist_lab.training_config import TrainingConfig

# Batches made ready while the one before is learnt.
AHEAD = 4


def training_batches(
    pixels: NDArray[np.uint8], labels: NDArray[Any], training: TrainingConfig, done: int = 0
) -> tf.data.Dataset:
    """The batches of the epochs that a training still has to do, shuffled and changed.

    Args:
        pixels: Shape ``(n, 28, 28)``.
        labels: ``(n,)`` or one-hot.
        training: Augmentation, batch size, epochs and seed. The order of an epoch follows from the seed and the epoch
            alone.
        done: Epochs that are done.

    Returns:
        For each step `(images, labels)`, float32 images ``(batch, 28, 28, 1)`` of 0 to 1, of all epochs that remain,
        one after the other.
    """
    count = len(pixels)
    parts = _held(pixels, labels, *([fields(pixels)] if training.augmentation.writes else []))

    def in_disorder(epoch: Any) -> tf.data.Dataset:
        # Indices are shuffled, not images: the whole set can be mixed, and only the batch is copied.
        order = tf.random.experimental.stateless_shuffle(tf.range(count), tf.stack([training.seed, epoch]))
        return tf.data.Dataset.from_tensor_slices(order).batch(training.batch_size)

    epochs = tf.data.Dataset.range(done, training.epochs)
    first_step = done * math.ceil(count / training.batch_size)
    batches = epochs.flat_map(in_disorder).map(lambda chosen: _gathered(parts, chosen))
    return _ready(augmented(batches, training.augmentation, training.seed, first_step))


def batches_in_order(pixels: NDArray[np.uint8], labels: NDArray[Any], size: int) -> tf.data.Dataset:
    """Every image once, unchanged; the arguments and each step as in `training_batches`."""
    parts = _held(pixels, labels)
    return _ready(tf.data.Dataset.range(len(pixels)).batch(size).map(lambda chosen: _gathered(parts, chosen)))


def _held(*arrays: NDArray[Any]) -> list[Any]:
    # Where there is a GPU, it gets batches only.
    with tf.device("CPU"):
        return [tf.constant(array) for array in arrays]


def _gathered(parts: list[Any], chosen: Any) -> tuple[Any, ...]:
    pixels, *others = (tf.gather(part, chosen) for part in parts)
    return (tf.cast(pixels, tf.float32) / 255.0)[..., tf.newaxis], *others


def _ready(batches: tf.data.Dataset) -> tf.data.Dataset:
    options = tf.data.Options()
    # The thread that tunes a pipeline often misses the end of an iteration, which then waits for its next waking:
    # 0.01 s after its start, 0.03, 0.07 ... 5.1, 10.2, 20.5 and so on: an epoch of 11 s takes 20, now and then.
    options.autotune.enabled = False
    # A worker that shares the machine makes its batches ready in its own share of it.
    options.threading.private_threadpool_size = tf.config.threading.get_intra_op_parallelism_threads() or (
        os.cpu_count() or 1
    )
    return batches.prefetch(AHEAD).with_options(options)

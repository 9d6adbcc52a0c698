"""Random changes to training images, in TensorFlow's graph: they are moved, or written anew with a pen.

They are part of the input pipeline, see `batches`, which is TensorFlow's whatever the backend.

An image that is moved gets one affine map that turns, shifts, zooms and shears it at once, so that it is interpolated
only once. How one is written anew is told in `pens`. The random numbers are a function of the seed, the step and the
place in the batch, and of nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from mnist_lab.centre_lines import UNITS_PER_PIXEL, fields
from mnist_lab.keras_side import penmanship, pens
from mnist_lab.keras_side.strangers import strangers
from mnist_lab.training_config import Augmentation

Augmenter = Callable[[Any, Any], Any]
Writer = Callable[[Any, Any, Any, Any], tuple[Any, Any]]


def augmenter(augmentation: Augmentation, seed: int) -> Augmenter:
    """The function that moves a batch of images.

    Args:
        augmentation: The ranges. Every image draws a rotation, a shear, a zoom, and a shift down and across, uniformly
            and independently. Its map is ``centre + R S Z (p - centre) + shift``: first zoomed, then sheared, then
            turned, then moved. Pixels that come from outside the image are 0.
        seed: Seed of the random numbers.

    Returns:
        ``change(images, step)``: float32 images ``(n, height, width, channels)`` and the number of the batch, a whole
        number; the images of the same shape. The same step gives the same changes.
    """
    if not augmentation.moves:
        return lambda images, step: images

    def change(images: Any, step: Any) -> Any:
        shape = tf.shape(images)
        seeds = tf.stack([tf.constant(seed, tf.int64), tf.cast(step, tf.int64)])
        drawn = tf.random.stateless_uniform([shape[0], 5], seeds, -1.0, 1.0)
        height, width = tf.cast(shape[1], tf.float32), tf.cast(shape[2], tf.float32)
        maps = inverse_maps(
            drawn[:, 0] * math.radians(augmentation.rotation),
            drawn[:, 1] * math.radians(augmentation.shear),
            1.0 + drawn[:, 2] * augmentation.zoom,
            drawn[:, 3] * augmentation.shift * height,
            drawn[:, 4] * augmentation.shift * width,
            height,
            width,
        )
        return transform(images, maps)

    return change


def writer(augmentation: Augmentation, seed: int) -> Writer:
    """The function that moves some images of a batch, writes some anew and makes some into shapes that are no digits.

    Args:
        augmentation: The ranges and the shares. As many images as are to be no digits are tried, from the first on; of
            some none can be made, and they stay digits.
        seed: Seed of the random numbers.

    Returns:
        ``change(images, labels, lines, step)``: float32 images ``(n, 28, 28, 1)``, their labels, ``(n,)`` or one-hot
        ``(n, classes)``, and their fields as `centre_lines.fields` makes them; images and labels of the same shapes.
        One-hot labels become the same for every class where an image is no digit any more; others cannot say it.
    """
    move = augmenter(augmentation, seed)

    def change(images: Any, labels: Any, lines: Any, step: Any) -> tuple[Any, Any]:
        count = tf.shape(images)[0]
        seeds = tf.stack([tf.constant(seed, tf.int64), tf.cast(step, tf.int64) * 1000])
        digits = labels if labels.shape.rank == 1 else tf.argmax(labels, 1)
        distances = penmanship.with_habits(tf.cast(lines, tf.float32) / UNITS_PER_PIXEL, digits, seeds)
        rewritten = tf.random.stateless_uniform([count], penmanship.stream(seeds, 50)) < augmentation.pen
        rewritten = rewritten & tf.reduce_any(lines < 255, [1, 2])
        if augmentation.strangers:
            tried = tf.cast(tf.round(augmentation.strangers * tf.cast(count, tf.float32)), tf.int32)
            shapes, made = strangers(distances[:tried], digits[:tried], seeds)
            distances = tf.concat([shapes, distances[tried:]], 0)
            made = tf.concat([made, tf.zeros([count - tried], tf.bool)], 0)
            rewritten = rewritten | made
            if labels.shape.rank == 2:
                labels = tf.where(made[:, tf.newaxis], 1.0 / tf.cast(tf.shape(labels)[1], labels.dtype), labels)
        chosen = tf.where(rewritten[:, None, None, None], pens.ink(distances, seeds), move(images, step))
        return tf.ensure_shape(chosen, images.shape), labels

    return change


def augmented(dataset: tf.data.Dataset, augmentation: Augmentation, seed: int, first_step: int = 0) -> tf.data.Dataset:
    """A data set of batches, with the images of every batch changed.

    Args:
        dataset: Batches whose first element is the images; labels and weights pass through. Images that are to be
            written anew come with labels and fields, as `writer` takes them; the fields are left out of the result.
            Repeat it before: the steps are counted here, and a count that begins anew each epoch would draw the same
            changes again.
        augmentation: The ranges.
        seed: Seed of the random numbers.
        first_step: Number of the first batch, for a training that goes on.
    """
    if augmentation.is_off:
        return dataset
    move, write = augmenter(augmentation, seed), writer(augmentation, seed)

    def change_first(step: Any, batch: Any) -> Any:
        if augmentation.writes:
            images, labels, lines = batch
            return write(images, labels, lines, step)
        if isinstance(batch, tuple):
            return (move(batch[0], step), *batch[1:])
        return move(batch, step)

    return dataset.enumerate(first_step).map(change_first, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)


def augment_numpy(images: np.ndarray, augmentation: Augmentation, seed: int, labels: np.ndarray) -> np.ndarray:
    """The changes to a few images, for a preview: what a training with this seed does to its first batch.

    Args:
        images: uint8 ``(n, height, width)`` or ``(n, height, width, channels)``.
        augmentation: The ranges.
        seed: Seed of the random numbers.
        labels: Which digit each is, ``(n,)``.

    Returns:
        uint8 images of the same shape.
    """
    batch = tf.constant(images if images.ndim == 4 else images[..., None], tf.float32)
    if augmentation.writes:
        lines = fields(images.reshape(batch.shape[:3]))
        changed = 255 * writer(augmentation, seed)(batch / 255, tf.constant(labels), tf.constant(lines), 0)[0].numpy()
    else:
        changed = augmenter(augmentation, seed)(batch, 0).numpy()
    return np.clip(np.rint(changed), 0, 255).astype(np.uint8).reshape(images.shape)


def inverse_maps(rotation: Any, shear: Any, zoom: Any, down: Any, across: Any, height: Any, width: Any) -> Any:
    """The maps from each place in the new image to the place in the old one that its value comes from.

    Args:
        rotation: Radians, clockwise as seen on the screen, ``(n,)``.
        shear: Radians; the lower half leans to the right, ``(n,)``.
        zoom: Factor; 2 makes the digit twice as large, ``(n,)``.
        down: Pixels, ``(n,)``.
        across: Pixels to the right, ``(n,)``.
        height: Of the image, in pixels.
        width: Of the image, in pixels.

    Returns:
        ``(n, 8)`` as `tf.raw_ops.ImageProjectiveTransformV3` takes them: the old place of (x, y) is
        ``(m0 x + m1 y + m2, m3 x + m4 y + m5)``.
    """
    cosine, sine, slant = tf.cos(rotation), tf.sin(rotation), tf.tan(shear)
    # The inverse of rotation after shear after zoom is zoom^-1 shear^-1 rotation^-1, written out.
    m0, m1 = (cosine + slant * sine) / zoom, (sine - slant * cosine) / zoom
    m3, m4 = -sine / zoom, cosine / zoom
    centre_x, centre_y = (width - 1.0) / 2.0, (height - 1.0) / 2.0
    to_x, to_y = centre_x + across, centre_y + down
    m2 = centre_x - m0 * to_x - m1 * to_y
    m5 = centre_y - m3 * to_x - m4 * to_y
    zeros = tf.zeros_like(m0)
    return tf.stack([m0, m1, m2, m3, m4, m5, zeros, zeros], axis=1)


def transform(images: Any, maps: Any) -> Any:
    """Applies maps as `inverse_maps` makes them to float32 images ``(n, height, width, channels)``, bilinearly."""
    changed = tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=maps,
        output_shape=tf.shape(images)[1:3],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )
    changed.set_shape(images.shape)
    return changed

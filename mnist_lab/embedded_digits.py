"""The digits that come with scikit-learn, brought into MNIST's form: what there is when MNIST is not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mnist_lab.mnist_files import Arrays
from mnist_lab.mnist_form import centre_by_mass, crop, scale_into_box

TRAINING_IMAGES = 1437
# Enlarged, the small images are blurred. Full ink begins a little above this share and paper a little below; it was
# chosen so that the mean grey comes to that of MNIST's training images, 33.3. A steeper edge would break thin strokes.
EDGE, STEEPNESS = 0.565, 2.2
_FINE = 20  # pixels for one of the 8x8 image, before it is scaled into the box


def embedded_digits() -> Arrays:
    """Enlarges the 1,797 digits of `sklearn.datasets.load_digits` (UCI Optical Recognition of Handwritten Digits).

    An 8x8 image of 17 grey levels is interpolated to 160x160, its blurred edges made steeper, and then goes the way of
    MNIST: scaled into 20x20, centred by mass in 28x28. The first 1,437 of scikit-learn's order are for training, the
    last 360 for testing: neighbours are often by one writer, so that a cut parts writers better than lots would.

    Returns:
        The images and labels, 1,437 and 360.
    """
    from sklearn.datasets import load_digits  # late: most never need it

    small, labels = load_digits(return_X_y=True)
    images = np.stack([_enlarged(image) for image in small.reshape(-1, 8, 8)])
    digits = labels.astype(np.uint8)
    for array in (images, digits):
        array.setflags(write=False)
    cut = TRAINING_IMAGES
    return Arrays(images[:cut], digits[:cut], images[cut:], digits[cut:])


def _enlarged(small: NDArray[np.float64]) -> NDArray[np.uint8]:
    framed = np.pad(small / 16, 1).astype(np.float32)
    side = framed.shape[0] * _FINE
    fine = np.asarray(Image.fromarray(framed).resize((side, side), Image.Resampling.BICUBIC))
    ink = np.clip((fine - EDGE) * STEEPNESS + 0.5, 0, 1)
    return centre_by_mass(scale_into_box(crop((ink * 255 + 0.5).astype(np.uint8))))

"""Which parts of an image speak for which digit: occlusion, gradient times input, Grad-CAM.

Each method gives ten maps, one a digit, and each is linear in the logits: the map of "why 7 and not 1", of the
difference of two logits, is the difference of two of them. So one answer serves every question about an image.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np

from mnist_lab.keras_side.backend import BACKEND
from mnist_lab.keras_side.evaluate import as_input
from mnist_lab.keras_side.explain.taps import Taps

PATCH = 5  # pixels; about the width of a stroke and its edges, odd so that a patch has a middle
# What occlusion may cost, as `Taps.cost` counts: about half a second on two cores that have other work too.
BUDGET = 8e9


def why(taps: Taps, image: np.ndarray) -> dict[str, Any]:
    """Ten maps of each method for an image.

    Args:
        taps: The network.
        image: uint8, shape ``(28, 28)``.

    Returns:
        ``logits`` and ``probabilities``, shape ``(10,)``; ``occlusion``, shape ``(n, n, 10)``, and its ``stride`` and
        ``patch`` in pixels; ``gradient``, gradient times input, shape ``(28, 28, 10)``; ``cam``, shape
        ``(height, width, 10)``, before its negative part is cut away, or None, and ``cam_of``, its layer in words.
    """
    x = as_input(image[np.newaxis])
    gradient, cam, logits = _by_gradients(taps, x)
    stride = occlusion_stride(image, taps.cost)
    return {
        "logits": logits,
        "probabilities": np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum(),
        "occlusion": occlusion(taps, x, logits, stride),
        "stride": stride,
        "patch": PATCH,
        "gradient": gradient,
        "cam": cam,
        "cam_of": taps.last_map.title if taps.last_map else "",
    }


def _by_gradients(taps: Taps, x: np.ndarray) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    """Gradient times input and Grad-CAM: a copy of the image for each digit's own logit, which is one of the trace."""
    copies = np.repeat(x, 10, axis=0)
    wanted = taps.last_map if taps.last_map and math.prod(taps.last_map.size) > 1 else None
    of_input = BACKEND.gradient(lambda images: keras.ops.trace(taps.values(images)[1]), copies)
    inner, logits = taps.values(x, [wanted.layer] if wanted else [])
    gradient = np.moveaxis((of_input * x).sum(axis=-1), 0, -1)
    cam = None
    if wanted:
        values, layer = keras.ops.convert_to_numpy(inner[0]), wanted.layer
        of_map = BACKEND.gradient(
            lambda maps: keras.ops.trace(taps.logits_after(copies, layer, maps)), np.repeat(values, 10, axis=0)
        )
        # Selvaraju et al. 2017: a channel's weight is the mean of the logit's gradient over the map.
        cam = values[0] @ of_map.mean(axis=(1, 2)).T
    return gradient, cam, keras.ops.convert_to_numpy(logits)[0]


def occlusion(taps: Taps, x: np.ndarray, logits: np.ndarray, stride: int) -> np.ndarray:
    """By how much each logit falls when a patch of paper covers a place.

    Args:
        taps: The network.
        x: float32, shape ``(1, 28, 28, 1)``.
        logits: Those of the whole image.
        stride: Pixels between the middles of two patches.

    Returns:
        Shape ``(n, n, 10)``; the middle of patch ``i`` is pixel ``(stride - 1) // 2 + i * stride``.
    """
    places = middles(x.shape[1], stride)
    falls = np.zeros((len(places), len(places), 10), np.float32)
    covered, where = [], []
    for row, top in enumerate(places):
        for column, left in enumerate(places):
            part = np.s_[0, max(0, top - PATCH // 2) : top + PATCH // 2 + 1,
                         max(0, left - PATCH // 2) : left + PATCH // 2 + 1]  # fmt: skip
            # Paper on paper changes nothing: it need not be asked.
            if x[part].any():
                copy = x.copy()
                copy[part] = 0
                covered.append(copy[0])
                where.append((row, column))
    if covered:
        rows, columns = np.transpose(where)
        falls[rows, columns] = logits - taps.logits(np.stack(covered))
    return falls


def occlusion_stride(image: np.ndarray, cost: int, budget: float = BUDGET) -> int:
    """The smallest distance of patches at which a network with such a cost of an image keeps to the budget."""
    inked = np.argwhere(image > 0)
    if not len(inked):
        return 1
    extent = np.minimum(np.ptp(inked, axis=0) + PATCH, image.shape)
    for stride in (1, 2, 3):
        if math.prod(-(-extent // stride)) * cost <= budget:
            return stride
    return 4


def middles(size: int, stride: int) -> np.ndarray:
    """The middles of the patches along one axis of `size` pixels."""
    return np.arange((stride - 1) // 2, size, stride)

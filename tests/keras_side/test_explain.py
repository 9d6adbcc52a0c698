"""Why a network answers as it does, against the same by brute force: one pixel, one patch, one layer at a time."""

from __future__ import annotations

from functools import cache
from typing import Any

import keras
import numpy as np
import pytest
from keras.ops import convert_to_numpy as to_numpy
from scipy.special import softmax

from mnist_lab import datasets
from mnist_lab.architecture import Architecture
from mnist_lab.keras_side.backend import BACKEND
from mnist_lab.keras_side.build import build
from mnist_lab.keras_side.explain import attribution
from mnist_lab.keras_side.explain.taps import Taps
from mnist_lab.layers import (
    Activation,
    BatchNormalization,
    Conv2D,
    Dense,
    Flatten,
    GlobalAveragePooling2D,
    MaxPooling2D,
    Parallel,
    Pretrained,
    RepeatChannels,
    Residual,
    Resizing,
)

PLAIN = Architecture((Conv2D(4, (5, 5), activation="tanh"), MaxPooling2D(), Conv2D(6, activation="tanh"), Flatten(),
                      Dense(12, "tanh"), Dense(10, "softmax")))  # fmt: skip
NORMED = Architecture((Conv2D(3), BatchNormalization(), MaxPooling2D((3, 3)), Flatten(), Dense(10, "linear"),
                       Activation("softmax")))  # fmt: skip
ALL_CONV = Architecture((Conv2D(4, strides=(2, 2)), Conv2D(10, activation="linear"), GlobalAveragePooling2D(),
                         Activation("softmax")))  # fmt: skip
BLOCKS = Architecture((
    Parallel(((Conv2D(2, (1, 1)),), (Conv2D(3, padding="same"),))),
    Residual((Conv2D(5, padding="same"),), activation="relu"), MaxPooling2D((4, 4)), Flatten(), Dense(10, "softmax"),
))  # fmt: skip
DENSE = Architecture((Flatten(), Dense(8, "relu"), Dense(10, "softmax")))
COLOUR = Architecture(
    (RepeatChannels(3), Resizing(32, 32), Pretrained(weights="none"), Flatten(), Dense(10, "softmax"))
)
NETWORKS = {"plain": PLAIN, "normed": NORMED, "all_conv": ALL_CONV, "blocks": BLOCKS, "dense": DENSE, "colour": COLOUR}


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return datasets.load("digits").x_test[5]


@cache
def taps(name: str) -> Taps:
    return Taps(build(NETWORKS[name], seed=2), NETWORKS[name])


def by_keras(made: Taps, x: np.ndarray) -> np.ndarray:
    return to_numpy(made.model(x, training=False)).astype(np.float64)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_softmax_of_the_logits_is_what_the_network_says(name: str, image: np.ndarray) -> None:
    made = taps(name)
    found = attribution.why(made, image)
    said = by_keras(made, image[None, ..., None] / np.float32(255))[0]
    np.testing.assert_allclose(found["probabilities"], said, atol=1e-5)
    np.testing.assert_allclose(softmax(found["logits"]), said, atol=1e-5)


def test_the_gradient_is_that_of_finite_differences(image: np.ndarray) -> None:
    # The same weights on every backend: with these no step reaches over where another pixel of a pool is the largest.
    model, rng = build(PLAIN), np.random.default_rng(1)
    model.set_weights([rng.normal(0, 1 / np.sqrt(max(1, w[..., 0].size)), w.shape) for w in model.get_weights()])
    made = Taps(model, PLAIN)
    found = attribution.why(made, image)["gradient"]
    x = (image / 255.0)[None, ..., None]
    step = 4e-3
    inked = np.argwhere(image > 60)
    for row, column in inked[:: max(1, len(inked) // 12)]:
        up, down = x.copy(), x.copy()
        up[0, row, column] += step
        down[0, row, column] -= step
        slope = (np.log(by_keras(made, up)) - np.log(by_keras(made, down)))[0] / (2 * step)
        # The logarithm of a softmax is the logit but for a number that all ten share.
        expected = (slope - slope.mean()) * x[0, row, column, 0]
        np.testing.assert_allclose(found[row, column] - found[row, column].mean(), expected, atol=5e-4)
    assert (found[image == 0] == 0).all()


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_occlusion_is_what_covering_each_place_by_hand_does(image: np.ndarray, stride: int) -> None:
    made = taps("plain")
    x = (image / np.float32(255))[None, ..., None]
    logits = made.logits(x)[0]
    found = attribution.occlusion(made, x, logits, stride)
    places = attribution.middles(28, stride)
    assert found.shape == (len(places), len(places), 10)
    for i, row in list(enumerate(places))[::6]:
        for j, column in list(enumerate(places))[::5]:
            covered = x.copy()
            for y in range(28):
                for z in range(28):
                    if abs(y - row) <= 2 and abs(z - column) <= 2:
                        covered[0, y, z] = 0
            lost = np.log(by_keras(made, x)[0]) - np.log(by_keras(made, covered)[0])
            np.testing.assert_allclose(found[i, j] - found[i, j].mean(), lost - lost.mean(), atol=1e-4)


def test_the_stride_of_occlusion_keeps_to_the_budget(image: np.ndarray) -> None:
    assert attribution.occlusion_stride(image, 1_000) == 1
    assert attribution.occlusion_stride(image, 72_000_000) > 1
    assert attribution.occlusion_stride(np.zeros((28, 28), np.uint8), 10**9) == 1


@pytest.mark.parametrize("name", ["plain", "normed", "blocks", "all_conv"])
def test_grad_cam_is_that_of_its_definition(name: str, image: np.ndarray) -> None:
    made = taps(name)
    layer = {"plain": "l02_conv2d", "normed": "l00_conv2d", "blocks": "l01_residual", "all_conv": "l01_conv2d"}[name]
    found = attribution.why(made, image)["cam"]
    # The rest of the network after that layer, made anew, layer by layer.
    tail = keras.Sequential([keras.Input(made.model.get_layer(layer).output.shape[1:])])
    for after in made.model.layers[made.model.layers.index(made.model.get_layer(layer)) + 1 :]:
        tail.add(after)
    before = keras.Model(made.model.input, made.model.get_layer(layer).output)
    held = to_numpy(before(image[None, ..., None] / np.float32(255)))
    for digit in (0, 3, 9):
        for other in (1, 8):

            def lead(values: Any, digit: int = digit, other: int = other) -> Any:
                said = keras.ops.log(tail(values, training=False))
                return said[0, digit] - said[0, other]

            weights = BACKEND.gradient(lead, held).mean(axis=(0, 1, 2))
            expected = (held[0] * weights).sum(axis=-1)
            np.testing.assert_allclose(found[..., digit] - found[..., other], expected, atol=1e-4)


def test_where_grad_cam_does_not_apply_there_is_none(image: np.ndarray) -> None:
    dense = attribution.why(taps("dense"), image)
    assert dense["cam"] is None and dense["cam_of"] == ""
    colour = attribution.why(taps("colour"), image)
    assert colour["cam"] is None and "VGG16" in colour["cam_of"], "VGG16 makes one value of 32x32 pixels"


def test_an_empty_image_is_no_fault() -> None:
    found = attribution.why(taps("plain"), np.zeros((28, 28), np.uint8))
    assert not found["occlusion"].any() and not found["gradient"].any()

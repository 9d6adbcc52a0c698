"""How fast this machine trains: two small networks, a few steps each, from which a forecast is made."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from mnist_lab import shapes
from mnist_lab.architecture import Architecture
from mnist_lab.forecast import Probe
from mnist_lab.keras_side.backend import BACKEND
from mnist_lab.keras_side.build import build
from mnist_lab.layers import Conv2D, Dense, Flatten, MaxPooling2D

BATCH = 128
SECONDS = 0.7

LIGHT = Architecture((Flatten(), Dense(10, "softmax")))
HEAVY = Architecture((Conv2D(32), Conv2D(32), MaxPooling2D(), Conv2D(64), Flatten(), Dense(10, "softmax")))


def warm_up() -> None:
    """Trains one step of a tiny network, so that the first real step need not load what every training needs."""
    _seconds_per_image(LIGHT, lambda: True)


def measure(is_wanted: Callable[[], bool]) -> Probe | None:
    """Measures the machine.

    Args:
        is_wanted: Asked between steps; the probe gives way to a training at once.

    Returns:
        The probe, or None if it was called off.
    """
    light = _seconds_per_image(LIGHT, is_wanted)
    heavy = _seconds_per_image(HEAVY, is_wanted)
    if light is None or heavy is None:
        return None
    costs = shapes.analyse(LIGHT), shapes.analyse(HEAVY)
    return Probe.from_two((costs[0].multiply_adds, light), (costs[1].multiply_adds, heavy))


def _seconds_per_image(architecture: Architecture, is_wanted: Callable[[], bool]) -> float | None:
    model = build(architecture, seed=0)
    model.compile(
        optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=BACKEND.jit_compile
    )
    x, y = np.zeros((BATCH, *architecture.input_shape), np.float32), np.zeros(BATCH, np.uint8)
    model.train_on_batch(x, y)
    began, steps = time.monotonic(), 0
    while (elapsed := time.monotonic() - began) < SECONDS or steps < 3:
        if not is_wanted():
            return None
        model.train_on_batch(x, y)
        steps += 1
    return elapsed / (steps * BATCH) if steps else None

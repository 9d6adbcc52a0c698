"""How fast this machine trains: three small networks, a few steps each, from which a forecast is made."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from mnist_lab import shapes
from mnist_lab.architecture import Architecture
from mnist_lab.forecast import Cost, Probe
from mnist_lab.keras_side.backend import BACKEND
from mnist_lab.keras_side.build import build
from mnist_lab.layers import Conv2D, Dense, Flatten, MaxPooling2D

BATCH = 128
SECONDS = 0.7
# Steps that count for nothing: the first builds the graph, the next ones find no memory laid out yet.
BEFORE = 3

LIGHT = Architecture((Flatten(), Dense(10, "softmax")))
# Many values for few multiply-adds, and many multiply-adds for few values.
WIDE = Architecture((Conv2D(32), MaxPooling2D(), Flatten(), Dense(10, "softmax")))
HEAVY = Architecture((Conv2D(32), MaxPooling2D(), Conv2D(128), Flatten(), Dense(10, "softmax")))


def warm_up() -> None:
    """Trains one step of a tiny network, so that the first real step need not load what every training needs."""
    _seconds_per_image(WIDE, lambda: True, seconds=0.0)


def measure(is_wanted: Callable[[], bool]) -> Probe | None:
    """Measures the machine.

    Args:
        is_wanted: Asked between steps; the probe gives way to a training at once.

    Returns:
        The probe, or None if it was called off.
    """
    measured = []
    for architecture in (LIGHT, WIDE, HEAVY):
        seconds = _seconds_per_image(architecture, is_wanted)
        if seconds is None:
            return None
        measured.append((Cost.of(shapes.analyse(architecture)), seconds))
    return Probe.from_measured(measured)


class _Watch(keras.callbacks.Callback):
    """Times the steps, and ends the training when there are enough."""

    def __init__(self, is_wanted: Callable[[], bool], seconds: float) -> None:
        super().__init__()
        self.ends: list[float] = []
        self.is_called_off = False
        self._is_wanted, self._seconds = is_wanted, seconds

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Looks at the clock."""
        self.ends.append(time.monotonic())
        self.is_called_off = not self._is_wanted()
        is_enough = len(self.ends) > BEFORE + 3 and self.ends[-1] - self.ends[BEFORE] >= self._seconds
        self.model.stop_training = is_enough or self.is_called_off


def _seconds_per_image(
    architecture: Architecture, is_wanted: Callable[[], bool], seconds: float = SECONDS
) -> float | None:
    model = build(architecture, seed=0)
    model.compile(
        optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=BACKEND.jit_compile
    )
    x, y = np.zeros((16 * BATCH, *architecture.input_shape), np.float32), np.zeros(16 * BATCH, np.uint8)
    return seconds_per_image(model, x, y, BATCH, seconds, is_wanted)


def seconds_per_image(
    model: keras.Model, x: Any, y: Any, batch_size: int, seconds: float, is_wanted: Callable[[], bool] = lambda: True
) -> float | None:
    """Trains by `fit` for a while, and times it.

    Args:
        model: A compiled network, which learns by it.
        x: Images, as `fit` takes them.
        y: Their labels.
        batch_size: Images per step.
        seconds: How long, at least three steps.
        is_wanted: Asked between steps.

    Returns:
        The median step per image, as others may take the processor for a moment; None if it was called off.
    """
    watch = _Watch(is_wanted, seconds)
    model.fit(x, y, batch_size=batch_size, epochs=1000, callbacks=[watch], verbose=0)
    if watch.is_called_off:
        return None
    return float(np.median(np.diff(watch.ends[BEFORE:]))) / batch_size

"""How fast this machine trains: six small networks, a few steps each, from which a forecast is made."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from mnist_lab import shapes
from mnist_lab.architecture import Architecture
from mnist_lab.forecast import Cost, Probe
from mnist_lab.keras_side.backend import BACKEND
from mnist_lab.keras_side.batches import training_batches
from mnist_lab.keras_side.build import build
from mnist_lab.keras_side.optimizers import make_optimizer
from mnist_lab.layers import Conv2D, Dense, Flatten, MaxPooling2D
from mnist_lab.training_config import TrainingConfig

BATCH = 128
# Each network is timed so often, in turns with the others, and so long: others take the processor for a while and then
# let it go, and the median of the rounds forgives one of them.
ROUNDS = 3
SECONDS = 0.3
# Steps that count for nothing: the first builds the graph, the next ones find no memory laid out yet.
BEFORE = 3
# At most; it ends when there was time enough.
EPOCHS = 1000

LIGHT = Architecture((Flatten(), Dense(10, "softmax")))
# Next to nothing, in as many layers as small networks have.
TINY = Architecture(
    (
        Conv2D(2),
        MaxPooling2D(),
        Conv2D(2),
        MaxPooling2D(),
        Flatten(),
        Dense(8),
        Dense(10, "softmax"),
    )
)
# Many values for few multiply-adds; and many multiply-adds for few values, in thin and in thick layers.
WIDE = Architecture((Conv2D(32), MaxPooling2D(), Flatten(), Dense(10, "softmax")))
THIN = Architecture((Conv2D(32), MaxPooling2D(), Conv2D(64), Conv2D(64), Flatten(), Dense(10, "softmax")))
THICK = Architecture((Conv2D(32), MaxPooling2D(), Conv2D(128), Flatten(), Dense(10, "softmax")))
# Many weights for its multiply-adds: each serves once an image.
HEAVY = Architecture((Flatten(), Dense(1024), Dense(1024), Dense(10, "softmax")))


def warm_up() -> None:
    """Trains one step of a tiny network, so that the first real step need not load what every training needs."""
    _seconds(compiled(WIDE, TrainingConfig(), 1), lambda: True, seconds=0.0)


def measure(is_wanted: Callable[[], bool]) -> Probe | None:
    """Measures the machine.

    Args:
        is_wanted: Asked between steps; the probe gives way to a training at once.

    Returns:
        The probe, or None if it was called off.
    """
    networks = (LIGHT, TINY, WIDE, THIN, THICK, HEAVY)
    models = [compiled(architecture, TrainingConfig(), 1) for architecture in networks]
    rounds: list[list[float]] = [[] for _ in networks]
    for _ in range(ROUNDS):
        for model, taken in zip(models, rounds, strict=True):
            seconds = _seconds(model, is_wanted)
            if seconds is None:
                return None
            taken.append(seconds)
    costs = [Cost.of(shapes.analyse(architecture)) for architecture in networks]
    return Probe.from_measured(list(zip(costs, map(statistics.median, rounds), strict=True)), BATCH)


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


def compiled(architecture: Architecture, training: TrainingConfig, steps: int) -> keras.Model:
    """A network that `seconds_per_image` can time, with the optimizer of a training of so many steps an epoch."""
    model = build(architecture, seed=0)
    model.compile(
        optimizer=make_optimizer(training, steps),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=BACKEND.jit_compile,
    )
    return model


def _seconds(model: keras.Model, is_wanted: Callable[[], bool], seconds: float = SECONDS) -> float | None:
    pixels, labels = np.zeros((16 * BATCH, *model.input_shape[1:3]), np.uint8), np.zeros(16 * BATCH, np.uint8)
    return seconds_per_image(model, pixels, labels, BATCH, seconds, is_wanted)


def seconds_per_image(
    model: keras.Model,
    pixels: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    batch_size: int,
    seconds: float,
    is_wanted: Callable[[], bool] = lambda: True,
) -> float | None:
    """Trains by `fit` for a while, and times it.

    Args:
        model: A compiled network, which learns by it.
        pixels: Images, shape ``(n, 28, 28)``.
        labels: Shape ``(n,)``.
        batch_size: Images per step.
        seconds: How long, at least three steps.
        is_wanted: Asked between steps.

    Returns:
        The median step per image, as others may take the processor for a moment; None if it was called off.
    """
    watch = _Watch(is_wanted, seconds)
    training = TrainingConfig(epochs=EPOCHS, batch_size=batch_size)
    batches = training_batches(pixels, labels, training)
    steps = math.ceil(len(pixels) / batch_size)
    model.fit(batches, steps_per_epoch=steps, epochs=EPOCHS, callbacks=[watch], shuffle=False, verbose=0)
    if watch.is_called_off:
        return None
    return float(np.median(np.diff(watch.ends[BEFORE:]))) / batch_size

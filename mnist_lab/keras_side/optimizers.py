"""Optimizers and schedules as Keras objects.

All schedules are Keras's own classes, so a compiled model that is saved with its optimizer opens without this package:
`OneCycle` is a `CosineDecay` with a warm-up that begins above zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import keras

from mnist_lab import fields
from mnist_lab.keras_side.backend import BACKEND
from mnist_lab.keras_side.callbacks import Plateau
from mnist_lab.schedules import cosine
from mnist_lab.training_config import (
    ExponentialDecay,
    ReduceLROnPlateau,
    StepDecay,
    TrainingConfig,
)

Rate: TypeAlias = float | keras.optimizers.schedules.LearningRateSchedule


def make_optimizer(training: TrainingConfig, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    """The Keras optimizer of a training, with its schedule.

    Args:
        training: The optimizer has the name and the fields of its class in `keras.optimizers`.
        steps_per_epoch: Batches per epoch; schedules are given in epochs and run in steps.

    Returns:
        A new optimizer.
    """
    values = fields.to_dict(training.optimizer)
    values["learning_rate"] = learning_rate(training, steps_per_epoch)
    made: keras.optimizers.Optimizer = getattr(keras.optimizers, training.optimizer.kind)(**values)
    BACKEND.quicken(made)
    return made


def learning_rate(training: TrainingConfig, steps_per_epoch: int) -> Rate:
    """The learning rate as Keras takes it: a number, or a schedule over steps."""
    rate, chosen = training.optimizer.learning_rate, training.schedule
    schedules = keras.optimizers.schedules
    if isinstance(chosen, ExponentialDecay):
        return schedules.ExponentialDecay(rate, steps_per_epoch, chosen.decay_rate)
    if isinstance(chosen, StepDecay):
        return schedules.ExponentialDecay(rate, chosen.every * steps_per_epoch, chosen.factor, staircase=True)
    shape = cosine(training, steps_per_epoch)
    if shape is None:
        return rate
    if not shape.rise_steps:
        return schedules.CosineDecay(shape.peak, shape.fall_steps, alpha=shape.final_share)
    return schedules.CosineDecay(
        shape.start,
        shape.fall_steps,
        alpha=shape.final_share,
        warmup_target=shape.peak,
        warmup_steps=shape.rise_steps,
    )


def schedule_callbacks(
    training: TrainingConfig, history: Sequence[dict[str, Any]] = ()
) -> list[keras.callbacks.Callback]:
    """The callbacks that a schedule needs; new ones at each call, as they remember their run.

    Args:
        training: The schedule.
        history: Epochs of the run so far, as `RunStore.history` gives them.
    """
    chosen = training.schedule
    return [Plateau(chosen, history)] if isinstance(chosen, ReduceLROnPlateau) else []

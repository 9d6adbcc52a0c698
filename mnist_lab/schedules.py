"""The learning rate at any step, in plain Python: for pictures of a schedule before anything is trained.

`keras_side/optimizers.py` makes the Keras schedules; a test holds the two equal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from mnist_lab.training_config import CosineDecay, ExponentialDecay, OneCycle, StepDecay, TrainingConfig


@dataclass(frozen=True, slots=True)
class Cosine:
    """A linear rise to a peak, then half a cosine: what `CosineDecay` and `OneCycle` both are.

    Attributes:
        start: Rate at step 0, where there is a rise.
        peak: Rate after the rise.
        rise_steps: Steps of the rise; 0 for none.
        fall_steps: Steps from the peak to the end.
        final_share: Share of the peak that is left at the end.
    """

    start: float
    peak: float
    rise_steps: int
    fall_steps: int
    final_share: float

    def at(self, step: float) -> float:
        """The rate at a step; after the end it stays where it is."""
        if step < self.rise_steps:
            return self.start + (self.peak - self.start) * step / self.rise_steps
        done = min(step - self.rise_steps, self.fall_steps) / self.fall_steps
        fallen = 0.5 * (1 + math.cos(math.pi * done))
        return self.peak * ((1 - self.final_share) * fallen + self.final_share)


def cosine(training: TrainingConfig, steps_per_epoch: int) -> Cosine | None:
    """The numbers of a `CosineDecay` or `OneCycle` schedule in steps; None for the others."""
    rate, total = training.optimizer.learning_rate, max(1, training.epochs * steps_per_epoch)
    chosen = training.schedule
    if isinstance(chosen, CosineDecay):
        rise = round(chosen.warmup_epochs * steps_per_epoch)
        return Cosine(0.0, rate, rise, max(1, total - rise), chosen.alpha)
    if isinstance(chosen, OneCycle):
        rise = min(max(1, round(chosen.rise * total)), max(1, total - 1))
        start = rate / chosen.start_divisor
        return Cosine(start, rate, rise, max(1, total - rise), 1 / (chosen.start_divisor * chosen.end_divisor))
    return None


def learning_rate_at(training: TrainingConfig, step: int, steps_per_epoch: int) -> float:
    """The learning rate that a schedule gives at a step.

    Args:
        training: The schedule, and the optimizer's rate that it starts from or rises to.
        step: Batches done before, from 0.
        steps_per_epoch: Batches per epoch.

    Returns:
        The rate. `ReduceLROnPlateau` depends on the figures of the training: the rate before its first drop is given.
    """
    rate, chosen = training.optimizer.learning_rate, training.schedule
    if isinstance(chosen, ExponentialDecay):
        return rate * chosen.decay_rate ** (step / steps_per_epoch)
    if isinstance(chosen, StepDecay):
        return rate * chosen.factor ** (step // (chosen.every * steps_per_epoch))
    shape = cosine(training, steps_per_epoch)
    return rate if shape is None else shape.at(step)

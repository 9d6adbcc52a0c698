"""The optimizers that a training may have.

To add one: add its dataclass here with `@optimizer`. If Keras has it under another name or with other fields, add its
counterpart to `keras_side/optimizers.py`; the contract tests find it by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from mnist_lab.fields import boolean, number
from mnist_lab.training_part import Part

C = TypeVar("C", bound=type)


class Optimizer(Part):
    """Base of all optimizers. `slots_per_weight` is how many numbers it keeps for each weight."""

    __slots__ = ()
    slots_per_weight: ClassVar[int] = 2
    learning_rate: float


OPTIMIZERS: dict[str, type[Optimizer]] = {}


def optimizer(cls: C) -> C:
    """Class decorator: registers an optimizer under its name."""
    OPTIMIZERS[cls.__name__] = cls
    return cls


def _rate(default: float) -> Any:
    return number(default, "Learning rate", 1e-9, 1000.0, "Size of the steps; the setting that matters most.")


def _beta(default: float, name: str, what: str) -> Any:
    return number(default, name, 0.0, 1.0, what, step=0.001, exclusive_high=True)


def _epsilon(default: float) -> Any:
    return number(default, "Epsilon", 1e-30, 1.0, "Against division by zero.")


def _decay(default: float = 0.0) -> Any:
    return number(default, "Weight decay", 0.0, 1.0, "Pulls every weight towards zero at each step.")


@optimizer
@dataclass(frozen=True, slots=True)
class Adam(Optimizer):
    """Adam (Kingma and Ba 2014)."""

    learning_rate: float = _rate(0.001)
    beta_1: float = _beta(0.9, "Beta 1", "Memory of the mean gradient.")
    beta_2: float = _beta(0.999, "Beta 2", "Memory of the squared gradient.")
    epsilon: float = _epsilon(1e-7)
    amsgrad: bool = boolean(False, "AMSGrad", "Uses the largest squared gradient so far.")


@optimizer
@dataclass(frozen=True, slots=True)
class AdamW(Optimizer):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2017)."""

    learning_rate: float = _rate(0.001)
    weight_decay: float = _decay(0.004)
    beta_1: float = _beta(0.9, "Beta 1", "Memory of the mean gradient.")
    beta_2: float = _beta(0.999, "Beta 2", "Memory of the squared gradient.")
    epsilon: float = _epsilon(1e-7)
    amsgrad: bool = boolean(False, "AMSGrad", "Uses the largest squared gradient so far.")


@optimizer
@dataclass(frozen=True, slots=True)
class SGD(Optimizer):
    """Stochastic gradient descent, with momentum if wanted."""

    slots_per_weight: ClassVar[int] = 1
    learning_rate: float = _rate(0.01)
    momentum: float = _beta(0.0, "Momentum", "Share of the last step that is kept.")
    nesterov: bool = boolean(False, "Nesterov", "Looks ahead along the momentum.")


@optimizer
@dataclass(frozen=True, slots=True)
class RMSprop(Optimizer):
    """RMSprop (Hinton 2012)."""

    learning_rate: float = _rate(0.001)
    rho: float = _beta(0.9, "Rho", "Memory of the squared gradient.")
    momentum: float = _beta(0.0, "Momentum", "Share of the last step that is kept.")
    epsilon: float = _epsilon(1e-7)
    centered: bool = boolean(False, "Centered", "Divides by the variance in place of the mean square.")


@optimizer
@dataclass(frozen=True, slots=True)
class Nadam(Optimizer):
    """Adam with Nesterov momentum."""

    learning_rate: float = _rate(0.001)
    beta_1: float = _beta(0.9, "Beta 1", "Memory of the mean gradient.")
    beta_2: float = _beta(0.999, "Beta 2", "Memory of the squared gradient.")
    epsilon: float = _epsilon(1e-7)


@optimizer
@dataclass(frozen=True, slots=True)
class Adamax(Optimizer):
    """Adam by the largest gradient (infinity norm)."""

    learning_rate: float = _rate(0.001)
    beta_1: float = _beta(0.9, "Beta 1", "Memory of the mean gradient.")
    beta_2: float = _beta(0.999, "Beta 2", "Memory of the largest gradient.")
    epsilon: float = _epsilon(1e-7)


@optimizer
@dataclass(frozen=True, slots=True)
class Adagrad(Optimizer):
    """Adagrad: steps shrink with all that went before."""

    slots_per_weight: ClassVar[int] = 1
    learning_rate: float = _rate(0.001)
    initial_accumulator_value: float = number(0.1, "Initial accumulator", 0.0, 1000.0, "What it starts from.")
    epsilon: float = _epsilon(1e-7)


@optimizer
@dataclass(frozen=True, slots=True)
class Adadelta(Optimizer):
    """Adadelta; its rate was 1.0 when Keras was young and is 0.001 by default today."""

    learning_rate: float = _rate(1.0)
    rho: float = _beta(0.95, "Rho", "Memory of the squared gradient.")
    epsilon: float = _epsilon(1e-7)


@optimizer
@dataclass(frozen=True, slots=True)
class Adafactor(Optimizer):
    """Adafactor: little memory, for large networks."""

    slots_per_weight: ClassVar[int] = 1
    learning_rate: float = _rate(0.001)
    beta_2_decay: float = number(-0.8, "Beta 2 decay", -10.0, 0.0, "How fast the memory grows.")
    clip_threshold: float = number(1.0, "Clip threshold", 1e-6, 1000.0, "Largest update, relative.")
    relative_step: bool = boolean(True, "Relative step", "Lowers the rate with the number of steps.")


@optimizer
@dataclass(frozen=True, slots=True)
class Lion(Optimizer):
    """Lion: the sign of the momentum (Chen et al. 2023)."""

    slots_per_weight: ClassVar[int] = 1
    learning_rate: float = _rate(0.0003)
    beta_1: float = _beta(0.9, "Beta 1", "Share of the momentum in the step.")
    beta_2: float = _beta(0.99, "Beta 2", "Memory of the momentum.")


@optimizer
@dataclass(frozen=True, slots=True)
class Ftrl(Optimizer):
    """Follow the regularised leader (McMahan et al. 2013)."""

    learning_rate: float = _rate(0.001)
    learning_rate_power: float = number(-0.5, "Learning rate power", -10.0, 0.0, "How the rate falls; 0: not.")
    initial_accumulator_value: float = number(0.1, "Initial accumulator", 0.0, 1000.0, "What it starts from.")
    l1_regularization_strength: float = number(0.0, "L1", 0.0, 1000.0, "Pulls small weights to exactly zero.")
    l2_regularization_strength: float = number(0.0, "L2", 0.0, 1000.0, "Pulls all weights towards zero.")

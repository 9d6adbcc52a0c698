"""How a network is trained: optimizer, schedule, epochs, split, augmentation, stopping, seed.

To add a schedule: add its dataclass here with `@schedule`, its curve to `schedules.py` and its Keras counterpart to
`keras_side/optimizers.py`; the contract tests find it by themselves. Optimizers have a module of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from mnist_lab import fields
from mnist_lab.errors import ConfigError
from mnist_lab.fields import boolean, choice, integer, number, text
from mnist_lab.optimizers import OPTIMIZERS, Adam, Optimizer
from mnist_lab.training_part import Part

SPLITS = ("holdout", "test-as-validation", "pooled-80-10-10")
DATASETS = ("auto", "mnist", "digits", "custom")
# What a fine-tuned run was trained on; not to be chosen, as each run has its own.
MY_DIGITS = "my-digits"
MONITORS = ("val_loss", "val_accuracy", "loss", "accuracy")
C = TypeVar("C", bound=type)


def monitor_mode(monitor: str) -> str:
    """``"max"`` for accuracies, ``"min"`` for losses."""
    return "max" if monitor.endswith("accuracy") else "min"


class Schedule(Part):
    """Base of all learning rate schedules."""

    __slots__ = ()
    purpose: ClassVar[str] = ""


SCHEDULES: dict[str, type[Schedule]] = {}


def schedule(cls: C) -> C:
    """Class decorator: registers a schedule under its name."""
    SCHEDULES[cls.__name__] = cls
    return cls


@schedule
@dataclass(frozen=True, slots=True)
class Constant(Schedule):
    """The same learning rate throughout."""

    purpose: ClassVar[str] = "the same rate throughout"


@schedule
@dataclass(frozen=True, slots=True)
class ExponentialDecay(Schedule):
    """``rate * decay_rate ** epoch``."""

    purpose: ClassVar[str] = "multiplied by a factor each epoch, smoothly"
    decay_rate: float = number(0.9, "Factor per epoch", 0.001, 1.0, "0.9 leaves a third after ten epochs.", step=0.01)


@schedule
@dataclass(frozen=True, slots=True)
class CosineDecay(Schedule):
    """Half a cosine from the rate down to ``alpha * rate`` at the last epoch."""

    purpose: ClassVar[str] = "falls along half a cosine to the last epoch"
    alpha: float = number(0.0, "Final share", 0.0, 1.0, "Share of the rate that is left at the end.", step=0.01)
    warmup_epochs: float = number(0.0, "Warm-up epochs", 0.0, 1000.0, "Epochs of linear rise from zero.", step=0.5)


@schedule
@dataclass(frozen=True, slots=True)
class OneCycle(Schedule):
    """Rises to the rate and falls far below where it began (Smith 2018)."""

    purpose: ClassVar[str] = "rises to the rate, then falls far below"
    rise: float = number(0.3, "Share of the rise", 0.01, 0.99, "Share of the steps that rise.", step=0.05)
    start_divisor: float = number(25.0, "Start divisor", 1.0, 1e6, "The start is the rate divided by this.")
    end_divisor: float = number(1e4, "End divisor", 1.0, 1e9, "The end is the start divided by this.")


@schedule
@dataclass(frozen=True, slots=True)
class StepDecay(Schedule):
    """Multiplied by a factor every so many epochs."""

    purpose: ClassVar[str] = "drops by a factor every few epochs"
    factor: float = number(0.5, "Factor", 0.001, 1.0, "What is left after each step.", step=0.05)
    every: int = integer(5, "Every (epochs)", 1, 10_000, "Epochs between two steps.")


@schedule
@dataclass(frozen=True, slots=True)
class ReduceLROnPlateau(Schedule):
    """Multiplied by a factor when the monitored figure stops getting better."""

    purpose: ClassVar[str] = "drops when the validation figure stops getting better"
    monitor: str = choice("val_loss", "Watch", MONITORS, "The figure that must get better.")
    factor: float = number(0.5, "Factor", 0.001, 0.999, "What is left after each drop.", step=0.05)
    patience: int = integer(2, "Patience (epochs)", 0, 10_000, "Epochs without gain before a drop.")
    min_lr: float = number(1e-6, "Smallest rate", 0.0, 1000.0, "It drops no further.")


@dataclass(frozen=True, slots=True)
class EarlyStopping(Part):
    """Ends the training when the monitored figure stops getting better. Every run makes a new one."""

    monitor: str = choice("val_loss", "Watch", MONITORS, "The figure that must get better.")
    patience: int = integer(5, "Patience (epochs)", 0, 10_000, "Epochs without gain before it stops.")
    min_delta: float = number(0.0, "Smallest gain", 0.0, 100.0, "Less than this does not count as better.")
    restore_best_weights: bool = boolean(True, "Restore the best weights", "Keep the best epoch, not the last.")


@dataclass(frozen=True, slots=True)
class Augmentation(Part):
    """Random changes to each training image, drawn anew for each batch, uniformly within the ranges.

    Images that are written anew with a pen are changed by the hand that writes them, and not by the first four.
    """

    rotation: float = number(0.0, "Rotation (degrees)", 0.0, 180.0, "Turned by up to this, either way.", step=1.0)
    shift: float = number(0.0, "Shift (share)", 0.0, 0.5, "Moved by up to this share of the image.", step=0.01)
    zoom: float = number(0.0, "Zoom (share)", 0.0, 0.9, "Made larger or smaller by up to this share.", step=0.01)
    shear: float = number(0.0, "Shear (degrees)", 0.0, 60.0, "Slanted by up to this, either way.", step=1.0)
    pen: float = number(
        0.0,
        "Pen (share)",
        0.0,
        1.0,
        "This share is written anew, as people draw on a canvas: with an even pen, slanted, bent or shaky, zeros "
        "slashed, sevens crossed, ones with a foot.",
        step=0.05,
    )
    strangers: float = number(
        0.0,
        "Not digits (share)",
        0.0,
        0.5,
        "This share is replaced by shapes that are no digits, to be answered with equal probabilities for all.",
        step=0.05,
    )

    @property
    def is_off(self) -> bool:
        """Whether it changes nothing."""
        return not (self.moves or self.writes)

    @property
    def moves(self) -> bool:
        """Whether images are turned, shifted, zoomed or sheared."""
        return bool(self.rotation or self.shift or self.zoom or self.shear)

    @property
    def writes(self) -> bool:
        """Whether images are written anew, for which their middle lines must be known."""
        return bool(self.pen or self.strangers)


@dataclass(frozen=True, slots=True)
class FineTuning(Part):
    """A training that goes on from another run's weights, on a person's own digits, which are kept with the run."""

    parent: str = text("", "Starts from", "The id of the run whose weights it starts from.", high=32)
    writer: str = text("", "Digits of", "Whose digits it learns.", high=60)
    rehearsal: int = integer(
        10, "MNIST images per digit", 0, 1000, "So many MNIST training images are mixed in for each digit of yours: "
        "without any, it forgets what others' digits look like."
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class TrainingConfig(Part):
    """Everything that decides a training, apart from the network.

    Raises:
        ConfigError: If a setting is out of its range.
    """

    dataset: str = choice("auto", "Data", DATASETS, "auto: full MNIST where it is to be had, else the embedded digits.")
    split: str = choice("holdout", "Split", SPLITS, "Which images train, choose and test.")
    limit: int | None = integer(None, "Training images", 1, 10_000_000, "Only the first so many.", optional=True)
    epochs: int = integer(10, "Epochs", 1, 10_000, "How often every training image is seen.")
    batch_size: int = integer(128, "Batch size", 1, 65_536, "Images per step.")
    label_smoothing: float = number(0.0, "Label smoothing", 0.0, 0.9, "Certainty spread over all digits.", step=0.01)
    seed: int = integer(42, "Seed", 0, 2**31 - 1, "The same seed gives the same start and order.")
    keep_checkpoints: bool = boolean(False, "Keep every epoch", "Saves the weights of each epoch for later study.")
    test_at_end: bool = boolean(True, "Test at the end", "Off: the test images stay unseen, as in a sweep.")
    optimizer: Optimizer = Adam()  # noqa: RUF009 - it is frozen, and one may serve all
    schedule: Schedule = Constant()
    early_stopping: EarlyStopping | None = None
    augmentation: Augmentation = Augmentation()
    fine_tuning: FineTuning | None = None

    @property
    def test_is_validation(self) -> bool:
        """Whether the test images also choose the epoch, so that the test accuracy is flattered."""
        return self.split == "test-as-validation"

    def best_epoch(self, history: Sequence[Mapping[str, Any]]) -> int | None:
        """The first epoch with the best monitored figure: validation accuracy where nothing else is monitored.

        Args:
            history: Figures by epoch, as `RunStore.history` has them.
        """
        monitor = self.early_stopping.monitor if self.early_stopping is not None else "val_accuracy"
        known = [(entry[monitor], entry["epoch"]) for entry in history if entry.get(monitor) is not None]
        if not known:
            return None
        sign = -1.0 if monitor_mode(monitor) == "max" else 1.0
        return int(min(known, key=lambda pair: (sign * pair[0], pair[1]))[1])

    def __post_init__(self) -> None:
        fields.check(self, ConfigError)
        for name, base in (("optimizer", Optimizer), ("schedule", Schedule), ("augmentation", Augmentation)):
            if not isinstance(getattr(self, name), base):
                raise ConfigError(
                    f"TrainingConfig: {name} must be of {base.__name__}. Received: {getattr(self, name)!r}."
                )
        if self.early_stopping is not None and not isinstance(self.early_stopping, EarlyStopping):
            raise ConfigError(
                f"TrainingConfig: early_stopping must be EarlyStopping. Received: {self.early_stopping!r}."
            )
        if self.fine_tuning is not None and not isinstance(self.fine_tuning, FineTuning):
            raise ConfigError(f"TrainingConfig: fine_tuning must be FineTuning. Received: {self.fine_tuning!r:.60}.")

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; `from_dict` makes an equal configuration of them."""
        own = fields.to_dict(self)
        if self.test_at_end:
            # Few runs are without it, and those of earlier versions have no such key.
            del own["test_at_end"]
        return {
            **own,
            "optimizer": {"name": self.optimizer.kind, **fields.to_dict(self.optimizer)},
            "schedule": {"name": self.schedule.kind, **fields.to_dict(self.schedule)},
            "early_stopping": None if self.early_stopping is None else fields.to_dict(self.early_stopping),
            "augmentation": fields.to_dict(self.augmentation),
            # Few runs have it, and those of earlier versions have no such key.
            **({} if self.fine_tuning is None else {"fine_tuning": fields.to_dict(self.fine_tuning)}),
        }

    @classmethod
    def from_dict(cls, values: Any) -> TrainingConfig:
        """Reads what `to_dict` wrote; absent settings take their defaults.

        Raises:
            ConfigError: If a setting is unknown or out of its range.
        """
        if not isinstance(values, Mapping):
            raise ConfigError(f"A training configuration is an object. Received: {type(values).__name__}.")
        own = dict(values)
        parts: dict[str, Any] = {}
        if "optimizer" in own:
            parts["optimizer"] = _named(own.pop("optimizer"), OPTIMIZERS, "optimizer")
        if "schedule" in own:
            parts["schedule"] = _named(own.pop("schedule"), SCHEDULES, "schedule")
        if (stopping := own.pop("early_stopping", None)) is not None:
            parts["early_stopping"] = fields.from_dict(EarlyStopping, _object(stopping, "early_stopping"), ConfigError)
        if "augmentation" in own:
            parts["augmentation"] = fields.from_dict(
                Augmentation, _object(own.pop("augmentation"), "augmentation"), ConfigError
            )
        if (tuning := own.pop("fine_tuning", None)) is not None:
            parts["fine_tuning"] = fields.from_dict(FineTuning, _object(tuning, "fine_tuning"), ConfigError)
        unknown = sorted(set(own) - set(fields.specs(cls)))
        if unknown:
            raise ConfigError(
                f"Unknown training setting {', '.join(unknown)}.", f"Known: {', '.join(fields.specs(cls))}."
            )
        return cls(**own, **parts)


def _object(values: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(values, Mapping):
        raise ConfigError(f"{what} must be an object. Received: {values!r:.60}.")
    return values


def _named(values: Any, registry: Mapping[str, type], what: str) -> Any:
    named = {"name": values} if isinstance(values, str) else dict(_object(values, what))
    name = named.pop("name", None)
    by_lower = {known.lower(): cls for known, cls in registry.items()}
    made = by_lower.get(name.lower()) if isinstance(name, str) else None
    if made is None:
        raise ConfigError(f"Unknown {what} {name!r}.", f"Known: {', '.join(registry)}.")
    return fields.from_dict(made, named, ConfigError)

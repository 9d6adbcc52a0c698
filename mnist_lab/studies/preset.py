"""`Preset`: a network, its training, and what was published about it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

from mnist_lab.architecture import Architecture
from mnist_lab.shapes import Analysis, analyse
from mnist_lab.training_config import TrainingConfig

Curve = tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What a document printed about one model; None for what it did not print.

    Accuracies and the like are shares, not percent. A curve has one value per epoch, None where it is illegible.

    Attributes:
        parameters: All weights.
        trainable_parameters: Those that training changes.
        layer_parameters: One number per layer that the document's table lists with weights.
        test_accuracy: The accuracy to compare with: of the weights that were kept, on the test images.
        test_loss: The loss of the same weights on the same images.
        decimals: To how many decimals `test_accuracy` was printed.
        test_precision: Of all decisions above a probability of one half, the share that is right (Keras's Precision).
        test_recall: The share of images whose digit got a probability above one half (Keras's Recall).
        test_micro_f1: F1 of all decisions together; the accuracy by another name.
        epochs: How many were run.
        best_epoch: The one whose weights were kept, or that the document calls the best.
        claimed_accuracy: A headline figure that is not the test accuracy of the weights that were kept.
        claimed_epoch: The epoch that it is from.
        train_accuracy: Training accuracy in the epoch that was kept.
        train_loss: Training loss in that epoch.
        training_accuracy: Curve over the training images.
        training_loss: Curve over the training images.
        validation_accuracy: Curve over the validation images.
        validation_loss: Curve over the validation images.
        errors_in_first_100: Mistakes among the first 100 test images.
        auc_per_digit: Ten figures, one digit against the rest, **from hard predictions**: (recall + specificity) / 2.
        precision_per_digit: Ten figures.
        recall_per_digit: Ten figures.
        f1_per_digit: Ten figures.
        confusion: Ten rows of true digits, ten columns of predicted ones.
        wall_seconds: What the whole training took on the author's machine.
        seconds_per_epoch: What a typical epoch took there.
    """

    parameters: int
    trainable_parameters: int
    layer_parameters: tuple[int, ...]
    epochs: int
    test_accuracy: float | None = None
    test_loss: float | None = None
    decimals: int = 4
    test_precision: float | None = None
    test_recall: float | None = None
    test_micro_f1: float | None = None
    best_epoch: int | None = None
    claimed_accuracy: float | None = None
    claimed_epoch: int | None = None
    train_accuracy: float | None = None
    train_loss: float | None = None
    training_accuracy: Curve | None = None
    training_loss: Curve | None = None
    validation_accuracy: Curve | None = None
    validation_loss: Curve | None = None
    errors_in_first_100: int | None = None
    auc_per_digit: tuple[float, ...] | None = None
    precision_per_digit: tuple[float, ...] | None = None
    recall_per_digit: tuple[float, ...] | None = None
    f1_per_digit: tuple[float, ...] | None = None
    confusion: tuple[tuple[int, ...], ...] | None = None
    wall_seconds: float | None = None
    seconds_per_epoch: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """What was printed, as plain JSON values; nothing else is a key."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: _plain(value) for name, value in values.items() if value is not None}

    def history(self) -> list[dict[str, Any]]:
        """The curves in the form of a run's history: one object per epoch, with the figures that were printed."""
        curves = {
            "loss": self.training_loss,
            "accuracy": self.training_accuracy,
            "val_loss": self.validation_loss,
            "val_accuracy": self.validation_accuracy,
        }
        epochs = max((len(curve) for curve in curves.values() if curve), default=0)
        history: list[dict[str, Any]] = [{"epoch": epoch + 1} for epoch in range(epochs)]
        for name, curve in curves.items():
            for entry, value in zip(history, curve or (), strict=False):
                if value is not None:
                    entry[name] = value
        return history


@dataclass(frozen=True)
class Preset:
    """A ready network with its training.

    Attributes:
        name: A slug, unique over all studies, as ``"000-model-10"``.
        study: The name of the study that it belongs to, as ``"000"``; ``"lab"`` for this project's own.
        title: The name that people read.
        architecture: The network.
        training: The training, with every rate written out as it was at the time.
        published: What was printed about it; None for a model that nobody has published.
        cite: The document and the heading in it.
        remark: Where the document contradicts itself, or what one must know to compare.
    """

    name: str
    study: str
    title: str
    architecture: Architecture
    training: TrainingConfig
    published: Published | None = None
    cite: str = ""
    remark: str = ""

    @cached_property
    def analysis(self) -> Analysis:
        """Shapes and costs of its network, by our own arithmetic."""
        return analyse(self.architecture)

    @property
    def parameters(self) -> int:
        """All weights of the network."""
        return self.analysis.parameters

    @property
    def trainable_parameters(self) -> int:
        """The weights that training changes."""
        return self.analysis.trainable

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, as ``python -m mnist_lab presets --json`` prints them."""
        return {
            "name": self.name,
            "study": self.study,
            "title": self.title,
            "parameters": self.parameters,
            "trainable_parameters": self.trainable_parameters,
            "published": {} if self.published is None else self.published.to_dict(),
            "training": self.training.to_dict(),
            "layers": self.architecture.to_dict()["layers"],
            "cite": self.cite,
            "remark": self.remark,
        }


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value

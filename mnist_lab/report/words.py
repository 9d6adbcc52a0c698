"""How the report writes figures. Accuracies of images that also chose the epoch carry a mark wherever they stand."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mnist_lab import formatting
from mnist_lab.studies import Published
from mnist_lab.training_config import Constant, TrainingConfig

MARK = "⚠"
MARK_MEANS = (
    f"{MARK} marks accuracies on test images that also served for validation. Where these chose the epoch whose "
    "weights were kept, or when to stop, the accuracies are too good. The documents did the same."
)
NONE = "–"


def marked(text: str, is_flattered: bool) -> str:
    """A text with an accuracy in it."""
    return f"{text} {MARK}" if is_flattered and text != NONE else text


def accuracy(share: float | None, is_flattered: bool, interval: Sequence[float] | None = None) -> str:
    """An accuracy that was measured: ``"99.31 % (99.13 – 99.45) ⚠"``."""
    return marked(formatting.accuracy(share, interval), is_flattered)


def printed(share: float | None, published: Published | None, is_flattered: bool = False) -> str:
    """A share as exactly as it was printed."""
    if share is None or published is None:
        return NONE
    return marked(formatting.percent(share, max(0, published.decimals - 2)), is_flattered)


def loss(value: float | None) -> str:
    """A loss."""
    return NONE if value is None or not math.isfinite(value) else f"{value:.4f}"


def share(value: float | None) -> str:
    """A precision, a recall, an F1 or an AUC."""
    return NONE if value is None or not math.isfinite(value) else f"{value:.4f}"


def number(value: int | None) -> str:
    """A count."""
    return NONE if value is None else f"{value:,}"


def listed(parts: Sequence[str]) -> str:
    """Parts as an enumeration: ``"a, b and c"``."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def sentence(text: str) -> str:
    """A text with a capital letter at its beginning."""
    return text[:1].upper() + text[1:]


def chance(p: float) -> str:
    """A p value: ``"p = 0.031"``."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3g}"


def recipe(training: TrainingConfig) -> str:
    """A training in one line, without its seed."""
    parts = [f"{training.optimizer.kind}, learning rate {training.optimizer.learning_rate:g}"]
    if not isinstance(training.schedule, Constant):
        parts.append(training.schedule.kind)
    parts.append(f"batches of {training.batch_size:,}")
    parts.append(f"{training.epochs:,} epoch{'s' * (training.epochs != 1)}")
    if (stopping := training.early_stopping) is not None:
        parts[-1] = f"at most {parts[-1]}"
        parts.append(f"stops after {stopping.patience:,} epochs without a better {stopping.monitor}")
    is_best = stopping is not None and stopping.restore_best_weights
    parts.append(f"the {'best' if is_best else 'last'} epoch is kept")
    if training.limit is not None:
        parts.append(f"{training.limit:,} training images")
    if not training.augmentation.is_off:
        parts.append("augmented")
    if training.label_smoothing:
        parts.append(f"label smoothing {training.label_smoothing:g}")
    splits = {
        "holdout": "a twelfth of the training images for validation",
        "test-as-validation": f"the test images are the validation images {MARK}",
        "pooled-80-10-10": "80 % of all images train, 10 % validate, 10 % test, drawn by lot",
    }
    parts.append(splits.get(training.split, training.split))
    return "; ".join(parts) + "."

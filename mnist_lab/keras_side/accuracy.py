"""The accuracy where Keras's own would count what is not to be counted."""

from __future__ import annotations

from typing import Any

import keras

N_CLASSES = 10


class AccuracyOfDigits(keras.metrics.CategoricalAccuracy):
    """The accuracy by one-hot labels.

    Images whose label says the same of every class are left out, and those without weight.
    """

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Counts a batch."""
        is_digit = keras.ops.cast(keras.ops.max(y_true, axis=-1) > 2 / N_CLASSES, "float32")
        super().update_state(y_true, y_pred, is_digit if sample_weight is None else is_digit * _counts(sample_weight))


class AccuracyOfShares(keras.metrics.SparseCategoricalAccuracy):
    """The accuracy by labels 0-9 of what was dealt out to several devices: what has a weight counts once."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Counts a share."""
        super().update_state(y_true, y_pred, _counts(sample_weight))


def _counts(weights: Any) -> Any:
    return keras.ops.cast(weights > 0, "float32")

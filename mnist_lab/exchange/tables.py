"""Histories and predictions as tables that every spreadsheet and every statistics program reads."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from mnist_lab.predictions import Predictions

# Whatever else an epoch has comes after these.
COLUMNS = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds", "fit_seconds")


def history_table(history: Sequence[dict[str, Any]], best_epoch: int | None, kept_epoch: int | None) -> bytes:
    """The epochs of a run as CSV, one row each; what is unknown is empty.

    Args:
        history: As the store gives it.
        best_epoch: The epoch with the best monitored figure; its row has a 1 under ``best``, others 0.
        kept_epoch: The epoch whose weights were kept; the same under ``kept``.
    """
    others = sorted({name for entry in history for name in entry} - set(COLUMNS))
    rows = (
        [
            *(entry.get(name) for name in (*COLUMNS, *others)),
            int(entry["epoch"] == best_epoch),
            int(entry["epoch"] == kept_epoch),
        ]
        for entry in history
    )
    return _csv((*COLUMNS, *others, "best", "kept"), rows)


def predictions_table(predictions: Predictions) -> bytes:
    """Predictions as CSV, one row an image: which it is, its digit, the predicted one, the ten probabilities."""
    rows = (
        [index, label, digit, *row]
        for index, label, digit, row in zip(
            predictions.indices.tolist(),
            predictions.labels.tolist(),
            predictions.digits.tolist(),
            # The shortest decimals from which the same float32 is read back.
            predictions.probabilities.astype(str).tolist(),
            strict=True,
        )
    )
    return _csv(("image", "label", "predicted", *(f"p{digit}" for digit in range(10))), rows)


def _csv(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue().encode()

"""What the pages call what a sweep has."""

from __future__ import annotations

from typing import Any

from mnist_lab import formatting
from mnist_lab.store import SweepRecord


def status_words(record: SweepRecord) -> str:
    """What a sweep is doing."""
    if record.status != "running":
        return record.status
    if record.command == "stop":
        return "stopping"
    return "running" if record.driver else "waiting to begin"


def value_words(value: Any) -> str:
    """A value of a trial: ``"0.001234"``, ``"3 × 5"``, ``"Adam"``."""
    return f"{value:.4g}" if isinstance(value, float) else formatting.setting(value)

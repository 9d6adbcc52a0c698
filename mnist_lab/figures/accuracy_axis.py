"""An axis of accuracies on which equal steps halve the errors: 99 % and 99.5 % are as far apart as 98 % and 99 %."""

from __future__ import annotations

import math

_TICKS = (0.0, 0.5, 0.8, 0.9, 0.95, 0.97, 0.98, 0.985, 0.99, 0.992, 0.994, 0.995, 0.996, 0.997, 0.998, 0.999, 1.0)
_FINEST = 1e-4


def height_of(accuracy: float, finest: float = _FINEST) -> float:
    """Where an accuracy stands on the axis: -log10 of the share of errors.

    Args:
        accuracy: 0 to 1.
        finest: The share of errors of what has fewer; no logarithm has a place for none.
    """
    return -math.log10(max(1.0 - accuracy, finest))


def accuracy_ticks(low: float, high: float, most: int = 14) -> list[float]:
    """Round accuracies between two heights, none so near another that their labels would touch.

    Args:
        low: The lowest height shown.
        high: The highest.
        most: For so many labels there is room.
    """
    chosen: list[float] = []
    for tick in _TICKS:
        if low <= (here := height_of(tick)) <= high and (
            not chosen or here - height_of(chosen[-1]) >= (high - low) / most
        ):
            chosen.append(tick)
    return chosen

"""Losses and differences of accuracies as the findings write them."""

from __future__ import annotations


def loss(value: float) -> str:
    """A loss in three or four decimals: ``"0.0853"``, ``"2.303"``."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3f}" if value >= 0.1 else f"{value:.4f}"


def points(difference: float) -> str:
    """A difference of two shares in percentage points: ``"0.04 points"``."""
    return f"{100 * difference:.2f} points"

"""Numbers, shapes and times as people read them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any


def count(value: float) -> str:
    """A count in three significant figures: ``count(1_199_882)`` is ``"1.2 M"``; below 10,000 it is exact."""
    if abs(value) < 10_000:
        return f"{value:,.0f}"
    for unit, size in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= size * 0.9995:
            return f"{_three(value / size)} {unit}"
    return f"{value:,.0f}"


def _three(value: float) -> str:
    """A number in three significant figures, or more where it has more before its point; never in powers of ten."""
    return f"{value:.3g}" if abs(value) < 999.5 else f"{value:,.0f}"


def exact(value: int) -> str:
    """A count with thousands separators: ``"1,199,882"``."""
    return f"{value:,}"


def size(n_bytes: float) -> str:
    """A size in bytes, in binary units: ``"4.58 MiB"``."""
    for unit, step in (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if abs(n_bytes) >= step:
            return f"{_three(n_bytes / step)} {unit}"
    return f"{n_bytes:.0f} B"


def shape(dimensions: Sequence[int] | None) -> str:
    """A shape without the batch: ``"26 x 26 x 32"`` with a real multiplication sign."""
    return "?" if dimensions is None else " × ".join(map(str, dimensions))


def duration(seconds: float | None) -> str:
    """A duration: ``"0.4 s"``, ``"12 s"``, ``"3 min 05 s"``, ``"2 h 07 min"``."""
    if seconds is None or not math.isfinite(seconds) or seconds < 0:
        return "–"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def percent(fraction: float | None, digits: int = 2) -> str:
    """A fraction as a percentage: ``"99.31 %"``; a dash where it is unknown."""
    return "–" if fraction is None or not math.isfinite(fraction) else f"{100 * fraction:.{digits}f} %"


def accuracy(fraction: float | None, interval: Sequence[float] | None = None) -> str:
    """An accuracy with its 95 % interval: ``"99.31 % (99.13 – 99.45)"``."""
    if fraction is None or not interval:
        return percent(fraction)
    return f"{percent(fraction)} ({100 * interval[0]:.2f} – {100 * interval[1]:.2f})"


def setting(value: Any) -> str:
    """A value of a setting: None is ``"none"``, false ``"no"``, zero ``"0"``, a pair ``"3 × 5"``."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return " × ".join(map(setting, value))
    return str(value)

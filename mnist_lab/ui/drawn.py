"""What was drawn last, for the board and for the pages that look further into it."""

from __future__ import annotations

from collections.abc import Sequence

from mnist_lab.reading import Reading
from mnist_lab.ui import state


def keep(readings: Sequence[Reading]) -> None:
    """Keeps what was read from the last drawing or picture."""
    state.put("drawn", tuple(readings))


def readings() -> tuple[Reading, ...]:
    """The digits of the last drawing, in the order in which they are read."""
    return state.get("drawn", ())


def choose(index: int) -> None:
    """Chooses the digit that is shown in full."""
    state.put("drawn.chosen", index)


def chosen() -> int:
    """Which of them is shown in full: the one that was clicked, the first otherwise."""
    index = state.get("drawn.chosen", 0)
    return index if index < len(readings()) else 0


def reading() -> Reading | None:
    """The digit that is shown in full, None if nothing was drawn."""
    known = readings()
    return known[chosen()] if known else None

"""A sweep brought in from the file that the page wrote, or that a person did."""

from __future__ import annotations

from mnist_lab.store import RunStore


def control(store: RunStore) -> None:
    """A fold with a place for a file."""

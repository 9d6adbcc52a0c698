"""What a process is doing, where others can read it after its death."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PHASES = "phases"  # the file that tells what a child is doing
_SIZE = 64


class Phase:
    """What a process is doing, where others can read it after its death.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(b"\0" * _SIZE)
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _SIZE)

    def set(self, name: str) -> None:
        """Notes a phase, and which process is in it."""
        self._map[:] = f"{os.getpid()} {name}".encode().ljust(_SIZE, b"\0")

    def get(self) -> tuple[int, str]:
        """The process and its phase; 0 before the first."""
        pid, _, name = self._map[:].rstrip(b"\0").decode().partition(" ")
        return int(pid or 0), name

    @contextmanager
    def within(self, name: str) -> Iterator[None]:
        """A phase within another."""
        before = self.get()[1]
        self.set(name)
        yield
        self.set(before)

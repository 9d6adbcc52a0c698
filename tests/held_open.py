"""A file that another program has open."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_HOLDER = "import sys; file = open(sys.argv[1]); print('open', flush=True); input()"


@contextmanager
def held_open(file: Path) -> Iterator[int]:
    """Has another process hold a file open; gives its process id."""
    words = [sys.executable, "-c", _HOLDER, str(file)]
    holder = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None and holder.stdout.readline() == b"open\n"
        yield holder.pid
    finally:
        holder.communicate(b"\n", timeout=30)

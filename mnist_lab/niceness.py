"""How a worker leaves the processor to the page while it trains, and takes it while somebody waits for it to begin."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

NICENESS = 5
# Linux shares the processor among sessions before it looks at who is nice within one; a worker has a session of its
# own, and others can be told how nice that is. Unlike a process's own niceness it can be taken back.
_SESSION = Path("/proc/self/autogroup")


def be_nice() -> None:
    """Makes this process nice for good, where the system knows of that: the page must stay quick."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)


def stand_back() -> None:
    """Lets the other sessions of this machine go first, until `come_forward`."""
    _set_session(NICENESS)


def come_forward() -> None:
    """Takes as much of the processor as the other sessions."""
    _set_session(0)


def _set_session(niceness: int) -> None:
    with suppress(OSError):
        _SESSION.write_text(str(niceness))

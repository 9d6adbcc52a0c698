"""Writing what a training cannot do without, to a disk that may be full for a while."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from mnist_lab.errors import StoreError

RETRY_SECONDS = 1.0

_log = logging.getLogger(__name__)


class NotWritten(Exception):
    """It could not be written for a while; the training goes on when there is room again."""


def insist(write: Callable[[], Any], patience: float, meanwhile: Callable[[], bool] = lambda: True) -> None:
    """Writes to disk; where that fails, tries again for a while, as someone may make room.

    Args:
        write: Raises StoreError when it fails, and can be done again.
        patience: Seconds.
        meanwhile: Called between two attempts; whether to go on trying.

    Raises:
        NotWritten: If it was in vain.
    """
    limit = time.monotonic() + patience
    while True:
        try:
            write()
            return
        except StoreError as error:
            _log.warning("%s", error)
            if time.monotonic() > limit or not meanwhile():
                raise NotWritten(str(error)) from error
        time.sleep(RETRY_SECONDS)

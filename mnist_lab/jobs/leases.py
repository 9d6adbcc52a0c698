"""Taking up sweeps that nobody drives: those that were left, and those whose driver is gone."""

from __future__ import annotations

import time
from collections.abc import Iterable

from mnist_lab.jobs.alone import is_gone
from mnist_lab.jobs.lost import MOST_PER_LOOK, SECOND_LOOK_SECONDS
from mnist_lab.store import RunStore, SweepRecord
from mnist_lab.store.sweep_records import LEASE_SECONDS


class Leases:
    """What one process has seen of the leases of sweeps.

    A driver of this host is gone if its process is; one of another, if it has been silent for so long as this process
    has looked. No times of day are compared: clocks are set, and those of two machines differ.

    Args:
        store: The run store.
        silent_seconds: For how long a driver may be silent.
    """

    def __init__(self, store: RunStore, silent_seconds: float = LEASE_SECONDS) -> None:
        self._store, self._silent_seconds = store, silent_seconds
        self._looked = time.monotonic()
        self._seen: dict[str, tuple[tuple[str | None, float | None], float]] = {}

    def free(self, records: Iterable[SweepRecord]) -> list[SweepRecord]:
        """Those of some running sweeps that nobody drives any more, as far as is known here by now."""
        now = time.monotonic()
        passed, self._looked = min(now - self._looked, MOST_PER_LOOK), now
        seen: dict[str, tuple[tuple[str | None, float | None], float]] = {}
        found = []
        for record in records:
            sign = record.driver, record.heartbeat
            before, seconds = self._seen.get(record.id, (None, 0.0))
            seconds = seconds + passed if before == sign else 0.0
            seen[record.id] = sign, seconds
            is_silent = seconds > self._silent_seconds
            if record.driver is None or is_gone(record.driver, self._store.host) or is_silent:
                found.append(record)
        self._seen = seen
        return found


def take(store: RunStore, sweep_id: str, driver: str) -> bool:
    """Takes a sweep, if nobody drives it; who looks but once trusts the clock, and then a second look.

    Args:
        store: The run store.
        sweep_id: The sweep.
        driver: Who takes it, from `new_owner`.

    Returns:
        Whether it was taken.
    """
    record = store.get_sweep(sweep_id)
    lost = record.driver is not None and is_gone(record.driver, store.host)
    if record.driver is not None and not lost and abs(time.time() - (record.heartbeat or 0.0)) > LEASE_SECONDS:
        time.sleep(SECOND_LOOK_SECONDS)
        lost = store.get_sweep(sweep_id).heartbeat == record.heartbeat
    return store.take_sweep(sweep_id, driver, lost=record if lost else None)

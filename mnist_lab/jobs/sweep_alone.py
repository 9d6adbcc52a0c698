"""A sweep driven by a process of its own, and waited for: the command line's way, without a server."""

from __future__ import annotations

import sys
import time
from typing import Any

from tqdm import tqdm

from mnist_lab import formatting
from mnist_lab.jobs.alone import new_owner
from mnist_lab.jobs.executors import default_size, make_crew
from mnist_lab.jobs.leases import take
from mnist_lab.jobs.sweeping import Driver
from mnist_lab.store import RunStore, SweepRecord
from mnist_lab.sweeps.search import best_of
from mnist_lab.sweeps.summary import counts_of
from mnist_lab.sweeps.sweep import Sweep

POLL_SECONDS = 0.1
# How often it looks at a sweep that another drives.
LOOK_SECONDS = 1.0
_SHOW_SECONDS = 0.5
_FORMAT = "{desc} {n_fmt}/{total_fmt}|{bar}| {elapsed}{postfix}"


def run_sweep(store: RunStore, sweep_id: str, *, driver: str | None = None, show_progress: bool = True) -> SweepRecord:
    """Drives a sweep that runs until it ends, or waits for the end of one that another drives.

    Ctrl-C stops it, and what is under way keeps what it has learnt; a second one leaves it as it is.

    Args:
        store: The run store.
        sweep_id: The sweep.
        driver: Who has its lease already, from `new_owner`; None to take it.
        show_progress: Whether to draw a progress bar on standard error.

    Returns:
        The sweep at its end.

    Raises:
        SweepError: If it cannot be driven, or Optuna is not installed.
    """
    name = driver or new_owner(store)
    with tqdm(total=1, file=sys.stderr, disable=not show_progress, bar_format=_FORMAT) as bar:
        screen = _Screen(store, sweep_id, bar)
        is_mine = driver is not None
        while store.get_sweep(sweep_id).status == "running":
            if is_mine or take(store, sweep_id, name):
                _drive(store, store.get_sweep(sweep_id), name, screen)
                is_mine = False
            else:
                # Driven by another.
                screen.show()
                time.sleep(LOOK_SECONDS)
        screen.show(now=True)
    return store.get_sweep(sweep_id)


def _drive(store: RunStore, record: SweepRecord, name: str, screen: _Screen) -> None:
    try:
        size = Sweep.from_dict(record.sweep).search.workers or default_size()
        driver = Driver(store, record, name, make_crew(store, record.owner, size=size, patient=False))
    except BaseException as error:
        store.release_sweep(record.id, name)
        if isinstance(error, KeyboardInterrupt):
            store.command_sweep(record.id, "stop")
        raise
    is_stopping = False
    try:
        while True:
            try:
                if not driver.tick():
                    return
                screen.show(driver.problem or ("stopping" if is_stopping else ""))
                time.sleep(POLL_SECONDS)
            except KeyboardInterrupt:
                if is_stopping:
                    raise
                is_stopping = True
                store.command_sweep(record.id, "stop")
    finally:
        driver.close()


class _Screen:
    """The progress bar of a sweep."""

    def __init__(self, store: RunStore, sweep_id: str, bar: Any) -> None:
        self._store, self._id, self._bar = store, sweep_id, bar
        self._shown: tuple[float, Any] = 0.0, None

    def show(self, words: str = "", *, now: bool = False) -> None:
        """Draws it, at most twice a second; into a file it says nothing twice."""
        if self._bar.disable or (time.monotonic() - self._shown[0] < _SHOW_SECONDS and not now):
            return
        record, trials = self._store.get_sweep(self._id), self._store.trials(self._id)
        counts = counts_of(trials)
        best = best_of(trials)[:1]
        postfix = {"best": formatting.percent(best[0].accuracy)} if best else {}
        postfix |= {state: str(counts[state]) for state in ("pruned", "failed", "impossible") if counts.get(state)}
        done = sum(counts.get(state, 0) for state in ("complete", "pruned", "failed"))
        says = (words or record.name, done, tuple(postfix.items()))
        self._bar.n, self._bar.total = done, max(1, record.sweep.get("search", {}).get("trials", 1))
        self._bar.set_description_str(words or record.name, refresh=False)
        self._bar.set_postfix(postfix, refresh=False)
        if sys.stderr.isatty() or says != self._shown[1]:
            self._bar.refresh()
        self._shown = time.monotonic(), says

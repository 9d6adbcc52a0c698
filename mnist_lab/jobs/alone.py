"""Trainings in processes of their own, waited for: the command line's way, without a server."""

from __future__ import annotations

import os
import sys
import time
import uuid
from collections.abc import Sequence
from typing import Any

import psutil
from tqdm import tqdm

from mnist_lab.errors import JobError
from mnist_lab.jobs.executors import make_crew
from mnist_lab.store import Run, RunStore
from mnist_lab.store.records import FINAL

POLL_SECONDS = 0.25
EVALUATION_SECONDS = 600.0
# An owner's name tells where its process is, so that others can see whether it still is.
_OWNER = "alone"
_MAX_HOST = 50
# The system tells to about a second when a process began.
_CLOCK_SECONDS = 5.0


def new_owner(store: RunStore) -> str:
    """A name under which this process queues runs that no other worker takes while it lives."""
    began = _began(os.getpid())
    return f"{_OWNER}/{store.host[:_MAX_HOST]}/{os.getpid()}/{began}-{uuid.uuid4().hex[:8]}"


def release_lost(store: RunStore) -> list[Run]:
    """Puts queued runs whose owner's process on this host is gone into the common queue.

    Returns:
        Those runs, as they were before.
    """
    # The manager asks four times a second: the common queue, which may be long, is left unread.
    owned = store.runs(["queued"], owned=True)
    lost = [run for run in owned if run.owner is not None and is_gone(run.owner, store.host)]
    return [run for run in lost if store.hand_over(run.id, None, previous=run.owner)]


def is_gone(owner: str, host: str) -> bool:
    """Whether the process that made a name by `new_owner` is known to be gone; of other hosts nobody knows here.

    Args:
        owner: The name.
        host: This host.
    """
    kind, _, rest = owner.partition("/")
    parts = rest.rsplit("/", 2)
    if kind != _OWNER or len(parts) != 3 or parts[0] != host[:_MAX_HOST] or not parts[1].isdigit():
        return False
    began = parts[2].partition("-")[0]
    try:
        # Process ids are used again, after a restart of the machine soon.
        return abs(_began(int(parts[1])) - float(began)) > _CLOCK_SECONDS
    except psutil.Error:
        return True
    except ValueError:
        return False


def _began(pid: int) -> int:
    """When a process began, by a clock that nobody sets.

    Linux knows it in seconds since the machine's start; as a time of day it moves with the clock. Elsewhere it is a
    time of day that was noted once.
    """
    # In this order: some versions of psutil reckon the one by what the other found last.
    started = psutil.boot_time() if sys.platform == "linux" else 0.0
    return round(psutil.Process(pid).create_time() - started)


def run_one(store: RunStore, run: Run, *, show_progress: bool = True) -> Run:
    """Trains one queued run of this process; see `run_all`."""
    if run.owner is None:
        raise JobError(f"Run {run.name!r} is in the common queue.", "Start the program, which trains what is queued.")
    return run_all(store, [run], run.owner, show_progress=show_progress)[0]


def run_all(
    store: RunStore, runs: Sequence[Run], owner: str, *, show_progress: bool = True, workers: int = 1
) -> list[Run]:
    """Trains queued runs, by a crew of this owner's, and returns them when all have ended, in whatever way.

    Those in the common queue, or in that of a program that is gone, are trained here too, as nobody else may be there
    to do so. Runs that others have in hand or in their own queue are waited for. Ctrl-C stops those of this owner,
    which keep what they have learnt; a second one leaves the present ones to go on by themselves.

    Args:
        store: The run store.
        runs: Runs of any status.
        owner: From `new_owner`; the queued runs with it are trained here.
        show_progress: Whether to draw a progress bar on standard error.
        workers: How many of them at once.
    """
    ids = [run.id for run in runs]
    crew = make_crew(store, owner, size=workers, patient=False)
    stopping = False
    with tqdm(total=100.0, file=sys.stderr, disable=not show_progress, bar_format=_FORMAT) as bar:
        shown = None
        while True:
            try:
                now = store.runs(ids=ids)
                left = [run for run in now if run.status not in FINAL and (run.owner == owner or not stopping)]
                if not left:
                    break
                if not stopping:
                    _take_over(store, left, owner)
                crew.tick()
                shown = _show(store, bar, ids, now, stopping, shown)
                time.sleep(POLL_SECONDS)
            except KeyboardInterrupt:
                if stopping:
                    raise
                stopping = True
                for run in store.runs(ids=ids):
                    if run.owner == owner:
                        store.command(run.id, "stop")
        crew.finish(EVALUATION_SECONDS)
    return [store.get(run_id) for run_id in ids]


def _take_over(store: RunStore, runs: list[Run], owner: str) -> None:
    """Takes what waits and nobody trains."""
    for run in runs:
        if run.owner != owner and run.status == "queued" and (run.owner is None or is_gone(run.owner, store.host)):
            store.hand_over(run.id, owner, previous=run.owner)


_FORMAT = "{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}"
_FIGURES = ("loss", "accuracy", "val_loss", "val_accuracy")
_IN_EPOCHS = ("training", "validating")


def _show(store: RunStore, bar: Any, ids: list[str], now: list[Run], stopping: bool, shown: Any) -> Any:
    """Draws the bar; returns what it says, as into a file it says nothing twice."""
    done = sum(run.status in FINAL for run in now)
    present = next((run for run in now if run.is_active), None)
    words, figures = "waiting in the queue", {}
    if present is not None:
        progress = present.progress or {}
        phase = str(progress.get("phase", "starting"))
        words = f"epoch {progress.get('epoch')}/{progress.get('epochs')}" if phase in _IN_EPOCHS else phase
        last = (store.history(present.id) or [{}])[-1]
        figures = {key: f"{last[key]:.4f}" for key in _FIGURES if last.get(key) is not None}
        if len(ids) > 1:
            words = f"{present.name}, {words}"
    if len(ids) > 1:
        words = f"{min(done + 1, len(ids))}/{len(ids)} {words}"
    if stopping:
        words = "stopping"
    share = sum(1.0 if run.status in FINAL else run.share_done for run in now)
    bar.n = 100.0 * share / max(1, len(now))
    bar.set_description_str(words, refresh=False)
    bar.set_postfix(figures, refresh=False)
    if sys.stderr.isatty() or shown != (words, figures):
        bar.refresh()
    return words, figures

"""Runs whose worker is gone or answers no more, told from those whose worker is slow, stopped, asleep or elsewhere."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from contextlib import suppress

import psutil

from mnist_lab.store import Run, RunStore
from mnist_lab.store.records import ENDED_EARLY

# A worker writes a heartbeat four times a second.
SILENT_SECONDS = 60.0
# Who looks rarely has slept, or the machine has: of the time between two looks no more is held against a worker.
MOST_PER_LOOK = 1.0
# Who looks but once waits so long for another heartbeat before it takes an old one for the last.
SECOND_LOOK_SECONDS = 2.0

HUNG = "Its training process gave no sign of life for {} seconds and was ended. Resume it from its last epoch."


class Watch:
    """What one process has seen of the heartbeats of runs.

    No times of day are compared: clocks are set, and those of two machines differ. A heartbeat is one if it is another
    than at the last look, and silence is the time that this process has spent looking since.

    Args:
        silent_seconds: For how long a worker may be silent.
        most_per_look: How much of that one look can add, in seconds.
    """

    def __init__(self, silent_seconds: float = SILENT_SECONDS, most_per_look: float = MOST_PER_LOOK) -> None:
        self.silent_seconds, self._most_per_look = silent_seconds, most_per_look
        self._looked = time.monotonic()
        self._seen: dict[str, tuple[object, float]] = {}

    def silent(self, runs: Iterable[Run]) -> set[str]:
        """Looks at all runs that are under way; returns the ids of those whose worker has been silent for too long.

        A run is named once; then its time begins anew, as a disk that was full for all would be the fault of none.
        """
        now = time.monotonic()
        passed, self._looked = min(now - self._looked, self._most_per_look), now
        seen: dict[str, tuple[object, float]] = {}
        found = set()
        for run in runs:
            sign = run.worker, run.heartbeat
            before, seconds = self._seen.get(run.id, (None, 0.0))
            seconds = seconds + passed if before == sign else 0.0
            if seconds > self.silent_seconds:
                found.add(run.id)
                seconds = 0.0
            seen[run.id] = sign, seconds
        self._seen = seen
        return found


def worker_of(run: Run) -> psutil.Process | None:
    """The process of this machine that has a run of this machine in hand, if it is alive."""
    try:
        process = psutil.Process(run.pid)
    except psutil.Error:
        return None
    try:
        # Process ids are used again, in a container always the same ones: only the worker of that name counts, and
        # none that is just not yet buried.
        is_it = run.worker in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.AccessDenied:
        # Another user's, on a system that shows no words of those: whether it works is left to its heartbeat.
        is_it = True
    except psutil.Error:
        is_it = False
    return process if is_it else None


def end_lost(store: RunStore, own: Collection[str] = (), watch: Watch | None = None) -> list[Run]:
    """Ends, as *interrupted*, the runs whose worker is gone or hangs; a worker of this machine that hangs is killed.

    Whether it is gone is known of this host by its process, of others by silence; whether it hangs, by silence.

    Args:
        store: The run store.
        own: Workers of whose end their parent itself hears.
        watch: Of who looks again and again. Without it only runs of other hosts are taken for silent, by the clock,
            and only if they are still so after another look.

    Returns:
        The runs that were ended, as they were before.
    """
    runs = store.active()
    silent = watch.silent(runs) if watch is not None else _silent_at_two_looks(store, runs)
    ended = []
    for run in runs:
        here = run.host == store.host and run.pid is not None
        process = worker_of(run) if here else None
        is_gone = process is None if here else run.id in silent
        if is_gone and not (here and run.worker in own):
            if store.end(run.id, "interrupted", reason=ENDED_EARLY):
                ended.append(run)
        elif process is not None and run.id in silent and not is_stopped(process):
            assert watch is not None
            # The store first: where it cannot be written, the worker may be silent for no other reason.
            if store.end(run.id, "interrupted", reason=HUNG.format(round(watch.silent_seconds))):
                ended.append(run)
                _kill(process)
    for run in ended:
        store.artefacts.sweep(run.id)
    return ended


def _silent_at_two_looks(store: RunStore, runs: list[Run]) -> set[str]:
    stale = [run for run in runs if run.host != store.host and run.is_stale()]
    if not stale:
        return set()
    time.sleep(SECOND_LOOK_SECONDS)
    again = {run.id: run.heartbeat for run in store.runs(ids=[run.id for run in stale])}
    return {run.id for run in stale if again.get(run.id) == run.heartbeat}


def _kill(process: psutil.Process) -> None:
    """Kills a process and sees its end; its exit status is left for its parent."""
    with suppress(psutil.Error):
        process.kill()
        for _ in range(100):
            if process.status() == psutil.STATUS_ZOMBIE:
                break
            time.sleep(0.01)


def is_stopped(process: psutil.Process) -> bool:
    """Whether somebody holds a process (Ctrl-Z, a debugger, a sleeping laptop's manager of power)."""
    with suppress(psutil.Error):
        return process.status() in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
    return False

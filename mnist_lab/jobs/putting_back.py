"""What becomes of a run whose worker was lost with the machine that it was on: another goes on with it."""

from __future__ import annotations

import logging
from collections import Counter

from mnist_lab import logs
from mnist_lab.store import Run, RunStore
from mnist_lab.store.records import ACTIVE

# So often a run is put back; then it is for a person to say whether it goes on.
RETRIES = 3

_log = logging.getLogger(__name__)


def put_back(store: RunStore, run: Run, why: str, losses: Counter[str]) -> None:
    """Puts a lost run back into the queue that it came from, to go on from its last epoch.

    One that was to stop, that was held, or that was lost too often, ends in place of that.

    Args:
        store: The run store.
        run: As it was left: under way, or ended as *interrupted* by whoever missed its heartbeat.
        why: What became of its worker, as the second half of a sentence.
        losses: By run how often it was lost; this time is added.

    Raises:
        StoreError: If it cannot be written; nothing has changed then.
    """
    among = (*ACTIVE, "interrupted")
    lost = losses[run.id] + 1
    if run.command == "stop":
        done, what = store.end(run.id, "stopped", worker=run.worker, among=among, reason=f"Stopped; {why}."), "ended"
    elif run.status == "paused" or run.command == "pause":
        reason = f"While it was held, {why}. Resume it from its last epoch."
        done, what = store.end(run.id, "interrupted", worker=run.worker, among=among, reason=reason), "ended"
    elif lost > RETRIES:
        reason = f"It was begun {lost} times, and {why} each time. Resume it from its last epoch."
        done, what = store.end(run.id, "interrupted", worker=run.worker, among=among, reason=reason), "given up"
    else:
        done, what = store.put_back(run.id, run.worker or "", among=among), "put back"
    if done:
        losses[run.id] = lost
        store.artefacts.sweep(run.id)
        _log.warning("a lost run was %s: %s", logs.plain(what), logs.plain(why), extra={"run": run.id})

"""One training in a process of its own, waited for: the command line's way, without a server."""

from __future__ import annotations

import sys
import time
from typing import Any

from tqdm import tqdm

from mnist_lab.errors import JobError
from mnist_lab.jobs.processes import WorkerProcess, end_failed
from mnist_lab.store import Run, RunStore
from mnist_lab.store.records import ACTIVE, FINAL

POLL_SECONDS = 0.25
OWNER = "alone-"


def run_one(store: RunStore, run: Run, *, show_progress: bool = True) -> Run:
    """Trains a queued run and returns it when it has ended, in whatever way.

    Ctrl-C stops the training, which keeps what it has learnt; a second one leaves it to go on by itself.

    Args:
        store: The run store.
        run: A queued run whose owner begins with `OWNER`: no other worker takes it.
        show_progress: Whether to draw a progress bar on standard error.

    Raises:
        JobError: If the run has no owner of its own.
    """
    if run.owner is None or not run.owner.startswith(OWNER):
        raise JobError(f"Run {run.name!r} is in the common queue.", "Start the program, which trains what is queued.")
    worker = WorkerProcess("train", ["--run", run.id], name=run.owner)
    with tqdm(total=100.0, file=sys.stderr, disable=not show_progress, bar_format=_FORMAT) as bar:
        try:
            _wait(store, run.id, worker, bar)
        except KeyboardInterrupt:
            store.command(run.id, "stop")
            bar.set_description_str("stopping")
            if store.get(run.id).status in FINAL:
                # It was still in the queue: there is nothing to keep, and no need to wait for the worker's imports.
                worker.end()
            _wait(store, run.id, worker, bar)
    status = worker.exit_status
    if store.get(run.id).status not in FINAL:
        tail = store.artefacts.log_tail(run.id) or worker.output_tail()
        end_failed(store, run.id, status or 0, tail, among=(*ACTIVE, "queued"))
    return store.get(run.id)


_FORMAT = "{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}"
_SHOWN = ("loss", "accuracy", "val_loss", "val_accuracy")


def _wait(store: RunStore, run_id: str, worker: WorkerProcess, bar: Any) -> None:
    last_line = None
    while worker.exit_status is None:
        run = store.get(run_id)
        progress = run.progress or {}
        phase = str(progress.get("phase", "starting"))
        words = f"epoch {progress.get('epoch')}/{progress.get('epochs')}" if phase in _IN_EPOCHS else phase
        last = (store.history(run_id) or [{}])[-1]
        figures = {key: f"{last[key]:.4f}" for key in _SHOWN if last.get(key) is not None}
        bar.n = 100.0 * run.share_done
        bar.set_description_str(words, refresh=False)
        bar.set_postfix(figures, refresh=False)
        # Into a file the bar writes a line only when there is something new to say.
        if sys.stderr.isatty() or last_line != (words, figures):
            bar.refresh()
        last_line = words, figures
        if run.status == "finished":
            # All is in the store; what the process still does to end itself need not be waited for.
            return
        time.sleep(POLL_SECONDS)


_IN_EPOCHS = ("training", "validating")

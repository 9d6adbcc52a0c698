"""What several commands share: the store, the argument that names a run, runs and tables in words."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from mnist_lab import formatting, starter
from mnist_lab.jobs import end_lost, release_lost
from mnist_lab.store import Run, RunStore, open_store


def open_runs() -> RunStore:
    """The run store, with the starter model in it, after what a crash has left behind was put right."""
    store = open_store()
    starter.register(store)
    # No server need be there to say so of runs that a crash has left as they were.
    end_lost(store)
    release_lost(store)
    return store


def run_argument(parser: argparse.ArgumentParser) -> None:
    """The argument that names a run."""
    parser.add_argument("run", metavar="RUN", help="the id, its beginning (four letters or more), or the name")


def run_text(run: Run) -> str:
    """A run for people."""
    facts = [
        ("run", f"{run.id[:8]}  {run.name}"),
        ("status", run.status + (f": {run.reason.splitlines()[0]}" if run.reason else "")),
        ("parameters", f"{run.parameters:,}"),
        ("data", f"{run.dataset or '–'}, {run.split}"),
        ("epochs", f"{run.epochs_run} of {run.training.get('epochs')}, best {run.best_epoch or '–'}"),
        ("validation", formatting.percent(run.validation_accuracy)),
        ("test", formatting.accuracy(run.test_accuracy, run.test_accuracy_interval)
         + (", whose images also chose the epoch" if run.test_is_validation else "")),
        ("looks", f"{run.test_looks:,} at the test images"),
        ("time", f"{formatting.duration(run.seconds)} on {run.device or '–'}"),
    ]  # fmt: skip
    return "\n".join(f"{label:<11}{value}" for label, value in facts)


def number(value: Any) -> str:
    """A figure of a history in a few digits."""
    if value is None:
        return "–"
    return str(value) if isinstance(value, int) else f"{value:.4g}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows under a head, in columns."""
    widths = [max(len(row[index]) for row in (head, *rows)) for index in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)]
    return "\n".join(line.rstrip() for line in lines)

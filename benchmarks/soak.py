"""Whether anything grows in a long training: the app's memory, the messages to its tab, what a tick costs the app.

    python benchmarks/soak.py [--counts 100 1000 10000 100000] [--seconds 20] [--tabs 1]

A training writes up to four points a second, an hour of it 14,400. Here this script takes the worker's place: it writes
points into the store, as the worker does, up to each of the counts in turn, while tabs show the curve; then it writes
four a second, as an ordinary training, and measures. CPU per tick is that of the `streamlit` process alone, over the
runs of the panel and of the sidebar's badge that its tabs asked for.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from playwright.sync_api import Page

from benchmarks.watching import SETTLE_SECONDS, Traffic, curve, laboratory
from mnist_lab.heartbeat import PERIOD_SECONDS
from mnist_lab.jobs.alone import new_owner
from mnist_lab.jobs.queueing import submit
from mnist_lab.store import RunStore
from mnist_lab.studies import preset
from mnist_lab.training_config import TrainingConfig
from tests.browser.server import open_page

STEPS = 430  # of an epoch
POINTS_PER_EPOCH = 100
AT_ONCE = 2000


class Worker:
    """Writes a training into the store, as fast as it is asked to."""

    def __init__(self, store: RunStore, points: int) -> None:
        self.store, self.name, self.written = store, new_owner(store), 0
        self.points = curve(points, last_epoch=points / POINTS_PER_EPOCH)
        self.epochs = points // POINTS_PER_EPOCH + 1
        training = TrainingConfig(epochs=self.epochs)
        self.run = submit(store, preset("lenet-5").architecture, training, name="soaked", owner=self.name)
        # Of a process on its own host the program would see that it is no worker of its own.
        store.host = "elsewhere"
        store.claim(self.name, os.getpid(), own=True)

    def write(self, count: int) -> None:
        """The next points, and the epochs that they complete."""
        points = self.points[self.written : self.written + count]
        self.written += len(points)
        epoch = 1 + self.written // POINTS_PER_EPOCH
        progress = {"phase": "training", "epoch": epoch, "epochs": self.epochs, "steps": STEPS}
        progress |= {"step": self.written % POINTS_PER_EPOCH * 4, "images_per_second": 5000 + self.written % 7}
        self.store.report(self.run.id, self.name, progress, points)
        done = len(self.store.history(self.run.id))
        for number in range(done + 1, epoch):
            last = self.points[number * POINTS_PER_EPOCH - 1]
            figures = {"loss": last["loss"], "accuracy": last["accuracy"]}
            validated = {f"val_{name}": value for name, value in figures.items()}
            self.store.add_epoch(self.run.id, {"epoch": number, **figures, **validated, "seconds": 25.0})


def measure(worker: Worker, app: psutil.Process, page: Page, traffic: list[Traffic], seconds: float) -> str:
    """A row of the table, of an ordinary training with what was written so far."""
    written = worker.written
    for each in traffic:
        each.clear()
    used, began = sum(app.cpu_times()[:2]), time.monotonic()
    while (taken := time.monotonic() - began) < seconds:
        worker.write(1)
        page.wait_for_timeout(1000 * PERIOD_SECONDS)
    cpu = sum(app.cpu_times()[:2]) - used
    ticks = sum(each.ticks for each in traffic)
    sizes = [size for each in traffic for size in each.sizes]
    return (
        f"| {written:,} | {app.memory_info().rss / 1e6:.0f} | {sum(sizes) / taken / len(traffic) / 1e3:.1f} | "
        f"{max(sizes, default=0) / 1e3:.1f} | {100 * cpu / taken:.1f} | {1000 * cpu / max(1, ticks):.1f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--counts", type=int, nargs="+", default=[100, 1000, 10_000, 100_000])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--tabs", type=int, default=1)
    options = parser.parse_args()
    with laboratory() as (browser, server, app, store):
        worker = Worker(store, max(options.counts) + int(len(options.counts) * options.seconds * 8))
        pages = [browser.new_page(viewport={"width": 1280, "height": 900}) for _ in range(options.tabs)]
        traffic = [Traffic(page) for page in pages]
        for page in pages:
            open_page(page, f"{server.url}lab", "soaked")
            worker.write(1)  # a worker that is silent for long is taken for lost
        print("| Points | App, MB | kB/s to a tab | Largest message, kB | CPU of the app, % | CPU per tick, ms |")
        print("|---|---|---|---|---|---|")
        for count in sorted(options.counts):
            while worker.written < count:
                worker.write(min(AT_ONCE, count - worker.written))
                pages[0].wait_for_timeout(250)
            pages[0].wait_for_timeout(1000 * SETTLE_SECONDS)
            print(measure(worker, app, pages[0], traffic, options.seconds), flush=True)
        store.end(worker.run.id, "stopped", worker=worker.name)


if __name__ == "__main__":
    main()

"""What it costs to watch a training: bytes over the websocket, and the app's share of a core with 0, 1 and 10 tabs.

    MNIST_LAB_DATA=FOLDER python benchmarks/watching.py [--tabs 0 1 10] [--seconds 30] [--points 2000]

A real training goes on while tabs of one Chromium show the Lab page with its curve. A curve's message is as long as its
points, so the run is given those of the past `--points` heartbeats first (2,000 are eight minutes). Bytes are what the
page receives as payload of the websocket, before compression; CPU is the time of the `streamlit` process alone, over
the time that went by.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from playwright.sync_api import Browser, Page, WebSocket, sync_playwright

from mnist_lab.jobs.queueing import submit
from mnist_lab.store import Run, RunStore
from mnist_lab.store.database import open_engine
from mnist_lab.studies import preset
from mnist_lab.training_config import TrainingConfig
from tests.browser.server import ROOT, Server, launch, open_page

SETTLE_SECONDS = 6.0


class Traffic:
    """What a page and its server tell each other over websockets: bytes of each message, and the runs asked for."""

    def __init__(self, page: Page) -> None:
        self.sizes: list[int] = []
        self.ticks = 0
        page.on("websocket", self._opened)

    def clear(self) -> None:
        """Forgets what was seen so far."""
        self.sizes, self.ticks = [], 0

    def _opened(self, socket: WebSocket) -> None:
        socket.on("framereceived", self._received)
        socket.on("framesent", self._sent)

    def _sent(self, payload: str | bytes) -> None:
        self.ticks += 1

    def _received(self, payload: str | bytes) -> None:
        self.sizes.append(len(payload.encode() if isinstance(payload, str) else payload))


def curve(count: int, first_step: int = 1, last_epoch: float = 1.0) -> list[dict[str, float]]:
    """Points as a training of that length would write them, up to an epoch."""
    return [
        {
            "step": first_step + n,
            "epoch": last_epoch * (n + 1) / count,
            "loss": 0.05 + 2 * math.exp(-n / 300) + 0.02 * math.sin(n * n),
            "accuracy": 0.98 - 0.8 * math.exp(-n / 300) + 0.01 * math.sin(n * n),
        }
        for n in range(count)
    ]


def wait_for(seconds: float, page: Page | None) -> None:
    """Playwright hands over what a page received only while it is asked something."""
    if page is None:
        time.sleep(seconds)
    else:
        page.wait_for_timeout(seconds * 1000)


@contextmanager
def training(store: RunStore, points: int = 0, name: str = "lenet-5", epochs: int = 500) -> Iterator[Run]:
    """A training in the hands of the server's worker, from its first batch on, with a past of so many points."""
    run = submit(store, preset(name).architecture, TrainingConfig(epochs=epochs), name="watched")
    deadline = time.monotonic() + 180
    while not store.points(run.id):
        if time.monotonic() > deadline:
            raise SystemExit("The training did not begin.")
        time.sleep(0.2)
    run = store.get(run.id)
    try:
        if points:
            assert run.worker is not None
            store.report(run.id, run.worker, run.progress or {}, curve(points, last_epoch=0.5))
        yield run
    finally:
        # It outlives its server.
        store.command(run.id, "stop")
        deadline = time.monotonic() + 30
        while store.get(run.id).is_active and time.monotonic() < deadline:
            time.sleep(0.2)


@contextmanager
def laboratory(
    environment: Mapping[str, str] | None = None,
) -> Iterator[tuple[Browser, Server, psutil.Process, RunStore]]:
    """Chromium, the program with one page seen, its process, and its store.

    Args:
        environment: More variables for the program.
    """
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = launch(playwright)
        if browser is None:
            raise SystemExit("No Chromium here: set MNIST_LAB_CHROMIUM to its path.")
        home = Path(folder) / "home"
        with Server(ROOT / "app.py", Path(folder), {"MNIST_LAB_HOME": str(home), **(environment or {})}) as server:
            assert server.process is not None
            first = browser.new_page()
            open_page(first, server.url, "Draw a digit from 0 to 9")
            first.close()
            store = RunStore(open_engine(f"sqlite:///{home / 'lab.db'}"), home)
            try:
                yield browser, server, psutil.Process(server.process.pid), store
            finally:
                store.close()
        browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tabs", type=int, nargs="+", default=[0, 1, 10])
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--points", type=int, default=2000)
    options = parser.parse_args()
    with laboratory() as (browser, server, app, store), training(store, options.points):
        print("| Tabs | kB/s to one tab | Messages/s | Largest message, kB | CPU of the app, % of a core |")
        print("|---|---|---|---|---|")
        tabs: list[tuple[Page, Traffic]] = []
        for count in options.tabs:
            while len(tabs) < count:
                page = browser.new_page(viewport={"width": 1280, "height": 900})
                tabs.append((page, Traffic(page)))
                open_page(page, f"{server.url}lab", "watched")
            wait_for(SETTLE_SECONDS, tabs[0][0] if tabs else None)
            for _, traffic in tabs:
                traffic.clear()
            used, began = sum(app.cpu_times()[:2]), time.monotonic()
            wait_for(options.seconds, tabs[0][0] if tabs else None)
            taken = time.monotonic() - began
            share = (sum(app.cpu_times()[:2]) - used) / taken
            sizes = [size for _, traffic in tabs for size in traffic.sizes]
            seconds = taken * max(1, len(tabs))
            print(
                f"| {count} | {sum(sizes) / seconds / 1e3:.1f} | {len(sizes) / seconds:.1f} | "
                f"{max(sizes, default=0) / 1e3:.1f} | {100 * share:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()

"""What each process of the program takes: the app after every page, the trainer and the inference process.

    MNIST_LAB_DATA=FOLDER python -m benchmarks.memory [--preset lenet-5] [--one-worker] [--minutes 60]

Printed, in MB: the resident memory of each process when the first page is there and the engines are warm, after every
page was visited, while a training runs, and after it; and that of an empty Streamlit page that imports the same
libraries. Pages of libraries that several processes share are counted for each. With minutes, one long training that a
tab watches in place of all this, a line every five minutes: whether anything grows.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import psutil
from playwright.sync_api import Page

from benchmarks.first_page import EMPTY
from benchmarks.watching import laboratory, training
from mnist_lab.jobs.queueing import submit
from mnist_lab.store import RunStore
from mnist_lab.studies import preset
from mnist_lab.training_config import TrainingConfig
from tests.browser.server import Server, open_page, wait_for_rerun

PAGES = ("", "explain", "digits", "lab", "runs", "studies", "data")
TASKS = {"train": "Trainer", "infer": "Inference"}
ONE_TASK = {"both": "Trainer and inference"}
EPOCHS = 3
EVERY_SECONDS = 300


def memory(app: psutil.Process) -> dict[str, float]:
    """MB of each process of the program, by what it is."""
    found = {"App": app.memory_info().rss / 1e6}
    for child in app.children():
        words = child.cmdline()
        task = words[words.index("mnist_lab.worker") + 1] if "mnist_lab.worker" in words else ""
        found[(TASKS | ONE_TASK).get(task, child.name())] = child.memory_info().rss / 1e6
    return found


def row(when: str, found: dict[str, float], names: Iterable[str]) -> None:
    """Prints a line of the table."""
    cells = [f"{found[name]:,.0f}" if name in found else "–" for name in ("App", *names)]
    print(f"| {when} | {' | '.join(cells)} | {sum(found.values()):,.0f} |", flush=True)


def visit_all(page: Page, url: str, run_id: str) -> None:
    """Opens every page, and all that the pages show of a run."""
    for address in (*PAGES, f"explain?run={run_id}", *PAGES):
        open_page(page, f"{url}{address}")
        page.wait_for_timeout(2000)
        wait_for_rerun(page)


def empty_page(page: Page) -> float:
    """MB of the process of an empty page."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "empty.py"
        script.write_text(EMPTY)
        place = Path(folder) / "place"
        place.mkdir()
        with Server(script, place) as server:
            open_page(page, server.url, "An empty page")
            assert server.process is not None
            return psutil.Process(server.process.pid).memory_info().rss / 1e6


def trained(store: RunStore, name: str, app: psutil.Process) -> dict[str, float]:
    """Trains a network for some epochs; returns the most that each process had meanwhile."""
    run = submit(store, preset(name).architecture, TrainingConfig(epochs=EPOCHS), name="memory")
    most = memory(app)
    while store.get(run.id).status in ("queued", "running"):
        time.sleep(0.3)
        for process, taken in memory(app).items():
            most[process] = max(taken, most.get(process, 0.0))
    return most


def long_training(store: RunStore, name: str, app: psutil.Process, minutes: float, names: Iterable[str]) -> None:
    """Prints a line every five minutes of one training, and ends it."""
    with training(store, name=name, epochs=10_000) as run:
        began = time.monotonic()
        while time.monotonic() - began < 60 * minutes and store.get(run.id).status == "running":
            time.sleep(min(EVERY_SECONDS, 60 * minutes))
            epochs, points = len(store.history(run.id)), len(store.points(run.id))
            now = (time.monotonic() - began) / 60
            row(f"after {now:.0f} minutes, {epochs} epochs and {points:,} points", memory(app), names)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="lenet-5")
    parser.add_argument("--one-worker", action="store_true", help="with MNIST_LAB_WORKERS=1")
    parser.add_argument("--minutes", type=float, help="one training of this length, and nothing else")
    options = parser.parse_args()
    names = list((ONE_TASK if options.one_worker else TASKS).values())
    with laboratory({"MNIST_LAB_WORKERS": "1" if options.one_worker else ""}) as (browser, server, app, store):
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        if not options.minutes:
            print(f"An empty page: {empty_page(page):,.0f} MB\n")
        print(f"| MB | App | {' | '.join(names)} | Sum |\n|---|---|{'---|' * len(names)}---|")
        while len(memory(app)) <= len(names):
            time.sleep(0.5)
        time.sleep(25)  # the engines import Keras, and the probe of the machine's speed ends
        row("when the engines are warm", memory(app), names)
        if options.minutes:
            open_page(page, f"{server.url}lab")
            page.get_by_role("tab", name="Training").click()
            long_training(store, options.preset, app, options.minutes, names)
            return
        run_id = store.listing()[0].id
        visit_all(page, server.url, run_id)
        row("after every page", memory(app), names)
        open_page(page, f"{server.url}lab")
        row(f"the most of {EPOCHS} epochs of {options.preset}, watched", trained(store, options.preset, app), names)
        visit_all(page, server.url, run_id)
        row("after it, and every page again", memory(app), names)


if __name__ == "__main__":
    main()

"""How long the Runs page takes with many runs: from the click on its name to its table, in Chromium.

    MNIST_LAB_DATA=FOLDER python -m benchmarks.runs_page [--runs 10 1000 10000] [--rounds 20] [--training]

Stores of made runs: the published networks with a few optimizers, rates and seeds, ten epochs each, a tenth of them not
evaluated. Printed for each number of runs, as medians and 95th percentiles: seconds from the click on "Runs" to the
first names in the table, from a click on a row's box to the details of its run, and while the table is scrolled from
its top to its end the time of a frame; of ten runs also from a click on the tenth's box to the verdict on all pairs.
With `--training` a training has the processor meanwhile; it is one more run, at the end of the table.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy import insert

from benchmarks import watching
from benchmarks.waits import DRAWN, HEAD, seconds_from, words
from mnist_lab import shapes
from mnist_lab.metrics import accuracy_interval
from mnist_lab.optimizers import SGD, Adam, AdamW
from mnist_lab.store import RunStore, schema
from mnist_lab.store.artefacts import PREDICTIONS
from mnist_lab.store.database import open_engine, writing
from mnist_lab.studies import presets
from mnist_lab.training_config import TrainingConfig
from tests.browser.server import ROOT, Server, launch, open_page, wait_for_rerun

EPOCHS = 10
OPTIMIZERS = (Adam(0.001), Adam(0.01), SGD(0.01), SGD(0.1, 0.9), AdamW(0.001))
COMPARED = 10
# In 2033: made runs stand above a training.
NEWEST = 2e9
PAIRS = "(document.querySelector('[data-testid=stMain]').innerText.match(/Of \\d+ pairs/)?.[0] ?? '')"
ROWS = "document.querySelector('[data-testid=stDataFrame] table[role=grid] tbody tr td')"
SCROLL = """async () => {
  const box = document.querySelector('[data-testid=stDataFrame] .dvn-scroller'), times = [];
  let last = performance.now();
  for (let step = 0; step <= 120; step++) {
    box.scrollTop = (box.scrollHeight - box.clientHeight) * step / 120;
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    times.push((now - last) / 1000); last = now;
  }
  return times.slice(1);
}"""


def make_store(home: Path, count: int) -> None:
    """Writes a store of made runs."""
    draw = random.Random(0)
    models = [(name, each.architecture, shapes.analyse(each.architecture)) for name, each in presets().items()]
    rows: list[dict[str, Any]] = []
    epochs: list[dict[str, Any]] = []
    for number in range(count):
        name, network, analysis = draw.choice(models)
        training = TrainingConfig(optimizer=draw.choice(OPTIMIZERS), seed=draw.randrange(10), epochs=EPOCHS)
        right = draw.randrange(9_500, 9_960)
        low, high = accuracy_interval(right, 10_000)
        is_evaluated = draw.random() > 0.1 or count <= COMPARED
        tested = {"test_accuracy": right / 10_000, "test_accuracy_low": low, "test_accuracy_high": high,
                  "test_images": 10_000, "test_looks": 1, "test_loss": draw.uniform(0.02, 0.2)}  # fmt: skip
        rows.append({
            "id": uuid.UUID(int=draw.getrandbits(128)).hex, "name": f"{name} ({number}), seed {training.seed}",
            "notes": "looks well" if draw.random() < 0.1 else "", "starred": draw.random() < 0.05,
            "tags": ["sweep"] if draw.random() < 0.3 else [], "preset": name,
            "status": "finished" if is_evaluated else "failed", "command": "", "position": float(number),
            "created": NEWEST - 60 * (count - number),
            "architecture": network.to_dict(), "training": training.to_dict(),
            "parameters": analysis.parameters, "trainable_parameters": analysis.trainable,
            "multiply_adds": analysis.multiply_adds, "dataset": "mnist", "split": training.split,
            "fingerprint": "f" * 12, "training_images": 55_000, "epochs_run": EPOCHS, "best_epoch": EPOCHS - 2,
            "validation_accuracy": right / 10_000, "seconds": draw.uniform(20, 400),
            "images_per_second": draw.uniform(1_000, 20_000), "device": "CPU",
            **(tested if is_evaluated else dict.fromkeys(tested) | {"test_looks": 0}),
        })  # fmt: skip
        for epoch in range(1, EPOCHS + 1):
            loss = 1 / epoch + draw.uniform(0, 0.1)
            epochs.append({"run_id": rows[-1]["id"], "epoch": epoch, "values": {
                "epoch": epoch, "loss": loss, "val_loss": loss + 0.1, "accuracy": 1 - loss / 10,
                "val_accuracy": 1 - loss / 9, "learning_rate": 0.001, "seconds": 3.0,
            }})  # fmt: skip
    engine = open_engine(f"sqlite:///{home / 'lab.db'}")
    with writing(engine) as connection:
        connection.execute(insert(schema.runs), rows)
        connection.execute(insert(schema.epochs), epochs)
    if count <= COMPARED:
        write_predictions(RunStore(engine, home), rows)
    engine.dispose()


def write_predictions(store: RunStore, rows: list[dict[str, Any]]) -> None:
    """Gives each run predictions with as many right as its row says."""
    draw = np.random.default_rng(0)
    labels = draw.integers(0, 10, 10_000).astype(np.uint8)
    for row in rows:
        said = labels.copy()
        wrong = draw.permutation(10_000)[round(10_000 * row["test_accuracy"]) :]
        said[wrong] = (said[wrong] + 1) % 10
        probabilities = np.full((10_000, 10), 0.01, np.float32)
        probabilities[np.arange(10_000), said] = 0.91
        with store.artefacts.writing(row["id"], PREDICTIONS) as path:
            np.savez_compressed(path, probabilities=probabilities, labels=labels, indices=np.arange(60_000, 70_000))


def tick_seconds(page: Page, row: int) -> float:
    """Seconds from a click on the box of a row to its details, or to their end."""
    box = page.locator("[data-testid=stDataFrame]").first.bounding_box()
    assert box is not None
    there = "document.querySelectorAll('.st-key-details').length"
    wanted = f"{there} !== {page.evaluate(there)}"
    where = box["x"] + 18, box["y"] + 35 * (row + 1.5)
    return seconds_from(page, "click", lambda: page.mouse.click(*where), wanted)


def compare_seconds(page: Page, rounds: int) -> list[float]:
    """Seconds from a click on the box of a tenth run to the verdict on all pairs, and from the next to that on nine."""
    box = page.locator("[data-testid=stDataFrame]").first.bounding_box()
    assert box is not None
    # A scroll bar lies over the lower half of the tenth row.
    places = [(box["x"] + 18, box["y"] + 35 * (row + 1) + 8) for row in range(COMPARED)]
    for place in places[:-1]:
        page.mouse.click(*place)
        page.wait_for_timeout(500)
        wait_for_rerun(page)
    found = []
    for _ in range(2 * (rounds // 2)):
        page.wait_for_timeout(500)
        changed = f"{PAIRS} !== {page.evaluate(PAIRS)!r} && {DRAWN}"
        found.append(seconds_from(page, "click", lambda: page.mouse.click(*places[-1]), changed))
        wait_for_rerun(page)
    return found


@contextmanager
def training(home: Path, browser: Browser, url: str) -> Iterator[None]:
    """A training in the hands of the server's worker."""
    page = browser.new_page()
    open_page(page, url, "Draw a digit from 0 to 9")  # the server starts its workers
    page.close()
    store = RunStore(open_engine(f"sqlite:///{home / 'lab.db'}"), home)
    with closing(store), watching.training(store):
        yield


def measure(page: Page, server: Server, count: int, rounds: int, is_training: bool) -> None:
    """Prints what one store takes."""
    when = ", in a training" if is_training else ""
    opened, ticked = [], []
    for number in range(rounds + 1):
        open_page(page, f"{server.url}data", "Data")
        page.wait_for_timeout(300)
        link = page.get_by_test_id("stSidebarNavLink").filter(has_text="Runs")
        taken = seconds_from(page, "click", link.click, ROWS)
        wait_for_rerun(page)
        # The first round of a server reads what later ones remember.
        if number == 0:
            print(words(f"{count:,} runs, first opening since the start{when}", [taken]), flush=True)
        else:
            opened.append(taken)
    print(words(f"{count:,} runs, opened{when}", opened), flush=True)
    page.wait_for_timeout(500)
    for _ in range(rounds):
        ticked.append(tick_seconds(page, 1 if count > 1 else 0))
        wait_for_rerun(page)
        page.wait_for_timeout(300)
    print(words(f"{count:,} runs, selected{when}", ticked), flush=True)
    if count == COMPARED:
        compared = compare_seconds(page, rounds)
        print(words(f"a tenth run compared, or taken away{when}", compared), flush=True)
    print(words(f"{count:,} runs, frame while scrolling{when}", page.evaluate(SCROLL)), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, nargs="+", default=[10, 1_000, 10_000])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--training", action="store_true", help="while a training has the processor")
    options = parser.parse_args()
    print(HEAD, flush=True)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        if browser is None:
            raise SystemExit("No Chromium here: set MNIST_LAB_CHROMIUM to its path.")
        for count in options.runs:
            with tempfile.TemporaryDirectory() as folder:
                home = Path(folder) / "home"
                make_store(home, count)
                with (
                    Server(ROOT / "app.py", Path(folder), {"MNIST_LAB_HOME": str(home)}) as server,
                    training(home, browser, server.url) if options.training else nullcontext(),
                ):
                    page = browser.new_page(viewport={"width": 1280, "height": 900})
                    measure(page, server, count, options.rounds, options.training)
                    page.close()
        browser.close()


if __name__ == "__main__":
    main()

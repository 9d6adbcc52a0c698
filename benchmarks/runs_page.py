"""How long the Runs page takes with many runs: from the click on its name to its table, in Chromium.

    python benchmarks/runs_page.py [--runs 10 1000 10000] [--rounds 20]

Stores of made runs: the published networks with a few optimizers, rates and seeds, ten epochs each, a tenth of them not
evaluated. Printed for each number of runs, as medians and 95th percentiles: seconds from the click on "Runs" to the
first names in the table, from a click on a row's box to the details of its run, and while the table is scrolled from
its top to its end the time of a frame.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from playwright.sync_api import Page, sync_playwright
from sqlalchemy import insert

from mnist_lab import shapes
from mnist_lab.metrics import accuracy_interval
from mnist_lab.optimizers import SGD, Adam, AdamW
from mnist_lab.store import schema
from mnist_lab.store.database import open_engine, writing
from mnist_lab.studies import presets
from mnist_lab.training_config import TrainingConfig
from tests.browser.server import ROOT, Server, launch, open_page, wait_for_rerun

EPOCHS = 10
OPTIMIZERS = (Adam(0.001), Adam(0.01), SGD(0.01), SGD(0.1, 0.9), AdamW(0.001))
# In the page: the seconds from the next click until something is there.
WATCH = """([test]) => new Promise(resolve => document.addEventListener("click", () => {
  const start = performance.now();
  const look = () => eval(test) ? resolve((performance.now() - start) / 1000) : setTimeout(look, 5);
  setTimeout(look, 0);
}, {capture: true, once: true}))"""
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
        is_evaluated = draw.random() > 0.1
        tested = {"test_accuracy": right / 10_000, "test_accuracy_low": low, "test_accuracy_high": high,
                  "test_images": 10_000, "test_looks": 1, "test_loss": draw.uniform(0.02, 0.2)}  # fmt: skip
        rows.append({
            "id": uuid.UUID(int=draw.getrandbits(128)).hex, "name": f"{name} ({number}), seed {training.seed}",
            "notes": "looks well" if draw.random() < 0.1 else "", "starred": draw.random() < 0.05,
            "tags": ["sweep"] if draw.random() < 0.3 else [], "preset": name,
            "status": "finished" if is_evaluated else "failed", "command": "", "position": float(number),
            "created": 1.7e9 + 60 * number, "architecture": network.to_dict(), "training": training.to_dict(),
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
    engine.dispose()


def seconds_of_click(page: Page, link: Any, test: str) -> float:
    """Seconds from a click on something to a condition of the page."""
    page.evaluate("([watch, ...rest]) => { window.measured = eval(watch)(rest); }", [WATCH, test])
    link()
    return float(page.evaluate("() => window.measured"))


def tick_seconds(page: Page, row: int) -> float:
    """Seconds from a click on the box of a row to its details, or to their end."""
    box = page.locator("[data-testid=stDataFrame]").first.bounding_box()
    assert box is not None
    there = "document.querySelectorAll('.st-key-details').length"
    wanted = f"{there} !== {page.evaluate(there)}"
    where = box["x"] + 18, box["y"] + 35 * (row + 1.5)
    return seconds_of_click(page, lambda: page.mouse.click(*where), wanted)


def words(name: str, values: list[float]) -> str:
    """A line of the table: the median and the 95th percentile."""
    ordered = sorted(values)
    late = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return f"{name}: median {statistics.median(values):.3f} s, 95th percentile {late:.3f} s, of {len(values)}"


def measure(page: Page, server: Server, count: int, rounds: int) -> None:
    """Prints what one store takes."""
    opened, ticked = [], []
    for number in range(rounds + 1):
        open_page(page, f"{server.url}data", "Data")
        page.wait_for_timeout(300)
        link = page.get_by_test_id("stSidebarNavLink").filter(has_text="Runs")
        taken = seconds_of_click(page, link.click, ROWS)
        wait_for_rerun(page)
        # The first round of a server reads what later ones remember.
        if number == 0:
            print(f"{count:,} runs, first opening since the start: {taken:.3f} s", flush=True)
        else:
            opened.append(taken)
    print(words(f"{count:,} runs, opened", opened), flush=True)
    page.wait_for_timeout(500)
    for _ in range(rounds):
        ticked.append(tick_seconds(page, 1 if count > 1 else 0))
        wait_for_rerun(page)
        page.wait_for_timeout(300)
    print(words(f"{count:,} runs, selected", ticked), flush=True)
    print(words(f"{count:,} runs, frame while scrolling", page.evaluate(SCROLL)), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, nargs="+", default=[10, 1_000, 10_000])
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    with sync_playwright() as playwright:
        browser = launch(playwright)
        if browser is None:
            raise SystemExit("No Chromium here: set MNIST_LAB_CHROMIUM to its path.")
        for count in options.runs:
            with tempfile.TemporaryDirectory() as folder:
                home = Path(folder) / "home"
                make_store(home, count)
                page = browser.new_page(viewport={"width": 1280, "height": 900})
                with Server(ROOT / "app.py", Path(folder), {"MNIST_LAB_HOME": str(home)}) as server:
                    measure(page, server, count, options.rounds)
                page.close()
        browser.close()


if __name__ == "__main__":
    main()

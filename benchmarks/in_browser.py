"""What a person waits for in the browser, measured inside Chromium, at rest and while a training has the processor.

    MNIST_LAB_DATA=FOLDER python -m benchmarks.in_browser [--rounds 20]

Printed, as medians and 95th percentiles: from the end of a stroke to the new prediction; from the click on a page's
name to the last that its script sends, from each page to the next; from a click on a layer to its fields; from a typed
number of filters to the new count of parameters; and from Train, with the warm worker, to the end of the first batch
(its point is in the store then) and to that point in the curve.
While the training runs also one tick of its chart: from the page's question to the new point drawn.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.waits import DRAWN, HEAD, seconds_from, words
from mnist_lab.store import RunStore
from mnist_lab.store.database import open_engine
from tests.browser.server import ROOT, Server, launch, open_page, wait_for_rerun

ANSWER = "(document.querySelector('.st-key-answer')?.innerText || '')"
STROKES = {  # digits of one stroke, on a canvas of 280 by 280
    1: [(140, 50), (140, 230)],
    7: [(80, 60), (200, 60), (120, 220)],
    0: [(140, 50), (90, 90), (80, 150), (100, 210), (140, 230), (185, 205), (200, 140), (185, 80), (140, 50)],
}
# Each page's name in the sidebar, and its heading.
PAGES = {
    "Explain": "Explain",
    "My digits": "My digits",
    "Lab": "Lab",
    "Runs": "Runs",
    "Studies": "Studies",
    "Data": "Data",
    "Draw": "Draw a digit",
}
# That a script runs is known before its heading is there; of a quick one neither beginning nor end may be seen.
IDLE = "document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'"
# Notes when a tick was asked for.
NOTE_SENT = """(() => {
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (...rest) { window.sent = performance.now(); return send.apply(this, rest); };
})()"""
CURVE = "[...document.querySelectorAll('.js-plotly-plot')].find(g => g.layout?.yaxis2 && g.offsetWidth)"
LAST_X = f"({CURVE}?.calcdata || []).flat().reduce((last, p) => Math.max(last, p.x ?? 0), 0)"
# Seconds from what was sent last to a curve that reaches further.
TICK = f"""() => new Promise((done, fail) => {{
  const limit = performance.now() + 60000, before = {LAST_X};
  const look = () => {{
    if ({LAST_X} > before) done((performance.now() - window.sent) / 1000);
    else if (performance.now() > limit) fail(new Error("no tick"));
    else requestAnimationFrame(look);
  }};
  look();
}})"""


def strokes(page: Page, url: str, count: int) -> list[float]:
    """Seconds from the end of a stroke to the new prediction."""
    open_page(page, url, "Draw a digit from 0 to 9")
    page.locator("canvas").first.wait_for()
    found = []
    for number in range(count + 1):
        points = STROKES[list(STROKES)[number % len(STROKES)]]
        if number:
            page.locator(".st-key-clear button").click()
        page.wait_for_function(f"() => {ANSWER}.includes('Draw a digit')")
        box = page.locator("canvas").first.bounding_box()
        assert box is not None
        places = [(box["x"] + x, box["y"] + y) for x, y in points]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place, steps=5)
        found.append(seconds_from(page, "mouseup", page.mouse.up, f"{ANSWER}.includes('sure')"))
    return found[1:]  # the first waited for the worker


def switches(page: Page, url: str, rounds: int) -> dict[str, list[float]]:
    """Seconds from the click on a page's name to all of it, by the page."""
    open_page(page, url, "Draw a digit from 0 to 9")
    found: dict[str, list[float]] = {name: [] for name in PAGES}
    for number in range(rounds + 1):
        for name, heading in PAGES.items():
            link = page.get_by_test_id("stSidebarNavLink").get_by_text(name, exact=True)
            there = f"[...document.querySelectorAll('h1')].some(e => e.innerText.trim() === {heading!r})"
            seconds = seconds_from(page, "click", link.click, f"{there} && {IDLE} && {DRAWN}")
            if number:  # the first reads files and imports modules
                found[name].append(seconds)
            wait_for_rerun(page)
            page.wait_for_timeout(500)
    return found


def clicks(page: Page, count: int) -> list[float]:
    """Seconds from a click on a layer to its fields, and from the next click to their end."""
    found = []
    for number in range(count):
        is_open = number % 2 == 1
        test = f"{'!' if is_open else '!!'}document.querySelector('[class*=\"st-key-editor\"]')"
        layer = page.get_by_role("button", name="1 · Conv2D")
        found.append(seconds_from(page, "click", layer.click, test))
        page.wait_for_timeout(300)
    return found


def edits(page: Page, count: int) -> list[float]:
    """Seconds from Enter in a layer's field to the new number of parameters."""
    page.get_by_role("button", name="1 · Conv2D").click()
    field = page.locator("[data-testid=stSidebar] input[aria-label='Filters']")
    field.wait_for()
    total = "document.querySelector('.st-key-totals')?.innerText"
    found = []
    for number in range(count):
        wait_for_rerun(page)
        page.wait_for_timeout(300)
        before = page.evaluate(total)
        field.fill(str(8 + number % 7))
        test = f"{total} !== {before!r} && {DRAWN}"
        found.append(seconds_from(page, "keydown", lambda: field.press("Enter"), test))
    wait_for_rerun(page)
    page.get_by_role("button", name="1 · Conv2D").click()
    return found


def train(page: Page, epochs: int, store: RunStore) -> tuple[float, float]:
    """Seconds from Train to the end of the first batch, and to the first point of the curve."""
    page.get_by_role("tab", name="Training").click()
    field = page.get_by_role("spinbutton", name="Epochs")
    field.fill(str(epochs))
    field.press("Enter")
    wait_for_rerun(page)
    page.wait_for_timeout(1000)
    button = page.get_by_role("button", name="Train", exact=True)
    with ThreadPoolExecutor(1) as beside:
        began = time.monotonic()
        first = beside.submit(first_batch, store)
        drawn = seconds_from(page, "click", button.click, f"{LAST_X} > 0")
        return first.result() - began, drawn


def first_batch(store: RunStore) -> float:
    """Waits for the first point of the training that begins; returns when it came, by the clock that never jumps."""
    limit = time.monotonic() + 60
    while time.monotonic() < limit:
        if any(store.points(run.id) for run in store.active()):
            return time.monotonic()
        time.sleep(0.02)
    raise SystemExit("The training did not begin.")


def ticks(page: Page, count: int) -> list[float]:
    """Seconds from the question of a tick to its points in the chart."""
    return [float(page.evaluate(TICK)) for _ in range(count)]


def on_the_lab(page: Page, url: str, rounds: int, when: str) -> None:
    """Prints clicks and edits."""
    open_page(page, f"{url}lab", "Trainable parameters")
    print(words(f"click on a layer to its fields, {when}", clicks(page, 2 * rounds)), flush=True)
    print(words(f"typed filters to the new count, {when}", edits(page, rounds)), flush=True)


def everywhere(page: Page, url: str, rounds: int, when: str) -> None:
    """Prints strokes and page switches."""
    print(words(f"stroke to prediction, {when}", strokes(page, url, rounds)), flush=True)
    found = switches(page, url, max(2, rounds // 2))
    for name, values in found.items():
        print(words(f"switch to {name}, {when}", values), flush=True)
    print(words(f"switch to any page, {when}", [each for values in found.values() for each in values]), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    rounds = options.rounds
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = launch(playwright)
        if browser is None:
            raise SystemExit("No Chromium here: set MNIST_LAB_CHROMIUM to its path.")
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.add_init_script(NOTE_SENT)
        with Server(ROOT / "app.py", Path(folder), {"MNIST_LAB_HOME": f"{folder}/home"}) as server:
            print(HEAD, flush=True)
            strokes(page, server.url, 1)  # the worker is warm
            time.sleep(5)  # the probe of the machine's speed ends
            everywhere(page, server.url, rounds, "at rest")
            on_the_lab(page, server.url, rounds, "at rest")
            store = RunStore(open_engine(f"sqlite:///{folder}/home/lab.db"), Path(folder) / "home")
            batch, drawn = train(page, 500, store)
            print(words("Train to the first batch", [batch]), flush=True)
            print(words("Train to the first point of the curve", [drawn]), flush=True)
            try:
                print(words("one tick of the chart", ticks(page, rounds)), flush=True)
                on_the_lab(page, server.url, rounds, "while training")
                everywhere(page, server.url, rounds, "while training")
            finally:
                # A training outlives its server: that is what the program is made for.
                open_page(page, f"{server.url}lab", "Trainable parameters")
                page.get_by_role("tab", name="Training").click()
                page.get_by_role("button", name="Stop").click()
                page.get_by_text("stopped").first.wait_for()
                store.close()
        browser.close()


if __name__ == "__main__":
    main()

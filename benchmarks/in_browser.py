"""What a person waits for in the browser, measured inside Chromium: strokes, clicks while training, Train.

    MNIST_LAB_DATA=FOLDER python benchmarks/in_browser.py [--strokes 20] [--clicks 60]

Printed: seconds from Train to the first point of the curve with the warm worker; from the end of a stroke to the new
prediction; from a click to the changed text on the Lab page, at rest and while a training has the processor.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from playwright.sync_api import Page, sync_playwright

from tests.browser.server import ROOT, Server, launch, open_page, wait_for_rerun

# Waits in the page itself, frame by frame, so that Playwright's own way to the browser is not measured.
WATCH = """([event, test]) => new Promise((done, fail) => {
  const holds = new Function("return " + test);
  const limit = performance.now() + 60000;
  const begin = (e) => {
    const start = e ? e.timeStamp : performance.now();
    const look = () => {
      if (holds()) done((performance.now() - start) / 1000);
      else if (performance.now() > limit) fail(new Error("waited in vain for " + test));
      else requestAnimationFrame(look);
    };
    look();
  };
  document.addEventListener(event, begin, {once: true, capture: true});
})"""
HEADING = "(document.querySelector('.st-key-answer')?.innerText || '')"
STROKES = {  # digits of one stroke, on a canvas of 280 by 280
    1: [(140, 50), (140, 230)],
    7: [(80, 60), (200, 60), (120, 220)],
    0: [(140, 50), (90, 90), (80, 150), (100, 210), (140, 230), (185, 205), (200, 140), (185, 80), (140, 50)],
}


def watch(page: Page, event: str, test: str) -> None:
    """Begins to measure at the next event of that kind; `measured` gives the seconds until `test` holds."""
    page.evaluate("([watch, ...rest]) => { window.measured = eval(watch)(rest); }", [WATCH, event, test])


def measured(page: Page) -> float:
    return float(page.evaluate("() => window.measured"))


def strokes(page: Page, url: str, count: int) -> list[float]:
    """Seconds from the end of a stroke to the new prediction."""
    open_page(page, url, "Draw a digit from 0 to 9")
    page.locator("canvas").first.wait_for()
    wait_until_warm(page)
    found = []
    for number in range(count):
        digit = list(STROKES)[number % len(STROKES)]
        page.locator(".st-key-clear button").click()
        page.wait_for_function(f"() => {HEADING}.includes('Draw a digit')")
        box = page.locator("canvas").first.bounding_box()
        assert box is not None
        points = [(box["x"] + x, box["y"] + y) for x, y in STROKES[digit]]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point, steps=5)
        watch(page, "mouseup", f"{HEADING}.includes('sure')")
        page.mouse.up()
        found.append(measured(page))
    return found


def wait_until_warm(page: Page) -> None:
    box = page.locator("canvas").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 140, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 140, box["y"] + 220, steps=5)
    page.mouse.up()
    page.wait_for_function(f"() => {HEADING}.includes('sure')", timeout=120_000)


def clicks(page: Page, count: int) -> list[float]:
    """Seconds from a click on a layer to its fields, and from the next click to their end."""
    found = []
    for number in range(count):
        is_open = number % 2 == 1
        test = f"{'!' if is_open else '!!'}document.querySelector('[class*=\"st-key-editor\"]')"
        watch(page, "click", test)
        page.get_by_role("button", name="1 · Conv2D").click()
        found.append(measured(page))
        page.wait_for_timeout(300)
    return found


def train(page: Page, epochs: int) -> float:
    """Seconds from Train to the first point of the curve."""
    page.get_by_role("tab", name="Training").click()
    field = page.get_by_role("spinbutton", name="Epochs")
    field.fill(str(epochs))
    field.press("Enter")
    wait_for_rerun(page)
    page.wait_for_timeout(1000)
    curves = "[...document.querySelectorAll('.js-plotly-plot')].filter(g => g.layout.yaxis2)"
    points = f"{curves}.some(g => (g.calcdata || []).some(curve => curve.length && curve[0].x !== undefined))"
    page.wait_for_function(f"() => !({points})")
    watch(page, "click", points)
    page.get_by_role("button", name="Train", exact=True).click()
    return measured(page)


def words(name: str, values: list[float]) -> str:
    ordered = sorted(values)
    late = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return f"{name}: median {statistics.median(values):.3f} s, 95th percentile {late:.3f} s, of {len(values)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--strokes", type=int, default=20)
    parser.add_argument("--clicks", type=int, default=60)
    options = parser.parse_args()
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = launch(playwright)
        if browser is None:
            raise SystemExit("No Chromium here: set MNIST_LAB_CHROMIUM to its path.")
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        with Server(ROOT / "app.py", Path(folder), {"MNIST_LAB_HOME": f"{folder}/home"}) as server:
            print(words("stroke to prediction", strokes(page, server.url, options.strokes)), flush=True)
            open_page(page, f"{server.url}lab", "Trainable parameters")
            print(words("click to text, at rest", clicks(page, options.clicks)), flush=True)
            time.sleep(5)  # the probe of the machine's speed ends
            print(f"Train to the first point: {train(page, 200):.2f} s", flush=True)
            try:
                print(words("click to text, while training", clicks(page, options.clicks)), flush=True)
            finally:
                # A training outlives its server: that is what the program is made for.
                page.get_by_role("button", name="Stop").click()
                page.get_by_text("stopped").first.wait_for()
        browser.close()


if __name__ == "__main__":
    main()

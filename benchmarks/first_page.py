"""How long a person waits for the first page: from the command to text in Chromium, against an empty Streamlit page.

    python benchmarks/first_page.py [--rounds 7]

In each round the empty page (it imports streamlit, numpy, pandas, plotly and sqlalchemy, as the program must) and the
program start one after the other, each in a process of its own, in turns as to who is first. Printed: seconds of each
round, the medians and their ratio.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from playwright.sync_api import Browser, sync_playwright

from tests.browser.server import ROOT, Server, launch

EMPTY = """
import numpy, pandas, plotly.graph_objects, sqlalchemy
import streamlit as st

st.title("An empty page")
"""


# Looked for in the page itself: Playwright asks ever more rarely, and not while the page is busy.
LOOK = """(() => {
  const drawn = () => [...document.querySelectorAll("*")].some(e => (e.shadowRoot ?? e).querySelector("canvas"));
  const now = () => performance.timeOrigin + performance.now();
  const look = () => {
    if (!window.text && document.body?.innerText.includes("%s")) window.text = now();
    if (!window.canvas && drawn()) window.canvas = now();
    if (!window.text || !window.canvas) setTimeout(look, 10);
  };
  look();
})()"""


def seconds(browser: Browser, script: Path, text: str, folder: Path) -> dict[str, float]:
    """From the command to the text on the page and, for the program, to a canvas that one can draw on."""
    wanted = ["text", "canvas"] if script.parent == ROOT else ["text"]
    page = browser.new_page()
    page.add_init_script(LOOK % text)
    server = Server(script, folder, {"MNIST_LAB_HOME": str(folder / "home")})
    began = time.time()
    try:
        server.start()
        page.goto(server.url)
        page.wait_for_function(f"() => {' && '.join(f'window.{name}' for name in wanted)}", timeout=60_000)
        return {name: float(page.evaluate(f"() => window.{name}")) / 1000 - began for name in wanted}
    finally:
        page.close()
        server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    found: dict[str, list[float]] = {}
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = launch(playwright)
        if browser is None:
            raise SystemExit("No Chromium here: set MNIST_LAB_CHROMIUM to its path.")
        empty = Path(folder) / "empty.py"
        empty.write_text(EMPTY)
        for number in range(options.rounds + 1):
            turns = [("empty", empty, "An empty page"), ("lab", ROOT / "app.py", "Draw a digit from 0 to 9")]
            for name, script, text in turns if number % 2 else reversed(turns):
                place = Path(folder) / f"{name}-{number}"
                place.mkdir()
                taken = seconds(browser, script, text, place)
                # The first round fills the disk's cache.
                for what, value in taken.items() if number else ():
                    found.setdefault(f"{name}, {what}", []).append(value)
                    print(f"round {number} {name}, {what}: {value:.2f} s", flush=True)
        browser.close()
    medians = {what: statistics.median(values) for what, values in found.items()}
    for what, value in medians.items():
        print(f"median {what}: {value:.2f} s, {value / medians['empty, text']:.2f} times the empty page")


if __name__ == "__main__":
    main()

"""Takes the screenshots of the README: starts the program on a free port and drives it with Chromium.

Usage, from the repository: ``.venv/bin/python tools/screenshots.py [FOLDER]``; the folder is ``docs`` by default.
"""

from __future__ import annotations

import math
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.browser.server import Server, launch, open_page, wait_for_rerun  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Page

WIDTH, HEIGHT = 1280, 860
ANSWER_SECONDS = 120  # the inference process imports TensorFlow first


def three() -> list[tuple[float, float]]:
    """The digit 3 as one stroke, in shares of the canvas."""
    upper = [(0.5 + 0.17 * math.cos(a), 0.34 + 0.15 * math.sin(a)) for a in turn(-2.6, 1.57)]
    lower = [(0.5 + 0.2 * math.cos(a), 0.67 + 0.18 * math.sin(a)) for a in turn(-1.57, 2.6)]
    return upper + lower


def turn(start: float, end: float, steps: int = 24) -> list[float]:
    """Angles from one to the other, in radians."""
    return [start + (end - start) * step / steps for step in range(steps + 1)]


def draw(page: Page) -> None:
    """Draws a digit on the canvas of the page, wherever it stands."""
    canvas = page.locator("canvas.upper-canvas").first
    canvas.wait_for(timeout=30_000)
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    if box is None:
        raise SystemExit("The canvas cannot be seen.")
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in three()]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point, steps=2)
    page.mouse.up()


def take(page: Page, url: str, folder: Path) -> None:
    """Both screenshots."""
    open_page(page, url)
    draw(page)
    page.get_by_text("It says: 3").wait_for(timeout=ANSWER_SECONDS * 1000)
    wait_for_rerun(page)
    page.wait_for_timeout(1_000)
    page.mouse.move(2, 2)
    page.screenshot(path=folder / "draw.png")

    open_page(page, url + "lab")
    page.wait_for_timeout(3_000)
    page.screenshot(path=folder / "lab.png")


def main(folder: Path) -> None:
    """Starts the program with an empty home and photographs it."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        browser = launch(playwright)
        if browser is None:
            raise SystemExit("No Chromium: set MNIST_LAB_CHROMIUM to its path.")
        place = Path(temporary)
        with Server(ROOT / "app.py", place, {"MNIST_LAB_HOME": str(place / "home")}) as server:
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
            take(page, server.url, folder)
        browser.close()
    print(f"Written: {folder / 'draw.png'} and {folder / 'lab.png'}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs")

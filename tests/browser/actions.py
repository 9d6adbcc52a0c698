"""What a person does in the pages of MNIST Lab, and what they read there."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tests.browser.server import Server, open_page, wait_for_rerun

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

T = TypeVar("T")
Point = tuple[float, float]
SIDEBAR = "[data-testid=stSidebar]"
MAIN = "[data-testid=stMain]"
LIVE = "Loss and accuracy while training"
PATIENCE = 60
"""Seconds that a condition may take on a slow, shared machine."""


def eventually(page: Page, read: Callable[[], T], wanted: Any, seconds: float = PATIENCE) -> T:
    """Reads again and again until the value is the wanted one, or a wanted function of it is true."""
    deadline = time.monotonic() + seconds
    while True:
        seen = read()
        if wanted(seen) if callable(wanted) else seen == wanted:
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"After {seconds} s the page still shows {seen!r}; wanted: {wanted!r}.")
        page.wait_for_timeout(40)


def settled(page: Page) -> None:
    """Waits until the page has run and what the last run left behind is gone."""
    wait_for_rerun(page, PATIENCE)
    page.wait_for_function("!document.querySelector('[data-testid=stElementContainer][data-stale=true]')")


def field(page: Page, label: str, within: str = MAIN) -> Locator:
    """The input with a label."""
    return page.locator(f"{within} input[aria-label='{label}']")


def fill(page: Page, label: str, value: object, within: str = MAIN) -> None:
    """Types a value into a field and presses Enter."""
    settled(page)
    box = field(page, label, within)
    box.fill(str(value))
    box.press("Enter")


def choose(page: Page, label: str, typed: str, within: str = MAIN, option: str | None = None) -> None:
    """Types into a select box and clicks the option that then begins with `option`, or with what was typed."""
    settled(page)
    box = page.locator(within).get_by_role("combobox", name=label, exact=True)
    box.click()
    box.fill(typed)
    page.get_by_role("option", name=re.compile(rf"^{re.escape(option or typed)}")).first.click()


def press(page: Page, key: str) -> None:
    """Clicks the button that the page knows by a key."""
    page.locator(f".st-key-{key} button:visible").click()


def download(page: Page, button: Locator, folder: Path) -> Path:
    """Waits for a button, clicks it, and saves what it gives under the name that comes with it."""
    button.wait_for(timeout=PATIENCE * 1000)
    settled(page)
    with page.expect_download(timeout=2 * PATIENCE * 1000) as waiting:
        button.click()
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


def tool(page: Page, words: str) -> None:
    """Clicks one of the four tools under the selected layer."""
    settled(page)
    icon = {"up": "arrow_upward", "down": "arrow_downward", "duplicate": "content_copy", "remove": "delete"}[words]
    page.locator(f"{SIDEBAR} button:visible").filter(has_text=icon).click()


def rows(page: Page) -> list[str]:
    """The layers in the sidebar."""
    return page.evaluate(
        """() => [...document.querySelectorAll('[class*="st-key-row-"]')].map(e => e.innerText.trim())"""
    )


def select_row(page: Page, text: str) -> None:
    """Clicks a layer in the sidebar, and waits until it is selected, or no longer is."""
    settled(page)
    row = page.locator(f"{SIDEBAR} button:visible").filter(has_text=text)
    before = row.get_attribute("data-testid")
    row.click()
    eventually(page, lambda: row.get_attribute("data-testid") != before, True)


def metrics(page: Page) -> dict[str, str]:
    """The totals above the network."""
    return page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll('[data-testid=stMetric]')].map(e => [
        e.querySelector('[data-testid=stMetricLabel]').innerText.trim(),
        e.querySelector('[data-testid=stMetricValue]').innerText.trim()]))"""
    )


_GRID = """const grid = [...document.querySelectorAll('table[role=grid], .run-columns table')].find(
    e => [...e.querySelectorAll('th')].some(th => th.textContent.trim() === column));"""


def table(page: Page, column: str) -> list[dict[str, str]]:
    """What the table with that column shows, one dictionary a row (of what can be seen without scrolling)."""
    return page.evaluate(
        f"""column => {{ {_GRID} if (!grid) return [];
        const names = [...grid.querySelectorAll('th')].map(e => e.textContent.trim());
        return [...grid.querySelectorAll('tbody tr')].map(row => Object.fromEntries(
            [...row.querySelectorAll('th, td')].map((cell, i) => [names[i], cell.textContent.trim()]))) }}""",
        column,
    )


def number(text: str) -> int:
    """A whole number as the pages write it."""
    return int(text.replace(",", ""))


def alerts(page: Page) -> list[str]:
    """The messages in coloured boxes."""
    return [text.strip() for text in page.locator(f"{MAIN} [data-testid=stAlert]:visible").all_inner_texts()]


def captions(page: Page) -> list[str]:
    """The small grey lines of the page."""
    return [text.strip() for text in page.locator(f"{MAIN} [data-testid=stCaptionContainer]").all_inner_texts()]


def chart(page: Page, label: str, expression: str, arg: Any = None) -> Any:
    """Evaluates an expression of ``node``, the chart with that label, and ``arg``; None while it is not drawn."""
    return page.evaluate(
        f"""([label, arg]) => {{ const node = document.querySelector(`.mnist-lab-plot[aria-label="${{label}}"]`);
        return node?._fullData && node.offsetWidth ? ({expression}) : null }}""",
        [label, arg],
    )


def traces(page: Page, label: str = LIVE) -> dict[str, dict[str, Any]]:
    """The curves of a chart by their uid: how many points, the first x, whether they can be seen."""
    found = chart(
        page,
        label,
        "node._fullData.map(t => [t.uid, {n: t.x.length, first: t.x[0], name: t.name, visible: t.visible}])",
    )
    return dict(found or [])


def drag_across(page: Page, label: str, start: float, end: float) -> None:
    """Zooms into a part of the x axis, as shares of its width, by dragging in the chart's upper panel."""
    node = page.locator(f'.mnist-lab-plot[aria-label="{label}"]')
    node.scroll_into_view_if_needed()
    box = chart(
        page, label,
        """(() => { const b = node.getBoundingClientRect(), s = node._fullLayout._size;
        return {x: b.x + s.l, y: b.y + s.t, w: s.w, h: s.h} })()""",
    )  # fmt: skip
    y = box["y"] + 0.2 * box["h"]
    page.mouse.move(box["x"] + start * box["w"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + end * box["w"], y, steps=8)
    page.mouse.up()


# --- the Lab ---------------------------------------------------------------------------------------------------------


def open_lab(page: Page, lab: Server, tab: str | None = None) -> None:
    """Opens the Lab, on one of its tabs."""
    open_page(page, f"{lab.url}lab", "Start from")
    if tab:
        open_tab(page, tab)


def open_tab(page: Page, name: str) -> None:
    """Opens a tab, and waits until what is in it is there: some are drawn only when they are opened."""
    settled(page)
    page.get_by_role("tab", name=name, exact=True).click()
    page.wait_for_function(
        "name => [...document.querySelectorAll('[role=tab]')]"
        ".some(e => e.innerText.trim() === name && e.getAttribute('aria-selected') === 'true' &&"
        " document.getElementById(e.getAttribute('aria-controls'))?.querySelector('[data-testid=stElementContainer]'))",
        arg=name,
    )


def show_settings(page: Page) -> None:
    """Opens the settings of the training, which are folded while one is under way."""
    from playwright.sync_api import TimeoutError as Late

    train = page.locator(".st-key-train button:visible")
    for _ in range(10):
        settled(page)
        if not train.count():
            page.get_by_text("Settings", exact=True).click()
        # The fold closes when a training begins elsewhere, perhaps just after this click.
        with suppress(Late):
            train.wait_for(timeout=100 * PATIENCE)
            return
    raise AssertionError("The settings of the training do not stay open.")


def start_training(page: Page, name: str, *, epochs: int, images: int, batch: int = 128) -> None:
    """Fills the form and presses Train; the tab Training is open."""
    show_settings(page)
    for label, value in (("Epochs", epochs), ("Training images", images), ("Batch size", batch), ("Name", name)):
        fill(page, label, value)
    eventually(page, lambda: " ".join(captions(page)), lambda words: f" for {epochs};" in words or "engine is" in words)
    settled(page)
    press(page, "train")


def head(page: Page) -> str:
    """The line that says where the training under way, or the last one, is."""
    return next((line for line in captions(page) if re.search(r" · [\d,]+ parameters$", line)), "")


def wait_points(page: Page, least: int = 1) -> dict[str, dict[str, Any]]:
    """Waits until the curve within the epochs has so many points."""
    return eventually(
        page, lambda: traces(page), lambda found: found.get("batch-loss", {"n": 0})["n"] >= least, 2 * PATIENCE
    )


def epoch(page: Page) -> int:
    """The epoch under way, or 0."""
    found = re.search(r"epoch (\d+) of", head(page))
    return int(found[1]) if found else 0


def stop_seconds(page: Page) -> float:
    """Presses Stop and returns the seconds until the page says "stopped", measured in the page."""
    milliseconds = page.evaluate(
        """() => new Promise((resolve, reject) => {
        const button = [...document.querySelectorAll('.st-key-stop button')].find(e => e.offsetWidth);
        const start = performance.now();
        button.click();
        const timer = setInterval(() => {
            const lines = [...document.querySelectorAll('[data-testid=stMain] [data-testid=stCaptionContainer]')];
            if (lines.some(e => e.innerText.trim().startsWith('stopped ·'))) {
                clearInterval(timer); resolve(performance.now() - start);
            } else if (performance.now() - start > 60000) { clearInterval(timer); reject(new Error('not stopped')) }
        }, 20) })"""
    )
    return milliseconds / 1000


# --- drawing ---------------------------------------------------------------------------------------------------------


def _arc(x: float, y: float, width: float, height: float, start: float, end: float) -> list[Point]:
    angles = [math.radians(start + (end - start) * step / 23) for step in range(24)]
    return [(x + width * math.cos(angle), y + height * math.sin(angle)) for angle in angles]


STROKES: dict[int, list[list[Point]]] = {
    0: [_arc(140, 140, 58, 85, -90, 270)],
    1: [[(152, 50), (130, 230)]],
    2: [[*_arc(140, 100, 52, 48, -170, 30), (150, 165), (85, 225), (205, 222)]],
    3: [_arc(135, 97, 50, 42, -150, 90) + _arc(135, 183, 55, 46, -90, 150)],
    4: [[(105, 55), (85, 150), (200, 150)], [(165, 60), (155, 235)]],
    5: [[(195, 60), (105, 60), (98, 130), *_arc(135, 172, 60, 50, -110, 140)]],
    6: [[(170, 50), (115, 120), *_arc(140, 180, 45, 48, -160, 200)]],
    7: [[(80, 65), (198, 65), (125, 232)]],
    8: [_arc(140, 95, 42, 42, 90, -270) + _arc(140, 185, 50, 48, -90, 270)],
    9: [_arc(140, 100, 46, 44, 20, -340), [(185, 110), (160, 232)]],
}
"""The strokes of each digit, on a canvas of 280 by 280."""


def draw(page: Page, strokes: Sequence[Sequence[Point]]) -> None:
    """Draws strokes on the canvas with the mouse."""
    canvas = page.locator("canvas.upper-canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    for stroke in strokes:
        (x, y), *others = stroke
        page.mouse.move(box["x"] + x, box["y"] + y)
        page.mouse.down()
        for x, y in others:
            page.mouse.move(box["x"] + x, box["y"] + y, steps=3)
        page.mouse.up()


def toolbar(page: Page, title: str) -> None:
    """Clicks a button of the canvas's own toolbar."""
    page.locator("canvas.upper-canvas").hover()
    page.locator(f"button[title='{title}']").click()


def answer(page: Page) -> str:
    """The heading beside the canvas."""
    return page.evaluate("() => document.querySelector('.st-key-answer h3')?.innerText.trim() ?? ''")


# --- saved runs ------------------------------------------------------------------------------------------------------


def run_names(page: Page) -> list[str]:
    """The names in the table of runs, from its top."""
    return [row["Name"] for row in table(page, "Name")]


def tick_run(page: Page, name: str) -> None:
    """Clicks the box before a run in the table of runs."""
    tick_row(page, "Name", name)


def tick_row(page: Page, column: str, value: str) -> None:
    """Clicks the box before the row of the table that has this value in that column."""
    settled(page)
    values = [row[column] for row in table(page, column)]
    where = f"""column => {{ {_GRID} const frame = grid.closest('[data-testid=stDataFrame]');
        frame.scrollIntoView({{block: 'nearest'}}); const b = frame.getBoundingClientRect();
        return {{x: b.x, y: b.y, height: b.height}} }}"""
    box, before = page.evaluate(where, column), None
    # What has just been drawn above or below may still move it; a click on an element would wait for that by itself.
    while box != before:
        page.wait_for_timeout(100)
        box, before = page.evaluate(where, column), box
    page.mouse.click(box["x"] + 18, box["y"] + box["height"] / (len(values) + 1) * (values.index(value) + 1.5))

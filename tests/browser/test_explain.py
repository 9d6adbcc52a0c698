"""The Explain page in Chromium: from a drawing or an image by one click, patches under the pointer, arithmetic."""

from __future__ import annotations

import json

import pytest

from mnist_lab import starter
from mnist_lab.architecture import Architecture
from mnist_lab.store.artefacts import MODEL
from tests.browser.actions import (
    MAIN,
    PATIENCE,
    STROKES,
    answer,
    chart,
    draw,
    eventually,
    press,
    settled,
)  # fmt: skip
from tests.browser.server import open_page, screenshot
from tests.made_runs import add_run

MAPS = "Maps"


def open_view(page, name: str) -> None:
    settled(page)
    page.locator(".st-key-explain-view").get_by_text(name, exact=True).click()
    settled(page)


def subject(page) -> str:
    return page.locator(".st-key-subject").inner_text()


def words(page) -> str:
    return page.locator(MAIN).inner_text()


@pytest.fixture
def explained(lab, page):
    """A seven that was drawn, and explained by one click."""
    open_page(page, lab.url, "Draw a digit")
    page.locator("canvas.upper-canvas").wait_for(timeout=PATIENCE * 1000)
    settled(page)
    draw(page, STROKES[7])
    eventually(page, lambda: answer(page), "It says: 7")
    settled(page)
    press(page, "why-drawing")
    page.get_by_role("heading", name="Explain", exact=True).wait_for(timeout=PATIENCE * 1000)
    eventually(page, lambda: subject(page), lambda text: "Your drawing" in text and "It says: 7" in text)
    yield page
    assert page.errors == []


def point(page, row: int, column: int) -> tuple[float, float]:
    """Where a value of the first map is on the page."""
    found = chart(
        page, MAPS,
        """(() => { const b = node.getBoundingClientRect(), l = node._fullLayout;
        return [b.x + l._size.l + l.xaxis.d2p(arg[1]), b.y + l._size.t + l.yaxis.d2p(arg[0])] })()""",
        [row, column],
    )  # fmt: skip
    return tuple(found)


def test_a_drawing_is_looked_through_layer_by_layer(explained):
    page = explained
    open_view(page, "Layers")
    eventually(page, lambda: chart(page, MAPS, "node._fullData[0].z.length"), bool)
    settled(page)
    hover = page.locator(".mnist-lab-plot-hover:visible")

    def pointed() -> str:
        x, y = point(page, 10, 12)
        page.mouse.move(x - 3, y)
        page.mouse.move(x, y)
        return hover.inner_text() if hover.count() else ""

    # A convolution of 5x5 without padding sees five rows and columns from its own place on.
    eventually(page, pointed, lambda text: "row 10, column 12" in text and "Sees rows 10–14, columns 12–16" in text)
    screenshot(page, "explain-patch")
    page.mouse.click(*point(page, 10, 12))
    page.get_by_text("How channel 0 comes to its value in row 10, column 12").wait_for(timeout=PATIENCE * 1000)
    eventually(page, lambda: words(page), lambda text: "sum of products" in text and "The network says" in text)
    open_view(page, "Why this answer")
    for label in ("Occlusion map", "Gradient times input", "Grad-CAM"):
        eventually(page, lambda label=label: chart(page, label, "node._fullData.length"), 2)
    assert "a lead of +" in words(page)
    screenshot(page, "explain-why")


def test_a_slider_moves_the_image_and_the_probabilities_follow(explained):
    page = explained
    open_view(page, "What flips it")
    label = "Probabilities of the changed image"
    read = "Array.from(node._fullData[0].x)"
    before = eventually(page, lambda: chart(page, label, read), lambda values: values and max(values) > 0.5)
    slider = page.get_by_role("slider", name="Rotation (°)")
    slider.focus()
    slider.press("End")
    after = eventually(page, lambda: chart(page, label, read), lambda values: values != before)
    assert after.index(max(after)) != 7 or max(after) < max(before), "turned by 60° it is less of a seven"
    assert "in steps of" in words(page)
    screenshot(page, "explain-flips")


def test_an_image_of_the_data_leads_to_its_explanation(lab, page):
    open_page(page, f"{lab.url}data")
    page.locator(".mnist-lab-sheet button").nth(3).click(timeout=PATIENCE * 1000)
    page.get_by_role("heading", name="Explain", exact=True).wait_for(timeout=PATIENCE * 1000)
    eventually(page, lambda: subject(page), lambda text: "Image 3 of the training images" in text and "It says" in text)
    for width, height in ((390, 844), (1280, 900)):
        page.set_viewport_size({"width": width, "height": height})
        settled(page)
        inner = page.evaluate("(() => { const m = document.querySelector('[data-testid=stMain]'); "
                              "return m.scrollWidth <= m.clientWidth })()")  # fmt: skip
        assert inner, "the page scrolls sideways"
    assert page.errors == []


def test_a_mistake_leads_to_its_explanation_by_the_network_that_made_it(lab, lab_store, page):
    record = json.loads((starter.FOLDER / starter.RECORD).read_text())["run"]
    network = Architecture.from_dict(record["architecture"])
    run = add_run(lab_store, [5, 9], name="Wrong about two", network=network)
    with lab_store.artefacts.writing(run.id, MODEL) as path:
        path.write_bytes((starter.FOLDER / MODEL).read_bytes())
    open_page(page, f"{lab.url}?run={run.id}", "2 mistakes, most confident first")
    page.locator(".mnist-lab-sheet button").nth(1).click(timeout=PATIENCE * 1000)
    page.get_by_role("heading", name="Explain", exact=True).wait_for(timeout=PATIENCE * 1000)
    eventually(page, lambda: subject(page), lambda text: "Test image 9" in text and "It says" in text)
    asked = page.locator("[data-testid=stSidebar]").get_by_role("combobox", name="Explain this network")
    assert asked.input_value().startswith(run.name)
    screenshot(page, "explain-mistake")
    lab_store.delete([run.id])
    assert page.errors == []

"""Points of accuracy against cost, clicked in Chromium, and the threshold of refusing, moved there."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mnist_lab.calibration import Coverage
from mnist_lab.store import RunStore
from mnist_lab.store.artefacts import PREDICTIONS
from mnist_lab.store.database import open_engine
from mnist_lab.studies import preset
from tests.browser.actions import PATIENCE, chart, choose, eventually, press, rows, settled, tick_run
from tests.browser.server import ROOT, open_page, screenshot
from tests.made_runs import ONE, WIDE, add_run
from tests.test_calibration import network

LABEL = "Accuracy against cost"
CURVE = "Accuracy against coverage"


@pytest.fixture(scope="module")
def served(start_server):
    """A server over a store of made runs: "small" in two seeds, "wide" in one."""
    server = start_server(ROOT / "app.py")
    home = Path(server.environment["MNIST_LAB_HOME"])
    home.mkdir(exist_ok=True)
    store = RunStore(open_engine(f"sqlite:///{home / 'lab.db'}"), home)
    for seed in (1, 2):
        add_run(store, range(9 + seed), training=replace(ONE, seed=seed), name=f"small, seed {seed}")
    wide = add_run(store, range(4), network=WIDE, name="wide")
    labels, probabilities = network(1000, 1)
    with store.artefacts.writing(wide.id, PREDICTIONS) as path:
        np.savez_compressed(path, probabilities=probabilities, labels=labels, indices=np.arange(1000))
    store.close()
    return server


@pytest.fixture
def shelf(served, page):
    open_page(page, f"{served.url}runs", "Runs")
    eventually(page, lambda: kinds(page), bool)
    yield page
    assert page.errors == []


def kinds(page) -> dict[str, list[str]]:
    """The keys of the points by the kind of their trace."""
    return dict(chart(page, LABEL, "node._fullData.filter(t => t.customdata).map(t => [t.uid, t.customdata])") or [])


def click_point(page, uid: str, which: str) -> None:
    """Clicks the one point of a trace whose key has this in it, where the mouse finds it."""
    settled(page)
    node = page.locator(f'.mnist-lab-plot[aria-label="{LABEL}"]')
    node.scroll_into_view_if_needed()
    place = eventually(
        page,
        lambda: page.evaluate(
            """([label, uid, which]) => {
            const node = document.querySelector(`.mnist-lab-plot[aria-label="${label}"]`);
            const trace = node?._fullData?.find(t => t.uid === uid);
            const index = trace?.customdata.findIndex(key => key.includes(which)) ?? -1;
            if (index < 0) return null;
            const box = node.getBoundingClientRect(), layout = node._fullLayout;
            return {x: box.x + layout._size.l + layout.xaxis.d2p(trace.x[index]),
                    y: box.y + layout._size.t + layout.yaxis.d2p(trace.y[index])} }""",
            [LABEL, uid, which],
        ),
        bool,
    )
    page.mouse.move(place["x"] - 3, place["y"])
    page.mouse.move(place["x"], place["y"], steps=3)
    page.wait_for_timeout(150)
    page.mouse.click(place["x"], place["y"])


def test_a_click_on_a_measured_point_opens_its_run(shelf):
    eventually(shelf, lambda: len(kinds(shelf).get("yours-False", [])), 2)
    (wide,) = (key for key in kinds(shelf)["yours-False"] if "wide" in shelf_names(shelf, key))
    click_point(shelf, "yours-False", wide)
    heading = shelf.locator(".st-key-details").get_by_role("heading")
    eventually(shelf, heading.all_inner_texts, ["wide"])
    ring = eventually(shelf, lambda: chart(shelf, LABEL, "node._fullData.find(t => t.uid === 'selected')?.x"), bool)
    assert len(ring) == 1
    screenshot(shelf, "pareto-run")


def shelf_names(page, key: str) -> str:
    """What is shown where the pointer rests on a point."""
    expression = (
        "node._fullData.flatMap(t => (t.customdata ?? []).map((k, i) => [k, t.text[i]])).find(p => p[0] === arg)"
    )
    return chart(page, LABEL, expression, key)[1]


def test_a_click_on_several_seeds_selects_them_all(shelf):
    (small,) = (key for key in kinds(shelf)["yours-False"] if "2 seeds" in shelf_names(shelf, key))
    click_point(shelf, "yours-False", small)
    shelf.get_by_text("2 seeds of small are selected.").wait_for(timeout=PATIENCE * 1000)


def test_a_click_on_a_published_point_offers_its_model_and_loads_it_into_the_lab(shelf):
    choose(shelf, "Data", "MNIST")
    eventually(shelf, lambda: len(kinds(shelf).get("published-False", [])), 16)
    click_point(shelf, "published-False", "003-cnn-few-filters")
    shelf.locator(".st-key-pareto-card").wait_for(timeout=PATIENCE * 1000)
    screenshot(shelf, "pareto-card")
    press(shelf, "pareto-load")
    shelf.get_by_role("heading", name="Lab", exact=True).wait_for(timeout=PATIENCE * 1000)
    eventually(shelf, lambda: len(rows(shelf)), len(preset("003-cnn-few-filters").architecture.layers))


def test_the_threshold_is_moved_and_says_what_is_answered(shelf):
    coverage = Coverage(*network(1000, 1))
    tick_run(shelf, "wide")
    shelf.locator(".st-key-details").wait_for()
    settled(shelf)
    shelf.get_by_role("radio", name="Refusing").click()
    sentence = shelf.get_by_text(" of the 1,000 digits, ")
    eventually(shelf, sentence.all_inner_texts, [f"wide {coverage.at(0.9).sentence}."])
    point = "node._fullData.find(t => t.uid.endsWith('-chosen')).x[0]"
    eventually(shelf, lambda: chart(shelf, CURVE, point), coverage.at(0.9).coverage)
    slider = shelf.get_by_role("slider", name="Least confidence to answer")
    slider.focus()
    slider.press("ArrowRight")
    eventually(shelf, sentence.all_inner_texts, [f"wide {coverage.at(0.93).sentence}."])
    eventually(shelf, lambda: chart(shelf, CURVE, point), coverage.at(0.93).coverage)
    screenshot(shelf, "refusing")
    shelf.get_by_role("radio", name="Calibration").click()
    eventually(shelf, lambda: chart(shelf, "Reliability diagram", "node._fullData.length"), 3)
    screenshot(shelf, "calibration")

"""Accuracy against cost in Chromium: a click on a point opens its run, or loads its model into the Lab."""

from dataclasses import replace
from pathlib import Path

import pytest

from mnist_lab.store import RunStore
from mnist_lab.store.database import open_engine
from mnist_lab.studies import preset
from tests.browser.actions import PATIENCE, chart, choose, eventually, press, rows, settled
from tests.browser.server import ROOT, open_page, screenshot
from tests.made_runs import ONE, WIDE, add_run

LABEL = "Accuracy against cost"


@pytest.fixture(scope="module")
def served(start_server):
    """A server over a store of made runs: "small" in two seeds, "wide" in one."""
    server = start_server(ROOT / "app.py")
    home = Path(server.environment["MNIST_LAB_HOME"])
    home.mkdir(exist_ok=True)
    store = RunStore(open_engine(f"sqlite:///{home / 'lab.db'}"), home)
    for seed in (1, 2):
        add_run(store, range(9 + seed), training=replace(ONE, seed=seed), name=f"small, seed {seed}")
    add_run(store, range(4), network=WIDE, name="wide")
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

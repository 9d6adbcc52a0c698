"""A sweep in Chromium: marked in the Lab, seen while it runs, a trial clicked, stopped, its winner confirmed."""

import pytest

from tests.browser.actions import (
    PATIENCE,
    captions,
    chart,
    choose,
    eventually,
    field,
    fill,
    open_lab,
    open_tab,
    press,
    rows,
    settled,
    show_settings,
)
from tests.browser.server import ROOT, open_page, screenshot

pytest.importorskip("optuna")
pytestmark = pytest.mark.long
HISTORY = "The trials of the sweep in their order"


@pytest.fixture(scope="module")
def served(start_server):
    """A server of its own: a sweep takes its worker."""
    return start_server(ROOT / "app.py")


def head(page) -> str:
    """The line that says how far the sweep is."""
    return next((line for line in captions(page) if " of " in line and "trial" in line), "")


def click_trial(page, label: str) -> int:
    """Clicks the first trial that was trained to the end; returns its number."""
    settled(page)
    node = page.locator(f'.mnist-lab-plot[aria-label="{label}"]')
    node.scroll_into_view_if_needed()
    place = eventually(
        page,
        lambda: chart(
            page,
            label,
            """(() => { const t = node._fullData.find(t => t.uid === 'complete'); if (!t?.x?.length) return null;
            const b = node.getBoundingClientRect(), l = node._fullLayout;
            return {x: b.x + l._size.l + l.xaxis.d2p(t.x[0]), y: b.y + l._size.t + l.yaxis.d2p(t.y[0]),
                    number: t.customdata[0]} })()""",
        ),
        bool,
    )
    page.mouse.move(place["x"] - 3, place["y"])
    page.mouse.move(place["x"], place["y"], steps=3)
    page.wait_for_timeout(150)
    page.mouse.click(place["x"], place["y"])
    return place["number"]


def test_a_sweep_from_the_mark_in_the_lab_to_its_confirmed_winner(served, page):
    open_lab(page, served, "Training")
    show_settings(page)
    for label, value in (("Epochs", 1), ("Training images", 200)):
        fill(page, label, value)
    open_tab(page, "Search")
    choose(page, "Search a field", "Optimizer · Learning")
    choose(page, "Sampler", "random")
    fill(page, "Trials", 3)
    eventually(page, lambda: field(page, "Trials").input_value(), "3")
    page.get_by_text("any number of combinations").wait_for()
    screenshot(page, "search")
    settled(page)
    press(page, "start-sweep")
    page.get_by_role("heading", name="Sweeps").wait_for()

    # Live: the chart is there with the first trial, and is the same node with the last.
    eventually(page, lambda: chart(page, HISTORY, "node.marked = (node.marked ?? 0) + 1"), bool, 3 * PATIENCE)
    eventually(page, lambda: head(page), lambda line: line.startswith("finished · 3 of 3 trials"), 3 * PATIENCE)
    points = "node._fullData.filter(t => t.uid === 'complete').flatMap(t => t.customdata)"
    eventually(page, lambda: chart(page, HISTORY, points), [0, 1, 2])
    assert chart(page, HISTORY, "node.marked") >= 1, "another node"
    screenshot(page, "sweep-history")

    number = click_trial(page, HISTORY)
    page.locator(".st-key-sweep-trial").get_by_text(f"Trial {number}").first.wait_for()
    screenshot(page, "sweep-trial")
    for view, label in (
        ("Parallel coordinates", "The values of the trials as lines through all fields"),
        ("Slices", "Each searched field against the accuracy"),
        ("Pareto front", "Accuracy of the trials against their cost"),
    ):
        settled(page)
        page.get_by_role("radio", name=view).click()
        eventually(page, lambda label=label: chart(page, label, "node._fullData.length"), bool)
        screenshot(page, f"sweep-{view.split()[0].lower()}")
    settled(page)
    press(page, "sweep-trial-lab")
    page.get_by_role("heading", name="Lab", exact=True).wait_for()
    eventually(page, lambda: len(rows(page)), 8)

    # More trials, stopped on the way.
    open_page(page, f"{served.url}sweeps", "Sweeps")
    settled(page)
    press(page, "sweep-extend")
    press(page, "extend-now")
    eventually(page, lambda: head(page), lambda line: line.startswith("running · ") and " of 13 " in line)
    settled(page)
    press(page, "sweep-stop")
    eventually(page, lambda: head(page), lambda line: line.startswith("stopped · "))

    page.get_by_role("radio", name="Confirm the winner").click()
    fill(page, "Best trials", 1)
    fill(page, "Fresh seeds of each", 1)
    page.get_by_role("button", name="Train 1 run").wait_for()
    settled(page)
    press(page, "sweep-confirm")
    page.get_by_text("the search found").wait_for(timeout=3 * PATIENCE * 1000)
    screenshot(page, "sweep-confirmed")
    assert page.errors == []

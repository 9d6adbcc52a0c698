"""The reports that a person takes away, in Chromium: each arrives, stands alone, and shows what the page shows."""

import pytest

from tests.browser.actions import download, eventually, run_names, tick_run
from tests.browser.server import open_page, screenshot
from tests.made_runs import add_run

FIRST, SECOND = "Report one", "Report two"


@pytest.fixture
def made(lab_store):
    """Two finished runs that part over ten images."""
    runs = [add_run(lab_store, range(12), name=FIRST), add_run(lab_store, range(2), name=SECOND)]
    yield
    lab_store.delete([run.id for run in runs])


def open_alone(browser, path, picture: str) -> str:
    """Opens a file in a browser without a network; returns its words, once it neither failed nor asked for more."""
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    asked, errors = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(path.as_uri())
    page.wait_for_load_state("load")
    eventually(page, lambda: page.evaluate("[...document.images].every(e => e.naturalHeight > 0)"), True)
    eventually(page, page.locator(".js-plotly-plot .main-svg").count, bool)
    screenshot(page, picture)
    assert [url for url in asked if not url.startswith(("data:", "blob:"))] == [path.as_uri()]
    assert errors == []
    words = page.locator("body").inner_text()
    context.close()
    return words


def test_the_comparison_of_two_runs_is_a_page_that_stands_alone(lab, made, page, browser, tmp_path):
    open_page(page, f"{lab.url}runs", "Runs")
    eventually(page, lambda: set(run_names(page)) >= {FIRST, SECOND}, True)
    tick_run(page, FIRST)
    page.locator(".st-key-details").wait_for()
    tick_run(page, SECOND)
    file = download(page, page.locator(".st-key-comparison-html button:visible"), tmp_path)
    words = open_alone(browser, file, "report-comparison")
    assert FIRST in words and SECOND in words and "McNemar" in words
    assert page.errors == []


def test_the_report_of_a_study_is_a_page_that_stands_alone(lab, page, browser, tmp_path):
    open_page(page, f"{lab.url}studies?study=000", "Study")
    file = download(page, page.locator(".st-key-report-html button:visible"), tmp_path)
    words = open_alone(browser, file, "report-study")
    assert "Baseline" in words and "Model 12" in words
    assert page.errors == []

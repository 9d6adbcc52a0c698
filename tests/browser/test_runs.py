"""The Runs page in Chromium: curves of two runs in one chart, names, stars, deletion, download."""

import re
import zipfile
from pathlib import Path

import pytest

from tests.browser.actions import (
    PATIENCE,
    chart,
    eventually,
    field,
    fill,
    head,
    open_lab,
    open_tab,
    press,
    run_names,
    settled,
    start_training,
    table,
    tick_run,
    traces,
)
from tests.browser.server import open_page, screenshot

CURVES = "Curves of the selected runs"


def train_shortly(page, lab, name: str, epochs: int) -> None:
    open_lab(page, lab, "Training")
    start_training(page, name, epochs=epochs, images=500 * epochs)
    page.get_by_role("heading", name=name).wait_for(timeout=PATIENCE * 1000)
    eventually(page, lambda: head(page), lambda words: words.startswith("finished · "), 2 * PATIENCE)


@pytest.fixture(scope="module")
def two_runs(lab, browser):
    """Two finished runs, "alpha" of one epoch and "beta" of two."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    for name, epochs in (("alpha", 1), ("beta", 2)):
        train_shortly(page, lab, name, epochs)
    context.close()


@pytest.fixture
def shelf(lab, two_runs, page):
    open_page(page, f"{lab.url}runs", "Runs")
    eventually(page, lambda: set(run_names(page)) >= {"alpha", "beta"}, True)
    yield page
    assert page.errors == []


def open_view(page, name: str) -> None:
    """Opens one of the views of the selected runs."""
    settled(page)
    page.locator(".st-key-run-view").get_by_text(name, exact=True).click()
    settled(page)


def wait_curves(page, *names: str) -> dict:
    def curves() -> dict[str, dict]:
        return {each["name"]: each for uid, each in traces(page, CURVES).items() if not uid.endswith("-best")}

    return eventually(page, curves, lambda seen: set(seen) == set(names))


def test_two_selected_runs_share_a_chart_and_their_settings_stand_side_by_side(shelf):
    tick_run(shelf, "alpha")
    shelf.locator(".st-key-details").wait_for()
    open_view(shelf, "Curves")
    wait_curves(shelf, "alpha")
    tick_run(shelf, "beta")
    shelf.get_by_text("another seed").first.wait_for()
    open_view(shelf, "Curves")
    curves = wait_curves(shelf, "alpha", "beta")
    assert (curves["alpha"]["n"], curves["beta"]["n"]) == (1, 2)
    open_view(shelf, "Settings")

    def settings() -> dict[str, dict[str, str]]:
        return {row["Setting"]: row for row in table(shelf, "Setting")}

    shown = eventually(shelf, settings, lambda seen: "epochs" in seen)
    alpha, beta = (next(name for name in shown["epochs"] if name.startswith(run)) for run in ("alpha", "beta"))
    assert (shown["epochs"][alpha], shown["epochs"][beta]) == ("1", "2")
    assert (shown["limit"][alpha], shown["limit"][beta]) == ("500", "1000")
    assert "batch_size" not in shown, "it is the same in both"
    assert shelf.locator(".st-key-details").count() == 0
    shelf.mouse.wheel(0, 600)
    screenshot(shelf, "runs-compared")
    open_view(shelf, "Curves")
    shelf.get_by_text("Validation loss", exact=True).click()
    eventually(shelf, lambda: chart(shelf, CURVES, "node.layout.yaxis.title.text"), "Validation loss")


def test_a_run_is_renamed_noted_and_starred_for_all_tabs(shelf, lab):
    tick_run(shelf, "alpha")
    shelf.locator(".st-key-details").wait_for()
    strange = "alpha <b>*2*</b> $x$"
    fill(shelf, "Name", strange)
    eventually(shelf, lambda: strange in run_names(shelf), True)
    shelf.get_by_role("heading", name=strange, exact=True).wait_for()
    open_view(shelf, "Curves")
    legend = shelf.locator(f'.mnist-lab-plot[aria-label="{CURVES}"] .legendtext')
    eventually(shelf, legend.all_text_contents, [strange])
    fill(shelf, "Notes", "learns nothing")
    settled(shelf)
    shelf.get_by_role("button", name="☆ Star").click()
    shelf.get_by_role("button", name="★ Starred").wait_for()
    screenshot(shelf, "runs-details")
    open_page(shelf, f"{lab.url}runs", "Runs")
    eventually(shelf, lambda: [row["★"] for row in table(shelf, "Name") if row["Name"] == strange], ["★"])
    tick_run(shelf, strange)
    shelf.locator(".st-key-details").wait_for()
    eventually(shelf, lambda: field(shelf, "Notes").input_value(), "learns nothing")
    settled(shelf)
    shelf.get_by_role("button", name="★ Starred").click()
    shelf.get_by_role("button", name="☆ Star").wait_for()
    fill(shelf, "Name", "alpha")
    eventually(shelf, lambda: "alpha" in run_names(shelf), True)


def test_a_run_is_deleted_after_a_question_and_comes_back(shelf):
    before = run_names(shelf)
    tick_run(shelf, "beta")
    shelf.locator(".st-key-details").wait_for()
    settled(shelf)
    shelf.get_by_role("button", name="Delete 1 run").click()
    shelf.get_by_text("Delete 1 run? You can undo this for a day.").wait_for()
    assert run_names(shelf) == before, "deleted before the answer"
    press(shelf, "delete")
    eventually(shelf, lambda: run_names(shelf), [name for name in before if name != "beta"])
    shelf.get_by_text("Deleted 1 run.").wait_for()
    settled(shelf)
    assert shelf.locator(".st-key-details").count() == 0, "the run that moved up is selected now"
    screenshot(shelf, "runs-deleted")
    press(shelf, "undelete")
    eventually(shelf, lambda: run_names(shelf), before)


def test_a_run_stays_selected_when_another_comes(shelf, lab, browser):
    tick_run(shelf, "alpha")
    heading = shelf.locator(".st-key-details").get_by_role("heading")
    eventually(shelf, heading.all_inner_texts, ["alpha"])
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    try:
        train_shortly(context.new_page(), lab, "gamma", 1)
    finally:
        context.close()
    eventually(shelf, lambda: run_names(shelf)[:1], ["gamma"])
    settled(shelf)
    eventually(shelf, heading.all_inner_texts, ["alpha"])
    open_view(shelf, "Curves")
    wait_curves(shelf, "alpha")


def test_a_run_is_downloaded_as_keras_file(shelf):
    tick_run(shelf, "beta")
    shelf.locator(".st-key-details").wait_for()
    settled(shelf)
    shelf.get_by_role("button", name="Take it away").click()
    shelf.locator(".st-key-take-keras button:visible").wait_for()
    with shelf.expect_download(timeout=PATIENCE * 1000) as waiting:
        press(shelf, "take-keras")
    assert re.fullmatch(r"beta-[0-9a-f]{6}\.keras", waiting.value.suggested_filename)
    file = Path(waiting.value.path())
    assert file.read_bytes()[:4] == b"PK\x03\x04"
    with zipfile.ZipFile(file) as archive:
        assert {"config.json", "model.weights.h5"} <= set(archive.namelist())


def test_a_run_is_asked_on_the_draw_page_and_loaded_into_the_lab(shelf):
    tick_run(shelf, "beta")
    shelf.locator(".st-key-load button:visible").wait_for()
    settled(shelf)
    press(shelf, "load")
    settled(shelf)
    press(shelf, "ask")
    settled(shelf)
    shelf.get_by_role("link", name="Draw").click()
    box = shelf.get_by_role("combobox", name="Ask this network")
    eventually(shelf, lambda: box.input_value() if box.count() == 1 else "", lambda text: text.startswith("beta · "))
    shelf.get_by_role("link", name="Lab").click()
    open_tab(shelf, "Training")
    eventually(shelf, lambda: field(shelf, "Epochs").evaluate_all("all => all.map(e => e.value)"), ["2"])

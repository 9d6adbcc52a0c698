"""The table of runs in Chromium: searched, filtered, sorted, grouped, edited in place; what is selected stays."""

from __future__ import annotations

import pytest

from mnist_lab.optimizers import SGD, Adam
from mnist_lab.store import RunStore
from mnist_lab.store.database import open_engine
from mnist_lab.training_config import TrainingConfig
from tests.browser.actions import captions, choose, eventually, fill, press, run_names, settled, table, tick_run
from tests.browser.server import ROOT, open_page, screenshot
from tests.made_runs import WIDE, add_run

BODY = "[data-testid=stPopoverBody]"


@pytest.fixture(scope="module")
def store(start_server):
    """The store of a server of our own with four finished runs, one failed one and the shipped models."""
    server = start_server(ROOT / "app.py")
    opened = RunStore(open_engine(f"sqlite:///{server.environment['MNIST_LAB_HOME']}/lab.db"), server.folder / "home")
    for seed, wrong in ((1, 10), (2, 20), (3, 12)):
        training = TrainingConfig(dataset="digits", seed=seed, optimizer=Adam(0.01))
        add_run(opened, range(wrong), name=f"adam, seed {seed}", training=training, test_looks=1)
    flat = TrainingConfig(dataset="digits", seed=1, optimizer=SGD(0.1), split="test-as-validation")
    add_run(opened, range(5), name="sgd", training=flat, network=WIDE, test_looks=9)
    add_run(opened, None, name="broken", status="failed", test_accuracy=None)
    opened.server = server
    yield opened
    opened.close()


@pytest.fixture
def shelf(store, page):
    open_page(page, f"{store.server.url}runs", "Runs")
    eventually(page, lambda: set(run_names(page)) >= {"sgd", "broken"}, True)
    settled(page)
    yield page
    assert page.errors == []


def click_column(page, name: str) -> None:
    """Clicks a column's name, as one who wants to sort by it does."""
    settled(page)
    heads = page.evaluate(
        """() => { const grid = document.querySelector('[data-testid=stDataFrame]'), b = grid.getBoundingClientRect();
        return {x: b.x, y: b.y, names: [...grid.querySelectorAll('th')].map(e => e.textContent.trim())} }"""
    )
    # The first columns: a box, the name (pinned), the star, the status, the test accuracy.
    where = {"Name": 60, "Status": 290, "Test accuracy": 380}[name]
    assert any(each.startswith(name) for each in heads["names"])
    page.mouse.click(heads["x"] + where, heads["y"] + 17)
    settled(page)


def header(page, start: str) -> str:
    names = page.locator("[data-testid=stDataFrame] table[role=grid] th").all_text_contents()
    return next((name.strip() for name in names if name.strip().startswith(start)), "")


def test_a_click_on_a_column_sorts_and_runs_without_a_value_are_last_both_ways(shelf):
    tick_run(shelf, "broken")
    shelf.locator(".st-key-details").wait_for()
    click_column(shelf, "Test accuracy")
    eventually(shelf, lambda: header(shelf, "Test accuracy"), "Test accuracy ↓")
    names = eventually(shelf, lambda: run_names(shelf), lambda seen: seen[-1:] == ["broken"])
    assert names == [
        "Starter model",
        "Robust model for drawings",
        "sgd",
        "adam, seed 1",
        "adam, seed 3",
        "adam, seed 2",
        "broken",
    ]
    click_column(shelf, "Test accuracy")
    eventually(shelf, lambda: run_names(shelf), [*names[-2::-1], "broken"])
    heading = shelf.locator(".st-key-details").get_by_role("heading")
    eventually(shelf, heading.all_inner_texts, ["broken"])
    assert {row["Name"]: row["Test accuracy ↑"] for row in table(shelf, "Name")}["sgd"].startswith("⚠️ ")


def test_filters_and_search_narrow_the_list_and_what_they_hide_stays_selected_and_is_said(shelf):
    tick_run(shelf, "sgd")
    shelf.get_by_text("1 selected", exact=True).wait_for()
    shelf.get_by_text("Filter", exact=True).click()
    choose(shelf, "Add a filter", "optimizer.learning_rate", BODY)
    settled(shelf)
    shelf.locator("[class*=st-key-filter-optimizer-learning_rate-values] input").click()
    shelf.get_by_role("option", name="0.01 (").click()
    shelf.keyboard.press("Tab")
    eventually(shelf, lambda: set(run_names(shelf)), {"adam, seed 1", "adam, seed 2", "adam, seed 3"})
    screenshot(shelf, "runs-filtered")
    shelf.get_by_text("1 of them not listed").wait_for()
    shelf.get_by_role("heading", name="Runs", exact=True).click()
    assert "optimizer.learning_rate: 0.01" in " ".join(captions(shelf))
    assert "looked at 3 times by 3 runs" in " ".join(captions(shelf))
    fill(shelf, "Search", "SEED 2")
    eventually(shelf, lambda: run_names(shelf), ["adam, seed 2"])
    # Another page and back: the list is as it was left.
    shelf.get_by_role("link", name="Data").click()
    shelf.get_by_role("heading", name="Data").first.wait_for()
    settled(shelf)
    shelf.get_by_role("link", name="Runs").click()
    eventually(shelf, lambda: run_names(shelf), ["adam, seed 2"])
    settled(shelf)
    press(shelf, "run-clear")
    eventually(shelf, lambda: len(run_names(shelf)), 7)
    eventually(shelf, shelf.locator(".st-key-details").get_by_role("heading").all_inner_texts, ["sgd"])


def test_a_group_has_its_mean_and_spread_and_selects_its_runs(shelf):
    shelf.get_by_text("Group", exact=True).click()
    settled(shelf)
    shelf.locator(".st-key-group-fields input").click()
    shelf.keyboard.type("same but")
    shelf.get_by_role("option").first.click()
    shelf.keyboard.press("Tab")
    shelf.get_by_role("heading", name="Runs", exact=True).click()
    rows = eventually(shelf, lambda: table(shelf, "Measured"), lambda seen: len(seen) == 5)
    settled(shelf)
    row = next(row for row in rows if row["same but for the seed"] == "adam")
    assert (row["Runs"], row["Measured"]) == ("3", "3")
    # 10, 20 and 12 of 360 wrong: their mean is 14, their standard deviation the square root of 28.
    assert row["Mean test accuracy ↓"] == f"{100 * (1 - 14 / 360):.2f} %"
    assert row["Standard deviation"] == f"{100 * 28**0.5 / 360:.3f}"
    screenshot(shelf, "runs-grouped")
    place = rows.index(row)
    box = shelf.locator("[data-testid=stDataFrame]").first.bounding_box()
    shelf.mouse.click(box["x"] + 18, box["y"] + box["height"] / (len(rows) + 1) * (place + 1.5))
    shelf.get_by_text("3 selected", exact=True).wait_for()
    settled(shelf)
    press(shelf, "run-clear")
    eventually(shelf, lambda: len(run_names(shelf)), 7)
    shelf.get_by_text("3 selected", exact=True).wait_for()


def test_a_star_and_a_note_are_set_in_the_table_and_selected_runs_are_tagged_starred_and_deleted_together(shelf, store):
    ids = {run.name: run.id for run in store.runs()}
    shelf.get_by_text("Edit in the table").click()
    rows = eventually(shelf, lambda: table(shelf, "Notes"), lambda seen: len(seen) == 7)
    settled(shelf)
    place = [row["Name"] for row in rows].index("broken")
    box = shelf.locator("[data-testid=stDataFrame]").first.bounding_box()
    height = box["height"] / (len(rows) + 1) * (place + 1.5)
    # Name 200 (pinned), selected 60, starred 60, tags 200, then the notes.
    shelf.mouse.click(box["x"] + 290, box["y"] + height)
    eventually(shelf, lambda: store.get(ids["broken"]).starred, True)
    settled(shelf)
    shelf.mouse.click(box["x"] + 230, box["y"] + height)
    shelf.get_by_text("1 selected", exact=True).wait_for()
    settled(shelf)
    # A click into the notes moves the table along.
    shelf.mouse.dblclick(box["x"] + 600, box["y"] + height)
    cell = shelf.locator("#portal textarea")
    cell.fill("out of memory")
    cell.press("Enter")
    eventually(shelf, lambda: store.get(ids["broken"]).notes, "out of memory")
    settled(shelf)
    screenshot(shelf, "runs-edited")
    settled(shelf)
    shelf.get_by_text("Edit in the table").click()
    eventually(shelf, lambda: len(table(shelf, "Split")), 7)
    settled(shelf)
    tick_run(shelf, "sgd")
    shelf.get_by_text("2 selected", exact=True).wait_for()
    settled(shelf)
    press(shelf, "star-all")
    eventually(shelf, lambda: store.get(ids["sgd"]).starred, True)
    settled(shelf)
    shelf.get_by_text("Tags …").click()
    fill(shelf, "Add tags", "odd, late", BODY)
    eventually(shelf, lambda: [store.get(ids[name]).tags for name in ("sgd", "broken")], [["late", "odd"]] * 2)
    settled(shelf)
    shelf.get_by_role("heading", name="Runs", exact=True).click()
    settled(shelf)
    shelf.get_by_role("button", name="Delete 2 runs").click()
    press(shelf, "delete")
    eventually(shelf, lambda: len(run_names(shelf)), 5)
    settled(shelf)
    press(shelf, "undelete")
    eventually(shelf, lambda: len(run_names(shelf)), 7)

"""Links in Chromium: what one browser shows, another one opens by its address; Back goes back."""

import pytest

from tests.browser.actions import (
    SIDEBAR,
    alerts,
    eventually,
    field,
    fill,
    metrics,
    open_lab,
    open_tab,
    rows,
    run_names,
    select_row,
    settled,
    tick_run,
)
from tests.browser.server import open_page, screenshot
from tests.made_runs import WIDE, add_run

FIRST = "1 · Conv2D"


@pytest.fixture
def elsewhere(browser):
    """A page of another browser, which shares nothing with the first."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


@pytest.fixture
def bench(lab, page):
    open_lab(page, lab)
    yield page
    assert page.errors == []


def first_row(page) -> str:
    return rows(page)[0] if rows(page) else ""


def set_filters(page, filters: int) -> str:
    """Types a number of filters; returns the address that then holds it."""
    before = page.url
    fill(page, "Filters", filters, SIDEBAR)
    eventually(page, lambda: first_row(page), lambda row: row.startswith(f"{FIRST} {filters},"))
    return eventually(page, lambda: page.url, lambda url: url != before)


def test_a_network_and_its_training_open_in_another_browser_by_the_address(bench, elsewhere):
    select_row(bench, FIRST)
    set_filters(bench, 9)
    open_tab(bench, "Training")
    for label, value in (("Epochs", 3), ("Seed", 12345), ("Name", "*mine* <b>1</b>")):
        before = bench.url
        fill(bench, label, value)
        eventually(bench, lambda old=before: bench.url != old, True)
    bench.get_by_role("button", name="Link", exact=True).click()
    link = bench.locator("[data-testid=stPopoverBody] [data-testid=stCode] code")
    eventually(bench, lambda: link.inner_text().strip() if link.count() else "", bench.url)
    screenshot(bench, "lab-link")

    open_page(elsewhere, bench.url, "Opened from a link")
    shown = rows(bench)
    assert shown[0].startswith(f"{FIRST} 9,")
    eventually(elsewhere, lambda: rows(elsewhere), shown)
    eventually(elsewhere, lambda: metrics(elsewhere), metrics(bench))
    (said,) = (each for each in alerts(elsewhere) if "Opened" in each)
    assert "*mine* <b>1</b>" in said and "3 epochs, seed 12345" in said
    open_tab(elsewhere, "Training")
    for label, value in (("Epochs", "3"), ("Seed", "12345"), ("Name", "*mine* <b>1</b>")):
        eventually(elsewhere, lambda wanted=label: field(elsewhere, wanted).input_value(), value)
    assert elsewhere.url == bench.url
    screenshot(elsewhere, "lab-from-link")


def test_back_and_forward_go_through_the_networks_and_leave_the_lab(lab, page):
    open_page(page, lab.url, "Draw a digit")
    page.get_by_role("link", name="Lab").click()
    page.get_by_text("Start from").first.wait_for()
    settled(page)
    select_row(page, FIRST)
    nine, eleven = set_filters(page, 9), set_filters(page, 11)
    page.go_back()
    eventually(page, lambda: first_row(page), lambda row: row.startswith(f"{FIRST} 9,"))
    assert page.url == nine
    page.go_forward()
    eventually(page, lambda: first_row(page), lambda row: row.startswith(f"{FIRST} 11,"))
    assert page.url == eleven
    page.get_by_role("link", name="Runs").click()
    page.get_by_role("heading", name="Runs").wait_for()
    settled(page)
    assert "net=" not in page.url
    page.go_back()
    page.get_by_text("Start from").first.wait_for()
    eventually(page, lambda: first_row(page), lambda row: row.startswith(f"{FIRST} 11,"))
    for _ in range(6):
        if "/lab" not in page.url:
            break
        page.go_back()
        settled(page)
        page.wait_for_timeout(300)
    page.get_by_role("heading", name="Draw a digit", exact=True).wait_for()
    assert page.errors == []


def test_a_damaged_link_is_a_sentence_and_its_text_does_nothing(lab, page):
    ran = []
    page.on("dialog", lambda dialog: (ran.append(dialog.message), dialog.dismiss()))
    open_page(page, f"{lab.url}lab?net=1.<img src=x onerror=alert(1)>", "This link is damaged.")
    eventually(page, lambda: first_row(page), lambda row: row.startswith(f"{FIRST} 6,"))
    eventually(page, lambda: "onerror" in page.url, False)
    assert page.errors == [] and ran == []


@pytest.fixture(scope="module")
def made(lab_store):
    """Two runs in the server's store."""
    runs = [add_run(lab_store, [1, 2], name="linked one"), add_run(lab_store, [3], network=WIDE, name="linked two")]
    yield runs
    lab_store.delete([run.id for run in runs])


def test_the_address_of_selected_runs_selects_them_in_another_browser(lab, made, page, elsewhere):
    one, two = made
    open_page(page, f"{lab.url}runs", "Runs")
    eventually(page, lambda: {"linked one", "linked two"} <= set(run_names(page)), True)
    tick_run(page, "linked one")
    eventually(page, lambda: page.url, f"{lab.url}runs?run={one.id}")
    tick_run(page, "linked two")
    eventually(page, lambda: page.url.count("%2C"), 1)
    settled(page)
    page.get_by_role("radio", name="Settings").click()
    both = eventually(page, lambda: page.url, lambda url: url.endswith("&view=Settings"))
    screenshot(page, "runs-link")

    open_page(elsewhere, f"{lab.url}runs?run={two.id}", "Runs")
    elsewhere.locator(".st-key-details").get_by_role("heading", name="linked two").wait_for()
    open_page(elsewhere, both, "Settings side by side")
    assert elsewhere.locator(".st-key-details").count() == 0
    page.go_back()
    page.go_back()
    page.locator(".st-key-details").get_by_role("heading", name="linked one").wait_for()
    eventually(page, lambda: page.url, f"{lab.url}runs?run={one.id}")
    assert page.errors == []


def test_a_link_to_a_run_that_is_not_there_says_so(lab, made, page):
    open_page(page, f"{lab.url}runs?run={'f' * 32},{made[0].id}", "not in this program")
    page.locator(".st-key-details").get_by_role("heading", name="linked one").wait_for()
    screenshot(page, "runs-link-unknown")
    assert page.errors == []

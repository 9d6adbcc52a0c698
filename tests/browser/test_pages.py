"""All pages in Chromium: light and dark, on a desk and on a telephone, and each opened by its address."""

import urllib.parse

import pytest

from tests.browser.actions import PATIENCE, SIDEBAR, eventually, settled
from tests.browser.server import ROOT, open_page, screenshot

PAGES = {"": "Draw a digit", "explain": "Explain", "digits": "My digits", "lab": "Lab", "runs": "Runs", "data": "Data"}

MENU = ["Draw", "Explain", "My digits", "Lab", "Runs", "Sweeps", "Studies", "Data"]
CHARTS = {"": 2, "explain": 0, "digits": 0, "lab": 1, "runs": 0, "data": 1}
"""How many charts can be seen on each page."""


def navigation(page) -> list[str]:
    return page.locator("[data-testid=stSidebarNavLink]").evaluate_all(
        "all => all.map(e => e.innerText.trim().split('\\n').pop().trim())"
    )


def wait_scheme(page, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.wait_for_function(
        """dark => { const parts = getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor
        .match(/\\d+/g).map(Number); return (parts[0] + parts[1] + parts[2] < 384) === dark }""",
        arg=scheme == "dark",
    )


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)], ids=["desk", "telephone"])
@pytest.mark.parametrize("address", list(PAGES), ids=lambda address: address or "draw")
def test_a_page_fits_its_window_in_light_and_dark_without_errors(lab, page, address, width, height):
    page.set_viewport_size({"width": width, "height": height})
    open_page(page, f"{lab.url}{address}", None)
    page.get_by_role("heading", name=PAGES[address], exact=True).wait_for()
    settled(page)
    for scheme in ("light", "dark"):
        wait_scheme(page, scheme)
        page.wait_for_function(
            """least => { const all = [...document.querySelectorAll('.mnist-lab-plot-frame')]
            .filter(e => e.clientWidth);
            return all.length >= least && all.every(e => e.querySelector('.main-svg')) }""",
            arg=CHARTS[address],
            timeout=PATIENCE * 1000,
        )
        name = f"{address or 'draw'}-{scheme}-{width}"
        screenshot(page, name)
        assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth"), "the page scrolls sideways"
        inner = page.evaluate(
            """() => { const main = document.querySelector('[data-testid=stMain]');
            return [main.scrollWidth, main.clientWidth] }"""
        )
        assert inner[0] <= inner[1], "the middle of the page scrolls sideways"
        page.locator("[data-testid=stMain]").evaluate("e => e.scrollTo(0, 700)")
        screenshot(page, f"{name}-below")
        page.locator("[data-testid=stMain]").evaluate("e => e.scrollTo(0, 0)")
    assert page.get_by_text("Something went wrong").count() == 0
    assert page.errors == []


def test_the_lab_s_sidebar_can_be_used_on_a_telephone(lab, page):
    page.set_viewport_size({"width": 390, "height": 844})
    open_page(page, f"{lab.url}lab")
    settled(page)
    page.get_by_test_id("stExpandSidebarButton").click()
    settled(page)
    row = page.locator(f"{SIDEBAR} button:visible").filter(has_text="1 · Conv2D")
    row.click()
    page.locator(f"{SIDEBAR} input[aria-label='Filters']").wait_for()
    settled(page)
    screenshot(page, "lab-telephone-sidebar")
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    assert page.errors == []


def test_a_page_opened_first_by_its_address_is_framed_by_the_program(start_server, page):
    server = start_server(ROOT / "app.py")
    open_page(page, f"{server.url}lab")
    page.get_by_role("heading", name="Lab", exact=True).wait_for()
    eventually(page, lambda: navigation(page), MENU)
    for name, address in (("Draw", ""), ("Runs", "runs"), ("Data", "data"), ("Lab", "lab")):
        page.get_by_role("link", name=name, exact=True).click()
        page.get_by_role("heading", name=PAGES[address], exact=True).wait_for()
        # Streamlit forgets the images of a page that is left before the browser has fetched them.
        settled(page)
        page.wait_for_load_state("networkidle")
        assert urllib.parse.urlparse(page.url).path == f"/{address}"
    assert navigation(page) == MENU
    assert page.errors == []


def test_no_button_of_a_chart_sends_it_to_a_server(lab, page):
    open_page(page, f"{lab.url}data")
    bar = page.locator(".modebar-btn")
    eventually(page, lambda: bar.count() > 0, True)
    names = bar.evaluate_all("all => all.map(e => e.getAttribute('data-title'))")
    assert "Download plot as a PNG" in names
    assert not [name for name in names if "share" in name.lower() or "cloud" in name.lower()]


LAST_SENT = """(() => {
  const send = WebSocket.prototype.send;
  window.asked = 0;
  WebSocket.prototype.send = function (data) {
    window.asked++;
    window.lastSent = data.slice();
    window.sendAgain = (kept) => send.call(this, kept);
    return send.call(this, data);
  };
})()"""


def test_a_page_stays_when_the_page_before_it_asks_for_its_badge_late(lab, page):
    page.add_init_script(LAST_SENT)
    open_page(page, f"{lab.url}data", "Data")
    settled(page)
    before = page.evaluate("window.asked")
    page.wait_for_function("before => window.asked > before", arg=before)
    page.evaluate("() => { window.late = window.lastSent; }")
    page.locator(".mnist-lab-sheet button").nth(3).click()
    page.get_by_role("heading", name="Explain", exact=True).wait_for()
    settled(page)
    page.evaluate("() => window.sendAgain(window.late)")
    # The new page asks for its own badge; by then the late answer has been there.
    for _ in range(2):
        before = page.evaluate("window.asked")
        page.wait_for_function("before => window.asked > before", arg=before)
        settled(page)
    assert page.get_by_role("heading", name="Explain", exact=True).is_visible()
    assert "Image 3 of the training images" in page.locator(".st-key-subject").inner_text()
    assert page.errors == []

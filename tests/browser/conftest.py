"""Fixtures of the browser tests: a server, a browser, a page that collects its errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mnist_lab.store import RunStore
from mnist_lab.store.database import open_engine
from tests.browser.actions import PATIENCE, settled
from tests.browser.server import ROOT, Server, launch, open_page

HERE = Path(__file__).resolve().parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks every test of this folder as a browser test."""
    for item in items:
        if HERE in Path(item.path).parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def start_browser() -> Iterator[Callable[..., object]]:
    """A function that starts a headless Chromium, with more arguments if any; skips where there is none."""
    playwright_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    with playwright_api.sync_playwright() as playwright:

        def start(*arguments: str) -> object:
            chromium = launch(playwright, *arguments)
            if chromium is None:
                pytest.skip("no Chromium: set MNIST_LAB_CHROMIUM to its path")
            return chromium

        yield start


@pytest.fixture(scope="session")
def browser(start_browser) -> Iterator[object]:
    """A headless Chromium, one for all tests but those that need one of their own."""
    chromium = start_browser()
    yield chromium
    chromium.close()


@pytest.fixture(scope="module")
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """A function that starts a server for a script; they end with the tests of the file: idle ones take time too."""
    servers: list[Server] = []

    def start(script: Path, environment: dict[str, str] | None = None, options: list[str] | None = None) -> Server:
        folder = tmp_path_factory.mktemp(script.stem)
        servers.append(Server(script, folder, {"MNIST_LAB_HOME": str(folder / "home"), **(environment or {})}, options))
        return servers[-1].start()

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The whole program, with an empty home of its own."""
    folder = tmp_path_factory.mktemp("lab")
    with Server(ROOT / "app.py", folder, {"MNIST_LAB_HOME": str(folder / "home")}) as server:
        yield server


@pytest.fixture(scope="session")
def lab_store(lab) -> Iterator[RunStore]:
    """The store behind the whole program."""
    home = Path(lab.environment["MNIST_LAB_HOME"])
    home.mkdir(exist_ok=True)
    store = RunStore(open_engine(f"sqlite:///{home / 'lab.db'}"), home)
    yield store
    store.close()


@pytest.fixture(scope="session")
def context(browser) -> Iterator[object]:
    """A window for all tests: the second one finds the scripts of the pages read and compiled."""
    made = browser.new_context(viewport={"width": 1280, "height": 900})
    made.set_default_timeout(PATIENCE * 1000)
    yield made
    made.close()


@pytest.fixture
def page(context) -> Iterator[object]:
    """A new page of 1280x900; ``page.errors`` collects what the browser's console calls an error.

    Opened at the address of a page, Streamlit itself probes for its server under that page first: those answers of
    "not found" are left out.
    """
    tab = context.new_page()
    tab.errors = []

    def note(message) -> None:
        address = message.location.get("url", "")
        if message.type == "error" and not ("404" in message.text and "/_stcore/" in address):
            tab.errors.append(f"{message.text} {address}".strip())

    tab.on("console", note)
    tab.on("pageerror", lambda error: tab.errors.append(str(error)))
    yield tab
    if tab.url.startswith("http"):
        tab.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
    tab.close()


@pytest.fixture
def board(lab, page):
    """The Draw page, ready to be drawn on; without an error to the end."""
    open_page(page, lab.url, "Draw a digit")
    page.locator("canvas.upper-canvas").wait_for(timeout=PATIENCE * 1000)
    settled(page)
    yield page
    assert page.errors == []
    assert page.get_by_text("Traceback").count() == 0
    assert page.get_by_text("Something went wrong").count() == 0

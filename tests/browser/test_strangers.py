"""What strangers write into names, notes, tags and links, in Chromium: it is shown as it is, and does nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

import numpy as np
import pytest

from mnist_lab import links, starter
from mnist_lab.store import RunStore
from mnist_lab.store.artefacts import LOG, MODEL
from mnist_lab.store.database import open_engine
from mnist_lab.store.digits import NewDigit
from mnist_lab.training_config import TrainingConfig
from tests.browser.actions import (
    MAIN,
    PATIENCE,
    STROKES,
    answer,
    download,
    draw,
    eventually,
    fill,
    press,
    run_names,
    settled,
    tick_run,
)
from tests.browser.server import ROOT, open_page, screenshot
from tests.made_runs import ONE, WIDE, add_course, add_run

ELSEWHERE = "stranger.example"
SCRIPT = '<script>window.__pwned=1</script><img src=x onerror="window.__pwned=2">'
MARKUP = (
    f"![p](http://{ELSEWHERE}/p.png) [a](javascript:window.__pwned=3) :red[r] :smile: :material/home: $x$ **b** `c` "
    "<b>d</b>"
)
NAME, OTHER = f"one {SCRIPT}", f"two {MARKUP}"
FAILED = f"three {SCRIPT[:60]}"
NOTES = f"{SCRIPT} {MARKUP}"
TAGS = ["<img src=x onerror=window.__pwned=4>", f"![](//{ELSEWHERE}/t.png)"]
WRITER = f"<img src=x onerror=__pwned=5>![](//{ELSEWHERE}/w)"
SECRET = "/very/private/place"


@dataclass
class Watch:
    """What a page did that it should not: calls to other hosts, dialogs."""

    host: str
    calls: list[str] = field(default_factory=list)

    def over(self, page) -> Watch:
        page.on("request", lambda request: self._note(request.url))
        page.on("dialog", lambda dialog: (self.calls.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("popup", lambda popup: self.calls.append(f"window {popup.url}"))
        return self

    def _note(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob", "file") and parts.netloc != self.host:
            self.calls.append(url)


def is_inert(page, watch: Watch) -> None:
    """No script of a stranger ran, nothing of theirs became a part of the page, nobody was called."""
    assert page.evaluate("window.__pwned === undefined")
    found = page.evaluate(
        """host => [...document.querySelectorAll('img, a, script, iframe, object, embed, svg a')].map(
        e => [e.outerHTML, e.src || e.href?.baseVal || e.href || '']).filter(
        ([html, to]) => String(to).includes(host) || String(to).startsWith('javascript') ||
            (html.length < 500 && html.includes('pwned') && !html.startsWith('<script type="application/json"'))
        ).map(([html]) => html.slice(0, 300))""",
        ELSEWHERE,
    )
    assert found == []
    assert watch.calls == []


@pytest.fixture(scope="module")
def strange(start_server):
    """A server whose runs and digits have names that mean harm."""
    server = start_server(ROOT / "app.py")
    home = Path(server.environment["MNIST_LAB_HOME"])
    store = RunStore(open_engine(f"sqlite:///{home / 'lab.db'}"), home)
    starter.register(store)
    network = store.get(starter.RUN_ID).network()
    epochs = [{"epoch": 1, "loss": 0.5, "accuracy": 0.8, "val_loss": 0.4, "val_accuracy": 0.85, "seconds": 1.0}]
    for seed, (name, wrong, kind) in enumerate(((NAME, 12, network), (OTHER, 3, WIDE)), 1):
        training = TrainingConfig(dataset="digits", seed=seed, epochs=1)
        run = add_run(store, range(wrong), name=name, notes=NOTES, tags=TAGS, network=kind, training=training)
        add_course(store, run, epochs)
    (first,) = (run for run in store.runs() if run.name == NAME)
    with store.artefacts.writing(first.id, MODEL) as path:
        path.write_bytes((starter.FOLDER / MODEL).read_bytes())
    reason = f'OSError: {SECRET}/x.npz {MARKUP}\nTraceback (most recent call last):\n  File "{SECRET}/y.py", line 3'
    failed = add_run(store, None, name=FAILED, training=ONE, status="failed", test_accuracy=None, reason=reason)
    (store.artefacts.folder(failed.id)).mkdir(parents=True, exist_ok=True)
    (store.artefacts.folder(failed.id) / LOG).write_text(f"Traceback in {SECRET}/y.py")
    image = np.zeros((28, 28), np.uint8)
    image[6:22, 12:16] = 255
    store.keep_digits(WRITER, [NewDigit(image, 1)])
    yield server, store
    store.close()


@pytest.fixture
def watched(strange, page):
    """A page of that server; what it did is looked at when the test is done."""
    server, _ = strange
    watch = Watch(urlsplit(server.url).netloc).over(page)
    yield page, server
    is_inert(page, watch)
    assert page.get_by_text("Something went wrong").count() == 0


def words(page) -> str:
    # Without what parts an address for the eyes of Markdown.
    return page.locator(MAIN).inner_text().replace("\u2060", "")


def shows(page, *texts: str) -> None:
    """The page shows texts letter by letter."""
    for text in texts:
        eventually(page, lambda: words(page), lambda seen, text=text: text in seen)


def on_runs(page, server, *names: str) -> None:
    open_page(page, f"{server.url}runs", "Runs")
    eventually(page, lambda: set(run_names(page)) >= {NAME, OTHER, FAILED}, True)
    for name in names:
        tick_run(page, name)
        settled(page)


def test_the_details_of_a_run_show_its_name_and_nothing_of_it_runs(watched):
    page, server = watched
    on_runs(page, server, NAME)
    shows(page, NAME)
    assert page.locator("input[aria-label='Notes']").input_value() == NOTES
    settled(page)
    page.get_by_text("Edit in the table").click()
    settled(page)
    screenshot(page, "strangers-run")


def test_a_failed_run_says_why_without_a_place_or_a_trace(watched):
    page, server = watched
    on_runs(page, server, FAILED)
    shows(page, FAILED, f"OSError: x.npz {MARKUP}")
    whole = page.evaluate("document.documentElement.textContent")
    assert SECRET not in whole and "Traceback" not in whole
    settled(page)
    open_page(
        page, f"{server.url}runs?run=%3Cscript%3Ewindow.__pwned%3D1%3C/script%3E,![](//{ELSEWHERE}/q.png)", "Runs"
    )
    shows(page, "This is no link to runs")


def test_every_view_of_two_runs_shows_their_names_letter_by_letter(watched, tmp_path, browser):
    page, server = watched
    on_runs(page, server, NAME, OTHER)
    shows(page, "2 selected")
    views = page.locator(".st-key-run-view button")
    eventually(page, views.count, lambda count: count > 3)
    names = views.all_inner_texts()
    for name in names:
        settled(page)
        page.locator(".st-key-run-view").get_by_text(name, exact=True).click()
        settled(page)
        page.wait_for_timeout(300)
        eventually(page, lambda: page.locator("[data-testid=stSkeleton]").count(), 0)
        assert page.evaluate("window.__pwned === undefined"), name
    screenshot(page, "strangers-compared")
    page.locator(".st-key-run-view").get_by_text(names[0], exact=True).click()
    # The report, in a browser that might call anyone.
    file = download(page, page.locator(".st-key-comparison-html button:visible"), tmp_path)
    assert ELSEWHERE not in file.name and "<" not in file.name
    context = browser.new_context()
    alone = context.new_page()
    watch = Watch("").over(alone)
    alone.goto(file.as_uri())
    eventually(alone, alone.locator(".js-plotly-plot .main-svg").count, bool)
    said = alone.locator("body").inner_text()
    assert NAME in said and OTHER in said
    is_inert(alone, watch)
    context.close()


def test_a_link_to_the_lab_shows_the_name_that_it_brings(watched):
    page, server = watched
    network = starter_network(server)
    code = links.encode(network, ONE, f"four {MARKUP}")
    open_page(page, f"{server.url}lab?net={code}", "Start from")
    shows(page, f"four {MARKUP}")
    settled(page)
    for bad in (f"1.{quote(SCRIPT)}", quote(f"999.{MARKUP}"), quote("\x1b[31m\u202e")):
        open_page(page, f"{server.url}lab?net={bad}", "Start from")
        shows(page, "The network here is as it was.")
        settled(page)


def starter_network(server):
    home = Path(server.environment["MNIST_LAB_HOME"])
    store = RunStore(open_engine(f"sqlite:///{home / 'lab.db'}"), home)
    try:
        return store.get(starter.RUN_ID).network()
    finally:
        store.close()


def test_the_board_and_the_explanations_name_a_run_letter_by_letter(watched):
    page, server = watched
    on_runs(page, server, NAME)
    press(page, "ask")
    page.get_by_role("link", name="Draw").click()
    page.locator("canvas.upper-canvas").wait_for(timeout=PATIENCE * 1000)
    settled(page)
    draw(page, STROKES[7])
    eventually(page, lambda: answer(page), "It says: 7", 2 * PATIENCE)
    shows(page, NAME)
    settled(page)
    press(page, "why-drawing")
    page.get_by_role("heading", name="Explain", exact=True).wait_for(timeout=PATIENCE * 1000)
    shows(page, NAME)
    screenshot(page, "strangers-explained")


def test_studies_and_digits_take_strange_words_for_words(watched):
    page, server = watched
    open_page(page, f"{server.url}studies?study={quote(SCRIPT)}", "Studies")
    settled(page)
    open_page(page, f"{server.url}digits", "My digits")
    fill(page, "Your name", WRITER)
    shows(page, WRITER)
    screenshot(page, "strangers-digits")

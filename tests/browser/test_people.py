"""Several people in Chromium: each has a form of its own, trainings take turns, and nothing ends with a connection."""

import os
import re
import signal
from contextlib import suppress

import pytest

from mnist_lab.architecture import Architecture
from mnist_lab.layers import Dense, Flatten
from mnist_lab.store import RunStore
from mnist_lab.store.database import open_engine
from tests.browser.actions import (
    PATIENCE,
    SIDEBAR,
    epoch,
    eventually,
    field,
    fill,
    head,
    open_lab,
    open_tab,
    rows,
    select_row,
    settled,
    show_settings,
    start_training,
)
from tests.browser.server import ROOT, open_page, screenshot
from tests.browser.wire import Wire
from tests.made_runs import add_run

pytestmark = pytest.mark.long
FIRST = "1 · Conv2D"
LONG = 2000
NETWORK = Architecture((Flatten(), Dense(10, "softmax")))


@pytest.fixture(scope="module")
def own(start_server):
    """A server of its own, which may be killed, and its store."""
    server = start_server(ROOT / "app.py")
    home = server.folder / "home"
    home.mkdir(exist_ok=True)
    store = RunStore(open_engine(f"sqlite:///{home / 'lab.db'}"), home)
    yield server, store
    end_all(store)
    store.close()


@pytest.fixture(scope="module")
def people(browser):
    """Three people: browsers that share nothing."""
    made = [browser.new_context(viewport={"width": 1280, "height": 900}) for _ in range(3)]
    for context in made:
        context.set_default_timeout(PATIENCE * 1000)
    yield made
    for context in made:
        context.close()


def end_all(store) -> None:
    """Ends what waits and what trains."""
    for run in [*store.queue(), *store.active()]:
        store.command(run.id, "stop")


def trouble(page) -> list[str]:
    """What no page may show."""
    found = ["Traceback", "Something went wrong", "RuntimeError"]
    return [words for words in found if page.get_by_text(words).count()]


def connection(page) -> str:
    return page.locator("[data-testid=stApp]").get_attribute("data-test-connection-state") or ""


def connected(page) -> None:
    eventually(page, lambda: connection(page), "CONNECTED")
    settled(page)


def badges(page) -> list[str]:
    return [text.replace("\n", " ") for text in page.locator("[class*='st-key-badge-']").all_inner_texts()]


def first_row(page) -> str:
    return rows(page)[0] if rows(page) else ""


def train(page, store):
    """Presses Train, and gives the run that is then queued. A click on a fold that just closes is no press."""
    from playwright.sync_api import Error

    known = {run.id for run in store.runs()}

    def pressed() -> list:
        return [run for run in store.runs() if run.id not in known]

    for _ in range(5):
        show_settings(page)
        settled(page)
        # The fold closes when a training begins elsewhere, perhaps under this very click.
        with suppress(Error):
            page.locator(".st-key-train button:visible").click(timeout=5000)
        for _ in range(20):
            if found := pressed():
                return found[0]
            page.wait_for_timeout(500)
    raise AssertionError("Train was pressed, and nothing is queued.")


def form(page) -> tuple[str, str, str]:
    """What stands in the Lab: the first layer, the epochs, the name."""
    show_settings(page)
    return first_row(page), field(page, "Epochs").input_value(), field(page, "Name").input_value()


def test_three_people_edit_at_once_and_take_turns_in_the_queue_and_ten_tabs_show_the_same_training(own, people):
    server, store = own
    tabs = [context.new_page() for context in people]
    for tab in tabs:
        open_lab(tab, server, "Training")
        select_row(tab, FIRST)
    # Alternately, without waiting for the other's page to be drawn.
    typed = {}
    for turn in range(2):
        for who, tab in enumerate(tabs):
            typed[who] = 5 + 10 * who + turn
            fill(tab, "Filters", typed[who], SIDEBAR)
            fill(tab, "Epochs", LONG + typed[who])
    for who, tab in enumerate(tabs):
        fill(tab, "Training images", 500)
        fill(tab, "Name", f"of {who}")
        eventually(tab, lambda tab=tab: first_row(tab), lambda row, who=who: row.startswith(f"{FIRST} {typed[who]},"))
        assert form(tab)[1:] == (str(LONG + typed[who]), f"of {who}")

    # The first person has had four trainings queued before the others press.
    mine = train(tabs[0], store)
    for number in range(3):
        store.create(mine.network(), mine.config(), name=f"of 0 too {number}", person=mine.person)
    runs = [mine, train(tabs[1], store), train(tabs[2], store)]
    assert len({run.person for run in runs}) == 3 and None not in {run.person for run in runs}
    for who, run in enumerate(runs):
        seen = run.name, run.architecture["layers"][0]["filters"], run.training["epochs"]
        assert seen == (f"of {who}", typed[who], LONG + typed[who]), "nobody trains another's network"
    eventually(tabs[0], lambda: [run.name for run in store.active()], ["of 0"], 2 * PATIENCE)
    assert [run.name for run in store.queue()] == ["of 1", "of 2", "of 0 too 0", "of 0 too 1", "of 0 too 2"]

    # Seven more tabs: all show the same training.
    more = [people[number % 3].new_page() for number in range(7)]
    for number, tab in enumerate(more):
        open_page(tab, f"{server.url}{('lab', 'runs', 'data')[number % 3]}")
    for tab in (*tabs, *more):
        eventually(tab, lambda tab=tab: badges(tab), lambda seen: len(seen) == 1 and "of 0" in seen[0])
        assert trouble(tab) == []
        assert tab.get_by_text("5 more in the queue").count()
    for tab in more:
        tab.close()
    # Whose turn it is, is what was shown.
    for name in ("of 1", "of 2", "of 0 too 0"):
        store.command(store.active()[0].id, "stop")
        eventually(tabs[0], lambda: [run.name for run in store.active()], [name], 2 * PATIENCE)
    screenshot(tabs[1], "people-queue")
    for who, tab in enumerate(tabs):
        assert first_row(tab).startswith(f"{FIRST} {typed[who]},")
        tab.close()
    end_all(store)


def test_a_connection_that_breaks_and_an_app_that_is_killed_leave_the_form_and_the_training(own, people):
    server, store = own
    wire = Wire(server.port)
    page = people[0].new_page()
    try:
        open_page(page, f"{wire.url}lab", "Start from")
        open_tab(page, "Training")
        end_all(store)
        eventually(page, lambda: (store.active(), store.waiting()), ([], 0), 2 * PATIENCE)
        select_row(page, FIRST)
        fill(page, "Filters", 9, SIDEBAR)
        fill(page, "Notes", "my notes")
        start_training(page, "goes on", epochs=LONG, images=500)
        eventually(page, lambda: epoch(page), lambda seen: seen >= 2, 2 * PATIENCE)
        before = form(page)
        assert before == (before[0], str(LONG), "goes on") and before[0].startswith(f"{FIRST} 9,")

        wire.cut()
        eventually(page, lambda: connection(page), lambda state: state != "CONNECTED")
        was = epoch(page)
        page.wait_for_timeout(1000)
        wire.mend()
        connected(page)
        # By itself: nothing is clicked.
        eventually(page, lambda: epoch(page), lambda seen: seen > was, 2 * PATIENCE)
        assert form(page) == before and field(page, "Notes").input_value() == "my notes"
        fill(page, "Epochs", LONG + 1)
        eventually(page, lambda: form(page)[1], str(LONG + 1))

        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()
        eventually(page, lambda: connection(page), lambda state: state != "CONNECTED")
        server.start()
        connected(page)
        eventually(page, lambda: first_row(page), before[0])
        assert trouble(page) == []
        open_tab(page, "Training")
        assert form(page) == (before[0], str(LONG + 1), "goes on")
        # The truth about the training, whichever it is: it goes on, or it ended with the app.
        (run,) = [run for run in store.runs() if run.name == "goes on"]
        truth = {"running": r"^epoch \d+ of", "interrupted": "^interrupted"}
        eventually(
            page, lambda: (store.get(run.id).status, head(page)),
            lambda seen: seen[0] in truth and re.match(truth[seen[0]], seen[1]), 2 * PATIENCE,
        )  # fmt: skip
        select_row(page, FIRST)
        fill(page, "Filters", 11, SIDEBAR)
        eventually(page, lambda: first_row(page), lambda row: row.startswith(f"{FIRST} 11,"))
        screenshot(page, "people-restarted")
        assert trouble(page) == []
    finally:
        end_all(store)
        page.close()
        wire.cut()


def test_a_run_that_another_deletes_for_good_while_it_is_looked_at_is_a_sentence(own, people):
    server, store = own
    looked_at = add_run(store, [1], name="soon gone")
    page = people[1].new_page()
    # A page runs again by itself when a training begins or ends, and would notice before it is clicked.
    end_all(store)
    eventually(page, lambda: [*store.active(), *store.queue()], [])
    open_page(page, f"{server.url}runs?run={looked_at.id}", "Runs")
    # The table has its name too, where only a screen reader sees it.
    page.locator(".st-key-details").get_by_role("heading", name="soon gone").wait_for()
    settled(page)
    store.delete([looked_at.id])
    store.purge(older_than=-1)
    page.locator(f".st-key-star-{looked_at.id} button").click()
    page.get_by_text("was deleted for good").first.wait_for()
    page.get_by_text("which was selected, was deleted elsewhere").wait_for()
    assert trouble(page) == []
    page.reload()
    page.get_by_text("not in this program's store").or_(page.get_by_text("Select one run")).first.wait_for()
    assert trouble(page) == []
    page.close()

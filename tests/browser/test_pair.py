"""Two runs against each other in Chromium, and one run epoch by epoch: lists to leaf through, cells to click, a slider.

The runs are made and not trained.
"""

from __future__ import annotations

import numpy as np
import pytest

from mnist_lab.store.artefacts import PREDICTIONS, VALIDATION_PREDICTIONS, epoch_predictions, epoch_weights
from tests.browser.actions import PATIENCE, captions, chart, eventually, field, run_names, settled, table, tick_run
from tests.browser.server import open_page, screenshot
from tests.made_runs import DIGITS, WIDE, add_run

GOOD, BAD, KEPT = "pair-good", "pair-bad", "pair-kept"
ONLY_GOOD = np.arange(4, 60)
"""Where only the good run is right: both take 2 and 3 for the next digit, the good one 0 and 1 too."""
MATRIX = "Difference of the confusion matrices"


@pytest.fixture(scope="module")
def pair(lab, lab_store):
    """The server, with two runs that part over 58 images, and one whose three epochs are known."""
    store = lab_store
    made = [add_run(store, range(2, 60), name=BAD, network=WIDE), add_run(store, range(4), name=GOOD)]
    kept = add_run(store, [0], name=KEPT, kept_epoch=3)
    for epoch, wrong in ((1, range(5)), (2, [0, 1, 7]), (3, [0])):
        store.add_epoch(kept.id, {"epoch": epoch, "val_accuracy": 1 - len(wrong) / len(DIGITS)})
        with store.artefacts.writing(kept.id, epoch_weights(epoch)) as path:
            path.write_bytes(b"weights")
        source = add_run(store, wrong)
        for name in (epoch_predictions(epoch, VALIDATION_PREDICTIONS), *[VALIDATION_PREDICTIONS] * (epoch == 3)):
            content = store.artefacts.path(source.id, PREDICTIONS).read_bytes()
            with store.artefacts.writing(kept.id, name) as path:
                path.write_bytes(content)
        store.delete([source.id])
    yield lab
    store.delete([run.id for run in (*made, kept)])


@pytest.fixture
def shelf(pair, page):
    open_page(page, f"{pair.url}runs", "Runs")
    eventually(page, lambda: set(run_names(page)) >= {GOOD, BAD, KEPT}, True)
    yield page
    assert page.errors == []


def choose(page, name: str) -> None:
    """Clicks one of several choices that stand side by side, and waits for what follows."""
    settled(page)
    button = page.get_by_role("radio", name=name, exact=True)
    button.click()
    settled(page)
    eventually(page, lambda: button.get_attribute("aria-checked"), "true")
    settled(page)


def shown(page, words: str) -> None:
    eventually(page, lambda: captions(page), lambda lines: words in lines)


def test_what_one_run_fixed_or_broke_is_leafed_through(shelf):
    tick_run(shelf, GOOD)
    shelf.locator(".st-key-details").wait_for()
    tick_run(shelf, BAD)
    shelf.get_by_text(f"{GOOD} is better than {BAD} on these 360 images").wait_for(timeout=PATIENCE * 1000)
    cells = shelf.locator("[data-testid=stTable] td")
    counts = ["300 both right", "56 only A right", "2 only B right", "2 neither right"]
    eventually(shelf, lambda: [text for text in cells.all_inner_texts() if "right" in text], counts)
    choose(shelf, "Images")
    choose(shelf, f"Only {GOOD} is right (56)")
    shown(shelf, "Images 1–24 of 56.")
    sheets = shelf.locator("[data-testid=stMain] .mnist-lab-sheet img")
    eventually(shelf, lambda: sheets.evaluate_all("all => all.map(e => e.naturalWidth)"), [366, 366])
    screenshot(shelf, "pair-images")
    page_field = field(shelf, "Page (of 3)")
    page_field.fill("3")
    page_field.press("Enter")
    shown(shelf, "Images 49–56 of 56.")
    settled(shelf)
    shelf.get_by_text("As a table", exact=True).click()
    rows = eventually(shelf, lambda: table(shelf, "It is"), lambda rows: len(rows) == 8)
    expected = DIGITS[ONLY_GOOD[48:]]
    assert [row["It is"] for row in rows] == [row["A says"] for row in rows] == [str(digit) for digit in expected]
    assert [row["B says"] for row in rows] == [str((digit + 1) % 10) for digit in expected]
    choose(shelf, "Both are wrong (2)")
    shown(shelf, "Images 1–2 of 2.")


def test_a_cell_of_the_difference_shows_the_images_that_came_into_it(shelf):
    tick_run(shelf, GOOD)
    shelf.locator(".st-key-details").wait_for()
    tick_run(shelf, BAD)
    shelf.get_by_text(f"{GOOD} is better than {BAD}").wait_for(timeout=PATIENCE * 1000)
    choose(shelf, "Confusion")
    true = int(DIGITS[ONLY_GOOD[0]])
    said = (true + 1) % 10
    came = int((DIGITS[ONLY_GOOD] == true).sum())
    gone = int((DIGITS[:2] == true).sum())
    wanted = came - gone
    eventually(shelf, lambda: chart(shelf, MATRIX, "node._fullData[0].z[arg[0]][arg[1]]", [true, said]), wanted)
    screenshot(shelf, "pair-confusion")
    node = shelf.locator(f'.mnist-lab-plot[aria-label="{MATRIX}"]')
    node.scroll_into_view_if_needed()
    place = chart(
        shelf, MATRIX,
        """(() => { const b = node.getBoundingClientRect(), l = node._fullLayout;
        return [b.x + l.xaxis._offset + l.xaxis.d2p(arg[1]), b.y + l.yaxis._offset + l.yaxis.d2p(arg[0])] })()""",
        [true, said],
    )  # fmt: skip
    shelf.mouse.click(*place)
    shelf.get_by_text(f"It is {true}, said {said}", exact=True).wait_for(timeout=PATIENCE * 1000)
    shelf.get_by_role("radio", name=f"Came: only B says {said} ({came})", exact=True).wait_for()
    shown(shelf, f"Images 1–{came} of {came}.")
    assert shelf.get_by_role("radio", name=f"Left: only A says {said} ({gone})", exact=True).count() == 1


def test_the_slider_goes_from_epoch_to_epoch(shelf):
    tick_run(shelf, KEPT)
    shelf.locator(".st-key-details").wait_for()
    choose(shelf, "Epoch by epoch")
    shelf.get_by_text("After epoch 3").wait_for(timeout=PATIENCE * 1000)
    slider = shelf.locator("[data-testid=stSlider] input[type=range]")
    settled(shelf)
    slider.focus()
    shelf.keyboard.press("ArrowLeft")
    shelf.get_by_text("After epoch 2").wait_for(timeout=PATIENCE * 1000)
    shelf.get_by_text("3 mistakes.").wait_for()
    choose(shelf, "Since epoch 1")
    eventually(
        shelf,
        lambda: [text for text in shelf.get_by_role("radio").all_inner_texts() if "(" in text],
        ["Learnt (3)", "Forgot (1)", "Still wrong (2)"],
    )
    screenshot(shelf, "pair-epochs")
    assert chart(shelf, "Accuracy over the epochs", "node._fullLayout.shapes[0].x0") == 2

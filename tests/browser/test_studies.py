"""The Studies page in Chromium: tables beside what was published, training a selection, stop, resume, load."""

import re

import pytest

from mnist_lab.studies import preset
from tests.browser.actions import (
    PATIENCE,
    alerts,
    captions,
    chart,
    choose,
    eventually,
    fill,
    press,
    rows,
    settled,
    table,
    tick_row,
)
from tests.browser.server import open_page, screenshot

CURVES = "Curves of {}, published and measured"


def models(page) -> dict[str, dict[str, str]]:
    return {row["Model"]: row for row in table(page, "Model")}


def button(page, key: str):
    return page.locator(f".st-key-{key} button:visible")


@pytest.fixture
def shelf(lab, page):
    # The table puts into the page only what can be seen of it.
    page.set_viewport_size({"width": 1900, "height": 900})
    open_page(page, f"{lab.url}studies?study=000", "Study")
    eventually(page, lambda: len(models(page)), 13)
    yield page
    assert page.errors == []


def small(page, epochs: int, images: int) -> None:
    fill(page, "Epochs", epochs)
    fill(page, "Training images", images)
    words = f"{epochs} epoch{'s' * (epochs != 1)}, {images:,} training images"
    eventually(page, lambda: " ".join(captions(page)), lambda seen: words in seen)


def test_a_document_is_a_table_of_what_it_printed(shelf):
    shown = models(shelf)
    assert [*shown] == ["Baseline", *(f"Model {number}" for number in range(1, 13))]
    row = shown["Model 10"]
    assert (row["Parameters"], float(row["Published"]), float(row["Published loss"])) == ("35030", 99.3, 0.023)
    assert "None" not in " ".join(" ".join(row.values()) for row in shown.values())
    screenshot(shelf, "studies-document")


def test_a_selection_is_trained_in_a_chosen_setting_and_laid_beside_the_published_figures(shelf):
    small(shelf, 2, 300)
    for name in ("Baseline", "Model 3"):
        tick_row(shelf, "Model", name)
    train = button(shelf, "study-train")
    eventually(shelf, train.inner_text, lambda words: "the 2 selected" in words)
    train.click()
    eventually(
        shelf,
        lambda: [bool(models(shelf)[name]["95 % interval"]) for name in ("Baseline", "Model 3")],
        [True, True],
        3 * PATIENCE,
    )
    row = models(shelf)["Model 3"]
    assert row["Seeds"] == "1" and row["By"] == "you" and float(row["Epochs"]) == 2
    low, high = (float(end) for end in row["95 % interval"].split(" – "))
    assert low < float(row["Measured"]) < high
    assert row["Published is"] == "", "two epochs on other images are not held against the document"
    assert not models(shelf)["Model 4"]["95 % interval"]
    eventually(shelf, train.is_disabled, True)

    tick_row(shelf, "Model", "Baseline")  # off again: one is left
    label = CURVES.format("Model 3")
    drawn = eventually(shelf, lambda: chart(shelf, label, "node._fullData.map(t => [t.name, t.x.length])"), bool)
    assert ["ours, validation", 2] in drawn and ["published, validation", 10] in drawn
    screenshot(shelf, "studies-model")

    # Another setting shows other runs, and the way back is a click.
    fill(shelf, "Epochs", "")
    fill(shelf, "Training images", "")
    eventually(shelf, lambda: models(shelf)["Model 3"]["By"], lambda by: by != "you")
    shelf.get_by_role("button", name=re.compile("2 epochs, 300 training images")).click()
    eventually(shelf, lambda: models(shelf)["Model 3"]["By"], "you")

    # Reloaded, all is still there: it is read off the runs.
    shelf.reload()
    eventually(shelf, lambda: len(models(shelf)), 13)
    small(shelf, 2, 300)
    eventually(shelf, lambda: models(shelf)["Baseline"]["By"], "you")


def test_a_whole_study_is_stopped_and_taken_up_again(shelf):
    small(shelf, 60, 1000)
    fill(shelf, "Seeds", "7-8")
    train = button(shelf, "study-train")
    eventually(shelf, lambda: " ".join(captions(shelf)), lambda seen: "26 trainings to do" in seen)
    train.click()
    panel = shelf.locator(".st-key-study-progress")
    eventually(shelf, panel.inner_text, lambda words: "of 26 done" in words and "26 under way or waiting" in words)
    press(shelf, "study-stop")
    eventually(shelf, panel.inner_text, lambda words: "ended before their time" in words and "under way" not in words)
    screenshot(shelf, "studies-stopped")
    press(shelf, "study-resume")
    eventually(shelf, panel.inner_text, lambda words: "26 under way or waiting" in words)
    press(shelf, "study-stop")
    eventually(shelf, panel.inner_text, lambda words: "under way" not in words)


def test_a_model_is_loaded_into_the_lab_with_its_training(shelf):
    tick_row(shelf, "Model", "Model 5")
    settled(shelf)
    press(shelf, "study-load")
    shelf.get_by_role("heading", name="Lab", exact=True).wait_for(timeout=PATIENCE * 1000)
    eventually(shelf, lambda: len(rows(shelf)), len(preset("000-model-5").architecture.layers))
    assert "9×9" in rows(shelf)[0]


def test_wrong_seeds_are_one_sentence(shelf):
    fill(shelf, "Seeds", "one, two")
    eventually(shelf, lambda: " ".join(alerts(shelf)), lambda words: "Seeds cannot be read" in words)


def test_the_address_opens_the_study_and_the_choice_changes_the_address(shelf):
    choose(shelf, "Study", "004", option="Document 004")
    eventually(shelf, lambda: len(models(shelf)), 10)
    assert "study=004" in shelf.url
    choose(shelf, "Study", "Kernel", option="Question: ")
    effect = eventually(
        shelf,
        lambda: shelf.evaluate(
            "[...document.querySelectorAll('.mnist-lab-plot')].map(e => e.getAttribute('aria-label'))"
        ),
        bool,
    )
    assert effect[0].startswith("Accuracy against")
    screenshot(shelf, "studies-question")

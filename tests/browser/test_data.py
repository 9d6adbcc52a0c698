"""The Data page in Chromium: counts, images page by page, mean images, the augmentation as it was set in the Lab."""

import os

import pytest

from mnist_lab import datasets
from tests.browser.actions import PATIENCE, captions, chart, choose, eventually, fill, open_lab, open_tab, settled
from tests.browser.server import open_page, screenshot

COUNTS = "Images per digit and split"


@pytest.fixture
def data(lab, page):
    open_page(page, f"{lab.url}data", "Data")
    eventually(page, lambda: chart(page, COUNTS, "node._fullData.length"), 3)
    settled(page)
    yield page
    assert page.errors == []


def sheet(page) -> list:
    """The picture that can be seen: its address and its size."""
    found = page.locator(".mnist-lab-sheet img:visible").evaluate_all(
        "all => all.map(e => [e.src, e.naturalWidth, e.naturalHeight])"
    )
    return found[0] if len(found) == 1 else ["", 0, 0]


def wait_sheet(page, other_than: str = "") -> list:
    return eventually(page, lambda: sheet(page), lambda seen: seen[1] > 0 and seen[0] != other_than)


def test_the_counts_are_those_of_the_data(data):
    parts = datasets.split(datasets.load("auto"), "holdout", seed=42)
    shown = chart(data, COUNTS, "node._fullData.map(t => [t.name, Array.from(t.y).reduce((a, b) => a + b, 0)])")
    assert dict(shown) == {
        "training": len(parts.x_train), "validation": len(parts.x_validation), "test": len(parts.x_test)
    }  # fmt: skip
    if os.environ.get("MNIST_LAB_DATA"):
        assert dict(shown) == {"training": 55_000, "validation": 5_000, "test": 10_000}
    assert parts.description in captions(data)


def test_images_are_browsed_by_page_and_by_digit(data):
    parts = datasets.split(datasets.load("auto"), "holdout", seed=42)
    first = wait_sheet(data)
    pages = -(-len(parts.y_train) // 100)
    fill(data, f"Page (of {pages})", 2)
    second = wait_sheet(data, first[0])
    assert second[1:] == first[1:]
    choose(data, "Part", "test")
    third = wait_sheet(data, second[0])
    choose(data, "Digit", "7")
    wait_sheet(data, third[0])
    sevens = int((parts.y_test == 7).sum())
    data.locator(f"input[aria-label='Page (of {-(-sevens // 100)})']").wait_for()
    screenshot(data, "data-sevens")


def test_the_mean_of_each_digit_is_shown(data):
    open_tab(data, "Mean images")
    seen = wait_sheet(data)
    assert seen[1] > seen[2], "ten digits in a row"
    screenshot(data, "data-means")


def test_the_augmentation_that_the_lab_sets_is_previewed(lab, page):
    open_lab(page, lab, "Training")
    open_tab(page, "Stopping and augmentation")
    fill(page, "Rotation (degrees)", 30)
    settled(page)
    page.get_by_role("link", name="Data").click()
    page.get_by_role("tab", name="Augmentation", exact=True).wait_for()
    open_tab(page, "Augmentation")
    page.get_by_text("Rotation up to 30°").wait_for(timeout=PATIENCE * 1000)
    seen = wait_sheet(page)
    # ten digits, seven rows of them: the originals and six variants
    assert seen[1] / seen[2] == pytest.approx(10 / 7, rel=0.05)
    screenshot(page, "data-augmentation")
    assert page.errors == []

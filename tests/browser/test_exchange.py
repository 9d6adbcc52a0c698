"""A run taken away as one file and brought in again, in Chromium; and a file that is no run."""

import json
from pathlib import Path

import pytest

from mnist_lab import starter
from mnist_lab.exchange import layout
from mnist_lab.store.artefacts import MODEL, PREDICTIONS
from tests.browser.actions import PATIENCE, alerts, download, eventually, press, run_names, settled, tick_run
from tests.browser.server import open_page, screenshot
from tests.exchange.conftest import changed, unpacked

NAME = "To be taken away"


@pytest.fixture
def shelf(lab, lab_store, page):
    """The Runs page, with a copy of the starter model among the runs; and the store behind it."""
    store = lab_store
    record = json.loads((starter.FOLDER / starter.RECORD).read_text())
    files = {name: starter.FOLDER / name for name in (MODEL, PREDICTIONS)}
    store.register({**record["run"], "id": "e" * 32, "name": NAME, "created": 1.8e9}, record["history"], files)
    open_page(page, f"{lab.url}runs", "Runs")
    eventually(page, lambda: NAME in run_names(page), True)
    yield page, store
    store.delete([run.id for run in store.runs() if run.name == NAME])
    store.purge(older_than=-1.0)
    assert page.errors == []


def bring_in(page, *files: Path) -> None:
    settled(page)
    if not page.locator(".st-key-bring-in button:visible").count():
        page.get_by_text("Bring in runs that were exported").click()
    page.locator("[data-testid=stFileUploader] input[type=file]").set_input_files([str(file) for file in files])
    button = page.locator(".st-key-bring-in button:visible")
    eventually(page, button.is_enabled, True)
    settled(page)
    press(page, "bring-in")


def test_a_run_is_taken_away_deleted_and_brought_in_again(shelf, tmp_path):
    page, store = shelf
    tick_run(page, NAME)
    page.locator(".st-key-details").wait_for()
    settled(page)
    page.get_by_role("button", name="Take it away").click()
    page.locator(".st-key-take-zip button:visible").wait_for()
    screenshot(page, "runs-take-away")
    file = download(page, page.locator(".st-key-take-zip button:visible"), tmp_path)
    assert file.name == "To-be-taken-away-eeeeee.zip"
    archive = file.read_bytes()
    assert {layout.WEIGHTS, layout.KERAS_MODEL, layout.PREDICTIONS, layout.SCRIPT} <= set(unpacked(archive))

    bring_in(page, file)
    eventually(page, lambda: any("is here already" in text for text in alerts(page)), True, 2 * PATIENCE)
    settled(page)
    press(page, "brought-in-read")
    eventually(page, lambda: alerts(page), [])

    before = store.get("e" * 32)
    store.delete([before.id])
    store.purge(older_than=-1.0)
    broken = tmp_path / "*broken*.zip"
    broken.write_bytes(archive[:5000])
    proud = tmp_path / "proud.zip"
    proud.write_bytes(changed(archive, layout.RUN, lambda values: {**values, "test_accuracy": 1.0}))
    bring_in(page, broken, proud)
    said = eventually(
        page, lambda: alerts(page), lambda texts: any("Brought in" in text for text in texts), 2 * PATIENCE
    )
    screenshot(page, "runs-brought-in")
    assert any(text.startswith("*broken*.zip: This file is no zip archive") for text in said), said
    assert any("the file itself claims 100.00 %" in text for text in said), said
    eventually(page, lambda: NAME in run_names(page), True)
    after = store.get("e" * 32)
    assert (after.test_accuracy, after.architecture) == (before.test_accuracy, before.architecture)
    assert store.history(after.id) and after.reason is not None and after.reason.startswith("Imported.")

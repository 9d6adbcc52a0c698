"""The page My digits in Chromium: digits kept, corrected and read right; files; practice; two people at once."""

import re
import zipfile

import pytest

from mnist_lab import datasets
from mnist_lab.store import NewDigit
from tests.browser.actions import (
    PATIENCE,
    STROKES,
    alerts,
    answer,
    captions,
    choose,
    download,
    draw,
    eventually,
    fill,
    head,
    press,
    settled,
    table,
)
from tests.browser.server import open_page, screenshot


def read(page, digit: int) -> None:
    draw(page, STROKES[digit])
    eventually(page, lambda: answer(page), f"It says: {digit}", 2 * PATIENCE)
    settled(page)


def save(page, words: str) -> None:
    settled(page)
    press(page, "keep-board-save")
    eventually(page, lambda: any(line.startswith(words) for line in captions(page)), True)


def go_to(page, view: str) -> None:
    settled(page)
    page.get_by_role("radio", name=view, exact=True).click()
    settled(page)


def numbered(store, name: str, count: int) -> None:
    """Keeps so many of the embedded digits under a name."""
    data = datasets.load("digits")
    store.keep_digits(name, [NewDigit(x, int(y)) for x, y in zip(data.x_train[:count], data.y_train, strict=False)])


def open_as(page, lab, name: str) -> None:
    """Opens My digits under a name whose digits are there already."""
    open_page(page, f"{lab.url}digits", "My digits")
    fill(page, "Your name", name)
    page.get_by_text(f"{name} has ").wait_for(timeout=PATIENCE * 1000)
    page.get_by_role("button", name="They are mine").click()
    page.locator(".st-key-writer-change").wait_for(timeout=PATIENCE * 1000)
    settled(page)


def bring_in(page, *files) -> str:
    """Brings files in and returns what the page says to it."""
    settled(page)
    page.locator("[data-testid=stFileUploader] input[type=file]").set_input_files([str(file) for file in files])
    button = page.locator(".st-key-digits-bring-in button:visible")
    eventually(page, button.is_enabled, True)
    settled(page)
    press(page, "digits-bring-in")
    return eventually(page, lambda: " ".join(alerts(page)), bool)


def take(page, ending: str, folder):
    return download(page, page.locator(f"[class*='st-key-take'][class*='{ending}'] button:visible"), folder)


def test_a_drawing_is_saved_looked_at_corrected_deleted_and_counted(board, lab):
    read(board, 3)
    board.get_by_role("button", name="Save as my digit").click()
    fill(board, "Your name", "Browser <b>Anna</b>", "body")
    board.locator(".st-key-keep-board-save").wait_for()
    save(board, "Saved as a 3; you have 1 ")
    screenshot(board, "digit-saved")
    press(board, "clear")
    eventually(board, lambda: answer(board), "Draw a digit from 0 to 9")
    settled(board)
    read(board, 7)
    choose(board, "This is a", "1")
    save(board, "Saved as a 1; you have 2 ")
    board.get_by_role("link", name="My digits").click()
    board.get_by_role("heading", name="My digits", exact=True).wait_for()
    tiles = board.locator("[class*='st-key-digits-'] img")
    eventually(board, tiles.count, 2)
    eventually(board, lambda: tiles.evaluate_all("all => all.every(e => e.naturalHeight > 0)"), True)
    screenshot(board, "digits")

    # The 7 that was saved as a 1 counts against the network until it is put right.
    go_to(board, "Accuracy")
    right = lambda: [row["My digits"] for row in table(board, "My digits")][:1]  # noqa: E731
    eventually(board, right, ["50"], 2 * PATIENCE)
    screenshot(board, "digits-accuracy")
    go_to(board, "Digits")
    board.locator(".st-key-digits-1 label").first.click()
    settled(board)
    choose(board, "It is", "7")
    settled(board)
    press(board, "digits-correct")
    board.locator(".st-key-digits-7").wait_for()
    go_to(board, "Accuracy")
    eventually(board, right, ["100"])
    go_to(board, "Digits")
    board.locator(".st-key-digits-3 label").first.click()
    settled(board)
    press(board, "digits-delete")
    eventually(board, tiles.count, 1)
    settled(board)
    press(board, "digits-undo")
    eventually(board, tiles.count, 2)

    # The next digit is asked for as soon as the network reads the first.
    go_to(board, "Practice")
    press(board, "practice-start")
    request = board.get_by_role("heading", name=re.compile("^Draw a [0-9]$"))
    board.locator("canvas.upper-canvas").wait_for(timeout=PATIENCE * 1000)
    settled(board)
    asked = request.inner_text()
    draw(board, STROKES[int(asked[-1])])
    eventually(board, request.inner_text, lambda words: words != asked)
    eventually(board, lambda: [row["Asked"] for row in table(board, "Best time")], ["1"])
    screenshot(board, "practice")
    score = table(board, "Best time")
    open_as(board, lab, "Browser <b>Anna</b>")
    go_to(board, "Practice")
    eventually(board, lambda: table(board, "Best time"), score)


def test_files_go_out_and_come_in_for_somebody_else_and_a_damaged_one_loses_nothing(lab, lab_store, page, tmp_path):
    numbered(lab_store, "Files Out", 12)
    numbered(lab_store, "Files In", 1)
    before = {(one.digest, one.label) for one in lab_store.digits("Files Out")}
    open_as(page, lab, "Files Out")
    go_to(page, "Files")
    screenshot(page, "digits-files")
    pngs, images, labels = (take(page, ending, tmp_path) for ending in ("zip", "images", "labels"))
    with zipfile.ZipFile(pngs) as archive:
        assert len(archive.namelist()) == len(before)

    open_as(page, lab, "Files In")
    go_to(page, "Files")
    damaged = tmp_path / "damaged.zip"
    damaged.write_bytes(pngs.read_bytes()[:600])
    said = bring_in(page, damaged)
    assert "damaged.zip" in said and "Traceback" not in said
    screenshot(page, "digits-damaged")
    assert len(lab_store.digits("Files In")) == 1
    assert "11 digits brought in; here already: 1" in bring_in(page, images, labels)
    screenshot(page, "digits-brought-in")
    assert {(one.digest, one.label) for one in lab_store.digits("Files In")} == before
    lab_store.delete_digits("Files In", [one.digest for one in lab_store.digits("Files In")][1:])
    open_as(page, lab, "Files In")
    go_to(page, "Files")
    assert "11 digits brought in" in bring_in(page, pngs)
    assert {(one.digest, one.label) for one in lab_store.digits("Files In")} == before
    assert page.errors == []


def test_two_people_at_once_see_each_their_own_digits(lab, lab_store, page, browser):
    numbered(lab_store, "Left Hand", 3)
    numbered(lab_store, "Right Hand", 5)
    context = browser.new_context()
    other = context.new_page()
    open_as(page, lab, "Left Hand")
    open_as(other, lab, "Right Hand")
    for who, count in ((page, 3), (other, 5), (page, 3)):
        go_to(who, "Digits")
        eventually(who, who.locator("[class*='st-key-digits-'] img").count, count)
    context.close()
    assert page.errors == []


@pytest.mark.mnist
def test_a_fine_tuning_is_paused_goes_on_and_is_stopped_with_its_accuracy_on_the_digits_held_out(lab, lab_store, page):
    numbered(lab_store, "Tuner", 60)
    open_as(page, lab, "Tuner")
    go_to(page, "Fine-tune")
    fill(page, "Epochs", 500)
    press(page, "tune-start")
    under_way = re.compile(r"epoch \d+ of 500 · ")
    eventually(page, lambda: head(page), under_way.match, 2 * PATIENCE)
    press(page, "pause")
    eventually(page, lambda: head(page), lambda words: words.startswith("paused · "))
    press(page, "resume")
    eventually(page, lambda: head(page), under_way.match)
    press(page, "stop")
    known = re.compile(r".* → \d+\.\d\d % \(")
    both = ("Digits held out", "Test images")
    eventually(page, lambda: [known.match(row[name]) is not None for row in table(page, both[0]) for name in both],
               [True, True], 2 * PATIENCE)  # fmt: skip
    assert table(page, both[0])[0]["Status"] == "stopped"
    screenshot(page, "fine-tuned")
    assert page.errors == []

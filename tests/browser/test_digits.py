"""The page My digits in Chromium: draw, save, look, correct, delete, and see what the network reads right."""

import re

from tests.browser.actions import (
    PATIENCE,
    STROKES,
    answer,
    captions,
    choose,
    draw,
    eventually,
    fill,
    press,
    settled,
    table,
)
from tests.browser.server import screenshot


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


def test_a_drawing_is_saved_looked_at_corrected_deleted_and_counted(board):
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

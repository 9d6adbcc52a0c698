"""The Draw page in Chromium: digits drawn with the mouse, pictures, the confusion matrix and its images."""

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnist_lab import metrics
from tests.browser.actions import (
    PATIENCE,
    STROKES,
    alerts,
    answer,
    captions,
    chart,
    choose,
    draw,
    eventually,
    fill,
    press,
    settled,
    toolbar,
)
from tests.browser.server import ROOT, open_page, screenshot

MATRIX = "Confusion matrix"
EMPTY = "The canvas is empty: there is nothing to predict yet."


@pytest.fixture(scope="module")
def said():
    """What the robust model, which the page asks, said of MNIST's test images: labels and probabilities."""
    with np.load(ROOT / "mnist_lab" / "starter" / "robust" / "predictions.npz") as stored:
        return stored["labels"], stored["probabilities"].astype(np.float32)


def wait_answer(page, digit: int) -> None:
    eventually(page, lambda: answer(page), f"It says: {digit}", 2 * PATIENCE)


def steps(page) -> list[str]:
    """The captions of the images on the way to the network."""
    return page.locator(".st-key-steps [data-testid=stImageCaption]").all_inner_texts()


def images_title(page) -> str:
    """What the images beside the confusion matrix are."""
    found = page.locator("[data-testid=stMarkdown] strong").all_inner_texts()
    return next((text for text in found if "mistakes" in text or "gets right" in text), "")


def click_cell(page, true: int, predicted: int) -> None:
    page.locator(f'.mnist-lab-plot[aria-label="{MATRIX}"]').scroll_into_view_if_needed()
    eventually(page, lambda: chart(page, MATRIX, "node._fullData.length"), 4)
    settled(page)
    x, y = chart(
        page,
        MATRIX,
        """(() => { const b = node.getBoundingClientRect(), {xaxis, yaxis} = node._fullLayout;
        return [b.x + xaxis._offset + xaxis.d2p(arg[1]), b.y + yaxis._offset + yaxis.d2p(arg[0])] })()""",
        [true, predicted],
    )
    # slightly beside the number, which lies above the cell
    page.mouse.click(x + 8, y + 8)


def test_an_empty_canvas_says_so_and_predicts_nothing(board):
    assert answer(board) == "Draw a digit from 0 to 9"
    assert EMPTY in captions(board)
    assert steps(board) == []
    bars = "node._fullData.every(t => !t.x?.some(v => v > 0))"
    eventually(board, lambda: chart(board, "Probability of each digit", bars), True)


def test_every_digit_drawn_with_the_mouse_is_read_right(board):
    for digit, strokes in STROKES.items():
        draw(board, strokes)
        wait_answer(board, digit)
        last = "Centre of mass in the middle of 28x28"
        shown = eventually(
            board, lambda: steps(board), lambda seen, last=last: seen[:1] == ["As drawn"] and last in seen
        )
        settled(board)
        assert "Cropped to the ink" in shown
        images = board.locator(".st-key-steps img")
        eventually(board, lambda images=images: images.evaluate_all("all => all.every(e => e.naturalHeight > 0)"), True)
        sizes = images.evaluate_all("all => all.map(e => [e.clientWidth, e.clientHeight])")
        assert sizes == [[140, 140]] * len(shown), "a step is not shown as a small square"
        if digit in (1, 3):
            screenshot(board, f"draw-{digit}")
        toolbar(board, "Reset canvas & history")
        eventually(board, lambda: answer(board), "Draw a digit from 0 to 9")
        eventually(board, lambda: steps(board), [])
    assert EMPTY in captions(board)


def test_the_canvas_takes_a_stroke_back_and_brings_it_again(board):
    stem, bar = STROKES[1][0], [(80, 50), (152, 50)]
    draw(board, [stem])
    wait_answer(board, 1)
    settled(board)
    draw(board, [bar, [(80, 50), (80, 130), (152, 130)]])
    eventually(board, lambda: answer(board), lambda words: words.startswith("It says") and words != "It says: 1")
    for _ in range(2):
        settled(board)
        toolbar(board, "Undo")
    wait_answer(board, 1)
    settled(board)
    toolbar(board, "Undo")
    eventually(board, lambda: answer(board), "Draw a digit from 0 to 9")
    settled(board)
    toolbar(board, "Redo")
    wait_answer(board, 1)


def test_the_buttons_under_the_canvas_take_back_a_stroke_and_clear_it(board):
    draw(board, STROKES[4])
    wait_answer(board, 4)
    settled(board)
    press(board, "undo")
    eventually(board, lambda: answer(board), lambda words: words.startswith("It says") and words != "It says: 4")
    settled(board)
    draw(board, STROKES[4][1:])
    wait_answer(board, 4)
    settled(board)
    press(board, "clear")
    eventually(board, lambda: answer(board), "Draw a digit from 0 to 9")
    settled(board)
    assert not board.locator(".st-key-clear button:visible").is_enabled()
    draw(board, STROKES[7])
    wait_answer(board, 7)


def test_an_uploaded_picture_is_read_and_what_is_no_picture_is_refused_in_words(board):
    paper = Image.new("L", (420, 420), 245)
    pen = ImageDraw.Draw(paper)
    for stroke in STROKES[3]:
        pen.line([(x + 60, y + 70) for x, y in stroke], fill=40, width=22, joint="curve")
    picture = io.BytesIO()
    paper.save(picture, "PNG")
    board.get_by_role("radio", name="Upload").click()
    chosen = board.locator("input[type=file]")
    chosen.wait_for(state="attached")
    chosen.set_input_files({"name": "three.png", "mimeType": "image/png", "buffer": picture.getvalue()})
    wait_answer(board, 3)
    settled(board)
    eventually(board, lambda: steps(board)[:2], ["The picture", "The ink in it"])
    screenshot(board, "upload")

    chosen.set_input_files({"name": "letter.png", "mimeType": "image/png", "buffer": b"Dear Sir, this is no picture."})
    shown = eventually(
        board, lambda: [text for text in alerts(board) if text.startswith("⚠️")], lambda seen: len(seen) == 1
    )
    assert "picture" in shown[0]
    settled(board)
    eventually(board, lambda: answer(board), "Upload a picture of a digit")
    assert steps(board) == []
    screenshot(board, "upload-refused")


def test_a_click_on_a_cell_of_the_confusion_matrix_shows_its_images(board, said):
    labels, probabilities = said
    matrix = metrics.confusion(labels, probabilities.argmax(1))
    wrong = matrix - np.diag(np.diag(matrix))
    true, predicted = (int(place) for place in np.unravel_index(wrong.argmax(), wrong.shape))
    eventually(board, lambda: images_title(board), f"{wrong.sum()} mistakes, most confident first")
    click_cell(board, true, predicted)
    eventually(board, lambda: images_title(board), f"{wrong[true, predicted]} mistakes, most confident first")
    click_cell(board, 7, 7)
    eventually(
        board, lambda: images_title(board), f"{matrix[7, 7]:,} images of 7 that it gets right, least confident first"
    )
    board.get_by_text("Rates", exact=True).click()
    eventually(board, lambda: chart(board, MATRIX, "node._fullData[2].text[0].includes('.')"), True)


def test_mistakes_are_filtered_by_what_they_are_and_what_was_said(board, said):
    labels, probabilities = said
    matrix = metrics.confusion(labels, probabilities.argmax(1))
    of_nine = int(matrix[9].sum() - matrix[9, 9])
    said_nine = int(matrix[:, 9].sum() - matrix[9, 9])
    choose(board, "It is", "9")
    eventually(board, lambda: images_title(board), f"{of_nine} mistakes, most confident first")
    choose(board, "It is", "any digit")
    choose(board, "The network says", "9")
    eventually(board, lambda: images_title(board), f"{said_nine} mistakes, most confident first")


@pytest.mark.mnist
def test_the_images_of_the_mistakes_are_shown_page_by_page(board, said):
    labels, probabilities = said
    wrong = int((probabilities.argmax(1) != labels).sum())
    sheet = board.locator(".mnist-lab-sheet img").last
    sheet.scroll_into_view_if_needed()
    first = eventually(board, lambda: sheet.evaluate("e => [e.src, e.naturalHeight]"), lambda seen: seen[1] > 0)
    screenshot(board, "mistakes")
    fill(board, f"Page (of {-(-wrong // 30)})", 2)
    second = eventually(
        board, lambda: sheet.evaluate("e => [e.src, e.naturalHeight]"), lambda seen: seen[0] != first[0] and seen[1] > 0
    )
    # 6 a row, 30 a page: the second page has what is left, up to five rows again
    assert wrong > 30
    assert first[1] / second[1] == pytest.approx(5 / min(5, -(-(wrong - 30) // 6)), rel=0.1)
    click_cell(board, 0, 0)
    right = int(((probabilities.argmax(1) == 0) & (labels == 0)).sum())
    eventually(board, lambda: images_title(board).startswith(f"{right} images of 0"), True)
    settled(board)
    assert board.locator(f"input[aria-label='Page (of {-(-right // 30)})']").input_value() == "1"


def test_several_digits_are_read_in_order_and_a_click_shows_one_of_them(board):
    slider = board.locator(".st-key-pen-width input")
    slider.focus()
    for _ in range(12):
        slider.press("ArrowLeft")
    settled(board)
    for place, digit in enumerate((7, 4, 1, 3)):
        draw(board, [[(0.36 * x - 10 + 65 * place, 0.36 * y + 70) for x, y in stroke] for stroke in STROKES[digit]])
    wait_answer(board, 7413)
    settled(board)
    assert captions(board)[0].startswith("4 digits, at least ")
    buttons = board.locator(".st-key-digits [class*=st-key-digit-] button")
    assert [text.split()[0] for text in buttons.all_inner_texts()] == ["7", "4", "1", "3"]
    winner = "node._fullData[0].x.indexOf(Math.max(...node._fullData[0].x))"
    eventually(board, lambda: chart(board, "Probability of each digit", winner), 7)
    assert "Digit 1 of 4" in steps(board)
    buttons.nth(3).click()
    eventually(board, lambda: chart(board, "Probability of each digit", winner), 3)
    eventually(board, lambda: "Digit 4 of 4" in steps(board), True)
    press(board, "clear")
    eventually(board, lambda: answer(board), "Draw a digit from 0 to 9")
    eventually(board, buttons.count, 0)


def test_a_long_number_is_drawn_on_a_canvas_as_wide_as_the_page_and_stays_there(board):
    canvas = board.locator("canvas.upper-canvas")

    def widths() -> list[int]:
        return canvas.evaluate_all("all => all.map(e => e.clientWidth)")

    draw(board, STROKES[3])
    wait_answer(board, 3)
    settled(board)
    board.get_by_role("radio", name="Number").click()
    eventually(board, widths, lambda seen: len(seen) == 1 and seen[0] > 800)
    settled(board)
    for place, digit in enumerate((1, 7, 4, 7, 1, 2, 7, 1)):
        draw(board, [[(0.45 * x - 20 + 100 * place, 0.45 * y + 60) for x, y in stroke] for stroke in STROKES[digit]])
    wait_answer(board, 17471271)
    settled(board)
    press(board, "undo")
    wait_answer(board, 1747127)
    settled(board)
    screenshot(board, "number")
    board.get_by_role("radio", name="Draw").click()
    wait_answer(board, 3)
    settled(board)
    eventually(board, widths, [280])
    board.set_viewport_size({"width": 390, "height": 800})
    board.get_by_role("radio", name="Number").click()
    wait_answer(board, 1747127)
    eventually(board, widths, lambda seen: len(seen) == 1)
    settled(board)
    box = canvas.bounding_box()
    assert box["width"] > 300 and box["x"] >= 0 and box["x"] + box["width"] <= 390
    press(board, "clear")
    eventually(board, lambda: answer(board).startswith("Draw a number"), True)
    settled(board)
    for place, digit in enumerate((7, 1, 2, 1, 7)):
        x0, y0 = 110 * (place % 3), 140 * (place // 3)
        draw(board, [[(0.45 * x - 10 + x0, 0.45 * y + y0) for x, y in stroke] for stroke in STROKES[digit]])
    wait_answer(board, 71217)


def test_a_finger_draws_and_the_page_does_not_scroll_meanwhile(lab, browser):
    context = browser.new_context(viewport={"width": 390, "height": 700}, has_touch=True, is_mobile=True)
    page = context.new_page()
    open_page(page, lab.url, "Draw a digit")
    canvas = page.locator("canvas.upper-canvas")
    canvas.wait_for(timeout=PATIENCE * 1000)
    settled(page)
    scrolled = "[...document.querySelectorAll('*')].reduce((sum, e) => sum + e.scrollTop + e.scrollLeft, scrollY)"
    box, touch = canvas.bounding_box(), context.new_cdp_session(page)

    def finger(points) -> None:
        kinds = ["touchStart", *["touchMove"] * (len(points) - 1)]
        for kind, (x, y) in zip(kinds, points, strict=True):
            at = {"x": box["x"] + x, "y": box["y"] + y}
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [at]})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    before = page.evaluate(scrolled)
    # Upwards, as one scrolls: the stem of a 1, then a whole 3.
    finger([(140, y) for y in range(250, 20, -6)])
    wait_answer(page, 1)
    assert page.evaluate(scrolled) == before
    settled(page)
    screenshot(page, "draw-finger")
    press(page, "clear")
    eventually(page, lambda: answer(page), "Draw a digit from 0 to 9")
    settled(page)
    box = canvas.bounding_box()
    before = page.evaluate(scrolled)
    finger(STROKES[3][0])
    wait_answer(page, 3)
    assert page.evaluate(scrolled) == before
    # The same beside the canvas scrolls, so that the test can tell.
    finger([(320, y) for y in range(250, 20, -6)])
    eventually(page, lambda: page.evaluate(scrolled) > before, True, 10)
    context.close()

"""The camera way in, in a Chromium whose camera looks at a digit on paper."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from tests.browser.actions import PATIENCE, STROKES, answer, eventually, settled
from tests.browser.server import open_page, screenshot

WIDTH, HEIGHT = 640, 480
MIDDLE = 128
"""The value of the two colour planes of a picture without colour."""

COUNT_ASKED = """window.asked = 0;
const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = wanted => { window.asked += 1; return ask(wanted) };"""
"""Counts in the page how often the camera is asked for."""


def write_video(path, digit: int) -> None:
    """Writes a video of one standing frame: a digit in dark ink on paper that is lit from the left."""
    paper = np.tile(np.linspace(215, 165, WIDTH), (HEIGHT, 1)).astype(np.uint8)
    picture = Image.fromarray(paper)
    pen = ImageDraw.Draw(picture)
    for stroke in STROKES[digit]:
        pen.line([(x + 180, y + 100) for x, y in stroke], fill=50, width=14, joint="curve")
    light = np.asarray(picture.filter(ImageFilter.GaussianBlur(1))).tobytes()
    colour = bytes([MIDDLE]) * (WIDTH * HEIGHT // 2)
    path.write_bytes(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F10:1 Ip A1:1 C420jpeg\n".encode() + b"FRAME\n" + light + colour)


def test_a_photograph_by_the_camera_is_read(lab, start_browser, tmp_path):
    video = tmp_path / "paper.y4m"
    write_video(video, 2)
    chromium = start_browser(
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={video}",
    )
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.add_init_script(COUNT_ASKED)
    open_page(page, lab.url, "Draw a digit")
    page.get_by_role("radio", name="Camera", exact=True).click()
    eventually(page, lambda: answer(page), "Take a picture of a digit")
    # Its size is known before its first frame is: a photograph of that would be black.
    page.wait_for_function("document.querySelector('[data-testid=stCameraInput] video')?.currentTime > 0.5")
    settled(page)
    # Asked for anew, it would stop for a moment, in which a click on the button does nothing.
    page.wait_for_timeout(1500)
    assert page.evaluate("window.asked") == 1
    page.get_by_role("button", name="Take Photo").click()
    eventually(page, lambda: answer(page), "It says: 2", 2 * PATIENCE)
    settled(page)
    screenshot(page, "camera")
    page.get_by_role("button", name="Clear photo").click()
    eventually(page, lambda: answer(page), "Take a picture of a digit")
    assert errors == []
    chromium.close()

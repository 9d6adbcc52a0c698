"""The first test images, ten a row, with what was said of each; the wrong ones are framed."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw, ImageFont

from mnist_lab.figures.theme import FAULT, NEUTRAL
from mnist_lab.report.blocks import Grid

COLUMNS = 10
SCALE = 2
GAP = 8
CAPTION = 16
FRAME = 3
MANY = 20


def picture(grid: Grid) -> bytes:
    """The images as one PNG; below each the predicted digit, and after a wrong one what it is.

    Raises:
        ValueError: If there are no images.
    """
    if grid.images is None or not len(grid.images):
        raise ValueError("The grid has no images.")
    size = grid.images.shape[1] * SCALE
    step, rows = size + GAP, -(-len(grid.images) // COLUMNS)
    sheet = Image.new("RGBA", (COLUMNS * step, rows * (step + CAPTION)), (0, 0, 0, 0))
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=13)
    for index, (image, true, said) in enumerate(zip(grid.images, grid.labels, grid.predicted, strict=True)):
        left, top = index % COLUMNS * step + GAP // 2, index // COLUMNS * (step + CAPTION) + GAP // 2
        is_wrong = int(true) != int(said)
        if is_wrong:
            pen.rectangle((left - FRAME, top - FRAME, left + size + FRAME - 1, top + size + FRAME - 1), fill=FAULT)
        tile = Image.fromarray(image).resize((size, size), Image.Resampling.NEAREST)
        sheet.paste(tile.convert("RGBA"), (left, top))
        text = f"{said}, is {true}" if is_wrong else str(said)
        pen.text((left + size / 2, top + size + 3), text, FAULT if is_wrong else NEUTRAL, font, anchor="ma")
    buffer = io.BytesIO()
    # 256 colours are enough for grey images and one red, and take a quarter of the room.
    sheet.quantize(256, method=Image.Quantize.FASTOCTREE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def mistakes(grid: Grid) -> str:
    """The wrong ones in words: ``"Wrong: image 9 is a 5, taken for a 6."``; counted from 1; "" if they are many."""
    wrong = [
        f"image {index} is a {true}, taken for a {said}"
        for index, (true, said) in enumerate(zip(grid.labels, grid.predicted, strict=True), 1)
        if int(true) != int(said)
    ]
    if len(wrong) > MANY:
        return ""
    return f"Wrong: {'; '.join(wrong)}." if wrong else "None is wrong."

"""Pictures of digits: contact sheets as PNG, mean images."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

GAP = 2
LINE = 16  # pixels that a line of a caption takes
CAPTION_COLOUR = (138, 148, 163, 255)


def _stack(images: Any) -> np.ndarray:
    """Images as uint8 of shape ``(n, 28, 28)``; floats are taken as 0 to 1."""
    stack = np.asarray(images)
    if stack.ndim == 4 and stack.shape[-1] == 1:
        stack = stack[..., 0]
    if stack.ndim == 2:
        stack = stack[np.newaxis]
    if stack.ndim != 3:
        raise ValueError(f"Images have the shape (n, height, width). Received: {stack.shape}.")
    if stack.dtype != np.uint8:
        stack = np.clip(np.rint(stack.astype(float) * 255), 0, 255).astype(np.uint8)
    return stack


def contact_sheet(
    images: Any, captions: Sequence[str] | None = None, columns: int = 10, scale: int = 2, gap: int = 6
) -> bytes:
    """Many images as one PNG: a thousand digits are one picture to send and to show.

    Args:
        images: uint8 or 0-to-1 floats of shape ``(n, height, width)``, white on black, also with a last axis of 1.
        captions: A short text under each image, of one or more lines.
        columns: Images a row.
        scale: Pixels per pixel of an image.
        gap: Space between images, in pixels; it is transparent.

    Returns:
        The bytes of a PNG.

    Raises:
        ValueError: If the images have another shape, or the captions another number.
    """
    stack = _stack(images)
    if captions is not None and len(captions) != len(stack):
        raise ValueError(f"Each image needs a caption. Received: {len(stack)} images, {len(captions)} captions.")
    height, width = stack.shape[1] * scale, stack.shape[2] * scale
    lines = max((caption.count("\n") + 1 for caption in captions or ()), default=0)
    text = LINE * lines
    columns = max(1, min(columns, len(stack)))
    rows = max(1, -(-len(stack) // columns))
    sheet = Image.new("RGBA", (columns * (width + gap) - gap, rows * (height + text + gap) - gap), (0, 0, 0, 0))
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=12) if captions is not None else None
    for index, image in enumerate(stack):
        left, top = index % columns * (width + gap), index // columns * (height + text + gap)
        tile = Image.fromarray(image).resize((width, height), Image.Resampling.NEAREST)
        sheet.paste(tile.convert("RGBA"), (left, top))
        if captions is not None:
            caption = captions[index].replace("→", ">")  # Pillow's own font has no arrow
            for number, line in enumerate(caption.split("\n")):
                draw.text((left + width / 2, top + height + 2 + number * LINE), line, CAPTION_COLOUR, font, anchor="ma")
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()


def png_url(png: bytes) -> str:
    """The address under which a picture stands by itself, with nothing to be fetched (a data URL).

    Args:
        png: The bytes of a PNG.
    """
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"


def mean_images(images: Any, labels: Any) -> np.ndarray:
    """The mean image of each digit.

    Args:
        images: As in `contact_sheet`.
        labels: The digit of each image, shape ``(n,)``.

    Returns:
        uint8 of shape ``(10, height, width)``; black for a digit without images.
    """
    stack, labels = _stack(images), np.asarray(labels)
    means = [
        stack[labels == digit].mean(axis=0) if (labels == digit).any() else np.zeros(stack.shape[1:])
        for digit in range(10)
    ]
    return np.rint(means).astype(np.uint8)

"""Pictures of digits: contact sheets as PNG, grids that can be clicked, mean images."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from PIL import Image, ImageDraw, ImageFont

from mnist_lab.figures.theme import base_layout, message

GAP = 2
LINE = 16  # pixels that a line of a caption takes
LEAST_TILE = 52  # pixels on the page that a caption needs; a narrower page scrolls
CAPTION_COLOUR = (138, 148, 163, 255)
GREYS = [[0, "#000000"], [1, "#ffffff"]]


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


def digit_grid(
    images: Any, captions: Sequence[str] | None = None, columns: int = 10, dark: bool = False, tile: int = 80
) -> go.Figure:
    """Images side by side in one heat map; a click on a pixel gives the image's index as ``customdata``.

    Args:
        images: As in `contact_sheet`; best fewer than 200.
        captions: A short text under each image, also its hover text.
        columns: Images a row.
        dark: As in `base_layout`.
        tile: Height of an image on the page, in pixels.

    Returns:
        One heat map of all pixels, and the captions as a trace of text.
    """
    stack = _stack(images)
    if len(stack) == 0:
        return message("There are no images to show.", dark)
    if captions is not None and len(captions) != len(stack):
        raise ValueError(f"Each image needs a caption. Received: {len(stack)} images, {len(captions)} captions.")
    size_y, size_x = stack.shape[1:]
    below = 8 if captions is not None else 0
    columns = min(columns, len(stack))
    rows = -(-len(stack) // columns)
    step_y, step_x = size_y + GAP + below, size_x + GAP
    pixels = np.full((rows * step_y, columns * step_x), np.nan)
    owner = np.full(pixels.shape, -1)
    names = np.full(pixels.shape, "", dtype=object)
    for index, image in enumerate(stack):
        top, left = index // columns * step_y, index % columns * step_x
        place = np.s_[top : top + size_y, left : left + size_x]
        pixels[place], owner[place] = image, index
        names[place] = captions[index] if captions is not None else f"image {index + 1}"
    figure = go.Figure(
        go.Heatmap(
            z=pixels, customdata=owner, text=names, zmin=0, zmax=255, colorscale=GREYS, showscale=False,
            hoverongaps=False, hovertemplate="%{text}<extra></extra>", uid="images",
        )
    )  # fmt: skip
    if captions is not None:
        places = np.arange(len(stack))
        figure.add_scatter(
            x=places % columns * step_x + (size_x - 1) / 2, y=places // columns * step_y + size_y + below / 2,
            text=list(captions), mode="text", hoverinfo="skip", showlegend=False, uid="captions",
            textfont={"size": 11},
        )  # fmt: skip
    hidden: dict[str, Any] = {"visible": False, "fixedrange": True, "constrain": "domain"}
    figure.update_layout(
        base_layout(
            dark,
            round(rows * tile * step_y / size_y) + 12,
            width=columns * LEAST_TILE,
            margin={"l": 0, "r": 0, "t": 6, "b": 6},
            xaxis={**hidden, "range": [-0.5, pixels.shape[1] - 0.5], "constraintoward": "left"},
            yaxis={**hidden, "range": [pixels.shape[0] - 0.5, -0.5], "scaleanchor": "x"},
        )
    )
    return figure


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

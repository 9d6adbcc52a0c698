"""Digits as people draw and photograph them, made by script: pens, slips, dots, lamps, shadows, lined paper, cameras.

The digits are MNIST's *training* images, enlarged, and strokes of our own, bent at random. Nothing here is to be
trained on; `benchmarks/paper.py` measures with it, and tests take single sheets from it.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from mnist_lab.ink import ink_of_strokes
from tests.browser.actions import STROKES

Random = np.random.Generator
Ink = NDArray[np.uint8]
Source = Callable[[Random, int], Ink]
"""From a generator and a digit to its ink at a height of about 160 pixels, with a margin."""

SIDE = 280
WHITE, BLACK = (255, 255, 255), (0, 0, 0)
PENS = ((30, 40, 130), (25, 25, 30), (190, 30, 40), (20, 120, 50), (90, 90, 95))


# Digits ---------------------------------------------------------------------------------------------------------------


def of_mnist(images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Source:
    """Takes a random training image of the digit, smoothly enlarged."""
    where = [np.flatnonzero(labels == digit) for digit in range(10)]

    def one(random: Random, digit: int) -> Ink:
        image = Image.fromarray(images[random.choice(where[digit])])
        large = np.asarray(image.resize((224, 224), Image.Resampling.BICUBIC), np.float32)
        return np.pad(np.clip((large - 96) * 4, 0, 255).astype(np.uint8), 28)

    return one


def bent(random: Random, digit: int) -> list[NDArray[np.float64]]:
    """Our own strokes of a digit on a canvas of 280 by 280: slanted, turned, stretched, with an unsteady hand."""
    turn, slant = random.normal(0, 0.1), random.normal(0, 0.15)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ np.array([[1, slant], [0, 1]])
    matrix = matrix @ np.diag(random.uniform(0.8, 1.1, 2))
    strokes = []
    for stroke in STROKES[digit]:
        points = _fine(np.array(stroke, float), 3)
        shake = ndimage.gaussian_filter1d(random.normal(0, 1, points.shape), 12, axis=0, mode="nearest")
        strokes.append((points - 140 + shake * 8) @ matrix.T + 140)
    return strokes


def pen(width: float) -> Source:
    """Draws our own strokes with a pen of this width in pixels."""
    return lambda random, digit: ink_of_strokes(bent(random, digit), width, SIDE)


def broken(on: float, off: float, width: float) -> Source:
    """Draws our own strokes dotted or dashed: so many pixels of ink, so many without, in turns."""

    def one(random: Random, digit: int) -> Ink:
        pieces = []
        for stroke in bent(random, digit):
            fine = _fine(stroke, 1)
            step, start = on + off, random.uniform(0, off)
            for at in np.arange(start, len(fine) - 1, step):
                pieces.append(fine[int(at) : int(at + on) + 1])
        return ink_of_strokes(pieces, width, SIDE)

    return one


def _fine(points: NDArray[np.float64], step: float) -> NDArray[np.float64]:
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    at = np.arange(0, along[-1] + step, step)
    return np.stack([np.interp(at, along, points[:, axis]) for axis in (0, 1)], axis=1)


# Canvases -------------------------------------------------------------------------------------------------------------


def canvas(ink: Ink, colour: tuple = WHITE, paper: tuple = BLACK) -> NDArray[np.uint8]:
    """The pixels of a canvas with this ink on it."""
    share = ink[:, :, None] / 255
    colours = np.rint(np.array(colour) * share + np.array(paper) * (1 - share))
    return np.dstack([colours, np.full(ink.shape, 255)]).astype(np.uint8)


def with_dots(random: Random, ink: Ink, width: float = 14) -> Ink:
    """The ink, made smaller, with one or two stray dots as far off as the sheet allows."""
    small = placed(random, ink, 0.55)
    rows, columns = np.nonzero(small > 127)
    for _ in range(random.integers(1, 3)):
        while True:
            x, y = random.uniform(10, SIDE - 10, 2)
            if np.hypot(rows - y, columns - x).min() > 0.25 * np.ptp(rows) + width:
                break
        small = np.maximum(small, ink_of_strokes([[(x, y)]], random.uniform(4, width), SIDE))
    return small


def placed(random: Random, ink: Ink, scale: float, side: int | tuple[int, int] = SIDE) -> Ink:
    """The ink in another size, anywhere on a sheet."""
    height, width = (side, side) if isinstance(side, int) else side
    cropped = _cropped(ink)
    size = [max(1, round(length * scale)) for length in cropped.shape[::-1]]
    small = np.asarray(Image.fromarray(cropped).resize((size[0], size[1]), Image.Resampling.BOX))
    sheet = np.zeros((height, width), np.uint8)
    top, left = (int(random.integers(4, max(5, room - length - 4)))
                 for room, length in zip((height, width), small.shape, strict=True))  # fmt: skip
    sheet[top : top + small.shape[0], left : left + small.shape[1]] = small
    return sheet


def row(random: Random, digits: list[Ink], gap: tuple[float, float], height: int = 80) -> Ink:
    """Digits in a row, with random gaps as shares of their height, sizes and ups and downs."""
    parts = []
    for ink in digits:
        cropped = _cropped(ink)
        scale = height * random.uniform(0.85, 1.15) / cropped.shape[0]
        size = [max(1, round(length * scale)) for length in cropped.shape[::-1]]
        parts.append(np.asarray(Image.fromarray(cropped).resize((size[0], size[1]), Image.Resampling.BOX)))
    gaps = [round(height * random.uniform(*gap)) for _ in parts]
    sheet = np.zeros((2 * height, sum(part.shape[1] for part in parts) + sum(gaps) + height), np.uint8)
    left = height // 2
    for part, space in zip(parts, gaps, strict=True):
        top = (sheet.shape[0] - part.shape[0]) // 2 + int(random.integers(-height // 10, height // 10 + 1))
        place = sheet[top : top + part.shape[0], left : left + part.shape[1]]
        np.maximum(place, part, out=place)
        left += part.shape[1] + space
    return sheet


def _cropped(ink: Ink) -> Ink:
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


# Photographs ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Paper:
    """How a sheet was photographed.

    Attributes:
        sheet: Its colour.
        pens: Colours of pens, one of which is taken.
        lamp: Share of the light that is lost on one side.
        shadow: Share of the light that a shadow with a soft edge takes from a part of the sheet.
        texture: Standard deviation of the paper's own structure, in grey levels.
        noise: Standard deviation of the camera's noise.
        lines: `"ruled"`, `"squared"` or nothing.
        quality: Of the JPEG file.
        turned: Whether the camera was held upright and says so (EXIF).
        side: Longest side in pixels.
    """

    sheet: tuple[int, int, int] = (236, 232, 220)
    pens: tuple[tuple[int, int, int], ...] = PENS[:2]
    lamp: float = 0.15
    shadow: float = 0.0
    texture: float = 2.0
    noise: float = 4.0
    lines: str = ""
    quality: int = 85
    turned: bool = False
    side: int = 560


def photograph(random: Random, ink: Ink, paper: Paper) -> bytes:
    """Photographs ink on paper.

    Args:
        random: Decides what is left to chance.
        ink: Shape `(height, width)`; enlarged to `paper.side`.
        paper: How.

    Returns:
        A JPEG file.
    """
    scale = paper.side / max(ink.shape)
    size = (round(ink.shape[1] * scale), round(ink.shape[0] * scale))
    share = np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.BICUBIC), np.float32) / 255
    share = ndimage.gaussian_filter(share, max(0.8, paper.side / 800))[:, :, None]
    height, width = share.shape[:2]
    sheet = np.full((height, width, 3), paper.sheet, np.float32)
    sheet += ndimage.gaussian_filter(random.normal(0, 1, (height, width)), 1.5)[:, :, None] * paper.texture * 5
    if paper.lines:
        sheet += _lines(random, (height, width), paper)
    colours = sheet * (1 - share) + np.array(paper.pens[random.integers(len(paper.pens))], np.float32) * share
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    angle = random.uniform(0, 2 * np.pi)
    along = (np.cos(angle) * x + np.sin(angle) * y) / 1.41
    light = 1 - paper.lamp * (along + 1) / 2
    if paper.shadow:
        light = light * (1 - paper.shadow / (1 + np.exp(-(along - random.uniform(-0.4, 0.4)) * 12)))
    colours = colours * light[:, :, None] + random.normal(0, paper.noise, colours.shape)
    picture = Image.fromarray(np.clip(colours, 0, 255).astype(np.uint8))
    tag = Image.Exif()
    if paper.turned:
        tag[0x0112] = 6
        picture = picture.transpose(Image.Transpose.ROTATE_90)
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=paper.quality, exif=tag)
    return file.getvalue()


def _lines(random: Random, shape: tuple[int, int], paper: Paper) -> NDArray[np.float32]:
    """Printed lines, as what they take from the paper's colour; the sheet lies a little askew."""
    step, slope = max(14, round(shape[0] / random.uniform(9, 14))), np.tan(np.radians(random.normal(0, 1.5)))
    y, x = np.mgrid[: shape[0], : shape[1]]
    down, across = y + slope * x, x - slope * y
    thick = max(1, paper.side // 400)
    on = (down % step < thick) if paper.lines == "ruled" else (down % step < thick) | (across % step < thick)
    return on[:, :, None] * np.array((-75, -55, -25), np.float32)


BOARD = Paper(sheet=(45, 62, 52), pens=((225, 225, 215), (230, 210, 120)), lamp=0.3, texture=3)
PAPERS = {
    "plain paper": Paper(),
    "lamp on one side": Paper(lamp=0.6),
    "shadow across": Paper(shadow=0.45),
    "rough paper, noise": Paper(texture=5, noise=14),
    "coloured pens": Paper(pens=(*PENS, (210, 170, 20), (230, 120, 160))),
    "pencil": Paper(pens=((150, 150, 152),)),
    "ruled paper": Paper(lines="ruled"),
    "squared paper": Paper(lines="squared"),
    "squared, shadow, pencil": Paper(lines="squared", shadow=0.35, pens=((110, 110, 115),)),
    "JPEG of quality 15": Paper(quality=15),
    "chalk on a board": BOARD,
    "telephone, turned": Paper(side=2400, turned=True, lamp=0.35, noise=6),
}

"""How often "not a digit" is said rightly and wrongly, and the threshold that it is said by.

    MNIST_LAB_DATA=FOLDER python benchmarks/not_a_digit.py [--drawn STROKES.json]

The threshold is chosen by MNIST training images that no training has seen, and by nothing else. What is no digit is
made here, by other means than the shapes that the judge was trained with, and goes the way of every drawing: letters
set in type or written along their middle lines, curves, hatchings, signs, digits of which half is missing, noise, a
full and an empty canvas. STROKES.json, as for `drawing.py`, adds the false alarms on drawn digits.
"""

from __future__ import annotations

import argparse
import json
import math
import string
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.held_out import redrawn
from mnist_lab import centre_lines, datasets, drawing, metrics, not_a_digit, starter
from mnist_lab.jobs import InferenceClient
from mnist_lab.store import open_store

SIDE, SEED, PER_KIND = drawing.CANVAS_SIZE, 44, 300
# Digits stay below the threshold but for this share of them: less than the 1 in 100 that is promised, as the held-out
# images are a sample.
ALLOWED = 0.007
# Letters that are written as a digit is: D O Q o as 0, I J i j l as 1, Z z as 2, S s as 5, G b as 6, B as 8,
# g q as 9, A and y as 4, T F Y as 7.
LIKE_DIGITS = set("DOQoIJijlZzSsGbBgqAyTFY")
LETTERS = [letter for letter in string.ascii_letters if letter not in LIKE_DIGITS]


def letter(chance: np.random.Generator, *, written: bool) -> NDArray[np.uint8]:
    """A letter in Pillow's own typeface, turned a little; or its middle line, written with a pen by a wobbling hand."""
    sheet = Image.new("L", (SIDE, SIDE))
    font = ImageFont.load_default(size=int(chance.integers(130, 220)))
    ImageDraw.Draw(sheet).text((SIDE / 2, SIDE / 2), str(chance.choice(LETTERS)), 255, font, "mm")
    ink = np.asarray(sheet.rotate(chance.uniform(-12, 12), Image.Resampling.BICUBIC))
    if not written:
        return ink
    image = drawing.prepare(ink, ()).image
    field = centre_lines.fields(np.asarray(image)[np.newaxis])[0]
    return redrawn(field, chance.choice([8.0, 16.0, 28.0]), 180.0, chance.choice(["plain", "wobbling"]), chance)


def strokes(lines: Iterable[NDArray], pen: float) -> NDArray[np.uint8]:
    """Draws lines of points in canvas pixels with a pen."""
    return drawing.ink_of_strokes([line.tolist() for line in lines], pen, SIDE)


def curve(chance: np.random.Generator) -> NDArray[np.uint8]:
    """A Lissajous figure, or a spiral of two to five turns."""
    t = np.linspace(0, 2 * math.pi, 400)
    if chance.random() < 0.5:
        a, b = chance.permutation([2, 3, 4, 5])[:2]
        x, y = np.sin(a * t + chance.uniform(0, 3)), np.sin(b * t)
    else:
        turns = chance.uniform(2, 5)
        x, y = t / 6.3 * np.cos(turns * t), t / 6.3 * np.sin(turns * t)
    return strokes([140 + 100 * np.stack([x, y], 1)], chance.uniform(6, 14))


def scrawl(chance: np.random.Generator) -> NDArray[np.uint8]:
    """A hand that wanders: its direction turns by chance, and it comes back when it leaves the canvas."""
    steps = int(chance.integers(150, 500))
    turns = np.cumsum(chance.normal(0, 0.35, steps))
    points = np.cumsum(np.stack([np.cos(turns), np.sin(turns)], 1) * 9, 0) + chance.uniform(60, 220, 2)
    folded = np.abs((points - 30) % 440 - 220) + 30
    return strokes([folded], chance.uniform(6, 18))


def hatching(chance: np.random.Generator) -> NDArray[np.uint8]:
    """Four to eight lines beside each other, in one stroke or several."""
    count, angle = int(chance.integers(4, 9)), chance.uniform(0, math.pi)
    across = np.linspace(-90, 90, count)
    ends = [np.array([[-90, place], [90, place]]) + chance.normal(0, 6, (2, 2)) for place in across]
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    lines = [140 + line @ turn.T for line in ends]
    if chance.random() < 0.5:
        lines = [np.concatenate([line[:: (-1) ** number] for number, line in enumerate(lines)])]
    return strokes(lines, chance.uniform(6, 14))


def sign(chance: np.random.Generator) -> NDArray[np.uint8]:
    """A plus, an x, a square, a triangle, a star, an arrow, an equals sign, a tick, a heart, or a face."""
    t = np.linspace(0, 2 * math.pi, 60)
    star = np.stack([np.sin(4 * math.pi / 5 * np.arange(6)), -np.cos(4 * math.pi / 5 * np.arange(6))], 1)
    ring = np.stack([np.cos(t), np.sin(t)], 1)
    heart = np.stack([16 * np.sin(t) ** 3, -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t))], 1) / 17
    smile = ring[5:26] * 0.55
    every = [
        [[(-1, 0), (1, 0)], [(0, -1), (0, 1)]],
        [[(-1, -1), (1, 1)], [(1, -1), (-1, 1)]],
        [[(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)]],
        [[(0, -1), (1, 1), (-1, 1), (0, -1)]],
        [star],
        [[(-1, 0), (1, 0)], [(0.4, -0.6), (1, 0), (0.4, 0.6)]],
        [[(-1, -0.4), (1, -0.4)], [(-1, 0.4), (1, 0.4)]],
        [[(-1, 0.1), (-0.3, 0.8), (1, -0.9)]],
        [heart],
        [ring, smile, [(-0.35, -0.3), (-0.35, -0.25)], [(0.35, -0.3), (0.35, -0.25)]],
    ]
    chosen = every[int(chance.integers(len(every)))]
    scale = chance.uniform(60, 105) * np.array([chance.uniform(0.8, 1.1), 1])
    return strokes([140 + np.asarray(line) * scale + chance.normal(0, 3, (len(line), 2)) for line in chosen],
                   chance.uniform(7, 20))  # fmt: skip


def half(chance: np.random.Generator, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The upper, lower, left or right half of a digit that is neither 0, 1 nor 8: halves of those may be digits."""
    image = images[int(chance.integers(len(images)))].copy()
    ink = np.asarray(Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BICUBIC)).copy()
    ink[ink < 128] = 0
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    row, column = (rows[0] + rows[-1]) // 2, (columns[0] + columns[-1]) // 2
    [ink[:row], ink[row:], ink[:, :column], ink[:, column:]][int(chance.integers(4))][...] = 0
    return ink


def noise(chance: np.random.Generator) -> NDArray[np.uint8]:
    """Grains of 14 pixels, of which a part is black."""
    return np.kron(chance.random((20, 20)) < chance.uniform(0.2, 0.6), np.ones((14, 14))).astype(np.uint8) * 255


def made(kind: Callable[[], NDArray[np.uint8]], count: int = PER_KIND) -> list[NDArray[np.uint8] | None]:
    """So many images of a kind, as the network would see them; None where nothing is left to see."""
    return [drawing.prepare(kind(), ()).image for _ in range(count)]


def rate(said: NDArray[np.bool_]) -> str:
    """A share with its 95 % interval; one image is said to be one or not."""
    if len(said) == 1:
        return "yes" if said[0] else "no"
    low, high = metrics.accuracy_interval(int(said.sum()), len(said))
    return f"{said.mean():.1%} ({low:.1%} – {high:.1%}) of {len(said):,}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--drawn", type=Path, help="digits as strokes, to count false alarms on them")
    options = parser.parse_args()
    starter.register(open_store())
    data = datasets.load("mnist")
    split = datasets.split(data, "holdout", seed=0)
    chance = np.random.default_rng(SEED)
    client = InferenceClient()

    def doubts(images: list[NDArray[np.uint8] | None] | NDArray[np.uint8]) -> NDArray[np.float64]:
        """The doubt of each image; where nothing is left to see there is no digit for certain."""
        seen = [image for image in images if image is not None]
        answers = iter(client.ask("doubt", 300.0, images=np.stack(seen)) if seen else ())
        return np.array([1.0 if image is None else next(answers) for image in images])

    try:
        held_out = doubts(split.x_validation)
        print(f"threshold by {len(held_out):,} held-out training images: {np.quantile(held_out, 1 - ALLOWED):.4f}")
        print(f"in use: {not_a_digit.THRESHOLD}\n\n| Images | Said to be no digit |\n|---|---|")

        def line(name: str, images: list[NDArray[np.uint8] | None] | NDArray[np.uint8]) -> None:
            print(f"| {name} | {rate(doubts(images) > not_a_digit.THRESHOLD)} |", flush=True)

        line("MNIST, test images (false alarms)", data.x_test)
        if options.drawn:
            digits = json.loads(options.drawn.read_text())
            line("digits drawn with a pen (false alarms)", [drawing.from_strokes(d["as_drawn"]).image for d in digits])
        whole = data.x_test[~np.isin(data.y_test, (0, 1, 8))]
        line("letters in type", made(lambda: letter(chance, written=False)))
        line("letters written with a pen", made(lambda: letter(chance, written=True)))
        line("curves: Lissajous figures, spirals", made(lambda: curve(chance)))
        line("a wandering hand", made(lambda: scrawl(chance)))
        line("hatchings", made(lambda: hatching(chance)))
        line("signs: plus, star, heart, ...", made(lambda: sign(chance)))
        line("half a digit", made(lambda: half(chance, whole)))
        line("noise", made(lambda: noise(chance)))
        line("a full canvas", made(lambda: np.full((SIDE, SIDE), 255, np.uint8), 1))
        line("an empty canvas", made(lambda: np.zeros((SIDE, SIDE), np.uint8), 1))
        print(f"\nLetters: {' '.join(LETTERS)}. Left out, as written like digits: {' '.join(sorted(LIKE_DIGITS))}.")
    finally:
        client.close()


if __name__ == "__main__":
    main()

"""How well runs read held-out MNIST images that were drawn anew on a canvas: what the shipped models are chosen by.

    MNIST_LAB_DATA=FOLDER python benchmarks/held_out.py [--run ID ...] [--images 600]

The images are MNIST's training images that `holdout` keeps from every training. Each is drawn along its middle line on
a canvas of 280x280, with three pens in three sizes, by a hand that slants, wobbles, jumps from grid point to grid point
as a mouse does, or skips; then it goes the way of every drawing. Training changes its images by other means.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mnist_lab import centre_lines, datasets, drawing, starter
from mnist_lab.jobs import InferenceClient
from mnist_lab.store import open_store

PENS, SIZES = (8.0, 16.0, 28.0), (80.0, 150.0, 220.0)
HANDS = ("plain", "slanted", "wobbling", "mouse", "skipping")
SEED = 20


def redrawn(field: NDArray[np.uint8], pen: float, size: float, hand: str, chance: np.random.Generator) -> NDArray:
    """Draws one digit on a canvas.

    Args:
        field: Distances to its middle line, as `centre_lines.fields` gives them, shape ``(28, 28)``.
        pen: Width of the pen in canvas pixels.
        size: Canvas pixels that 20 pixels of MNIST become.
        hand: One of `HANDS`.
        chance: Source of the random numbers.

    Returns:
        The ink map, shape ``(280, 280)``.
    """
    side = drawing.CANVAS_SIZE
    place = chance.uniform(-0.5, 0.5, 2) * (side - size - pen) * 0.6
    y, x = np.mgrid[:side, :side].astype(np.float64)
    y, x = y - side / 2 - place[0], x - side / 2 - place[1]
    if hand == "slanted":
        x = x + y * np.tan(np.radians(chance.uniform(-25, 25)))
    elif hand == "wobbling":
        phase = chance.uniform(0, 6.3, 4)
        y, x = (
            y + 0.02 * size * np.sin(x / size * 14 + phase[0]) + 0.015 * size * np.sin(x / size * 31 + phase[1]),
            x + 0.02 * size * np.sin(y / size * 14 + phase[2]) + 0.015 * size * np.sin(y / size * 31 + phase[3]),
        )
    elif hand == "mouse":
        grid = 0.06 * size
        y, x = y + 0.35 * (np.round(y / grid) * grid - y), x + 0.35 * (np.round(x / grid) * grid - x)
    scale = size / 20
    distances = ndimage.map_coordinates(
        field / centre_lines.UNITS_PER_PIXEL, [y / scale + 13.5, x / scale + 13.5], order=1, cval=12.75
    )
    ink = np.clip(pen / 2 - distances * scale + 0.5, 0, 1)
    if hand == "skipping":
        rows, columns = np.nonzero(ink > 0.5)
        for index in chance.integers(0, len(rows), 2):
            away = np.hypot(np.arange(side)[:, None] - rows[index], np.arange(side)[None, :] - columns[index])
            ink *= np.clip(away - 0.045 * size - pen / 2 + 1, 0, 1) if pen < 0.1 * size else 1.0
    return (255 * ink + 0.5).astype(np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", nargs="*", help="the runs to ask; the shipped models if not given")
    parser.add_argument("--images", type=int, default=600)
    options = parser.parse_args()
    store = open_store()
    starter.register(store)
    runs = [store.find(text) for text in options.run or starter.IDS]
    split = datasets.split(datasets.load("mnist"), "holdout", seed=0)
    fields, labels = centre_lines.fields(split.x_validation[: options.images]), split.y_validation[: options.images]
    chance = np.random.default_rng(SEED)
    client = InferenceClient()
    print("| hand | pen | " + " | ".join(run.name for run in runs) + " |")
    print("|---|---|" + "---|" * len(runs))
    means: list[list[float]] = []
    try:
        for hand in HANDS:
            for pen in PENS:
                made = [
                    drawing.prepare(redrawn(field, pen, SIZES[index % 3], hand, chance), ())
                    for index, field in enumerate(fields)
                ]
                images = np.stack([each.image for each in made if each.image is not None])
                known = labels[[each.image is not None for each in made]]
                right = [float((client.predict(run.id, images, 300.0).argmax(1) == known).mean()) for run in runs]
                means.append(right)
                print(f"| {hand} | {pen:g} px | " + " | ".join(f"{value:.2%}" for value in right) + " |", flush=True)
    finally:
        client.close()
    print("| all | all | " + " | ".join(f"{value:.2%}" for value in np.mean(means, 0)) + " |")


if __name__ == "__main__":
    main()

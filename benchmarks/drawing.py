"""How well runs read digits drawn with a pen, by the way that a drawing in the page goes.

    python benchmarks/drawing.py STROKES.json [--run ID ...]

STROKES.json is a list of ``{"label", "strokes", "as_drawn"}`` on a canvas of 280 by 280: the strokes centred with
their longest side at 200, and as they were drawn, each ``[[[x, y], ...], ...]``. Every digit is drawn with three pens
in three sizes (centred: 100, 150 and 200 pixels; as drawn: 0.75, 1 and 1.5 times its own), at one of three places each
time, so that each size and each place is seen as often. Printed: a table in
Markdown, with 95 % intervals. Measure with it; never train or tune on it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mnist_lab import drawing, formatting, starter
from mnist_lab.ink import Strokes
from mnist_lab.jobs import InferenceClient
from mnist_lab.store import open_store

FORMS = {"strokes": "centred", "as_drawn": "as drawn"}
PENS = (8.0, 16.0, 28.0)
# Centred digits are 200 pixels high or wide, and are made smaller; people drew theirs at about half of that, and both
# smaller and larger ones are to be read. Factors, by form.
SIZES = {"small": (0.5, 0.75), "middle": (0.75, 1.0), "large": (1.0, 1.5)}
PLACES = ("where it was", "upper left", "lower right")
RESAMPLED, SEED = 2000, 1


def placed(strokes: Strokes, factor: float, place: str, pen: float) -> list[NDArray[np.float64]]:
    """Strokes scaled about the middle of their box, and moved to a place at which all of the ink is seen."""
    lines = [np.asarray(stroke, np.float64).reshape(-1, 2) for stroke in strokes]
    points = np.concatenate(lines)
    low, high = points.min(0), points.max(0)
    middle = (low + high) / 2
    reach = (high - low) / 2 * factor + pen / 2
    nearest, furthest = reach, drawing.CANVAS_SIZE - reach
    target = {"upper left": nearest, "lower right": furthest}.get(place, middle)
    # What is larger than the canvas stays where it was.
    target = np.where(nearest <= furthest, target, middle)
    return [(line - middle) * factor + target for line in lines]


def interval(right: NDArray[np.float64]) -> tuple[float, float]:
    """95 % interval of a mean over digits, by drawing digits anew (bootstrap, percentiles).

    Args:
        right: Of each digit, the share of its renderings that was read right. Renderings of one digit are alike, so
            digits are drawn and not renderings. Digits of one writer are alike too, which is not known here: the
            interval is a little too narrow.
    """
    chance = np.random.default_rng(SEED)
    means = right[chance.integers(0, len(right), (RESAMPLED, len(right)))].mean(1)
    low, high = np.percentile(means, (2.5, 97.5))
    return float(low), float(high)


def cell(right: NDArray[np.float64]) -> str:
    """An accuracy with its interval; `right` as for `interval`."""
    return formatting.accuracy(float(right.mean()), interval(right))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("strokes", type=Path)
    parser.add_argument("--run", nargs="*", help="the runs to ask; the shipped models if not given")
    options = parser.parse_args()
    store = open_store()
    starter.register(store)
    runs = [store.find(text) for text in options.run or starter.IDS]
    digits = json.loads(options.strokes.read_text())
    labels = np.array([digit["label"] for digit in digits])
    # By form, pen, size and digit: the place it was drawn at, and, by run, whether it was read right.
    shape = len(FORMS), len(PENS), len(SIZES), len(digits)
    places = np.empty(shape, np.int64)
    right = np.empty((len(runs), *shape))
    client = InferenceClient()
    try:
        for form, pen, size in np.ndindex(shape[:3]):
            places[form, pen, size] = (np.arange(len(digits)) + size) % len(PLACES)
            factor, width, key = list(SIZES.values())[size][form], PENS[pen], list(FORMS)[form]
            images = [
                drawing.from_strokes(placed(digit[key], factor, PLACES[place], width), width).image
                for digit, place in zip(digits, places[form, pen, size], strict=True)
            ]
            seen = np.stack([np.zeros((28, 28), np.uint8) if image is None else image for image in images])
            for number, run in enumerate(runs):
                right[number, form, pen, size] = client.predict(run.id, seen, 300.0).argmax(1) == labels
    finally:
        client.close()
    print(f"{len(digits):,} digits, each drawn {right[0, ..., 0].size} times.\n")
    print("| Digits | " + " | ".join(run.name for run in runs) + " |\n|---|" + "---|" * len(runs))

    def line(name: str, of: Sequence[NDArray[np.float64]]) -> None:
        print(f"| {name} | " + " | ".join(cell(each) for each in of) + " |")

    line("**all**", [of.mean((0, 1, 2)) for of in right])
    for number, name in enumerate(FORMS.values()):
        line(name, [of[number].mean((0, 1)) for of in right])
    for number, width in enumerate(PENS):
        line(f"pen of {width:g} px", [of[:, number].mean((0, 1)) for of in right])
    for number, name in enumerate(SIZES):
        line(name, [of[:, :, number].mean((0, 1)) for of in right])
    for number, name in enumerate(PLACES):
        there = places == number
        line(name, [(of * there).sum((0, 1, 2)) / there.sum((0, 1, 2)) for of in right])


if __name__ == "__main__":
    main()

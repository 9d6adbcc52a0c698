"""How well drawings and photographs are taken apart and read: slips, dots, pens, lamps, shadows, lined paper, numbers.

    MNIST_LAB_DATA=FOLDER python benchmarks/paper.py [--count 100] [--whole] [--only WORDS]

Sheets are made by `benchmarks/corpus.py` from MNIST's training images and from strokes of our own, always the same
ones. Printed as a table: of sheets with one digit, how many were read right and how many were taken for several; of
sheets with 2 to 11 digits, how many were counted right and how many read right in full. Measure with it; never train.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import corpus
from benchmarks.corpus import BLACK, PAPERS, WHITE, Random
from mnist_lab import datasets, drawing, starter
from mnist_lab.jobs import InferenceClient
from mnist_lab.store import open_store

Case = tuple[str, Callable[[Random, int], object]]
"""A name, and what makes a canvas (an array) or a picture file (bytes) of a digit."""


def single(mnist: corpus.Source) -> Iterator[Case]:
    """Sheets with one digit."""

    def either(random: Random, digit: int) -> corpus.Ink:
        return (mnist if random.random() < 0.7 else corpus.pen(random.uniform(10, 22)))(random, digit)

    canvas = corpus.canvas
    yield "canvas: MNIST's digits", lambda r, d: canvas(mnist(r, d))
    for width in (3, 16, 36):
        yield f"canvas: pen of {width} px", lambda r, d, w=width: canvas(corpus.pen(w)(r, d))
    yield "canvas: dotted", lambda r, d: canvas(corpus.broken(1, r.uniform(16, 26), 10)(r, d))
    yield "canvas: dashed", lambda r, d: canvas(corpus.broken(18, r.uniform(16, 24), 10)(r, d))
    yield "canvas: stray dots", lambda r, d: canvas(corpus.with_dots(r, either(r, d)))
    yield "canvas: tiny, anywhere", lambda r, d: canvas(corpus.placed(r, either(r, d), 0.15))
    yield "canvas: dark on light", lambda r, d: canvas(either(r, d), BLACK, WHITE)
    for name, paper in PAPERS.items():
        yield (f"photo: {name}",
               lambda r, d, p=paper: corpus.photograph(r, corpus.placed(r, either(r, d), 0.8, 420), p))  # fmt: skip
    far = corpus.Paper(side=2400)
    yield (
        "photo: tiny on a large sheet",
        lambda r, d: corpus.photograph(r, corpus.placed(r, either(r, d), 0.5, 900), far),
    )


def several(mnist: corpus.Source) -> Iterator[tuple[str, Callable[[Random, list[int]], object]]]:
    """Sheets with a number."""

    def row(r: Random, digits: list[int], gap: tuple[float, float], pens: bool) -> corpus.Ink:
        width = r.uniform(8, 24)
        source = corpus.pen(width) if pens else mnist
        return corpus.row(r, [source(r, digit) for digit in digits], gap)

    usual, tight, touching = (0.15, 0.7), (0.03, 0.2), (-0.12, 0.1)
    for words, gap in (("", usual), (", tight", tight), (", some touch", touching)):
        yield f"canvas: MNIST's digits{words}", lambda r, d, g=gap: corpus.canvas(row(r, d, g, False))
        yield f"canvas: pens{words}", lambda r, d, g=gap: corpus.canvas(row(r, d, g, True))
    for name in ("plain paper", "squared paper", "shadow across"):
        yield (f"photo: {name}", lambda r, d, n=name: corpus.photograph(
            r, row(r, d, usual, r.random() < 0.5), corpus.Paper(**{**vars(PAPERS[n]), "side": 1600})))  # fmt: skip


class Reader:
    """Reads sheets by the way of the program, or all that is on each as one digit."""

    def __init__(self, whole: bool) -> None:
        store = open_store()
        starter.register(store)
        self._client, self._whole = InferenceClient(), whole

    def __call__(self, sheet: object) -> list[int]:
        is_canvas = isinstance(sheet, np.ndarray)
        if self._whole:
            image = (drawing.from_canvas(sheet) if is_canvas else drawing.from_image_file(sheet)).image
            return [] if image is None else [int(self._predict(image[np.newaxis])[0].argmax())]
        from mnist_lab.reading import read

        found = read(drawing.sheet_of_canvas(sheet) if is_canvas else drawing.sheet_of_image_file(sheet), self._predict)
        return [each.digit for each in found]

    def _predict(self, images: np.ndarray) -> np.ndarray:
        return self._client.predict(starter.RUN_ID, images, 300.0)

    def close(self) -> None:
        self._client.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=100, help="sheets of each kind")
    parser.add_argument("--whole", action="store_true", help="take every sheet for one digit, as the program once did")
    parser.add_argument("--only", default="", help="only kinds with these words in their name")
    options = parser.parse_args()
    data = datasets.load("mnist")
    mnist = corpus.of_mnist(data.x_train, data.y_train)
    reader = Reader(options.whole)
    try:
        print("| one digit on a sheet | read right | taken for several | nothing found |\n|---|---|---|---|")
        for name, make in single(mnist):
            if options.only in name:
                random = np.random.default_rng(1)
                said = [(number % 10, reader(make(random, number % 10))) for number in range(options.count)]
                right = np.mean([read == [digit] for digit, read in said])
                many = np.mean([len(read) > 1 for _, read in said])
                nothing = np.mean([not read for _, read in said])
                print(f"| {name} | {right:.1%} | {many:.1%} | {nothing:.1%} |", flush=True)
        if options.whole:
            return
        print("\n| 2 to 11 digits on a sheet | counted right | read right in full | digits right in these |\n"
              "|---|---|---|---|")  # fmt: skip
        for name, make in several(mnist):
            if options.only in name:
                random = np.random.default_rng(2)
                said = []
                for number in range(options.count):
                    digits = random.integers(0, 10, 2 + number % 10).tolist()
                    said.append((digits, reader(make(random, digits))))
                counted = [(digits, read) for digits, read in said if len(digits) == len(read)]
                each = np.concatenate([np.equal(digits, read) for digits, read in counted] or [[np.nan]])
                full = np.mean([digits == read for digits, read in said])
                print(f"| {name} | {len(counted) / len(said):.1%} | {full:.1%} | {np.mean(each):.1%} |", flush=True)
    finally:
        reader.close()


if __name__ == "__main__":
    main()

"""What a network reads on a sheet: its digits in order, each with its image and ten probabilities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnist_lab import splitting
from mnist_lab.drawing import Prepared, Sheet, Step, prepare
from mnist_lab.splitting import Part

Predict = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""From images, uint8 of shape `(n, 28, 28)`, to probabilities of shape `(n, 10)`."""


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """One digit that was read.

    Attributes:
        prepared: The way from the drawing to the image.
        image: The image that the network saw, shape `(28, 28)`, uint8.
        probabilities: What the network says of it, shape `(10,)`.
        box: Where it stands on the sheet, in its pixels: left, top, right, bottom.
    """

    prepared: Prepared
    image: NDArray[np.uint8]
    probabilities: NDArray[np.float32]
    box: tuple[int, int, int, int]

    @property
    def digit(self) -> int:
        """The most probable digit."""
        return int(self.probabilities.argmax())

    @property
    def confidence(self) -> float:
        """The probability of that digit."""
        return float(self.probabilities.max())


def read(sheet: Sheet, predict: Predict) -> list[Reading]:
    """Reads all digits of a sheet.

    Args:
        sheet: A canvas or a picture.
        predict: The network.

    Returns:
        The digits from left to right, line by line; none if the sheet is empty.
    """
    lines = splitting.split(sheet.ink)
    parts = [part for line in lines for part in line]
    prepared = [_prepared(sheet, part, number, len(parts)) for number, part in enumerate(parts, 1)]
    images = [each.image for each in prepared if each.image is not None]
    if not images:
        return []
    answers = predict(np.stack(images))
    return [
        Reading(each, each.image, answer, (part.left, part.top, part.right, part.bottom))
        for each, part, answer in zip(prepared, parts, answers, strict=True)
        if each.image is not None
    ]


def _prepared(sheet: Sheet, part: Part, number: int, count: int) -> Prepared:
    if count == 1:
        return prepare(part.ink, sheet.steps)
    return prepare(part.ink, (*sheet.steps, Step("digit", f"Digit {number} of {count}", part.ink)))

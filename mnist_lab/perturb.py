"""An image shifted, turned, thickened or thinned: how little of it makes a network answer otherwise.

Each change has an amount, with a sign for its direction; an amount of 0 gives the image itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

FINE = 8  # the edge of the ink is looked for in an image so many times as fine
INK = 127


@dataclass(frozen=True, slots=True)
class Change:
    """A way to change an image.

    Attributes:
        name: What it is called.
        unit: Of its amounts.
        most: The largest amount that is tried, in both directions.
        step: From one amount to the next.
        less: What a negative amount does, in a word.
        more: What a positive one does.
        apply: Makes the changed image, uint8, shape ``(28, 28)``.
    """

    name: str
    unit: str
    most: float
    step: float
    less: str
    more: str
    apply: Callable[[Image, float], Image]

    def amounts(self) -> NDArray[np.float64]:
        """All amounts that are tried, rising; 0 is in the middle."""
        count = round(self.most / self.step)
        return np.arange(-count, count + 1, dtype=np.float64) * self.step


def _moved(image: Image, down: float, right: float) -> Image:
    from scipy import ndimage

    return _bytes(ndimage.shift(image.astype(np.float64), (down, right), order=1))


def turned(image: Image, degrees: float) -> Image:
    """The image turned about its middle, clockwise for more than 0."""
    from scipy import ndimage

    return _bytes(ndimage.rotate(image.astype(np.float64), -degrees, reshape=False, order=1))


def thickened(image: Image, pixels: float) -> Image:
    """The image with strokes that are wider by so many pixels; thinner for less than 0.

    The edge of the ink, where it is half grey, is moved along its normal by half of `pixels` on either side of a
    stroke. What this adds to the edge that is there, or takes from it, is added to the image: its grey levels stay.
    """
    if not (image > INK).any():
        return image.copy()
    depth = _depth(image.tobytes(), image.shape)

    def covered(by: float) -> NDArray[np.float64]:
        shape = np.clip(depth + by + 0.5, 0, 1)
        rows, columns = image.shape
        return shape.reshape(rows, FINE, columns, FINE).mean(axis=(1, 3))

    added = covered(pixels / 2 * FINE) - covered(0.0)
    return _bytes(image + 255 * added)


@lru_cache(maxsize=8)
def _depth(pixels: bytes, shape: tuple[int, int]) -> NDArray[np.float64]:
    """The signed distance to the edge of the ink in fine pixels, more than 0 within it; the same for every amount."""
    from scipy import ndimage

    image = np.frombuffer(pixels, np.uint8).reshape(shape)
    fine = ndimage.zoom(image.astype(np.float64), FINE, order=1, grid_mode=True, mode="nearest") > INK
    within = ndimage.distance_transform_edt(np.pad(fine, 1))[1:-1, 1:-1]
    depth: NDArray[np.float64] = within - ndimage.distance_transform_edt(~fine)
    return depth


def _bytes(values: NDArray[Any]) -> Image:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


CHANGES: tuple[Change, ...] = (
    Change("Shift across", "px", 10, 1, "left", "right", lambda image, amount: _moved(image, 0, amount)),
    Change("Shift down", "px", 10, 1, "up", "down", lambda image, amount: _moved(image, amount, 0)),
    Change("Rotation", "°", 60, 2, "anticlockwise", "clockwise", turned),
    Change("Stroke width", "px", 3, 0.25, "thinner", "thicker", thickened),
)


@dataclass(frozen=True, slots=True, eq=False)
class Flip:
    """What a network says along one change.

    Attributes:
        change: Which.
        amounts: All that were tried, rising.
        said: Probabilities at each, shape ``(len(amounts), 10)``.
    """

    change: Change
    amounts: NDArray[np.float64]
    said: NDArray[np.float32]

    @property
    def answer(self) -> int:
        """What the network says of the image itself."""
        return int(self.said[len(self.amounts) // 2].argmax())

    def smallest(self, direction: int) -> tuple[float, int] | None:
        """The smallest amount in a direction (-1 or 1) at which the answer is another one, and that answer.

        None if there is no such amount within the range.
        """
        middle = len(self.amounts) // 2
        for index in range(middle + direction, len(self.amounts) if direction > 0 else -1, direction):
            if (digit := int(self.said[index].argmax())) != self.answer:
                return float(self.amounts[index]), digit
        return None


def flips(image: Image, predict: Callable[[NDArray[np.uint8]], NDArray[np.float32]]) -> list[Flip]:
    """Tries every change at every amount.

    Args:
        image: uint8, shape ``(28, 28)``.
        predict: Probabilities, shape ``(n, 10)``, of images, uint8, shape ``(n, 28, 28)``; asked once.

    Returns:
        One for each of `CHANGES`.
    """
    amounts = [change.amounts() for change in CHANGES]
    # The unchanged image is asked once only.
    changed = [[change.apply(image, float(amount)) for amount in each if amount]
               for change, each in zip(CHANGES, amounts, strict=True)]  # fmt: skip
    said = predict(np.stack([image, *(one for some in changed for one in some)]))
    found, at = [], 1
    for change, each in zip(CHANGES, amounts, strict=True):
        own = said[at : at + len(each) - 1]
        at += len(each) - 1
        found.append(Flip(change, each, np.insert(own, len(each) // 2, said[0], axis=0)))
    return found


def combined(image: Image, amounts: dict[str, float]) -> Image:
    """The image after several changes, by their names, in the order: stroke width, rotation, shifts."""
    for change in reversed(CHANGES):
        if amount := amounts.get(change.name, 0.0):
            image = change.apply(image, amount)
    return image

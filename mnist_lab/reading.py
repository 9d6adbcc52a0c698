"""What a network reads on a sheet: its digits in order, each with its image and ten probabilities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mnist_lab import splitting
from mnist_lab.drawing import Prepared, Sheet, Step, prepare
from mnist_lab.splitting import Part

# Widths as shares of the height: no doubt about what is less wide than the first; what is wider than the second is no
# digit. 99 of 100 of MNIST's training images are below 1.41.
WIDE, MOST_WIDE = 1.35, 2.2
# Parts with less paper between them, as a share of the height, and no wider together, may be one broken digit.
BROKEN, BROKEN_WIDE = 0.2, 1.1


@dataclass(frozen=True, slots=True)
class _Cutting:
    """When a part is cut in two.

    Attributes:
        wide: It is tried if the part is at least so wide, as a share of its height.
        surer: And done if the network is surer of the halves by this. Of 120 rather wide digits 0.8 % were cut with
            0.2 and 1.7 % with 0.1; of 120 pairs that touched 73 % and 83 %. Tried in vain in rows: a
            margin that falls to 0 for parts as wide as high. Of 80 rows with digits that touch 58 instead of 53 were
            read in full (55 with cuts along slanted lines too), of 40 of MNIST's digits that stand apart 32 instead
            of 36.
    """

    wide: float
    surer: float


ALONE, IN_A_ROW = _Cutting(1.1, 0.2), _Cutting(0.75, 0.1)
# By so much the network must be surer of two parts as one before they are joined.
JOINED_SURER = 0.03

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

    What may be two digits that touch, or one that is broken, is asked both ways; the surer answer holds.

    Args:
        sheet: A canvas or a picture.
        predict: The network; asked again only as long as digits are cut.

    Returns:
        The digits from left to right, line by line; none if the sheet is empty.
    """
    asked = _Asked(predict)
    parts: list[Part] = []
    for line in splitting.split(sheet.ink):
        parts += _decided(line, asked)
    return [_reading(sheet, part, number, len(parts), asked) for number, part in enumerate(parts, 1)]


class _Asked:
    """Parts that were prepared and asked about, each once."""

    def __init__(self, predict: Predict) -> None:
        self._predict = predict
        self._known: dict[Part, tuple[Prepared, NDArray[np.float32]]] = {}

    def ask(self, parts: Sequence[Part]) -> None:
        """Asks about all that is new in one go."""
        new = [part for part in dict.fromkeys(parts) if part not in self._known]
        prepared = [prepare(part.ink, ()) for part in new]
        images = [each.image for each in prepared if each.image is not None]
        answers = self._predict(np.stack(images)) if images else ()
        self._known.update(zip(new, zip(prepared, answers, strict=True), strict=True))

    def __getitem__(self, part: Part) -> tuple[Prepared, NDArray[np.float32]]:
        self.ask([part])
        return self._known[part]

    def sure(self, *parts: Part) -> float:
        """How sure the network is of parts: the geometric mean of its confidence, less for widths that no digit has."""
        return float(np.prod([self[part][1].max() * _likely(part) for part in parts])) ** (1 / len(parts))


def _likely(part: Part) -> float:
    """How likely a digit has such a width, from 0 to 1, the usual ones all alike."""
    return float(np.clip((MOST_WIDE - part.width / part.height) / (MOST_WIDE - WIDE), 0, 1))


def _decided(line: list[Part], asked: _Asked) -> list[Part]:
    """Joins the parts of a broken digit and cuts digits that touch, where the network is surer of that."""
    height = float(np.median([part.height for part in line]))
    pairs = {
        (one, other): splitting.joined([one, other])
        for one, other in pairwise(line)
        if other.left - one.right < BROKEN * height and other.right - one.left < BROKEN_WIDE * height
    }
    asked.ask([*line, *pairs.values()])
    whole: list[Part] = []
    for part in line:
        both = pairs.get((whole[-1], part)) if whole else None
        if both is not None and asked.sure(both) > asked.sure(whole[-1], part) + JOINED_SURER:
            whole[-1] = both
        else:
            whole.append(part)
    cutting = ALONE if len(whole) == 1 else IN_A_ROW
    halves = [_halves(part, cutting, height) for part in whole]
    asked.ask([half for each in halves for cut in each for half in cut])
    return [digit for part, each in zip(whole, halves, strict=True)
            for digit in _cut(part, each, cutting, height, asked)]  # fmt: skip


def _halves(part: Part, cutting: _Cutting, height: float) -> list[tuple[Part, Part]]:
    is_tried = part.width > cutting.wide * part.height and part.height >= splitting.LEAST_HALF * height
    return splitting.cuts(part) if is_tried else []


def _cut(part: Part, halves: list[tuple[Part, Part]], cutting: _Cutting, height: float, asked: _Asked) -> list[Part]:
    """Cuts a part into digits, as long as the network is surer of the halves."""
    best = max(halves, key=lambda cut: asked.sure(*cut), default=None)
    if best is None or asked.sure(*best) <= asked.sure(part) + cutting.surer:
        return [part]
    again = [_halves(half, IN_A_ROW, height) for half in best]
    asked.ask([piece for each in again for cut in each for piece in cut])
    return [
        digit for half, cuts in zip(best, again, strict=True) for digit in _cut(half, cuts, IN_A_ROW, height, asked)
    ]


def _reading(sheet: Sheet, part: Part, number: int, count: int, asked: _Asked) -> Reading:
    prepared, probabilities = asked[part]
    before = sheet.steps
    if count > 1:
        before = (*before, Step("digit", f"Digit {number} of {count}", part.ink))
    prepared = replace(prepared, steps=(*before, *prepared.steps))
    assert prepared.image is not None
    return Reading(prepared, prepared.image, probabilities, (part.left, part.top, part.right, part.bottom))

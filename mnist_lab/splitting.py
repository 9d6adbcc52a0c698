"""Several digits in one ink map: which pieces of ink make a digit, and in what order they are read.

Pieces are parts of ink that hang together. What lies above each other belongs together (the bar of a 5), and so does
what is too small to be a digit of its line and lies near one (a broken or dotted stroke). What is too small and lies
far from everything is a slip of the pen. No network is asked here; `reading` does, where ink alone leaves a doubt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mnist_lab.mnist_form import FIELD, Ink, crop
from mnist_lab.pieces import NEAR, Pieces, united

# All lengths below are shares of the height of a digit, or of the line it stands in.
SMALL = 0.45
"""What is less high than this is no digit by itself."""
SPECK = 0.2
"""What is smaller than this in both directions, and not near, is a slip of the pen."""
LEAST_HALF = 0.6
"""Of two digits that touch, none is less high than this share of both: it would be the tail of one."""
TRIED_CUTS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The ink of one digit.

    Attributes:
        ink: Cropped to it, with the ink of its neighbours left out, shape `(height, width)`, uint8.
        top: The row of the whole ink map in which it begins.
        left: The column.
    """

    ink: Ink
    top: int
    left: int

    @property
    def bottom(self) -> int:
        """The row below its last."""
        return self.top + self.ink.shape[0]

    @property
    def right(self) -> int:
        """The column after its last."""
        return self.left + self.ink.shape[1]

    @property
    def height(self) -> int:
        """In pixels."""
        return self.ink.shape[0]

    @property
    def width(self) -> int:
        """In pixels."""
        return self.ink.shape[1]


def split(ink: Ink) -> list[list[Part]]:
    """Takes an ink map apart into digits.

    Args:
        ink: Shape `(height, width)`, uint8; 0 is paper and 255 ink.

    Returns:
        Lines from top to bottom, each with its digits from left to right; none if there is no ink. A picture as small
        as MNIST's own is one digit.
    """
    if not (ink > 127).any():
        return []
    if max(crop(ink).shape) <= FIELD:
        return [[_cropped(ink)]]
    pieces = Pieces(ink)
    figures, kept = pieces.broken(), pieces.not_specks(SPECK)
    alone = [[number] for number in kept if not any(number in figure for figure in figures)]
    # A dotted figure may be a slip of the pen as a whole.
    groups = [group for figure in figures if (group := [number for number in figure if number in kept])] + alone
    groups = _with_scraps(pieces, _stacked(pieces, groups))
    return [[_cropped(pieces.only(digit)) for digit in _digits(pieces, line)] for line in _lines(pieces, groups)]


def without_specks(ink: Ink) -> Ink:
    """Removes slips of the pen: tiny pieces far from the rest. All of a dotted line stays."""
    if max(crop(ink).shape) <= FIELD:
        return ink
    pieces = Pieces(ink)
    return pieces.only(pieces.not_specks(SPECK))


def joined(parts: Sequence[Part]) -> Part:
    """One digit made of several."""
    top, left = min(part.top for part in parts), min(part.left for part in parts)
    bottom, right = max(part.bottom for part in parts), max(part.right for part in parts)
    ink = np.zeros((bottom - top, right - left), np.uint8)
    for part in parts:
        place = ink[part.top - top : part.bottom - top, part.left - left : part.right - left]
        np.maximum(place, part.ink, out=place)
    return Part(ink, top, left)


def cuts(part: Part, count: int = TRIED_CUTS) -> list[tuple[Part, Part]]:
    """Where two digits that touch may be cut: along upright lines that cross little ink, and that as one run.

    Args:
        part: What may be two digits.
        count: How many cuts to propose.

    Returns:
        The halves of each, the best line first; the lines lie apart by an eighth of the height.
    """
    ink = part.ink > 127
    least = max(3, round(min(0.2 * part.height, 0.25 * part.width)))
    places = np.arange(least, part.width - least + 1)
    runs = (np.diff(ink, axis=0, prepend=False) & ink).sum(axis=0)
    # Where two digits touch there is one run of ink; a line through a 0 or an 8 crosses two or three.
    cost = (ink.sum(axis=0) / part.height + 0.4 * np.maximum(runs - 1, 0))[places - 1]
    cost += 0.3 * np.abs(places / part.width - 0.5)
    halves: list[tuple[Part, Part]] = []
    taken: list[int] = []
    for place in places[np.argsort(cost, kind="stable")].tolist():
        if len(halves) < count and all(abs(place - other) > part.height / 8 for other in taken):
            left = np.arange(part.width) < place
            sides = part.ink * left, part.ink * ~left
            # What is grey all over is the edge of a stroke, and no digit.
            if all(
                (side > 127).any() and np.ptp(np.flatnonzero(side.any(axis=1))) >= LEAST_HALF * part.height
                for side in sides
            ):
                taken.append(place)
                halves.append((_cropped(sides[0], part.top, part.left), _cropped(sides[1], part.top, part.left)))
    return halves


def _cropped(ink: Ink, top: int = 0, left: int = 0) -> Part:
    cropped = crop(ink)
    return Part(cropped, top + int(ink.any(axis=1).argmax()), left + int(ink.any(axis=0).argmax()))


def _stacked(pieces: Pieces, groups: list[list[int]]) -> list[list[int]]:
    """Unites what lies above each other in one digit, again and again until nothing changes."""
    classes = united(range(len(groups)), lambda a, b: _is_one_above_other(pieces, groups[a], groups[b]))
    if len(classes) == len(groups):
        return groups
    return _stacked(pieces, [[number for index in each for number in groups[index]] for each in classes])


def _with_scraps(pieces: Pieces, groups: list[list[int]]) -> list[list[int]]:
    """Gives what is much less high than the highest group, and near a higher one, to that: a torn-off arc of a 3."""
    heights = [bottom - top for top, bottom, *_ in map(pieces.box, groups)]
    high = [list(group) for group, own in zip(groups, heights, strict=True) if own >= SMALL * max(heights)]
    alone = []
    for group, own in zip(groups, heights, strict=True):
        if own < SMALL * max(heights):
            gaps = [pieces.gap(group, other) for other in high]
            near = min(gaps) <= NEAR * max(heights)
            if near:
                high[int(np.argmin(gaps))].extend(group)
            else:
                alone.append(group)
    return high + alone


def _is_one_above_other(pieces: Pieces, one: list[int], other: list[int]) -> bool:
    top, bottom, left, right = pieces.box(one)
    top2, bottom2, left2, right2 = pieces.box(other)
    shared = min(right, right2) - max(left, left2)
    if shared < 0.5 * min(right - left, right2 - left2):
        return False
    small, large = sorted((bottom - top, bottom2 - top2))
    gap = max(top, top2) - min(bottom, bottom2)
    # The bar of a 5 may lie higher above it than one half of a broken 8 above the other: two lines are like those.
    return gap <= (0.4 if small < 0.35 * large else 0.2) * large


def _lines(pieces: Pieces, groups: list[list[int]]) -> list[list[list[int]]]:
    """Puts groups into lines from top to bottom, by their overlap with what is highest in each."""
    boxes = [pieces.box(group)[:2] for group in groups]
    lines: list[list[int]] = []
    for index in sorted(range(len(groups)), key=lambda index: boxes[index][0] - boxes[index][1]):
        top, bottom = boxes[index]
        best, most = None, 0.4
        for line in lines:
            top2, bottom2 = boxes[line[0]]
            share = (min(bottom, bottom2) - max(top, top2)) / max(1, min(bottom - top, bottom2 - top2))
            if share > most:
                best, most = line, share
        if best is None:
            lines.append(best := [])
        best.append(index)
    lines.sort(key=lambda line: sum(boxes[line[0]]))
    return [[groups[index] for index in line] for line in lines]


def _digits(pieces: Pieces, line: list[list[int]]) -> list[list[int]]:
    """Makes the digits of a line, from left to right: small groups join their nearest neighbour or are left out."""
    heights = np.array([bottom - top for top, bottom, *_ in map(pieces.box, line)])
    height = float(np.median(heights[heights >= SMALL * heights.max()]))
    large = [list(group) for group, own in zip(line, heights, strict=True) if own >= SMALL * height]
    small = [list(group) for group, own in zip(line, heights, strict=True) if own < SMALL * height]
    while small:
        gaps = [min(pieces.gap(group, digit) for digit in large) for group in small]
        nearest = int(np.argmin(gaps))
        if gaps[nearest] > 1.5 * NEAR * height:
            break
        group = small.pop(nearest)
        min(large, key=lambda digit: pieces.gap(group, digit)).extend(group)
    return sorted(large, key=lambda digit: sum(pieces.box(digit)[2:]))

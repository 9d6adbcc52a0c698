"""Several digits in one ink map: which pieces of ink make a digit, and in what order they are read.

Pieces are parts of ink that hang together. What lies above each other belongs together (the bar of a 5), and so does
what is too small to be a digit of its line and lies near one (a broken or dotted stroke). What is too small and lies
far from everything is a slip of the pen. No network is asked here; `reading` does, where ink alone leaves a doubt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnist_lab.mnist_form import FIELD, Ink, crop

# All lengths below are shares of the height of a digit, or of the line it stands in.
NEAR = 0.15
"""Pieces nearer than this to each other may be parts of one stroke."""
SMALL = 0.45
"""What is less high than this is no digit by itself."""
SPECK = 0.2
"""What is smaller than this in both directions, and not near, is a slip of the pen."""
MAX_PIECES = 400


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
        return [[_part(ink, ink > 0)]]
    pieces = _Pieces(ink)
    groups = pieces.stacked([[number] for number in pieces.without_specks()])
    lines = []
    for line in pieces.lines(groups):
        if digits := pieces.digits(line):
            lines.append([pieces.part(digit) for digit in digits])
    return lines


def without_specks(ink: Ink) -> Ink:
    """Removes slips of the pen: tiny pieces far from the rest. All of a dotted line stays."""
    if max(crop(ink).shape) <= FIELD:
        return ink
    pieces = _Pieces(ink)
    kept = pieces.without_specks()
    return ink if len(kept) == pieces.count else pieces.only(kept)


def joined(parts: Sequence[Part]) -> Part:
    """One digit made of several."""
    top, left = min(part.top for part in parts), min(part.left for part in parts)
    bottom, right = max(part.bottom for part in parts), max(part.right for part in parts)
    ink = np.zeros((bottom - top, right - left), np.uint8)
    for part in parts:
        place = ink[part.top - top : part.bottom - top, part.left - left : part.right - left]
        np.maximum(place, part.ink, out=place)
    return Part(ink, top, left)


def cuts(part: Part, count: int = 2) -> list[tuple[Part, Part]]:
    """Where two digits that touch may be cut: upright lines that meet little ink.

    Args:
        part: What may be two digits.
        count: How many cuts to propose.

    Returns:
        The halves of each, the line with the least ink first; lines lie apart by an eighth of the height.
    """
    if part.width < 4:
        return []
    ink = (part.ink > 127).sum(axis=0).astype(np.float64)
    least = max(2, round(min(0.2 * part.height, 0.25 * part.width)))
    places = np.arange(least, part.width - least)
    if not len(places):
        return []
    # Of equally good lines the one nearest to the middle.
    cost = ink[places] / part.height + 0.25 * np.abs(places / part.width - 0.5)
    found: list[int] = []
    for index in np.argsort(cost, kind="stable"):
        place = int(places[index])
        if all(abs(place - other) > part.height / 8 for other in found):
            found.append(place)
        if len(found) == count:
            break
    halves = []
    for place in found:
        sides = np.arange(part.width) < place
        left, right = part.ink * sides, part.ink * ~sides
        if (left > 127).any() and (right > 127).any():
            halves.append((_part(left, left > 0, part.top, part.left), _part(right, right > 0, part.top, part.left)))
    return halves


def _part(ink: Ink, where: NDArray[np.bool_], top: int = 0, left: int = 0) -> Part:
    rows, columns = np.flatnonzero(where.any(axis=1)), np.flatnonzero(where.any(axis=0))
    place = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return Part((ink * where)[place], top + int(rows[0]), left + int(columns[0]))


class _Pieces:
    """The pieces of an ink map, by number from 0, with their boxes and the gaps between them."""

    def __init__(self, ink: Ink) -> None:
        from scipy import ndimage

        self._ink = ink
        eight = np.ones((3, 3))
        self._labels, self.count = ndimage.label(ink > 127, structure=eight)
        boxes = ndimage.find_objects(self._labels)
        self.areas = np.bincount(self._labels.ravel(), minlength=self.count + 1)[1:]
        if self.count > MAX_PIECES:
            # Dust, or no drawing at all: the largest decide.
            largest = np.sort(np.argsort(-self.areas, kind="stable")[:MAX_PIECES])
            number = np.zeros(self.count + 1, self._labels.dtype)
            number[largest + 1] = np.arange(1, MAX_PIECES + 1)
            self._labels, self.count = number[self._labels], MAX_PIECES
            self.areas, boxes = self.areas[largest], [boxes[index] for index in largest]
        self.top = np.array([rows.start for rows, _ in boxes])
        self.bottom = np.array([rows.stop for rows, _ in boxes])
        self.left = np.array([columns.start for _, columns in boxes])
        self.right = np.array([columns.stop for _, columns in boxes])
        self.extent = np.maximum(self.bottom - self.top, self.right - self.left)
        self._gaps: NDArray[np.float64] | None = None

    @property
    def gaps(self) -> NDArray[np.float64]:
        """Least distance between the pixels of any two pieces, shape `(count, count)`."""
        if self._gaps is None:
            from scipy import ndimage
            from scipy.spatial import cKDTree

            edge = (self._labels > 0) & ~ndimage.binary_erosion(self._labels > 0)
            trees, points = [], np.argwhere(edge)
            owner = self._labels[edge] - 1
            for number in range(self.count):
                trees.append(points[owner == number])
            self._gaps = np.zeros((self.count, self.count))
            built = [cKDTree(each) for each in trees]
            for one in range(self.count):
                for other in range(one + 1, self.count):
                    small, large = (one, other) if len(trees[one]) < len(trees[other]) else (other, one)
                    gap = float(built[large].query(trees[small])[0].min()) - 1
                    self._gaps[one, other] = self._gaps[other, one] = gap
        return self._gaps

    def without_specks(self) -> list[int]:
        """The numbers of all pieces that are not slips of the pen."""
        numbers = list(range(self.count))
        if self.count == 1:
            return numbers
        chains = self._chains()
        sizes = [self._size(chain) for chain in chains]
        largest = max(sizes)
        kept = [chain for chain, size in zip(chains, sizes, strict=True) if size >= SPECK * largest]
        return sorted(number for chain in kept for number in chain)

    def _chains(self) -> list[list[int]]:
        """Pieces that lie near each other, as those of a broken or dotted line do."""
        size = float(self.extent.max())
        if self.count >= 5:
            # Dots are small and many: how far they lie apart is told by themselves.
            nearest = np.where(np.eye(self.count, dtype=bool), np.inf, self.gaps).min(axis=1)
            dots = 2.5 * float(np.median(nearest))
        else:
            dots = 0.0
        limit = max(NEAR * size, min(dots, 4 * float(np.median(self.extent))))
        return _united(range(self.count), lambda a, b: bool(self.gaps[a, b] <= limit))

    def _size(self, group: Sequence[int]) -> int:
        return int(
            max(np.ptp([*self.top[group], *self.bottom[group]]), np.ptp([*self.left[group], *self.right[group]]))
        )

    def _box(self, group: Sequence[int]) -> tuple[int, int, int, int]:
        return (int(self.top[group].min()), int(self.bottom[group].max()),
                int(self.left[group].min()), int(self.right[group].max()))  # fmt: skip

    def stacked(self, groups: list[list[int]]) -> list[list[int]]:
        """Unites what lies above each other in one digit, again and again until nothing changes."""
        united = _united(range(len(groups)), lambda a, b: self._is_one_above_other(groups[a], groups[b]))
        if len(united) == len(groups):
            return groups
        return self.stacked([[number for index in each for number in groups[index]] for each in united])

    def _is_one_above_other(self, one: list[int], other: list[int]) -> bool:
        top, bottom, left, right = self._box(one)
        top2, bottom2, left2, right2 = self._box(other)
        shared = min(right, right2) - max(left, left2)
        if shared < 0.5 * min(right - left, right2 - left2):
            return False
        small, large = sorted((bottom - top, bottom2 - top2))
        gap = max(top, top2) - min(bottom, bottom2)
        # The bar of a 5 may lie higher above it than one half of a broken 8 above the other: two lines are like those.
        return gap <= (0.4 if small < 0.35 * large else 0.2) * large

    def lines(self, groups: list[list[int]]) -> list[list[list[int]]]:
        """Puts groups into lines from top to bottom, by their overlap with what is highest in each."""
        boxes = {index: self._box(group) for index, group in enumerate(groups)}
        lines: list[list[int]] = []
        for index in sorted(boxes, key=lambda index: boxes[index][0] - boxes[index][1]):
            top, bottom, *_ = boxes[index]
            best, most = None, 0.4
            for line in lines:
                top2, bottom2, *_ = boxes[line[0]]
                share = (min(bottom, bottom2) - max(top, top2)) / max(1, min(bottom - top, bottom2 - top2))
                if share > most:
                    best, most = line, share
            if best is None:
                lines.append(best := [])
            best.append(index)
        lines.sort(key=lambda line: sum(boxes[line[0]][:2]))
        return [[groups[index] for index in line] for line in lines]

    def digits(self, line: list[list[int]]) -> list[list[int]]:
        """Makes the digits of a line, from left to right: small groups join their nearest neighbour or are left out."""
        heights = np.array([bottom - top for top, bottom, *_ in map(self._box, line)])
        height = float(np.median(heights[heights >= SMALL * heights.max()]))
        large = [list(group) for group, own in zip(line, heights, strict=True) if own >= SMALL * height]
        small = [list(group) for group, own in zip(line, heights, strict=True) if own < SMALL * height]
        while small:
            gaps = [min(self._gap(group, digit) for digit in large) for group in small]
            nearest = int(np.argmin(gaps))
            group = small.pop(nearest)
            if gaps[nearest] > NEAR * height * 1.5:
                break
            min(large, key=lambda digit: self._gap(group, digit)).extend(group)
        return sorted(large, key=lambda digit: sum(self._box(digit)[2:]))

    def _gap(self, one: list[int], other: list[int]) -> float:
        return float(self.gaps[np.ix_(one, other)].min())

    def only(self, numbers: Iterable[int]) -> Ink:
        """The ink of some pieces; grey edges go with the piece that they lie at."""
        from scipy import ndimage

        mine = np.isin(self._labels, np.array(list(numbers)) + 1)
        if not (self._labels[~mine] > 0).any():
            return self._ink
        others = (self._labels > 0) & ~mine
        near = ndimage.binary_dilation(mine, iterations=3) & ~ndimage.binary_dilation(others, iterations=1)
        return np.where(mine | near, self._ink, 0).astype(np.uint8)

    def part(self, numbers: Sequence[int]) -> Part:
        """The ink of some pieces as a digit."""
        ink = self.only(numbers)
        return _part(ink, ink > 0)


def _united(items: Iterable[int], is_one: Callable[[int, int], bool]) -> list[list[int]]:
    """Classes of items, of which two are in one if a chain of pairs leads from one to the other."""
    classes: list[list[int]] = []
    for item in items:
        mine = [each for each in classes if any(is_one(item, other) for other in each)]
        classes = [each for each in classes if each not in mine]
        classes.append([number for each in mine for number in each] + [item])
    return classes

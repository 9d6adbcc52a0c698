"""The pieces of ink that hang together in an ink map: where each is, how thick its line, how far from the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mnist_lab.mnist_form import Ink

MAX_PIECES = 250
NEAR = 0.15
"""Pieces nearer than this to each other, as a share of the largest, may be parts of one broken stroke."""
# Distances are measured between at most about this many points of all outlines together.
_MAX_POINTS = 1500
# Grey edges, in pixels around a piece, belong to it.
_EDGE = 3
# A piece is a dot or a dash if it is at most so many times as long as thick, and the figure so many times as high.
_DASH, _FIGURE = 6.0, 2.2


class Pieces:
    """The pieces of an ink map, by number from 0; of very many, only the largest.

    Args:
        ink: Shape `(height, width)`, uint8, with some ink in it; 0 is paper and 255 ink.

    Attributes:
        count: How many there are.
        top: The first row of each.
        bottom: The row below its last.
        left: Its first column.
        right: The column after its last.
        extent: The longer side of its box.
    """

    def __init__(self, ink: Ink) -> None:
        from scipy import ndimage

        self._ink = ink
        self._labels, self.count = ndimage.label(ink > 127, structure=np.ones((3, 3)))
        self._is_all = self.count <= MAX_PIECES
        if not self._is_all:
            areas = np.bincount(self._labels.ravel())[1:]
            largest = np.sort(np.argsort(-areas, kind="stable")[:MAX_PIECES])
            number = np.zeros(self.count + 1, self._labels.dtype)
            number[largest + 1] = np.arange(1, MAX_PIECES + 1)
            self._labels, self.count = number[self._labels], MAX_PIECES
        boxes = ndimage.find_objects(self._labels)
        self.top = np.array([rows.start for rows, _ in boxes])
        self.bottom = np.array([rows.stop for rows, _ in boxes])
        self.left = np.array([columns.start for _, columns in boxes])
        self.right = np.array([columns.stop for _, columns in boxes])
        self.extent = np.maximum(self.bottom - self.top, self.right - self.left)

    @cached_property
    def outlines(self) -> list[NDArray[np.float64]]:
        """Points of each piece's outline, shape `(n, 2)`, row and column; of long outlines every so many-th."""
        from scipy import ndimage

        inked = self._labels > 0
        edge = inked & ~ndimage.binary_erosion(inked)
        points, owner = np.argwhere(edge).astype(np.float64), self._labels[edge] - 1
        order = np.argsort(owner, kind="stable")
        parts = np.split(points[order], np.cumsum(np.bincount(owner, minlength=self.count))[:-1])
        step = -(-len(points) // _MAX_POINTS)
        return [part[::step] for part in parts]

    @cached_property
    def gaps(self) -> NDArray[np.float64]:
        """Pixels of paper between any two pieces, shape `(count, count)`."""
        from scipy.spatial.distance import cdist

        every = np.concatenate(self.outlines)
        starts = np.concatenate([[0], np.cumsum([len(points) for points in self.outlines])[:-1]])
        rows = [np.minimum.reduceat(cdist(points, every).min(axis=0), starts) for points in self.outlines]
        return np.maximum(np.array(rows) - 1, 0)

    @cached_property
    def thickness(self) -> NDArray[np.float64]:
        """How thick the line of each is at its thickest, in pixels."""
        from scipy import ndimage

        inked = self._labels > 0
        depth = ndimage.distance_transform_edt(np.pad(inked, 1))[1:-1, 1:-1]
        most = np.zeros(self.count)
        np.maximum.at(most, self._labels[inked] - 1, depth[inked])
        return 2 * most - 1

    def box(self, group: Sequence[int]) -> tuple[int, int, int, int]:
        """Returns top, bottom, left and right of some pieces."""
        return (int(self.top[group].min()), int(self.bottom[group].max()),
                int(self.left[group].min()), int(self.right[group].max()))  # fmt: skip

    def gap(self, one: Sequence[int], other: Sequence[int]) -> float:
        """Returns the pixels of paper between two groups of pieces."""
        return float(self.gaps[np.ix_(one, other)].min())

    def broken(self) -> list[list[int]]:
        """Finds figures drawn in dots or dashes: of pieces little longer than thick, near each other, much higher.

        Returns:
            The pieces of each figure, three or more.
        """
        short = np.flatnonzero(self.extent <= _DASH * self.thickness)
        if len(short) < 3:
            return []
        among = self.gaps[np.ix_(short, short)]
        nearest = np.where(np.eye(len(short), dtype=bool), np.inf, among).min(axis=1)
        size = float(np.median(self.extent[short]))
        limit = min(2.5 * float(np.median(nearest)), 4 * size)
        figures = []
        for chain in united(range(len(short)), lambda a, b: bool(among[a, b] <= limit)):
            group = [int(short[index]) for index in chain]
            top, bottom, *_ = self.box(group)
            if len(group) >= 3 and bottom - top >= _FIGURE * self.extent[group].max():
                figures.append(group)
        return figures

    def not_specks(self, speck: float) -> list[int]:
        """Finds what is no slip of the pen: tiny, and far from all else.

        Args:
            speck: How large a slip may be, as a share of the largest piece or figure.

        Returns:
            The numbers of the other pieces.
        """
        if self.count == 1:
            return [0]
        whole = self.broken()
        units = whole + [[number] for number in range(self.count) if not any(number in figure for figure in whole)]
        largest = max(self._size(unit) for unit in units)
        chains = united(range(len(units)), lambda a, b: self.gap(units[a], units[b]) <= NEAR * largest)
        kept = [[number for index in chain for number in units[index]] for chain in chains]
        return sorted(number for group in kept if self._size(group) >= speck * largest for number in group)

    def _size(self, group: Sequence[int]) -> int:
        top, bottom, left, right = self.box(group)
        return max(bottom - top, right - left)

    @cached_property
    def _owner(self) -> NDArray[np.int64]:
        """The number of the piece that each pixel belongs to, grey edges included; -1 for paper."""
        from scipy import ndimage

        far, (rows, columns) = ndimage.distance_transform_edt(self._labels == 0, return_indices=True)
        return np.where(far <= _EDGE, self._labels[rows, columns], 0) - 1

    def only(self, group: Iterable[int]) -> Ink:
        """Returns the ink of some pieces, with their grey edges, as large as the whole ink map."""
        numbers = list(group)
        if self._is_all and len(numbers) == self.count:
            return self._ink
        return np.where(np.isin(self._owner, numbers), self._ink, 0).astype(np.uint8)


def united(items: Iterable[int], is_one: Callable[[int, int], bool]) -> list[list[int]]:
    """Classes of items, of which two are in one if a chain of pairs leads from one to the other."""
    classes: list[list[int]] = []
    for item in items:
        mine = [each for each in classes if any(is_one(item, other) for other in each)]
        classes = [each for each in classes if each not in mine]
        classes.append([number for each in mine for number in each] + [item])
    return classes

"""Figures drawn in dots or dashes, joined to a line, so that they can be brought to MNIST's form."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mnist_lab.mnist_form import FIELD, Ink, crop
from mnist_lab.pieces import Pieces

# Beside the shortest lines that join all pieces, gaps that are at most so many times as wide as the usual one of these.
_ALSO = 1.35


def join_dots(ink: Ink) -> Ink:
    """Joins the dots and dashes of an ink map by lines as thick as they are.

    Args:
        ink: Shape `(height, width)`, uint8, with some ink in it.

    Returns:
        The same with the lines; `ink` itself if nothing in it is dotted or dashed.
    """
    if max(crop(ink).shape) <= FIELD:
        return ink
    pieces = Pieces(ink)
    figures = pieces.broken() if pieces.count >= 3 else []
    if not figures:
        return ink
    from scipy.sparse.csgraph import minimum_spanning_tree

    sheet = Image.fromarray(ink)
    pen = ImageDraw.Draw(sheet)
    for figure in figures:
        width = max(1, round(float(np.median(pieces.thickness[figure]))))
        gaps = pieces.gaps[np.ix_(figure, figure)] + 1  # the tree takes no edge of length 0
        tree = minimum_spanning_tree(gaps).toarray()
        usual = float(np.median(tree[tree > 0]))
        joined = (tree > 0) | (np.triu(gaps, 1) > 0) & (np.triu(gaps, 1) <= _ALSO * usual)
        for one, other in np.argwhere(joined):
            start, end = _nearest(pieces.outlines[figure[one]], pieces.outlines[figure[other]])
            pen.line([(start[1], start[0]), (end[1], end[0])], fill=255, width=width)
    return np.asarray(sheet)


def _nearest(one: NDArray[np.float64], other: NDArray[np.float64]) -> tuple[tuple[float, float], tuple[float, float]]:
    """The middles of what is nearest in each of two outlines: of dots that is beside their centres."""
    from scipy.spatial.distance import cdist

    distances = cdist(one, other)
    close = distances <= distances.min() + 1
    a, b = one[close.any(axis=1)].mean(axis=0), other[close.any(axis=0)].mean(axis=0)
    return (float(a[0]), float(a[1])), (float(b[0]), float(b[1]))

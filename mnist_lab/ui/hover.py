"""Pictures that a chart shows beside the pointer: what the browser is given for them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_lab.figures.images import contact_sheet, png_url
from mnist_lab.figures.maps import Grid
from mnist_lab.receptive import Seen, Windows

COLUMNS = 50


def of_points(images: NDArray[np.uint8]) -> dict[str, Any]:
    """An image for each point, whose ``customdata`` is the image's index and what to write below it.

    Args:
        images: uint8, shape ``(n, 28, 28)``.
    """
    return _sheet(images)


def of_patches(image: NDArray[np.uint8], grid: Grid, seen: Seen, name: str, first: int = 0) -> dict[str, Any]:
    """What each value of a grid of maps sees of the image.

    Args:
        image: uint8, shape ``(28, 28)``.
        grid: How the maps lie.
        seen: What a place of a map sees.
        name: What a map is called.
        first: The number of the first map.
    """
    return _sheet(image[np.newaxis]) | {
        "grid": {
            "steps": grid.steps, "size": [grid.height, grid.width], "columns": grid.columns, "maps": grid.maps,
            "first": first, "name": name, "rows": _pairs(seen.rows), "across": _pairs(seen.columns),
        }
    }  # fmt: skip


def _pairs(windows: Windows) -> list[list[int]]:
    return np.stack([windows.first, windows.last], axis=1).tolist()


def _sheet(images: NDArray[np.uint8]) -> dict[str, Any]:
    return {
        "sheet": png_url(contact_sheet(images, columns=COLUMNS, scale=1, gap=0)),
        "tile": [images.shape[2], images.shape[1]],
        "columns": min(COLUMNS, len(images)),
    }

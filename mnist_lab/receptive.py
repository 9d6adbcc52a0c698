"""Which pixels of the image each value of a layer sees: exact windows, cut at the border, by plain arithmetic.

`mnist_lab.layer_rules` says how large a receptive field is; this says where it lies. A window is an interval of rows
and one of columns, and the rules of both axes are the same, so each axis is followed on its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_lab import shapes
from mnist_lab.architecture import Architecture, Path
from mnist_lab.layer_rules import VGG16_FILTERS
from mnist_lab.layers import (
    AveragePooling2D,
    Conv2D,
    Flatten,
    GlobalAveragePooling2D,
    GlobalMaxPooling2D,
    Layer,
    MaxPooling2D,
    Parallel,
    Pretrained,
    Residual,
    Resizing,
)

# How many pixels beside the place between them an interpolation reads, on either side.
_REACH = {"nearest": 0, "bilinear": 1, "area": 1, "bicubic": 2, "lanczos3": 3, "lanczos5": 5}
MAP_AXES = 3


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """What the places of a map see along one axis.

    Attributes:
        first: The first pixel of the image that each place sees, int64, shape ``(places,)``.
        last: The last one.
    """

    first: NDArray[np.int64]
    last: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.first)

    def slid(self, size: int, stride: int, dilation: int, padding: str) -> Windows:
        """What a window of `size` sees that slides over these places."""
        span = (size - 1) * dilation + 1
        if padding == "same":
            places = math.ceil(len(self) / stride)
            before = max(0, (places - 1) * stride + span - len(self)) // 2
        else:
            places, before = (len(self) - span) // stride + 1, 0
        starts = np.arange(places) * stride - before
        reached = starts[:, np.newaxis] + np.arange(size) * dilation
        inside = (reached >= 0) & (reached < len(self))
        at = np.clip(reached, 0, len(self) - 1)
        first = np.where(inside, self.first[at], np.iinfo(np.int64).max).min(axis=1)
        return Windows(first, np.where(inside, self.last[at], -1).max(axis=1))

    def resized(self, places: int, interpolation: str) -> Windows:
        """What the places of a map of another size see."""
        middle = (np.arange(places) + 0.5) * len(self) / places - 0.5
        reach = _REACH[interpolation]
        low = np.round(middle) if reach == 0 else np.floor(middle) - reach + 1
        high = np.round(middle) if reach == 0 else np.ceil(middle) + reach - 1
        bound = len(self) - 1
        return Windows(self.first[np.clip(low, 0, bound).astype(int)], self.last[np.clip(high, 0, bound).astype(int)])

    def whole(self) -> Windows:
        """What one value sees that is made of all places."""
        return Windows(self.first.min(keepdims=True), self.last.max(keepdims=True))

    def beside(self, other: Windows) -> Windows:
        """What is seen by values that are made of two maps of one size."""
        return Windows(np.minimum(self.first, other.first), np.maximum(self.last, other.last))


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What the values of a layer see of the image.

    Attributes:
        rows: Downwards, a window for each row of the layer's map; one for all values where it is a row of values.
        columns: Across.
    """

    rows: Windows
    columns: Windows

    def each(self, rule: Callable[[Windows, int], Windows]) -> Seen:
        """Both axes by one rule, which is told the axis."""
        return Seen(rule(self.rows, 0), rule(self.columns, 1))


def windows(architecture: Architecture) -> dict[Path, Seen]:
    """What the values of every layer see.

    Args:
        architecture: A network that is possible.

    Returns:
        By the layer's path, blocks and their layers alike.
    """
    found: dict[Path, Seen] = {}
    shape = {row.path: row.output_shape for row in shapes.analyse(architecture).rows}
    start = Seen(*(Windows(np.arange(size), np.arange(size)) for size in architecture.input_shape[:2]))

    def follow(layers: tuple[Layer, ...], path: Path, seen: Seen) -> Seen:
        for index, layer in enumerate(layers):
            here = (*path, index)
            if isinstance(layer, Parallel):
                ends = [follow(branch, (*here, "branches", n), seen) for n, branch in enumerate(layer.branches)]
                seen = _together(ends)
            elif isinstance(layer, Residual):
                seen = _together([follow(layer.layers, (*here, "layers"), seen), _shortcut(seen, shape[here])])
            else:
                seen = _after(layer, seen)
            found[here] = seen
        return seen

    follow(architecture.layers, (), start)
    return found


def _together(ends: list[Seen]) -> Seen:
    first, *others = ends
    for other in others:
        first = Seen(first.rows.beside(other.rows), first.columns.beside(other.columns))
    return first


def _shortcut(seen: Seen, out: Any) -> Seen:
    """A projection picks every so many-th place; an identity all of them."""
    if len(out) != MAP_AXES:
        return seen

    def rule(windows: Windows, axis: int) -> Windows:
        stride = next(step for step in range(1, len(windows) + 1) if math.ceil(len(windows) / step) == out[axis])
        return windows.slid(1, stride, 1, "same")

    return seen.each(rule)


def _after(layer: Layer, seen: Seen) -> Seen:
    if isinstance(layer, Conv2D):
        return seen.each(
            lambda windows, axis: windows.slid(
                layer.kernel_size[axis], layer.strides[axis], layer.dilation_rate[axis], layer.padding
            )
        )
    if isinstance(layer, (MaxPooling2D, AveragePooling2D)):
        strides = layer.strides or layer.pool_size
        return seen.each(lambda windows, axis: windows.slid(layer.pool_size[axis], strides[axis], 1, layer.padding))
    if isinstance(layer, (Flatten, GlobalAveragePooling2D, GlobalMaxPooling2D)):
        return seen.each(lambda windows, _: windows.whole())
    if isinstance(layer, Resizing):
        size = layer.height, layer.width
        return seen.each(lambda windows, axis: windows.resized(size[axis], layer.interpolation))
    if isinstance(layer, Pretrained):
        for filters in VGG16_FILTERS:
            window = (2, 2, 1, "valid") if filters is None else (3, 1, 1, "same")
            seen = seen.each(lambda windows, _, window=window: windows.slid(*window))  # type: ignore[misc]
    return seen

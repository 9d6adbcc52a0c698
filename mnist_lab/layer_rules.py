"""The rule of each layer: what it makes of an input shape, and what that costs.

One function a layer kind, registered in `RULES`. Shapes are without the batch. One multiply-add is one product added
to a sum; only layers with weights and `Rescaling` have them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mnist_lab import formatting
from mnist_lab.layers import (
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    GlobalMaxPooling2D,
    Layer,
    MaxPooling2D,
    Parallel,
    Pretrained,
    RepeatChannels,
    Rescaling,
    Residual,
    Resizing,
)

Shape = tuple[int, ...]

# Farther than any image is wide; without a limit, two hundred strides of 64 are no number any more.
_FAR = 10**30


@dataclass(frozen=True, slots=True)
class Field:
    """The receptive field so far: how much of the input one value sees.

    Attributes:
        height: Pixels of the input that one value sees, downwards.
        width: The same, across.
        jump_height: Pixels of the input between two neighbouring values, downwards.
        jump_width: The same, across.
    """

    height: float = 1
    width: float = 1
    jump_height: float = 1
    jump_width: float = 1

    def window(self, size: tuple[int, int], strides: tuple[int, int], dilation: tuple[int, int] = (1, 1)) -> Field:
        """The field after a window of `size` that moves by `strides`."""
        return Field(
            self.height + (size[0] - 1) * dilation[0] * self.jump_height,
            self.width + (size[1] - 1) * dilation[1] * self.jump_width,
            min(self.jump_height * strides[0], _FAR),
            min(self.jump_width * strides[1], _FAR),
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one layer makes of its input.

    Attributes:
        shape: Output shape.
        field: Receptive field of one output value.
        parameters: All weights, as Keras counts them.
        non_trainable: Those of them that training leaves alone.
        arithmetic: How the parameters come about, as ``"3×3×32×64 + 64"``.
        multiply_adds: Per image.
    """

    shape: Shape
    field: Field
    parameters: int = 0
    non_trainable: int = 0
    arithmetic: str = ""
    multiply_adds: int = 0
    hidden_values: int = 0


Inner = list[tuple[Shape, Field]]


class Impossible(Exception):
    """A layer cannot take this input; the text names the reason and the remedy."""


def _map(shape: Shape, what: str) -> tuple[int, int, int]:
    if len(shape) != 3:
        raise Impossible(
            f"{what} needs a map (height × width × channels), but its input is a row of {shape[0]} values. "
            "Move it before Flatten, or before the global pooling."
        )
    return shape[0], shape[1], shape[2]


def _windowed(
    size: tuple[int, int],
    window: tuple[int, int],
    strides: tuple[int, int],
    padding: str,
    dilation: tuple[int, int],
    what: str,
) -> tuple[int, int]:
    spans = tuple((window[axis] - 1) * dilation[axis] + 1 for axis in (0, 1))
    if padding == "same":
        return math.ceil(size[0] / strides[0]), math.ceil(size[1] / strides[1])
    if spans[0] > size[0] or spans[1] > size[1]:
        raise Impossible(
            f"its {what} of {spans[0]}×{spans[1]} does not fit into a map of {size[0]}×{size[1]}. "
            f"Choose a smaller {what}, padding same, or less pooling before it."
        )
    return (size[0] - spans[0]) // strides[0] + 1, (size[1] - spans[1]) // strides[1] + 1


def _conv(layer: Conv2D, shape: Shape, field: Field, _: Inner) -> Outcome:
    height, width, channels = _map(shape, "a convolution")
    out = _windowed((height, width), layer.kernel_size, layer.strides, layer.padding, layer.dilation_rate, "kernel")
    rows, columns = layer.kernel_size
    weights = rows * columns * channels * layer.filters
    bias = layer.filters * layer.use_bias
    return Outcome(
        (*out, layer.filters),
        field.window(layer.kernel_size, layer.strides, layer.dilation_rate),
        weights + bias,
        0,
        f"{rows}×{columns}×{channels}×{layer.filters}" + (f" + {bias}" if bias else ""),
        weights * out[0] * out[1],
    )


def _pool(layer: MaxPooling2D | AveragePooling2D, shape: Shape, field: Field, _: Inner) -> Outcome:
    height, width, channels = _map(shape, "pooling")
    strides = layer.strides or layer.pool_size
    out = _windowed((height, width), layer.pool_size, strides, layer.padding, (1, 1), "window")
    return Outcome((*out, channels), field.window(layer.pool_size, strides))


def _global_pool(layer: Layer, shape: Shape, field: Field, _: Inner) -> Outcome:
    *_size, channels = _map(shape, "global pooling")
    return Outcome((channels,), Field(math.inf, math.inf))


def _dense(layer: Dense, shape: Shape, field: Field, _: Inner) -> Outcome:
    inputs = shape[-1]
    weights = inputs * layer.units
    bias = layer.units * layer.use_bias
    arithmetic = f"{inputs}×{layer.units}" + (f" + {bias}" if bias else "")
    return Outcome((*shape[:-1], layer.units), field, weights + bias, 0, arithmetic, weights * math.prod(shape[:-1]))


def _flatten(layer: Flatten, shape: Shape, field: Field, _: Inner) -> Outcome:
    return Outcome((math.prod(shape),), field)


def _same(layer: Layer, shape: Shape, field: Field, _: Inner) -> Outcome:
    return Outcome(shape, field)


def _rescaling(layer: Rescaling, shape: Shape, field: Field, _: Inner) -> Outcome:
    return Outcome(shape, field, multiply_adds=math.prod(shape))


def _batch_normalization(layer: BatchNormalization, shape: Shape, field: Field, _: Inner) -> Outcome:
    channels = shape[-1]
    per_channel = 2 + layer.center + layer.scale
    return Outcome(shape, field, per_channel * channels, 2 * channels, f"{per_channel}×{channels}", math.prod(shape))


def _resizing(layer: Resizing, shape: Shape, field: Field, _: Inner) -> Outcome:
    height, width, channels = _map(shape, "resizing")
    scaled = Field(
        field.height,
        field.width,
        min(field.jump_height * height / layer.height, _FAR),
        min(field.jump_width * width / layer.width, _FAR),
    )
    return Outcome((layer.height, layer.width, channels), scaled)


def _repeat(layer: RepeatChannels, shape: Shape, field: Field, _: Inner) -> Outcome:
    height, width, channels = _map(shape, "RepeatChannels")
    return Outcome((height, width, channels * layer.times), field)


# VGG16 without its dense layers: 13 convolutions of 3x3 with padding same in five groups, each closed by a pooling
# of 2x2 (Simonyan and Zisserman 2014, table 1, column D).
VGG16_FILTERS = (64, 64, None, 128, 128, None, 256, 256, 256, None, 512, 512, 512, None, 512, 512, 512, None)


def _pretrained(layer: Pretrained, shape: Shape, field: Field, _: Inner) -> Outcome:
    height, width, channels = _map(shape, layer.application)
    if channels != 3:
        raise Impossible(
            f"{layer.application} takes 3 channels. Received: {channels}. "
            + ("Put RepeatChannels ×3 before it." if channels == 1 else "Change the layer before it.")
        )
    if min(height, width) < 32:
        raise Impossible(
            f"{layer.application} takes maps of at least 32×32. Received: {height}×{width}. "
            "Put Resizing 32×32 before it."
        )
    counts: list[int] = []
    multiply_adds = values = 0
    for filters in VGG16_FILTERS:
        if filters is None:
            height, width = height // 2, width // 2
            field = field.window((2, 2), (2, 2))
        else:
            counts.append(9 * channels * filters + filters)
            multiply_adds += 9 * channels * filters * height * width
            field = field.window((3, 3), (1, 1))
            channels = filters
        values += height * width * channels
    total = sum(counts)
    frozen = sum(counts[: len(counts) - layer.trainable_layers])
    out = height, width, channels
    return Outcome(out, field, total, frozen, "13 convolutions", multiply_adds, values - math.prod(out))


def _parallel(layer: Parallel, shape: Shape, field: Field, inner: Inner) -> Outcome:
    shapes = [out for out, _ in inner]
    first = shapes[0]
    seen = Field(
        max(f.height for _, f in inner), max(f.width for _, f in inner),
        max(f.jump_height for _, f in inner), max(f.jump_width for _, f in inner),
    )  # fmt: skip
    listed = ", ".join(formatting.shape(out) for out in shapes)
    if layer.merge == "concatenate":
        if any(out[:-1] != first[:-1] for out in shapes):
            raise Impossible(
                f"its branches end in maps of different sizes ({listed}), which cannot be put side by side. "
                "Give them the same strides, and padding same."
            )
        return Outcome((*first[:-1], sum(out[-1] for out in shapes)), seen)
    if len(shapes) < 2:
        raise Impossible(f"merge {layer.merge} needs at least two branches. Add a branch, or merge by concatenate.")
    if any(out != first for out in shapes):
        raise Impossible(
            f"its branches end in different shapes ({listed}), so that merge {layer.merge} has nothing to pair. "
            "Give them the same shape, or merge by concatenate."
        )
    return Outcome(first, seen)


def _residual(layer: Residual, shape: Shape, field: Field, inner: Inner) -> Outcome:
    out, seen = inner[0]
    if layer.shortcut == "identity" or out == shape:
        if out != shape:
            raise Impossible(
                f"its layers turn {formatting.shape(shape)} into {formatting.shape(out)}, which cannot be added to its "
                "input. Use padding same and as many filters as it has channels, or shortcut projection."
            )
        return Outcome(out, seen)
    if len(out) != len(shape):
        raise Impossible(
            "its layers change a map into a row of values; a shortcut cannot follow. Move Flatten after it."
        )
    strides = projection_strides(shape, out)
    if strides is None:
        raise Impossible(
            f"no strides bring a shortcut from {formatting.shape(shape)} to {formatting.shape(out)}. "
            "Use padding same in its layers."
        )
    channels, filters = shape[-1], out[-1]
    values = math.prod(out)
    weights = channels * filters
    return Outcome(
        out, seen, weights + filters, 0, f"{channels}×{filters} + {filters}", channels * values, hidden_values=values
    )


def projection_strides(shape: Shape, out: Shape) -> Shape | None:
    """The strides of a 1x1 convolution, padding same, that turns `shape` into the size of `out`.

    Returns:
        Height and width, or None if no strides do.
    """
    found = []
    for size, target in zip(shape[:-1], out[:-1], strict=True):
        stride = next((step for step in range(1, size + 1) if math.ceil(size / step) == target), None)
        if stride is None:
            return None
        found.append(stride)
    return tuple(found)


RULES: dict[type[Layer], Callable[[Any, Shape, Field, Inner], Outcome]] = {
    Conv2D: _conv,
    MaxPooling2D: _pool,
    AveragePooling2D: _pool,
    GlobalMaxPooling2D: _global_pool,
    GlobalAveragePooling2D: _global_pool,
    Dense: _dense,
    Flatten: _flatten,
    Dropout: _same,
    Activation: _same,
    BatchNormalization: _batch_normalization,
    Rescaling: _rescaling,
    Resizing: _resizing,
    RepeatChannels: _repeat,
    Pretrained: _pretrained,
    Parallel: _parallel,
    Residual: _residual,
}

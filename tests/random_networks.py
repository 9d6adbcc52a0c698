"""Random networks from a seed: some that are possible by construction, some that may not be.

The sizes are followed here by counting window positions one by one, not by the rules under test.
"""

from __future__ import annotations

import random
from typing import Any

from mnist_lab.architecture import Architecture
from mnist_lab.layers import (
    ACTIVATIONS,
    INTERPOLATIONS,
    MERGES,
    PADDINGS,
    SHORTCUTS,
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
    RepeatChannels,
    Rescaling,
    Residual,
    Resizing,
)

Shape = tuple[int, ...]
Chain = tuple[list[Layer], Shape]
MAX_CHANNELS = 24


def positions(size: int, window: int, stride: int, padding: str) -> int:
    """How many places a window takes along an axis, counted one by one."""
    last = size if padding == "same" else size - window + 1
    return len(range(0, max(last, 0), stride))


def possible(rng: random.Random) -> Architecture:
    """A network from a 28x28 image to ten probabilities that is possible by construction."""
    layers, shape = chain(rng, (28, 28, 1), rng.randint(0, 6), 0)
    if len(shape) == 3:
        layers.append(rng.choice([Flatten(), Flatten(), GlobalMaxPooling2D(), GlobalAveragePooling2D()]))
        shape = (shape[0] * shape[1] * shape[2],) if isinstance(layers[-1], Flatten) else shape[-1:]
    more, shape = chain(rng, shape, rng.randint(0, 3), 0)
    layers += more
    if rng.random() < 0.7:
        layers.append(Dense(10, "softmax", rng.random() < 0.5))
    else:
        layers += [Dense(10, "linear", rng.random() < 0.5), Activation("softmax")]
    return Architecture(tuple(layers))


def chain(rng: random.Random, shape: Shape, length: int, depth: int) -> Chain:
    """Layers in a row that fit each other, and the shape they end in."""
    layers: list[Layer] = []
    for _ in range(length):
        added, shape = step(rng, shape, depth)
        layers += added
    return layers, shape


def step(rng: random.Random, shape: Shape, depth: int) -> Chain:
    """One layer that fits a shape, or a block."""
    if depth < 2 and rng.random() < 0.25:
        return rng.choice([parallel, residual])(rng, shape, depth + 1)
    if len(shape) == 1 or rng.random() < 0.35:
        return keeping(rng, shape)
    return rng.choice([conv, conv, conv, pool, resize, repeat])(rng, shape)


def keeping(rng: random.Random, shape: Shape) -> Chain:
    """A layer that acts on values or channels and leaves the map as large as it is."""
    units = rng.randint(1, 12)
    made: dict[str, tuple[Layer, Shape]] = {
        "dense": (Dense(units, activation(rng), rng.random() < 0.7), (*shape[:-1], units)),
        "dropout": (Dropout(rng.choice([0.0, 0.25, 0.9])), shape),
        "normalization": (
            BatchNormalization(rng.random(), 10 ** rng.uniform(-6, 0), rng.random() < 0.5, rng.random() < 0.5),
            shape,
        ),
        "activation": (Activation(activation(rng)), shape),
        "rescaling": (Rescaling(rng.uniform(-2, 2), rng.uniform(-1, 1)), shape),
    }
    layer, out = made[rng.choice(list(made))]
    return [layer], out


def activation(rng: random.Random) -> str:
    return rng.choice(ACTIVATIONS)


def conv(rng: random.Random, shape: Shape, same: bool = False, strides: tuple[int, int] | None = None) -> Chain:
    """A convolution that fits; `same` keeps it to padding same."""
    kernel = rng.randint(1, 5), rng.randint(1, 5)
    dilation = (1, 1) if rng.random() < 0.8 else (rng.randint(1, 3), rng.randint(1, 3))
    if strides is None:
        strides = (1, 1) if max(dilation) > 1 or rng.random() < 0.6 else (rng.randint(1, 3), rng.randint(1, 3))
    elif max(strides) > 1:
        dilation = (1, 1)
    windows = [(kernel[axis] - 1) * dilation[axis] + 1 for axis in (0, 1)]
    fits = all(windows[axis] <= shape[axis] for axis in (0, 1))
    padding = "same" if same or not fits else rng.choice(PADDINGS)
    filters = rng.randint(1, 12)
    out = tuple(positions(shape[axis], windows[axis], strides[axis], padding) for axis in (0, 1))
    return [Conv2D(filters, kernel, strides, padding, dilation, activation(rng), rng.random() < 0.7)], (*out, filters)


def pool(rng: random.Random, shape: Shape) -> Chain:
    size = rng.randint(1, 4), rng.randint(1, 4)
    strides = None if rng.random() < 0.5 else (rng.randint(1, 4), rng.randint(1, 4))
    fits = size[0] <= shape[0] and size[1] <= shape[1]
    padding = rng.choice(PADDINGS) if fits else "same"
    cls: Any = rng.choice([MaxPooling2D, AveragePooling2D])
    moved = strides or size
    out = tuple(positions(shape[axis], size[axis], moved[axis], padding) for axis in (0, 1))
    return [cls(size, strides, padding)], (*out, shape[-1])


def resize(rng: random.Random, shape: Shape) -> Chain:
    size = rng.randint(1, 30), rng.randint(1, 30)
    return [Resizing(*size, rng.choice(INTERPOLATIONS))], (*size, shape[-1])


def repeat(rng: random.Random, shape: Shape) -> Chain:
    times = rng.randint(1, max(1, min(4, MAX_CHANNELS // shape[-1])))
    return [RepeatChannels(times)], (*shape[:-1], shape[-1] * times)


def sized_like(rng: random.Random, shape: Shape, depth: int) -> Chain:
    """A few layers that leave height and width alone."""
    layers: list[Layer] = []
    for _ in range(rng.randint(0, 2)):
        if len(shape) == 1 or rng.random() < 0.4:
            added, shape = keeping(rng, shape)
        elif depth < 3 and rng.random() < 0.2:
            added, shape = residual(rng, shape, depth + 1, strided=False)
        else:
            added, shape = conv(rng, shape, same=True, strides=(1, 1))
        layers += added
    return layers, shape


def to_channels(rng: random.Random, layers: list[Layer], shape: Shape, channels: int) -> None:
    """Ends a chain in a number of channels."""
    if shape[-1] != channels or rng.random() < 0.3:
        can_convolve = len(shape) == 3 and rng.random() < 0.5
        layers.append(Conv2D(channels, 1) if can_convolve else Dense(channels, "relu"))


def parallel(rng: random.Random, shape: Shape, depth: int) -> Chain:
    merge = rng.choice(MERGES)
    branches: list[tuple[Layer, ...]] = []
    channels: list[int] = []
    common = rng.randint(1, 8)
    last: Layer | None = None
    out = shape[:-1]
    if len(shape) == 3 and rng.random() < 0.3:
        # All branches end in the same pooling, so that they shrink alike.
        (last,), (*shrunk, _) = pool(rng, shape)
        out = tuple(shrunk)
    for _ in range(rng.randint(1 if merge == "concatenate" else 2, 4)):
        layers, made = sized_like(rng, shape, depth)
        if merge != "concatenate":
            to_channels(rng, layers, made, common)
            made = (*made[:-1], common)
        branches.append((*layers, last) if last else tuple(layers))
        channels.append(made[-1])
    return [Parallel(tuple(branches), merge)], (*out, sum(channels) if merge == "concatenate" else common)


def residual(rng: random.Random, shape: Shape, depth: int, strided: bool = True) -> Chain:
    shortcut = rng.choice(SHORTCUTS)
    layers, made = sized_like(rng, shape, depth)
    if shortcut == "identity":
        to_channels(rng, layers, made, shape[-1])
        made = shape
    elif strided and len(shape) == 3:
        for _ in range(rng.randint(0, 2)):
            added, made = conv(rng, made, same=True, strides=(rng.randint(1, 3), rng.randint(1, 3)))
            layers += added
    return [Residual(tuple(layers), shortcut, activation(rng))], made


def doubtful(rng: random.Random) -> Architecture:
    """A network of layers with no regard to what fits."""
    layers = _any_layers(rng, rng.randint(0, 4), 0)
    ending = rng.random()
    if ending < 0.75:
        layers += [Flatten(), Dense(10, "softmax")]
    elif ending < 0.85:
        layers += [Dense(rng.choice([7, 10]), "softmax")]
    elif ending < 0.9:
        layers += [
            Flatten(),
            Dense(10, rng.choice(["softmax", "relu"])),
            rng.choice([Dropout(0.5), Activation("tanh")]),
        ]
    return Architecture(tuple(layers))


def _any_layers(rng: random.Random, length: int, depth: int) -> list[Layer]:
    return [_any_layer(rng, depth) for _ in range(length)]


def _any_layer(rng: random.Random, depth: int) -> Layer:
    def up_to(high: int) -> tuple[int, int]:
        return rng.randint(1, high), rng.randint(1, high)

    kind = rng.random()
    if depth < 2 and kind < 0.15:
        branches = tuple(tuple(_any_layers(rng, rng.randint(0, 2), depth + 1)) for _ in range(rng.randint(1, 3)))
        return Parallel(branches, rng.choice(MERGES))
    if depth < 2 and kind < 0.3:
        inner = tuple(_any_layers(rng, rng.randint(0, 2), depth + 1))
        return Residual(inner, rng.choice(SHORTCUTS), rng.choice(["linear", "relu"]))
    if kind < 0.6:
        dilation = up_to(4) if rng.random() < 0.3 else (1, 1)
        strides = up_to(4) if dilation == (1, 1) else (1, 1)
        return Conv2D(rng.choice([1, 4, 4, 8]), up_to(12), strides, rng.choice(PADDINGS), dilation)
    if kind < 0.85:
        cls: Any = rng.choice([MaxPooling2D, AveragePooling2D])
        return cls(up_to(12), rng.choice([None, up_to(4)]), rng.choice(PADDINGS))
    return rng.choice(
        [
            Flatten(),
            GlobalMaxPooling2D(),
            GlobalAveragePooling2D(),
            RepeatChannels(rng.randint(1, 4)),
            Resizing(*up_to(20)),
            Dense(rng.choice([4, 10])),
            Rescaling(2.0, 1.0),
            BatchNormalization(),
        ]
    )

"""An architecture as a Keras model.

Every layer carries a name made from its place in the tree (`layer_name`), so that a row of `shapes.analyse`, a layer
of the model and an activation map find each other. Only Keras's own layers are used: the saved ``.keras`` file opens
without this package.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any

import keras

from mnist_lab import layer_rules, shapes
from mnist_lab.architecture import Architecture, Path, where
from mnist_lab.errors import ArchitectureError
from mnist_lab.keras_side import pretrained
from mnist_lab.keras_side.backend import BACKEND
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

DTYPE = "float32"
INPUT_NAME = "image"

_MERGES: dict[str, type[keras.layers.Layer]] = {
    "concatenate": keras.layers.Concatenate,
    "add": keras.layers.Add,
    "average": keras.layers.Average,
    "maximum": keras.layers.Maximum,
    "multiply": keras.layers.Multiply,
}


def build(architecture: Architecture, name: str = "network", seed: int | None = None) -> keras.Model:
    """Makes the Keras model of an architecture: functional, float32, not compiled.

    Args:
        architecture: The network.
        name: Name of the model.
        seed: Every initializer and every `Dropout` gets a seed of its own, derived from this one and from the
            layer's place: the same seed gives the same starting weights, whatever was built before. None leaves
            them to Keras.

    Returns:
        A model from images of `architecture.input_shape`, in [0, 1], to ten probabilities.

    Raises:
        ArchitectureError: If the network is impossible, or Keras's backend lacks what it needs; with the path of the
            layer at fault.
        DataError: If pretrained weights are wanted that are neither on this machine nor to be had.
    """
    shapes.output_shape(architecture)
    for path, layer in architecture.walk():
        if isinstance(layer, Resizing) and layer.interpolation in BACKEND.missing_interpolations:
            raise ArchitectureError(
                f"Layer {where(path)}: Keras on {BACKEND.title} does not resize by {layer.interpolation}.",
                "Choose another interpolation, or another KERAS_BACKEND.",
                path=path,
            )
    return connect(architecture, name, seed)


def connect(architecture: Architecture, name: str = "network", seed: int | None = None) -> keras.Model:
    """`build` without asking `shapes` first: whether a network is possible is then Keras's answer."""
    image = keras.Input(architecture.input_shape, dtype=DTYPE, name=INPUT_NAME)
    return keras.Model(image, _follow(architecture.layers, (), image, seed), name=name)


def layer_name(path: Path, layer: Layer) -> str:
    """The name of a layer in the Keras model, from its place in the tree.

    Args:
        path: As in `Architecture.walk`.
        layer: The layer there. The name of a block belongs to the Keras layer that yields the block's output.

    Returns:
        ``"l00_conv2d"`` for ``(0,)``; ``"l03_b1_0_conv2d"`` for the first layer of the second branch of a `Parallel`;
        ``"l04_r0_conv2d"`` for the first layer inside a `Residual`.
    """
    words = [f"l{int(path[0]):02d}"]
    steps = iter(path[1:])
    for step in steps:
        words.append(f"b{next(steps)}_{next(steps)}" if step == "branches" else f"r{next(steps)}")
    return "_".join([*words, re.sub(r"(?<=[a-z])(?=[A-Z])", "_", layer.kind).lower()])


def derived_seed(seed: int, *parts: object) -> int:
    """A seed of 31 bits from a seed and a place: equal for equal arguments, on every machine and Python."""
    digest = hashlib.sha256(repr((seed, *parts)).encode()).digest()
    return int.from_bytes(digest[:4], "big") & 0x7FFFFFFF


def _follow(layers: tuple[Layer, ...], path: Path, x: Any, seed: int | None) -> Any:
    for index, layer in enumerate(layers):
        here = (*path, index)
        own_seed = None if seed is None else derived_seed(seed, here)
        if isinstance(layer, Parallel):
            x = _parallel(layer, here, x, seed)
        elif isinstance(layer, Residual):
            x = _residual(layer, here, x, seed)
        else:
            x = BUILDERS[type(layer)](layer, x, layer_name(here, layer), own_seed)
    return x


def _initializer(name: str, seed: int | None) -> Any:
    made = keras.initializers.get(name)
    return type(made)(seed=seed) if seed is not None and "seed" in made.get_config() else made


def _conv(layer: Conv2D, x: Any, name: str, seed: int | None) -> Any:
    return keras.layers.Conv2D(
        layer.filters,
        layer.kernel_size,
        strides=layer.strides,
        padding=layer.padding,
        dilation_rate=layer.dilation_rate,
        activation=layer.activation,
        use_bias=layer.use_bias,
        kernel_initializer=_initializer(layer.kernel_initializer, seed),
        dtype=DTYPE,
        name=name,
    )(x)


def _pool(layer: MaxPooling2D | AveragePooling2D, x: Any, name: str, _: int | None) -> Any:
    cls = keras.layers.MaxPooling2D if isinstance(layer, MaxPooling2D) else keras.layers.AveragePooling2D
    return cls(layer.pool_size, strides=layer.strides, padding=layer.padding, dtype=DTYPE, name=name)(x)


def _global_max(_layer: Layer, x: Any, name: str, _: int | None) -> Any:
    return keras.layers.GlobalMaxPooling2D(dtype=DTYPE, name=name)(x)


def _global_average(_layer: Layer, x: Any, name: str, _: int | None) -> Any:
    return keras.layers.GlobalAveragePooling2D(dtype=DTYPE, name=name)(x)


def _dense(layer: Dense, x: Any, name: str, seed: int | None) -> Any:
    return keras.layers.Dense(
        layer.units,
        activation=layer.activation,
        use_bias=layer.use_bias,
        kernel_initializer=_initializer(layer.kernel_initializer, seed),
        dtype=DTYPE,
        name=name,
    )(x)


def _flatten(_layer: Flatten, x: Any, name: str, _: int | None) -> Any:
    return keras.layers.Flatten(dtype=DTYPE, name=name)(x)


def _dropout(layer: Dropout, x: Any, name: str, seed: int | None) -> Any:
    return keras.layers.Dropout(layer.rate, seed=seed, dtype=DTYPE, name=name)(x)


def _batch_normalization(layer: BatchNormalization, x: Any, name: str, _: int | None) -> Any:
    made = keras.layers.BatchNormalization(
        momentum=layer.momentum,
        epsilon=layer.epsilon,
        center=layer.center,
        scale=layer.scale,
        dtype=DTYPE,
        name=name,
    )
    BACKEND.quicken(made)
    return made(x)


def _activation(layer: Activation, x: Any, name: str, _: int | None) -> Any:
    return keras.layers.Activation(layer.activation, dtype=DTYPE, name=name)(x)


def _rescaling(layer: Rescaling, x: Any, name: str, _: int | None) -> Any:
    return keras.layers.Rescaling(layer.scale, layer.offset, dtype=DTYPE, name=name)(x)


def _resizing(layer: Resizing, x: Any, name: str, _: int | None) -> Any:
    made = keras.layers.Resizing(layer.height, layer.width, interpolation=layer.interpolation, dtype=DTYPE, name=name)
    # Keras's image layers are in training mode unless told otherwise, and pass that on to the layers after them: a
    # plain `model(images)` would move the statistics of a BatchNormalization. `fit` still overrides this argument.
    return made(x, training=False)


def _repeat(layer: RepeatChannels, x: Any, name: str, _: int | None) -> Any:
    return keras.layers.Concatenate(dtype=DTYPE, name=name)([x] * layer.times)


def _pretrained(layer: Pretrained, x: Any, name: str, seed: int | None) -> Any:
    return pretrained.vgg16(layer, tuple(x.shape[1:]), name, seed)(x)


BUILDERS: dict[type[Layer], Callable[[Any, Any, str, int | None], Any]] = {
    Conv2D: _conv,
    MaxPooling2D: _pool,
    AveragePooling2D: _pool,
    GlobalMaxPooling2D: _global_max,
    GlobalAveragePooling2D: _global_average,
    Dense: _dense,
    Flatten: _flatten,
    Dropout: _dropout,
    BatchNormalization: _batch_normalization,
    Activation: _activation,
    Rescaling: _rescaling,
    Resizing: _resizing,
    RepeatChannels: _repeat,
    Pretrained: _pretrained,
}


def _parallel(layer: Parallel, path: Path, x: Any, seed: int | None) -> Any:
    outputs = [_follow(branch, (*path, "branches", n), x, seed) for n, branch in enumerate(layer.branches)]
    return _MERGES[layer.merge](dtype=DTYPE, name=layer_name(path, layer))(outputs)


def _residual(layer: Residual, path: Path, x: Any, seed: int | None) -> Any:
    name = layer_name(path, layer)
    out = _follow(layer.layers, (*path, "layers"), x, seed)
    shape, wanted = tuple(x.shape[1:]), tuple(out.shape[1:])
    if shape != wanted and layer.shortcut == "projection":
        x = _projection(x, shape, wanted, path, f"{name}_shortcut", seed)
    summed = keras.layers.Add(dtype=DTYPE, name=name if layer.activation == "linear" else f"{name}_sum")([out, x])
    if layer.activation == "linear":
        return summed
    return keras.layers.Activation(layer.activation, dtype=DTYPE, name=name)(summed)


def _projection(
    x: Any, shape: tuple[int, ...], wanted: tuple[int, ...], path: Path, name: str, seed: int | None
) -> Any:
    """The shortcut of a `Residual` whose layers change the shape: a 1x1 convolution, or Dense on a row of values."""
    initializer = _initializer("glorot_uniform", None if seed is None else derived_seed(seed, path, "shortcut"))
    strides = layer_rules.projection_strides(shape, wanted) if len(shape) == len(wanted) else None
    if strides is None:
        raise ArchitectureError(f"Layer {where(path)}: no shortcut leads from {shape} to {wanted}.", path=path)
    if len(wanted) == 1:
        return keras.layers.Dense(wanted[-1], kernel_initializer=initializer, dtype=DTYPE, name=name)(x)
    return keras.layers.Conv2D(
        wanted[-1], 1, strides=strides, padding="same", kernel_initializer=initializer, dtype=DTYPE, name=name
    )(x)

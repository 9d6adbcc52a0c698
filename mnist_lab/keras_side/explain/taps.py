"""Where a network can be listened to: its logits, the layer before them, its last map, every layer's output."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras.ops import convert_to_numpy as to_numpy

from mnist_lab import shapes
from mnist_lab.architecture import Architecture, Path
from mnist_lab.keras_side.build import layer_name
from mnist_lab.layers import Conv2D, Layer, Pretrained

CHUNK = 128
MAP_AXES = 3
FEATURES = ("features",)


@dataclass(frozen=True, slots=True)
class Map:
    """The map that Grad-CAM weighs.

    Attributes:
        layer: Name of the Keras layer that yields it.
        title: The layer in words.
        size: Its height and width.
    """

    layer: str
    title: str
    size: tuple[int, int]


class Taps:
    """A trained network and its inner values.

    Args:
        model: A network that `mnist_lab.keras_side.build.build` made of `architecture`; its last layer is a `Dense` or
            an `Activation` with softmax.
        architecture: Its description.
    """

    def __init__(self, model: keras.Model, architecture: Architecture) -> None:
        self.model = model
        self.architecture = architecture
        analysis = shapes.analyse(architecture)
        # What an image costs, in multiply-adds. Small networks wait for memory rather than for products: a value that
        # is handed on takes as long as about a hundred of them (measured on two cores).
        self.cost = analysis.multiply_adds + 100 * analysis.activation_values
        self._last = model.outputs[0]._keras_history.operation
        # What the last layer works on: for a Dense these are the penultimate features, for an Activation the logits.
        self._before = self._last.input
        self.last_map = _last_map(architecture)
        self._rows = {row.path: row for row in analysis.rows}
        self._features = self._penultimate()
        self._parts: dict[tuple[str, ...], keras.Model] = {}

    def values(self, images: Any, layers: Sequence[str] = ()) -> tuple[list[Any], Any]:
        """What some layers and the last one make of images, as differentiable tensors.

        Args:
            images: float32, shape ``(n, 28, 28, 1)``, 0 to 1.
            layers: Names of Keras layers.

        Returns:
            The output of each of these layers, and the logits, shape ``(n, 10)``.
        """
        key = tuple(layers)
        if key not in self._parts:
            outputs = [self.output_of(self.model.get_layer(name)) for name in key]
            self._parts[key] = keras.Model(self.model.input, [*outputs, self._before])
        *inner, before = _listed(self._parts[key](images, training=False))
        return inner, self._logits(before)

    def logits_after(self, images: Any, layer: str, values: Any) -> Any:
        """The logits where a layer yields these values instead of its own; what by-passes it comes from the images.

        Args:
            images: float32, shape ``(n, 28, 28, 1)``, 0 to 1.
            layer: Name of a Keras layer.
            values: As the layer yields them, for each image.
        """
        key = ("after", layer)
        if key not in self._parts:
            held = self.output_of(self.model.get_layer(layer))
            self._parts[key] = keras.Model([self.model.input, held], self._before)
        return self._logits(self._parts[key]([keras.ops.convert_to_tensor(images), values], training=False))

    def logits(self, images: np.ndarray) -> np.ndarray:
        """The logits for images, float32 of shape ``(n, 28, 28, 1)`` from 0 to 1; float32, shape ``(n, 10)``."""
        parts = [self.values(images[at : at + CHUNK])[1] for at in range(0, len(images), CHUNK)]
        return np.concatenate([to_numpy(part) for part in parts]) if parts else np.zeros((0, 10), np.float32)

    @property
    def width(self) -> int:
        """How many features there are before the last layer."""
        return math.prod(self._features.shape[1:])

    @property
    def features_of(self) -> str:
        """The layer that yields these features, in words."""
        operation = self._features._keras_history.operation
        while isinstance(operation, keras.layers.Dropout):
            operation = operation.input._keras_history.operation
        names = {layer_name(path, row.layer): row.title for path, row in self._rows.items()}
        return names.get(operation.name, operation.name)

    def features(self, images: Any) -> tuple[np.ndarray, np.ndarray]:
        """The features before the last layer.

        Args:
            images: float32, shape ``(n, 28, 28, 1)``, 0 to 1.

        Returns:
            float32, shape ``(n, width)``, and the logits, shape ``(n, 10)``.
        """
        if FEATURES not in self._parts:
            self._parts[FEATURES] = keras.Model(self.model.input, [self._features, self._before])
        features, before = self._parts[FEATURES](images, training=False)
        return to_numpy(features).reshape(len(images), -1), to_numpy(self._logits(before))

    def output_of(self, layer: Any) -> Any:
        """The symbolic output of a layer in this network; for a network within it, `layer.output` is an inner one."""
        nodes = (node for level in self.model._nodes_by_depth.values() for node in level)
        return next(node.outputs[0] for node in nodes if node.operation is layer)

    def name_of(self, path: Path) -> str:
        """The name of the Keras layer at a place of the description."""
        return layer_name(path, self._rows[path].layer)

    def _penultimate(self) -> Any:
        """What the last layer with weights works on; a softmax of its own does not count as a layer here."""
        operation = self._last
        while isinstance(operation, keras.layers.Activation):
            before = operation.input
            operation = before._keras_history.operation
        return operation.input if isinstance(operation, keras.layers.Dense) else before

    def _logits(self, before: Any) -> Any:
        if not isinstance(self._last, keras.layers.Dense):
            return before
        logits = keras.ops.matmul(before, self._last.kernel)
        return logits if self._last.bias is None else logits + self._last.bias


def _listed(outputs: Any) -> list[Any]:
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


def _last_map(architecture: Architecture) -> Map | None:
    """The output of the last convolution; where it stands in a block, of that block, which holds its neighbours too."""
    rows = {row.path: row for row in shapes.analyse(architecture).rows}
    found: tuple[Path, Layer] | None = None
    for path, layer in architecture.walk():
        if isinstance(layer, (Conv2D, Pretrained)):
            found = path, layer
    if found is None:
        return None
    outer = rows[found[0][:1]]
    row = outer if outer.output_shape is not None and len(outer.output_shape) == MAP_AXES else rows[found[0]]
    assert row.output_shape is not None
    return Map(layer_name(row.path, row.layer), row.title, (row.output_shape[0], row.output_shape[1]))

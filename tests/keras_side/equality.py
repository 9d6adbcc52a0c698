"""Whether a Keras model is what `shapes.analyse` says of its architecture."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from mnist_lab.keras_side.build import layer_name
from mnist_lab.layers import Dense, Flatten, Layer, Parallel, RepeatChannels, Residual, Resizing
from mnist_lab.shapes import Analysis

HEAD: tuple[Layer, ...] = (Flatten(), Dense(10, "softmax"))
COLOUR: tuple[Layer, ...] = (RepeatChannels(3), Resizing(32, 32))
# JAX compiles every shape of a weight: of many networks it gets one of so many.
EVERY = 4 if keras.backend.backend() == "jax" else 1


def said_of(model: Any, images: Any) -> Any:
    """What a model makes of images, with a shape and a dtype. JAX, which would compile each anew, only traces it."""
    if keras.backend.backend() != "jax":
        return model(images)
    import jax

    return jax.eval_shape(model, images)


def counts(layers: list[Any]) -> tuple[int, int, int]:
    """Parameters as Keras counts them: all, trainable, not trainable."""
    weights = {id(weight): weight for layer in layers for weight in layer.weights}.values()
    trainable = {id(weight) for layer in layers for weight in layer.trainable_weights}
    learning = sum(int(np.prod(weight.shape)) for weight in weights if id(weight) in trainable)
    total = sum(layer.count_params() for layer in layers)
    return total, learning, total - learning


def assert_equal_to_keras(model: Any, analysis: Analysis) -> None:
    """Every row's shape and counts, and the totals, are those of the Keras model."""
    names = {layer.name for layer in model.layers}
    for row in analysis.rows:
        name = layer_name(row.path, row.layer)
        layer = model.get_layer(name)
        own = [] if isinstance(row.layer, (Parallel, Residual)) else [layer]
        if isinstance(row.layer, Residual) and f"{name}_shortcut" in names:
            own = [model.get_layer(f"{name}_shortcut")]
        assert tuple(layer.output.shape) == (None, *row.output_shape), (row.path, row.layer)
        assert counts(own) == (row.parameters, row.parameters - row.non_trainable, row.non_trainable), row.layer
    assert counts([model]) == (analysis.parameters, analysis.trainable, analysis.non_trainable)

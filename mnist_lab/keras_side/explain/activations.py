"""What each layer makes of an image, and the arithmetic of one of its values."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras.ops import convert_to_numpy as to_numpy

from mnist_lab.errors import InferenceError
from mnist_lab.keras_side.evaluate import as_input
from mnist_lab.keras_side.explain.taps import Taps

MAP_AXES = 3


def activations(taps: Taps, image: np.ndarray, layer: str) -> dict[str, Any]:
    """What a layer makes of an image.

    Args:
        taps: The network.
        image: uint8, shape ``(28, 28)``.
        layer: Name of the Keras layer.

    Returns:
        ``values``: float32, shape ``(height, width, channels)`` or ``(units,)``; ``kernel``: for a convolution its
        weights, shape ``(rows, columns, channels before, filters)``, else None.
    """
    held = _layer(taps, layer)
    (values,), _ = taps.values(as_input(image[np.newaxis]), [layer])
    kernel = to_numpy(held.kernel) if isinstance(held, keras.layers.Conv2D) else None
    return {"values": to_numpy(values)[0], "kernel": kernel}


def arithmetic(taps: Taps, image: np.ndarray, layer: str, unit: tuple[int, ...]) -> dict[str, Any] | None:
    """How one value of a convolution or a dense layer comes about.

    Args:
        taps: The network.
        image: uint8, shape ``(28, 28)``.
        layer: Name of the Keras layer.
        unit: Which value: ``(row, column, channel)`` in a map, ``(unit,)`` in a row of values.

    Returns:
        ``inputs``, ``weights``: float32 of one shape, ``(rows, columns, channels)`` of a convolution, where inputs
        outside the map are 0 and ``inside`` is False there, else ``(n,)``; ``bias``; ``sum``, of all products and the
        bias; ``activation``, its name; ``activated``, what it makes of the sum; ``value``, what the network says.
        None for other layers. An activation over all values of a layer (softmax) takes their sums into account.
    """
    held = _layer(taps, layer)
    if not isinstance(held, (keras.layers.Conv2D, keras.layers.Dense)):
        return None
    source = held.input
    inputs = keras.Model(taps.model.input, [source, held.output])(as_input(image[np.newaxis]), training=False)
    before, after = (to_numpy(each)[0] for each in inputs)
    kernel = to_numpy(held.kernel)[..., unit[-1]]
    inside = np.ones(kernel.shape, bool)
    if isinstance(held, keras.layers.Conv2D):
        before, inside = _patch(held, before, unit)
    elif before.ndim == MAP_AXES:
        before = before[unit[0], unit[1]]
    bias = 0.0 if held.bias is None else float(to_numpy(held.bias)[unit[-1]])
    total = float((before.astype(np.float64) * kernel).sum() + bias)
    name = keras.activations.serialize(held.activation)
    if name == "softmax":
        sums = before.astype(np.float64) @ to_numpy(held.kernel).astype(np.float64)
        sums = sums + (0 if held.bias is None else to_numpy(held.bias))
        activated = float((np.exp(sums - sums.max()) / np.exp(sums - sums.max()).sum())[unit[-1]])
    else:
        activated = float(held.activation(keras.ops.convert_to_tensor([total], "float32"))[0])
    return {
        "inputs": before, "weights": kernel, "inside": inside, "bias": bias, "sum": total,
        "activation": str(name), "activated": activated, "value": float(after[unit]),
    }  # fmt: skip


def _patch(held: keras.layers.Conv2D, before: np.ndarray, unit: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The values of the map before that a convolution's kernel lies on, 0 outside of it."""
    rows, columns = (
        _places(held.kernel_size[axis], held.strides[axis], held.dilation_rate[axis], held.padding,
                before.shape[axis], unit[axis])
        for axis in (0, 1)
    )  # fmt: skip
    inside = np.outer((rows >= 0) & (rows < before.shape[0]), (columns >= 0) & (columns < before.shape[1]))
    at = np.ix_(np.clip(rows, 0, before.shape[0] - 1), np.clip(columns, 0, before.shape[1] - 1))
    patch = np.where(inside[..., np.newaxis], before[at], 0)
    return patch, np.broadcast_to(inside[..., np.newaxis], patch.shape)


def _places(size: int, stride: int, dilation: int, padding: str, before: int, place: int) -> np.ndarray:
    start = place * stride
    if padding == "same":
        span = (size - 1) * dilation + 1
        start -= max(0, (-(-before // stride) - 1) * stride + span - before) // 2
    return start + np.arange(size) * dilation


def _layer(taps: Taps, name: str) -> Any:
    try:
        return taps.model.get_layer(name)
    except ValueError as error:
        raise InferenceError(f"The network has no layer {name!r:.60}.", "Choose another one.") from error

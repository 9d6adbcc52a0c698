"""A network in one line, sizes and layers in turn: ``28×28 → conv 5×5, 32 → 24×24 → pool 2×2 → 12×12 → ...``."""

from __future__ import annotations

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
from mnist_lab.shapes import Analysis, Row

ARROW = " → "


def layer_line(analysis: Analysis) -> str:
    """Draws a network as a line of sizes and layers.

    The size of the maps stands wherever it changes, the number of values where maps become a vector. Activations are
    named only where they are not ReLU, or softmax at the end.

    Args:
        analysis: Of a possible network; what comes after a fault is drawn without sizes.
    """
    rows = [row for row in analysis.rows if len(row.path) == 1]
    if not rows:
        return ""
    last = len(rows) - 1
    inside: dict[tuple[int | str, ...], list[Row]] = {}
    for row in analysis.rows:
        if len(row.path) > 1:
            inside.setdefault(row.path[:-1], []).append(row)
    parts = [_size(rows[0].input_shape)]
    for index, row in enumerate(rows):
        parts.append(_words(row.layer, row, inside, is_last=index == last))
        # A dense layer's size is its number of units, which was just said.
        was_said = index == last or (isinstance(row.layer, Dense) and len(row.output_shape or ()) == 1)
        if not was_said and row.output_shape is not None and _size(row.output_shape) != _size(row.input_shape):
            parts.append(_size(row.output_shape))
    return ARROW.join(part for part in parts if part)


def _size(shape: tuple[int, ...] | None) -> str:
    if not shape:
        return ""
    return f"{shape[0]:,}" if len(shape) == 1 else f"{shape[0]}×{shape[1]}"


def _by(size: tuple[int, int] | None) -> str:
    return "" if size is None else f"{size[0]}×{size[1]}"


def _words(layer: Layer, row: Row, inside: dict[tuple[int | str, ...], list[Row]], *, is_last: bool = False) -> str:
    usual = ("relu", "softmax") if is_last else ("relu",)
    activation = getattr(layer, "activation", None)
    tail = f" {activation}" if activation not in (None, *usual) else ""
    if isinstance(layer, Conv2D):
        same = " same" if layer.padding == "same" else ""
        strides = f" strides {_by(layer.strides)}" if layer.strides != (1, 1) else ""
        return f"conv {_by(layer.kernel_size)}, {layer.filters:,}{same}{strides}{tail}"
    if isinstance(layer, (MaxPooling2D, AveragePooling2D)):
        mean = "average " if isinstance(layer, AveragePooling2D) else ""
        strides = f" strides {_by(layer.strides)}" if layer.strides not in (None, layer.pool_size) else ""
        same = " same" if layer.padding == "same" else ""
        return f"{mean}pool {_by(layer.pool_size)}{strides}{same}"
    if isinstance(layer, Dense):
        return f"dense {layer.units:,}{tail}"
    if isinstance(layer, Dropout):
        return f"dropout {layer.rate:g}"
    if isinstance(layer, (Parallel, Residual)):
        parts = layer.branches if isinstance(layer, Parallel) else (layer.layers,)
        kind = "branches" if isinstance(layer, Parallel) else "layers"
        paths = [
            (*row.path, "branches", number) if isinstance(layer, Parallel) else (*row.path, "layers")
            for number in range(len(parts))
        ]
        inner = [" + ".join(_words(each.layer, each, inside) for each in inside.get(path, [])) for path in paths]
        return f"{kind} ({' | '.join(inner)})"
    if isinstance(layer, Resizing):
        return "resize"
    if isinstance(layer, Rescaling):
        return "rescale"
    if isinstance(layer, RepeatChannels):
        return f"{layer.times} channels"
    if isinstance(layer, Pretrained):
        state = "frozen" if not layer.trainable_layers else f"last {layer.trainable_layers} learn"
        return f"{layer.application} {state}"
    if isinstance(layer, Activation):
        return layer.activation
    plain = {
        Flatten: "flatten",
        BatchNormalization: "batch norm",
        GlobalMaxPooling2D: "global max pool",
        GlobalAveragePooling2D: "global average pool",
    }
    return plain.get(type(layer), layer.kind)

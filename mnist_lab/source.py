"""A network and its training as a Keras script that a person can read, run and change; it needs TensorFlow alone.

`build_model` of the script makes the same network as `keras_side/build.py`, by Keras's own names. Only arguments that
differ from Keras's defaults are written. To add a layer, add its line to `_LAYERS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mnist_lab import fields, layer_rules, shapes, source_text
from mnist_lab.architecture import Architecture, Path
from mnist_lab.layers import Layer, Parallel, Pretrained, RepeatChannels, Residual
from mnist_lab.source_text import call, literal
from mnist_lab.training_config import TrainingConfig

# The arguments of each Keras layer: those written by place, then Keras's defaults for those written by name.
_POOLING: tuple[tuple[str, ...], dict[str, Any]] = (("pool_size",), {"strides": None, "padding": "valid"})
_WEIGHTS: dict[str, Any] = {"activation": "linear", "use_bias": True, "kernel_initializer": "glorot_uniform"}
_LAYERS: Mapping[str, tuple[tuple[str, ...], Mapping[str, Any]]] = {
    "Conv2D": (
        ("filters", "kernel_size"),
        {"strides": (1, 1), "padding": "valid", "dilation_rate": (1, 1), **_WEIGHTS},
    ),
    "MaxPooling2D": _POOLING,
    "AveragePooling2D": _POOLING,
    "GlobalMaxPooling2D": ((), {}),
    "GlobalAveragePooling2D": ((), {}),
    "Dense": (("units",), _WEIGHTS),
    "Flatten": ((), {}),
    "Dropout": (("rate",), {}),
    "BatchNormalization": ((), {"momentum": 0.99, "epsilon": 0.001, "center": True, "scale": True}),
    "Activation": (("activation",), {}),
    "Rescaling": (("scale",), {"offset": 0.0}),
    "Resizing": (("height", "width"), {"interpolation": "bilinear"}),
}

_MERGES = {
    "concatenate": "Concatenate",
    "add": "Add",
    "average": "Average",
    "maximum": "Maximum",
    "multiply": "Multiply",
}

_VGG16 = '''
def vgg16(input_shape, weights="imagenet", trainable_layers=0, name="vgg16"):
    """VGG16 without its dense layers; only the last few of its convolutions learn."""
    model = keras.applications.VGG16(
        include_top=False, weights=weights, input_shape=input_shape, name=name
    )
    convolutions = [layer for layer in model.layers if isinstance(layer, layers.Conv2D)]
    for index, layer in enumerate(convolutions):
        layer.trainable = index >= len(convolutions) - trainable_layers
    return model
'''


def keras_script(architecture: Architecture, training: TrainingConfig, name: str) -> str:
    """Writes a network and its training as a Python script.

    Args:
        architecture: A network that can be built.
        training: How it is trained.
        name: What the script calls it; any text.

    Returns:
        The script, formatted, with ``load_data``, ``build_model``, ``make_optimizer`` and ``main``. Run, it trains the
        network on MNIST, evaluates it and saves it beside itself.

    Raises:
        ArchitectureError: If the network is impossible, with the path of the layer at fault.
    """
    shapes.output_shape(architecture)
    model = _Model(architecture)
    body = model.functional() if model.needs_functional else model.sequential()
    helper = _VGG16 if any(isinstance(layer, Pretrained) for _, layer in architecture.walk()) else ""
    return source_text.script(name, training, helper, body)


@dataclass
class _Model:
    """The body of `build_model` in the making."""

    architecture: Architecture
    lines: list[str] = field(default_factory=list)
    pretrained: int = 0

    def __post_init__(self) -> None:
        self.rows = {row.path: row for row in shapes.analyse(self.architecture).rows}

    @property
    def needs_functional(self) -> bool:
        """Whether something in it is more than one layer after another."""
        return any(type(layer).__name__ not in _LAYERS for layer in self.architecture.layers)

    def sequential(self) -> list[str]:
        """One `keras.Sequential`."""
        self.lines += ["    return keras.Sequential(", "        ["]
        self.lines += [f"            keras.Input({literal(self.architecture.input_shape)}),"]
        for layer in self.architecture.layers:
            self.lines += call("", *_layer_call(layer), indent=12, suffix=",")
        return [*self.lines, "        ]", "    )"]

    def functional(self) -> list[str]:
        """Keras's functional style, with ``x`` as the main line."""
        self.lines.append(f"    inputs = keras.Input({literal(self.architecture.input_shape)})")
        out = self._follow(self.architecture.layers, (), "inputs", "x", 0)
        return [*self.lines, f"    return keras.Model(inputs, {out})"]

    def _follow(self, layers: tuple[Layer, ...], path: Path, source: str, target: str, depth: int) -> str:
        """Writes layers that read `source`; returns the variable that holds their output."""
        for index, layer in enumerate(layers):
            here = (*path, index)
            if isinstance(layer, Parallel):
                self._parallel(layer, here, source, target, depth)
            elif isinstance(layer, Residual):
                self._residual(layer, here, source, target, depth)
            elif isinstance(layer, RepeatChannels):
                self._assign(target, "layers.Concatenate", [], f"[{source}] * {layer.times}")
            elif isinstance(layer, Pretrained):
                self._assign(target, "vgg16", self._vgg16(layer, here), source)
            else:
                self._assign(target, *_layer_call(layer), source)
            source = target
        return source

    def _assign(self, target: str, function: str, arguments: list[str], source: str) -> None:
        self.lines += call(f"{target} = ", function, arguments, indent=4, suffix=f"({source})")

    def _parallel(self, layer: Parallel, path: Path, source: str, target: str, depth: int) -> None:
        prefix = "branch" if target == "x" else target
        ends = [
            self._follow(branch, (*path, "branches", number), source, f"{prefix}_{number + 1}", depth)
            for number, branch in enumerate(layer.branches)
        ]
        self.lines += source_text.call_on_list(f"{target} = ", f"layers.{_MERGES[layer.merge]}()", ends)

    def _residual(self, layer: Residual, path: Path, source: str, target: str, depth: int) -> None:
        shortcut = source
        if source == target and layer.layers:
            shortcut = "shortcut" if depth == 0 else f"shortcut_{depth + 1}"
            self.lines.append(f"    {shortcut} = {source}")
        out = self._follow(layer.layers, (*path, "layers"), source, target, depth + 1)
        row = self.rows[path]
        if row.input_shape != row.output_shape and row.input_shape and row.output_shape:
            projected = shortcut if shortcut != source else f"{target}_shortcut"
            self._assign(projected, *_projection(row.input_shape, row.output_shape), shortcut)
            shortcut = projected
        self.lines.append(f"    {target} = layers.Add()([{out}, {shortcut}])")
        if layer.activation != "linear":
            self._assign(target, "layers.Activation", [literal(layer.activation)], target)

    def _vgg16(self, layer: Pretrained, path: Path) -> list[str]:
        self.pretrained += 1
        arguments = [literal(self.rows[path].input_shape)]
        arguments += ["weights=None"] * (layer.weights == "none")
        arguments += [f"trainable_layers={layer.trainable_layers}"] * (layer.trainable_layers > 0)
        # Keras wants every layer of a model to have a name of its own.
        arguments += [f'name="vgg16_{self.pretrained}"'] * (self.pretrained > 1)
        return arguments


def _layer_call(layer: Layer) -> tuple[str, list[str]]:
    by_place, defaults = _LAYERS[layer.kind]
    values = fields_of(layer)
    arguments = [literal(values[name]) for name in by_place]
    arguments += [f"{name}={literal(values[name])}" for name, default in defaults.items() if values[name] != default]
    return f"layers.{layer.kind}", arguments


def fields_of(instance: Any) -> dict[str, Any]:
    """The declared fields of a layer, an optimizer ... as they are, pairs as tuples."""
    return {name: getattr(instance, name) for name in fields.specs(type(instance))}


def _projection(shape: layer_rules.Shape, wanted: layer_rules.Shape) -> tuple[str, list[str]]:
    """The shortcut of a residual block whose layers change the shape."""
    if len(wanted) == 1:
        return "layers.Dense", [str(wanted[0])]
    strides = layer_rules.projection_strides(shape, wanted) or (1, 1)
    arguments = [str(wanted[-1]), "1"]
    arguments += [f"strides={literal(strides)}"] * (strides != (1, 1))
    return "layers.Conv2D", [*arguments, 'padding="same"']

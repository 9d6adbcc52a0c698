"""What every layer of a network makes and costs, by plain arithmetic: no Keras, microseconds per layer.

Shapes are without the batch. Parameters equal Keras's ``count_params()``. The rule of each layer stands in
`mnist_lab.layer_rules`; here they are followed through a network.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from mnist_lab import formatting
from mnist_lab.architecture import Architecture, Path, where
from mnist_lab.errors import ArchitectureError
from mnist_lab.layer_rules import RULES, Field, Impossible, Inner, Outcome, Shape
from mnist_lab.layers import (
    Activation,
    AveragePooling2D,
    Conv2D,
    Dense,
    Dropout,
    Layer,
    MaxPooling2D,
    Parallel,
    Pretrained,
    RepeatChannels,
    Rescaling,
    Residual,
    Resizing,
)

N_CLASSES = 10


FLOAT_BYTES = 4
# What a layer may have of anything: far beyond every machine, and the sums over a network are still numbers that
# tables and charts can show.
MAX_OF_A_LAYER = 10**15


@dataclass(frozen=True, slots=True)
class Row:
    """One layer of an `Analysis`.

    Attributes:
        path: Where it stands, as in `Architecture.walk`.
        layer: The layer itself.
        input_shape: None where a layer before it is at fault.
        output_shape: None where it, or a layer before it, is at fault.
        parameters: Its own weights; a block's layers have rows of their own, so rows sum to the total.
        activation_values: Numbers that it hands on for one image.
        receptive_field: Height and width in pixels of the input, at most the input itself.
        problem: What is wrong with it and what helps, or None.
    """

    path: Path
    layer: Layer
    input_shape: Shape | None
    output_shape: Shape | None = None
    parameters: int = 0
    non_trainable: int = 0
    arithmetic: str = ""
    multiply_adds: int = 0
    activation_values: int = 0
    receptive_field: tuple[int, int] | None = None
    problem: str | None = None

    def training_bytes(self, batch_size: int, slots: int = 2) -> int:
        """Its part of `Analysis.training_bytes`."""
        weights = self.parameters + (self.parameters - self.non_trainable) * (1 + slots)
        return FLOAT_BYTES * (weights + 2 * batch_size * self.activation_values)

    @property
    def kind(self) -> str:
        """The layer's name in Keras's spelling."""
        return self.layer.kind

    @property
    def title(self) -> str:
        """The layer in one line, as ``"Conv2D 32, 3×3, relu"``."""
        return title(self.layer)


@dataclass(frozen=True, slots=True)
class Analysis:
    """The network seen through: one row a layer, and the totals.

    Attributes:
        rows: Every layer, blocks before what they hold.
        problem: The first thing that makes the network impossible, in words, or None.
        problem_path: The layer at fault; None where the network as a whole is (it has no layers).
    """

    rows: tuple[Row, ...]
    problem: str | None = None
    problem_path: Path | None = None

    @property
    def parameters(self) -> int:
        """All weights."""
        return sum(row.parameters for row in self.rows)

    @property
    def non_trainable(self) -> int:
        """Weights that training leaves alone."""
        return sum(row.non_trainable for row in self.rows)

    @property
    def trainable(self) -> int:
        """Weights that training changes."""
        return self.parameters - self.non_trainable

    @property
    def multiply_adds(self) -> int:
        """Per image, forwards."""
        return sum(row.multiply_adds for row in self.rows)

    @property
    def activation_values(self) -> int:
        """Numbers held for one image while training."""
        return sum(row.activation_values for row in self.rows)

    @property
    def bytes(self) -> int:
        """Size of the weights in memory (float32)."""
        return FLOAT_BYTES * self.parameters

    def training_bytes(self, batch_size: int, slots: int = 2) -> int:
        """Memory that training needs beside the program and the images.

        Weights, their gradients and the optimizer's `slots` copies; each activation and its gradient for a batch.

        Args:
            batch_size: Images per step.
            slots: Numbers that the optimizer keeps per weight (Adam 2, SGD with momentum 1, SGD 0).
        """
        return sum(row.training_bytes(batch_size, slots) for row in self.rows)


def title(layer: Layer) -> str:
    """A layer in one line: its kind and what distinguishes it."""

    def by(size: tuple[int, int]) -> str:
        return f"{size[0]}×{size[1]}"

    if isinstance(layer, Conv2D):
        words = [str(layer.filters), by(layer.kernel_size)]
        words += [f"strides {by(layer.strides)}"] * (layer.strides != (1, 1))
        words += [f"dilated {by(layer.dilation_rate)}"] * (layer.dilation_rate != (1, 1))
        words += ["same"] * (layer.padding == "same") + [layer.activation] * (layer.activation != "linear")
    elif isinstance(layer, (MaxPooling2D, AveragePooling2D)):
        words = [by(layer.pool_size)]
        words += (
            [f"strides {by(layer.strides)}"] * (layer.strides not in (None, layer.pool_size)) if layer.strides else []
        )
        words += ["same"] * (layer.padding == "same")
    elif isinstance(layer, Dense):
        words = [str(layer.units)] + [layer.activation] * (layer.activation != "linear")
    elif isinstance(layer, Dropout):
        words = [f"{layer.rate:g}"]
    elif isinstance(layer, Activation):
        words = [layer.activation]
    elif isinstance(layer, Resizing):
        words = [by((layer.height, layer.width))]
    elif isinstance(layer, Rescaling):
        words = [f"×{layer.scale:g}" + (f" + {layer.offset:g}" if layer.offset else "")]
    elif isinstance(layer, RepeatChannels):
        words = [f"×{layer.times}"]
    elif isinstance(layer, Pretrained):
        words = [layer.application, "frozen" if not layer.trainable_layers else f"last {layer.trainable_layers} learn"]
    elif isinstance(layer, Parallel):
        words = [f"{len(layer.branches)} branches", layer.merge]
    elif isinstance(layer, Residual):
        words = [f"{len(layer.layers)} layers"] + [layer.shortcut] * (layer.shortcut != "identity")
    else:
        words = []
    return " ".join([layer.kind, ", ".join(words)]).strip()


def analyse(architecture: Architecture) -> Analysis:
    """Follows the shapes through a network. Never raises: what is impossible becomes a row's `problem`.

    Args:
        architecture: Any architecture, also one under construction.

    Returns:
        One row per layer; after the first fault the shapes are unknown and the counts are 0.
    """
    rows: list[Row] = []
    whole = architecture.input_shape[0], architecture.input_shape[1]
    if not architecture.layers:
        return Analysis((), "The network has no layers. Add a layer, or start from a preset.", None)
    out, _ = _follow(architecture.layers, (), architecture.input_shape, Field(), whole, rows)
    if out is not None and (fault := _ending(architecture, out)):
        last = next(index for index in reversed(range(len(rows))) if len(rows[index].path) == 1)
        rows[last] = _with_problem(rows[last], fault)
    faulty = next((row for row in rows if row.problem), None)
    if faulty is None:
        return Analysis(tuple(rows))
    return Analysis(tuple(rows), f"Layer {where(faulty.path)} ({faulty.title}): {faulty.problem}", faulty.path)


def output_shape(architecture: Architecture) -> Shape:
    """The output shape of a network.

    Raises:
        ArchitectureError: If the network is impossible, with the path of the layer at fault.
    """
    analysis = analyse(architecture)
    if analysis.problem is not None:
        raise ArchitectureError(analysis.problem, path=analysis.problem_path or ())
    shape = analysis.rows[
        next(i for i in reversed(range(len(analysis.rows))) if len(analysis.rows[i].path) == 1)
    ].output_shape
    assert shape is not None
    return shape


def _with_problem(row: Row, problem: str) -> Row:
    return replace(row, problem=problem)


def _ending(architecture: Architecture, out: Shape) -> str | None:
    last = architecture.layers[-1]
    if len(out) != 1:
        return (
            f"the network ends in a map of {formatting.shape(out)}, but ten probabilities are needed. "
            "Add Flatten (or a global pooling) and then Dense(10, softmax)."
        )
    if out != (N_CLASSES,):
        wanted = f"set its units to {N_CLASSES}" if isinstance(last, Dense) else f"add Dense({N_CLASSES}, softmax)"
        return f"the network ends in {out[0]} values, but there are {N_CLASSES} digits: {wanted}."
    if getattr(last, "activation", None) != "softmax":
        if isinstance(last, (Dense, Activation)):
            return f"its outputs are not probabilities: set its activation to softmax. Received: {last.activation}."
        return "the last layer must be a Dense or an Activation with softmax, so that its outputs are probabilities."
    return None


def _follow(
    layers: tuple[Layer, ...], path: Path, shape: Shape | None, field: Field, whole: tuple[int, int], rows: list[Row]
) -> tuple[Shape | None, Field]:
    for index, layer in enumerate(layers):
        here = (*path, index)
        if shape is None:
            rows.append(Row(here, layer, None))
            _follow_inner(layer, here, None, field, whole, rows)
            continue
        slot = len(rows)
        rows.append(Row(here, layer, shape))
        inner = _follow_inner(layer, here, shape, field, whole, rows)
        if inner is None:
            shape = None
            continue
        try:
            outcome = RULES[type(layer)](layer, shape, field, inner)
            _check_size(outcome)
        except Impossible as fault:
            rows[slot] = _with_problem(rows[slot], str(fault))
            shape = None
            continue
        limit = (
            max(1, math.ceil(min(outcome.field.height, whole[0]))),
            max(1, math.ceil(min(outcome.field.width, whole[1]))),
        )
        rows[slot] = Row(
            here, layer, shape, outcome.shape, outcome.parameters, outcome.non_trainable, outcome.arithmetic,
            outcome.multiply_adds, math.prod(outcome.shape) + outcome.hidden_values, limit,
        )  # fmt: skip
        shape = outcome.shape
        field = outcome.field if len(shape) == 3 else Field(*whole, *whole)
    return shape, field


def _check_size(outcome: Outcome) -> None:
    sizes = {
        "output values": math.prod(outcome.shape),
        "parameters": outcome.parameters,
        "multiply-adds per image": outcome.multiply_adds,
    }
    for what, value in sizes.items():
        if value > MAX_OF_A_LAYER:
            raise Impossible(f"it would have more than 10¹⁵ {what}. Make it, or what is before it, smaller.")


def _follow_inner(
    layer: Layer, path: Path, shape: Shape | None, field: Field, whole: tuple[int, int], rows: list[Row]
) -> Inner | None:
    """The rows of a block's own layers; None if one of them is at fault."""
    if isinstance(layer, Parallel):
        parts = [
            _follow(branch, (*path, "branches", number), shape, field, whole, rows)
            for number, branch in enumerate(layer.branches)
        ]
    elif isinstance(layer, Residual):
        parts = [_follow(layer.layers, (*path, "layers"), shape, field, whole, rows)]
    else:
        return []
    done = [(out, seen) for out, seen in parts if out is not None]
    return done if len(done) == len(parts) else None

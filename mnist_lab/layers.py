"""The layers: frozen dataclasses with Keras's names, each field declared with its range, its words and its widget.

To add a layer: add its dataclass here with `@layer`, its shape rule to `layer_rules.py` and its builder to
`keras_side/build.py`; the contract tests in ``tests/test_layer_contract.py`` then find it by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from mnist_lab import fields
from mnist_lab.errors import ArchitectureError
from mnist_lab.fields import boolean, choice, integer, number, pair

ACTIVATIONS = (
    "linear", "relu", "sigmoid", "tanh", "softmax", "elu", "selu", "gelu", "leaky_relu", "silu", "softplus",
    "softsign", "relu6", "hard_sigmoid", "mish", "exponential",
)  # fmt: skip
INITIALIZERS = (
    "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal", "random_normal",
    "random_uniform", "truncated_normal", "orthogonal", "zeros", "ones",
)  # fmt: skip
PADDINGS = ("valid", "same")
MERGES = ("concatenate", "add", "average", "maximum", "multiply")
SHORTCUTS = ("identity", "projection")
INTERPOLATIONS = ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5", "area")

_PADDING_HELP = (
    "valid: no border is added, so the map shrinks; same: zeros are added, so it keeps its size (at stride 1)."
)
_STRIDES_HELP = "How many pixels the window moves at each step; 2 halves the map."


class Layer:
    """Base of all layers. A layer is immutable; its fields carry Keras's names and are checked when it is made.

    Raises:
        ArchitectureError: If a field is out of its range.
    """

    __slots__ = ()
    if TYPE_CHECKING:
        __dataclass_fields__: ClassVar[dict[str, Any]]
    group: ClassVar[str] = ""
    purpose: ClassVar[str] = ""

    def __post_init__(self) -> None:
        fields.check(self, ArchitectureError)

    @property
    def kind(self) -> str:
        """The name of the layer in Keras's spelling, as ``"Conv2D"``."""
        return type(self).__name__


LAYERS: dict[str, type[Layer]] = {}
C = TypeVar("C", bound=type)


def layer(cls: C) -> C:
    """Class decorator: registers a layer under its name."""
    LAYERS[cls.__name__] = cls
    return cls


@layer
@dataclass(frozen=True, slots=True)
class Conv2D(Layer):
    """Convolution over height and width."""

    group: ClassVar[str] = "Convolution"
    purpose: ClassVar[str] = "looks for small patterns everywhere in the image"
    filters: int = integer(32, "Filters", 1, 65_536, "How many patterns are looked for; the channels of the output.")
    kernel_size: tuple[int, int] = pair((3, 3), "Kernel size", 1, 256, "Height and width of the window.")
    strides: tuple[int, int] = pair((1, 1), "Strides", 1, 64, _STRIDES_HELP)
    padding: str = choice("valid", "Padding", PADDINGS, _PADDING_HELP)
    dilation_rate: tuple[int, int] = pair((1, 1), "Dilation rate", 1, 64, "Gaps between the pixels of the window.")
    activation: str = choice("relu", "Activation", ACTIVATIONS, "The function applied to each output.")
    use_bias: bool = boolean(True, "Bias", "One number per filter, added to its output.")
    kernel_initializer: str = choice("glorot_uniform", "Kernel initializer", INITIALIZERS, "How the weights start.")

    def __post_init__(self) -> None:
        fields.check(self, ArchitectureError)
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ArchitectureError(
                f"Conv2D: strides and dilation_rate cannot both exceed 1. Received: strides={self.strides}, "
                f"dilation_rate={self.dilation_rate}.",
                "Set one of the two to 1.",
            )


@layer
@dataclass(frozen=True, slots=True)
class MaxPooling2D(Layer):
    """Largest value in each window."""

    group: ClassVar[str] = "Pooling"
    purpose: ClassVar[str] = "shrinks the map, keeping the strongest response of each window"
    pool_size: tuple[int, int] = pair((2, 2), "Pool size", 1, 256, "Height and width of the window.")
    strides: tuple[int, int] | None = pair(None, "Strides", 1, 64, "Empty: the same as the pool size.", optional=True)
    padding: str = choice("valid", "Padding", PADDINGS, _PADDING_HELP)


@layer
@dataclass(frozen=True, slots=True)
class AveragePooling2D(Layer):
    """Mean value in each window."""

    group: ClassVar[str] = "Pooling"
    purpose: ClassVar[str] = "shrinks the map, averaging each window"
    pool_size: tuple[int, int] = pair((2, 2), "Pool size", 1, 256, "Height and width of the window.")
    strides: tuple[int, int] | None = pair(None, "Strides", 1, 64, "Empty: the same as the pool size.", optional=True)
    padding: str = choice("valid", "Padding", PADDINGS, _PADDING_HELP)


@layer
@dataclass(frozen=True, slots=True)
class GlobalMaxPooling2D(Layer):
    """Largest value of each channel over the whole map."""

    group: ClassVar[str] = "Pooling"
    purpose: ClassVar[str] = "keeps one number per channel: its strongest response anywhere"


@layer
@dataclass(frozen=True, slots=True)
class GlobalAveragePooling2D(Layer):
    """Mean value of each channel over the whole map."""

    group: ClassVar[str] = "Pooling"
    purpose: ClassVar[str] = "keeps one number per channel: its mean response"


@layer
@dataclass(frozen=True, slots=True)
class Dense(Layer):
    """Fully connected layer over the last axis; before `Flatten` it acts on each pixel's channels."""

    group: ClassVar[str] = "Dense"
    purpose: ClassVar[str] = "combines all its inputs in each of its units"
    units: int = integer(
        128, "Units", 1, 1_000_000_000, "The number of outputs. The last layer needs 10, one per digit."
    )
    activation: str = choice("relu", "Activation", ACTIVATIONS, "softmax makes probabilities of the last ten outputs.")
    use_bias: bool = boolean(True, "Bias", "One number per unit, added to its output.")
    kernel_initializer: str = choice("glorot_uniform", "Kernel initializer", INITIALIZERS, "How the weights start.")


@layer
@dataclass(frozen=True, slots=True)
class Flatten(Layer):
    """All axes into one."""

    group: ClassVar[str] = "Shape"
    purpose: ClassVar[str] = "turns the map into one long row of numbers, for Dense"


@layer
@dataclass(frozen=True, slots=True)
class Dropout(Layer):
    """Sets a random share of its inputs to zero while training."""

    group: ClassVar[str] = "Regularization"
    purpose: ClassVar[str] = "drops a random share of the values while training, against overfitting"
    rate: float = number(0.5, "Rate", 0.0, 1.0, "Share of the values set to zero.", step=0.05, exclusive_high=True)


@layer
@dataclass(frozen=True, slots=True)
class BatchNormalization(Layer):
    """Normalises each channel over the batch."""

    group: ClassVar[str] = "Regularization"
    purpose: ClassVar[str] = "keeps each channel at mean 0 and variance 1, which steadies training"
    momentum: float = number(0.99, "Momentum", 0.0, 1.0, "Memory of the moving mean and variance.", step=0.01)
    epsilon: float = number(0.001, "Epsilon", 1e-12, 1.0, "Added to the variance against division by zero.", step=0.001)
    center: bool = boolean(True, "Center", "Learn an offset per channel (beta).")
    scale: bool = boolean(True, "Scale", "Learn a factor per channel (gamma).")


@layer
@dataclass(frozen=True, slots=True)
class Activation(Layer):
    """An activation function as a layer of its own."""

    group: ClassVar[str] = "Regularization"
    purpose: ClassVar[str] = "applies a function to every value"
    activation: str = choice("relu", "Activation", ACTIVATIONS, "The function.")


@layer
@dataclass(frozen=True, slots=True)
class Rescaling(Layer):
    """``scale * x + offset``; a digit's pixels arrive in [0, 1]."""

    group: ClassVar[str] = "Shape"
    purpose: ClassVar[str] = "multiplies every value by one number and adds another"
    scale: float = number(1.0, "Scale", -1e6, 1e6, "Factor.")
    offset: float = number(0.0, "Offset", -1e6, 1e6, "Summand.")


@layer
@dataclass(frozen=True, slots=True)
class Resizing(Layer):
    """Resizes the map to a given height and width."""

    group: ClassVar[str] = "Shape"
    purpose: ClassVar[str] = "scales the map to another height and width"
    height: int = integer(32, "Height", 1, 1024, "Pixels.")
    width: int = integer(32, "Width", 1, 1024, "Pixels.")
    interpolation: str = choice("bilinear", "Interpolation", INTERPOLATIONS, "How new pixels are computed.")


@layer
@dataclass(frozen=True, slots=True)
class RepeatChannels(Layer):
    """Copies of the channels side by side: one grey channel becomes three equal ones."""

    group: ClassVar[str] = "Shape"
    purpose: ClassVar[str] = "copies the channels, as colour networks want three of them"
    times: int = integer(3, "Times", 1, 64, "How many copies.")


@layer
@dataclass(frozen=True, slots=True)
class Pretrained(Layer):
    """A network trained elsewhere, without its own last layers."""

    group: ClassVar[str] = "Blocks"
    purpose: ClassVar[str] = "starts from a network trained on photographs"
    application: str = choice("VGG16", "Network", ("VGG16",), "From keras.applications.")
    weights: str = choice("imagenet", "Weights", ("imagenet", "none"), "imagenet is downloaded once; none starts anew.")
    trainable_layers: int = integer(0, "Trainable layers", 0, 13, "How many of its last convolutions learn; 0: frozen.")


@layer
@dataclass(frozen=True, slots=True)
class Parallel(Layer):
    """Branches side by side on the same input, merged; an empty branch passes its input on."""

    group: ClassVar[str] = "Blocks"
    purpose: ClassVar[str] = "runs several branches side by side and merges them, as Inception does"
    branches: tuple[tuple[Layer, ...], ...] = ((), ())
    merge: str = choice("concatenate", "Merge", MERGES, "concatenate puts the channels side by side.")

    def __post_init__(self) -> None:
        fields.check(self, ArchitectureError)
        branches = tuple(tuple(branch) for branch in self.branches)
        object.__setattr__(self, "branches", branches)
        if not 1 <= len(branches) <= 16:
            raise ArchitectureError(
                f"Parallel: it needs 1 to 16 branches. Received: {len(branches)}.", "Add or remove branches."
            )
        for branch in branches:
            check_layers(branch, "Parallel: a branch")


@layer
@dataclass(frozen=True, slots=True)
class Residual(Layer):
    """``activation(layers(x) + shortcut(x))``."""

    group: ClassVar[str] = "Blocks"
    purpose: ClassVar[str] = "adds its input to what its layers make of it, as ResNet does"
    layers: tuple[Layer, ...] = ()
    shortcut: str = choice("identity", "Shortcut", SHORTCUTS, "projection: a 1x1 convolution where the shapes differ.")
    activation: str = choice("linear", "Activation", ACTIVATIONS, "Applied to the sum.")

    def __post_init__(self) -> None:
        fields.check(self, ArchitectureError)
        object.__setattr__(self, "layers", tuple(self.layers))
        check_layers(self.layers, "Residual")


def check_layers(layers: tuple[Layer, ...], where: str) -> None:
    """Refuses what is no layer.

    Args:
        layers: What should be layers.
        where: What holds them, for the error.

    Raises:
        ArchitectureError: With the thing at fault.
    """
    for item in layers:
        if not isinstance(item, Layer) or type(item).__name__ not in LAYERS:
            raise ArchitectureError(
                f"{where} holds {item!r}, which is not a layer.", f"Use one of {', '.join(LAYERS)}."
            )

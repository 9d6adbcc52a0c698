"""Shapes, costs and explanations in the app, without Keras. Equality with Keras: `keras_side/test_build.py`."""

from __future__ import annotations

import time
from typing import Any

import pytest

from mnist_lab.architecture import Architecture, Path
from mnist_lab.errors import ArchitectureError
from mnist_lab.layer_rules import projection_strides
from mnist_lab.layers import (
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    Layer,
    MaxPooling2D,
    Parallel,
    Pretrained,
    RepeatChannels,
    Residual,
    Resizing,
)
from mnist_lab.shapes import analyse, output_shape

HEAD: tuple[Layer, ...] = (Flatten(), Dense(10, "softmax"))
SAME: dict[str, Any] = {"padding": "same"}

# What is impossible, where it is said to be, what the message must name, and what it must advise.
IMPOSSIBLE: dict[str, tuple[tuple[Layer, ...], Path | None, tuple[str, ...], str]] = {
    "no layers": ((), None, ("no layers",), "Add a layer"),
    "a kernel larger than its map": (
        (Conv2D(8), MaxPooling2D(4), Conv2D(8, 7), *HEAD), (2,), ("Layer 3", "7×7", "6×6"), "padding same"),
    "a dilated kernel larger than its map": (
        (Conv2D(8, 5, dilation_rate=8), *HEAD), (0,), ("Layer 1", "33×33", "28×28"), "smaller kernel"),
    "a kernel larger one way only": ((Conv2D(8, (1, 29)), *HEAD), (0,), ("1×29",), "smaller kernel"),
    "pooling to nothing": (
        (*[MaxPooling2D()] * 5, *HEAD), (4,), ("Layer 5", "2×2", "1×1"), "less pooling"),
    "seven outputs": ((Flatten(), Dense(7, "softmax")), (1,), ("Layer 2", "7 values", "10 digits"), "units to 10"),
    "a last layer that is not Dense": ((Flatten(),), (0,), ("784 values",), "add Dense(10, softmax)"),
    "an ending in a map": ((Conv2D(8), Dense(10, "softmax")), (1,), ("26 × 26 × 10",), "Add Flatten"),
    "no softmax": ((Flatten(), Dense(10, "relu")), (1,), ("relu", "not probabilities"), "softmax"),
    "dropout after softmax": ((*HEAD, Dropout(0.5)), (2,), ("last layer",), "softmax"),
    "a convolution after Flatten": (
        (Flatten(), Conv2D(4), Dense(10)), (1,), ("Layer 2", "784 values"), "before Flatten"),
    "pooling after global pooling": (
        (GlobalAveragePooling2D(), MaxPooling2D(), *HEAD), (1,), ("pooling needs a map",), "before Flatten"),
    "branches of other sizes": (
        (Parallel(((Conv2D(4),), (Conv2D(4, 5),))), *HEAD), (0,), ("26 × 26 × 4", "24 × 24 × 4"), "padding same"),
    "branches of a map and a row": (
        (Parallel(((Flatten(),), ())), *HEAD), (0,), ("784", "28 × 28 × 1"), "same strides"),
    "adding other channels": (
        (Parallel(((Conv2D(4, **SAME),), ()), "add"), *HEAD), (0,), ("28 × 28 × 4", "28 × 28 × 1"), "concatenate"),
    "adding one branch": ((Parallel(((),), "multiply"), *HEAD), (0,), ("at least two",), "Add a branch"),
    "an identity of other channels": (
        (Residual((Conv2D(4, **SAME),)), *HEAD), (0,), ("28 × 28 × 1", "28 × 28 × 4"), "projection"),
    "a projection to a size without strides": (
        (Residual((Conv2D(4, 3),), "projection"), *HEAD), (0,), ("26 × 26 × 4",), "padding same"),
    "a shortcut past Flatten": ((Residual((Flatten(),), "projection"), *HEAD), (0,), ("row",), "Move Flatten"),
    "a fault inside a branch": (
        (Conv2D(4), Parallel(((), (Conv2D(4, 1), Conv2D(4, 27)))), *HEAD),
        (1, "branches", 1, 1), ("Layer 2, branch 2, layer 2", "27×27", "26×26"), "smaller kernel"),
    "a fault inside a residual": (
        (Residual((MaxPooling2D(30),)), *HEAD), (0, "layers", 0), ("Layer 1, layer 1", "30×30"), "smaller window"),
    "VGG16 on grey": ((Resizing(32, 32), Pretrained(), *HEAD), (1,), ("3 channels",), "RepeatChannels"),
    "VGG16 on a small map": ((RepeatChannels(3), Pretrained(), *HEAD), (1,), ("28×28",), "Resizing"),
    "VGG16 on many channels": (
        (Conv2D(8, **SAME), Resizing(32, 32), Pretrained(), *HEAD), (2,), ("Received: 8",), "Change the layer before"),
}  # fmt: skip


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_an_impossible_network_is_explained_at_the_layer_at_fault(case: str) -> None:
    layers, path, named, advised = IMPOSSIBLE[case]
    analysis = analyse(Architecture(layers))
    assert analysis.problem is not None
    assert analysis.problem_path == path
    for words in (*named, advised):
        assert words in analysis.problem, analysis.problem
    assert [row.path for row in analysis.rows if row.problem] == ([] if path is None else [path])
    assert len(analysis.rows) == sum(1 for _ in Architecture(layers).walk())
    with pytest.raises(ArchitectureError) as caught:
        output_shape(Architecture(layers))
    assert caught.value.path == (path or ())


def test_the_advice_given_is_advice_that_helps() -> None:
    remedied = [
        (Conv2D(8), MaxPooling2D(4), Conv2D(8, 7, **SAME), *HEAD),
        (Flatten(), Dense(784), Dense(10, "softmax")),
        (Conv2D(8), Flatten(), Dense(10, "softmax")),
        (Parallel(((Conv2D(4, **SAME),), (Conv2D(4, 5, **SAME),))), *HEAD),
        (Residual((Conv2D(4, **SAME),), "projection"), *HEAD),
        (RepeatChannels(3), Resizing(32, 32), Pretrained(), *HEAD),
    ]
    for layers in remedied:
        assert analyse(Architecture(layers)).problem is None
        assert output_shape(Architecture(layers)) == (10,)


def test_rows_before_a_fault_keep_their_figures_and_rows_after_it_have_none() -> None:
    rows = analyse(Architecture((Conv2D(8), Conv2D(4, 27), Conv2D(4), *HEAD))).rows
    assert (rows[0].output_shape, rows[0].parameters) == ((26, 26, 8), 80)
    assert (rows[1].input_shape, rows[1].output_shape) == ((26, 26, 8), None)
    assert all(row.input_shape is None and row.output_shape is None and row.parameters == 0 for row in rows[2:])


def test_only_the_first_of_two_faults_is_told() -> None:
    analysis = analyse(Architecture((Conv2D(8, 30), Flatten(), Dense(7))))
    assert analysis.problem_path == (0,)
    assert sum(row.problem is not None for row in analysis.rows) == 1


def test_a_network_under_construction_inside_a_block_ends_at_the_block() -> None:
    analysis = analyse(Architecture((Conv2D(4), Residual((Conv2D(4, 30),)))))
    assert analysis.problem_path == (1, "layers", 0)
    assert analysis.rows[1].output_shape is None


def test_the_arithmetic_of_a_row_evaluates_to_its_parameters() -> None:
    layers = (
        Conv2D(8), Conv2D(6, (3, 5), use_bias=False), BatchNormalization(), BatchNormalization(center=False),
        BatchNormalization(center=False, scale=False), Dense(5), Residual((Conv2D(7, 3, 2, "same"),), "projection"),
        Flatten(), Dense(10, "softmax", use_bias=False),
    )  # fmt: skip
    rows = analyse(Architecture(layers)).rows
    with_weights = [row for row in rows if row.parameters]
    assert len(with_weights) == 9
    for row in with_weights:
        assert eval(row.arithmetic.replace("×", "*")) == row.parameters, row.title


def test_the_network_of_document_000_has_the_parameters_that_keras_printed() -> None:
    layers = (Conv2D(32), Conv2D(64), MaxPooling2D(), Dropout(0.25), Flatten(), Dense(128), Dropout(0.5),
              Dense(10, "softmax"))  # fmt: skip
    analysis = analyse(Architecture(layers))
    assert analysis.parameters == 1_199_882
    assert [row.parameters for row in analysis.rows] == [320, 18_496, 0, 0, 0, 1_179_776, 0, 1_290]
    assert analysis.bytes == 4 * 1_199_882


def test_totals_are_the_sums_of_the_rows() -> None:
    layers = (Conv2D(8), BatchNormalization(), Parallel(((Conv2D(4, 1),), (AveragePooling2D(3, 1, "same"),))), *HEAD)
    analysis = analyse(Architecture(layers))
    assert analysis.non_trainable == 16
    assert analysis.trainable + analysis.non_trainable == analysis.parameters
    assert analysis.multiply_adds == 26 * 26 * (9 * 8 + 8 + 8 * 4) + 26 * 26 * 12 * 10
    assert analysis.activation_values == 26 * 26 * (8 + 8 + 4 + 8 + 12 + 12) + 10


def test_the_memory_of_a_training_is_weights_gradients_slots_and_activations() -> None:
    analysis = analyse(Architecture(HEAD))
    assert analysis.training_bytes(1, 0) == 4 * (7850 * 2) + 8 * (784 + 10)
    assert analysis.training_bytes(128, 2) == 4 * (7850 * 4) + 8 * 128 * (784 + 10)


def test_a_network_of_a_trillion_parameters_is_counted_and_not_built() -> None:
    begin = time.perf_counter()
    analysis = analyse(Architecture((Flatten(), Dense(1_000_000_000), Dense(1000), Dense(10, "softmax"))))
    assert analysis.parameters == 784 * 10**9 + 10**9 + 10**12 + 1000 + 10_010
    assert analysis.problem is None
    assert time.perf_counter() - begin < 1


def test_an_analysis_of_the_largest_network_takes_less_than_a_page_can_spare() -> None:
    layers = (*[Conv2D(4, **SAME)] * 198, *HEAD)
    analyse(Architecture(layers))
    begin = time.perf_counter()
    analyse(Architecture(layers))
    assert time.perf_counter() - begin < 0.05


def test_an_activation_with_softmax_may_close_a_network() -> None:
    assert analyse(Architecture((Flatten(), Dense(10, "linear"), Activation("softmax")))).problem is None


def test_projection_strides_are_those_that_lead_to_the_size() -> None:
    assert projection_strides((28, 28, 3), (14, 28, 8)) == (2, 1)
    assert projection_strides((28, 28, 3), (1, 10, 8)) == (28, 3)
    assert projection_strides((28, 28, 3), (26, 26, 8)) is None
    assert projection_strides((12,), (5,)) == ()


@pytest.mark.parametrize(
    ("layers", "at", "what"),
    [
        ([RepeatChannels(64)] * 199, 7, "output values"),
        ([Flatten(), *[Dense(10**9)] * 100], 3, "parameters"),
        ([Resizing(1024, 1024), Conv2D(65_536, (256, 256), padding="same")], 2, "multiply-adds"),
    ],
)
def test_sizes_beyond_every_machine_are_a_fault_of_the_layer(layers: list[Layer], at: int, what: str) -> None:
    analysis = analyse(Architecture(tuple(layers)))
    assert analysis.problem is not None
    assert analysis.problem.startswith(f"Layer {at} (") and f"more than 10¹⁵ {what}" in analysis.problem
    sums = (analysis.parameters, analysis.multiply_adds, analysis.activation_values)
    assert all(value < 2**63 for value in sums), "tables keep whole numbers in 64 bits"


def test_strides_without_end_keep_the_receptive_field_a_number() -> None:
    strided = [MaxPooling2D((256, 256), (64, 64), "same")] * 190
    analysis = analyse(Architecture((*strided, Resizing(1024, 1024), Conv2D())))
    assert analysis.rows[-1].receptive_field == (28, 28)

"""The Keras model of every layer and of hundreds of networks, against the arithmetic of `mnist_lab.shapes`."""

from __future__ import annotations

import itertools
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras.ops import convert_to_numpy as to_numpy

from mnist_lab import fields
from mnist_lab.architecture import Architecture
from mnist_lab.errors import ArchitectureError, LabError
from mnist_lab.keras_side.backend import BACKEND
from mnist_lab.keras_side.build import BUILDERS, build, connect, derived_seed, layer_name
from mnist_lab.layer_rules import RULES
from mnist_lab.layers import (
    ACTIVATIONS,
    INITIALIZERS,
    INTERPOLATIONS,
    LAYERS,
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
    Layer,
    MaxPooling2D,
    Parallel,
    Pretrained,
    RepeatChannels,
    Rescaling,
    Residual,
    Resizing,
)
from mnist_lab.shapes import analyse
from tests.keras_side.equality import COLOUR, EVERY, HEAD, assert_equal_to_keras, said_of
from tests.random_networks import doubtful, possible

MAP = (15, 17, 3)
ROW = (12,)
SIZES = (1, 2, 3, 5, (3, 5))


# ---------------------------------------------------------------------------------- every layer over its field values


def grid(kind: str) -> list[Layer]:
    """Layers of a kind over the values of their fields: geometry in all combinations, the others one by one."""
    cls: Any = LAYERS[kind]
    if kind == "Conv2D":
        made = [
            cls(4, kernel, strides, padding, dilation, "linear", bias)
            for kernel, padding, bias in itertools.product(SIZES, PADDINGS, (True, False))
            for strides, dilation in ((1, 1), (2, 1), (3, 1), ((1, 2), 1), (1, 2), (1, (1, 3)))
        ]
        made += [cls(filters=n) for n in (1, 33)] + [cls(kernel_size=16), cls(kernel_size=(15, 17))]
    elif kind in ("MaxPooling2D", "AveragePooling2D"):
        made = [cls(*values) for values in itertools.product(SIZES, (None, 1, 2, (3, 1)), PADDINGS)]
        made += [cls(16), cls(16, padding="same"), cls((15, 17))]
    elif kind == "Parallel":
        made = [
            cls(branches, merge)
            for merge in MERGES
            for branches in (
                ((), ()),
                ((Conv2D(3, 3, padding="same"),), ()),
                ((Conv2D(4, 5, padding="same"), BatchNormalization()), (MaxPooling2D(3, 1, "same"), Conv2D(4, 1))),
                ((Conv2D(2, 1, 2, "same"),), (MaxPooling2D(padding="same"), Dense(2)), (AveragePooling2D(2, 2, "same"),
                                                                                       Conv2D(2, 1))),
            )
        ]  # fmt: skip
        made += [cls(((Conv2D(4),),)), cls(((),)), cls(((Parallel(((Conv2D(2, 1),), ())),), ()))]
    elif kind == "Residual":
        made = [
            cls(layers, shortcut, activation)
            for shortcut in SHORTCUTS
            for activation in ("linear", "relu", "gelu")
            for layers in (
                (),
                (Conv2D(3, 3, padding="same"),),
                (BatchNormalization(), Conv2D(8, 1), Conv2D(3, 5, padding="same")),
                (Residual((Conv2D(6, 3, padding="same"),), "projection"), Dense(3)),
            )
        ]
        made += [
            cls((Conv2D(filters, 3, strides, "same"),), "projection", "relu")
            for filters, strides in ((8, 1), (8, 2), (3, (2, 3)), (5, (4, 1)), (3, 9))
        ]
        made += [cls((Conv2D(4, 3, 2, "same"), Conv2D(6, 3, 3, "same")), "projection"), cls((Dense(7),), "projection")]
    elif kind == "RepeatChannels":
        made = [cls(times) for times in (1, 2, 3, 64)]
    elif kind == "Resizing":
        made = [cls(height, width) for height, width in ((1, 1), (32, 32), (15, 17), (7, 40))]
    elif kind == "BatchNormalization":
        made = [
            cls(center=center, scale=scale, momentum=momentum, epsilon=epsilon)
            for center, scale, momentum, epsilon in itertools.product(
                (True, False), (True, False), (0.0, 1.0), (1e-12, 1)
            )
        ]
    elif kind == "Dense":
        made = [cls(units, "linear", bias) for units, bias in itertools.product((1, 10, 300), (True, False))]
    elif kind == "Rescaling":
        made = [cls(scale, offset) for scale, offset in itertools.product((0.0, -1e6, 1 / 255), (0.0, 1e6))]
    elif kind == "Dropout":
        made = [cls(rate) for rate in (0.0, 0.25, 0.999)]
    elif kind == "Pretrained":
        return []  # 14.7 million weights each: their own test, below
    else:
        made = [cls()]
    spread = [
        cls(**{name: value})
        for name, spec in fields.specs(cls).items()
        if spec.kind == "choice" and name != "merge"
        for value in spec.choices
    ]
    return made + spread


@pytest.mark.parametrize("kind", [kind for kind in LAYERS if kind != "Pretrained"])
def test_a_layer_makes_the_shape_and_the_parameters_that_keras_makes(kind: str) -> None:
    variants = grid(kind)
    possible_ones = 0
    for layer in variants:
        network = Architecture((layer,), MAP)
        analysis = analyse(network)
        if analysis.rows[0].output_shape is None:
            with pytest.raises((ValueError, LabError)):
                connect(network)
            continue
        possible_ones += 1
        if getattr(layer, "interpolation", None) in BACKEND.missing_interpolations:
            with pytest.raises(ArchitectureError, match=f"does not resize by {layer.interpolation}"):
                build(Architecture((layer, *HEAD), MAP))
            continue
        model = connect(network)
        assert_equal_to_keras(model, analysis)
        real = said_of(model, np.zeros((2, *MAP), np.float32))
        assert tuple(real.shape) == (2, *analysis.rows[0].output_shape), layer
        assert keras.backend.standardize_dtype(real.dtype) == "float32"
    assert possible_ones == len(variants) if kind not in ("Conv2D", "MaxPooling2D", "AveragePooling2D") else True
    assert possible_ones > 0.9 * len(variants)


@pytest.mark.parametrize("kind", ["Dense", "Dropout", "BatchNormalization", "Activation", "Rescaling", "Flatten"])
def test_a_layer_that_takes_a_row_of_values_makes_of_it_what_keras_makes(kind: str) -> None:
    for layer in grid(kind):
        network = Architecture((Flatten(), Dense(12), layer), (4, 4, 1))
        assert_equal_to_keras(connect(network), analyse(network))


def test_every_layer_kind_has_a_builder_and_a_rule() -> None:
    assert set(RULES) == set(LAYERS.values())
    assert {*BUILDERS, Parallel, Residual} == set(LAYERS.values())


def test_the_grid_holds_every_activation_initializer_and_interpolation() -> None:
    grids = {kind: grid(kind) for kind in LAYERS}
    for kind in ("Conv2D", "Dense"):
        assert {layer.kernel_initializer for layer in grids[kind]} == set(INITIALIZERS)  # type: ignore[attr-defined]
    for kind in ("Conv2D", "Dense", "Activation", "Residual"):
        assert {layer.activation for layer in grids[kind]} == set(ACTIVATIONS)  # type: ignore[attr-defined]
    assert {layer.interpolation for layer in grids["Resizing"]} == set(INTERPOLATIONS)  # type: ignore[attr-defined]


# ------------------------------------------------------------------------------------------------- whole networks


@pytest.mark.parametrize("block", range(8))
def test_random_networks_have_keras_s_shapes_and_parameters(block: int) -> None:
    for seed in range(block * 40, (block + 1) * 40, EVERY):
        network = possible(random.Random(seed))
        analysis = analyse(network)
        assert analysis.problem is None, (seed, analysis.problem)
        assert_equal_to_keras(connect(network), analysis)


def test_the_random_networks_hold_every_kind_and_nesting() -> None:
    walks = [list(possible(random.Random(seed)).walk()) for seed in range(320)]
    assert {layer.kind for walk in walks for _, layer in walk} == set(LAYERS) - {"Pretrained"}
    assert sum(any(len(path) > 4 for path, _ in walk) for walk in walks) >= 20
    assert sum(isinstance(layer, Parallel) for walk in walks for _, layer in walk) >= 100
    assert sum(isinstance(layer, Residual) for walk in walks for _, layer in walk) >= 100
    dense_on_maps = [
        row
        for seed in range(320)
        for row in analyse(possible(random.Random(seed))).rows
        if isinstance(row.layer, Dense) and len(row.input_shape or ()) == 3
    ]
    assert len(dense_on_maps) >= 50


def keras_takes(network: Architecture) -> bool:
    """Whether Keras builds a network, without broadcasting, that ends in ten softmax outputs."""
    try:
        model = connect(network)
    except (ValueError, LabError):
        return False
    arithmetic = (keras.layers.Add, keras.layers.Average, keras.layers.Maximum, keras.layers.Multiply)
    merged = [layer.input for layer in model.layers if isinstance(layer, arithmetic)]
    # Keras would pass a single branch on, and repeat the smaller of two maps; no block here means that.
    if any(not isinstance(inputs, list) or len({tuple(x.shape) for x in inputs}) > 1 for inputs in merged):
        return False
    last = model.output._keras_history.operation
    softmax = getattr(last, "activation", None) is keras.activations.softmax
    return tuple(model.output.shape) == (None, 10) and softmax


def test_a_problem_is_found_exactly_where_keras_fails_or_the_ending_is_not_ten_probabilities() -> None:
    verdicts = []
    for seed in range(0, 240, EVERY):
        network = doubtful(random.Random(seed))
        problem = analyse(network).problem
        taken = keras_takes(network)
        assert (problem is None) == taken, (seed, problem, network)
        verdicts.append(taken)
    assert min(sum(verdicts), len(verdicts) - sum(verdicts)) >= len(verdicts) / 4


def test_an_impossible_network_is_refused_with_the_path_of_the_layer() -> None:
    with pytest.raises(ArchitectureError) as caught:
        build(Architecture((Conv2D(4), Parallel(((Conv2D(4, 27),), ())), *HEAD)))
    assert caught.value.path == (1, "branches", 0, 0)


def test_layer_names_tell_the_place() -> None:
    assert layer_name((0,), Conv2D()) == "l00_conv2d"
    assert layer_name((12,), MaxPooling2D()) == "l12_max_pooling2d"
    assert layer_name((3, "branches", 1, 0), Conv2D()) == "l03_b1_0_conv2d"
    assert layer_name((4, "layers", 2), BatchNormalization()) == "l04_r2_batch_normalization"
    assert layer_name((4, "layers", 0, "branches", 0, 5), Dense()) == "l04_r0_b0_5_dense"


# --------------------------------------------------------------------------------------------- weights and saving

SEEDED = Architecture(
    (
        Conv2D(4, kernel_initializer="he_normal"),
        Parallel(((Conv2D(4, 1, kernel_initializer="orthogonal"),), (Conv2D(4, 1),))),
        Residual((Conv2D(6, 3, 2, "same"), Dropout(0.5)), "projection"),
        *HEAD,
    )
)


def test_one_seed_gives_one_set_of_starting_weights_whatever_was_built_before() -> None:
    first = build(SEEDED, seed=7)
    keras.layers.Dense(3).build((None, 2))
    again = build(SEEDED, seed=7)
    for one, other in zip(first.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    images = np.random.default_rng(0).random((8, 28, 28, 1), np.float32)
    np.testing.assert_array_equal(*(to_numpy(model(images, training=True)) for model in (first, again)))


def test_other_seeds_and_other_places_give_other_weights() -> None:
    model, other = build(SEEDED, seed=7), build(SEEDED, seed=8)
    for layer in model.layers:
        if layer.weights:
            assert not np.array_equal(layer.get_weights()[0], other.get_layer(layer.name).get_weights()[0]), layer.name
    twins = build(Architecture((Conv2D(4), Residual((Conv2D(4, 3, padding="same"), Conv2D(4, 3, padding="same"))),
                                *HEAD)), seed=7)  # fmt: skip
    one, two = (twins.get_layer(f"l01_r{n}_conv2d").get_weights()[0] for n in (0, 1))
    assert not np.array_equal(one, two)


def test_without_a_seed_two_builds_differ() -> None:
    assert not np.array_equal(build(SEEDED).get_weights()[0], build(SEEDED).get_weights()[0])


def test_derived_seeds_are_the_same_on_every_machine() -> None:
    # In a shell: printf '(42, (0,))' | sha256sum | cut -c1-8, without its top bit
    assert derived_seed(42, (0,)) == 801586927
    assert len({derived_seed(42, (n,)) for n in range(1000)}) == 1000


def test_a_saved_model_opens_in_a_process_without_this_package(tmp_path: Path) -> None:
    everything = Architecture(
        (
            Rescaling(2.0, -1.0), RepeatChannels(3), Resizing(20, 20, "bicubic"), Conv2D(4, 3, 1, "same"),
            BatchNormalization(), Activation("mish"), Dropout(0.3), MaxPooling2D(), AveragePooling2D(),
            *(Parallel(((), (Conv2D(4, 1),)), merge) for merge in MERGES if merge != "concatenate"),
            Parallel(((), (Conv2D(4, 1),))), Residual((Conv2D(6, 3, 2, "same"),), "projection", "leaky_relu"), *HEAD,
        )
    )  # fmt: skip
    model = build(everything, seed=1)
    file = tmp_path / "model.keras"
    model.save(file)
    images = np.random.default_rng(0).random((4, 28, 28, 1), np.float32)
    np.save(tmp_path / "images.npy", images)
    script = (
        "import sys, keras, numpy as np; model = keras.models.load_model('model.keras');"
        "np.save('answer.npy', model.predict(np.load('images.npy'), verbose=0)); assert 'mnist_lab' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, capture_output=True, timeout=120)
    np.testing.assert_allclose(np.load(tmp_path / "answer.npy"), to_numpy(model(images)), atol=1e-6)


def test_a_resizing_leaves_a_plain_call_in_inference_and_fit_in_training() -> None:
    # Keras 3.15: layers after a Resizing were in training mode in `model(images)`.
    model = build(Architecture((Resizing(20, 20), BatchNormalization(momentum=0.5), Dropout(0.5), *HEAD)))
    images = 3 + np.random.default_rng(0).random((4, 28, 28, 1), np.float32)
    before = model.get_weights()
    np.testing.assert_allclose(to_numpy(model(images)), model.predict(images, verbose=0), atol=1e-6)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(images, np.arange(4), batch_size=4, verbose=0)
    moving_mean = to_numpy(model.get_layer("l01_batch_normalization").moving_mean)
    assert moving_mean == pytest.approx(0.5 * images.mean(), rel=0.01)
    assert not np.allclose(to_numpy(model(images, training=True)), to_numpy(model(images)), atol=1e-3)


# ----------------------------------------------------------------------------------- receptive fields, multiply-adds


def seen_extent(model: Any, name: str, size: int) -> tuple[int, int]:
    """Height and width of the input pixels that the middle value of a layer depends on, by its gradient."""
    inner = keras.Model(model.input, model.get_layer(name).output)

    def middle(image: Any) -> Any:
        out = inner(image)
        return keras.ops.sum(out[0, out.shape[1] // 2, out.shape[2] // 2])

    gradient = BACKEND.gradient(middle, np.ones((1, size, size, 1), np.float32))
    rows, columns = np.nonzero(gradient[0, :, :, 0])
    return int(rows.max() - rows.min() + 1), int(columns.max() - columns.min() + 1)


def linear(kernel_size: Any, **more: Any) -> Conv2D:
    return Conv2D(2, kernel_size, activation="linear", kernel_initializer="ones", **more)


@pytest.mark.parametrize(
    "layers",
    [
        (linear(3), linear(3), linear(5)),
        (linear((3, 5)), AveragePooling2D(2), linear(3), AveragePooling2D(2), linear(3)),
        (linear(5, strides=2), linear(3, strides=(1, 2)), linear(3)),
        (linear(3, dilation_rate=2), linear(3, dilation_rate=(4, 1)), linear(1)),
        (linear(3, padding="same"), AveragePooling2D(3, 2), linear(3, padding="same")),
        (linear(3), Parallel(((linear(1),), (linear(5, padding="same"),), ())), linear(3)),
        (linear(3), Residual((linear(3, padding="same"), linear(3, padding="same"))), AveragePooling2D(2), linear(2)),
    ],
    ids=["plain", "pooled", "strided", "dilated", "same", "parallel", "residual"],
)
def test_the_receptive_field_is_what_the_gradient_of_an_all_ones_network_reaches(layers: tuple[Layer, ...]) -> None:
    network = Architecture(layers, (64, 64, 1))
    model = connect(network)
    for row in analyse(network).rows:
        assert row.receptive_field == seen_extent(model, layer_name(row.path, row.layer), 64), row.title


def test_a_receptive_field_is_never_larger_than_the_image() -> None:
    network = Architecture((Conv2D(2, 20, padding="same"), Conv2D(2, 20, padding="same"), *HEAD))
    assert [row.receptive_field for row in analyse(network).rows] == [(20, 20), (28, 28), (28, 28), (28, 28)]


def test_lenet_5_costs_what_one_counts_by_hand() -> None:
    lenet = Architecture(
        (
            Conv2D(6, 5, padding="same", activation="tanh"), AveragePooling2D(), Conv2D(16, 5, activation="tanh"),
            AveragePooling2D(), Flatten(), Dense(120, "tanh"), Dense(84, "tanh"), Dense(10, "softmax"),
        )
    )  # fmt: skip
    analysis = analyse(lenet)
    by_hand = [28 * 28 * 6 * 25, 0, 10 * 10 * 16 * 25 * 6, 0, 0, 400 * 120, 120 * 84, 84 * 10]
    assert [row.multiply_adds for row in analysis.rows] == by_hand
    assert analysis.parameters == 61_706  # 156 + 2,416 + 48,120 + 10,164 + 850


def profiled(model: Any) -> int:
    """Multiply-adds of a model's convolutions and matrix products for one image, by TensorFlow's profiler."""
    import tensorflow as tf

    function = tf.function(model).get_concrete_function(tf.TensorSpec((1, *model.input.shape[1:]), tf.float32))
    options = tf.compat.v1.profiler.ProfileOptionBuilder(tf.compat.v1.profiler.ProfileOptionBuilder.float_operation())
    chosen = options.with_empty_output().build()
    nodes = tf.compat.v1.profiler.profile(function.graph, options=chosen, cmd="op").children
    found: dict[str, int] = {}
    while nodes:
        for node in nodes:
            found[node.name] = node.float_ops
        nodes = [child for node in nodes for child in node.children]
    return (found.get("Conv2D", 0) + found.get("MatMul", 0)) // 2


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="counts with TensorFlow's own profiler")
@pytest.mark.parametrize(
    "layers",
    [
        (Conv2D(8), MaxPooling2D(), Conv2D(16, 3, 2), *HEAD),
        (Conv2D(8, (3, 5), padding="same"), Parallel(((Conv2D(4, 1),), (Conv2D(4, 5, padding="same"),), ())), *HEAD),
        (Conv2D(8, 3, use_bias=False), Residual((Conv2D(12, 3, 2, "same"),), "projection"), Dense(16), *HEAD),
        (*COLOUR, Pretrained(weights="none"), *HEAD),
    ],
    ids=["plain", "parallel", "residual", "vgg16"],
)
def test_multiply_adds_are_half_of_the_operations_that_tensorflow_counts(layers: tuple[Layer, ...]) -> None:
    network = Architecture(layers)
    assert analyse(network).multiply_adds == profiled(build(network))

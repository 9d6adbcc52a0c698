"""What is asked of Keras's backend, whichever it is, against finite differences, `predict`, and a GPU that is none."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from mnist_lab.architecture import Architecture
from mnist_lab.keras_side import backend
from mnist_lab.keras_side.backend import BACKEND
from mnist_lab.keras_side.build import build
from mnist_lab.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten
from tests.keras_side.trainings import out_of_memory

NETWORK = Architecture((Conv2D(3), BatchNormalization(), Dropout(0.5), Flatten(), Dense(10, "softmax")))


def test_the_backend_is_the_one_that_keras_runs_on() -> None:
    assert BACKEND.title == {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}[keras.backend.backend()]


def test_a_gradient_is_that_of_finite_differences() -> None:
    rng = np.random.default_rng(0)
    point, weights = rng.normal(size=(3, 4)).astype(np.float32), rng.normal(size=(4, 2)).astype(np.float32)

    def function(x: Any) -> Any:
        return keras.ops.sum(keras.ops.tanh(keras.ops.matmul(x, weights)) ** 2)

    found = BACKEND.gradient(function, point)
    for place in np.ndindex(*point.shape):
        step = np.zeros_like(point)
        step[place] = 1e-2
        up, down = (float(np.sum(np.tanh(x.astype(float) @ weights) ** 2)) for x in (point + step, point - step))
        assert found[place] == pytest.approx((up - down) / 2e-2, abs=1e-3)


def test_what_a_function_does_not_depend_on_has_no_gradient() -> None:
    variable = keras.Variable(np.ones(2, np.float32))
    found = BACKEND.gradient(lambda _: keras.ops.sum(variable * 2.0), np.ones((2, 3), np.float32))
    np.testing.assert_array_equal(found, np.zeros((2, 3)))


@pytest.mark.parametrize("count", [1, 7])
def test_a_compiled_network_says_what_predict_says_and_learns_nothing(count: int) -> None:
    model = build(NETWORK, seed=3)
    images = np.random.default_rng(1).random((count, 28, 28, 1), np.float32)
    before = model.get_weights()
    ask = BACKEND.compiled(model)
    np.testing.assert_allclose(ask(images), model.predict(images, verbose=0), atol=1e-5)
    np.testing.assert_array_equal(ask(images), ask(images))
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(("center", "scale"), [(True, True), (False, True), (True, False), (False, False)])
@pytest.mark.parametrize("is_flat", [False, True])
def test_a_quickened_layer_learns_what_keras_own_learns(center: bool, scale: bool, is_flat: bool) -> None:
    normalised = BatchNormalization(momentum=0.9, epsilon=0.01, center=center, scale=scale)
    layers = (Flatten(), normalised) if is_flat else (Conv2D(4), normalised, Flatten())
    ours = build(Architecture((*layers, Dense(10, "softmax"))), seed=3)
    own = keras.models.clone_model(ours)  # made of Keras's classes, from their settings
    own.set_weights(ours.get_weights())
    rng = np.random.default_rng(2)
    x, y = rng.random((6, 28, 28, 1), np.float32), np.arange(6)
    for model in (ours, own):
        model.compile(optimizer=keras.optimizers.SGD(0.1), loss="sparse_categorical_crossentropy", jit_compile=False)
        before = model.get_weights()
        for _ in range(3):
            model.train_on_batch(x, y)
        assert all((was != now).any() for was, now in zip(before, model.get_weights(), strict=True) if was.ndim > 1)
    for one, other in zip(ours.get_weights(), own.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=2e-5)
    np.testing.assert_allclose(ours.predict(x, verbose=0), own.predict(x, verbose=0), atol=1e-4)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="Only TensorFlow's is not quick by itself.")
def test_maps_are_normalised_by_one_kernel_and_only_where_they_are_learnt_from() -> None:
    import tensorflow as tf

    model = build(Architecture((Conv2D(4), BatchNormalization(), Flatten(), Dense(10, "softmax"))), seed=3)

    def kernels(training: bool) -> set[str]:
        graph = tf.function(lambda x: model(x, training=training)).get_concrete_function(tf.zeros((2, 28, 28, 1))).graph
        return {operation.type for operation in graph.get_operations()}

    assert "FusedBatchNormV3" in kernels(True)
    assert "FusedBatchNormV3" not in kernels(False)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="Only TensorFlow's are not quick by themselves.")
@pytest.mark.parametrize(
    ("optimizer", "kernel"),
    [
        (keras.optimizers.Adam(), "ResourceApplyAdam"),
        (keras.optimizers.AdamW(), "ResourceApplyAdam"),
        (keras.optimizers.Adadelta(), "ResourceApplyAdadelta"),
        (keras.optimizers.Adam(amsgrad=True), None),
    ],
)
def test_a_quickened_optimizer_changes_each_variable_by_one_kernel(optimizer: Any, kernel: str | None) -> None:
    import tensorflow as tf

    weights = [keras.Variable(np.ones(3, np.float32)) for _ in range(2)]
    optimizer.build(weights)
    BACKEND.quicken(optimizer)
    step = tf.function(lambda: optimizer.apply([tf.ones(3)] * 2, weights)).get_concrete_function()
    used = [operation.type for operation in step.graph.get_operations() if operation.type.startswith("ResourceApply")]
    assert used == ([kernel] * 2 if kernel else [])


def test_only_what_says_so_is_memory_that_ran_out() -> None:
    assert BACKEND.ran_out_of_memory(out_of_memory("no room"))
    assert not BACKEND.ran_out_of_memory(RuntimeError("something else"))


# ------------------------------------------------------------------------------------------------------------ devices


def other_backend(monkeypatch: pytest.MonkeyPatch, gpu: str | None) -> backend.Backend:
    """A backend that believes in a GPU, which is this machine's processor."""
    made = type(BACKEND)()
    monkeypatch.setattr(made, "share_gpu_memory", lambda most: None)
    monkeypatch.setattr(made, "gpu_name", lambda: gpu)
    return made


def test_without_a_gpu_the_processor_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    made = other_backend(monkeypatch, None)
    made.take_gpu()
    assert made.device_name().startswith("CPU, ")
    assert (BACKEND.title in made.device_name()) == (keras.backend.backend() != "tensorflow")


def test_a_gpu_that_works_is_named_and_used(monkeypatch: pytest.MonkeyPatch) -> None:
    made = other_backend(monkeypatch, "Tesla X1")
    made.take_gpu()
    assert made.device_name().startswith("Tesla X1")
    assert "CPU" not in made.device_name()


def test_a_gpu_that_fails_leaves_the_training_to_the_processor_and_says_why(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made = other_backend(monkeypatch, "Tesla X1")

    def fails(*_: Any) -> Any:
        raise RuntimeError("no kernel image for this device\nat line 3" + "x" * 500)

    monkeypatch.setattr(made, "gradient", fails)
    made.take_gpu()
    name = made.device_name()
    assert name.startswith("CPU, ")
    assert name.endswith("as the GPU (Tesla X1) fails: RuntimeError: no kernel image for this device")
    assert "no kernel image" in caplog.text
    with made.device():
        model = build(NETWORK, seed=0)
        assert np.isfinite(model.predict(np.zeros((2, 28, 28, 1), np.float32), verbose=0)).all()


@pytest.mark.parametrize("question", ["share_gpu_memory", "gpu_name"])
def test_a_gpu_that_does_not_even_give_its_name_leaves_the_training_to_the_processor(
    monkeypatch: pytest.MonkeyPatch, question: str
) -> None:
    made = other_backend(monkeypatch, "Tesla X1")

    def fails(*_: Any) -> Any:
        raise RuntimeError("driver is not there")

    monkeypatch.setattr(made, question, fails)
    made.take_gpu()
    assert made.device_name().endswith("as the GPU fails: RuntimeError: driver is not there")

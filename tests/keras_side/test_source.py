"""The exported script, run: the network it builds and the optimizer it makes are those of the lab."""

from __future__ import annotations

import ast
import linecache
import random
import sys
import types
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest

from mnist_lab.architecture import Architecture
from mnist_lab.keras_side.backend import BACKEND
from mnist_lab.keras_side.build import build, connect
from mnist_lab.keras_side.optimizers import make_optimizer
from mnist_lab.layers import (
    BatchNormalization,
    Conv2D,
    Dense,
    Flatten,
    Layer,
    Parallel,
    Pretrained,
    RepeatChannels,
    Residual,
    Resizing,
)
from mnist_lab.optimizers import OPTIMIZERS
from mnist_lab.shapes import analyse
from mnist_lab.source import keras_script
from mnist_lab.studies import Preset, preset, presets
from mnist_lab.training_config import (
    Augmentation,
    Constant,
    CosineDecay,
    EarlyStopping,
    ExponentialDecay,
    OneCycle,
    ReduceLROnPlateau,
    Schedule,
    StepDecay,
    TrainingConfig,
)
from tests.keras_side.equality import EVERY
from tests.random_networks import possible

HEAD: tuple[Layer, ...] = (Flatten(), Dense(10, "softmax"))
SMALL = Architecture((Conv2D(2, 5, 3), *HEAD))


@pytest.fixture(autouse=True)
def _forget_models() -> Iterator[None]:
    yield
    keras.backend.clear_session()


def run(architecture: Architecture, training: TrainingConfig | None = None) -> dict[str, Any]:
    """What the script defines; it trains only when its `main` is called."""
    text = keras_script(architecture, training or TrainingConfig(), "exported")
    # AutoGraph looks for the module and the source of what it runs.
    linecache.cache["<exported>"] = (len(text), None, text.splitlines(keepends=True), "<exported>")
    module = sys.modules["exported"] = types.ModuleType("exported")
    exec(compile(text, "<exported>", "exec"), vars(module))
    return vars(module)


def assert_same_network(architecture: Architecture) -> None:
    model, ours, analysis = run(architecture)["build_model"](), connect(architecture), analyse(architecture)
    assert model.count_params() == analysis.parameters
    assert sum(int(np.prod(weight.shape)) for weight in model.trainable_weights) == analysis.trainable
    assert sorted(tuple(w.shape) for w in model.weights) == sorted(tuple(w.shape) for w in ours.weights)


@pytest.mark.parametrize(
    "entry", [entry for entry in presets().values() if entry.parameters < 10_000_000], ids=lambda entry: entry.name
)
def test_every_preset_is_built_with_the_same_parameters(entry: Preset) -> None:
    assert_same_network(entry.architecture)


@pytest.mark.parametrize(
    "layers",
    [
        (Residual((Conv2D(6, 3, 2, "same"), BatchNormalization()), "projection", "relu"),),
        (Conv2D(3), Residual((Residual((Conv2D(3, padding="same"),)), Conv2D(5, 3, padding="same")), "projection")),
        (Conv2D(3), Residual(()), Residual((Parallel(((Conv2D(3, 1),), ()), "add"),), "identity", "tanh")),
        (Parallel(((), (Residual((Conv2D(4, 1),), "projection"),), (Parallel(((), (Conv2D(2, 1),))),))),),
        (Flatten(), Dense(8), Residual((Dense(6), Dense(5)), "projection", "gelu")),
        (Resizing(32, 32), RepeatChannels(3), Pretrained(weights="none", trainable_layers=2)),
        (Resizing(32, 32), RepeatChannels(3), Parallel(tuple([(Pretrained(weights="none"),)] * 2))),
    ],
)  # fmt: skip
def test_blocks_are_built_with_the_same_parameters(layers: tuple[Layer, ...]) -> None:
    assert_same_network(Architecture((*layers, *HEAD)))


def test_random_networks_are_built_with_the_same_parameters() -> None:
    chance = random.Random(11)
    for _ in range(60 // EVERY):
        assert_same_network(possible(chance))


def test_the_script_computes_what_the_lab_computes() -> None:
    chance, images = random.Random(3), np.random.default_rng(3).random((4, 28, 28, 1), np.float32)
    drawn = (possible(chance) for _ in range(15 // EVERY))
    networks = [
        preset("starter").architecture,
        *(
            each
            for each in drawn
            if not any(
                getattr(layer, "interpolation", None) in BACKEND.missing_interpolations for _, layer in each.walk()
            )
        ),
    ]
    for network in networks:
        model, ours = run(network)["build_model"](), build(network, seed=1)
        # The same weights in both: they are made in another order where branches are, so by shape first.
        if [w.shape for w in model.weights] != [w.shape for w in ours.weights]:
            continue
        model.set_weights(ours.get_weights())
        one, other = (keras.ops.convert_to_numpy(each(images, training=False)) for each in (model, ours))
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_every_optimizer_has_the_settings_of_the_lab(kind: str) -> None:
    for optimizer in (OPTIMIZERS[kind](), OPTIMIZERS[kind](learning_rate=0.02)):
        training = TrainingConfig(optimizer=optimizer)
        written = run(SMALL, training)["make_optimizer"]().get_config()
        ours = make_optimizer(training, 10).get_config()
        assert {**written, "name": ""} == {**ours, "name": ""}


def test_settings_other_than_the_default_reach_the_optimizer() -> None:
    optimizer = OPTIMIZERS["SGD"](learning_rate=0.1, momentum=0.9, nesterov=True)  # type: ignore[call-arg]
    written = run(SMALL, TrainingConfig(optimizer=optimizer))["make_optimizer"]().get_config()
    assert (written["momentum"], written["nesterov"]) == (0.9, True)


@pytest.mark.parametrize(
    "schedule",
    [
        Constant(), ExponentialDecay(0.8), CosineDecay(), CosineDecay(0.1, 1.5), OneCycle(), OneCycle(0.1, 10.0, 50.0),
        StepDecay(0.3, 2), ReduceLROnPlateau(),
    ],
    ids=repr,
)  # fmt: skip
def test_every_schedule_gives_the_rate_of_the_lab_at_every_step(schedule: Schedule) -> None:
    training = TrainingConfig(epochs=4, schedule=schedule)
    make = run(SMALL, training)["make_optimizer"]
    written = make() if isinstance(schedule, (Constant, ReduceLROnPlateau)) else make(25)
    ours = make_optimizer(training, 25)
    for step in (0, 1, 10, 24, 25, 37, 50, 99, 100):
        written.iterations.assign(step)
        ours.iterations.assign(step)
        assert float(written.learning_rate) == pytest.approx(float(ours.learning_rate), rel=1e-5)


# Keras's own EarlyStopping reads its variables in a way that NumPy 2 calls old.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_main_trains_evaluates_and_saves(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = np.random.default_rng(0)
    images = chance.integers(0, 256, (300, 28, 28), np.uint8), chance.integers(0, 10, 300).astype(np.uint8)
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: (images, images))
    monkeypatch.chdir(tmp_path)
    training = replace(
        preset("starter").training,
        split="test-as-validation",
        epochs=2,
        limit=200,
        early_stopping=EarlyStopping(),
        keep_checkpoints=True,
        augmentation=Augmentation(10.0, 0.1, 0.1, 10.0),
    )
    run(SMALL, training)["main"]()
    assert "Test: accuracy" in capsys.readouterr().out
    assert (tmp_path / "exported.keras").is_file() and (tmp_path / "exported-002.keras").is_file()


def test_a_script_without_a_test_at_its_end_never_looks_at_the_test_images(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = np.random.default_rng(0)
    images = chance.integers(0, 256, (300, 28, 28), np.uint8), chance.integers(0, 10, 300).astype(np.uint8)
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: (images, images))
    monkeypatch.chdir(tmp_path)
    script = run(SMALL, TrainingConfig(epochs=1, limit=200, test_at_end=False))
    (x_train, y_train), validation, _ = script["load_data"]()
    script["main"].__globals__["load_data"] = lambda: ((x_train, y_train), validation, (None, None))
    script["main"]()
    assert "Validation: accuracy" in capsys.readouterr().out
    assert (tmp_path / "exported.keras").is_file()


@pytest.mark.parametrize("split", ["holdout", "pooled-80-10-10"])
def test_the_script_splits_mnist_into_the_sizes_of_the_lab(split: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def some(count: int) -> tuple[Any, Any]:
        return np.zeros((count, 28, 28), np.uint8), np.arange(count)

    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: (some(60_000), some(10_000)))
    sizes = [len(part[0]) for part in run(SMALL, TrainingConfig(split=split))["load_data"]()]
    assert sizes == ([55_000, 5_000, 10_000] if split == "holdout" else [56_000, 7_000, 7_000])


def test_the_script_is_valid_python_of_311() -> None:
    ast.parse(keras_script(SMALL, TrainingConfig(), "x"), feature_version=(3, 11))

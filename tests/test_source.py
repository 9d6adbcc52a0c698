"""The exported script as text. That it builds the same network is tested with Keras, in keras_side/test_source.py."""

from __future__ import annotations

import ast
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mnist_lab.architecture import Architecture
from mnist_lab.errors import ArchitectureError
from mnist_lab.layers import (
    LAYERS,
    Conv2D,
    Dense,
    Flatten,
    Layer,
    MaxPooling2D,
    Parallel,
    Pretrained,
    RepeatChannels,
    Residual,
    Resizing,
)
from mnist_lab.source import keras_script
from mnist_lab.studies import Preset, preset, presets
from mnist_lab.training_config import (
    SCHEDULES,
    SPLITS,
    Augmentation,
    EarlyStopping,
    FineTuning,
    ReduceLROnPlateau,
    TrainingConfig,
)
from tests.random_networks import possible

HEAD: tuple[Layer, ...] = (Flatten(), Dense(10, "softmax"))
PLAIN = Architecture((Conv2D(), *HEAD))
BLOCKS = Architecture(
    (
        Conv2D(8, padding="same"),
        Residual((Conv2D(16, 3, 2, "same"), Residual((Conv2D(16, padding="same"),))), "projection", "relu"),
        Parallel(((), (Conv2D(4, 1),), (Parallel(((Conv2D(4, 1),), ())),), tuple([Conv2D(4, 1)] * 3))),
        *HEAD,
    )
)


def test_every_kind_of_layer_can_be_written() -> None:
    samples = {
        "Dense": (Flatten(), Dense(7)),
        "Pretrained": (Resizing(32, 32), RepeatChannels(3), Pretrained(weights="none")),
        "Residual": (Residual((Conv2D(1, padding="same"),)),),
        "Parallel": (Parallel(((Conv2D(padding="same"),), ())),),
    }
    for kind in LAYERS:
        body = samples.get(kind, (LAYERS[kind](),))
        ends = () if kind.startswith("Global") else (Flatten(),)
        text = keras_script(Architecture((*body, *ends, Dense(10, "softmax"))), TrainingConfig(), kind)
        compile(text, kind, "exec")


@pytest.mark.parametrize("entry", presets().values(), ids=list(presets()))
def test_the_script_of_every_preset_compiles_and_needs_nothing_of_ours(entry: Preset) -> None:
    text = keras_script(entry.architecture, entry.training, entry.title)
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    assert imported <= {"keras", "math", "numpy", "tensorflow"}


def all_scripts() -> dict[str, str]:
    scripts = {
        entry.name: keras_script(entry.architecture, entry.training, entry.title) for entry in presets().values()
    }
    for name, schedule in SCHEDULES.items():
        scripts[name] = keras_script(PLAIN, TrainingConfig(schedule=schedule()), name)
    for split in SPLITS:
        training = TrainingConfig(
            split=split,
            limit=1000,
            label_smoothing=0.1,
            keep_checkpoints=True,
            dataset="digits",
            early_stopping=EarlyStopping(),
            schedule=ReduceLROnPlateau(),
            augmentation=Augmentation(5.0, 0.1, 0.1, 5.0),
        )
        scripts[split] = keras_script(BLOCKS, training, split)
    scripts["without test"] = keras_script(PLAIN, TrainingConfig(label_smoothing=0.1, test_at_end=False), "x")
    scripts["fine-tuned"] = keras_script(PLAIN, TrainingConfig(fine_tuning=FineTuning("a" * 32, "Anna")), "x")
    scripts["many branches"] = keras_script(
        Architecture((Parallel(tuple([(Conv2D(1, 1),)] * 16)), *HEAD)), TrainingConfig(), "x"
    )
    return scripts


def test_scripts_are_formatted_as_black_would(tmp_path: Path) -> None:
    ruff = shutil.which("ruff") or str(Path(sys.executable).with_name("ruff"))
    if not Path(ruff).exists():
        pytest.skip("ruff is not installed")
    for number, text in enumerate(all_scripts().values()):
        (tmp_path / f"script_{number}.py").write_text(text)
    done = subprocess.run(
        [ruff, "format", "--isolated", "--diff", "."], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout == ""
    linted = subprocess.run(
        [ruff, "check", "--isolated", "--select", "E,F,W,I,B", "--ignore", "E501", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert linted.returncode == 0, linted.stdout


def test_random_networks_give_scripts_that_compile() -> None:
    chance = random.Random(5)
    for _ in range(100):
        compile(keras_script(possible(chance), TrainingConfig(), "random"), "random", "exec")


def test_only_arguments_that_differ_from_the_defaults_of_keras_are_written() -> None:
    network = Architecture((Conv2D(8, 5, activation="linear"), MaxPooling2D(), Conv2D(8, 3, use_bias=False), *HEAD))
    text = keras_script(network, TrainingConfig(), "x")
    assert "layers.Conv2D(8, 5)," in text
    assert "layers.MaxPooling2D(2)," in text
    assert 'layers.Conv2D(8, 3, activation="relu", use_bias=False),' in text
    assert "keras.optimizers.Adam(learning_rate=0.001)" in text


def test_a_chain_of_layers_is_sequential_and_blocks_are_functional() -> None:
    assert "keras.Sequential(" in keras_script(preset("lenet-5").architecture, TrainingConfig(), "x")
    inception = keras_script(preset("004-model-10").architecture, TrainingConfig(), "x")
    assert "keras.Sequential(" not in inception and "keras.Model(inputs, x)" in inception


@pytest.mark.parametrize(
    "name", ['"""; raise SystemExit', "a\\", "line\nbreak", "", "§ λ 数字", "../../x", "'''", "x" * 500]
)
def test_no_name_can_break_the_script(name: str) -> None:
    tree = ast.parse(keras_script(PLAIN, TrainingConfig(), name))
    assert [type(node).__name__ for node in tree.body[:3]] == ["Expr", "Import", "ImportFrom"]
    saved = [n.args[0] for n in ast.walk(tree) if isinstance(n, ast.Call) and ast.unparse(n.func) == "model.save"]
    assert isinstance(saved[0], ast.Constant) and "/" not in str(saved[0].value)


def test_an_impossible_network_is_refused() -> None:
    with pytest.raises(ArchitectureError):
        keras_script(Architecture((Conv2D(4, 99), *HEAD)), TrainingConfig(), "x")


def test_a_script_of_a_fine_tuning_says_what_it_cannot_hold_and_names_nobody() -> None:
    text = keras_script(PLAIN, TrainingConfig(fine_tuning=FineTuning("a" * 32, "Anna Secret")), "x")
    assert "Neither is in this script" in text
    assert "Anna" not in text and "Neither is in this script" not in keras_script(PLAIN, TrainingConfig(), "x")

"""Networks drawn as one line of sizes and layers."""

from __future__ import annotations

import re

import pytest

from mnist_lab.architecture import Architecture
from mnist_lab.layer_line import layer_line
from mnist_lab.layers import LAYERS, Activation, Conv2D, Dense, Flatten, MaxPooling2D, Parallel, Residual
from mnist_lab.shapes import analyse
from mnist_lab.studies import preset, presets


def line(*layers: object) -> str:
    return layer_line(analyse(Architecture(layers)))  # type: ignore[arg-type]


def test_a_published_network_reads_as_its_document_draws_it() -> None:
    assert layer_line(preset("004-model-1").analysis) == (
        "28×28 → conv 5×5, 32 → 24×24 → pool 2×2 → 12×12 → conv 5×5, 64 → 8×8 → pool 2×2 → 4×4 → dropout 0.25 → "
        "flatten → 1,024 → dense 512 → batch norm → dropout 0.5 → dense 128 → batch norm → dropout 0.5 → dense 10"
    )


@pytest.mark.parametrize("name", list(presets()))
def test_every_preset_has_a_line_that_names_each_size_and_ends_in_ten(name: str) -> None:
    entry = presets()[name]
    drawn = layer_line(entry.analysis)
    assert drawn.startswith("28×28 → ") and drawn.endswith("dense 10")
    sizes = {f"{row.output_shape[0]}×{row.output_shape[1]}" for row in entry.analysis.rows
             if len(row.path) == 1 and row.output_shape and len(row.output_shape) == 3}  # fmt: skip
    assert sizes <= set(re.findall(r"\d+×\d+", drawn))


def test_what_is_not_usual_is_said() -> None:
    assert "conv 3×3, 8 same strides 2×2 tanh" in line(
        Conv2D(8, (3, 3), strides=(2, 2), padding="same", activation="tanh"), Flatten(), Dense(10, "softmax")
    )
    assert "pool 3×3 strides 1×1 same" in line(MaxPooling2D((3, 3), (1, 1), "same"), Flatten(), Dense(10, "softmax"))
    assert "dense 20 sigmoid → dense 10 → softmax" in line(
        Flatten(), Dense(20, "sigmoid"), Dense(10, "linear"), Activation("softmax")
    ).replace("dense 10 linear", "dense 10")


def test_blocks_show_what_they_hold() -> None:
    block = Parallel(((Conv2D(4, (1, 1)),), (Conv2D(4, (3, 3), padding="same"), Activation("tanh"))))
    assert "branches (conv 1×1, 4 | conv 3×3, 4 same + tanh)" in line(block, Flatten(), Dense(10, "softmax"))
    residual = Residual((Conv2D(1, (3, 3), padding="same"),))
    assert "layers (conv 3×3, 1 same)" in line(residual, Flatten(), Dense(10, "softmax"))


def test_impossible_and_empty_networks_are_drawn_too() -> None:
    assert line() == ""
    assert line(Conv2D(4, (40, 40)), Flatten(), Dense(10, "softmax")) == "28×28 → conv 40×40, 4 → flatten → dense 10"


@pytest.mark.parametrize("kind", LAYERS)
def test_no_layer_is_without_a_word(kind: str) -> None:
    inner = {"Parallel": ((Flatten(),),), "Residual": (Flatten(),)}.get(kind)
    drawn = line(LAYERS[kind]() if inner is None else LAYERS[kind](inner))  # type: ignore[call-arg]
    assert drawn.startswith("28×28 → ") and drawn != "28×28 → "

"""What the values of a trial come to; and that what cannot be searched is refused when the sweep is made."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mnist_lab import shapes
from mnist_lab.architecture import Architecture
from mnist_lab.errors import SweepError
from mnist_lab.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D, Parallel, Residual
from mnist_lab.optimizers import SGD, Adam
from mnist_lab.studies import presets
from mnist_lab.sweeps.candidates import apply, candidate, ends_of
from mnist_lab.sweeps.dimensions import Dimension, IntegerRange, NumberRange, OneOf, Repeat, name_of
from mnist_lab.sweeps.searchable import searchable
from mnist_lab.sweeps.sweep import Sweep
from mnist_lab.training_config import Augmentation, CosineDecay, EarlyStopping, FineTuning, TrainingConfig

BLOCK = (Conv2D(8, padding="same"), Dropout(0.2))
NETWORK = Architecture(
    (
        Conv2D(4),
        *BLOCK,
        Parallel(((Conv2D(3, 1),), (Conv2D(5, 1), Dense(6)))),
        Residual((Conv2D(8, padding="same"),), "projection"),
        Flatten(),
        Dense(10, "softmax"),
    )
)
TRAINING = TrainingConfig(early_stopping=EarlyStopping())
ANY = IntegerRange("layers.0.filters", 1, 8)


def applied(dimensions: tuple[Dimension, ...], *values: Any) -> tuple[Architecture, TrainingConfig]:
    return apply(NETWORK, TRAINING, dimensions, dict(zip(map(name_of, dimensions), values, strict=True)))


def test_each_field_is_set_where_its_way_leads() -> None:
    network, training = applied(
        (
            IntegerRange("layers.0.filters", 1, 99),
            OneOf("layers.0.kernel_size", ((3, 3), (1, 5))),
            IntegerRange("layers.3.branches.1.0.filters", 1, 99),
            IntegerRange("layers.4.layers.0.kernel_size", 1, 9),
            IntegerRange("training.batch_size", 1, 999),
            NumberRange("training.augmentation.rotation", 0.0, 9.0),
            IntegerRange("training.early_stopping.patience", 1, 9),
        ),
        7, (1, 5), 9, 5, 33, 2.5, 3,
    )  # fmt: skip
    layers: Any = network.layers
    assert layers[0] == Conv2D(7, (1, 5))
    assert layers[3].branches == ((Conv2D(3, 1),), (Conv2D(9, 1), Dense(6)))
    assert layers[4].layers == (Conv2D(8, (5, 5), padding="same"),)
    assert network.layers[1:3] == NETWORK.layers[1:3]
    augmentation = Augmentation(rotation=2.5)
    assert training == replace(
        TRAINING, batch_size=33, augmentation=augmentation, early_stopping=EarlyStopping(patience=3)
    )


def test_a_part_is_chosen_by_its_name_and_has_its_defaults_but_for_what_else_is_searched() -> None:
    by_name = OneOf("training.optimizer", ("SGD", "Adam"))
    rate = NumberRange("training.optimizer.learning_rate", 0.001, 0.5)
    assert applied((by_name,), "SGD")[1].optimizer == SGD()
    assert applied((rate, by_name), 0.25, "Adam")[1].optimizer == Adam(learning_rate=0.25)
    assert (
        applied((OneOf("training.schedule", ("Constant", "CosineDecay")),), "CosineDecay")[1].schedule == CosineDecay()
    )


def test_blocks_are_repeated_after_fields_are_set_and_places_stay_those_of_before() -> None:
    network, _ = applied(
        (
            Repeat("layers.1", 2, 1, 4),
            Repeat("layers.4", 1, 1, 4),
            IntegerRange("layers.1.filters", 1, 99),
            IntegerRange("layers.4.layers.0.filters", 1, 99),
            Repeat("layers.4.layers.0", 1, 1, 4),
            Repeat("layers.3.branches.1.0", 2, 1, 4),
        ),
        3, 2, 9, 8, 2, 2,
    )  # fmt: skip
    block = (Conv2D(9, padding="same"), Dropout(0.2))
    residual = Residual((Conv2D(8, padding="same"), Conv2D(8, padding="same")), "projection")
    parallel = Parallel(((Conv2D(3, 1),), (Conv2D(5, 1), Dense(6)) * 2))
    assert network.layers == (Conv2D(4), *block * 3, parallel, residual, residual, Flatten(), Dense(10, "softmax"))


@pytest.mark.parametrize(
    ("dimension", "words"),
    [
        (IntegerRange("layers.9.filters", 1, 8), "no such layer"),
        (IntegerRange("layers.-1.filters", 1, 8), "no such layer"),
        (IntegerRange("layers.3.branches.2.0.filters", 1, 8), "no such layer"),
        (IntegerRange("layers.0.layers.0.filters", 1, 8), "no such layer"),
        (IntegerRange("layers.0.units", 1, 8), "no such field"),
        (IntegerRange("layers.filters", 1, 8), "no such field|no such layer"),
        (IntegerRange("filters", 1, 8), "no such field"),
        (IntegerRange("training.momentum", 1, 8), "no such field"),
        (NumberRange("training.optimizer.momentum", 0, 0.9), "no such field"),
        (NumberRange("training.fine_tuning.rehearsal", 1, 8), "no such field"),
        (IntegerRange("layers.0.filters", 0, 8), "layers.0.filters: .*from 1"),
        (IntegerRange("layers.0.filters", 1, 100_000), "to 65536"),
        (OneOf("layers.0.activation", ("relu", "rely")), "layers.0.activation: .*activation"),
        (OneOf("layers.0.filters", (8, "many")), "filters"),
        (NumberRange("layers.0.filters", 1, 8), "whole number"),
        (NumberRange("layers.0.activation", 1, 8), "one of"),
        (IntegerRange("layers.0.use_bias", 0, 1), "true or false"),
        (NumberRange("layers.2.rate", 0.0, 1.0), "layers.2.rate"),
        (IntegerRange("training.seed", 1, 8), "cannot be searched"),
        (OneOf("training.split", ("holdout", "test-as-validation")), "cannot be searched"),
        (OneOf("training.test_at_end", (True, False)), "cannot be searched"),
        (OneOf("training.dataset", ("mnist", "digits")), "cannot be searched"),
        (OneOf("training.optimizer", ("SGD", "Zeus")), "Zeus.*unknown"),
        (Repeat("layers.9", 1, 1, 3), "no such layer"),
        (Repeat("layers.5", 3, 1, 3), "does not end"),
        (Repeat("training", 1, 1, 3), "no such layer"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_when_the_sweep_is_made(dimension: Dimension, words: str) -> None:
    with pytest.raises(SweepError, match=words) as caught:
        Sweep(NETWORK, TRAINING, (ANY, dimension) if dimension.field != ANY.field else (dimension,))
    assert dimension.field in str(caught.value) or "no such layer" in str(caught.value)


def test_a_field_of_a_part_that_is_searched_must_be_there_in_all_of_them() -> None:
    momentum = NumberRange("training.optimizer.momentum", 0.0, 0.9)
    Sweep(NETWORK, TRAINING, (OneOf("training.optimizer", ("SGD", "RMSprop")), momentum))
    with pytest.raises(SweepError, match="momentum: there is no such field"):
        Sweep(NETWORK, TRAINING, (OneOf("training.optimizer", ("SGD", "Adam")), momentum))


def test_blocks_that_share_a_layer_and_a_fine_tuning_are_refused() -> None:
    with pytest.raises(SweepError, match="share a layer"):
        Sweep(NETWORK, TRAINING, (Repeat("layers.1", 2, 1, 2), Repeat("layers.2", 1, 1, 2)))
    with pytest.raises(SweepError, match="own digits"):
        Sweep(NETWORK, replace(TRAINING, fine_tuning=FineTuning("a" * 32, "A")), (ANY,))


def test_an_impossible_network_is_told_with_its_reason_and_a_possible_one_with_its_costs() -> None:
    network = Architecture((Conv2D(4), MaxPooling2D(), Flatten(), Dense(10, "softmax")))
    dimensions = (IntegerRange("layers.0.kernel_size", 1, 60), IntegerRange("layers.0.filters", 1, 60_000))
    made = candidate(network, TRAINING, dimensions, {"layers.0.kernel_size": 5, "layers.0.filters": 6})
    expected = shapes.analyse(Architecture((Conv2D(6, (5, 5)), *network.layers[1:])))
    assert made.problem is None
    assert (made.parameters, made.multiply_adds) == (expected.parameters, expected.multiply_adds)
    made = candidate(network, TRAINING, dimensions, {"layers.0.kernel_size": 40, "layers.0.filters": 6})
    assert made.problem is not None and made.parameters is None
    large = candidate(network, replace(TRAINING, batch_size=60_000), dimensions, {"layers.0.filters": 60_000})
    assert "memory" in str(large.problem)
    both = (OneOf("layers.0.strides", ((1, 1), (2, 2))), OneOf("layers.0.dilation_rate", ((1, 1), (2, 2))))
    made = candidate(network, TRAINING, both, {"layers.0.strides": (2, 2), "layers.0.dilation_rate": (2, 2)})
    assert "dilation_rate" in str(made.problem) and made.architecture is None
    many = Repeat("layers.0", 1, 1, 50), Repeat("layers.3", 1, 1, 50)
    assert Sweep(network, TRAINING, many)


@pytest.mark.parametrize("name", list(presets())[::6])
def test_whatever_is_offered_to_be_searched_can_be(name: str) -> None:
    preset = presets()[name]
    training = replace(preset.training, split="holdout", early_stopping=EarlyStopping())
    found = searchable(preset.architecture, training)
    assert {each.field for each in found} >= {"training.batch_size", "training.optimizer", "training.epochs"}
    last = len(preset.architecture.layers) - 1
    assert f"layers.{last}.units" not in {each.field for each in found}
    for each in found:
        if each.field.startswith("training.optimizer."):
            continue
        Sweep(preset.architecture, training, (each.suggestion,))
        assert each.suggestion.field == each.field and each.label and each.place
        assert each.suggestion.count > 1
    rates = tuple(each.suggestion for each in found if each.field.startswith("training.optimizer."))
    Sweep(preset.architecture, training, rates)


def test_a_suggestion_has_what_there_is_now_within_it() -> None:
    found = {each.field: each for each in searchable(NETWORK, TRAINING)}
    for field in ("layers.0.filters", "training.optimizer.learning_rate", "layers.2.rate", "training.epochs"):
        ends = ends_of(found[field].suggestion)
        assert ends[0] <= found[field].value <= ends[1], field
    assert found["layers.0.kernel_size"].value in found["layers.0.kernel_size"].suggestion.values  # type: ignore[attr-defined]
    assert found["layers.3.branches.1.0.filters"].place == "4, branch 2, layer 1 Conv2D"
    assert found["training.optimizer"].value == "Adam"

"""A sweep as TOML says all that there is of it; what is written by hand is read, or refused in a sentence."""

from __future__ import annotations

import tomllib
from itertools import product
from pathlib import Path

import pytest

from mnist_lab.architecture import Architecture
from mnist_lab.errors import SweepError
from mnist_lab.layers import Conv2D, Dense, Flatten, MaxPooling2D, Parallel, Residual
from mnist_lab.optimizers import SGD
from mnist_lab.shapes import analyse
from mnist_lab.studies import presets
from mnist_lab.sweeps.candidates import candidate
from mnist_lab.sweeps.dimensions import IntegerRange, NumberRange, OneOf, Repeat, name_of
from mnist_lab.sweeps.files import read_file, read_toml, write_toml
from mnist_lab.sweeps.sweep import Search, Sweep
from mnist_lab.training_config import Augmentation, CosineDecay, EarlyStopping, TrainingConfig

WHOLE = Sweep(
    Architecture(
        (
            Conv2D(4),
            MaxPooling2D(),
            Parallel(((Conv2D(3, 1),), ())),
            Residual((Conv2D(8, padding="same"),), "projection"),
            Flatten(),
            Dense(10, "softmax"),
        )
    ),
    TrainingConfig(
        dataset="digits", limit=100, epochs=3, optimizer=SGD(0.1, 0.9), schedule=CosineDecay(0.1),
        early_stopping=EarlyStopping(patience=2), augmentation=Augmentation(5.0), test_at_end=False,
    ),
    (
        IntegerRange("layers.0.filters", 2, 8, 2),
        NumberRange("training.optimizer.learning_rate", 1e-5, 0.1, log=True, points=7),
        OneOf("layers.0.kernel_size", ((3, 3), (5, 1))),
        OneOf("layers.1.strides", (None, (1, 1))),
        OneOf("training.optimizer.nesterov", (True, False)),
        Repeat("layers.3", 1, 1, 4),
    ),
    Search("evolution", "none", "parameters", 30, 600, None, 2, 5, 3),
    'a "name" of\tmine ♥',
)  # fmt: skip


def test_a_file_says_all_that_there_is_of_a_sweep() -> None:
    assert read_toml(write_toml(WHOLE)) == WHOLE
    assert Sweep.from_dict(WHOLE.to_dict()) == WHOLE


@pytest.mark.parametrize("name", list(presets())[::9])
def test_so_it_does_for_presets(name: str) -> None:
    preset = presets()[name]
    training = TrainingConfig.from_dict({**preset.training.to_dict(), "split": "holdout"})
    made = Sweep(preset.architecture, training, (IntegerRange("training.batch_size", 8, 64),))
    assert read_toml(write_toml(made)) == made


def test_a_preset_brings_its_training_which_the_file_changes() -> None:
    preset = presets()["000-model-10"]
    text = """
        preset = "000-model-10"
        [training]
        split = "holdout"
        epochs = 4
        [[searched]]
        kind = "integer range"
        field = "training.batch_size"
        low = 8
        high = 64
    """
    made = read_toml(text)
    assert made.architecture == preset.architecture and made.search == Search()
    expected = {**preset.training.to_dict(), "split": "holdout", "epochs": 4}
    assert made.training == TrainingConfig.from_dict(expected)


GOOD = write_toml(WHOLE)
_, _, NETWORK = GOOD.partition("[architecture]")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = ", "is no TOML"),
        ("color = 3\n" + GOOD, "unknown keys: color"),
        (GOOD.replace("[architecture]" + NETWORK, ""), "has a network"),
        ('preset = "000-model-3"\n' + GOOD, "has a network"),
        ('preset = "nothing"\n' + GOOD.replace("[architecture]" + NETWORK, ""), "nothing"),
        (GOOD.replace('sampler = "evolution"', 'sampler = "guess"'), "sampler must be one of"),
        (GOOD.replace('kind = "repeat"', 'kind = "sometimes"'), "has a kind"),
        (GOOD.replace("epochs = 3", 'epochs = "three"'), "epochs"),
        (GOOD.replace("layers.0.filters", "layers.0.filter"), "no such field"),
        (GOOD.replace("high = 8", "high = 70000").replace("step = 2", "step = 1"), "layers.0.filters"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_in_a_sentence(text: str, words: str) -> None:
    assert tomllib.loads(GOOD)
    with pytest.raises(SweepError, match=words):
        read_toml(text)


def test_a_file_that_cannot_be_read_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(GOOD, encoding="utf-8")
    assert read_file(tmp_path / "a.toml") == WHOLE
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe")
    (tmp_path / "c.toml").write_bytes(b"#" * 2_000_000)
    for name, words in (("b.toml", "UTF-8"), ("c.toml", "too large"), ("d.toml", "cannot be read"), (".", "cannot be")):
        with pytest.raises(SweepError, match=words):
            read_file(tmp_path / name)


def test_the_search_of_the_benchmark_has_fewer_parameters_than_model_10_wherever_it_looks() -> None:
    made = read_file(Path(__file__).resolve().parents[2] / "benchmarks" / "fewer_parameters.toml")
    assert made.architecture == presets()["000-model-10"].architecture
    # Each dimension at its ends: no field makes a network larger between them.
    ends = [
        [each.low, each.high] if isinstance(each, IntegerRange | NumberRange) else list(each.values)
        for each in made.dimensions
        if isinstance(each, IntegerRange | NumberRange | OneOf)
    ]
    names = [name_of(each) for each in made.dimensions]
    found = [
        candidate(made.architecture, made.training, made.dimensions, dict(zip(names, values, strict=True))).parameters
        for values in product(*ends)
    ]
    assert max(each or 0 for each in found) == 34_970 < analyse(made.architecture).parameters

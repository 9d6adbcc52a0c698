"""What holds for every optimizer, every schedule and every setting of a training."""

from __future__ import annotations

import inspect
import json
import math
from dataclasses import replace
from typing import Any

import pytest

from mnist_lab import fields
from mnist_lab.errors import ConfigError
from mnist_lab.optimizers import OPTIMIZERS, SGD, Adam, Optimizer
from mnist_lab.training_config import (
    SCHEDULES,
    Augmentation,
    Constant,
    CosineDecay,
    EarlyStopping,
    FineTuning,
    Schedule,
    TrainingConfig,
    monitor_mode,
)
from tests.test_layer_contract import allowed, refused

PARTS: dict[str, type] = {
    **OPTIMIZERS,
    **SCHEDULES,
    "EarlyStopping": EarlyStopping,
    "Augmentation": Augmentation,
    "TrainingConfig": TrainingConfig,
}
EACH_PART = pytest.mark.parametrize("part", PARTS)
EACH_FIELD = pytest.mark.parametrize(
    ("part", "name"), [(part, name) for part, cls in PARTS.items() for name in fields.specs(cls)]
)


def test_no_optimizer_and_no_schedule_share_a_name() -> None:
    assert len(PARTS) == len(OPTIMIZERS) + len(SCHEDULES) + 3


@EACH_PART
def test_a_part_says_what_it_is(part: str) -> None:
    cls = PARTS[part]
    assert inspect.getdoc(cls)
    assert not (cls.__doc__ or "").startswith(f"{part}(")
    assert cls().kind == part  # type: ignore[attr-defined]
    if issubclass(cls, Schedule):
        assert len(cls.purpose) > 10
    if issubclass(cls, Optimizer):
        assert "learning_rate" in fields.specs(cls)
        assert cls.slots_per_weight in (0, 1, 2, 3)


@EACH_FIELD
def test_a_field_has_words_and_a_range(part: str, name: str) -> None:
    spec = fields.specs(PARTS[part])[name]
    assert spec.label
    assert spec.help.endswith(".")
    if spec.kind in ("integer", "number"):
        assert math.isfinite(spec.low)
        assert math.isfinite(spec.high)


@EACH_FIELD
def test_a_field_takes_its_range_and_nothing_else(part: str, name: str) -> None:
    cls, spec = PARTS[part], fields.specs(PARTS[part])[name]
    for value in allowed(spec):
        made = cls(**{name: value})
        assert getattr(made, name) == value
        assert fields.from_dict(cls, json.loads(json.dumps(fields.to_dict(made))), ConfigError) == made
    for value in refused(spec):
        with pytest.raises(ConfigError) as caught:
            cls(**{name: value})
        assert part in caught.value.message
        assert f"{name}=" in caught.value.message


@EACH_PART
def test_an_unknown_field_is_an_error_that_names_it(part: str) -> None:
    with pytest.raises(ConfigError, match="colour"):
        fields.from_dict(PARTS[part], {"colour": 1}, ConfigError)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_survives_json_by_its_name_in_any_case(name: str) -> None:
    config = TrainingConfig(optimizer=OPTIMIZERS[name]())
    assert TrainingConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    for spelling in (name, name.lower(), name.upper(), {"name": name.lower()}):
        assert TrainingConfig.from_dict({"optimizer": spelling}) == config


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_survives_json_by_its_name(name: str) -> None:
    config = TrainingConfig(schedule=SCHEDULES[name]())
    assert TrainingConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    assert TrainingConfig.from_dict({"schedule": name}) == config


FULL = TrainingConfig(
    dataset="digits", split="test-as-validation", limit=1000, epochs=3, batch_size=32, label_smoothing=0.1, seed=7,
    keep_checkpoints=True, test_at_end=False, optimizer=SGD(0.1, 0.9, True), schedule=CosineDecay(0.1, 2),
    early_stopping=EarlyStopping("val_accuracy", 3, 0.01, False), augmentation=Augmentation(10, 0.1, 0.1, 5),
    fine_tuning=FineTuning("a" * 32, "Anna", 3),
)  # fmt: skip


def test_a_whole_training_survives_json() -> None:
    again = TrainingConfig.from_dict(json.loads(json.dumps(FULL.to_dict())))
    assert again == FULL
    assert hash(again) == hash(FULL)
    assert set(FULL.to_dict()) == set(TrainingConfig.__dataclass_fields__)


def test_a_training_that_is_tested_at_its_end_has_the_same_form_as_before_that_could_be_left_out() -> None:
    assert "test_at_end" not in TrainingConfig().to_dict()
    assert TrainingConfig.from_dict({}).test_at_end and TrainingConfig.from_dict({"test_at_end": True}).test_at_end
    assert TrainingConfig(test_at_end=False).to_dict()["test_at_end"] is False


def test_absent_settings_take_their_defaults() -> None:
    assert TrainingConfig.from_dict({}) == TrainingConfig()
    assert TrainingConfig.from_dict({"early_stopping": None}) == TrainingConfig()
    assert TrainingConfig.from_dict({"early_stopping": {}}).early_stopping == EarlyStopping()


@pytest.mark.parametrize(
    "values",
    [
        None,
        [],
        "adam",
        {"colour": 1},
        {"optimizer": "adamm"},
        {"optimizer": None},
        {"optimizer": 3},
        {"optimizer": {"learning_rate": 0.1}},
        {"optimizer": {"name": ["Adam"]}},
        {"optimizer": {"name": "SGD", "beta_1": 0.9}},
        {"optimizer": {"name": "SGD", "momentum": 1.0}},
        {"schedule": "sometimes"},
        {"schedule": {"name": "StepDecay", "every": 0}},
        {"early_stopping": 5},
        {"early_stopping": {"monitor": "test_accuracy"}},
        {"augmentation": None},
        {"augmentation": {"flip": True}},
        {"augmentation": {"rotation": 181}},
        {"epochs": 0},
        {"epochs": "10"},
    ],
)
def test_what_is_no_training_is_a_config_error(values: Any) -> None:
    with pytest.raises(ConfigError):
        TrainingConfig.from_dict(values)


def test_a_fine_tuning_goes_there_and_back_and_all_other_trainings_have_no_word_of_it() -> None:
    tuned = replace(TrainingConfig(), fine_tuning=FineTuning("a" * 32, "Anna", 3))
    assert tuned.to_dict()["fine_tuning"] == {"parent": "a" * 32, "writer": "Anna", "rehearsal": 3}
    assert TrainingConfig.from_dict(tuned.to_dict()) == tuned
    assert "fine_tuning" not in TrainingConfig().to_dict()
    for wrong in ({"parent": "a" * 33}, {"rehearsal": -1}, {"teacher": ""}, "Anna"):
        with pytest.raises(ConfigError):
            TrainingConfig.from_dict({"fine_tuning": wrong})


@pytest.mark.parametrize("name", ["optimizer", "schedule", "augmentation", "early_stopping", "fine_tuning"])
@pytest.mark.parametrize("intruder", [3, "Adam", Adam, {}])
def test_a_part_of_another_kind_is_refused(name: str, intruder: Any) -> None:
    with pytest.raises(ConfigError, match=name):
        replace(TrainingConfig(), **{name: intruder})
    with pytest.raises(ConfigError):
        replace(TrainingConfig(), optimizer=Constant())  # type: ignore[arg-type]


def test_accuracies_shall_rise_and_losses_fall() -> None:
    assert [monitor_mode(name) for name in ("val_accuracy", "accuracy", "val_loss", "loss")] == [
        "max",
        "max",
        "min",
        "min",
    ]


def test_augmentation_is_off_exactly_where_all_ranges_are_zero() -> None:
    assert Augmentation().is_off
    for name in fields.specs(Augmentation):
        assert not Augmentation(**{name: 0.1}).is_off


@pytest.mark.parametrize("giant", [10**400, -(10**4000)])
def test_numbers_of_hundreds_of_digits_are_refused_in_a_sentence(giant: int) -> None:
    # JSON has them, and no float can hold them.
    for values in ({"epochs": giant}, {"label_smoothing": giant}, {"early_stopping": {"min_delta": giant}}):
        with pytest.raises(ConfigError) as caught:
            TrainingConfig.from_dict(values)
        assert len(str(caught.value)) < 400


def test_the_best_epoch_is_the_first_of_the_best() -> None:
    history = [{"epoch": e, "val_accuracy": a, "val_loss": v} for e, a, v in ((1, 0.5, 2), (2, 0.9, 1), (3, 0.9, None))]
    loss = TrainingConfig(early_stopping=EarlyStopping(monitor="val_loss"))
    assert TrainingConfig().best_epoch(history) == 2
    assert TrainingConfig().best_epoch(history[::-1]) == 2
    assert loss.best_epoch(history) == 2
    assert loss.best_epoch([]) is None
    assert loss.best_epoch([{"epoch": 1, "val_loss": None}]) is None

"""Every optimizer and schedule of the registry as a Keras object, and the previewed rates against Keras's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest

from mnist_lab import fields
from mnist_lab.keras_side.optimizers import learning_rate, make_optimizer, schedule_callbacks
from mnist_lab.optimizers import OPTIMIZERS, Adam, Optimizer
from mnist_lab.schedules import learning_rate_at
from mnist_lab.training_config import (
    SCHEDULES,
    Constant,
    CosineDecay,
    ExponentialDecay,
    OneCycle,
    ReduceLROnPlateau,
    Schedule,
    StepDecay,
    TrainingConfig,
)

STEPS_PER_EPOCH = 13
EPOCHS = 7


def other_values(cls: type) -> dict[str, Any]:
    """A value for each field that is allowed and is not the default."""
    default = cls()
    found: dict[str, Any] = {}
    for name, spec in fields.specs(cls).items():
        value = getattr(default, name)
        if spec.kind == "boolean":
            found[name] = not value
        elif spec.kind == "choice":
            found[name] = next(word for word in spec.choices if word != value)
        elif spec.kind == "integer":
            found[name] = value + 1
        else:
            found[name] = value * 0.5 if value else 0.25
    return found


def tiny() -> Any:
    inputs = keras.Input((3,))
    return keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(inputs))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_is_keras_s_of_the_same_name_with_the_same_fields(name: str) -> None:
    cls = OPTIMIZERS[name]
    for chosen in (cls(), cls(**other_values(cls))):
        made = make_optimizer(TrainingConfig(optimizer=chosen), STEPS_PER_EPOCH)
        # On PyTorch Keras makes a class of its own of each.
        assert type(made) is type(getattr(keras.optimizers, name)())
        config = made.get_config()
        expected = fields.to_dict(chosen)
        assert {key: config[key] for key in expected} == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_trains(name: str) -> None:
    cls = OPTIMIZERS[name]
    for chosen in (cls(), cls(**other_values(cls))):
        model = tiny()
        before = [weight.copy() for weight in model.get_weights()]
        optimizer = make_optimizer(TrainingConfig(optimizer=chosen), STEPS_PER_EPOCH)
        model.compile(optimizer, "sparse_categorical_crossentropy")
        loss = model.train_on_batch(np.eye(3, dtype=np.float32), np.array([0, 1, 0]))
        assert np.isfinite(loss)
        assert all(np.isfinite(weight).all() for weight in model.get_weights())
        assert any(not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_learns_what_keras_own_learns(name: str) -> None:
    cls = OPTIMIZERS[name]
    x, y = np.eye(3, dtype=np.float32), np.array([0, 1, 0])
    others = other_values(cls)
    for chosen in (cls(), cls(**others), cls(**{name: value for name, value in others.items() if name != "amsgrad"})):
        ours, own = tiny(), tiny()
        own.set_weights(ours.get_weights())
        quick = make_optimizer(TrainingConfig(optimizer=chosen), STEPS_PER_EPOCH)
        plain = type(quick).from_config(quick.get_config())
        for model, optimizer in ((ours, quick), (own, plain)):
            model.compile(optimizer, "sparse_categorical_crossentropy")
            for _ in range(5):
                model.train_on_batch(x, y)
        kept = [[keras.ops.convert_to_numpy(each) for each in optimizer.variables] for optimizer in (quick, plain)]
        for one, other in zip([*ours.get_weights(), *kept[0]], [*own.get_weights(), *kept[1]], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_memory_of_an_optimizer_is_not_more_than_declared(name: str) -> None:
    # RMSprop with momentum and centred keeps most; Adafactor's two vectors of a matrix are less than one copy.
    chosen = OPTIMIZERS[name]()
    optimizer = make_optimizer(TrainingConfig(optimizer=chosen), STEPS_PER_EPOCH)
    weight = keras.Variable(np.zeros((40, 50), np.float32))
    optimizer.build([weight])
    kept = sum(int(np.prod(v.shape)) for v in optimizer.variables if len(v.shape))
    assert kept <= 1.1 * 2000 * chosen.slots_per_weight


SCHEDULE_CASES: list[Schedule] = [
    Constant(),
    ExponentialDecay(),
    ExponentialDecay(0.3),
    CosineDecay(),
    CosineDecay(alpha=0.1, warmup_epochs=1.5),
    CosineDecay(warmup_epochs=0.01),
    CosineDecay(warmup_epochs=1000),
    StepDecay(),
    StepDecay(0.1, 2),
    OneCycle(),
    OneCycle(0.01, 1.0, 1.0),
    OneCycle(0.99, 3.0, 10.0),
    ReduceLROnPlateau(),
]


def test_the_cases_hold_every_schedule() -> None:
    assert {case.kind for case in SCHEDULE_CASES} == set(SCHEDULES)


@pytest.mark.parametrize("schedule", SCHEDULE_CASES, ids=repr)
@pytest.mark.parametrize("rate", [0.001, 2.0])
def test_the_rate_of_the_preview_is_the_rate_of_keras_at_every_step(schedule: Schedule, rate: float) -> None:
    training = TrainingConfig(optimizer=Adam(rate), schedule=schedule, epochs=EPOCHS)
    made = learning_rate(training, STEPS_PER_EPOCH)
    steps = [*range(EPOCHS * STEPS_PER_EPOCH + 5), 10_000]
    previewed = [learning_rate_at(training, step, STEPS_PER_EPOCH) for step in steps]
    of_keras = [made if isinstance(made, float) else float(made(step)) for step in steps]
    np.testing.assert_allclose(of_keras, previewed, rtol=2e-4, atol=rate * 1e-6)


@pytest.mark.parametrize("schedule", SCHEDULE_CASES, ids=repr)
def test_a_training_of_a_single_step_has_a_schedule_too(schedule: Schedule) -> None:
    training = TrainingConfig(schedule=schedule, epochs=1)
    optimizer = make_optimizer(training, 1)
    assert np.isfinite(float(optimizer.learning_rate))
    assert np.isfinite(learning_rate_at(training, 0, 1))


def test_each_schedule_has_the_form_that_its_words_promise() -> None:
    def rates(schedule: Schedule, rate: float = 0.1, epochs: int = 10) -> list[float]:
        training = TrainingConfig(optimizer=Adam(rate), schedule=schedule, epochs=epochs)
        return [learning_rate_at(training, step, 100) for step in range(epochs * 100 + 1)]

    assert set(rates(Constant())) == {0.1}
    assert rates(ExponentialDecay(0.9))[1000] == pytest.approx(0.1 * 0.9**10)
    stepped = rates(StepDecay(0.5, 5))
    assert (stepped[499], stepped[500], stepped[999]) == pytest.approx((0.1, 0.05, 0.05))
    cosine = rates(CosineDecay(alpha=0.01, warmup_epochs=2))
    assert (cosine[0], cosine[100], cosine[200], cosine[600], cosine[1000]) == pytest.approx(
        (0.0, 0.05, 0.1, 0.1 * (1.01 / 2), 0.001)
    )
    one_cycle = rates(OneCycle(0.3, 25, 1e4))
    assert (one_cycle[0], one_cycle[300], one_cycle[1000]) == pytest.approx((0.004, 0.1, 4e-7))
    assert one_cycle.index(max(one_cycle)) == 300
    assert one_cycle[:301] == sorted(one_cycle[:301])
    assert one_cycle[300:] == sorted(one_cycle[300:], reverse=True)


def test_the_rate_follows_the_schedule_while_keras_trains() -> None:
    training = TrainingConfig(optimizer=Adam(0.1), schedule=StepDecay(0.5, 1), epochs=3)
    model = tiny()
    model.compile(make_optimizer(training, 2), "sparse_categorical_crossentropy")
    for step in range(6):
        assert float(model.optimizer.learning_rate) == pytest.approx(learning_rate_at(training, step, 2))
        model.train_on_batch(np.eye(3, dtype=np.float32), np.array([0, 1, 0]))


def test_only_a_plateau_needs_a_callback_and_every_run_gets_a_new_one() -> None:
    assert schedule_callbacks(TrainingConfig()) == []
    chosen = ReduceLROnPlateau("val_accuracy", 0.25, 3, 1e-5)
    training = TrainingConfig(schedule=chosen)
    (one,), (other,) = schedule_callbacks(training), schedule_callbacks(training)
    assert one is not other
    assert (one.monitor, one.mode, one.factor, one.patience, one.min_lr) == ("val_accuracy", "max", 0.25, 3, 1e-5)
    assert schedule_callbacks(replace(training, schedule=ReduceLROnPlateau("loss")))[0].mode == "min"
    assert isinstance(learning_rate(training, 5), float)


def test_a_compiled_model_with_a_one_cycle_schedule_is_saved_and_opened_with_keras_alone(tmp_path: Any) -> None:
    model = tiny()
    training = TrainingConfig(schedule=OneCycle(), epochs=2)
    model.compile(make_optimizer(training, 5), "sparse_categorical_crossentropy")
    model.train_on_batch(np.eye(3, dtype=np.float32), np.array([0, 1, 0]))
    model.save(tmp_path / "model.keras")
    opened = keras.models.load_model(tmp_path / "model.keras")
    assert float(opened.optimizer.learning_rate) == pytest.approx(learning_rate_at(training, 1, 5))
    custom = [key for key in keras.saving.get_custom_objects() if "mnist_lab" in key]
    assert not custom


def test_all_subclasses_are_registered() -> None:
    # By name: a dataclass with slots is a second class of the same name.
    assert {cls.__name__ for cls in Optimizer.__subclasses__()} == set(OPTIMIZERS)
    assert {cls.__name__ for cls in Schedule.__subclasses__()} == set(SCHEDULES)

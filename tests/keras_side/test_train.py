"""Whole trainings within this process: their ends, good and bad, and how an interrupted one goes on."""

from __future__ import annotations

import dataclasses
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import keras
import numpy as np
import pytest

from mnist_lab import datasets, worker
from mnist_lab.architecture import Architecture
from mnist_lab.errors import DataError
from mnist_lab.keras_side import callbacks, evaluate, infer, train, weights
from mnist_lab.keras_side.callbacks import Control, StopRequested
from mnist_lab.keras_side.evaluate import as_input
from mnist_lab.layers import Dense, Flatten, MaxPooling2D
from mnist_lab.optimizers import SGD
from mnist_lab.predictions import read_predictions
from mnist_lab.store import Run, RunStore, open_store
from mnist_lab.store.artefacts import BEST, CHECKPOINT, MODEL, PREDICTIONS, VALIDATION_PREDICTIONS, epoch_weights
from mnist_lab.training_config import Augmentation, CosineDecay, EarlyStopping, TrainingConfig
from tests.keras_side.trainings import execute, out_of_memory

NETWORK = Architecture((MaxPooling2D((2, 2)), Flatten(), Dense(10, "softmax")))
CONFIG = TrainingConfig(dataset="digits", epochs=3, batch_size=64, limit=320)
STEPS = 5


class Killed(BaseException):
    """Stands for the end of the process: nothing in the program catches it."""


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunStore:
    monkeypatch.setenv("MNIST_LAB_HOME", str(tmp_path))
    for name in ("MNIST_LAB_STORE", "MNIST_LAB_DATA"):
        monkeypatch.delenv(name, raising=False)
    return open_store()


def trained(store: RunStore, config: TrainingConfig = CONFIG, network: Architecture = NETWORK) -> Run:
    return execute(store, store.create(network, config))


def killed_after(store: RunStore, epoch: int, config: TrainingConfig) -> Run:
    """A run whose process ended right after an epoch was written down; found and queued again."""
    run = store.create(NETWORK, config)
    with pytest.MonkeyPatch.context() as patch:
        record = train.Training._record

        def fatal(self: train.Training, values: dict[str, Any]) -> None:
            record(self, values)
            if values["epoch"] == epoch:
                raise Killed

        patch.setattr(train.Training, "_record", fatal)
        with pytest.raises(Killed):
            execute(store, run)
    assert store.get(run.id).status == "running"
    store.end(run.id, "interrupted")
    return store.requeue(run.id)


def assert_whole(store: RunStore, run: Run, epochs: int, steps: int = STEPS) -> None:
    assert [entry["epoch"] for entry in store.history(run.id)] == list(range(1, epochs + 1))
    found = [point["step"] for point in store.points(run.id)]
    assert found == sorted(set(found))
    assert set(range(steps, epochs * steps + 1, steps)) <= set(found)
    assert store.get(run.id).epochs_run == epochs


def same(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_loss_that_is_no_number_fails_the_run_with_words_and_no_nan_in_the_store(store: RunStore) -> None:
    # Few layers would not do on each backend: a softmax that is sure, or a ReLU that is dead, has no gradient any more.
    network = Architecture((Flatten(), *[Dense(50, "linear")] * 12, Dense(10, "softmax")))
    run = trained(store, dataclasses.replace(CONFIG, epochs=100, optimizer=SGD(1000.0, momentum=0.99)), network)
    assert run.status == "failed"
    assert "NaN" in (run.reason or "") and "learning rate" in (run.reason or "")
    values = [value for entry in store.history(run.id) for value in entry.values()]
    assert all(value is None or math.isfinite(value) for value in values)
    assert all(entry["loss"] is not None for entry in store.history(run.id)), "such an epoch is not counted"
    assert not store.artefacts.has(run.id, MODEL)


@pytest.mark.parametrize(
    "change",
    [
        {"label_smoothing": 0.1, "schedule": CosineDecay(), "optimizer": SGD(0.1, 0.9), "split": "pooled-80-10-10"},
        {"augmentation": Augmentation(rotation=10.0, shift=0.1)},
        {"batch_size": 1000, "split": "test-as-validation", "limit": 300},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_interrupted_training_goes_on_from_its_last_epoch_and_does_each_once(
    store: RunStore, change: dict[str, Any]
) -> None:
    config = dataclasses.replace(CONFIG, **{"epochs": 4, **change})
    run = killed_after(store, 2, config)
    before = store.history(run.id)
    run = execute(store, run)
    assert (run.status, run.reason) == ("finished", None)
    steps = math.ceil((config.limit or 0) / config.batch_size)
    assert_whole(store, run, 4, steps)
    assert store.history(run.id)[:2] == before
    assert run.seconds == pytest.approx(sum(entry["seconds"] for entry in store.history(run.id)))
    assert run.test_accuracy is not None


def test_an_interrupted_training_goes_on_with_its_weights_and_its_optimizer(store: RunStore) -> None:
    config = dataclasses.replace(CONFIG, epochs=3)
    run = killed_after(store, 2, config)
    claimed = store.claim("w", 1)
    assert claimed is not None and claimed.id == run.id
    training = train.Training(store, claimed, "w")
    model = training._compiled(STEPS)
    fresh = model.get_weights()
    assert training._resume(model, STEPS) == 2
    assert int(keras.ops.convert_to_numpy(model.optimizer.iterations)) == 2 * STEPS
    assert not same(model.get_weights(), fresh)
    momenta = [np.abs(keras.ops.convert_to_numpy(variable)).sum() for variable in model.optimizer.variables[2:]]
    assert all(momenta)


def test_points_of_an_epoch_that_was_begun_and_not_ended_are_forgotten_when_it_is_done_again(store: RunStore) -> None:
    run = killed_after(store, 2, CONFIG)
    store.claim("w", 1)
    store.report(run.id, "w", {}, [{"step": 2 * STEPS + 2, "epoch": 2.4, "loss": 9.0, "accuracy": 0.0}])
    store.end(run.id, "interrupted")
    store.requeue(run.id)
    run = execute(store, run)
    assert_whole(store, run, 3)
    assert all(point["loss"] < 9 for point in store.points(run.id))


def test_an_epoch_is_in_the_curve_before_it_is_in_the_history(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    # A process may be killed between the two: an epoch of the history without its curve would leave a gap for good.
    add, ends = store.add_epoch, []

    def look(run_id: str, values: dict[str, Any], **figures: Any) -> None:
        ends.append(store.points(run_id)[-1]["epoch"])
        add(run_id, values, **figures)

    monkeypatch.setattr(store, "add_epoch", look)
    assert trained(store).status == "finished"
    assert ends == [1.0, 2.0, 3.0]


def pretend_epoch_two_was_best(store: RunStore, run: Run) -> list[np.ndarray]:
    """No epoch can be better than this one; its weights are those of the second epoch."""
    store.add_epoch(run.id, {**store.history(run.id)[1], "val_loss": -1.0})
    store.set_figures(run.id, epochs_run=len(store.history(run.id)), best_epoch=2)
    files = store.artefacts
    shutil.copyfile(files.path(run.id, epoch_weights(2)), files.path(run.id, BEST))
    return weights.load(run, store, epoch_weights(2)).get_weights()


@pytest.mark.parametrize(("epoch", "end"), [(3, 5), (5, 5)])
def test_early_stopping_keeps_the_best_epoch_of_before_the_interruption_and_counts_its_patience_on(
    store: RunStore, epoch: int, end: int
) -> None:
    config = dataclasses.replace(CONFIG, epochs=5, keep_checkpoints=True, early_stopping=EarlyStopping(patience=100))
    run = killed_after(store, epoch, config)
    best = pretend_epoch_two_was_best(store, run)
    run = execute(store, run)
    assert run.status == "finished", run.reason
    assert_whole(store, run, end)
    assert (run.best_epoch, run.kept_epoch) == (2, 2)
    kept = weights.load(run, store)
    assert same(kept.get_weights(), best)
    with np.load(store.artefacts.path(run.id, PREDICTIONS)) as file:
        right = float((file["probabilities"].argmax(axis=1) == file["labels"]).mean())
    assert run.test_accuracy == pytest.approx(right)


def test_early_stopping_counts_the_epochs_of_before_the_interruption(store: RunStore) -> None:
    config = dataclasses.replace(CONFIG, epochs=50, keep_checkpoints=True, early_stopping=EarlyStopping(patience=3))
    run = killed_after(store, 4, config)
    best = pretend_epoch_two_was_best(store, run)
    run = execute(store, run)
    assert run.status == "finished"
    assert run.epochs_run == 5, "epochs 3, 4 and 5 were without gain"
    assert same(weights.load(run, store).get_weights(), best)


@pytest.mark.parametrize("monitor", ["val_loss", "val_accuracy"])
def test_early_stopping_keeps_the_epoch_that_the_history_calls_best(store: RunStore, monitor: str) -> None:
    stopping = EarlyStopping(monitor=monitor, patience=2)
    config = dataclasses.replace(
        CONFIG, epochs=12, keep_checkpoints=True, early_stopping=stopping, optimizer=SGD(learning_rate=2.0)
    )
    run = trained(store, config)
    history = store.history(run.id)
    figures = [entry[monitor] for entry in history]
    best = figures.index(min(figures) if monitor == "val_loss" else max(figures)) + 1
    assert (run.best_epoch, run.kept_epoch) == (best, best)
    kept = weights.load(run, store, epoch_weights(best))
    assert same(weights.load(run, store).get_weights(), kept.get_weights())
    assert not store.artefacts.has(run.id, BEST) and not store.artefacts.has(run.id, CHECKPOINT)


def test_every_epoch_is_kept_where_that_was_asked_for(store: RunStore) -> None:
    run = trained(store, dataclasses.replace(CONFIG, keep_checkpoints=True))
    each = [weights.load(run, store, epoch_weights(epoch)).get_weights() for epoch in (1, 2, 3)]
    assert not same(each[0], each[1]) and not same(each[1], each[2])
    assert same(each[2], weights.load(run, store).get_weights())


def test_the_validation_images_are_predicted_too_by_the_weights_that_were_kept(store: RunStore) -> None:
    run = trained(store)
    known = read_predictions(store, run, VALIDATION_PREDICTIONS)
    parts = datasets.split(datasets.load("digits"), "holdout", seed=CONFIG.seed)
    assert known.labels.tolist() == parts.y_validation.tolist()
    expected = weights.load(run, store).predict(as_input(parts.x_validation), verbose=0)
    np.testing.assert_allclose(known.probabilities, expected, atol=1e-6)
    assert np.mean(known.digits == known.labels) == pytest.approx(store.history(run.id)[-1]["val_accuracy"])


def test_where_the_test_images_validate_there_are_no_others(store: RunStore) -> None:
    run = trained(store, dataclasses.replace(CONFIG, split="test-as-validation"))
    assert not store.artefacts.has(run.id, VALIDATION_PREDICTIONS)
    assert store.artefacts.has(run.id, PREDICTIONS)


@pytest.mark.parametrize("stopping", [None, EarlyStopping(patience=0)])
def test_without_a_test_at_the_end_nothing_is_made_of_the_test_images(
    store: RunStore, stopping: EarlyStopping | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = datasets.split(datasets.load("digits"), "holdout", seed=CONFIG.seed)
    seen: list[int] = []
    evaluated = evaluate.evaluate

    def watched(predict: Any, images: Any, labels: Any, indices: Any) -> Any:
        seen.append(len(images))
        assert not np.isin(indices, parts.test_indices).any()
        return evaluated(predict, images, labels, indices)

    monkeypatch.setattr(evaluate, "evaluate", watched)
    run = trained(store, dataclasses.replace(CONFIG, test_at_end=False, early_stopping=stopping))
    assert (run.status, run.test_looks, run.test_accuracy, run.test_loss) == ("finished", 0, None, None)
    assert run.test_images is None and seen == [len(parts.x_validation)]
    assert not store.artefacts.has(run.id, PREDICTIONS)
    assert run.validation_accuracy is not None and run.prediction_seconds is not None
    known = read_predictions(store, run, VALIDATION_PREDICTIONS)
    assert known.labels.tolist() == parts.y_validation.tolist()


@pytest.mark.parametrize(("split", "looks"), [("holdout", 1), ("test-as-validation", 4)])
def test_each_look_at_the_test_images_is_counted(store: RunStore, split: str, looks: int) -> None:
    run = trained(store, dataclasses.replace(CONFIG, split=split))
    assert run.test_looks == looks, "three epochs, and the end"
    infer.Answers(store).evaluate(run.id)
    assert store.get(run.id).test_looks == looks + 1
    infer.Answers(store).predict(run.id, np.zeros((1, 28, 28), np.uint8))
    assert store.get(run.id).test_looks == looks + 1, "a drawn digit is no test image"


def test_what_a_prediction_takes_is_measured_without_building_the_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(evaluate.time, "perf_counter", lambda: clock[0])
    calls: list[int] = []

    def predict(inputs: np.ndarray) -> np.ndarray:
        # The first call takes a minute, each later one a millisecond an image.
        calls.append(len(inputs))
        clock[0] += 60.0 if len(calls) == 1 else 0.001 * len(inputs)
        return np.full((len(inputs), 10), 0.1, np.float32)

    images = np.zeros((700, 28, 28), np.uint8)
    found = evaluate.evaluate(predict, images, np.zeros(700, np.uint8), np.arange(700))
    assert found.seconds_per_image == pytest.approx(0.001)


def raises(error: Exception) -> Callable[..., Any]:
    def build(*_: Any, **__: Any) -> Any:
        raise error

    return build


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RuntimeError("first line\nsecond line"), "RuntimeError: first line"),
        (RuntimeError(""), "RuntimeError: "),
        (DataError("The file x is damaged.", "Get another."), "The file x is damaged. Get another."),
        (out_of_memory("OOM when allocating"), f"Memory ran out ({out_of_memory('OOM when allocating')})"),
    ],
)
def test_whatever_is_raised_ends_as_a_failed_run_with_its_reason(
    store: RunStore, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    monkeypatch.setattr(train, "build", raises(error))
    run = trained(store)
    assert run.status == "failed"
    assert (run.reason or "").startswith(reason)
    assert "second line" not in (run.reason or "")


def test_a_run_that_was_taken_away_is_left_as_it_is(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    add = store.add_epoch

    def add_and_lose(run_id: str, values: dict[str, Any], **figures: Any) -> None:
        add(run_id, values, **figures)
        store.end(run_id, "interrupted", reason="taken")

    monkeypatch.setattr(store, "add_epoch", add_and_lose)
    run = trained(store, dataclasses.replace(CONFIG, epochs=10_000))
    assert (run.status, run.reason) == ("interrupted", "taken")
    assert not store.artefacts.has(run.id, MODEL)
    assert run.test_accuracy is None


def test_a_stop_before_anything_was_learnt_ends_the_run(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    run = store.create(NETWORK, CONFIG)
    claimed = store.claim("w", 1)
    assert claimed is not None
    store.command(run.id, "stop")
    enter = train.Heartbeat.__enter__

    def enter_and_look(self: train.Heartbeat) -> train.Heartbeat:
        self.flush()
        return enter(self)

    monkeypatch.setattr(train.Heartbeat, "__enter__", enter_and_look)
    train.execute(store, claimed, "w")
    run = store.get(run.id)
    assert (run.status, run.reason) == ("stopped", "Stopped before it had learnt anything.")


@pytest.mark.parametrize(("command", "is_lost"), [("stop", False), ("", True), ("pause", True)])
def test_a_stop_is_obeyed_after_the_batch_in_which_it_comes(command: str, is_lost: bool) -> None:
    told = MagicMock(command="", is_lost=False, period=0.25, point_period=0.25)
    control = Control(told, images=1000, batch_size=10, epochs=1)
    control.on_epoch_begin(0)
    control.on_train_batch_end(0, {"loss": 1.0, "accuracy": 0.5})
    told.command, told.is_lost = command, is_lost
    with pytest.raises(StopRequested):
        control.on_train_batch_end(1, {"loss": 1.0, "accuracy": 0.5})
    told.attended.assert_called_once()


def test_progress_is_told_as_often_as_it_is_written_and_points_no_oftener_than_a_curve_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1000.0
    monkeypatch.setattr(callbacks.time, "monotonic", lambda: now)
    told = MagicMock(command="", is_lost=False, period=0.5, point_period=2.0)
    control = Control(told, images=1000, batch_size=10, epochs=1)
    control.on_epoch_begin(0)
    told.progress.reset_mock()
    for batch in range(100):  # a tenth of a second each
        now += 0.1
        control.on_train_batch_end(batch, {"loss": 1.0 + batch, "accuracy": 0.5})
    assert told.progress.call_count == pytest.approx(10.0 / 0.5, abs=2)
    steps = [each.args[0] for each in told.point.call_args_list]
    assert steps == pytest.approx([1, 21, 41, 61, 81, 100], abs=6) and steps[-1] == 100, "and the last of the epoch"
    # A point is the mean since the point before, and not since the last report.
    losses = [each.args[2] for each in told.point.call_args_list]
    weighted = sum(loss * (step - before) for loss, step, before in zip(losses, steps, [0, *steps], strict=False))
    assert weighted == pytest.approx(100 * 100.0), "Keras's running mean of the last batch was 100"


@pytest.mark.parametrize("early_stopping", [None, EarlyStopping(patience=100)])
def test_giving_up_within_a_batch_keeps_the_last_or_the_best_epoch(
    store: RunStore, monkeypatch: pytest.MonkeyPatch, early_stopping: EarlyStopping | None
) -> None:
    exits: list[int] = []
    monkeypatch.setattr(train.os, "_exit", exits.append)
    config = dataclasses.replace(CONFIG, epochs=9, keep_checkpoints=True, early_stopping=early_stopping)
    run = killed_after(store, 3, config)
    claimed = store.claim("w", 1)
    assert claimed is not None
    if early_stopping is not None:
        pretend_epoch_two_was_best(store, run)
        claimed = store.get(run.id)
    train.Training(store, claimed, "w")._give_up()
    run = store.get(run.id)
    assert exits == [0]
    assert run.status == "stopped"
    assert "within a batch" in (run.reason or "")
    kept = 3 if early_stopping is None else 2
    assert run.kept_epoch == kept
    assert same(weights.load(run, store).get_weights(), weights.load(run, store, epoch_weights(kept)).get_weights())
    assert run.can_go_on


def test_giving_up_in_the_first_epoch_has_nothing_to_keep(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train.os, "_exit", lambda status: None)
    run = store.create(NETWORK, CONFIG)
    claimed = store.claim("w", 1)
    assert claimed is not None
    train.Training(store, claimed, "w")._give_up()
    run = store.get(run.id)
    assert run.status == "stopped" and "first epoch" in (run.reason or "")
    assert not store.artefacts.has(run.id, MODEL)


def test_giving_up_while_it_is_evaluated_keeps_all(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train.os, "_exit", lambda status: None)
    evaluate = train.evaluate.evaluate
    seen: list[list[np.ndarray]] = []

    def stop_now(*given: Any) -> Any:
        training._give_up()
        assert training.model is not None
        seen.append(training.model.get_weights())
        return evaluate(*given)

    config = dataclasses.replace(CONFIG, keep_checkpoints=True, early_stopping=EarlyStopping(patience=100))
    store.create(NETWORK, config)
    claimed = store.claim("w", 1)
    assert claimed is not None
    training = train.Training(store, claimed, "w")
    monkeypatch.setattr(train.evaluate, "evaluate", stop_now)
    training.run_it()
    run = store.get(claimed.id)
    assert run.status == "stopped"
    assert "evaluated" in (run.reason or "")
    assert run.kept_epoch == run.best_epoch
    assert same(weights.load(run, store).get_weights(), seen[0])


# What a worker does with its queue, and what is answered about the result --------------------------------------------


@pytest.fixture
def orphan(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs the trainer's loop here, as one whose parent is gone."""
    monkeypatch.setattr(worker.os, "nice", lambda by: 0)
    return lambda *more: worker.main(["train", "--name", "w", "--parent", "1", *more])


def test_a_trainer_goes_on_after_a_run_that_failed(
    store: RunStore, orphan: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, broken, last = (
        store.create(NETWORK, dataclasses.replace(CONFIG, epochs=1, dataset=dataset))
        for dataset in ("digits", "custom", "digits")
    )
    monkeypatch.setattr(worker, "_is_orphan", lambda parent: not store.queue())
    assert orphan() == 0
    runs = [store.get(run.id) for run in (first, broken, last)]
    assert [run.status for run in runs] == ["finished", "failed", "finished"]
    assert (runs[0].ended or 0) <= (runs[2].ended or 0)
    assert "MNIST_LAB_DATA" in (runs[1].reason or "")


def test_a_trainer_whose_parent_is_gone_ends_its_run_and_leaves_the_queue(
    store: RunStore, orphan: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, waiting = (store.create(NETWORK, dataclasses.replace(CONFIG, epochs=1)) for _ in range(2))
    # The parent goes when the first has been taken.
    monkeypatch.setattr(worker, "_is_orphan", lambda parent: store.get(begun.id).status != "queued")
    assert orphan() == 0
    assert [store.get(run.id).status for run in (begun, waiting)] == ["finished", "queued"]


def test_a_trainer_for_its_own_runs_takes_those_and_ends(
    store: RunStore, orphan: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_is_orphan", lambda parent: False)
    config = dataclasses.replace(CONFIG, epochs=1)
    other, *own = (store.create(NETWORK, config, owner=owner) for owner in (None, "w", "w"))
    assert orphan("--own") == 0
    assert [store.get(run.id).status for run in (other, *own)] == ["queued", "finished", "finished"]
    assert orphan("--own") == 0


def test_keras_alone_loads_what_was_exported(store: RunStore, tmp_path: Path) -> None:
    run = trained(store)
    answers = infer.Answers(store)
    file = tmp_path / "exported.keras"
    file.write_bytes(answers.export(run.id))
    model = keras.models.load_model(file)
    images = np.random.default_rng(0).integers(0, 256, (7, 28, 28), np.uint8)
    answer = answers.predict(run.id, images)
    np.testing.assert_allclose(model.predict(as_input(images), verbose=0), answer, atol=1e-6)


def test_new_weights_under_the_same_id_are_noticed(store: RunStore) -> None:
    run = trained(store)
    answers = infer.Answers(store)
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28), np.uint8)
    before = answers.predict(run.id, images)
    np.testing.assert_array_equal(answers.predict(run.id, images), before)
    model = weights.load(run, store)
    model.set_weights([np.zeros_like(value) for value in model.get_weights()])
    weights.save(model, store, run.id)
    np.testing.assert_allclose(answers.predict(run.id, images), 0.1, atol=1e-6)


@pytest.mark.parametrize(("limit", "most"), [("CACHED_PARAMETERS", "CACHED_MODELS"), (None, "MOST_CACHED_MODELS")])
def test_only_so_many_networks_are_held_in_memory(
    store: RunStore, monkeypatch: pytest.MonkeyPatch, limit: str | None, most: str
) -> None:
    run = trained(store, dataclasses.replace(CONFIG, epochs=1))
    monkeypatch.setattr(infer, "MOST_CACHED_MODELS", 6)
    if limit is not None:
        monkeypatch.setattr(infer, limit, run.parameters)
    values = {field.name: getattr(run, field.name) for field in dataclasses.fields(run)}
    ids = [f"{number:032x}" for number in range(getattr(infer, most) + 2)]
    answers = infer.Answers(store)
    for run_id in ids:
        store.register({**values, "id": run_id}, [], {MODEL: store.artefacts.path(run.id, MODEL)})
        answers.predict(run_id, np.zeros((1, 28, 28), np.uint8))
    assert [key[0] for key in answers._models] == ids[2:]

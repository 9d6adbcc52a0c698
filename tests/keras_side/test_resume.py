"""A training that was interrupted and resumed is the uninterrupted one: same history, same weights, to the last bit.

Nothing is rounded in these comparisons. Two trainings of one seed are the same on the CPU to begin with, for all its
threads: seen with TensorFlow 2.21 and Keras 3.15, also for 6,000 images and a network of half a million weights.
What Keras does not save is the state of `Dropout` (weights 0.009 apart, two epochs later) and what `ReduceLROnPlateau`
waits for (0.045 apart, six epochs later).
"""

from __future__ import annotations

import dataclasses
import json
import pickle
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from mnist_lab.architecture import Architecture
from mnist_lab.errors import ArtefactMissing
from mnist_lab.keras_side import checkpoint, evaluate, train, weights
from mnist_lab.layers import Activation, BatchNormalization, Conv2D, Dense, Dropout, Flatten
from mnist_lab.optimizers import OPTIMIZERS, SGD, Adadelta, Adam, Optimizer, RMSprop
from mnist_lab.store import Run, RunStore
from mnist_lab.store.artefacts import BEST, CHECKPOINT, MODEL, epoch_weights
from mnist_lab.store.database import open_engine
from mnist_lab.training_config import (
    SCHEDULES,
    Augmentation,
    Constant,
    EarlyStopping,
    ReduceLROnPlateau,
    TrainingConfig,
)
from tests.keras_side.trainings import execute

PLAIN = Architecture((Conv2D(2, 5, 3, activation="relu"), Flatten(), Dense(10, "softmax")))
CHANCY = Architecture(
    (Conv2D(2, 5, 3), BatchNormalization(), Activation("relu"), Dropout(0.25), Flatten(), Dense(8, "relu"),
     BatchNormalization(), Dropout(0.5), Dense(10, "softmax"))
)  # fmt: skip
CONFIG = TrainingConfig(dataset="digits", epochs=2, batch_size=64, limit=192)
# Steps so large that the figures go up and down: the best epoch is neither the first nor the last.
RESTLESS = dataclasses.replace(CONFIG, epochs=9, optimizer=SGD(1.5))
STOPPED_EARLY = dataclasses.replace(RESTLESS, early_stopping=EarlyStopping(patience=3))

Outcome = tuple[list[dict[str, Any]], list[np.ndarray], tuple[Any, ...]]


class Killed(BaseException):
    """Stands for the end of the process: nothing in the program catches it."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunStore]:
    home = tmp_path_factory.mktemp("resume")
    store = RunStore(open_engine(f"sqlite:///{home / 'lab.db'}"), home)
    yield store
    store.close()


def outcome(store: RunStore, run: Run) -> Outcome:
    """All that came of a training but the time that it took."""
    run = store.get(run.id)
    assert run.status == "finished", run.reason
    history = [
        {key: value for key, value in entry.items() if not key.endswith("seconds")} for entry in store.history(run.id)
    ]
    assert [entry["epoch"] for entry in history] == list(range(1, run.epochs_run + 1))
    figures = run.best_epoch, run.kept_epoch, run.test_accuracy, run.test_loss, run.validation_loss
    return history, weights.load(run, store).get_weights(), figures


def assert_same(one: Outcome, other: Outcome) -> None:
    assert one[0] == other[0]
    assert all(np.array_equal(a, b) for a, b in zip(one[1], other[1], strict=True))
    assert one[2] == other[2]


_known: dict[str, Outcome] = {}


def uninterrupted(store: RunStore, config: TrainingConfig, network: Architecture = PLAIN) -> Outcome:
    key = json.dumps([config.to_dict(), network.to_dict()])
    if key not in _known:
        _known[key] = outcome(store, execute(store, store.create(network, config)))
    return _known[key]


@contextmanager
def dies_at(place: Any, name: str, when: Callable[..., bool] = lambda *_, **__: True) -> Iterator[None]:
    """The process ends where a function is about to be called."""
    true = getattr(place, name)

    def fatal(*given: Any, **more: Any) -> Any:
        if when(*given, **more):
            raise Killed
        return true(*given, **more)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(place, name, fatal)
        yield


def after(epoch: int) -> Callable[[], Any]:
    """The process ends when an epoch has been written down, before the next is begun."""

    def is_next(self: Any, number: int, logs: Any = None) -> bool:
        return number == epoch

    return lambda: dies_at(train.Control, "on_epoch_begin", is_next)


def interrupted(store: RunStore, run: Run, death: Callable[[], Any]) -> Run:
    with death():
        execute(store, run)
    assert store.get(run.id).status == "running"
    store.end(run.id, "interrupted")
    assert store.get(run.id).can_go_on
    return store.requeue(run.id)


def resumed(store: RunStore, config: TrainingConfig, network: Architecture, *deaths: Callable[[], Any]) -> Outcome:
    run = store.create(network, config)
    for death in deaths:
        run = interrupted(store, run, death)
    return outcome(store, execute(store, run))


def id_of(value: Any) -> str:
    return getattr(value, "kind", None) or "-".join(f"{key}" for key in value)


@pytest.mark.parametrize(
    "optimizer",
    [*(cls() for cls in OPTIMIZERS.values()), Adam(amsgrad=True), SGD(0.05, 0.9), SGD(0.05, 0.9, nesterov=True),
     RMSprop(momentum=0.5, centered=True)],
    ids=id_of,
)  # fmt: skip
def test_every_optimizer_goes_on_where_it_was(store: RunStore, optimizer: Optimizer) -> None:
    config = dataclasses.replace(CONFIG, optimizer=optimizer)
    assert_same(resumed(store, config, PLAIN, after(1)), uninterrupted(store, config))


@pytest.mark.parametrize(
    "change",
    [
        {"optimizer": Adam(), "augmentation": Augmentation(rotation=10.0, shift=0.1, zoom=0.1, shear=5.0)},
        {"optimizer": Adadelta(), "label_smoothing": 0.1, "batch_size": 50, "split": "test-as-validation"},
        {"optimizer": SGD(0.05, 0.9), "augmentation": Augmentation(rotation=5.0, pen=0.5, strangers=0.1)},
    ],
    ids=id_of,
)
def test_dropout_normalisation_and_changed_images_go_on_where_they_were(
    store: RunStore, change: dict[str, Any]
) -> None:
    config = dataclasses.replace(CONFIG, epochs=3, **change)
    expected = uninterrupted(store, config, CHANCY)
    assert_same(resumed(store, config, CHANCY, after(1), after(2)), expected)


@pytest.mark.parametrize("schedule", [cls() for cls in SCHEDULES.values() if cls is not Constant], ids=id_of)
def test_every_schedule_goes_on_where_it_was(store: RunStore, schedule: Any) -> None:
    is_plateau = isinstance(schedule, ReduceLROnPlateau)
    config = dataclasses.replace(RESTLESS if is_plateau else CONFIG, schedule=schedule)
    expected = uninterrupted(store, config)
    deaths = [after(epoch) for epoch in ((3, 4, 5, 6) if is_plateau else (1,))]
    assert_same(resumed(store, config, PLAIN, *deaths), expected)
    rates = [entry["learning_rate"] for entry in expected[0]]
    assert not is_plateau or rates[-1] < rates[0], "the rate never fell"


def of_file(wanted: str) -> Callable[..., bool]:
    def is_it(model: Any, store: Any, run_id: str, name: str = MODEL, **_: Any) -> bool:
        return name == wanted

    return is_it


def of_epoch(epoch: int) -> Callable[..., bool]:
    return lambda run_id, values, **_: values["epoch"] == epoch


MOMENTS: dict[str, Callable[[RunStore, int], Any]] = {
    "before the first checkpoint": lambda store, best: dies_at(checkpoint, "save"),
    "before the checkpoint of the best epoch":
        lambda store, best: dies_at(checkpoint, "save", lambda m, s, i, history: len(history) == best),
    "between the checkpoint and the best weights":
        lambda store, best: dies_at(
            train.Training, "_save_best", lambda self: len(self.history) == best),
    "between the best weights and the store": lambda store, best: dies_at(store, "add_epoch", of_epoch(best)),
    "between a checkpoint and the store": lambda store, best: dies_at(store, "add_epoch", of_epoch(best + 1)),
    "before the next checkpoint":
        lambda store, best: dies_at(checkpoint, "save", lambda m, s, i, history: len(history) == best + 1),
    "before the model is saved": lambda store, best: dies_at(weights, "save", of_file(MODEL)),
    "while it is evaluated": lambda store, best: dies_at(evaluate, "evaluate"),
    "before its figures are written": lambda store, best: dies_at(evaluate, "write"),
    "before it has ended": lambda store, best: dies_at(store, "end", lambda run_id, status, **_: status == "finished"),
}  # fmt: skip


@pytest.mark.parametrize("moment", MOMENTS)
def test_at_whatever_moment_it_ended_it_goes_on_to_the_same_end(store: RunStore, moment: str) -> None:
    expected = uninterrupted(store, STOPPED_EARLY)
    best = expected[2][0]
    assert 1 < best < len(expected[0]) < STOPPED_EARLY.epochs, "it says nothing of a best epoch in the middle"
    death = MOMENTS[moment]
    assert_same(resumed(store, STOPPED_EARLY, PLAIN, lambda: death(store, best)), expected)


def test_every_epoch_that_was_to_be_kept_is_kept_though_it_ended_in_between(store: RunStore) -> None:
    config = dataclasses.replace(CONFIG, epochs=3, keep_checkpoints=True, split="test-as-validation")
    run = store.create(PLAIN, config)
    for death in (dies_at(checkpoint, "save"), dies_at(store, "add_epoch", of_epoch(2))):
        run = interrupted(store, run, lambda death=death: death)  # type: ignore[misc]
    run = execute(store, run)
    assert run.status == "finished"
    assert all(store.artefacts.has(run.id, epoch_weights(epoch)) for epoch in (1, 2, 3))
    assert run.test_looks == 4, "three epochs, one of which the checkpoint told the store, and the end"


def test_a_resumed_training_learns_from_the_images_that_it_was_begun_on(store: RunStore) -> None:
    run = interrupted(store, store.create(PLAIN, dataclasses.replace(CONFIG, dataset="auto")), after(1))
    store.set_figures(run.id, fingerprint="of other images")
    failed = execute(store, run)
    assert failed.status == "failed"
    assert "was begun on other images than" in (failed.reason or "") and failed.epochs_run == 1


def test_a_gain_too_small_to_count_does_not_make_an_epoch_the_one_that_was_kept(store: RunStore) -> None:
    """The history's best may be another than that of early stopping, whose weights are restored."""
    stopping = EarlyStopping(patience=50, min_delta=50.0)
    run = execute(
        store, store.create(PLAIN, dataclasses.replace(CONFIG, keep_checkpoints=True, early_stopping=stopping))
    )
    assert (run.best_epoch, run.kept_epoch) == (2, 1)
    kept, first = (weights.load(run, store, name).get_weights() for name in (MODEL, epoch_weights(1)))
    assert all(np.array_equal(one, other) for one, other in zip(kept, first, strict=True))


# Damaged files ------------------------------------------------------------------------------------------------------


def flipped(content: bytes) -> bytes:
    return content[: len(content) // 2] + bytes([content[len(content) // 2] ^ 1]) + content[len(content) // 2 + 1 :]


def of_another_network(content: bytes) -> bytes:
    memory = weights._Memory()
    wider = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
    wider.save_weights(memory)
    return memory.getvalue()


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "truncated": lambda content: content[: len(content) * 2 // 3],
    "one bit flipped": flipped,
    "text": lambda content: b"weights, please\n" * 100,
    "pickle": lambda content: pickle.dumps({"weights": [1, 2, 3]}),
    "of another network": of_another_network,
}


def damage(path: Path, how: str) -> None:
    if how == "missing":
        path.unlink()
    else:
        path.write_bytes(DAMAGES[how](path.read_bytes()))


@pytest.fixture(scope="module")
def cut_short(store: RunStore) -> Run:
    """Interrupted after an epoch that is not its best, and out of the queue."""
    best = uninterrupted(store, STOPPED_EARLY)[2][0]
    run = interrupted(store, store.create(PLAIN, STOPPED_EARLY), after(best + 1))
    store.end(run.id, "interrupted", among=("queued",))
    return run


@pytest.mark.parametrize("name", [CHECKPOINT, BEST])
@pytest.mark.parametrize("how", [*DAMAGES, "missing"])
def test_a_damaged_file_is_named_and_the_epochs_that_are_done_stay(
    store: RunStore, cut_short: Run, tmp_path: Path, name: str, how: str
) -> None:
    history, path = store.history(cut_short.id), store.artefacts.path(cut_short.id, name)
    shutil.copyfile(path, tmp_path / name)
    try:
        damage(path, how)
        run = execute(store, store.requeue(cut_short.id))
    finally:
        shutil.copyfile(tmp_path / name, path)
    reason = run.reason or ""
    assert run.status == "failed" and name in reason and reason.lower().endswith("train it again."), reason
    assert len(reason.splitlines()) == 1 and str(store.artefacts.root) not in reason
    assert store.history(run.id) == history and run.epochs_run == len(history)


def test_best_weights_of_another_epoch_are_not_taken_for_those_of_the_best(
    store: RunStore, cut_short: Run, tmp_path: Path
) -> None:
    path = store.artefacts.path(cut_short.id, BEST)
    shutil.copyfile(path, tmp_path / BEST)
    try:
        weights.save(weights.load(cut_short, store, BEST), store, cut_short.id, BEST, note={"epoch": 1})
        run = execute(store, store.requeue(cut_short.id))
    finally:
        shutil.copyfile(tmp_path / BEST, path)
    assert run.status == "failed" and f"{BEST} of run" in (run.reason or "") and "is of epoch 1" in (run.reason or "")


def test_when_the_file_is_whole_again_the_same_run_goes_on(store: RunStore, cut_short: Run) -> None:
    assert_same(outcome(store, execute(store, store.requeue(cut_short.id))), uninterrupted(store, STOPPED_EARLY))


def test_the_state_of_another_optimizer_is_not_taken(store: RunStore) -> None:
    """Keras would only warn, and go on with a fresh one."""
    one = interrupted(store, store.create(PLAIN, dataclasses.replace(CONFIG, optimizer=SGD())), after(1))
    store.end(one.id, "stopped", among=("queued",))
    other = interrupted(store, store.create(PLAIN, dataclasses.replace(CONFIG, optimizer=Adam())), after(1))
    shutil.copyfile(store.artefacts.path(one.id, CHECKPOINT), store.artefacts.path(other.id, CHECKPOINT))
    failed = execute(store, other)
    assert failed.status == "failed" and CHECKPOINT in (failed.reason or "")


@pytest.fixture(scope="module")
def finished(store: RunStore) -> Run:
    return execute(store, store.create(PLAIN, dataclasses.replace(CONFIG, epochs=1)))


@pytest.fixture
def whole(store: RunStore, finished: Run) -> Iterator[Path]:
    """The weights of a run, which are as they were afterwards."""
    path = store.artefacts.path(finished.id, MODEL)
    content = path.read_bytes()
    yield path
    path.write_bytes(content)


def test_no_flipped_bit_is_taken_for_a_weight(store: RunStore, finished: Run, whole: Path) -> None:
    content = whole.read_bytes()
    model = weights.load(finished, store)
    for place in np.random.default_rng(0).integers(0, len(content) - len(weights.SEAL) - 8, 60):
        changed = bytearray(content)
        changed[place] ^= 1 << int(place) % 8
        whole.write_bytes(changed)
        with pytest.raises(ArtefactMissing, match=r"model\.weights\.h5 of run .* is damaged"):
            weights.put_into(model, finished, store)


def test_a_file_of_an_earlier_version_has_no_checksum_and_is_read(store: RunStore, finished: Run, whole: Path) -> None:
    expected = weights.load(finished, store).get_weights()
    content = whole.read_bytes()
    whole.write_bytes(content[: content.rindex(weights.SEAL)])
    for one, other in zip(weights.load(finished, store).get_weights(), expected, strict=True):
        np.testing.assert_array_equal(one, other)


def elsewhere(file: h5py.File, kernel: str) -> None:
    file[kernel] = h5py.ExternalLink("other.h5", "/x")


def giant(file: h5py.File, kernel: str) -> None:
    file.create_dataset(kernel, (2**20, 2**20), "f4", chunks=(1024, 1024))


def outside(file: h5py.File, kernel: str) -> None:
    file.create_dataset(kernel, (8, 10), "f4", external=[("other.bin", 0, 320)])


@pytest.mark.parametrize("change", [elsewhere, giant, outside])
def test_weights_that_lead_elsewhere_or_declare_what_is_not_there_are_not_followed(
    store: RunStore, finished: Run, whole: Path, change: Callable[..., None]
) -> None:
    with h5py.File(whole, "r+") as file:
        kernel = "layers/dense/vars/0"
        del file[kernel]
        change(file, kernel)
    whole.write_bytes(whole.read_bytes().partition(weights.SEAL)[0])
    with pytest.raises(ArtefactMissing, match="cannot be read"):
        weights.load(finished, store)

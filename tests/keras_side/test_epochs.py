"""What the kept weights of an epoch say: as plain Keras with the same weights, asked once, looks counted."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from mnist_lab import datasets, kept_epochs
from mnist_lab.architecture import Architecture
from mnist_lab.errors import ArtefactMissing
from mnist_lab.keras_side import evaluate
from mnist_lab.keras_side.infer import Answers
from mnist_lab.layers import Dense, Flatten, MaxPooling2D
from mnist_lab.predictions import read_predictions
from mnist_lab.store import Run, RunStore
from mnist_lab.store.artefacts import PREDICTIONS, VALIDATION_PREDICTIONS, epoch_predictions, epoch_weights
from mnist_lab.store.database import open_engine
from mnist_lab.training_config import TrainingConfig
from tests.keras_side.trainings import execute

NETWORK = Architecture((MaxPooling2D((2, 2)), Flatten(), Dense(10, "softmax")))
CONFIG = TrainingConfig(dataset="digits", epochs=3, batch_size=64, limit=320, keep_checkpoints=True)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunStore]:
    home = tmp_path_factory.mktemp("epochs")
    store = RunStore(open_engine(f"sqlite:///{home / 'lab.db'}"), home)
    yield store
    store.close()


def trained(store: RunStore, config: TrainingConfig) -> Run:
    return execute(store, store.create(NETWORK, config))


@pytest.fixture(scope="module")
def run(store: RunStore) -> Run:
    return trained(store, CONFIG)


@pytest.fixture(scope="module")
def flattered(store: RunStore) -> Run:
    return trained(store, dataclasses.replace(CONFIG, split="test-as-validation"))


def plain_keras(store: RunStore, run: Run, epoch: int, images: np.ndarray) -> np.ndarray:
    """The same network written in Keras by hand, with the weights of the file."""
    model = keras.Sequential(
        [keras.Input((28, 28, 1)), keras.layers.MaxPooling2D((2, 2)), keras.layers.Flatten(),
         keras.layers.Dense(10, activation="softmax")]
    )  # fmt: skip
    with h5py.File(store.artefacts.path(run.id, epoch_weights(epoch))) as file:
        found: list[np.ndarray] = []
        file.visititems(lambda _, item: found.append(item[()]) if isinstance(item, h5py.Dataset) else None)
    model.set_weights(sorted(found, key=lambda array: -array.ndim))
    return np.asarray(keras.ops.convert_to_numpy(model(images[..., np.newaxis].astype("float32") / 255.0)))


def test_an_epoch_says_what_plain_keras_says_with_its_weights(store: RunStore, run: Run) -> None:
    parts = datasets.split(datasets.load("digits"), "holdout", seed=0)
    answers, said = Answers(store), {}
    assert kept_epochs.kept_epochs(store, run) == [1, 2, 3]
    for epoch in (2, 1, 3):  # the same network is given one epoch's weights after the other's
        known = read_predictions(store, run, answers.predict_epoch(run.id, epoch, "validation"))
        assert known.indices.tolist() == parts.validation_indices.tolist()
        assert known.labels.tolist() == parts.y_validation.tolist()
        np.testing.assert_allclose(
            known.probabilities, plain_keras(store, run, epoch, parts.x_validation), atol=1e-5
        )  # fmt: skip
        said[epoch] = known.probabilities
    assert not np.allclose(said[1], said[2], atol=1e-3), "both epochs' weights would be the same"
    right = (said[2].argmax(axis=1) == parts.y_validation).mean()
    assert store.history(run.id)[1]["val_accuracy"] == pytest.approx(right, abs=1e-6)


def test_what_is_known_is_not_asked_again(store: RunStore, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    name = Answers(store).predict_epoch(run.id, 1, "validation")
    with monkeypatch.context() as patch:
        patch.setattr(evaluate, "evaluate", lambda *_: pytest.fail("asked again"))
        assert Answers(store).predict_epoch(run.id, 1, "validation") == name
        assert Answers(store).predict_epoch(run.id, 3, "validation") == VALIDATION_PREDICTIONS, "the run's own"
    weights = store.artefacts.path(run.id, epoch_weights(1))
    later = store.artefacts.changed(run.id, name) + 5
    os.utime(weights, (later, later))
    assert kept_epochs.known_predictions(store, run, 1, "validation") is None, "the training wrote other weights since"


def test_the_first_look_of_an_epoch_at_the_test_images_is_counted(store: RunStore, run: Run) -> None:
    answers = Answers(store)

    def looks() -> int:
        return store.get(run.id).test_looks

    assert looks() == 1, "that at the end of the training"
    answers.predict_epoch(run.id, 2, "validation")
    assert looks() == 1
    assert answers.predict_epoch(run.id, 2, "test") == epoch_predictions(2, PREDICTIONS)
    assert looks() == 2
    answers.predict_epoch(run.id, 2, "test")
    assert looks() == 2, "what was seen is seen"
    assert answers.predict_epoch(run.id, 3, "test") == PREDICTIONS, "the epoch that was kept was evaluated"
    assert looks() == 2


def test_where_the_test_images_validate_no_further_look_is_counted(store: RunStore, flattered: Run) -> None:
    answers, before = Answers(store), store.get(flattered.id).test_looks
    assert before == CONFIG.epochs + 1, "each epoch was evaluated on them, and the run"
    names = {answers.predict_epoch(flattered.id, 1, part) for part in ("validation", "test")}
    assert names == {epoch_predictions(1, PREDICTIONS)}
    assert store.get(flattered.id).test_looks == before
    known = read_predictions(store, flattered, names.pop())
    assert (known.digits == known.labels).mean() == pytest.approx(store.history(flattered.id)[0]["val_accuracy"])


def test_an_epoch_that_was_not_kept_is_one_sentence(store: RunStore, run: Run) -> None:
    with pytest.raises(ArtefactMissing, match=r"has no epoch-00009"):
        Answers(store).predict_epoch(run.id, 9, "validation")


def test_epochs_that_a_resumed_training_has_not_reached_again_are_not_offered(store: RunStore, tmp_path: Path) -> None:
    run = store.create(NETWORK, CONFIG)
    for epoch in (1, 2, 3):
        with store.artefacts.writing(run.id, epoch_weights(epoch)) as path:
            path.write_bytes(b"weights")
    store.rewind(run.id, 2)
    assert kept_epochs.kept_epochs(store, store.get(run.id)) == [1, 2]
    store.end(run.id, "stopped", among=("queued",))

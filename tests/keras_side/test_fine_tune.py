"""Fine-tuning by the worker's path: where it starts, what it learns from, what it is tested on, what it cannot do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from mnist_lab import datasets, my_digits, run_data
from mnist_lab.architecture import Architecture
from mnist_lab.errors import ArtefactMissing, JobError
from mnist_lab.jobs import fine_tune
from mnist_lab.keras_side import infer, train
from mnist_lab.layers import Dense, Flatten, MaxPooling2D
from mnist_lab.optimizers import SGD
from mnist_lab.predictions import read_predictions
from mnist_lab.store import NewDigit, Run, RunStore, open_store
from mnist_lab.store.artefacts import BASE_PREDICTIONS, CHECKPOINT, DIGITS, MODEL, PREDICTIONS
from mnist_lab.training_config import MY_DIGITS, FineTuning, TrainingConfig
from tests.keras_side.trainings import execute

NETWORK = Architecture((MaxPooling2D((2, 2)), Flatten(), Dense(10, "softmax")))
CONFIG = TrainingConfig(dataset="digits", epochs=1, batch_size=64, limit=640)
# So small that no weight moves by as much as a prediction shows.
STILL = replace(CONFIG, limit=None, optimizer=SGD(learning_rate=1e-9), fine_tuning=FineTuning(rehearsal=2))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunStore]:
    """One for all of these tests, each of which has a writer of its own; without MNIST."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MNIST_LAB_HOME", str(home))
        patched.setenv("KERAS_HOME", str(home / "keras"))
        for name in ("MNIST_LAB_STORE", "MNIST_LAB_DATA"):
            patched.delenv(name, raising=False)
        yield open_store()


@pytest.fixture(scope="module")
def parent(store: RunStore) -> Run:
    return execute(store, store.create(NETWORK, CONFIG, name="parent"))


def mine(count: int) -> list[NewDigit]:
    """Digits unlike those of the data set: upside down."""
    dataset = datasets.load("digits")
    return [
        NewDigit(image[::-1], int(label))
        for image, label in zip(dataset.x_test[:count], dataset.y_test[:count], strict=True)
    ]


def test_it_starts_from_its_parent_s_weights_and_is_tested_on_the_digits_held_out(store: RunStore, parent: Run) -> None:
    store.keep_digits("Anna", mine(60))
    digits = store.digits("Anna")
    run = execute(store, fine_tune(store, parent, "Anna", STILL))
    assert (run.status, run.dataset, run.split) == ("finished", MY_DIGITS, "holdout"), run.reason
    assert run.name == "parent, fine-tuned on digits of Anna"
    assert run.config().fine_tuning == FineTuning(parent.id, "Anna", 2)

    held_out = [digit for digit in digits if my_digits.is_held_out(digit)]
    known = read_predictions(store, run)
    assert known.labels.tolist() == [digit.label for digit in held_out]
    asked = infer.Answers(store).predict(parent.id, my_digits.images_of(held_out))
    assert known.probabilities == pytest.approx(asked, abs=1e-5)
    dataset = run_data.dataset_of(store, run)
    assert np.array_equal(datasets.images_at(dataset, known.indices, known.labels), my_digits.images_of(held_out))

    # What it forgot is seen on the images that its parent was tested on: nothing, at such a rate.
    base, before = read_predictions(store, run, BASE_PREDICTIONS), read_predictions(store, parent, PREDICTIONS)
    assert base.probabilities == pytest.approx(before.probabilities, abs=1e-5)
    assert np.array_equal(base.labels, before.labels)
    assert run.fingerprint != parent.fingerprint, "comparisons refuse"
    assert run.test_looks == 2


def test_it_learns_from_what_is_not_held_out_and_from_so_many_others(store: RunStore, parent: Run) -> None:
    store.keep_digits("Ben", mine(60))
    run = fine_tune(store, parent, "Ben", STILL)
    store.delete([run.id])  # nobody is to take it
    held_out = {digit.image.tobytes() for digit in store.digits("Ben") if my_digits.is_held_out(digit)}
    learnt = {digit.image.tobytes() for digit in store.digits("Ben")} - held_out
    # What is kept or deleted after it was asked for changes nothing.
    store.delete_digits("Ben", [digit.digest for digit in store.digits("Ben")[:30]])
    data = run_data.load(store, run)
    train_images = [image.tobytes() for image in data.split.x_train]
    base = datasets.split(datasets.load("digits"), "holdout", seed=42)
    others = {image.tobytes() for image in base.x_train}
    assert set(train_images[: len(learnt)]) == learnt
    assert set(train_images[len(learnt) :]) <= others
    assert len(train_images) == 3 * len(learnt)
    assert not held_out & set(train_images)
    assert np.array_equal(data.split.x_validation, base.x_validation)
    assert {image.tobytes() for image in data.split.x_test} == held_out


def test_it_learns_a_hand_that_its_parent_cannot_read(store: RunStore, parent: Run) -> None:
    store.keep_digits("Carl", mine(200))
    tuned = replace(CONFIG, limit=None, epochs=6, optimizer=SGD(0.5), fine_tuning=FineTuning(rehearsal=1))
    run = execute(store, fine_tune(store, parent, "Carl", tuned))
    held_out = [digit for digit in store.digits("Carl") if my_digits.is_held_out(digit)]
    before = infer.Answers(store).predict(parent.id, my_digits.images_of(held_out)).argmax(1)
    assert run.test_accuracy is not None
    assert run.test_accuracy > np.mean(before == my_digits.labels_of(held_out)) + 0.2


def test_one_that_was_interrupted_goes_on_from_its_own_weights(
    store: RunStore, parent: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.keep_digits("Dora", mine(60))
    run = fine_tune(store, parent, "Dora", replace(STILL, epochs=2, optimizer=SGD(0.1)))
    record, seen = train.Training._record, []

    def killed(self: train.Training, values: dict) -> None:
        record(self, values)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(train.Training, "_record", killed)
        execute(store, run)
    store.end(run.id, "interrupted")
    assert store.artefacts.has(run.id, CHECKPOINT)
    store.requeue(run.id)
    monkeypatch.setattr(train.Training, "_start_from_parent", lambda *_: seen.append("started anew"))
    again = execute(store, run)
    assert (again.status, again.epochs_run, seen) == ("finished", 2, [])


def test_too_few_digits_and_a_parent_without_weights_are_a_sentence(store: RunStore, parent: Run) -> None:
    store.keep_digits("Emil", mine(12))
    with pytest.raises(JobError, match="at least 20 digits to learn from and 5 held out"):
        fine_tune(store, parent, "Emil", STILL)
    store.keep_digits("Emil", mine(60))
    empty = store.create(NETWORK, CONFIG)
    store.delete([empty.id])
    before = len(store.runs())
    with pytest.raises(ArtefactMissing):
        fine_tune(store, empty, "Emil", STILL)
    assert len(store.runs()) == before


def test_without_its_digits_or_with_another_network_it_fails_with_a_sentence(store: RunStore, parent: Run) -> None:
    store.keep_digits("Frida", mine(60))
    run = fine_tune(store, parent, "Frida", STILL)
    store.artefacts.remove(run.id, DIGITS)
    assert "are not here" in (execute(store, run).reason or "")
    tuning = FineTuning(parent.id, "Frida")
    other = store.create(
        Architecture((Flatten(), Dense(10, "softmax"))), replace(STILL, fine_tuning=tuning),
        files={DIGITS: run_data.pack(store.digits("Frida"))},
    )  # fmt: skip
    failed = execute(store, other)
    assert (failed.status, "another network" in (failed.reason or "")) == ("failed", True)


def test_damaged_digits_or_a_damaged_parent_are_named(store: RunStore, parent: Run) -> None:
    store.keep_digits("Gerd", mine(60))
    runs = [fine_tune(store, parent, "Gerd", STILL) for _ in range(2)]
    digits, model = store.artefacts.path(runs[0].id, DIGITS), store.artefacts.path(parent.id, MODEL)
    content = model.read_bytes()
    digits.write_bytes(digits.read_bytes()[:-100])
    model.write_bytes(content[:2000] + b"?" + content[2001:])
    try:
        failed = [execute(store, run) for run in runs]
    finally:
        model.write_bytes(content)
    assert [run.status for run in failed] == ["failed", "failed"]
    assert f"{DIGITS} is damaged" in (failed[0].reason or "")
    assert f"{MODEL} of run 'parent' cannot be read (it is damaged" in (failed[1].reason or "")

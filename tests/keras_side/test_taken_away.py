"""Small runs trained here, taken away: the script trains them again by itself, and the archive brings them back."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from mnist_lab import datasets
from mnist_lab.architecture import Architecture
from mnist_lab.exchange import FORMS, Source, bring_in
from mnist_lab.keras_side.infer import Answers
from mnist_lab.keras_side.train import execute
from mnist_lab.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from mnist_lab.metrics import accuracy_interval
from mnist_lab.predictions import read_predictions
from mnist_lab.source import keras_script
from mnist_lab.store import Run, RunStore
from mnist_lab.store.database import open_engine
from mnist_lab.training_config import SPLITS, Augmentation, CosineDecay, EarlyStopping, TrainingConfig

SMALL = Architecture(
    (Conv2D(8, 5, 2), BatchNormalization(), MaxPooling2D(), Flatten(), Dropout(0.2), Dense(10, "softmax"))
)
DIGITS = TrainingConfig(
    dataset="digits", epochs=12, batch_size=32, seed=3, schedule=CosineDecay(0.1, 1.0), label_smoothing=0.05,
    early_stopping=EarlyStopping("val_accuracy", 4), augmentation=Augmentation(5.0, 0.05, 0.05, 0.0),
)  # fmt: skip
# Keras's own EarlyStopping reads its variables in a way that NumPy 2 calls old.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def store_at(home: Path) -> RunStore:
    return RunStore(open_engine(f"sqlite:///{home / 'lab.db'}"), home)


def trained(store: RunStore, training: TrainingConfig) -> Run:
    run = store.create(SMALL, training, name="Taken away")
    claimed = store.claim("tester", os.getpid())
    assert claimed is not None
    execute(store, claimed, "tester")
    run = store.get(run.id)
    assert run.status == "finished", run.reason
    return run


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunStore, Run]]:
    store = store_at(tmp_path_factory.mktemp("lab"))
    yield store, trained(store, DIGITS)
    store.close()


def ask(answers: Answers) -> Any:
    return lambda question, deadline, **arguments: getattr(answers, question)(**arguments)


def repeated(script: bytes, folder: Path, prelude: str = "") -> tuple[float, int, keras.Model]:
    """Runs a script in a process of its own; returns its accuracy, its test images and its network."""
    path = folder / "script.py"
    path.write_bytes(script)
    command = [sys.executable, str(path)]
    if prelude:
        command = [sys.executable, "-c", f"{prelude}\nimport runpy\nrunpy.run_path({str(path)!r}, run_name='__main__')"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command,
        cwd=folder,
        env={**environment, "CUDA_VISIBLE_DEVICES": "-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    said = re.search(r"Test: accuracy ([0-9.]+), loss [0-9.]+, ([0-9,]+) images", done.stdout)
    assert said, done.stdout[-500:]
    [saved] = folder.glob("*.keras")
    return float(said[1]), int(said[2].replace(",", "")), keras.models.load_model(saved)


def assert_within_noise(run: Run, accuracy: float, images: int) -> None:
    """Two trainings of one network: each accuracy has the noise of its images, and another training's on top."""
    assert run.test_accuracy is not None and images == run.test_images
    ours = accuracy_interval(round(run.test_accuracy * images), images, 0.9999)
    theirs = accuracy_interval(round(accuracy * images), images, 0.9999)
    assert ours[0] <= theirs[1] and theirs[0] <= ours[1], (run.test_accuracy, accuracy)
    assert accuracy > 0.8, "it has learnt"


def test_the_script_trains_the_run_again(lab: tuple[RunStore, Run], tmp_path: Path) -> None:
    store, run = lab
    script = FORMS["script"].make(Source(store, run, None))
    accuracy, images, model = repeated(script, tmp_path)
    assert model.count_params() == run.parameters
    assert sum(int(np.prod(w.shape)) for w in model.trainable_weights) == run.trainable_parameters
    assert_within_noise(run, accuracy, images)


@pytest.mark.mnist
def test_the_script_trains_a_run_of_some_of_mnist_again(tmp_path: Path) -> None:
    store = store_at(tmp_path / "home")
    run = trained(store, TrainingConfig(dataset="mnist", limit=10_000, epochs=5, batch_size=50, seed=5))
    dataset = datasets.load("mnist")
    np.savez(tmp_path / "mnist.npz", a=dataset.x_train, b=dataset.y_train, c=dataset.x_test, d=dataset.y_test)
    # What Keras would download is here already, in another form.
    prelude = (
        "import keras, numpy\n"
        f"kept = numpy.load({str(tmp_path / 'mnist.npz')!r})\n"
        "keras.datasets.mnist.load_data = lambda: ((kept['a'], kept['b']), (kept['c'], kept['d']))"
    )
    accuracy, images, model = repeated(FORMS["script"].make(Source(store, run, None)), tmp_path, prelude)
    store.close()
    assert model.count_params() == run.parameters and images == 10_000
    assert_within_noise(run, accuracy, images)


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("limit", [None, 300])
def test_the_script_loads_the_very_images_of_the_run(split: str, limit: int | None) -> None:
    names: dict[str, Any] = {"__name__": "exported"}
    training = replace(DIGITS, split=split, limit=limit, augmentation=Augmentation())
    exec(compile(keras_script(SMALL, training, "x"), "x", "exec"), names)
    ours = datasets.split(datasets.load("digits"), split, seed=training.seed, limit=limit)
    parts = (ours.x_train, ours.y_train), (ours.x_validation, ours.y_validation), (ours.x_test, ours.y_test)
    for (x, y), (images, labels) in zip(names["load_data"](), parts, strict=True):
        np.testing.assert_array_equal(np.rint(x[..., 0] * 255), images)
        np.testing.assert_array_equal(y, labels)


def test_mixed_mnist_is_cut_as_the_lab_cuts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # One grey level per image would not tell 70,000 apart; their labels do.
    x, y = np.zeros((70_000, 1, 1), np.uint8), np.arange(70_000)
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: ((x[:60_000], y[:60_000]), (x[60_000:], y[60_000:])))
    names: dict[str, Any] = {"__name__": "exported"}
    training = TrainingConfig(dataset="mnist", split="pooled-80-10-10", seed=11)
    exec(compile(keras_script(SMALL, training, "x"), "x", "exec"), names)
    numbered = datasets.Dataset("mnist", "MNIST", x[:60_000], y[:60_000], x[60_000:], y[60_000:], source="a test")
    ours = datasets.split(numbered, "pooled-80-10-10", seed=11)
    wanted = (ours.y_train, ours.y_validation, ours.y_test)
    for (_, found), labels in zip(names["load_data"](), wanted, strict=True):
        np.testing.assert_array_equal(found, labels)


def test_the_archive_brings_the_run_back_with_the_same_answers(lab: tuple[RunStore, Run], tmp_path: Path) -> None:
    store, run = lab
    archive = FORMS["zip"].make(Source(store, run, ask(Answers(store))))
    other = store_at(tmp_path / "other")
    brought = bring_in(other, archive, ask(Answers(other)))
    assert brought.is_new and "asked 360 of 360 again and says the same" in brought.checked
    new = brought.run
    assert (new.network(), new.config(), new.test_accuracy, new.test_loss) == (
        run.network(), run.config(), run.test_accuracy, run.test_loss,
    )  # fmt: skip
    assert other.history(new.id) == store.history(run.id)
    before, after = read_predictions(store, run), read_predictions(other, new)
    np.testing.assert_array_equal(before.probabilities, after.probabilities)
    images = datasets.load("digits").x_test
    np.testing.assert_array_equal(Answers(store).predict(run.id, images), Answers(other).predict(new.id, images))
    Answers(other).evaluate(new.id)
    assert other.get(new.id).test_accuracy == run.test_accuracy
    other.close()

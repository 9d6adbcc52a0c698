"""Two stores, a run of the embedded digits in one of them, and a stand-in for the inference process."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnist_lab import datasets
from mnist_lab.exchange import FORMS, Source, layout
from mnist_lab.store import Run, RunStore
from mnist_lab.store.artefacts import MODEL, VALIDATION_PREDICTIONS
from mnist_lab.store.database import open_engine
from mnist_lab.training_config import EarlyStopping, StepDecay
from tests.made_runs import ONE, add_run

SPLIT = datasets.split(datasets.load("digits"), "holdout", seed=1)
TRAINING = replace(ONE, schedule=StepDecay(0.3, 2), early_stopping=EarlyStopping("val_accuracy"), limit=500)
HISTORY = [
    {"epoch": 1, "loss": 0.75, "accuracy": 0.8, "val_loss": 0.5, "val_accuracy": 0.9, "learning_rate": 0.001,
     "seconds": 2.0, "fit_seconds": 1.5},
    {"epoch": 2, "loss": None, "accuracy": 0.25, "val_loss": 0.25, "val_accuracy": 0.95, "learning_rate": 0.0003,
     "seconds": 1.0, "fit_seconds": 0.5},
]  # fmt: skip
POINTS = [
    {"step": 4, "epoch": 1.0, "loss": 0.5, "accuracy": 0.5},
    {"step": 6, "epoch": 1.5, "loss": None, "accuracy": 0.75},
]


class Mouth:
    """Stands for the inference process: takes every weight for good, and says of images what the run said."""

    def __init__(self, store: RunStore, run: Run) -> None:
        self.asked: list[str] = []
        with np.load(store.artefacts.path(run.id, "predictions.npz")) as kept:
            self.said = np.asarray(kept["probabilities"], np.float32)

    def __call__(self, question: str, deadline: float, **arguments: Any) -> Any:
        self.asked.append(question)
        if question == "export":
            return b"a file of Keras"
        assert question == "adopt"
        places = [int(np.flatnonzero((SPLIT.x_test == image).all(axis=(1, 2)))[0]) for image in arguments["images"]]
        return b"written anew: " + arguments["content"], self.said[places]


@pytest.fixture(autouse=True)
def no_mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MNIST_LAB_DATA", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))


@pytest.fixture
def make_store(tmp_path: Path) -> Iterator[Callable[[str], RunStore]]:
    made: list[RunStore] = []

    def make(name: str) -> RunStore:
        home = tmp_path / name
        made.append(RunStore(open_engine(f"sqlite:///{home / 'lab.db'}"), home))
        return made[-1]

    yield make
    for store in made:
        store.close()


@pytest.fixture
def store(make_store: Callable[[str], RunStore]) -> RunStore:
    """The store that runs are taken away from."""
    return make_store("here")


@pytest.fixture
def other(make_store: Callable[[str], RunStore]) -> RunStore:
    """The store that they are brought into."""
    return make_store("there")


@pytest.fixture
def run(store: RunStore) -> Run:
    """A finished run with all that a run may have; three of its test images are mistaken."""
    return whole_run(store)


def whole_run(store: RunStore) -> Run:
    made = add_run(
        store, [3, 8, 100], training=TRAINING, name="Zwölf <b>*rot*</b> /../x", fingerprint=SPLIT.fingerprint,
        notes="a note, with “quotes”", tags=["a tag", "b"], best_epoch=2, kept_epoch=2, started=1.7e9, ended=1.7e9 + 3,
        training_images=500, validation_accuracy=0.95, validation_loss=0.25, seconds=3.0, images_per_second=1000.0,
        prediction_seconds=1e-5, test_looks=2, device="a device",
    )  # fmt: skip
    for entry in HISTORY:
        store.add_epoch(made.id, entry)
    store.set_figures(made.id, status="running", worker="w")
    store.report(made.id, "w", {}, POINTS)
    store.end(made.id, "finished", worker="w")
    store.set_figures(made.id, ended=1.7e9 + 3, worker=None, heartbeat=None, progress=None)
    with store.artefacts.writing(made.id, MODEL) as path:
        path.write_bytes(b"weights")
    with store.artefacts.writing(made.id, VALIDATION_PREDICTIONS) as path:
        np.savez_compressed(
            path,
            probabilities=np.eye(10)[SPLIT.y_validation],
            labels=SPLIT.y_validation,
            indices=SPLIT.validation_indices,
        )
    return store.get(made.id)


@pytest.fixture
def mouth(store: RunStore, run: Run) -> Mouth:
    return Mouth(store, run)


@pytest.fixture
def archive(store: RunStore, run: Run, mouth: Mouth) -> bytes:
    """The run as one .zip."""
    return FORMS["zip"].make(Source(store, run, mouth))


@dataclass
class Door:
    """A store that stays empty as long as all that comes is refused, and an archive that would be let in."""

    store: RunStore
    mouth: Mouth
    archive: bytes


@pytest.fixture(scope="package")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """One for all tests of what is refused."""
    stores = []
    for name in ("from", "into"):
        home = tmp_path_factory.mktemp(name)
        stores.append(RunStore(open_engine(f"sqlite:///{home / 'lab.db'}"), home))
    run = whole_run(stores[0])
    mouth = Mouth(stores[0], run)
    archive = FORMS["zip"].make(Source(stores[0], run, mouth))
    yield Door(stores[1], mouth, archive)
    for store in stores:
        store.close()


def unpacked(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        return {name: file.read(name) for name in file.namelist()}


def packed(files: Mapping[str, bytes | None], *, sign: bool = True, method: int = zipfile.ZIP_STORED) -> bytes:
    """An archive of files; None leaves one out. Signed, its manifest lists what is in it."""
    kept = {name: content for name, content in files.items() if content is not None}
    if sign and layout.MANIFEST in kept:
        manifest = json.loads(kept[layout.MANIFEST])
        manifest["files"] = {
            name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in kept.items()
            if name != layout.MANIFEST
        }
        kept[layout.MANIFEST] = json.dumps(manifest).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        for name, content in kept.items():
            file.writestr(name, content)
    return buffer.getvalue()


def changed(archive: bytes, name: str, change: Callable[[Any], Any], *, sign: bool = True) -> bytes:
    """The archive with one of its JSON files changed."""
    files: dict[str, bytes | None] = dict(unpacked(archive))
    values = json.loads(files[name] or b"")
    values = change(values) or values
    return packed({**files, name: json.dumps(values).encode()}, sign=sign)

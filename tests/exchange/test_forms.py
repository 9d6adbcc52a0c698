"""A run in each of the forms in which it can be taken away, read by whoever is to read it."""

from __future__ import annotations

import ast
import hashlib
import io
import json
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mnist_lab
from mnist_lab.architecture import Architecture
from mnist_lab.errors import ArtefactMissing, ExchangeError
from mnist_lab.exchange import FORMS, MAX_ARCHIVE, Source, file_name, files, layout
from mnist_lab.store import Run, RunStore
from mnist_lab.store.artefacts import PREDICTIONS
from mnist_lab.training_config import TrainingConfig
from tests.exchange.conftest import HISTORY, POINTS, SPLIT, Mouth, unpacked
from tests.made_runs import IMAGES, add_run

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def source(store: RunStore, run: Run, mouth: Mouth) -> Source:
    return Source(store, run, mouth)


def test_the_history_is_a_table_whose_best_epoch_is_marked(source: Source) -> None:
    table = pd.read_csv(io.BytesIO(FORMS["history"].make(source)))
    assert list(table.columns) == [*HISTORY[0], "best", "kept"]
    for name in HISTORY[0]:
        np.testing.assert_array_equal(table[name], np.array([entry[name] for entry in HISTORY], float))
    assert table["best"].tolist() == [0, 1] and table["kept"].tolist() == [0, 1]


def test_the_predictions_are_a_table_and_arrays_of_the_same_numbers(source: Source) -> None:
    chances = np.random.default_rng(1).dirichlet(np.ones(10), IMAGES).astype(np.float32)
    with source.store.artefacts.writing(source.run.id, PREDICTIONS) as path:
        np.savez_compressed(path, probabilities=chances, labels=SPLIT.y_test, indices=SPLIT.test_indices)
    table = pd.read_csv(io.BytesIO(FORMS["predictions"].make(source)), dtype={f"p{d}": np.float32 for d in range(10)})
    assert list(table.columns) == ["image", "label", "predicted", *(f"p{digit}" for digit in range(10))]
    np.testing.assert_array_equal(table[[f"p{digit}" for digit in range(10)]], chances)
    np.testing.assert_array_equal(table["predicted"], chances.argmax(1))
    with np.load(io.BytesIO(FORMS["predictions-npz"].make(source)), allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["probabilities"], chances)
        np.testing.assert_array_equal(arrays["labels"], table["label"])
        np.testing.assert_array_equal(arrays["indices"], table["image"])


def test_the_descriptions_are_read_back_as_they_were(source: Source) -> None:
    network = Architecture.from_dict(json.loads(FORMS["architecture"].make(source)))
    training = TrainingConfig.from_dict(json.loads(FORMS["training"].make(source)))
    assert (network, training) == (source.run.network(), source.run.config())


def test_the_script_takes_the_images_that_the_run_took(store: RunStore, mouth: Mouth) -> None:
    for dataset, loads in (("digits", "load_digits"), ("mnist", "mnist.load_data")):
        # What was asked for is "auto"; what it came to is what is written.
        run = add_run(store, training=TrainingConfig(seed=7, limit=300, epochs=3, batch_size=50), dataset=dataset)
        text = FORMS["script"].make(Source(store, run, mouth)).decode()
        assert loads in text
        names = {node.targets[0].id: node.value.value for node in ast.parse(text).body if isinstance(node, ast.Assign)}  # type: ignore[attr-defined]
        assert names == {"EPOCHS": 3, "BATCH_SIZE": 50, "SEED": 7}
        assert "x_train[:300]" in text


def test_the_archive_holds_everything_under_a_manifest(source: Source, archive: bytes) -> None:
    held = unpacked(archive)
    assert set(held) == set(layout.SIZES), "this run has all there is"
    manifest = json.loads(held.pop(layout.MANIFEST))
    assert (manifest["kind"], manifest["format"], manifest["program"]) == (
        layout.KIND, layout.FORMAT, mnist_lab.__version__,
    )  # fmt: skip
    assert manifest["files"] == {
        name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()} for name, content in held.items()
    }
    assert json.loads(held[layout.HISTORY]) == HISTORY and json.loads(held[layout.POINTS]) == POINTS
    assert held[layout.KERAS_MODEL] == b"a file of Keras" and held[layout.WEIGHTS] == b"weights"


def test_a_run_without_model_and_predictions_has_the_other_forms(store: RunStore, mouth: Mouth) -> None:
    source = Source(
        store, add_run(store, None, status="failed", reason="The loss became NaN.", test_accuracy=None), mouth
    )
    held = unpacked(FORMS["zip"].make(source))
    assert layout.WEIGHTS not in held and layout.PREDICTIONS not in held and layout.SCRIPT in held
    for form in FORMS.values():
        if form.needs == PREDICTIONS:
            with pytest.raises(ArtefactMissing, match="was not evaluated"):
                form.make(source)


def test_a_run_under_way_has_no_archive_yet(store: RunStore, mouth: Mouth) -> None:
    run = add_run(store, None, status="running")
    with pytest.raises(ExchangeError, match="is running"):
        FORMS["zip"].make(Source(store, run, mouth))


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b\\c", "", "数字", ".", "x" * 300, 'con\n\0<>:"|?*'])
def test_no_name_of_a_run_leads_elsewhere(store: RunStore, name: str) -> None:
    run = add_run(store, name=name or "?")
    for form in FORMS.values():
        made = file_name(run, form)
        assert Path(made).name == made and len(made) < 140
        assert set(made) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-")


def test_a_file_that_is_there_stays_unless_it_may_go(tmp_path: Path) -> None:
    path = files.place(tmp_path, "run.zip", force=False)
    assert path == tmp_path / "run.zip"
    files.write(b"one", path, force=False)
    with pytest.raises(ExchangeError, match="there already"):
        files.place(tmp_path, "run.zip", force=False)
    with pytest.raises(ExchangeError, match="there already"):
        files.write(b"two", path, force=False)
    assert path.read_bytes() == b"one"
    files.write(b"two", files.place(path, "ignored", force=True), force=True)
    assert path.read_bytes() == b"two" and list(tmp_path.iterdir()) == [path]
    with pytest.raises(ExchangeError, match="There is no folder"):
        files.place(tmp_path / "nowhere" / "x.zip", "run.zip", force=True)
    with pytest.raises(ExchangeError, match="is a folder"):
        files.place(tmp_path, tmp_path.name and ".", force=True)


def test_the_server_takes_files_as_large_as_archives_may_be() -> None:
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert settings["server"]["maxUploadSize"] * 2**20 == MAX_ARCHIVE

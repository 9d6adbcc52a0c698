"""The program with the files of its runs in an object store: its settings, the doctor, backups, and nothing without."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mnist_lab import settings
from mnist_lab.errors import SettingError, StoreError
from mnist_lab.settings import read_settings
from mnist_lab.store import RunStore, open_store
from mnist_lab.store.artefacts import CHECKPOINT, LOG, MODEL, PREDICTIONS, Artefacts
from mnist_lab.store.objects import ObjectArtefacts
from mnist_lab.store.runs import _opened
from tests.conftest import Here
from tests.made_runs import add_run
from tests.object_store import SECRET

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def home(tmp_path: Path, here: Here) -> Path:
    return tmp_path / "home"


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> str:
    made = f"memory://{uuid.uuid4().hex}/runs"
    monkeypatch.setenv("MNIST_LAB_ARTEFACTS", made)
    return made


@pytest.fixture
def store(home: Path, url: str) -> Iterator[RunStore]:
    """The store that the program opens by its settings."""
    opened = open_store()
    yield opened
    opened.close()
    _opened.cache_clear()


# Settings ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["s3://bucket", "s3://bucket/a/prefix", "file:///a/folder", "memory://x"])
def test_a_url_is_taken_as_it_is(url: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (read_settings().artefacts, read_settings().artefacts_cache) == (None, settings.DEFAULT_CACHE)
    monkeypatch.setenv("MNIST_LAB_ARTEFACTS", f" {url} ")
    monkeypatch.setenv("MNIST_LAB_ARTEFACTS_CACHE", "300 MB")
    assert (read_settings().artefacts, read_settings().artefacts_cache) == (url, 300_000_000)


@pytest.mark.parametrize(
    "value",
    ["bucket/prefix", "s3:bucket", "s3://", "file://relative", "https://me:secret@host/x", "simplecache::s3://bucket",
     "s3://key:secret@bucket/prefix", "gs://key:secret@bucket", "me:secret@host", "x://u:secret@h::file:///a?secret"],
)  # fmt: skip
def test_what_is_no_url_of_an_object_store_is_one_sentence_without_what_is_secret(
    value: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNIST_LAB_ARTEFACTS", value)
    with pytest.raises(SettingError) as caught:
        read_settings()
    assert caught.value.message.startswith("MNIST_LAB_ARTEFACTS=") and caught.value.remedy
    assert "\n" not in str(caught.value) and "secret" not in str(caught.value)


def test_settings_that_are_printed_do_not_show_the_url(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_LAB_ARTEFACTS", "sftp://me:secret@host/runs")
    assert "secret" in (read_settings().artefacts or "") and "secret" not in repr(read_settings())


@pytest.mark.parametrize(("url", "package"), [("s3://bucket", "fsspec"), ("s3://bucket", "s3fs"), ("gs://x", "gcsfs")])
def test_without_the_package_it_is_one_sentence_with_the_command_that_installs_it(
    url: str, package: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNIST_LAB_ARTEFACTS", url)
    there = {"fsspec", "tensorflow", "s3fs"} - {package}
    monkeypatch.setattr("mnist_lab.settings.find_spec", lambda name: object() if name in there else None)
    with pytest.raises(SettingError, match=f"needs the package {package}, which is not installed.*pip install"):
        read_settings()


NOTHING_SET = """
import sys
from mnist_lab.architecture import Architecture
from mnist_lab.layers import Dense, Flatten
from mnist_lab.store import open_store
from mnist_lab.training_config import TrainingConfig
store = open_store()
run = store.create(Architecture((Flatten(), Dense(10, "softmax"))), TrainingConfig(), files={"log.txt": b"x"})
store.artefacts.begin(run.id)
assert store.artefacts.path(run.id, "log.txt").read_bytes() == b"x"
assert type(store.artefacts).__name__ == "Artefacts"
print([name for name in ("fsspec", "s3fs") if name in sys.modules])
"""


def test_where_nothing_is_set_nothing_of_an_object_store_is_imported(home: Path) -> None:
    words = [sys.executable, "-c", NOTHING_SET]
    done = subprocess.run(
        words, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


# The doctor and health -----------------------------------------------------------------------------------------------


def said(here: Here, *words: str) -> dict[str, list[dict[str, str]]]:
    _, out, _ = here("doctor", "--quick", "--json", *words)
    found: dict[str, list[dict[str, str]]] = {}
    for each in json.loads(out)["findings"]:
        found.setdefault(each["check"], []).append(each)
    return found


def put(store: RunStore, run_id: str, name: str, content: bytes) -> None:
    with store.artefacts.writing(run_id, name) as path:
        path.write_bytes(content)


def test_the_doctor_tries_the_object_store_and_tells_of_what_lacks_there(here: Here, store: RunStore, url: str) -> None:
    whole, without, empty = (add_run(store, [1], name=name) for name in ("whole", "without", "empty"))
    for run, content in ((whole, b"x"), (empty, b"")):
        put(store, run.id, MODEL, content)
    found = said(here)
    assert [each["kind"] for each in found["objects"]] == ["ok"] and url in found["objects"][0]["text"]
    words = " ".join(each["text"] for each in found["files"])
    assert "1 finished run without a model: 'without'" in words and f"{MODEL} of 'empty'" in words
    assert store.artefacts.run_ids() == sorted([whole.id, without.id, empty.id]), "the trial is cleared away"
    _, out, _ = here("health", "--json")
    assert {each["name"]: each["is_well"] for each in json.loads(out)["checks"]}["objects"]


def test_the_doctor_sends_what_lay_in_the_folder_before_and_leaves_it_there(
    here: Here, store: RunStore, home: Path
) -> None:
    finished, begun = add_run(store, [1], name="finished"), add_run(store, [1], name="begun", status="interrupted")
    folder = Artefacts(home)
    for run_id, name in ((finished.id, MODEL), (finished.id, CHECKPOINT), (begun.id, CHECKPOINT), ("e" * 32, MODEL)):
        with folder.writing(run_id, name) as path:
            path.write_bytes(name.encode())
    # Of the one there is something in the object store already, and it is done: what it once went on from is old.
    assert store.artefacts.has(finished.id, PREDICTIONS)
    store.artefacts.remove(begun.id)
    before = said(here)["objects"]
    assert before[-1]["kind"] == "problem" and "2 files of runs in the program's folder" in before[-1]["text"]
    assert store.artefacts.run_ids() == [finished.id]
    assert said(here, "--repair")["objects"][-1]["kind"] == "ok"
    store.artefacts.look_again()
    assert store.artefacts.names(finished.id) == [MODEL, PREDICTIONS]
    assert store.artefacts.path(begun.id, CHECKPOINT).read_bytes() == CHECKPOINT.encode()
    assert folder.has(finished.id, MODEL) and folder.has("e" * 32, MODEL)
    assert len(said(here)["objects"]) == 1


def test_the_doctor_sends_what_could_not_be_sent(here: Here, store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    run = add_run(store, [1], name="evaluated")
    files = store.artefacts
    assert isinstance(files, ObjectArtefacts) and files.has(run.id, PREDICTIONS)

    def away(*_: object, **__: object) -> None:
        raise StoreError("The object store is away.", "Wait.")

    with monkeypatch.context() as patch:
        patch.setattr(files.bucket, "put", away)
        with pytest.raises(StoreError):
            put(store, run.id, PREDICTIONS, b"newer")
    (before,) = [each for each in said(here)["objects"] if "could not be sent" in each["text"]]
    assert before["kind"] == "warning" and len(files.unsent()) == 1
    assert {each["kind"] for each in said(here, "--repair")["objects"]} == {"ok"}
    files.look_again()
    assert files.path(run.id, PREDICTIONS).read_bytes() == b"newer" and files.unsent() == []


def test_an_object_store_that_cannot_be_reached_is_a_problem_and_shows_no_secret(
    here: Here, store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNIST_LAB_ARTEFACTS", "s3://nowhere/runs")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setattr("mnist_lab.store.bucket.PAUSES", (0.01,))
    pytest.importorskip("s3fs")
    monkeypatch.setattr("s3fs.S3FileSystem.retries", 1)
    (only,) = said(here)["objects"]
    assert only["kind"] == "problem" and "s3://nowhere/runs" in only["text"] and only["help"]
    status, out, err = here("health", "--json")
    assert status == 1 and "s3://nowhere/runs" in err
    assert SECRET not in json.dumps(only) + out + err and "a-key" not in json.dumps(only) + out + err


# Backups -------------------------------------------------------------------------------------------------------------


def test_a_backup_has_the_files_of_the_object_store_and_comes_back_by_way_of_a_folder(
    here: Here, store: RunStore, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    run = add_run(store, [1], name="kept")
    content = np.random.default_rng(1).bytes(50_000)
    put(store, run.id, MODEL, content)
    put(store, run.id, LOG, b"said")
    status, _, err = here("backup", str(tmp_path / "lab.zip"), "--json")
    assert status == 0, err
    with zipfile.ZipFile(tmp_path / "lab.zip") as archive:
        assert archive.read(f"{run.id}/{MODEL}") == content and archive.read(f"{run.id}/{LOG}") == b"said"
    status, _, err = here("restore", str(tmp_path / "lab.zip"), "--force")
    assert status == 1 and "Unset it, restore, set it again" in err

    monkeypatch.delenv("MNIST_LAB_ARTEFACTS")
    monkeypatch.setenv("MNIST_LAB_HOME", str(tmp_path / "again"))
    assert here("restore", str(tmp_path / "lab.zip"))[0] == 0
    monkeypatch.setenv("MNIST_LAB_ARTEFACTS", f"{url}/again")
    assert said(here, "--repair")["objects"][-1]["kind"] == "ok"
    restored = open_store()
    assert isinstance(restored.artefacts, ObjectArtefacts)
    assert restored.artefacts.path(run.id, MODEL).read_bytes() == content
    restored.close()

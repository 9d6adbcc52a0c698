"""`export` and `import` as their users have them: files, what is printed, and the exit status."""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mnist_lab.cli import export, import_
from mnist_lab.exchange import FORMS
from mnist_lab.store import Run, RunStore
from mnist_lab.store.artefacts import MODEL
from mnist_lab.store.database import open_engine
from tests.conftest import Here, Said
from tests.exchange.conftest import SPLIT, Mouth
from tests.made_runs import IMAGES, add_run


@pytest.fixture
def store(here: Here, tmp_path: Path) -> Iterator[RunStore]:
    here("runs")  # makes it
    opened = RunStore(open_engine(f"sqlite:///{tmp_path / 'home' / 'lab.db'}"), tmp_path / "home")
    yield opened
    opened.close()


@pytest.fixture
def run(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """A run with a model, and somebody who answers for it."""
    made = add_run(store, [3, 8], name="One & all", fingerprint=SPLIT.fingerprint)
    with store.artefacts.writing(made.id, MODEL) as path:
        path.write_bytes(b"weights")
    mouth = Mouth(store, made)

    class Client:
        ask = staticmethod(mouth)
        open = 0

        def __init__(self) -> None:
            Client.open += 1

        def close(self) -> None:
            Client.open -= 1

    for module in (export, import_):
        monkeypatch.setattr(module, "InferenceClient", Client)
    yield made
    assert Client.open == 0, "a process was left behind"


def document(said: Said) -> Any:
    assert said[0] == 0, said[2]
    return json.loads(said[1], parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))


def test_every_form_is_written_where_it_is_wanted(here: Here, run: Run, tmp_path: Path) -> None:
    written = tmp_path / "written"
    written.mkdir()
    for form in FORMS:
        told = document(here("export", run.id[:8], "--form", form, "--to", str(written), "--json"))
        path = Path(told["file"])
        assert (told["run"], told["form"], told["bytes"]) == (run.id, form, path.stat().st_size)
        assert path.parent == written and f"One-all-{run.id[:6]}" in path.name
    assert len(list(written.iterdir())) == len(FORMS)
    ast.parse((written / f"One-all-{run.id[:6]}.py").read_text())


def test_everything_is_written_into_the_present_folder_unless_said_otherwise(here: Here, run: Run) -> None:
    status, out, errors = here("export", "One & all")
    assert (status, errors) == (0, "")
    [path] = Path().iterdir()
    assert path.name == f"One-all-{run.id[:6]}.zip" and path.name in out
    assert document(here("export", run.id, "--to", "named.zip", "--json"))["file"] == "named.zip"


def test_no_file_is_written_over_unless_it_may(here: Here, run: Run) -> None:
    Path("mine.zip").write_text("precious")
    status, out, errors = here("export", run.id, "--to", "mine.zip")
    assert (status, out) == (1, "") and "mine.zip is there already" in errors and "--force" in errors
    assert Path("mine.zip").read_text() == "precious"
    assert here("export", run.id, "--to", "mine.zip", "--force")[0] == 0
    assert Path("mine.zip").read_bytes()[:2] == b"PK" and len(list(Path().iterdir())) == 1


def test_what_cannot_be_written_is_one_sentence(here: Here, store: RunStore, run: Run) -> None:
    bare = add_run(store, None, test_accuracy=None)
    for words, complaint in (
        ((bare.id, "--form", "keras"), "has no model"), ((bare.id, "--form", "predictions"), "was not evaluated"),
        ((run.id, "--to", "no/where/x.zip"), "There is no folder"), (("nobody",), "There is no run"),
        ((add_run(store, None, status="running").id,), "is running"),
    ):  # fmt: skip
        status, out, errors = here("export", *words)
        assert (status, out) == (1, "") and complaint in errors and len(errors.splitlines()) == 1, errors
    assert here("export", run.id, "--form", "pickle")[0] == 2
    assert list(Path().iterdir()) == []


def test_runs_are_brought_in_and_known_again(here: Here, store: RunStore, run: Run) -> None:
    here("export", run.id, "--to", "a.zip")
    store.delete([run.id])
    store.purge(older_than=-1.0)
    [told] = document(here("import", "a.zip", "--json"))
    assert (told["id"], told["file"], told["already_here"]) == (run.id, "a.zip", False)
    assert told["test_accuracy"] == (IMAGES - 2) / IMAGES and told["reason"].startswith("Imported. ")
    assert [each["id"] for each in document(here("runs", "--json"))][:1] == [run.id]
    status, out, errors = here("import", "a.zip")
    assert (status, errors) == (0, "") and out.startswith("It was here already.") and "One & all" in out


def test_what_cannot_be_brought_in_does_not_keep_out_the_rest(here: Here, store: RunStore, run: Run) -> None:
    here("export", run.id, "--to", "good.zip")
    Path("bad.zip").write_bytes(Path("good.zip").read_bytes()[:-30])
    status, out, errors = here("import", "bad.zip", "nowhere.zip", "good.zip", ".", "--json")
    assert status == 1 and [each["file"] for each in json.loads(out)] == ["good.zip"]
    assert "Traceback" not in errors and [line.split(":")[0] for line in errors.splitlines()] == [
        "bad.zip", "nowhere.zip", ".",
    ]  # fmt: skip
    assert here("import")[0] == 2


def test_without_mlflow_it_says_what_to_install(here: Here, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    status, out, errors = here("export", run.id, "--form", "mlflow")
    assert (status, out) == (1, "") and "pip install -r requirements-mlflow.txt" in errors

"""Pages over runs whose files are in an object store: shown as others are, and asked for once."""

from __future__ import annotations

import shutil
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from sqlalchemy import insert
from streamlit.testing.v1 import AppTest

from mnist_lab import starter
from mnist_lab.errors import StoreError
from mnist_lab.store import RunStore, open_store, schema
from mnist_lab.store.artefacts import CHECKPOINT, LOG, MODEL
from mnist_lab.store.bucket import Bucket
from mnist_lab.store.database import writing
from mnist_lab.store.objects import ObjectArtefacts
from tests.made_runs import SMALL, add_run
from tests.ui.conftest import PATIENCE
from tests.ui.test_pages import details

Visit = Callable[[str], AppTest]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each question was put to an object store."""
    counted: Counter[str] = Counter()
    for name in ("objects", "every", "look_at", "get", "put"):
        true = getattr(Bucket, name)

        def counting(self: Bucket, *given: Any, name: str = name, true: Any = true) -> Any:
            counted[name] += 1
            return true(self, *given)

        monkeypatch.setattr(Bucket, name, counting)
    return counted


def put(store: RunStore, run_id: str, name: str, content: bytes) -> None:
    with store.artefacts.writing(run_id, name) as path:
        path.write_bytes(content)


def test_a_run_whose_files_are_in_an_object_store_is_shown_as_any_other(
    home: Path, s3_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNIST_LAB_ARTEFACTS", s3_url)
    store = open_store()
    assert isinstance(store.artefacts, ObjectArtefacts)
    run = add_run(store, range(20), name="far away")
    put(store, run.id, MODEL, (starter.FOLDER / MODEL).read_bytes())
    assert not [path for path in home.rglob("*.npz") if path.is_file()], "nothing of it is on this machine"
    assert any("20 mistakes" in caption.value for caption in shown(_results, run.id).caption)
    app = details(run.id)
    assert "ask" in [button.key for button in app.button], "it has a model"
    failed = store.create(SMALL, add_run(store, [1]).config(), name="failed")
    store.end(failed.id, "failed", reason="It broke.", among=("queued",))
    put(store, failed.id, LOG, b"Traceback")
    put(store, failed.id, CHECKPOINT, b"x")
    store.set_figures(failed.id, epochs_run=1)
    app = details(failed.id)
    assert "requeue" in [button.key for button in app.button], "it has what it can go on from"
    assert any("among its files in the object store" in caption.value for caption in app.caption)
    for view in (home / "objects" / "cache").iterdir():
        shutil.rmtree(view)
    st.cache_data.clear()
    assert any("20 mistakes" in caption.value for caption in shown(_results, run.id).caption), "it is fetched again"


def test_a_page_of_a_thousand_runs_asks_for_their_files_once(
    home: Path, visit: Visit, asked: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNIST_LAB_ARTEFACTS", f"memory://{uuid.uuid4().hex}")
    store = open_store()
    run = add_run(store, None, name="one")
    row = {
        "name": "one of many", "status": "finished", "created": 1e9, "position": 1.0, "split": "holdout",
        "architecture": run.architecture, "training": run.training, "parameters": 1, "trainable_parameters": 1,
        "multiply_adds": 1, "notes": "", "starred": False, "tags": [], "command": "", "test_looks": 0, "epochs_run": 1,
    }  # fmt: skip
    ids = [uuid.uuid4().hex for _ in range(1_000)]
    with writing(store._engine) as connection:
        connection.execute(insert(schema.runs), [{**row, "id": run_id} for run_id in ids])
    for run_id in ids:
        put(store, run_id, MODEL, b"x")
    for page in ("draw", "runs"):
        asked.clear()
        app = visit(page)
        assert not app.exception and not app.error
        first = dict(asked)
        assert first.get("every", 0) <= 1 and first.get("objects", 0) <= 10, first
        asked.clear()
        app.run()
        assert not app.exception and sum(asked.values()) <= 2, dict(asked)
    put(store, run.id, MODEL, b"x")
    store.edit(run.id, name="new")
    asked.clear()
    visit("draw")
    assert asked["every"] == 0 and asked["objects"] <= 2, "only what has changed is asked about"


def test_an_object_store_that_is_away_is_a_sentence_on_the_page(
    home: Path, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNIST_LAB_ARTEFACTS", f"memory://{uuid.uuid4().hex}")
    run = add_run(open_store(), [1], name="far away")
    visit("runs")

    def away(*_: Any, **__: Any) -> Any:
        raise StoreError("The object store memory://x does not do what it was asked (it is away).", "See to it.")

    for name in ("objects", "every", "get"):
        monkeypatch.setattr(Bucket, name, away)
    open_store().artefacts.look_again()
    for page in ("draw", "runs", "explain"):
        app = visit(page)
        assert not app.exception
    for page_of_run in (_details, _results):
        assert "it is away" in shown(page_of_run, run.id).error[0].value


def shown(page: Callable[[str], None], run_id: str) -> AppTest:
    app = AppTest.from_function(page, kwargs={"run_id": run_id}, default_timeout=PATIENCE).run()
    assert not app.exception
    return app


def _results(run_id: str) -> None:
    from mnist_lab.ui import frame, results

    with frame.around_page("runs"):
        results.results(frame.store().get(run_id))


def _details(run_id: str) -> None:
    from mnist_lab.ui import frame, run_details

    with frame.around_page("runs"):
        run_details.details(frame.store(), frame.store().get(run_id))

"""A run in a real MLflow, in its SQLite store, read back with MLflow's own client."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mnist_lab.errors import ExchangeError
from mnist_lab.exchange import FORMS, Source, mlflow_export
from mnist_lab.store import Run, RunStore
from tests.exchange.conftest import HISTORY, POINTS, Mouth
from tests.made_runs import IMAGES, add_run

# MLflow and what it imports use what Python and SQLAlchemy call old.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def source(store: RunStore, run: Run, mouth: Mouth) -> Source:
    return Source(store, run, mouth)


@pytest.fixture(scope="module")
def mlflow() -> Iterator[Any]:
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    found = pytest.importorskip("mlflow", reason="MLflow is not installed: pip install -r requirements-mlflow.txt")
    pytest.importorskip("alembic", reason="MLflow's SQLite store is not installed")
    yield found


@pytest.fixture(scope="module")
def empty(mlflow: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store; to make one takes MLflow seconds."""
    path = tmp_path_factory.mktemp("mlflow") / "empty.db"
    mlflow.MlflowClient(tracking_uri=f"sqlite:///{path}").get_experiment_by_name("none")
    return path


@pytest.fixture
def uri(empty: Path, tmp_path: Path) -> str:
    shutil.copyfile(empty, tmp_path / "mlflow.db")
    return f"sqlite:///{tmp_path / 'mlflow.db'}"


def test_a_run_is_read_back_by_mlflow_as_it_is(
    mlflow: Any, source: Source, uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    logged = mlflow_export.log(source, uri)
    client, run = mlflow.MlflowClient(tracking_uri=uri), source.run
    found = client.get_run(logged.run_id)
    assert (found.info.run_name, found.info.status) == (run.name, "FINISHED")
    assert (found.info.start_time, found.info.end_time) == (1_700_000_000_000, 1_700_000_003_000)

    params = found.data.params
    assert params["optimizer.name"] == "Adam" and float(params["optimizer.learning_rate"]) == 0.001
    assert (params["limit"], params["seed"], params["schedule.every"]) == ("500", "1", "2")
    assert params["early_stopping.monitor"] == "val_accuracy" and "units=16" in params["layer_002"]

    for name in ("loss", "val_accuracy", "learning_rate", "seconds"):
        told = [(each.step, each.value) for each in client.get_metric_history(logged.run_id, name)]
        assert told == [(entry["epoch"], entry[name]) for entry in HISTORY if entry[name] is not None], name
    told = [(each.step, each.value) for each in client.get_metric_history(logged.run_id, "within_epochs_accuracy")]
    assert told == [(point["step"], point["accuracy"]) for point in POINTS]
    assert found.data.metrics["test_accuracy"] == pytest.approx((IMAGES - 3) / IMAGES)
    assert found.data.metrics["whole_run_seconds"] == 3.0

    tags = found.data.tags
    assert (tags["mnist_lab.id"], tags["mlflow.note.content"]) == (run.id, run.notes)
    assert (tags["mnist_lab.tags"], tags["mnist_lab.test_is_validation"]) == ("a tag, b", "False")

    paths = {each.path: each for each in client.list_artifacts(logged.run_id)}
    assert len(paths) == len(mlflow_export.ARTIFACTS)
    table = next(path for path in paths if path.endswith("-history.csv"))
    kept = client.download_artifacts(logged.run_id, table, str(elsewhere))
    assert Path(kept).read_bytes() == FORMS["history"].make(source)


def test_a_run_is_written_once_unless_it_is_forced(mlflow: Any, source: Source, uri: str) -> None:
    first = mlflow_export.log(source, uri)
    with pytest.raises(ExchangeError, match="already"):
        mlflow_export.log(source, uri)
    assert mlflow_export.log(source, uri, again=True).run_id != first.run_id


def test_a_run_that_cannot_be_written_whole_is_not_there(
    mlflow: Any, source: Source, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise ExchangeError("Its network cannot be loaded.")

    with monkeypatch.context() as patch:
        patch.setattr(mlflow_export, "_artifacts", fail)
        with pytest.raises(ExchangeError, match="cannot be loaded"):
            mlflow_export.log(source, uri)
    mlflow_export.log(source, uri)
    experiment = mlflow.MlflowClient(tracking_uri=uri).get_experiment_by_name(mlflow_export.EXPERIMENT)
    assert len(mlflow.MlflowClient(tracking_uri=uri).search_runs([experiment.experiment_id])) == 1


def test_a_place_that_is_none_is_one_sentence(mlflow: Any, source: Source, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no database")
    for place in ("gopher://x", f"sqlite:///{tmp_path / 'file'}"):
        with pytest.raises(ExchangeError, match="MLflow cannot take the run"):
            mlflow_export.log(source, place)


def test_a_run_under_way_does_not_go_there(mlflow: Any, store: RunStore, mouth: Mouth, uri: str) -> None:
    with pytest.raises(ExchangeError, match="is running"):
        mlflow_export.log(Source(store, add_run(store, None, status="running"), mouth), uri)


def test_without_mlflow_it_says_what_to_install(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(ExchangeError, match=r"not installed\. Install it: pip install -r requirements-mlflow\.txt"):
        mlflow_export.log(source)

"""A run in an MLflow tracking store: its settings as parameters, its curves as metrics, its files as artifacts.

MLflow is an optional extra (`requirements-mlflow.txt`): it is imported when a run is to go there, and no sooner.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnist_lab.errors import ExchangeError, LabError
from mnist_lab.exchange.forms import FORMS, Source, file_name, refuse_damaged
from mnist_lab.store import FINAL, Run

EXPERIMENT = "MNIST Lab"
DEFAULT_STORE = "sqlite:///mlflow.db"
INSTALL = "Install it: pip install -r requirements-mlflow.txt."
ARTIFACTS = ("script", "keras", "architecture", "training", "history", "predictions")
# What MLflow takes at once, and how long a parameter may be.
BATCH, LONGEST = 1000, 6000
_STATUS = {"finished": "FINISHED", "stopped": "KILLED", "interrupted": "KILLED", "failed": "FAILED"}
_FIGURES = (
    "test_accuracy", "test_accuracy_low", "test_accuracy_high", "test_loss", "validation_accuracy", "validation_loss",
    "best_epoch", "kept_epoch", "parameters", "trainable_parameters", "multiply_adds", "training_images",
    "test_images", "test_looks", "seconds", "images_per_second", "prediction_seconds",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Logged:
    """Where a run has gone.

    Attributes:
        tracking_uri: The tracking store.
        run_id: What MLflow calls the run.
    """

    tracking_uri: str
    run_id: str


def log(source: Source, tracking_uri: str | None = None, *, again: bool = False) -> Logged:
    """Writes a run into an MLflow tracking store.

    Args:
        source: The run.
        tracking_uri: As MLflow takes it; None for ``MLFLOW_TRACKING_URI``, else `DEFAULT_STORE`.
        again: Whether to write it once more where it is there already.

    Raises:
        ExchangeError: If MLflow is not installed or refuses, if the run is not done, or is there already.
    """
    run = source.run
    refuse_damaged(run)
    # This program sends nothing to anyone, and nor does what it calls.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    try:
        from mlflow import MlflowClient
        from mlflow.entities import Metric, Param, RunTag
    except ImportError as error:
        raise ExchangeError("MLflow is not installed.", INSTALL) from error
    if run.status not in FINAL:
        raise ExchangeError(f"Run {run.name!r:.60} is {run.status}.", "Wait for its end, or stop it.")
    uri = tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_STORE
    # It tells of every table that it makes.
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    try:
        client = MlflowClient(tracking_uri=uri)
        experiment = client.get_experiment_by_name(EXPERIMENT)
        experiment_id = (
            client.create_experiment(EXPERIMENT, _artifacts_beside(uri))
            if experiment is None
            else experiment.experiment_id
        )
        there = client.search_runs([experiment_id], f"tags.`mnist_lab.id` = '{run.id}'", max_results=1)
        if there and not again:
            raise ExchangeError(
                f"Run {run.name!r:.60} is in {uri} already.", "Add --force to write it there once more."
            )
        began = _milliseconds(run.started or run.created)
        logged = client.create_run(experiment_id, start_time=began, run_name=run.name).info.run_id
        try:
            metrics = [Metric(*each) for each in _metrics(source)]
            params = [Param(name, value) for name, value in _params(run)]
            for first in range(0, len(metrics), BATCH):
                client.log_batch(logged, metrics=metrics[first : first + BATCH])
            for first in range(0, len(params), 100):
                client.log_batch(logged, params=params[first : first + 100])
            client.log_batch(logged, tags=[RunTag(name, value) for name, value in _tags(run)])
            _artifacts(source, client, logged)
        except BaseException:
            client.set_terminated(logged, "FAILED")
            client.delete_run(logged)
            raise
        client.set_terminated(logged, _STATUS[run.status], _milliseconds(run.ended or run.created))
    except LabError:
        raise
    except Exception as error:  # of MLflow, of its database or of the network in between
        first_line = (str(error).splitlines() or [""])[0]
        raise ExchangeError(f"MLflow cannot take the run ({first_line:.200}).", "Look at --to.") from error
    return Logged(uri, logged)


def _artifacts_beside(uri: str) -> str | None:
    """Where files go: beside an SQLite store (MLflow would choose the present folder), else where the store says."""
    if not uri.startswith("sqlite:///"):
        return None
    return (Path(uri.removeprefix("sqlite:///")).resolve().parent / "mlartifacts").as_uri()


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)


def _metrics(source: Source) -> Iterator[tuple[str, float, int, int]]:
    """Name, value, moment and step: by epochs, by steps within them, and the figures of the whole."""
    run = source.run
    now = run.started or run.created
    for entry in source.store.history(run.id):
        now += entry.get("seconds") or 0.0
        for name, value in entry.items():
            if name != "epoch" and value is not None:
                yield name, float(value), _milliseconds(now), entry["epoch"]
    for point in source.store.points(run.id):
        for name in ("loss", "accuracy"):
            if point[name] is not None:
                yield f"within_epochs_{name}", float(point[name]), _milliseconds(now), point["step"]
    ended = _milliseconds(run.ended or now)
    for name in _FIGURES:
        value = getattr(run, name)
        if value is not None:
            yield f"whole_run_{name}" if name == "seconds" else name, float(value), ended, run.epochs_run


def _params(run: Run) -> Iterator[tuple[str, str]]:
    for name, value in _flat(run.config().to_dict()):
        yield name, _word(value)
    yield "network", run.network().summary
    for index, layer in enumerate(run.network().to_dict()["layers"]):
        yield f"layer_{index + 1:03d}", ", ".join(f"{key}={_word(value)}" for key, value in layer.items())


def _tags(run: Run) -> Iterator[tuple[str, str]]:
    tags: dict[str, Any] = {
        "mnist_lab.id": run.id,
        "mnist_lab.status": run.status,
        "mnist_lab.reason": run.reason,
        "mnist_lab.preset": run.preset,
        "mnist_lab.dataset": run.dataset,
        "mnist_lab.fingerprint": run.fingerprint,
        "mnist_lab.split": run.split,
        "mnist_lab.test_is_validation": run.test_is_validation,
        "mnist_lab.device": run.device,
        "mnist_lab.tags": ", ".join(run.tags),
        "mlflow.note.content": run.notes,
    }
    for name, value in tags.items():
        if value not in (None, ""):
            yield name, _word(value)


def _flat(settings: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def _word(value: Any) -> str:
    return ("null" if value is None else str(value))[:LONGEST]


def _artifacts(source: Source, client: Any, logged: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in ARTIFACTS:
            form = FORMS[name]
            if not form.needs or source.has(form.needs):
                path = Path(folder) / file_name(source.run, form)
                path.write_bytes(form.make(source))
                client.log_artifact(logged, str(path))

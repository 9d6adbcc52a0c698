"""`evaluate`, `predict`: what trained networks say."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from mnist_lab import drawing, formatting, metrics, starter
from mnist_lab.cli.command import Answer, Options, command
from mnist_lab.cli.common import open_runs, run_argument, run_text
from mnist_lab.errors import DataError, LabError, RunNotFound
from mnist_lab.jobs import InferenceClient
from mnist_lab.store import Run, RunStore
from mnist_lab.store.artefacts import PREDICTIONS

EVALUATION_SECONDS = 3600.0


@command("evaluate", "evaluate a run on its test images", run_argument)
def _evaluate(options: Options) -> Answer:
    store = open_runs()
    run = store.find(options.run)
    client = InferenceClient()
    try:
        client.ask("evaluate", EVALUATION_SECONDS, run_id=run.id)
    finally:
        client.close()
    run = store.get(run.id)
    with np.load(store.artefacts.path(run.id, PREDICTIONS)) as kept:
        labels, probabilities = kept["labels"], kept["probabilities"]
    table = metrics.per_digit(labels, probabilities)
    confusion = metrics.confusion(labels, probabilities.argmax(1))
    document = {
        **run.to_json(),
        "per_digit": json.loads(table.to_json(orient="records")),
        "confusion": confusion.tolist(),
    }
    return Answer(document, f"{run_text(run)}\n\n{table.round(4).to_string(index=False)}")


def _predict_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("images", metavar="IMAGE", nargs="+", help="a picture of one digit")
    parser.add_argument("--run", metavar="RUN", help="the run to ask; the starter model if not given")


@command("predict", "say which digits pictures show", _predict_arguments)
def _predict(options: Options) -> Answer:
    store = open_runs()
    run = store.find(options.run) if options.run else _starter(store)
    prepared = [_prepared(file) for file in options.images]
    images = [each.image for each in prepared if each.image is not None]
    answers = iter(())
    if images:
        client = InferenceClient()
        try:
            answers = iter(client.predict(run.id, np.stack(images), 300.0))
        finally:
            client.close()
    document = [
        _prediction(file, None if each.is_empty else next(answers))
        for file, each in zip(options.images, prepared, strict=True)
    ]
    lines = [
        f"{entry['file']}: {entry['digit']} ({formatting.percent(max(entry['probabilities']), 1)})"
        if entry["is_digit"]
        else f"{entry['file']}: empty, there is nothing to predict"
        for entry in document
    ]
    return Answer(document, "\n".join(lines))


def _starter(store: RunStore) -> Run:
    if not store.exists(starter.RUN_ID):
        raise RunNotFound("The starter model is not in this installation.", "Train a network and give its --run.")
    return store.get(starter.RUN_ID)


def _prepared(file: str) -> drawing.Prepared:
    try:
        return drawing.from_image_file(Path(file))
    except LabError as error:
        # The file at fault is named also where the reader of pictures only saw its bytes.
        named = error.message if Path(file).name in error.message else f"{file}: {error.message}"
        raise DataError(named, error.remedy) from error


def _prediction(file: str, probabilities: Any) -> dict[str, Any]:
    """One picture's entry; an empty picture has no digit and no probabilities."""
    return {
        "file": file,
        "digit": None if probabilities is None else int(probabilities.argmax()),
        "probabilities": None if probabilities is None else [float(value) for value in probabilities],
        "is_digit": probabilities is not None,
    }

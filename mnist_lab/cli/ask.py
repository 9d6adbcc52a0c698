"""`evaluate`, `predict`: what trained networks say."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_lab import drawing, formatting, metrics, not_a_digit, starter
from mnist_lab.cli.command import Answer, Options, command
from mnist_lab.cli.common import open_runs, run_argument, run_text
from mnist_lab.errors import DataError, LabError, RunNotFound
from mnist_lab.jobs import InferenceClient
from mnist_lab.predictions import read_predictions
from mnist_lab.reading import Reading, read
from mnist_lab.store import Run, RunStore

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
    kept = read_predictions(store, run)
    table = metrics.per_digit(kept.labels, kept.probabilities)
    confusion = metrics.confusion(kept.labels, kept.digits)
    document = {
        **run.to_json(),
        "per_digit": json.loads(table.to_json(orient="records")),
        "confusion": confusion.tolist(),
    }
    return Answer(document, f"{run_text(run)}\n\n{table.round(4).to_string(index=False)}")


def _predict_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("images", metavar="IMAGE", nargs="+", help="a picture of a digit, or of several")
    parser.add_argument("--run", metavar="RUN", help="the run to ask; the starter model if not given")


@command("predict", "say which digits pictures show", _predict_arguments)
def _predict(options: Options) -> Answer:
    store = open_runs()
    run = store.find(options.run) if options.run else _starter(store)
    sheets = [_sheet(file) for file in options.images]
    prepared = [drawing.from_sheet(sheet) for sheet in sheets]
    images = [each.image for each in prepared if each.image is not None]
    readings: list[list[Reading]] = [[] for _ in sheets]
    network = _Network(run.id)
    doubts: list[float] = []
    if images:
        try:
            network(np.stack(images))
            readings = [read(sheet, network) for sheet in sheets]
            doubts = [
                network.doubt([digit.image for digit in digits] if len(digits) > 1 else [each.image])
                for each, digits in zip(prepared, readings, strict=True)
                if each.image is not None
            ]
        finally:
            network.close()
    known = iter(doubts)
    document = [
        _prediction(file, None, digits, None)
        if each.image is None
        else _prediction(file, network(each.image[np.newaxis])[0], digits, next(known))
        for file, each, digits in zip(options.images, prepared, readings, strict=True)
    ]
    return Answer(document, "\n".join(f"{entry['file']}: {_words(entry)}" for entry in document))


class _Network:
    """A run's network, asked by one process about each image once."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._client: InferenceClient | None = None
        self._known: dict[bytes, NDArray[np.float32]] = {}

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        names = [image.tobytes() for image in images]
        new = [index for index, name in enumerate(names) if name not in self._known]
        if new:
            self._client = self._client or InferenceClient()
            answers = self._client.predict(self._run_id, images[new], 300.0)
            self._known.update(zip([names[index] for index in new], answers, strict=True))
        return np.stack([self._known[name] for name in names])

    def doubt(self, images: list[NDArray[np.uint8]]) -> float:
        """The judge's largest doubt of some images that one of them shows a digit."""
        self._client = self._client or InferenceClient()
        return float(max(self._client.ask("doubt", 300.0, images=np.stack(images))))

    def close(self) -> None:
        """Ends the process."""
        if self._client is not None:
            self._client.close()


def _starter(store: RunStore) -> Run:
    if not store.exists(starter.RUN_ID):
        raise RunNotFound("The starter model is not in this installation.", "Train a network and give its --run.")
    return store.get(starter.RUN_ID)


def _sheet(file: str) -> drawing.Sheet:
    try:
        return drawing.sheet_of_image_file(Path(file))
    except LabError as error:
        # The file at fault is named also where the reader of pictures only saw its bytes.
        named = error.message if Path(file).name in error.message else f"{file}: {error.message}"
        raise DataError(named, error.remedy) from error


def _prediction(file: str, probabilities: Any, digits: list[Reading], doubt: float | None) -> dict[str, Any]:
    """One picture's entry, which takes all in it for one digit; an empty picture has no digit and no probabilities.

    A picture of several digits has them besides, in the order of reading. What does not look like a digit, or like
    digits, keeps its answer.
    """
    entry: dict[str, Any] = {
        "file": file,
        "digit": None if probabilities is None else int(probabilities.argmax()),
        "probabilities": None if probabilities is None else [float(value) for value in probabilities],
        "is_digit": doubt is not None and not_a_digit.is_digit(doubt),
    }
    if len(digits) > 1:
        entry["digits"] = [
            {
                "digit": each.digit,
                "probabilities": [float(value) for value in each.probabilities],
                "box": list(each.box),
            }
            for each in digits
        ]
    return entry


def _words(entry: dict[str, Any]) -> str:
    if entry["digit"] is None:
        return "empty, there is nothing to predict"
    warning = "" if entry["is_digit"] else "; this does not look like a digit"
    if digits := entry.get("digits"):
        least = formatting.percent(min(max(each["probabilities"]) for each in digits), 1)
        return f"{''.join(str(each['digit']) for each in digits)} ({len(digits)} digits, at least {least}){warning}"
    return f"{entry['digit']} ({formatting.percent(max(entry['probabilities']), 1)}){warning}"

"""The forms in which a run can be taken away. To add one, add its function under `@form`."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import mnist_lab
from mnist_lab import predictions
from mnist_lab.errors import ExchangeError
from mnist_lab.exchange import arrays, documents, events, layout, record, tables
from mnist_lab.exchange.archive import pack
from mnist_lab.predictions import Predictions
from mnist_lab.source import keras_script
from mnist_lab.store import FINAL, Run, RunStore
from mnist_lab.store.artefacts import MODEL, PREDICTIONS, VALIDATION_PREDICTIONS
from mnist_lab.training_config import DATASETS

EXPORT_SECONDS = 120.0


@dataclass(frozen=True)
class Source:
    """A run that is taken away.

    Attributes:
        store: Where it is.
        run: The run.
        ask: Asks the inference process, as `InferenceClient.ask` does.
    """

    store: RunStore
    run: Run
    ask: Callable[..., Any]

    def has(self, name: str) -> bool:
        """Whether the run has a file."""
        return self.store.artefacts.has(self.run.id, name)

    def predictions(self, name: str = PREDICTIONS) -> Predictions:
        """Its predictions; raises `ArtefactMissing` where there are none."""
        return predictions.read_predictions(self.store, self.run, name)


@dataclass(frozen=True, slots=True)
class Form:
    """One form of a run.

    Attributes:
        name: The word of the command line.
        title: Words on a page.
        ending: What stands after the run's name in the name of the file.
        mime: The kind of the content.
        help: One sentence.
        make: Makes the file of a run.
        needs: The file that a run must have for it, or "".
    """

    name: str
    title: str
    ending: str
    mime: str
    help: str
    make: Callable[[Source], bytes]
    needs: str = ""


def refuse_damaged(run: Run) -> None:
    """Says that a run cannot be taken away whose network is not known.

    Raises:
        ExchangeError: If it cannot.
    """
    if run.is_damaged:
        raise ExchangeError(
            f"Run {run.name!r:.60} is damaged: nobody knows its network.", f"Its files are in the folder {run.id}."
        )


FORMS: dict[str, Form] = {}
Make = Callable[[Source], bytes]


def form(name: str, title: str, ending: str, mime: str, help: str, needs: str = "") -> Callable[[Make], Make]:
    """Registers a function as the maker of a form."""

    def registered(make: Make) -> Make:
        def made(source: Source) -> bytes:
            refuse_damaged(source.run)
            return make(source)

        FORMS[name] = Form(name, title, ending, mime, help, made, needs)
        return make

    return registered


def slug_of(text: str, nothing: str) -> str:
    """A text of a user as a part of a file's name; `nothing` if nothing is left of it."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")[:60] or nothing


def file_name(run: Run, form: Form) -> str:
    """The name of the file: made of the run's name, and never a path."""
    slug = slug_of(run.name, "run")
    if form.name == "tensorboard":
        # TensorBoard knows its files by the beginning of their names.
        return f"{layout.EVENTS}.{int(run.started or run.created)}.{slug}-{run.id[:6]}"
    return f"{slug}-{run.id[:6]}{form.ending}"


@form("zip", "Everything, as one .zip", ".zip", "application/zip", "Another MNIST Lab takes it up; so does this one.")
def archive(source: Source) -> bytes:
    """Everything that is known of a run, with a manifest.

    Raises:
        ExchangeError: If the run is not done.
        ArtefactMissing: If one of its files cannot be read.
    """
    run = source.run
    if run.status not in FINAL:
        raise ExchangeError(f"Run {run.name!r:.60} is {run.status}.", "Wait for its end, or stop it.")
    history, points = source.store.history(run.id), _points(source)
    files = {
        layout.RUN: documents.write(record.to_json(run)),
        layout.ARCHITECTURE: architecture(source),
        layout.TRAINING: training(source),
        layout.HISTORY: documents.write(history),
        layout.POINTS: documents.write(points),
        layout.HISTORY_TABLE: history_table(source),
        layout.SCRIPT: script(source),
        layout.EVENTS: events.event_file(run, history, points),
    }
    if source.has(MODEL):
        files[layout.WEIGHTS] = source.store.artefacts.path(run.id, MODEL).read_bytes()
        files[layout.KERAS_MODEL] = keras_model(source)
    if source.has(PREDICTIONS):
        files[layout.PREDICTIONS] = predictions_arrays(source)
        files[layout.PREDICTIONS_TABLE] = predictions_table(source)
    if source.has(VALIDATION_PREDICTIONS):
        files[layout.VALIDATION_PREDICTIONS] = arrays.write(source.predictions(VALIDATION_PREDICTIONS))
    manifest = {
        "kind": layout.KIND,
        "format": layout.FORMAT,
        "program": mnist_lab.__version__,
        "made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "files": {
            name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in files.items()
        },
    }
    for name, content in files.items():
        if len(content) > layout.SIZES[name]:
            raise ExchangeError(
                f"{name} of run {run.name!r:.60} is too large for an archive ({len(content):,} bytes).",
                "Take its parts away one by one.",
            )
    return pack({layout.MANIFEST: documents.write(manifest), **files})


@form(
    "script",
    "Keras script",
    ".py",
    "text/x-python",
    "Trains this network anew, on the same images, without this program.",
)
def script(source: Source) -> bytes:
    """The script that does the training again."""
    run = source.run
    # What was asked for may have been "auto"; the run knows what it came to.
    config = run.config()
    if run.dataset in DATASETS:
        config = replace(config, dataset=run.dataset)
    return keras_script(run.network(), config, run.name).encode()


@form(
    "keras", "Network for Keras", ".keras", "application/octet-stream", "The trained network, as Keras loads it.", MODEL
)
def keras_model(source: Source) -> bytes:
    """The network as Keras's own file, from the inference process."""
    source.store.artefacts.path(source.run.id, MODEL)  # nobody should wait for a process to learn that there is none
    content: bytes = source.ask("export", EXPORT_SECONDS, run_id=source.run.id)
    return content


@form("architecture", "Network as JSON", "-network.json", "application/json",
      "For python -m mnist_lab train --architecture FILE.")  # fmt: skip
def architecture(source: Source) -> bytes:
    """The network's description."""
    return documents.write(source.run.network().to_dict())


@form("training", "Training as JSON", "-training.json", "application/json", "Every setting of its training.")
def training(source: Source) -> bytes:
    """The settings of the training, with those that were left to their defaults."""
    return documents.write(source.run.config().to_dict())


@form("history", "History as table", "-history.csv", "text/csv", "One row an epoch; the best one is marked.")
def history_table(source: Source) -> bytes:
    """The epochs as a table."""
    run = source.run
    return tables.history_table(source.store.history(run.id), run.best_epoch, run.kept_epoch)


@form("predictions", "Predictions as table", "-predictions.csv", "text/csv",
      "One row a test image: its digit, the predicted one, ten probabilities.", PREDICTIONS)  # fmt: skip
def predictions_table(source: Source) -> bytes:
    """The predictions of the test images as a table."""
    return tables.predictions_table(source.predictions())


@form("predictions-npz", "Predictions for NumPy", "-predictions.npz", "application/octet-stream",
      "The same as arrays: numpy.load(FILE).", PREDICTIONS)  # fmt: skip
def predictions_arrays(source: Source) -> bytes:
    """The predictions of the test images as arrays."""
    return arrays.write(source.predictions())


@form("tensorboard", "Curves for TensorBoard", "", "application/octet-stream",
      "Put it into a folder, then: tensorboard --logdir FOLDER (pip install tensorboard).")  # fmt: skip
def event_file(source: Source) -> bytes:
    """The curves as an event file."""
    return events.event_file(source.run, source.store.history(source.run.id), _points(source))


def _points(source: Source) -> list[dict[str, Any]]:
    """The curve within the epochs, evenly thinned where it has more points than an archive may hold."""
    columns = ("step", "epoch", "loss", "accuracy")
    points = [{name: point[name] for name in columns} for point in source.store.points(source.run.id)]
    return points[:: -(-len(points) // layout.MAX_POINTS) or 1]

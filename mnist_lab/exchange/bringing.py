"""A run brought in from an archive that comes from anyone.

Nothing of the archive is kept as it came: descriptions are made anew from what was read, predictions and weights are
written anew, texts stay texts. Its accuracy is not believed: it is reckoned from the predictions, their digits are held
against the images of this machine where it has them, and there the network is asked some of them again.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_lab import datasets, formatting, limits, shapes, studies
from mnist_lab.architecture import Architecture
from mnist_lab.errors import ArtefactMissing, DataError, ExchangeError, LabError
from mnist_lab.exchange import arrays, documents, layout, record
from mnist_lab.exchange.archive import REMEDY, Archive
from mnist_lab.exchange.record import Record
from mnist_lab.predictions import Predictions, figures_of, read_predictions
from mnist_lab.store import Run, RunStore
from mnist_lab.store.artefacts import MODEL, PREDICTIONS, VALIDATION_PREDICTIONS
from mnist_lab.training_config import TrainingConfig

ADOPT_SECONDS = 180.0
# Asking the network again takes about as long as this many multiply-adds.
CHECK_MULTIPLY_ADDS = 2 * 10**10
CHECK_IMAGES = 500
# Activations of one image, in numbers; a network that needs more is asked nothing.
CHECK_ACTIVATIONS = 2 * 10**6
# Another processor adds up in another order, a GPU perhaps with fewer digits.
TOLERANCE = 0.02
IMPORTED = "Imported."
Ask = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Brought:
    """What came of an archive.

    Attributes:
        run: The run of the store.
        is_new: False if it was there already, with all that it has.
        checked: What could be checked of it, in words.
    """

    run: Run
    is_new: bool
    checked: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    """What an archive holds, each part possible in itself."""

    record: Record
    network: Architecture
    analysis: shapes.Analysis
    training: TrainingConfig
    history: list[dict[str, Any]]
    points: list[dict[str, Any]]
    weights: bytes | None
    tested: Predictions | None
    validated: Predictions | None


def bring_in(store: RunStore, content: bytes, ask: Ask, person: str | None = None) -> Brought:
    """Adds the run of an archive to the store, or finds that it is there already.

    Args:
        store: The run store.
        content: The archive.
        ask: Asks the inference process, as `InferenceClient.ask` does; only for archives with weights.
        person: Who brings it in, from `RunStore.person`; None for the user of this process.

    Returns:
        The run. It has its old id unless that is taken here.

    Raises:
        ExchangeError: If the archive is not that of a run, is damaged, or holds what it must not. Nothing is added.
        InferenceError: If its weights cannot be used.
        NoRoomError: If the person has as much here as one person may.
        StoreError: If there is no room for it.
    """
    read = _read(content)
    if (known := _known(store, read)) is not None:
        return Brought(known, False)
    person = store.person_of_process() if person is None else person
    split = _images_here(read)
    words = [_digits_words(read, split)]
    files: dict[str, bytes] = {}
    is_proven = False
    if read.weights is not None:
        images = _sample(read, split)
        files[MODEL], said = ask(
            "adopt", ADOPT_SECONDS, architecture=read.network.to_dict(), content=read.weights, images=images
        )
        is_proven = len(images) > 0
        words.append(_held_against(read, said) if is_proven else "Its network was not asked again.")
    if read.tested is not None:
        files[PREDICTIONS] = arrays.write(read.tested)
    if read.validated is not None:
        files[VALIDATION_PREDICTIONS] = arrays.write(read.validated)
    limits.check_room(store, person, sum(map(len, files.values())))
    checked = " ".join(filter(None, words))
    values = {**_row(read, checked, is_proven), "person": person}
    return Brought(_add(store, values, read, files), True, checked)


# Reading --------------------------------------------------------------------------------------------------------------


def _read(content: bytes) -> _Read:
    if len(content) > layout.MAX_ARCHIVE:
        raise ExchangeError(
            f"This file has {formatting.size(len(content))}; a run has at most {formatting.size(layout.MAX_ARCHIVE)}."
        )
    archive = Archive(content, layout.SIZES, "This file")
    _check_manifest(archive)

    def document(name: str) -> Any:
        return documents.read(archive.read(name), name)

    def predictions(name: str) -> Predictions | None:
        return arrays.read(archive.read(name), name) if name in archive.names else None

    said = record.from_json(document(layout.RUN))
    try:
        network = Architecture.from_dict(document(layout.ARCHITECTURE))
        training = TrainingConfig.from_dict(document(layout.TRAINING))
        analysis = shapes.analyse(network)
    except ExchangeError:
        raise
    except LabError as error:
        raise ExchangeError(f"Its description is not one of a run: {error.message}", error.remedy) from error
    if analysis.problem is not None:
        raise ExchangeError(f"Its network is impossible: {analysis.problem}", REMEDY)
    if analysis.parameters != said.claims["parameters"]:
        raise ExchangeError(
            f"Its network has {analysis.parameters:,} parameters, not the {said.claims['parameters']:,} that "
            f"{layout.RUN} names.",
            REMEDY,
        )
    history = record.history(document(layout.HISTORY))
    if said.values["best_epoch"] not in (None, *(entry["epoch"] for entry in history)):
        raise ExchangeError(f"{layout.RUN} names a best epoch that its history does not have.", REMEDY)
    return _Read(
        said,
        network,
        analysis,
        training,
        history,
        record.points(document(layout.POINTS)) if layout.POINTS in archive.names else [],
        archive.read(layout.WEIGHTS) if layout.WEIGHTS in archive.names else None,
        predictions(layout.PREDICTIONS),
        predictions(layout.VALIDATION_PREDICTIONS),
    )


def _check_manifest(archive: Archive) -> None:
    """Compares an archive with its own list of what is in it."""
    for name in layout.NEEDED:
        if name not in archive.names:
            raise ExchangeError(f"This file has no {name}: it is no exported run.", REMEDY)
    manifest = documents.read(archive.read(layout.MANIFEST), layout.MANIFEST)
    if not isinstance(manifest, dict) or manifest.get("kind") != layout.KIND:
        raise ExchangeError("This file is no exported run by its manifest.", REMEDY)
    if type(manifest.get("format")) is not int or manifest["format"] != layout.FORMAT:
        raise ExchangeError(
            f"This file has the format {manifest.get('format')!r:.20}; this program reads {layout.FORMAT}.",
            "Bring it in with the version of MNIST Lab that wrote it, or a newer one.",
        )
    files = manifest.get("files")
    if not isinstance(files, dict) or set(files) != set(archive.names) - {layout.MANIFEST}:
        raise ExchangeError("This file holds other files than its manifest lists.", REMEDY)
    for name, listed in files.items():
        size, digest = archive.digest(name)
        if listed != {"bytes": size, "sha256": digest}:
            raise ExchangeError(f"{name} is not as the manifest has it: the file was damaged or changed.", REMEDY)


def _known(store: RunStore, read: _Read) -> Run | None:
    """The run of the store that is this one, if there is one: the same moment, settings, curves and predictions."""
    for run in store.runs(created=read.record.values["created"]):
        if not _is_alike(run, read):
            continue
        if store.history(run.id) != read.history:
            continue
        try:
            kept = read_predictions(store, run)
        except ArtefactMissing:
            kept = None
        if _same(kept, read.tested):
            return run
    return None


def _is_alike(run: Run, read: _Read) -> bool:
    try:
        return run.network() == read.network and run.config() == read.training
    except LabError:  # of another version
        return False


def _same(one: Predictions | None, other: Predictions | None) -> bool:
    if one is None or other is None:
        return one is other
    return all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in ("probabilities", "labels", "indices")
    )


# What can be checked --------------------------------------------------------------------------------------------------


def _images_here(read: _Read) -> datasets.Split | None:
    """The images that the run was trained and tested on, if this machine has them."""
    fingerprint, name = read.record.values["fingerprint"], read.record.values["dataset"]
    if fingerprint is None or name is None:
        return None
    try:
        split = datasets.split(datasets.load(name), read.training.split, seed=read.training.seed)
    except DataError:
        return None
    return split if split.fingerprint == fingerprint else None


def _digits_words(read: _Read, split: datasets.Split | None) -> str:
    """Holds the digits of the predictions against those of this machine's images."""
    if read.tested is None:
        return "It has no predictions, so that its accuracy is not known here." if read.weights else ""
    figures = figures_of(read.tested.labels, read.tested.probabilities)
    words = "Its accuracy was reckoned from its predictions"
    claim = read.record.claims["test_accuracy"]
    if claim is not None and abs(claim - figures["test_accuracy"]) > 5e-5:
        words += f" (the file itself claims {formatting.percent(claim)})"
    if split is None:
        return f"{words}; its test images are not on this machine, so that these stand unchecked."
    pairs = [(read.tested, split.y_test, split.test_indices)]
    if read.validated is not None:
        pairs.append((read.validated, split.y_validation, split.validation_indices))
    for predictions, labels, indices in pairs:
        if not np.array_equal(predictions.labels, labels) or not np.array_equal(predictions.indices, indices):
            raise ExchangeError(
                "Its predictions say of images that this machine has too that they are other digits.", REMEDY
            )
    return f"{words}, whose digits are those of the images here."


def _sample(read: _Read, split: datasets.Split | None) -> NDArray[np.uint8]:
    """Test images to ask the network again, as many as are quickly asked; none where they are not here."""
    if split is None or read.tested is None or read.analysis.activation_values > CHECK_ACTIVATIONS:
        return np.zeros((0, 28, 28), np.uint8)
    return np.asarray(split.x_test[_places(read)])


def _places(read: _Read) -> NDArray[np.int64]:
    assert read.tested is not None
    images = len(read.tested.labels)
    most = min(images, CHECK_IMAGES, max(1, CHECK_MULTIPLY_ADDS // max(1, read.analysis.multiply_adds)))
    return np.linspace(0, images - 1, most).astype(np.int64)


def _held_against(read: _Read, said: NDArray[np.float32]) -> str:
    """Holds what the network says here against what the archive says that it said."""
    assert read.tested is not None
    places = _places(read)
    off = np.abs(said - read.tested.probabilities[places]).max(axis=1)
    other = int((off > TOLERANCE).sum())
    # A few may lie where two digits are nearly as probable.
    if not np.isfinite(off).all() or other > max(1, len(places) // 100):
        raise ExchangeError(
            f"Its predictions are not those of its network: asked again, {other} of {len(places)} differ.", REMEDY
        )
    return f"Its network was asked {len(places):,} of {len(read.tested.labels):,} again and says the same."


# Adding ---------------------------------------------------------------------------------------------------------------


def _row(read: _Read, checked: str, is_proven: bool) -> dict[str, Any]:
    """The columns of the store."""
    values = dict(read.record.values)
    preset = studies.presets().get(values["preset"] or "")
    best = next((entry for entry in read.history if entry["epoch"] == values["best_epoch"]), {})
    figures: dict[str, Any] = {}
    if read.tested is not None:
        figures = figures_of(read.tested.labels, read.tested.probabilities)
        figures["test_looks"] = max(1, values["test_looks"])
    # What was said when it came from elsewhere before is of another machine.
    before = (values["reason"] or "").partition(IMPORTED)[0].strip()
    return {
        **values,
        **figures,
        "name": values["name"] or read.network.summary,
        # The Studies page counts runs of a preset as measured: only those of which this machine knows that they are.
        "preset": values["preset"] if is_proven and preset and preset.architecture == read.network else None,
        "reason": f"{before} {IMPORTED} {checked}".strip(),
        "starred": False,
        "architecture": read.network.to_dict(),
        "training": read.training.to_dict(),
        "split": read.training.split,
        "parameters": read.analysis.parameters,
        "trainable_parameters": read.analysis.trainable,
        "multiply_adds": read.analysis.multiply_adds,
        "epochs_run": read.history[-1]["epoch"] if read.history else 0,
        "validation_accuracy": best.get("val_accuracy"),
        "validation_loss": best.get("val_loss"),
    }


def _add(store: RunStore, values: dict[str, Any], read: _Read, files: dict[str, bytes]) -> Run:
    """Adds the run: its files first, its row last; if either fails, neither stays."""
    run_id = values["id"]
    if store.exists(run_id) or not store.artefacts.claim(run_id):
        run_id = uuid.uuid4().hex
        store.artefacts.claim(run_id)
    try:
        return store.adopt({**values, "id": run_id}, read.history, read.points, files)
    except BaseException:
        store.artefacts.remove(run_id)
        raise

"""Answers about trained networks: what one says of an image, and the file that others can load."""

from __future__ import annotations

import tempfile
from collections import OrderedDict
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import keras
import numpy as np

from mnist_lab import kept_epochs, not_a_digit, run_data, starter
from mnist_lab.architecture import Path as Place
from mnist_lab.errors import DataError
from mnist_lab.keras_side import evaluate, foreign, weights
from mnist_lab.keras_side.augment import augment_numpy
from mnist_lab.keras_side.backend import BACKEND
from mnist_lab.keras_side.build import build
from mnist_lab.keras_side.evaluate import Predict, as_input
from mnist_lab.keras_side.explain import activations, attribution, features
from mnist_lab.keras_side.explain.taps import Taps
from mnist_lab.store import Run, RunStore
from mnist_lab.store.artefacts import MODEL, epoch_predictions, epoch_weights
from mnist_lab.training_config import Augmentation

# So many networks stay loaded whatever their size, and so many while they have no more parameters than this together.
CACHED_MODELS = 4
MOST_CACHED_MODELS = 32
CACHED_PARAMETERS = 20_000_000
CACHED_BANKS = 4


class Answers:
    """The questions that the inference process answers; each public method is one.

    Args:
        store: The run store, from which networks are loaded.
    """

    def __init__(self, store: RunStore) -> None:
        self._store = store
        self._models: OrderedDict[tuple[str, float], tuple[keras.Model, Any]] = OrderedDict()
        self._of_epochs: tuple[str, keras.Model, Predict] | None = None
        self._banks: OrderedDict[tuple[str, str], features.Bank] = OrderedDict()
        self._tapped: WeakKeyDictionary[keras.Model, Taps] = WeakKeyDictionary()

    def ping(self) -> str:
        """Says that the process is up."""
        return "ready"

    def predict(self, run_id: str, images: np.ndarray) -> np.ndarray:
        """Probabilities for images.

        Args:
            run_id: The run whose network is asked.
            images: uint8, shape ``(n, 28, 28)``.

        Returns:
            float32, shape ``(n, 10)``.
        """
        _, function = self._load(run_id)
        parts = [images[i : i + 512] for i in range(0, len(images), 512)]
        answers = [function(as_input(part)) for part in parts]
        return np.concatenate(answers) if answers else np.zeros((0, 10), np.float32)

    def doubt(self, images: np.ndarray) -> np.ndarray:
        """The robust model's doubt that images show digits; see `mnist_lab.not_a_digit`.

        Args:
            images: uint8, shape ``(n, 28, 28)``.

        Returns:
            From 0 to 1, shape ``(n,)``; not a number where the robust model is not in the store.
        """
        if not self._store.artefacts.has(starter.ROBUST_ID, MODEL):
            return np.full(len(images), np.nan)
        return not_a_digit.doubt(self.predict(starter.ROBUST_ID, images))

    def evaluate(self, run_id: str) -> None:
        """Predicts a run's test and validation images anew and keeps the predictions and their figures in the store."""
        run = self._store.get(run_id)
        data = self._data(run)
        split = data.split
        _, predict = self._load(run_id)
        evaluate.keep(evaluate.evaluate(predict, split.x_test, split.y_test, split.test_indices), self._store, run_id)
        evaluate.validate(predict, split, self._store, run_id)
        if data.base is not None:
            evaluate.remember_base(predict, data.base, self._store, run_id)

    def predict_epoch(self, run_id: str, epoch: int, part: str) -> str:
        """Asks the kept weights of an epoch about the validation or the test images, unless that is known already.

        The first look of an epoch at test images that do not serve for validation is counted.

        Args:
            run_id: The run.
            epoch: An epoch whose weights were kept.
            part: ``"validation"`` or ``"test"``.

        Returns:
            The name of the file with the predictions, among those of the run.
        """
        run = self._store.get(run_id)
        known = kept_epochs.known_predictions(self._store, run, epoch, part)
        if known is not None:
            return known
        split = self._data(run).split
        _, predict = self._at_epoch(run, epoch)
        if (meant := kept_epochs.part_of(run, part)) == kept_epochs.TEST:
            asked = split.x_test, split.y_test, split.test_indices
        else:
            asked = split.x_validation, split.y_validation, split.validation_indices
        name = epoch_predictions(epoch, kept_epochs.PARTS[meant])
        evaluate.write(evaluate.evaluate(predict, *asked), self._store, run_id, name)
        if kept_epochs.is_a_look(run, part):
            self._store.count_looks(run_id)
        return name

    def _at_epoch(self, run: Run, epoch: int) -> tuple[keras.Model, Predict]:
        # One network for all epochs of a run: building it and its graph takes longer than reading weights.
        if self._of_epochs is None or self._of_epochs[0] != run.id:
            model = build(run.network().without_downloads())
            self._of_epochs = run.id, model, BACKEND.compiled(model)
        _, model, predict = self._of_epochs
        weights.put_into(model, run, self._store, epoch_weights(epoch))
        return model, predict

    def _data(self, run: Run) -> run_data.RunData:
        """The images of a run, if this machine has them."""
        data = run_data.load(self._store, run)
        if run.fingerprint is not None and data.split.fingerprint != run.fingerprint:
            raise DataError(
                f"The images on this machine are not those that run {run.name!r} was trained and tested on.",
                "Set MNIST_LAB_DATA to those.",
            )
        return data

    def augment(self, images: np.ndarray, augmentation: dict[str, float], seed: int, labels: np.ndarray) -> np.ndarray:
        """The images as a training with this augmentation might see them; uint8, shape ``(n, 28, 28)``."""
        return augment_numpy(images, Augmentation(**augmentation), seed, labels)

    def why(self, run_id: str, image: np.ndarray) -> dict[str, Any]:
        """Which parts of an image speak for which digit; see `explain.attribution.why`."""
        return attribution.why(self._taps(run_id), image)

    def activations(self, run_id: str, image: np.ndarray, path: Place) -> dict[str, Any]:
        """What the layer at a place of the description makes of an image; see `explain.activations.activations`."""
        taps = self._taps(run_id)
        return activations.activations(taps, image, taps.name_of(path))

    def arithmetic(self, run_id: str, image: np.ndarray, path: Place, unit: tuple[int, ...]) -> dict[str, Any] | None:
        """How one value of that layer comes about; see `explain.activations.arithmetic`."""
        taps = self._taps(run_id)
        return activations.arithmetic(taps, image, taps.name_of(path), unit)

    def neighbours(self, run_id: str, image: np.ndarray, count: int = 12) -> dict[str, Any]:
        """The training images that are most like an image to a network; see `explain.features.neighbours`."""
        return features.neighbours(self._bank(run_id, "training"), image, count)

    def plane(self, run_id: str, image: np.ndarray) -> dict[str, Any]:
        """The test images as a network sees them, in a plane; see `explain.features.plane`."""
        return features.plane(self._bank(run_id, "test"), image)

    def at_epoch(self, run_id: str, epoch: int, image: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """What the kept weights of an epoch say of an image, and the kernel of their first convolution."""
        model, predict = self._at_epoch(self._store.get(run_id), epoch)
        first = next((each for each in model.layers if isinstance(each, keras.layers.Conv2D)), None)
        said = predict(as_input(image[np.newaxis]))[0]
        return said, None if first is None else np.array(keras.ops.convert_to_numpy(first.kernel))

    def export(self, run_id: str) -> bytes:
        """A run's network as a ``.keras`` file, which Keras loads without this program."""
        model, _ = self._load(run_id)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.keras"
            model.save(path)
            return path.read_bytes()

    def adopt(self, architecture: dict[str, Any], content: bytes, images: np.ndarray) -> tuple[bytes, np.ndarray]:
        """Takes weights that come from anyone into a network of ours; the store is left alone.

        Args:
            architecture: The network's description.
            content: Its weights, an HDF5 file.
            images: uint8, shape ``(n, 28, 28)``; may be none.

        Returns:
            The weights as this program writes them, and what the network says of the images, float32 ``(n, 10)``.
        """
        model, own = foreign.adopt(architecture, content)
        if not len(images):
            return own, np.zeros((0, 10), np.float32)
        return own, np.asarray(model.predict(as_input(images), batch_size=64, verbose=0), np.float32)

    def _load(self, run_id: str) -> tuple[keras.Model, Any]:
        path = self._store.artefacts.path(run_id, MODEL)
        # A resumed run writes new weights under the same id: the time of the file tells them apart.
        key = run_id, path.stat().st_mtime
        if key not in self._models:
            model = weights.load(self._store.get(run_id), self._store)
            self._models[key] = model, BACKEND.compiled(model)
            while len(self._models) > self._room():
                self._models.popitem(last=False)
        self._models.move_to_end(key)
        return self._models[key]

    def _room(self) -> int:
        parameters = sum(model.count_params() for model, _ in self._models.values())
        return CACHED_MODELS if parameters > CACHED_PARAMETERS else MOST_CACHED_MODELS

    def _taps(self, run_id: str) -> Taps:
        model, _ = self._load(run_id)
        if model not in self._tapped:
            self._tapped[model] = Taps(model, self._store.get(run_id).network())
        return self._tapped[model]

    def _bank(self, run_id: str, part: str) -> features.Bank:
        taps = self._taps(run_id)
        bank = self._banks.get((run_id, part))
        # Other weights under the same id were loaded into another network.
        if bank is None or bank.taps is not taps:
            split = self._data(self._store.get(run_id)).split
            if part == "training":
                bank = features.Bank.of(taps, split.x_train, split.y_train)
            else:
                bank = features.Bank.of(taps, split.x_test, split.y_test, features.POINTS)
            self._banks[run_id, part] = bank
            while len(self._banks) > CACHED_BANKS:
                self._banks.popitem(last=False)
        self._banks.move_to_end((run_id, part))
        return bank

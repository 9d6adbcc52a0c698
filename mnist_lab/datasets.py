"""The data: found, verified, loaded once, and split into training, validation and test images."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mnist_lab import mnist_files
from mnist_lab.download import download_mnist, keras_file, remedy
from mnist_lab.embedded_digits import embedded_digits
from mnist_lab.errors import DataError
from mnist_lab.mnist_files import Arrays
from mnist_lab.settings import read_settings
from mnist_lab.training_config import DATASETS, SPLITS

__all__ = [
    "DATASETS",
    "IMAGE_SHAPE",
    "N_CLASSES",
    "SPLITS",
    "Dataset",
    "Split",
    "available",
    "clear_cache",
    "download_mnist",
    "fingerprint_of",
    "images_at",
    "keras_file",
    "load",
    "split",
]

IMAGE_SHAPE = (28, 28, 1)
N_CLASSES = 10
# `holdout` keeps so much of the training images for validation: 5,000 of MNIST's 60,000.
_VALIDATION_SHARE = 1 / 12
_SMALL_DATA_NOTICE = (
    "MNIST is not on this machine: these are the 1,797 small digits that come with scikit-learn, enlarged to 28x28. "
    "Accuracies on them do not compare with those on MNIST."
)
_CUSTOM_NOTICE = "By their checksum these images are not MNIST's. Accuracies on them do not compare with those on it."
_reading = threading.Lock()


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Images of digits and their labels.

    Attributes:
        name: `"mnist"`, verified by checksum; `"digits"`, those of scikit-learn; or `"custom"`.
        title: The name for a person.
        x_train: Training images, uint8, shape `(n, 28, 28)`, 0 for paper and 255 for ink; read-only, as all arrays.
        y_train: Their digits, uint8, shape `(n,)`.
        x_test: Test images.
        y_test: Their digits.
        source: Where they came from, in plain words.
        notice: What to announce in the page, or "".
    """

    name: str
    title: str
    x_train: NDArray[np.uint8]
    y_train: NDArray[np.uint8]
    x_test: NDArray[np.uint8]
    y_test: NDArray[np.uint8]
    source: str
    notice: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Which images train, which choose (validation) and which test.

    Attributes:
        x_train: Training images, uint8, shape `(n, 28, 28)`.
        y_train: Their digits, uint8, shape `(n,)`.
        x_validation: Validation images.
        y_validation: Their digits.
        x_test: Test images.
        y_test: Their digits.
        validation_indices: Which images of the data set the validation images are, int64, as `images_at` counts them.
        test_indices: The same for the test images.
        description: In plain words.
        test_is_validation: True if the test images chose the model too, so that its test accuracy is too good.
        fingerprint: Of the test images and their digits. Runs with different ones were asked different questions.
    """

    x_train: NDArray[np.uint8]
    y_train: NDArray[np.uint8]
    x_validation: NDArray[np.uint8]
    y_validation: NDArray[np.uint8]
    x_test: NDArray[np.uint8]
    y_test: NDArray[np.uint8]
    validation_indices: NDArray[np.int64]
    test_indices: NDArray[np.int64]
    description: str
    test_is_validation: bool
    fingerprint: str


def load(name: str = "auto", allow_download: bool = False) -> Dataset:
    """Loads a data set, from memory if its files are as they were.

    MNIST is looked for in `MNIST_LAB_DATA`, then where Keras keeps it.

    Args:
        name: `"auto"` for what `MNIST_LAB_DATA` holds, else MNIST, else the digits of scikit-learn; or
            `"mnist"`, `"digits"` or `"custom"` for that and no other.
        allow_download: Whether to download MNIST if it is missing. This may take 10 s: never do so in a page.

    Returns:
        The data set.

    Raises:
        DataError: If it is not to be had, or a file is damaged.
    """
    if name not in DATASETS:
        raise DataError(f"There is no data set of this name. Received: name={name!r}.", f"Use {', '.join(DATASETS)}.")
    if name == "digits":
        return _digits("")
    for place, where in _places():
        dataset = _from_files(place, where)
        if name in ("auto", dataset.name):
            return dataset
    if name == "custom":
        raise DataError("MNIST_LAB_DATA holds no images of your own.", "Set it to an .npz file with them.")
    trouble = DataError("MNIST is not on this machine.", remedy())
    if allow_download:
        try:
            return _from_files(download_mnist(), "downloaded from Keras's address")
        except DataError as error:
            trouble = error
    if name == "mnist":
        raise trouble
    return _digits(_SMALL_DATA_NOTICE)


def available() -> list[str]:
    """Returns the names of the data sets that can be loaded without a download."""
    names = []
    for place, where in _places():
        try:
            names.append(_from_files(place, where).name)
        except DataError:
            continue
    return [*dict.fromkeys(names), "digits"]


def clear_cache() -> None:
    """Forgets every data set in memory."""
    _arrays.cache_clear()
    _digit_arrays.cache_clear()


def images_at(dataset: Dataset, indices: ArrayLike, labels: ArrayLike | None = None) -> NDArray[np.uint8]:
    """Returns some images of a data set.

    Args:
        dataset: The data set.
        indices: Whole numbers, shape `(k,)`. The training images are counted first, from 0, the test images after
            them: in MNIST the first test image is 60,000.
        labels: Which digits they must be, shape `(k,)`, if that is known: other data of the same name have others.

    Returns:
        Shape `(k, 28, 28)`.

    Raises:
        DataError: If there are not so many images, or they are of other digits.
    """
    wanted = np.asarray(indices, np.int64).reshape(-1)
    training, everything = len(dataset.x_train), len(dataset.x_train) + len(dataset.x_test)
    if len(wanted) and not (wanted.min() >= 0 and wanted.max() < everything):
        raise DataError(
            f"{dataset.title} has {everything:,} images. Received: indices from {wanted.min()} to {wanted.max()}.",
            "These predictions belong to another data set.",
        )
    first = wanted < training
    images = np.empty((len(wanted), *dataset.x_train.shape[1:]), np.uint8)
    digits = np.empty(len(wanted), np.uint8)
    for where, of_images, of_digits, at in (
        (first, dataset.x_train, dataset.y_train, wanted[first]),
        (~first, dataset.x_test, dataset.y_test, wanted[~first] - training),
    ):
        images[where], digits[where] = of_images[at], of_digits[at]
    if labels is not None and not np.array_equal(digits, np.asarray(labels).reshape(-1)):
        raise DataError(
            f"The images of {dataset.title} on this machine are not those that the run was asked about.",
            "Set MNIST_LAB_DATA to those.",
        )
    return images


def split(dataset: Dataset, kind: str, *, seed: int, limit: int | None = None) -> Split:
    """Splits a data set.

    * `"holdout"`: the last twelfth of the training images is for validation (MNIST: 55,000 / 5,000 / 10,000).
    * `"test-as-validation"`: all training images train, and the test images are the validation images too.
    * `"pooled-80-10-10"`: training and test images are thrown together and lots are drawn, by the seed: 80 % train,
      10 % validate, 10 % test (MNIST: 56,000 / 7,000 / 7,000). Writers are then in more than one part.

    Args:
        dataset: The data set.
        kind: One of `SPLITS`.
        seed: Decides the lots of `"pooled-80-10-10"`; the others do not need it.
        limit: Use only the first so many training images; None for all.

    Returns:
        The parts, as views of the data set where the kind allows.

    Raises:
        DataError: If `kind` is unknown or `limit` is no whole number above 0.
    """
    if kind not in SPLITS:
        raise DataError(f"There is no split of this name. Received: kind={kind!r}.", f"Use {', '.join(SPLITS)}.")
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
        raise DataError(f"limit must be a whole number above 0, or None. Received: limit={limit!r}.")
    training, testing = len(dataset.x_train), len(dataset.x_test)
    test = dataset.x_test, dataset.y_test
    indices = chosen_by = np.arange(training, training + testing)
    if kind == "holdout":
        cut = training - max(1, round(training * _VALIDATION_SHARE))
        train = dataset.x_train[:cut], dataset.y_train[:cut]
        validation = dataset.x_train[cut:], dataset.y_train[cut:]
        chosen_by = np.arange(cut, training)
    elif kind == "test-as-validation":
        train, validation = (dataset.x_train, dataset.y_train), test
    else:
        train, validation, test, chosen_by, indices = _pooled(dataset, seed)
    train = train[0][:limit], train[1][:limit]
    return Split(
        *train,
        *validation,
        *test,
        validation_indices=chosen_by,
        test_indices=indices,
        description=_description(kind, len(train[0]), len(validation[0]), len(test[0])),
        test_is_validation=kind == "test-as-validation",
        fingerprint=fingerprint_of(*test),
    )


Part = tuple[NDArray[np.uint8], NDArray[np.uint8]]


def _pooled(dataset: Dataset, seed: int) -> tuple[Part, Part, Part, NDArray[np.int64], NDArray[np.int64]]:
    images = np.concatenate([dataset.x_train, dataset.x_test])
    labels = np.concatenate([dataset.y_train, dataset.y_test])
    order = np.random.default_rng(seed).permutation(len(images))
    tenth = max(1, round(len(images) / 10))
    test, validation, train = order[:tenth], order[tenth : 2 * tenth], order[2 * tenth :]
    parts = [(images[part], labels[part]) for part in (train, validation, test)]
    return parts[0], parts[1], parts[2], validation, test


def _description(kind: str, train: int, validation: int, test: int) -> str:
    if kind == "test-as-validation":
        return (
            f"{train:,} training images; the {test:,} test images are the validation images too, "
            "so the test accuracy is too good"
        )
    parts = f"{train:,} training, {validation:,} validation and {test:,} test images"
    if kind == "holdout":
        return f"{parts}; the test images are used once, at the end"
    return f"{parts}, drawn by lot from all images together"


def fingerprint_of(images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> str:
    """What tells test images from others: 12 hexadecimal digits of the SHA-256 of images and labels."""
    digest = hashlib.sha256(np.ascontiguousarray(images).data)
    digest.update(np.ascontiguousarray(labels).data)
    return digest.hexdigest()[:12]


def _places() -> list[tuple[Path, str]]:
    """Where the images may lie, the first to be preferred, and how that is called."""
    places = []
    data = read_settings().data
    if data is not None:
        places.append((data, "MNIST_LAB_DATA"))
    if keras_file().is_file():
        places.append((keras_file(), "Keras's cache"))
    return places


def _from_files(place: Path, where: str) -> Dataset:
    files = mnist_files.files_of(place)
    stamps = tuple((file, (status := file.stat()).st_mtime_ns, status.st_size) for file in files)
    # Two pages that ask at once must not read twice.
    with _reading:
        arrays, genuine = _arrays(stamps)
    if genuine:
        return Dataset("mnist", "MNIST", *arrays, source=f"{where} ({place})")
    return Dataset("custom", f"Images from {place.name}", *arrays, source=f"{where} ({place})", notice=_CUSTOM_NOTICE)


@lru_cache(maxsize=2)
def _arrays(stamps: tuple[tuple[Path, int, int], ...]) -> tuple[Arrays, bool]:
    """Reads files; that they are the same is seen from their times and sizes."""
    arrays = mnist_files.read(tuple(file for file, _, _ in stamps))
    return arrays, mnist_files.is_mnist(arrays)


def _digits(notice: str) -> Dataset:
    with _reading:
        arrays = _digit_arrays()
    return Dataset("digits", "Small digits", *arrays, source="scikit-learn's load_digits, enlarged", notice=notice)


@lru_cache(maxsize=1)
def _digit_arrays() -> Arrays:
    return embedded_digits()

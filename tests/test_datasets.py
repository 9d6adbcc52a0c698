"""The data: where it is looked for, what is refused, how it is split; the downloads are from a server here."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import io
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from mnist_lab import datasets, download, mnist_files
from mnist_lab.datasets import Dataset
from mnist_lab.errors import DataError, SettingError

Archive = dict[str, np.ndarray]
# Read before the tests take it away.
MNIST_FOLDER = os.environ.get("MNIST_LAB_DATA", "")


def some_images(training: int = 240, test: int = 40, seed: int = 0) -> Archive:
    random = np.random.default_rng(seed)
    return {
        "x_train": random.integers(0, 256, (training, 28, 28), np.uint8),
        "y_train": random.integers(0, 10, training).astype(np.uint8),
        "x_test": random.integers(0, 256, (test, 28, 28), np.uint8),
        "y_test": random.integers(0, 10, test).astype(np.uint8),
    }


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">I{array.ndim}I", 0x0800 + array.ndim, *array.shape) + array.tobytes()


def save_idx(folder: Path, arrays: Archive, packed: bool = True) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, file in mnist_files.PARTS.items():
        data = idx(arrays[name])
        (folder / (file + ".gz" * packed)).write_bytes(gzip.compress(data) if packed else data)
    return folder


def save_npz(file: Path, arrays: Archive) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez(file, **arrays)  # type: ignore[arg-type]
    return file


@pytest.fixture(autouse=True)
def nothing_on_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No data but what a test puts there; nothing remembered; no address that leads out."""
    monkeypatch.delenv("MNIST_LAB_DATA", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(download, "MNIST_URL", "http://127.0.0.1:9/mnist.npz")
    for proxy in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    datasets.clear_cache()
    download.forget_failure()
    yield
    datasets.clear_cache()
    download.forget_failure()


@pytest.fixture
def ours(monkeypatch: pytest.MonkeyPatch) -> Callable[[Archive], None]:
    """Makes a small archive count as MNIST."""

    def accept(arrays: Archive) -> None:
        digests = {name: hashlib.md5(idx(array)).hexdigest() for name, array in arrays.items()}
        monkeypatch.setattr(mnist_files, "MNIST_MD5", digests)
        monkeypatch.setattr(mnist_files, "MNIST_COUNTS", (len(arrays["x_train"]), len(arrays["x_test"])))

    return accept


# Where it is looked for ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("packed", [True, False])
def test_idx_files_are_read_as_they_were_written(packed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = some_images()
    monkeypatch.setenv("MNIST_LAB_DATA", str(save_idx(tmp_path / "data", arrays, packed)))
    dataset = datasets.load()
    for name, array in arrays.items():
        assert np.array_equal(getattr(dataset, name), array) and getattr(dataset, name).dtype == np.uint8
    assert dataset.name == "custom" and "not MNIST" in dataset.notice and "MNIST_LAB_DATA" in dataset.source


@pytest.mark.parametrize("change", ["none", "channel", "wide"])
def test_an_archive_is_read_in_the_forms_that_people_save(
    change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays = some_images()
    saved = dict(arrays)
    if change == "channel":
        saved["x_train"], saved["x_test"] = arrays["x_train"][..., None], arrays["x_test"][..., None]
    elif change == "wide":
        saved = {name: array.astype(np.int64) for name, array in arrays.items()}
    monkeypatch.setenv("MNIST_LAB_DATA", str(save_npz(tmp_path / "own.npz", saved)))
    dataset = datasets.load()
    for name, array in arrays.items():
        assert np.array_equal(getattr(dataset, name), array) and getattr(dataset, name).dtype == np.uint8


def test_the_variable_comes_before_keras_and_keras_before_the_embedded_digits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ours: Callable[[Archive], None]
) -> None:
    first, second = some_images(seed=1), some_images(seed=2)
    ours(second)
    assert datasets.load().name == "digits" and datasets.available() == ["digits"]
    save_npz(tmp_path / "keras" / "datasets" / "mnist.npz", second)
    assert datasets.load().name == "mnist" and "Keras" in datasets.load().source
    assert datasets.load().notice == "" and datasets.available() == ["mnist", "digits"]
    monkeypatch.setenv("MNIST_LAB_DATA", str(save_idx(tmp_path / "data", first)))
    assert np.array_equal(datasets.load().x_test, first["x_test"])
    assert datasets.available() == ["custom", "mnist", "digits"]
    # By name, each is still to be had.
    assert np.array_equal(datasets.load("mnist").x_test, second["x_test"])
    assert np.array_equal(datasets.load("custom").x_test, first["x_test"])
    assert datasets.load("digits").name == "digits"


def test_one_changed_pixel_makes_it_another_data_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ours: Callable[[Archive], None]
) -> None:
    arrays = some_images()
    ours(arrays)
    monkeypatch.setenv("MNIST_LAB_DATA", str(save_npz(tmp_path / "a.npz", arrays)))
    assert datasets.load().name == "mnist"
    for name in arrays:
        changed = {each: array.copy() for each, array in arrays.items()}
        changed[name].flat[3] = (int(changed[name].flat[3]) + 1) % 10
        monkeypatch.setenv("MNIST_LAB_DATA", str(save_npz(tmp_path / f"{name}.npz", changed)))
        assert datasets.load().name == "custom"


def test_what_is_missing_is_said_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"not on this machine.*mnist\.npz.*MNIST_LAB_DATA"):
        datasets.load("mnist")
    with pytest.raises(DataError, match="no images of your own"):
        datasets.load("custom")
    with pytest.raises(DataError, match="Received: name='fashion'"):
        datasets.load("fashion")
    monkeypatch.setenv("MNIST_LAB_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(SettingError, match="does not exist"):
        datasets.load()
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("MNIST_LAB_DATA", str(tmp_path / "empty"))
    with pytest.raises(DataError, match=r"lacks train-images-idx3-ubyte\.gz.*four IDX files"):
        datasets.load()
    assert datasets.available() == ["digits"]


def test_a_data_set_is_read_again_only_when_its_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = save_npz(tmp_path / "own.npz", some_images(seed=1))
    monkeypatch.setenv("MNIST_LAB_DATA", str(file))
    first = datasets.load()
    assert datasets.load().x_train is first.x_train
    save_npz(file, some_images(seed=2, test=41))
    assert len(datasets.load().x_test) == 41


def test_nobody_can_change_the_images_that_all_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_LAB_DATA", str(save_idx(tmp_path / "data", some_images())))
    for dataset in (datasets.load(), datasets.load("digits")):
        for array in (dataset.x_train, dataset.y_train, dataset.x_test, dataset.y_test):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 1


# Damage -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(mnist_files.PARTS))
@pytest.mark.parametrize(
    "damage",
    [lambda data: data[: len(data) // 2], lambda data: b"<html>not found</html>", lambda data: b"",
     lambda data: gzip.compress(gzip.decompress(data)[:-1]), lambda data: gzip.compress(gzip.decompress(data)[:6]),
     lambda data: data[:40] + bytes([data[40] ^ 0xFF]) + data[41:]],
    ids=["cut", "html", "empty", "one byte short", "header only", "one bit wrong"],
)  # fmt: skip
def test_a_damaged_idx_file_is_named(
    name: str, damage: Callable[[bytes], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = save_idx(tmp_path / "data", some_images())
    file = folder / f"{mnist_files.PARTS[name]}.gz"
    file.write_bytes(damage(file.read_bytes()))
    monkeypatch.setenv("MNIST_LAB_DATA", str(folder))
    with pytest.raises(DataError) as caught:
        datasets.load()
    assert str(file) in caught.value.message and caught.value.remedy


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 cut", b"no archive at all", "half", "npy", "pickle"])
def test_a_damaged_archive_is_named(data: bytes | str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = save_npz(tmp_path / "own.npz", some_images())
    if data == "half":
        data = file.read_bytes()[: file.stat().st_size // 2]
    elif data == "npy":
        buffer = io.BytesIO()
        np.save(buffer, np.zeros(3))
        data = buffer.getvalue()
    elif data == "pickle":
        buffer = io.BytesIO()
        np.savez(buffer, **{name: np.array([{}], object) for name in mnist_files.PARTS}, allow_pickle=True)
        data = buffer.getvalue()
    assert isinstance(data, bytes)
    file.write_bytes(data)
    monkeypatch.setenv("MNIST_LAB_DATA", str(file))
    with pytest.raises(DataError, match=r"own\.npz is damaged"):
        datasets.load()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("x_train", np.zeros((240, 32, 32), np.uint8), r"shape \(n, 28, 28\). Received: shape=\(240, 32, 32\)"),
        ("x_train", np.zeros((240, 28, 28), np.float32), "Received: dtype=float32"),
        ("x_train", np.full((240, 28, 28), 256, np.int64), "must lie in 0 to 255. Received: 256 to 256"),
        ("x_train", np.zeros((3, 28, 28), np.uint8), "at least 20 images"),
        ("x_test", np.zeros((0, 28, 28), np.uint8), "at least 1 images"),
        ("y_train", np.zeros(239, np.uint8), r"shape \(240,\), one for each image"),
        ("y_test", np.zeros((40, 10), np.uint8), r"shape \(40,\)"),
        ("y_test", np.full(40, 10, np.uint8), "labels must lie in 0 to 9. Received: 10 to 10"),
        ("y_test", np.full(40, -1, np.int8), "Received: -1 to -1"),
    ],
)
def test_arrays_of_another_form_are_refused(
    name: str, value: np.ndarray, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNIST_LAB_DATA", str(save_npz(tmp_path / "own.npz", some_images() | {name: value})))
    with pytest.raises(DataError, match=words):
        datasets.load()


def test_an_archive_without_an_array_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = some_images()
    del arrays["y_test"]
    monkeypatch.setenv("MNIST_LAB_DATA", str(save_npz(tmp_path / "own.npz", arrays)))
    with pytest.raises(DataError, match=r"lacks an array.*y_test"):
        datasets.load()


# The embedded digits ------------------------------------------------------------------------------------------------


def test_the_embedded_digits_are_scikit_learns_in_their_order_and_in_mnists_form() -> None:
    from scipy import ndimage
    from sklearn.datasets import load_digits

    dataset = datasets.load()
    assert dataset.name == "digits" and "scikit-learn" in dataset.notice
    assert datasets.load("digits").notice == "", "who asks for them knows"
    images = np.concatenate([dataset.x_train, dataset.x_test])
    assert images.shape == (1797, 28, 28) and len(dataset.x_test) == 360
    assert np.array_equal(np.concatenate([dataset.y_train, dataset.y_test]), load_digits().target)
    likeness = []
    for image, small in zip(images[::60], load_digits().images[::60], strict=True):
        rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
        assert max(np.ptp(rows), np.ptp(columns)) + 1 in (19, 20)
        assert np.abs(np.array(ndimage.center_of_mass(image)) - 14).max() <= 0.5 + 1e-9
        large = ndimage.zoom(small, 2.6, order=1)
        field = np.pad(large, ((10, 10), (10, 10)))
        middle = np.round(ndimage.center_of_mass(field)).astype(int)
        original = field[middle[0] - 14 : middle[0] + 14, middle[1] - 14 : middle[1] + 14]
        likeness.append(np.corrcoef(image.ravel(), original.ravel())[0, 1])
    assert np.mean(likeness) > 0.8, "the same digits are still to be seen"
    assert images.mean() == pytest.approx(33.3, abs=0.5)


# Splits -------------------------------------------------------------------------------------------------------------


def numbered(training: int = 240, test: int = 40) -> Dataset:
    """A data set whose every image tells its own number."""
    number = np.arange(training + test)
    images = np.zeros((training + test, 28, 28), np.uint8)
    images[:, 0, 0], images[:, 0, 1] = number // 256, number % 256
    labels = (number % 10).astype(np.uint8)
    return Dataset("custom", "Numbered", images[:training], labels[:training], images[training:], labels[training:], "")


def numbers(images: np.ndarray) -> np.ndarray:
    return images[:, 0, 0].astype(int) * 256 + images[:, 0, 1]


def test_holdout_keeps_the_last_twelfth_of_the_training_images() -> None:
    parts = datasets.split(numbered(), "holdout", seed=0)
    assert np.array_equal(numbers(parts.x_train), np.arange(220))
    assert np.array_equal(numbers(parts.x_validation), np.arange(220, 240))
    assert np.array_equal(numbers(parts.x_test), np.arange(240, 280))
    assert not parts.test_is_validation
    assert not parts.x_train.flags.owndata and not parts.x_validation.flags.owndata, "views, no copies"


def test_holdout_of_mnists_counts_is_55000_5000_10000() -> None:
    empty = np.broadcast_to(np.zeros((1, 1), np.uint8), (28, 28))
    images = np.broadcast_to(empty, (70_000, 28, 28))
    labels = np.zeros(70_000, np.uint8)
    dataset = Dataset("mnist", "MNIST", images[:60_000], labels[:60_000], images[60_000:], labels[60_000:], "")
    parts = datasets.split(dataset, "holdout", seed=0)
    assert [len(parts.y_train), len(parts.y_validation), len(parts.y_test)] == [55_000, 5_000, 10_000]


def test_test_as_validation_is_marked() -> None:
    parts = datasets.split(numbered(), "test-as-validation", seed=0)
    assert parts.test_is_validation and "too good" in parts.description
    assert np.array_equal(numbers(parts.x_train), np.arange(240))
    assert np.array_equal(parts.x_validation, parts.x_test) and np.array_equal(parts.y_validation, parts.y_test)


def test_pooled_parts_are_disjoint_complete_and_drawn_by_the_seed() -> None:
    dataset = numbered()
    parts = datasets.split(dataset, "pooled-80-10-10", seed=3)
    each = [numbers(images) for images in (parts.x_train, parts.x_validation, parts.x_test)]
    assert [len(part) for part in each] == [224, 28, 28]
    assert np.array_equal(np.sort(np.concatenate(each)), np.arange(280))
    assert (each[2] < 240).any() and (each[2] >= 240).any(), "from both sets"
    again = datasets.split(dataset, "pooled-80-10-10", seed=3)
    other = datasets.split(dataset, "pooled-80-10-10", seed=4)
    assert np.array_equal(again.x_train, parts.x_train) and again.fingerprint == parts.fingerprint
    assert not np.array_equal(other.x_test, parts.x_test) and other.fingerprint != parts.fingerprint


@pytest.mark.parametrize("kind", datasets.SPLITS)
@pytest.mark.parametrize("limit", [None, 1, 17, 10_000])
def test_images_and_labels_stay_together_and_indices_find_them(kind: str, limit: int | None) -> None:
    dataset = numbered()
    whole, parts = datasets.split(dataset, kind, seed=1), datasets.split(dataset, kind, seed=1, limit=limit)
    for images, labels in (
        (parts.x_train, parts.y_train), (parts.x_validation, parts.y_validation), (parts.x_test, parts.y_test)
    ):  # fmt: skip
        assert np.array_equal(numbers(images) % 10, labels)
    assert np.array_equal(datasets.images_at(dataset, parts.test_indices), parts.x_test)
    assert np.array_equal(datasets.images_at(dataset, parts.validation_indices), parts.x_validation)
    assert np.array_equal(parts.x_train, whole.x_train[:limit]) and len(parts.x_train) == min(
        limit or 10**9, len(whole.x_train)
    )
    assert np.array_equal(parts.x_test, whole.x_test) and parts.fingerprint == whole.fingerprint
    assert f"{len(parts.x_train):,} training" in parts.description


def test_fingerprints_tell_which_images_were_evaluated() -> None:
    first, second = numbered(), numbered(240, 39)
    holdout = datasets.split(first, "holdout", seed=0).fingerprint
    assert holdout == datasets.split(first, "test-as-validation", seed=5).fingerprint, "the same test images"
    assert holdout != datasets.split(second, "holdout", seed=0).fingerprint
    relabelled = Dataset("custom", "", first.x_train, first.y_train, first.x_test, first.y_test[::-1].copy(), "")
    assert holdout != datasets.split(relabelled, "holdout", seed=0).fingerprint


def test_images_of_another_data_set_are_not_guessed_at() -> None:
    for wrong in ([280], [-1], [0, 60_000]):
        with pytest.raises(DataError, match="has 280 images"):
            datasets.images_at(numbered(), wrong)
    assert datasets.images_at(numbered(), []).shape == (0, 28, 28)
    assert numbers(datasets.images_at(numbered(), [241, 3, 241])).tolist() == [241, 3, 241]


def test_images_of_other_digits_than_expected_are_refused() -> None:
    dataset = datasets.load("digits")
    last = len(dataset.x_train) + len(dataset.x_test) - 1
    digits = [dataset.y_test[-1], dataset.y_train[0]]
    found = datasets.images_at(dataset, [last, 0], digits)
    assert np.array_equal(found, [dataset.x_test[-1], dataset.x_train[0]])
    with pytest.raises(DataError, match="not those that the run was asked about"):
        datasets.images_at(dataset, [last, 0], [digits[0], (digits[1] + 1) % 10])


@pytest.mark.parametrize("limit", [0, -1, True, 2.5, "9"])
def test_an_impossible_limit_or_split_is_refused(limit: object) -> None:
    with pytest.raises(DataError, match="limit must be"):
        datasets.split(numbered(), "holdout", seed=0, limit=limit)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="Use holdout, test-as-validation, pooled-80-10-10"):
        datasets.split(numbered(), "half", seed=0)


def test_the_smallest_data_set_leaves_something_in_every_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_LAB_DATA", str(save_npz(tmp_path / "own.npz", some_images(20, 1))))
    for kind in datasets.SPLITS:
        parts = datasets.split(datasets.load(), kind, seed=0)
        assert min(len(parts.y_train), len(parts.y_validation), len(parts.y_test)) >= 1


# Downloads ----------------------------------------------------------------------------------------------------------


class Server:
    """Serves one file in some manner, and counts who asks."""

    def __init__(self, manner: str, data: bytes) -> None:
        self.asked = 0
        self.over = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked += 1
                if manner == "silent":
                    outer.over.wait(20)
                    return
                self.send_response(404 if manner == "missing" else 200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                try:
                    if manner == "stalling":
                        self.wfile.write(data[: len(data) // 2])
                        outer.over.wait(20)
                    elif manner == "trickling":
                        for byte in data:
                            self.wfile.write(bytes([byte]))
                            if outer.over.wait(0.05):
                                return
                    elif manner == "breaking":
                        self.wfile.write(data[: len(data) // 2])
                    else:
                        self.wfile.write(data)
                except OSError:
                    pass  # the other side has gone, as it may

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/mnist.npz"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(manner: str, data: bytes = b"x" * 200_000, digest: str | None = None) -> Server:
        server = Server(manner, data)
        servers.append(server)
        monkeypatch.setattr(download, "MNIST_URL", server.url)
        monkeypatch.setattr(download, "MNIST_SHA256", digest or hashlib.sha256(data).hexdigest())
        return server

    yield start
    for server in servers:
        server.close()


def test_the_file_lands_where_keras_looks_and_is_loaded(
    serve: Callable[..., Server], tmp_path: Path, ours: Callable[[Archive], None]
) -> None:
    arrays = some_images()
    ours(arrays)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    server = serve("whole", buffer.getvalue())
    assert datasets.load("auto").name == "digits", "nothing is downloaded unasked"
    assert server.asked == 0
    dataset = datasets.load("auto", allow_download=True)
    assert dataset.name == "mnist" and np.array_equal(dataset.x_train, arrays["x_train"])
    assert (tmp_path / "keras" / "datasets" / "mnist.npz").read_bytes() == buffer.getvalue()
    assert datasets.load("mnist").name == "mnist" and datasets.download_mnist() == datasets.keras_file()
    assert server.asked == 1, "what is there is not fetched again"


@pytest.mark.parametrize("manner", ["silent", "stalling", "trickling"])
def test_a_line_that_hangs_is_given_up_in_time(manner: str, serve: Callable[..., Server], tmp_path: Path) -> None:
    serve(manner)
    started = time.monotonic()
    with pytest.raises(DataError, match=r"could not be downloaded.*MNIST_LAB_DATA"):
        download.download_mnist(deadline_s=0.6)
    assert time.monotonic() - started < 1.5
    assert not (tmp_path / "keras" / "datasets" / "mnist.npz").exists()


def test_a_name_that_is_never_found_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def never(*_: object, **__: object) -> list:
        over.wait(20)
        raise socket.gaierror("no name server")

    monkeypatch.setattr(socket, "getaddrinfo", never)
    monkeypatch.setattr(download, "MNIST_URL", "http://mnist.invalid/mnist.npz")
    started = time.monotonic()
    with pytest.raises(DataError, match="could not be downloaded"):
        download.download_mnist(deadline_s=0.5)
    assert time.monotonic() - started < 1.5
    over.set()


@pytest.mark.parametrize(
    ("manner", "words"),
    [("garbage", "SHA-256 is wrong"), ("missing", "404"), ("breaking", "could not be downloaded"), ("none", "refused")],
)
def test_what_cannot_be_had_is_said_and_leaves_nothing_behind(
    manner: str, words: str, serve: Callable[..., Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(manner, digest="0" * 64 if manner == "garbage" else None)
    if manner == "none":
        server.close()
    with pytest.raises(DataError, match=words):
        download.download_mnist(deadline_s=5)
    assert not list((tmp_path / "keras" / "datasets").glob("*"))


def test_a_failure_is_remembered_for_minutes_unless_one_insists(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve("missing")
    for _ in range(3):
        with pytest.raises(DataError, match="404"):
            download.download_mnist()
    assert datasets.load("auto", allow_download=True).name == "digits"
    with pytest.raises(DataError, match="404"):
        datasets.load("mnist", allow_download=True)
    assert server.asked == 1
    with pytest.raises(DataError, match="404"):
        download.download_mnist(force=True)
    assert server.asked == 2
    monkeypatch.setattr(download, "PAUSE_AFTER_FAILURE", 0.0)
    with pytest.raises(DataError, match="404"):
        download.download_mnist()
    assert server.asked == 3


def test_two_who_ask_at_once_fetch_once(serve: Callable[..., Server]) -> None:
    server = serve("whole")
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(download.download_mnist())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.asked == 1 and found == [download.keras_file()] * 4


def test_a_damaged_file_of_keras_is_named_and_replaced_by_the_next_download(serve: Callable[..., Server]) -> None:
    file = download.keras_file()
    file.parent.mkdir(parents=True)
    file.write_bytes(b"half of it")
    with pytest.raises(DataError, match=r"mnist\.npz is damaged.*remove it"):
        datasets.load()
    serve("whole")
    assert download.download_mnist().read_bytes() == b"x" * 200_000


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_to_is_named(serve: Callable[..., Server], tmp_path: Path) -> None:
    serve("whole")
    (tmp_path / "keras").mkdir(mode=0o500)
    with pytest.raises(DataError, match="cannot be written to"):
        download.download_mnist()


def test_the_address_and_digest_are_keras_own() -> None:
    """The published ones, written out a second time: a slip of the hand in either shows."""
    import ast
    import importlib.util

    spec = importlib.util.find_spec("keras")
    assert spec is not None and spec.origin is not None
    source = Path(spec.origin).parent / "src" / "datasets" / "mnist.py"
    constants = {node.value for node in ast.walk(ast.parse(source.read_text())) if isinstance(node, ast.Constant)}
    published = ast.parse(Path(download.__file__).read_text())
    own = {node.value for node in ast.walk(published) if isinstance(node, ast.Constant)}
    assert "https://storage.googleapis.com/tensorflow/tf-keras-datasets/" in constants
    assert "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz" in own
    digest = next(value for value in constants if isinstance(value, str) and len(value) == 64)
    assert digest in own


# MNIST itself -------------------------------------------------------------------------------------------------------


@pytest.mark.mnist
def test_mnist_itself_is_recognised(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MNIST_LAB_DATA", MNIST_FOLDER)
    dataset = datasets.load()
    assert dataset.name == "mnist" and dataset.notice == ""
    assert dataset.x_train.shape == (60_000, 28, 28) and dataset.x_test.shape == (10_000, 28, 28)
    # Counts per digit as published for the original files.
    assert np.bincount(dataset.y_train).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(dataset.y_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    arrays = {name: getattr(dataset, name) for name in mnist_files.PARTS}
    monkeypatch.setenv("MNIST_LAB_DATA", str(save_npz(tmp_path / "mnist.npz", arrays)))
    assert datasets.load().name == "mnist", "the same images in Keras's form"

"""VGG16: its counts, which of its layers learn, and the one download of the program that Keras would do itself."""

from __future__ import annotations

import hashlib
import os
import socket
import time
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from keras.src.legacy.saving import legacy_h5_format

from mnist_lab.architecture import Architecture
from mnist_lab.errors import DataError
from mnist_lab.keras_side import pretrained
from mnist_lab.keras_side.build import build
from mnist_lab.layers import Pretrained, RepeatChannels, Resizing
from mnist_lab.shapes import analyse
from tests.keras_side.equality import COLOUR, HEAD, assert_equal_to_keras


@pytest.mark.parametrize("trainable", [0, 1, 5, 13])
def test_vgg16_learns_in_as_many_of_its_last_convolutions_as_were_asked_for(trainable: int) -> None:
    network = Architecture((*COLOUR, Pretrained(weights="none", trainable_layers=trainable), *HEAD))
    model = build(network)
    assert_equal_to_keras(model, analyse(network))
    vgg = model.get_layer("l02_pretrained")
    learning = [layer.trainable for layer in vgg.layers if isinstance(layer, keras.layers.Conv2D)]
    assert learning == [False] * (13 - trainable) + [True] * trainable
    assert analyse(network).rows[2].parameters == 14_714_688  # as keras.io/api/applications and the paper's column D


def test_vgg16_without_weights_starts_from_the_seed() -> None:
    network = Architecture((*COLOUR, Pretrained(weights="none"), *HEAD))
    one, two = (build(network, seed=3).get_weights() for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    assert not np.array_equal(one[0], build(network, seed=4).get_weights()[0])


@pytest.mark.parametrize("shape", [(33, 47), (64, 32)])
def test_vgg16_takes_larger_maps(shape: tuple[int, int]) -> None:
    network = Architecture((RepeatChannels(3), Resizing(*shape), Pretrained(weights="none"), *HEAD))
    assert_equal_to_keras(build(network), analyse(network))


def test_weights_that_are_on_this_machine_are_read_and_damaged_ones_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = Architecture((*COLOUR, Pretrained(trainable_layers=2), *HEAD))
    source = keras.applications.VGG16(include_top=False, weights=None, input_shape=(32, 32, 3))
    file = tmp_path / "models" / pretrained.VGG16_URL.rsplit("/", 1)[1]
    file.parent.mkdir()
    with h5py.File(file, "w") as stream:
        legacy_h5_format.save_weights_to_hdf5_group(stream, source)  # the form of the file that Keras publishes
    with file.open("rb") as stream:
        monkeypatch.setattr(pretrained, "VGG16_MD5", hashlib.file_digest(stream, "md5").hexdigest())
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(pretrained, "_knock", unreachable)
    model = build(network)
    assert_equal_to_keras(model, analyse(network))
    for one, other in zip(source.get_weights(), model.get_layer("l02_pretrained").get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    os.truncate(file, 1000)
    with pytest.raises(DataError, match="no network"):
        build(network)


def unreachable(url: str, patience: float) -> None:
    raise OSError("no network")


def test_weights_that_cannot_be_had_are_one_sentence_within_ten_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A server that takes connections into its queue and never answers: the worst of bad lines.
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setenv("KERAS_HOME", str(tmp_path))
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr(pretrained, "VGG16_URL", f"http://127.0.0.1:{silent.getsockname()[1]}/weights.h5")
        monkeypatch.setattr(pretrained, "PATIENCE", 1.0)
        begin = time.monotonic()
        with pytest.raises(DataError, match="weights of VGG16") as caught:
            build(Architecture((*COLOUR, Pretrained(), *HEAD)))
    assert time.monotonic() - begin < 4
    assert "none" in caught.value.remedy
    assert str(tmp_path) in caught.value.remedy


def test_a_server_that_is_not_there_is_given_up_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(pretrained, "VGG16_URL", f"http://127.0.0.1:{port}/weights.h5")
    with pytest.raises(DataError):
        build(Architecture((*COLOUR, Pretrained(), *HEAD)))

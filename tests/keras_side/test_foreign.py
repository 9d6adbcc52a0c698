"""Weights that come from anyone: those of the network are taken, everything else is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from mnist_lab import starter
from mnist_lab.architecture import Architecture
from mnist_lab.errors import ExchangeError
from mnist_lab.keras_side import foreign
from mnist_lab.keras_side.build import build
from mnist_lab.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, Residual
from mnist_lab.shapes import analyse
from mnist_lab.store.artefacts import MODEL

SMALL = Architecture((Conv2D(2, 5, 3), BatchNormalization(), Flatten(), Dropout(0.5), Dense(10, "softmax")))
PARAMETERS = analyse(SMALL).parameters
KERNEL = "layers/conv2d/vars/0"
Change = Callable[[h5py.File], Any]


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "own.weights.h5"
    build(SMALL, seed=3).save_weights(path)
    return path


def test_weights_of_the_network_are_taken_and_written_anew(weights: Path, tmp_path: Path) -> None:
    content = weights.read_bytes()
    model, own = foreign.adopt(SMALL.to_dict(), content)
    ours = build(SMALL, seed=3)
    for one, other in zip(model.get_weights(), ours.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    (tmp_path / "again.weights.h5").write_bytes(own)
    again = build(SMALL, seed=4)
    again.load_weights(tmp_path / "again.weights.h5")
    images = np.random.default_rng(0).random((3, 28, 28, 1), np.float32)
    np.testing.assert_array_equal(*(keras.ops.convert_to_numpy(each(images, training=False)) for each in (again, ours)))


def test_the_weights_that_the_program_writes_pass(tmp_path: Path) -> None:
    foreign.check(starter.FOLDER / MODEL, 93_322)
    block = Residual((Conv2D(2, 3, padding="same"), Residual((Conv2D(2, 3, padding="same"),))), "projection")
    network = Architecture((Conv2D(2, 5, 3), block, Flatten(), Dense(10, "softmax")))
    model = build(network, seed=1)
    keras.Model(model.inputs, model.outputs).save_weights(tmp_path / "x.weights.h5")
    foreign.check(tmp_path / "x.weights.h5", analyse(network).parameters)


def test_files_that_are_no_weights(weights: Path, tmp_path: Path) -> None:
    content = weights.read_bytes()
    for bad in (b"", b"PK\3\4", b"\x89HDF\r\n\x1a\n", content[:500], content[: len(content) // 2], b"x" * 10_000):
        with pytest.raises(ExchangeError, match=r"no HDF5 file, or a damaged one|The weights"):
            foreign.adopt(SMALL.to_dict(), bad)


def test_weights_of_another_network(weights: Path) -> None:
    wider = Architecture((Conv2D(3, 5, 3), BatchNormalization(), Flatten(), Dropout(0.5), Dense(10, "softmax")))
    with pytest.raises(ExchangeError, match=f"The weights are {PARAMETERS:,} numbers; the network has"):
        foreign.adopt(wider.to_dict(), weights.read_bytes())
    # As many numbers, in other shapes.
    one, other = (
        Architecture((Flatten(), Dense(10, use_bias=False), Dense(10, "softmax", use_bias=False))),
        Architecture((Flatten(), *[Dense(units, use_bias=False) for units in (10, 5)], Dense(10, "softmax", False))),
    )
    assert analyse(one).parameters == analyse(other).parameters
    build(one).save_weights(weights)
    with pytest.raises(ExchangeError, match="not those of this network"):
        foreign.adopt(other.to_dict(), weights.read_bytes())


def test_a_network_is_not_built_before_its_weights_were_counted(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def build_it(*_: Any) -> None:
        raise AssertionError("it was built")

    monkeypatch.setattr("mnist_lab.keras_side.build.build", build_it)
    giant = Architecture((Flatten(), Dense(60_000), Dense(60_000), Dense(10, "softmax")))
    with pytest.raises(ExchangeError, match="the network has 3,6"):
        foreign.adopt(giant.to_dict(), weights.read_bytes())


def again(file: h5py.File, name: str = KERNEL) -> tuple[Any, np.ndarray]:
    """Takes a data set out of a file, to put another in its place."""
    values = file[name][()]
    parent = file[name].parent
    del file[name]
    return parent, values


def external_link(file: h5py.File) -> None:
    again(file)
    file[KERNEL] = h5py.ExternalLink("/etc/passwd", "/")


def soft_link(file: h5py.File) -> None:
    again(file)
    file[KERNEL] = h5py.SoftLink("/layers/dense/vars/0")


def soft_link_to_nothing(file: h5py.File) -> None:
    file["layers/more"] = h5py.SoftLink("/nowhere")


def external_data(file: h5py.File) -> None:
    parent, values = again(file)
    parent.create_dataset("0", values.shape, values.dtype, external=[("/etc/hostname", 0, values.nbytes)])


def virtual_data(file: h5py.File) -> None:
    parent, values = again(file)
    plan = h5py.VirtualLayout(values.shape, values.dtype)
    plan[:] = h5py.VirtualSource("/tmp/other.h5", "data", values.shape)
    parent.create_virtual_dataset("0", plan)


def packed_data(file: h5py.File) -> None:
    parent, values = again(file)
    parent.create_dataset("0", data=values, compression="gzip")


def chunked_data(file: h5py.File) -> None:
    parent, values = again(file)
    parent.create_dataset("0", data=values, chunks=True)


def declared_only(file: h5py.File) -> None:
    parent, values = again(file)
    parent.create_dataset("0", values.shape, values.dtype)


def a_giant(file: h5py.File) -> None:
    parent, _ = again(file)
    parent.create_dataset("0", (10**6, 10**6), np.float32)


def references(file: h5py.File) -> None:
    file["layers/refs"] = np.array([file["layers"].ref], dtype=h5py.ref_dtype)


def region_references(file: h5py.File) -> None:
    file["layers/refs"] = np.array([file[KERNEL].regionref[:1]], dtype=h5py.regionref_dtype)


def a_reference_as_attribute(file: h5py.File) -> None:
    file["layers"].attrs["more"] = file[KERNEL].ref


def texts(file: h5py.File) -> None:
    file["layers/text"] = np.array(["a", "b"], dtype=h5py.string_dtype())


def lists_of_any_length(file: h5py.File) -> None:
    file.create_dataset("layers/lists", (2,), h5py.vlen_dtype(np.int32))


def fields(file: h5py.File) -> None:
    file["layers/fields"] = np.zeros(3, [("a", "f4"), ("b", "i4")])


def complex_numbers(file: h5py.File) -> None:
    file["layers/complex"] = np.zeros(3, np.complex64)


def a_type(file: h5py.File) -> None:
    file["layers/type"] = np.dtype("f4")


def a_circle(file: h5py.File) -> None:
    file["layers/conv2d/round"] = file["layers"]


def the_same_twice(file: h5py.File) -> None:
    file["layers/conv2d/vars/9"] = file[KERNEL]


def many_objects(file: h5py.File) -> None:
    for number in range(foreign.MAX_OBJECTS):
        file.create_group(f"layers/g{number}")


def a_large_attribute(file: h5py.File) -> None:
    file["layers"].attrs["more"] = np.zeros(1000)


def not_a_number(file: h5py.File) -> None:
    file[KERNEL][0, 0, 0, 0] = np.nan


def more_numbers(file: h5py.File) -> None:
    file["layers/more"] = np.zeros(5, np.float32)


def another_name(file: h5py.File) -> None:
    file.move("layers/dense", "layers/lambda")


HOSTILE = [
    external_link, soft_link, soft_link_to_nothing, external_data, virtual_data, packed_data, chunked_data,
    declared_only,
    a_giant, references, region_references, a_reference_as_attribute, texts, lists_of_any_length, fields,
    complex_numbers,
    a_type, a_circle, the_same_twice, many_objects, a_large_attribute, not_a_number, more_numbers, another_name,
]  # fmt: skip


@pytest.mark.parametrize("change", HOSTILE, ids=lambda change: change.__name__)
def test_what_keras_does_not_write_is_refused(weights: Path, change: Change, monkeypatch: pytest.MonkeyPatch) -> None:
    if change is many_objects:
        monkeypatch.setattr(foreign, "MAX_OBJECTS", 200)
    with h5py.File(weights, "r+") as file:
        change(file)
    with pytest.raises(ExchangeError) as caught:
        foreign.adopt(SMALL.to_dict(), weights.read_bytes())
    assert "anew" in str(caught.value)


def test_whole_numbers_beside_the_weights_are_let_pass(weights: Path) -> None:
    # As Keras keeps the state of a random generator.
    with h5py.File(weights, "r+") as file:
        file["layers/dropout/seed_generator/vars/0"] = np.array([1, 2], np.uint32)
    foreign.adopt(SMALL.to_dict(), weights.read_bytes())

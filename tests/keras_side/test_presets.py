"""Every preset as Keras builds it, layer by layer, beside our arithmetic and beside what its document printed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import keras
import pytest

from mnist_lab.architecture import Architecture
from mnist_lab.keras_side.build import build, layer_name
from mnist_lab.layers import Pretrained
from mnist_lab.shapes import analyse
from mnist_lab.studies import Preset, presets
from tests.keras_side.equality import assert_equal_to_keras, counts

LARGEST_BUILT = 50_000_000
ALL = list(presets().values())


def without_download(architecture: Architecture) -> Architecture:
    """The same network with random weights where it has pretrained ones."""
    return Architecture(
        tuple(
            dataclasses.replace(layer, weights="none") if isinstance(layer, Pretrained) else layer
            for layer in architecture.layers
        )
    )


def each(entries: list[Preset]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("entry", entries, ids=[entry.name for entry in entries])


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    """Dozens of networks would add up."""
    yield
    keras.backend.clear_session()


def printed_counts(model: Any, architecture: Architecture) -> list[int]:
    """Parameters of each Keras layer that has any, branch after branch, as the documents' tables list them."""
    layers = [model.get_layer(layer_name(path, layer)) for path, layer in architecture.walk()]
    return [total for layer in layers if (total := layer.count_params())]


@each([entry for entry in ALL if entry.parameters < LARGEST_BUILT])
def test_keras_builds_it_with_the_shapes_and_counts_that_we_reckon(entry: Preset) -> None:
    architecture = without_download(entry.architecture)
    model = build(architecture)
    assert_equal_to_keras(model, analyse(architecture))
    if entry.published is not None:
        assert printed_counts(model, entry.architecture) == list(entry.published.layer_parameters)
        total, trainable, _ = counts([model])
        assert (total, trainable) == (entry.published.parameters, entry.published.trainable_parameters)


LARGE = [entry for entry in ALL if entry.parameters >= LARGEST_BUILT]


def test_two_presets_are_too_large_to_be_built_in_a_test() -> None:
    assert sorted(entry.parameters for entry in LARGE) == [62_744_810, 209_788_746]


@each(LARGE)
def test_the_largest_are_built_symbolically_without_memory_for_their_weights(entry: Preset) -> None:
    with keras.StatelessScope(initialize_variables=False):
        model = build(entry.architecture)
        assert_equal_to_keras(model, analyse(entry.architecture))
        assert entry.published is not None
        assert printed_counts(model, entry.architecture) == list(entry.published.layer_parameters)
        assert model.count_params() == entry.published.parameters

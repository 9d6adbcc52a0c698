"""Networks beside each other: against all alignments there are, and by rebuilding each network from the lines."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_lab import fields
from mnist_lab.architecture import Architecture
from mnist_lab.layers import (
    LAYERS,
    AveragePooling2D,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalMaxPooling2D,
    Layer,
    MaxPooling2D,
    Parallel,
    Residual,
)
from mnist_lab.network_diff import Line, align, changes, cheapest, correspond
from mnist_lab.shapes import analyse
from tests.random_networks import doubtful, possible

END = (Flatten(), Dense(10, "softmax"))
seeds = st.integers(0, 10_000)


def network(*layers: Layer) -> Architecture:
    return Architecture((*layers, *END))


def drawn(seed: int) -> Architecture:
    rng = random.Random(seed)
    return rng.choice([possible, doubtful])(rng)


def states(lines: Sequence[Line], index: int = 1) -> list[tuple[str, str]]:
    return [(line.state(index), next(cell.kind for cell in (line.cells[index], *line.cells) if cell)) for line in lines]


def alignments(ours: int, theirs: int) -> Iterator[list[tuple[int | None, int | None]]]:
    """Every way to lay so many items beside so many others, in order."""
    if not ours and not theirs:
        yield []
    if ours and theirs:
        yield from ([*rest, (ours - 1, theirs - 1)] for rest in alignments(ours - 1, theirs - 1))
    if ours:
        yield from ([*rest, (ours - 1, None)] for rest in alignments(ours - 1, theirs))
    if theirs:
        yield from ([*rest, (None, theirs - 1)] for rest in alignments(ours, theirs - 1))


@given(st.lists(st.integers(0, 9), max_size=4), st.lists(st.integers(0, 9), max_size=5))
@settings(deadline=None)
def test_no_alignment_is_cheaper(ours: list[int], theirs: list[int]) -> None:
    def cost(one: int, other: int) -> int | None:
        return None if (one + other) % 3 == 1 else abs(one - other)

    def alone(one: int) -> int:
        return 1 + one % 4

    def price(pairs: list[tuple[int | None, int | None]]) -> float:
        total = 0.0
        for i, j in pairs:
            if i is not None and j is not None:
                beside = cost(ours[i], theirs[j])
                total += float("inf") if beside is None else beside
            else:
                total += alone(ours[i] if i is not None else theirs[j])  # type: ignore[index]
        return total

    found = cheapest(ours, theirs, cost, alone)
    assert [i for i, _ in found if i is not None] == list(range(len(ours)))
    assert [j for _, j in found if j is not None] == list(range(len(theirs)))
    assert price(found) == min(map(price, alignments(len(ours), len(theirs))))


@given(st.lists(seeds, min_size=1, max_size=5), st.data())
@settings(deadline=None)
def test_each_network_is_its_own_column(which: list[int], data: st.DataObject) -> None:
    networks = [drawn(seed) for seed in which]
    lines = align(networks, data.draw(st.integers(0, len(networks) - 1)))
    for index, each in enumerate(networks):
        cells = [line.cells[index] for line in lines if line.cells[index]]
        assert [(cell.path, cell.layer) for cell in cells] == list(each.walk())
        assert [line.depth for line in lines if line.cells[index]] == [
            sum(isinstance(step, str) for step in path) for path, _ in each.walk()
        ]
    assert all(any(line.cells) for line in lines)


def own(layer: Layer) -> tuple[str, dict[str, Any]]:
    """What a layer is, what it holds left out."""
    return layer.kind, fields.to_dict(layer)


@given(seeds, seeds)
@settings(deadline=None)
def test_the_changes_make_the_one_network_of_the_other(first: int, second: int) -> None:
    base, other = drawn(first), drawn(second)
    made = []
    for line in align([base, other]):
        ours, theirs = line.cells
        if line.state(1) in ("same", "changed"):
            new = {name: after for name, _, after in line.changes(1)}
            kind = LAYERS[new.pop("layer", ours.kind)]
            new.pop("branches", None)
            made.append(own(kind(**{**{name: getattr(ours.layer, name) for name in fields.specs(kind)}, **new})))
        elif line.state(1) == "added":
            made.append(own(theirs.layer))
        else:
            assert line.state(1) == "removed" and theirs is None
    assert made == [own(layer) for _, layer in other.walk()]


@given(st.lists(seeds, min_size=2, max_size=4))
@settings(deadline=None)
def test_what_the_differing_lines_cost_sums_to_the_difference_of_the_networks(which: list[int]) -> None:
    networks = [drawn(seed) for seed in which]
    lines = align(networks)
    sums = [analyse(each) for each in networks]
    for index, whole in enumerate(sums):
        for figure in ("parameters", "multiply_adds"):
            by = sum(
                getattr(line.cells[index], figure, 0) - getattr(line.cells[0], figure, 0)
                for line in lines
                if line.differs
            )
            assert by == getattr(whole, figure) - getattr(sums[0], figure)


@given(seeds)
@settings(deadline=None)
def test_a_network_differs_from_itself_in_nothing(seed: int) -> None:
    each = drawn(seed)
    lines = align([each, each, each], base=1)
    assert len(lines) == len(list(each.walk()))
    assert not [line for line in lines if line.differs or line.state(0) != "same" or line.changes(2)]


def test_a_changed_layer_names_its_fields_zero_and_none_among_them() -> None:
    a = network(Conv2D(32, 3), MaxPooling2D(2, None), Dropout(0.0))
    b = network(Conv2D(64, 3, use_bias=False), MaxPooling2D(2, 1), Dropout(0.5))
    lines = align([a, b])
    assert [line.changes(1) for line in lines] == [
        [("filters", 32, 64), ("use_bias", True, False)],
        [("strides", None, (1, 1))],
        [("rate", 0.0, 0.5)],
        [],
        [],
    ]
    assert lines[-1].state(1) == "same" and lines[-1].differs, "it has other parameters, for its input is larger"


def test_layers_put_in_and_left_out_move_no_others() -> None:
    a = network(Conv2D(8), Conv2D(16), Conv2D(32), MaxPooling2D(), Conv2D(64))
    b = network(Conv2D(4), Conv2D(8), Conv2D(16), Conv2D(32), Conv2D(64))
    assert states(align([a, b])) == [
        ("added", "Conv2D"), ("same", "Conv2D"), ("same", "Conv2D"), ("same", "Conv2D"), ("removed", "MaxPooling2D"),
        ("same", "Conv2D"), ("same", "Flatten"), ("same", "Dense"),
    ]  # fmt: skip


def test_one_pooling_becomes_the_other_but_no_layer_of_another_sort() -> None:
    assert correspond(MaxPooling2D(), AveragePooling2D()) and not correspond(MaxPooling2D(), GlobalMaxPooling2D())
    assert not correspond(Parallel(), Residual()) and not correspond(Conv2D(), Dense())
    assert changes(MaxPooling2D(2), AveragePooling2D(3)) == [
        ("layer", "MaxPooling2D", "AveragePooling2D"), ("pool_size", (2, 2), (3, 3)),
    ]  # fmt: skip
    a, b = Architecture((Flatten(), Dense(10, "softmax"))), Architecture((GlobalMaxPooling2D(), Dense(10, "softmax")))
    assert states(align([a, b])) == [("removed", "Flatten"), ("added", "GlobalMaxPooling2D"), ("same", "Dense")]


def test_a_layer_all_of_whose_fields_changed_is_the_same_layer() -> None:
    a = network(Conv2D(32, 3, 1, "valid", 1, "relu", True, "glorot_uniform"))
    b = network(Conv2D(64, 5, 2, "same", 1, "tanh", False, "he_normal"))
    assert states(align([a, b]))[0] == ("changed", "Conv2D")
    assert len(align([a, b])[0].changes(1)) == 7


@pytest.mark.parametrize(
    ("ours", "theirs", "wanted"),
    [
        (
            Parallel(((Conv2D(8),), ())),
            Parallel(((Conv2D(16),), (), (MaxPooling2D(),)), "add"),
            [("changed", "Parallel"), ("changed", "Conv2D"), ("added", "MaxPooling2D")],
        ),
        (
            Parallel(((Conv2D(8),), (Conv2D(16, 5), Conv2D(4)))),
            Parallel(((Conv2D(16, 5), Conv2D(4)),)),
            [("changed", "Parallel"), ("removed", "Conv2D"), ("same", "Conv2D"), ("same", "Conv2D")],
        ),
        (
            Residual((Conv2D(8, padding="same"), Residual((Dense(1),)))),
            Residual((Conv2D(8, padding="same"), Residual((Dense(1), Dropout(0.5))))),
            [("same", "Residual"), ("same", "Conv2D"), ("same", "Residual"), ("same", "Dense"), ("added", "Dropout")],
        ),
        (
            Residual((Conv2D(1),)),
            Parallel(((Conv2D(1),),)),
            [("removed", "Residual"), ("removed", "Conv2D"), ("added", "Parallel"), ("added", "Conv2D")],
        ),
    ],
)
def test_blocks_are_compared_from_inside(ours: Layer, theirs: Layer, wanted: list[tuple[str, str]]) -> None:
    assert states(align([network(ours), network(theirs)]))[: len(wanted)] == wanted
    if isinstance(ours, Parallel) and isinstance(theirs, Parallel):
        assert ("branches", len(ours.branches), len(theirs.branches)) in changes(ours, theirs)


def test_many_networks_stand_beside_the_base_and_share_what_it_lacks() -> None:
    a = network(Conv2D(8))
    b = network(Conv2D(8), Dropout(0.2))
    c = network(Conv2D(8), MaxPooling2D(), Dropout(0.5))
    lines = align([b, a, c], base=1)
    assert [[cell.title if cell else "" for cell in line.cells] for line in lines[:3]] == [
        ["Conv2D 8, 3×3, relu"] * 3, ["", "", "MaxPooling2D 2×2"], ["Dropout 0.2", "", "Dropout 0.5"],
    ]  # fmt: skip
    assert [line.state(0) for line in lines[:3]] == ["same", "absent", "added"]


def test_the_shapes_of_each_network_stand_beside_its_layers() -> None:
    lines = align([network(Conv2D(8)), network(Conv2D(8, 5))])
    assert [cell.output_shape for cell in lines[0].cells if cell] == [(26, 26, 8), (24, 24, 8)]
    assert [cell.parameters for cell in lines[0].cells if cell] == [80, 208]

"""Changes to an architecture, each against what lists do."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from mnist_lab import editing
from mnist_lab.architecture import Architecture
from mnist_lab.errors import ArchitectureError
from mnist_lab.layers import Conv2D, Dense, Flatten, Layer, MaxPooling2D, Parallel, Residual
from tests.random_networks import possible

A, B, C, NEW = Conv2D(1), Conv2D(2), Conv2D(3), Dense(99)
NETWORK = Architecture(
    (
        Flatten(),
        Parallel(((A, B, C), (MaxPooling2D(),))),
        Residual((A, Parallel(((B,), (C, A))))),
    )
)
CONTAINERS: list[editing.Path] = [
    (),
    (1, "branches", 0),
    (1, "branches", 1),
    (2, "layers"),
    (2, "layers", 1, "branches", 1),
]
EVERYWHERE = pytest.mark.parametrize("container", CONTAINERS, ids=str)


def assert_only_changed(after: Architecture, container: editing.Path, expected: list[Layer]) -> None:
    """The list at the container is as expected, and all other layers are what they were."""
    assert list(editing.layers_at(after, container)) == expected
    restored = editing.layers_at(NETWORK, container)
    for _ in range(len(expected)):
        after = editing.remove(after, (*container, 0))
    for layer in reversed(restored):
        after = editing.insert(after, (*container, 0), layer)
    assert after == NETWORK


@EVERYWHERE
def test_layers_at_and_get_follow_paths(container: editing.Path) -> None:
    walked = [layer for path, layer in NETWORK.walk() if path[:-1] == container]
    assert list(editing.layers_at(NETWORK, container)) == walked
    for index, layer in enumerate(walked):
        assert editing.get(NETWORK, (*container, index)) == layer


@EVERYWHERE
def test_insert_put_remove_and_duplicate_do_what_lists_do(container: editing.Path) -> None:
    before = list(editing.layers_at(NETWORK, container))
    for index in range(len(before) + 1):
        inserted = editing.insert(NETWORK, (*container, index), NEW)
        assert_only_changed(inserted, container, [*before[:index], NEW, *before[index:]])
        assert editing.remove(inserted, (*container, index)) == NETWORK
    for index in range(len(before)):
        path = (*container, index)
        assert_only_changed(
            editing.put(NETWORK, path, NEW), container, [*before[:index], NEW, *before[index + 1 :]]
        )  # fmt: skip
        assert_only_changed(editing.remove(NETWORK, path), container, before[:index] + before[index + 1 :])
        doubled = [*before[: index + 1], before[index], *before[index + 1 :]]
        assert_only_changed(editing.duplicate(NETWORK, path), container, doubled)


@EVERYWHERE
@pytest.mark.parametrize("by", [-5, -2, -1, 0, 1, 2, 5])
def test_a_move_stops_at_the_ends(container: editing.Path, by: int) -> None:
    before = list(editing.layers_at(NETWORK, container))
    for index in range(len(before)):
        expected = [*before[:index], *before[index + 1 :]]
        expected.insert(min(max(index + by, 0), len(before) - 1), before[index])
        assert list(editing.layers_at(editing.move(NETWORK, (*container, index), by), container)) == expected


def test_branches_are_added_and_removed() -> None:
    more = editing.add_branch(NETWORK, (1,))
    assert [len(branch) for branch in editing.get(more, (1,)).branches] == [3, 1, 0]  # type: ignore[attr-defined]
    assert editing.remove_branch(more, (1,), 2) == NETWORK
    fewer = editing.remove_branch(NETWORK, (2, "layers", 1), 0)
    assert editing.get(fewer, (2, "layers", 1)) == Parallel(((C, A),))


@pytest.mark.parametrize("change", [editing.add_branch, lambda a, p: editing.remove_branch(a, p, 0)])
def test_only_a_parallel_has_branches(change: Callable[..., Any]) -> None:
    with pytest.raises(ArchitectureError, match="no branches"):
        change(NETWORK, (2,))


def test_the_last_branch_of_a_block_stays() -> None:
    single = Architecture((Parallel(((A,),)),))
    with pytest.raises(ArchitectureError, match="branches"):
        editing.remove_branch(single, (0,), 0)


@pytest.mark.parametrize(
    "container",
    [(0, "branches", 0), (0, "layers"), (1, "layers"), (1, "branches", 2), (1, "branches"), (2, "branches", 0),
     (7, "layers"), (-1, "layers"), (1, "branches", -1), (1, "nonsense", 0), ("x", "layers")],
    ids=str,
)  # fmt: skip
def test_a_place_that_is_not_there_is_an_architecture_error(container: Any) -> None:
    for change in (
        lambda: editing.layers_at(NETWORK, container),
        lambda: editing.insert(NETWORK, (*container, 0), NEW),
        lambda: editing.remove(NETWORK, (*container, 0)),
        lambda: editing.put(NETWORK, (*container, 0), NEW),
    ):
        with pytest.raises(ArchitectureError):
            change()


@pytest.mark.parametrize("path", [(3,), (99,), (-1,), (1, "branches", 1, 1), (2, "layers", 5)], ids=str)
def test_a_layer_that_is_not_there_is_an_architecture_error(path: Any) -> None:
    for change in (editing.get, editing.remove, editing.duplicate, lambda a, p: editing.move(a, p, 1)):
        with pytest.raises(ArchitectureError):
            change(NETWORK, path)
    with pytest.raises(ArchitectureError):
        editing.put(NETWORK, path, NEW)
    beyond = (*path[:-1], path[-1] if path[-1] < 0 else path[-1] + 1)
    with pytest.raises(ArchitectureError):
        editing.insert(NETWORK, beyond, NEW)


def test_a_block_that_would_be_nested_too_deeply_is_refused() -> None:
    deep = Architecture((Residual((Residual((Residual((A,)),)),)),))
    with pytest.raises(ArchitectureError, match="nested"):
        editing.put(deep, (0, "layers", 0, "layers", 0, "layers", 0), Residual((A,)))


def test_random_changes_to_random_networks_can_be_taken_back() -> None:
    for seed in range(60):
        rng = random.Random(seed)
        network = possible(rng)
        path, layer = rng.choice(list(network.walk()))
        assert editing.get(network, path) == layer
        assert editing.insert(editing.remove(network, path), path, layer) == network
        assert editing.put(editing.put(network, path, NEW), path, layer) == network
        assert editing.remove(editing.duplicate(network, path), path) == network
        siblings = len(editing.layers_at(network, path[:-1]))
        if int(path[-1]) + 1 < siblings:
            there = editing.move(network, path, 1)
            assert editing.move(there, (*path[:-1], int(path[-1]) + 1), -1) == network

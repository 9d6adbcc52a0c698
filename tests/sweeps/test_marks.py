"""What is searched follows the layers of a network that is edited, against labels that are moved by hand."""

from __future__ import annotations

import random
from typing import Any

import pytest

from mnist_lab import editing
from mnist_lab.architecture import Architecture, Path
from mnist_lab.layers import Conv2D, Dense, Flatten, MaxPooling2D, Parallel, Residual
from mnist_lab.sweeps.dimensions import Dimension, IntegerRange, OneOf, Repeat
from mnist_lab.sweeps.marks import follow, place_of, with_own_layers
from mnist_lab.sweeps.ways import way_of
from tests.random_networks import possible

A = Conv2D(8)
# The same object in several places, as presets have it.
NETWORK = with_own_layers(
    Architecture((A, MaxPooling2D(), A, Parallel(((A, A), (Residual((A,)),))), Flatten(), Dense(10, "softmax")))
)
RATE = OneOf("training.optimizer.learning_rate", (0.1, 0.01))


def mark(path: Path) -> Dimension:
    return IntegerRange(way_of(path, "filters"), 2, 20)


def fields(found: tuple[Dimension, ...]) -> list[str]:
    return [each.field for each in found]


@pytest.mark.parametrize("path", [path for path, _ in NETWORK.walk()])
def test_the_name_of_a_field_tells_its_layer(path: Path) -> None:
    assert place_of(way_of(path, "filters")) == (path, "filters")
    assert place_of(way_of(path)) == (path, "")
    assert place_of("training.batch_size") is None


def test_every_place_has_an_object_of_its_own_and_the_network_is_the_same() -> None:
    objects = [layer for _, layer in NETWORK.walk()]
    assert len({id(layer) for layer in objects}) == len(objects) == 10
    assert with_own_layers(NETWORK) is NETWORK
    assert NETWORK.layers[2] == A == NETWORK.layers[0] and NETWORK.layers[0] is A


@pytest.mark.parametrize(
    ("change", "was", "now"),
    [
        (lambda n: editing.insert(n, (0,), Dense(3)), (2,), (3,)),
        (lambda n: editing.insert(n, (3,), Dense(3)), (2,), (2,)),
        (lambda n: editing.remove(n, (0,)), (2,), (1,)),
        (lambda n: editing.remove(n, (0,)), (0,), None),
        (lambda n: editing.remove(n, (2,)), (0,), (0,)),
        (lambda n: editing.move(n, (2,), -1), (2,), (1,)),
        (lambda n: editing.move(n, (2,), -2), (0,), (1,)),
        (lambda n: editing.move(n, (0,), 5), (0,), (5,)),
        (lambda n: editing.duplicate(n, (0,)), (0,), (0,)),
        (lambda n: editing.duplicate(n, (0,)), (2,), (3,)),
        (lambda n: editing.put(n, (2,), Conv2D(99)), (2,), (2,)),
        (lambda n: editing.put(n, (2,), Dense(99)), (2,), None),
        (
            lambda n: editing.remove_branch(n, (3,), 0),
            (3, "branches", 1, 0, "layers", 0),
            (3, "branches", 0, 0, "layers", 0),
        ),
        (lambda n: editing.remove_branch(n, (3,), 0), (3, "branches", 0, 1), None),
        (lambda n: editing.remove(n, (3,)), (3, "branches", 0, 1), None),
        (lambda n: editing.move(n, (3,), -3), (3, "branches", 1, 0, "layers", 0), (0, "branches", 1, 0, "layers", 0)),
        (lambda n: editing.put(n, (3, "branches", 0, 0), Conv2D(1)), (3, "branches", 0, 0), (3, "branches", 0, 0)),
        (lambda n: editing.put(n, (3, "branches", 0, 0), Conv2D(1)), (3, "branches", 0, 1), (3, "branches", 0, 1)),
        (lambda n: Architecture(), (0,), None),
    ],
)  # fmt: skip
def test_a_mark_follows_its_layer_and_is_dropped_with_it(change: Any, was: Path, now: Path | None) -> None:
    after = with_own_layers(change(NETWORK))
    kept, dropped = follow((RATE, mark(was)), NETWORK, after)
    assert fields(kept) == [RATE.field, *([] if now is None else [way_of(now, "filters")])]
    assert dropped == (() if now is not None else (mark(was),))


def test_a_network_of_equal_layers_in_equal_places_keeps_all_marks() -> None:
    same = with_own_layers(Architecture.from_dict(NETWORK.to_dict()))
    marks = tuple(mark(path) for path, layer in NETWORK.walk() if isinstance(layer, Conv2D))
    assert follow(marks, NETWORK, same) == (marks, ())


@pytest.mark.parametrize(
    ("change", "now"),
    [
        (lambda n: editing.insert(n, (0,), Dense(3)), ("layers.1", 2)),
        (lambda n: editing.insert(n, (1,), Dense(3)), ("layers.0", 3)),
        (lambda n: editing.insert(n, (2,), Dense(3)), ("layers.0", 2)),
        (lambda n: editing.remove(n, (0,)), ("layers.0", 1)),
        (lambda n: editing.remove(n, (1,)), ("layers.0", 1)),
        (lambda n: editing.move(n, (0,), 1), ("layers.0", 2)),
        (lambda n: editing.move(n, (0,), 2), None),
        (lambda n: editing.remove(editing.remove(n, (0,)), (0,)), None),
    ],
)
def test_a_block_goes_on_as_long_as_its_layers_stand_together(change: Any, now: tuple[str, int] | None) -> None:
    kept, dropped = follow((Repeat("layers.0", 2, 1, 4),), NETWORK, with_own_layers(change(NETWORK)))
    assert kept == (() if now is None else (Repeat(*now, 1, 4),))
    assert len(dropped) == (now is None)


def test_a_way_of_a_layer_and_its_block_are_two_things() -> None:
    both = (mark((0,)), Repeat("layers.0", 2, 1, 4))
    kept, dropped = follow(both, NETWORK, with_own_layers(editing.insert(NETWORK, (0,), Dense(3))))
    assert fields(kept) == ["layers.1.filters", "layers.1"] and not dropped


@pytest.mark.parametrize("seed", range(20))
def test_there_and_back_again_is_as_before_whatever_was_done(seed: int) -> None:
    rng = random.Random(seed)
    before = with_own_layers(possible(rng))
    marks = tuple(IntegerRange(way_of(path, "x"), 1, 9) for path, _ in before.walk())
    now, searched, past = before, marks, [before]
    for _ in range(6):
        path = rng.choice([path for path, _ in now.walk()])
        by = rng.randint(-2, 2)
        after = with_own_layers(editing.move(now, path, by))
        searched, dropped = follow(searched, now, after)
        assert not dropped
        now = after
        past.append(now)
    # Each mark is at the very layer that it was at, wherever that is now.
    layers = dict(now.walk())
    for old, new in zip(marks, searched, strict=True):
        there, here = place_of(old.field), place_of(new.field)
        assert there is not None and here is not None
        assert layers[here[0]].kind == dict(before.walk())[there[0]].kind
    for earlier in reversed(past):
        (searched, dropped), now = follow(searched, now, earlier), earlier
        assert not dropped
    assert searched == marks

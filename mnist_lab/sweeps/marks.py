"""What is marked as searched, while the network that it is about changes: marks follow layers that are moved.

A layer is known again by being the same object, as it is in all that `mnist_lab.editing` makes of a network; one whose
field was changed is another object in the same place.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from mnist_lab.architecture import Architecture, Path
from mnist_lab.layers import Layer, Parallel, Residual
from mnist_lab.sweeps.dimensions import Dimension, Repeat
from mnist_lab.sweeps.ways import LAYERS, steps_of, way_of


def place_of(field: str) -> tuple[Path, str] | None:
    """The layer, and the name of its field, that a sweep's field is about; None for one of the training."""
    first, *steps = steps_of(field)
    if first != LAYERS:
        return None
    # The last number is the layer's place; what follows it, if anything, is the field.
    name = str(steps.pop()) if steps and isinstance(steps[-1], str) else ""
    return tuple(steps), name


def with_own_layers(architecture: Architecture) -> Architecture:
    """The same network with an object of its own for each layer, where one stood in several places.

    Of several places of one object the first keeps it.
    """
    seen: set[int] = set()
    layers = tuple(_own(layer, seen) for layer in architecture.layers)
    same = all(new is old for new, old in zip(layers, architecture.layers, strict=True))
    return architecture if same else dataclasses.replace(architecture, layers=layers)


def _own(layer: Layer, seen: set[int]) -> Layer:
    inner: dict[str, Any] = {}
    is_new = id(layer) not in seen
    seen.add(id(layer))
    if isinstance(layer, Parallel):
        branches = tuple(tuple(_own(each, seen) for each in branch) for branch in layer.branches)
        if any(new is not old for ours, theirs in zip(branches, layer.branches, strict=True)
               for new, old in zip(ours, theirs, strict=True)):  # fmt: skip
            inner = {"branches": branches}
    elif isinstance(layer, Residual):
        layers = tuple(_own(each, seen) for each in layer.layers)
        if any(new is not old for new, old in zip(layers, layer.layers, strict=True)):
            inner = {"layers": layers}
    return layer if is_new and not inner else dataclasses.replace(layer, **inner)


def follow(
    dimensions: Iterable[Dimension], before: Architecture, after: Architecture
) -> tuple[tuple[Dimension, ...], tuple[Dimension, ...]]:
    """What is searched, once a network has become another one.

    Args:
        dimensions: What was searched.
        before: The network as it was, with a layer object of its own in each place.
        after: As it is now, of the same kind.

    Returns:
        What is still searched, its fields named by their new places, and, as it was, what cannot be any more.
    """
    moved = _moves(before, after)
    kept: list[Dimension] = []
    dropped: list[Dimension] = []
    for each in dimensions:
        found = _followed(each, moved)
        if found is None or found.field in {other.field for other in kept if type(other) is type(found)}:
            dropped.append(each)
        else:
            kept.append(found)
    return tuple(kept), tuple(dropped)


def _moves(before: Architecture, after: Architecture) -> Mapping[Path, Path]:
    """By the path of a layer before its path now, for those that are still there."""
    now = dict(after.walk())
    places = {id(layer): path for path, layer in now.items()}
    olds = list(before.walk())
    known = {id(layer) for _, layer in olds}
    moved: dict[Path, Path] = {}
    for path, layer in olds:
        if id(layer) in places:
            moved[path] = places[id(layer)]
            continue
        # What holds it may have moved.
        inside = next((cut for cut in range(len(path) - 1, 0, -1) if path[:cut] in moved), 0)
        expected = (*moved[path[:inside]], *path[inside:]) if inside else path
        there = now.get(expected)
        if there is not None and id(there) not in known and there.kind == layer.kind:
            moved[path] = expected
    return moved


def _followed(each: Dimension, moved: Mapping[Path, Path]) -> Dimension | None:
    place = place_of(each.field)
    if place is None:
        return each
    path, name = place
    if isinstance(each, Repeat):
        return _followed_block(each, path, moved)
    return dataclasses.replace(each, field=way_of(moved[path], name)) if path in moved else None


def _followed_block(each: Repeat, path: Path, moved: Mapping[Path, Path]) -> Repeat | None:
    """A block goes on as long as its layers, and what was put between them, stand together."""
    members = [(*path[:-1], int(path[-1]) + number) for number in range(each.layers)]
    now = [moved[member] for member in members if member in moved]
    if not now or len({member[:-1] for member in now}) > 1:
        return None
    first, last = min(int(member[-1]) for member in now), max(int(member[-1]) for member in now)
    others = {new for old, new in moved.items() if old not in members}
    if any((*now[0][:-1], place) in others for place in range(first, last + 1)):
        return None
    return dataclasses.replace(each, field=way_of((*now[0][:-1], first)), layers=last - first + 1)

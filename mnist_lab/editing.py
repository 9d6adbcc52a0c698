"""Changes to an architecture: each returns a new one and leaves the old as it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from mnist_lab.architecture import Architecture, Path, where
from mnist_lab.errors import ArchitectureError
from mnist_lab.layers import Layer, Parallel, Residual

Layers = tuple[Layer, ...]


def layers_at(architecture: Architecture, container: Path) -> Layers:
    """The list of layers at a container path: ``()``, ``(3, "branches", 1)`` or ``(4, "layers")``.

    Raises:
        ArchitectureError: If there is no such list.
    """
    found: Layers = ()

    def keep(layers: Layers) -> Layers:
        nonlocal found
        found = layers
        return layers

    _change(architecture.layers, container, keep)
    return found


def get(architecture: Architecture, path: Path) -> Layer:
    """The layer at a path.

    Raises:
        ArchitectureError: If there is no such layer, as of all functions here.
    """
    layers = layers_at(architecture, path[:-1])
    return layers[_index(layers, path)]


def insert(architecture: Architecture, path: Path, layer: Layer) -> Architecture:
    """Puts a layer at a path; what stood there, and all after it, moves on by one."""

    def change(layers: Layers) -> Layers:
        index = _index((*layers, layer), path)
        return (*layers[:index], layer, *layers[index:])

    return _apply(architecture, path[:-1], change)


def put(architecture: Architecture, path: Path, layer: Layer) -> Architecture:
    """Replaces the layer at a path."""
    return _apply(architecture, path[:-1], lambda layers: _replaced(layers, path, (layer,)))


def remove(architecture: Architecture, path: Path) -> Architecture:
    """Takes the layer at a path out."""
    return _apply(architecture, path[:-1], lambda layers: _replaced(layers, path, ()))


def duplicate(architecture: Architecture, path: Path) -> Architecture:
    """Puts a copy of the layer at a path right after it."""
    return insert(architecture, (*path[:-1], int(path[-1]) + 1), get(architecture, path))


def move(architecture: Architecture, path: Path, by: int) -> Architecture:
    """Moves the layer at a path by `by` places within its list; it stops at the ends."""
    layers = layers_at(architecture, path[:-1])
    index = _index(layers, path)
    target = min(max(index + by, 0), len(layers) - 1)
    moved = layers[index]
    return insert(remove(architecture, path), (*path[:-1], target), moved)


def add_branch(architecture: Architecture, path: Path) -> Architecture:
    """Adds an empty branch to the `Parallel` at a path."""
    block = get(architecture, path)
    if not isinstance(block, Parallel):
        raise ArchitectureError(f"{block.kind} has no branches.", "Choose a Parallel layer.", path)
    return put(architecture, path, replace(block, branches=(*block.branches, ())))


def remove_branch(architecture: Architecture, path: Path, number: int) -> Architecture:
    """Removes a branch, with its layers, from the `Parallel` at a path."""
    block = get(architecture, path)
    if not isinstance(block, Parallel):
        raise ArchitectureError(f"{block.kind} has no branches.", "Choose a Parallel layer.", path)
    branches = tuple(branch for index, branch in enumerate(block.branches) if index != number)
    return put(architecture, path, replace(block, branches=branches))


def _index(layers: Layers, path: Path) -> int:
    index = path[-1] if path else None
    if not isinstance(index, int) or not 0 <= index < len(layers):
        raise ArchitectureError(f"There is no layer {where(path)} in the network.", path=path)
    return index


def _replaced(layers: Layers, path: Path, new: Layers) -> Layers:
    index = _index(layers, path)
    return (*layers[:index], *new, *layers[index + 1 :])


def _apply(architecture: Architecture, container: Path, change: Callable[[Layers], Layers]) -> Architecture:
    return replace(architecture, layers=_change(architecture.layers, container, change))


def _change(layers: Layers, container: Path, change: Callable[[Layers], Layers]) -> Layers:
    if not container:
        return change(layers)
    index, key, *rest = container
    block = layers[int(index)] if isinstance(index, int) and 0 <= index < len(layers) else None
    if isinstance(block, Parallel) and key == "branches" and rest and 0 <= int(rest[0]) < len(block.branches):
        number = int(rest[0])
        branch = _change(block.branches[number], tuple(rest[1:]), change)
        new: Layer = replace(block, branches=(*block.branches[:number], branch, *block.branches[number + 1 :]))
    elif isinstance(block, Residual) and key == "layers":
        new = replace(block, layers=_change(block.layers, tuple(rest), change))
    else:
        raise ArchitectureError(f"There is no place {container} in the network.", path=container)
    return (*layers[: int(index)], new, *layers[int(index) + 1 :])

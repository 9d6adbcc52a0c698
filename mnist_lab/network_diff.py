"""Networks beside each other, layer by layer: which layers correspond, what was changed, added or removed.

All networks are aligned with one of them, the base, as cheaply as can be: what is left alone costs nothing, a changed
layer a little for each changed field, a layer that only one of the two has more. Blocks are aligned from inside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Any, Literal, TypeVar

from mnist_lab import fields
from mnist_lab.architecture import Architecture, Path, where
from mnist_lab.formatting import setting
from mnist_lab.layers import Layer, Parallel, Residual
from mnist_lab.shapes import Row, analyse

State = Literal["same", "changed", "added", "removed", "absent"]
Change = tuple[str, Any, Any]
Chain = tuple[tuple[Path, Layer], ...]
T = TypeVar("T")

# Two changed layers cost less than one removed and one added, and so does one whose fields have all changed. A row of
# layers whose fields have all moved on by one costs more: it is a layer added before them.
ALONE = 6
CHANGED = 2
SIGNS: dict[State, str] = {"same": "=", "changed": "≠", "added": "+", "removed": "−"}


@dataclass(frozen=True, slots=True)
class Line:
    """Layers that correspond to each other.

    Attributes:
        cells: One for each network, in their order: the layer with its shape and costs; None where it has none.
        base: Index of the network that the others are held against.
        depth: How many blocks it lies in.
    """

    cells: tuple[Row | None, ...]
    base: int
    depth: int

    def state(self, index: int) -> State:
        """What became of the base's layer in another network; "added" where the base has none, "absent" in neither."""
        ours, theirs = self.cells[self.base], self.cells[index]
        if ours is None:
            return "absent" if theirs is None else "added"
        if theirs is None:
            return "removed"
        return "changed" if self.changes(index) else "same"

    def changes(self, index: int) -> list[Change]:
        """The fields in which a network's layer differs from the base's, each with both values."""
        ours, theirs = self.cells[self.base], self.cells[index]
        return [] if ours is None or theirs is None else changes(ours.layer, theirs.layer)

    @property
    def place(self) -> str:
        """Where the base's layer stands, as people count; empty where it has none."""
        first = self.cells[self.base]
        return where(first.path) if first else ""

    def words(self, index: int) -> str:
        """What a network has here, after a sign of `SIGNS`: ``"≠ filters 32 → 64"``, ``"+ Dropout 0.5"``."""
        state, found = self.state(index), self.cells[index]
        if state == "absent":
            return ""
        if found is None:
            return f"{SIGNS[state]} no such layer"
        if index == self.base:
            return found.title
        if state == "changed":
            parts = [f"{name} {setting(ours)} → {setting(theirs)}" for name, ours, theirs in self.changes(index)]
            return f"{SIGNS[state]} {'; '.join(parts)}"
        return f"{SIGNS[state]} {found.title}"

    def to_json(self, names: Sequence[str]) -> dict[str, Any]:
        """Plain JSON values by the networks' names; a network that has no layer here has no entry."""
        there = [(index, name) for index, name in enumerate(names) if self.state(index) != "absent"]
        found = {name: self.cells[index] for index, name in there}
        return {
            "place": self.place or None,
            "state": {name: self.state(index) for index, name in there if index != self.base},
            "changes": {
                name: {field: [ours, theirs] for field, ours, theirs in self.changes(index)}
                for index, name in there
                if self.state(index) == "changed"
            },
            "layers": {
                name: {
                    "layer": row.title,
                    "output_shape": None if row.output_shape is None else list(row.output_shape),
                    "parameters": row.parameters,
                    "multiply_adds": row.multiply_adds,
                }
                for name, row in found.items()
                if row is not None
            },
        }

    @property
    def differs(self) -> bool:
        """Whether its layers differ in a field or in what they cost; the sums of networks differ in such lines only."""
        first = self.cells[self.base]
        return first is None or any(
            each is None
            or changes(first.layer, each.layer)
            or (each.parameters, each.multiply_adds) != (first.parameters, first.multiply_adds)
            for each in self.cells
        )


def align(networks: Sequence[Architecture], base: int = 0) -> list[Line]:
    """Puts networks beside each other.

    Args:
        networks: Any number, also impossible ones.
        base: Index of the one that the others are held against. The alignment with it is the cheapest one; the others
            are not aligned with each other but where the base has no layer.

    Returns:
        Lines in an order that is each network's own; blocks stand before what they hold, as in `Architecture.walk`.
    """
    rows = [{row.path: row for row in analyse(network).rows} for network in networks]
    chains: list[Chain | None] = [_chain(network.layers, ()) for network in networks]
    return [
        Line(tuple(cell and found[cell[0]] for cell, found in zip(cells, rows, strict=True)), base, depth)
        for cells, depth in _lines(chains, base, 0)
    ]


def changes(ours: Layer, theirs: Layer) -> list[Change]:
    """The fields that differ between two layers that may correspond, each with both values.

    The kind is ``layer``; a different number of branches is ``branches``.
    """
    found: list[Change] = [] if ours.kind == theirs.kind else [("layer", ours.kind, theirs.kind)]
    for name in fields.specs(type(ours)):
        one, other = getattr(ours, name), getattr(theirs, name)
        found += [] if one == other else [(name, one, other)]
    if isinstance(ours, Parallel) and isinstance(theirs, Parallel) and len(ours.branches) != len(theirs.branches):
        found.append(("branches", len(ours.branches), len(theirs.branches)))
    return found


def correspond(ours: Layer, theirs: Layer) -> bool:
    """Whether one layer may have become the other: of one kind, or as max pooling and average pooling are."""
    return ours.group == theirs.group and list(fields.specs(type(ours))) == list(fields.specs(type(theirs)))


# Which correspond -----------------------------------------------------------------------------------------------------

Cells = list[tuple[Path, Layer] | None]


def _chain(layers: tuple[Layer, ...], path: Path) -> Chain:
    return tuple(((*path, index), layer) for index, layer in enumerate(layers))


def _lines(chains: Sequence[Chain | None], base: int, depth: int) -> Iterator[tuple[Cells, int]]:
    for cells in _stack(chains, base, lambda ours, theirs: _cost(ours[1], theirs[1]), lambda each: _alone(each[1])):
        yield cells, depth
        parts = [_parts(cell) if cell else None for cell in cells]
        for branches in _stack(parts, base, _chain_cost, _chain_alone):
            yield from _lines(branches, base, depth + 1)


def _parts(cell: tuple[Path, Layer]) -> tuple[Chain, ...]:
    path, layer = cell
    if isinstance(layer, Parallel):
        return tuple(_chain(branch, (*path, "branches", number)) for number, branch in enumerate(layer.branches))
    return (_chain(layer.layers, (*path, "layers")),) if isinstance(layer, Residual) else ()


def _stack(
    sequences: Sequence[Sequence[T] | None],
    base: int,
    cost: Callable[[T, T], int | None],
    alone: Callable[[T], int],
) -> list[list[T | None]]:
    """Lines of items that correspond; None where a sequence has none, or is None itself."""
    if sequences[base] is None:
        # Nothing to hold them against: the first that is there must do.
        base = next((index for index, each in enumerate(sequences) if each is not None), base)
    anchor: Sequence[T] = sequences[base] or ()
    lines: list[list[T | None]] = [[None] * len(sequences) for _ in anchor]
    for line, item in zip(lines, anchor, strict=True):
        line[base] = item
    # What stands between two items of the base, and at both ends.
    gaps: list[list[list[T | None]]] = [[] for _ in range(len(anchor) + 1)]
    for index, sequence in enumerate(sequences):
        if index == base or not sequence:
            continue
        added: list[list[T]] = [[] for _ in gaps]
        place = 0
        for i, j in cheapest(anchor, sequence, cost, alone):
            if i is None and j is not None:
                added[place].append(sequence[j])
            elif i is not None:
                place = i + 1
                if j is not None:
                    lines[i][index] = sequence[j]
        for gap, items in enumerate(added):
            if items:
                gaps[gap] = _put_in(gaps[gap], items, index, len(sequences), cost, alone)
    stacked = list(gaps[0])
    for line, gap_lines in zip(lines, gaps[1:], strict=True):
        stacked += [line, *gap_lines]
    return stacked


def _put_in(
    lines: list[list[T | None]],
    items: list[T],
    index: int,
    width: int,
    cost: Callable[[T, T], int | None],
    alone: Callable[[T], int],
) -> list[list[T | None]]:
    """Puts what one more sequence has between two items of the base beside what others have there."""
    known = [next(each for each in line if each is not None) for line in lines]
    merged = []
    for i, j in cheapest(known, items, cost, alone):
        line: list[T | None] = lines[i] if i is not None else [None] * width
        if j is not None:
            line[index] = items[j]
        merged.append(line)
    return merged


def cheapest(
    ours: Sequence[T], theirs: Sequence[T], cost: Callable[[T, T], int | None], alone: Callable[[T], int]
) -> list[tuple[int | None, int | None]]:
    """The cheapest alignment of two sequences (Needleman and Wunsch 1970).

    Args:
        ours: One sequence.
        theirs: The other.
        cost: Of two items beside each other; None if they may not be.
        alone: Of an item beside nothing.

    Returns:
        Pairs of indices, None for nothing. Among alignments that cost the same, items stand beside each other as late
        as can be, and what only `ours` has comes before what only `theirs` has.
    """
    removed, added = [alone(one) for one in ours], [alone(other) for other in theirs]
    total = [[0, *accumulate(added)]]
    for i, one in enumerate(ours):
        total.append([total[i][0] + removed[i]])
        for j, other in enumerate(theirs):
            best = min(total[i][j + 1] + removed[i], total[i + 1][j] + added[j])
            beside = cost(one, other)
            total[i + 1].append(best if beside is None else min(best, total[i][j] + beside))
    pairs: list[tuple[int | None, int | None]] = []
    i, j = len(ours), len(theirs)
    while i or j:
        beside = cost(ours[i - 1], theirs[j - 1]) if i and j else None
        if beside is not None and total[i][j] == total[i - 1][j - 1] + beside:
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif j and total[i][j] == total[i][j - 1] + added[j - 1]:
            j -= 1
            pairs.append((None, j))
        else:
            i -= 1
            pairs.append((i, None))
    return pairs[::-1]


# What it costs --------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=65_536)
def _cost(ours: Layer, theirs: Layer) -> int | None:
    if ours == theirs:
        return 0
    if not correspond(ours, theirs):
        return None
    count = len(changes(ours, theirs))
    inner = 0
    if isinstance(ours, (Parallel, Residual)):
        inner = _total(_parts(((), ours)), _parts(((), theirs)), _chain_cost, _chain_alone)
    return CHANGED * bool(count) + count + inner


def _alone(layer: Layer) -> int:
    return ALONE + sum(map(_chain_alone, _parts(((), layer))))


def _chain_cost(ours: Chain, theirs: Chain) -> int:
    return _total(ours, theirs, lambda one, other: _cost(one[1], other[1]), lambda each: _alone(each[1]))


def _chain_alone(chain: Chain) -> int:
    # A branch costs something by itself: an empty one passes its input on.
    return ALONE + sum(_alone(layer) for _, layer in chain)


def _total(
    ours: Sequence[T], theirs: Sequence[T], cost: Callable[[T, T], int | None], alone: Callable[[T], int]
) -> int:
    total = 0
    for i, j in cheapest(ours, theirs, cost, alone):
        if i is not None and j is not None:
            total += cost(ours[i], theirs[j]) or 0
        else:
            total += alone(ours[i]) if i is not None else 0
            total += alone(theirs[j]) if j is not None else 0
    return total

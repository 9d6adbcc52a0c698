"""The networks of some runs, layer by layer beside one of them."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from itertools import groupby

import streamlit as st

from mnist_lab import formatting, network_diff
from mnist_lab.comparison import names_of
from mnist_lab.network_diff import Line as Layers
from mnist_lab.shapes import Row
from mnist_lab.ui import state
from mnist_lab.ui.run_columns import Line, run_columns, signed
from mnist_lab.ui.run_views import Shown, view

# The sign says it; the colour helps to find it.
COLOURS = {"changed": "#D55E00", "added": "#009E73", "removed": "#D7263D"}


@view("Networks", 35, least=2)
def networks(shown: Shown) -> None:
    """Draws each layer of a chosen run beside what the other runs have in its place."""
    runs, names = shown.chosen, names_of(shown.chosen)
    st.markdown("##### Networks layer by layer")
    ids = [run.id for run in runs]
    if state.get("network-base", "") not in ids:
        state.put("network-base", ids[0])
    kept = state.kept_widget("network-base", ids[0])
    base = ids.index(st.selectbox("Hold the others against", ids, format_func=names.__getitem__, **kept))
    lines = network_diff.align([run.network() for run in runs], base)
    is_all = st.toggle("All layers", **state.kept_widget("all-layers", False))
    if not any(line.differs for line in lines):
        st.caption("They have the same network.")
    run_columns(runs, "Layer", [*layer_lines(lines, is_all), *totals(lines, base)])
    words = ", ".join(f"{sign} {state_}" for state_, sign in network_diff.SIGNS.items())
    st.caption(f"{words}. Below each layer: its output and its parameters; multiply-adds are per image.")


def layer_lines(lines: Sequence[Layers], is_all: bool) -> Iterator[Line]:
    """A line for each layer, in which what is the same in all is folded unless all are wanted."""
    for is_open, group in groupby(lines, lambda line: is_all or line.differs):
        members = list(group)
        if is_open:
            yield from map(_layer, members)
        else:
            words = "1 layer that is" if len(members) == 1 else f"{len(members)} layers that are"
            yield Line("", [f"{words} the same in all"], "folded")


def totals(lines: Sequence[Layers], base: int) -> list[Line]:
    """What the networks come to, with the difference from the base."""

    def line(head: str, figure: str) -> Line:
        columns = zip(*(each.cells for each in lines), strict=True)
        sums = [sum(getattr(cell, figure) for cell in cells if cell) for cells in columns]
        return Line(head, [
            f"{each:,}" + ("" if index == base else f"<small>{_by(each, sums[base])}</small>")
            for index, each in enumerate(sums)
        ], "total")  # fmt: skip

    return [line("Parameters", "parameters"), line("Multiply-adds", "multiply_adds")]


def _by(value: int, base: int) -> str:
    if value == base:
        return "the same"
    share = f" ({100 * (value - base) / base:+.1f} %)" if base else ""
    return f"{value - base:+,}{share}".replace("-", "−")


def _layer(line: Layers) -> Line:
    return Line(line.place, [_cell(line, index) for index in range(len(line.cells))])


def _cell(line: Layers, index: int) -> str:
    found, ours = line.cells[index], line.cells[line.base]
    if index == line.base:
        return html.escape(line.words(index)) + (_costs(found, None) if found else "")
    sign, _, words = line.words(index).partition(" ")
    return (signed(sign, words, COLOURS.get(line.state(index), "")) if sign else "") + (
        _costs(found, ours) if found else ""
    )


def _costs(row: Row, base: Row | None) -> str:
    words = f"{formatting.shape(row.output_shape)} · {row.parameters:,} parameters"
    if base is not None and row.parameters != base.parameters:
        words += f" ({row.parameters - base.parameters:+,})".replace("-", "−")
    return f"<small>{words}</small>"

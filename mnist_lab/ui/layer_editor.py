"""The sidebar's editor: the layers in a column, the fields of the selected one under it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from mnist_lab import editing
from mnist_lab.architecture import Architecture, Path
from mnist_lab.layers import LAYERS, Layer, Parallel, Residual
from mnist_lab.shapes import Analysis, title
from mnist_lab.studies import presets
from mnist_lab.ui import frame, search_rows, widgets
from mnist_lab.ui.state import Workbench

EMPTY = "Empty"

# What a block holds when it is added: something that works, so that one sees what it is.
_NEW: dict[str, Layer] = {
    "Parallel": Parallel(
        branches=(
            (LAYERS["Conv2D"](16, (1, 1), padding="same"),),  # type: ignore[call-arg]
            (LAYERS["Conv2D"](16, (3, 3), padding="same"),),  # type: ignore[call-arg]
        )
    ),
    "Residual": Residual(layers=(LAYERS["Conv2D"](32, (3, 3), padding="same"),), shortcut="projection"),  # type: ignore[call-arg]
}


def layer_editor(bench: Workbench, analysis: Analysis) -> None:
    """Draws the editor into the sidebar."""
    _start_from(bench)
    undo, redo = st.columns(2)
    undo.button("Undo", icon=":material/undo:", on_click=bench.undo, disabled=not bench.past, width="stretch")
    redo.button("Redo", icon=":material/redo:", on_click=bench.redo, disabled=not bench.future, width="stretch")
    st.caption("Input 28 × 28 × 1, pixels from 0 to 1")
    if bench.problem and bench.selected is None:
        st.error(frame.sentence(bench.problem))
    faulty = analysis.problem_path
    if not bench.architecture.layers:
        _add(bench, (0,), "Add the first layer")
    for path, layer in bench.architecture.walk():
        _row(bench, path, layer, is_faulty=path == faulty)
        if bench.selected == path:
            with st.container(border=True, key=f"editor-{'-'.join(map(str, path))}"):
                _fields(bench, path, layer)
    if bench.architecture.layers:
        _add(bench, (len(bench.architecture.layers),), "Add a layer at the end")


def _start_from(bench: Workbench) -> None:
    shelf = presets()
    names = [EMPTY, *shelf]
    key = f"preset.{bench.revision}"

    def label(name: str) -> str:
        return name if name == EMPTY else f"{shelf[name].study} · {shelf[name].title}"

    def load() -> None:
        name = st.session_state[key]
        if name == EMPTY:
            bench.load(Architecture(), None)
        elif name is not None:
            bench.load(shelf[name].architecture, shelf[name].training, name)

    index = names.index(bench.preset) if bench.preset in names else None
    st.selectbox("Start from", names, index, format_func=label, key=key, on_change=bench.while_drawn(load),
                 placeholder="a preset …",
                 help="A published model with its training, or nothing. Undo brings your network back.")  # fmt: skip


def _row(bench: Workbench, path: Path, layer: Layer, *, is_faulty: bool) -> None:
    depth = sum(isinstance(step, str) for step in path)
    where = "".join("  ↳ " for _ in range(min(depth, 1))) + "  " * max(0, depth - 1)
    branch = f"{int(path[-2]) + 1}." if len(path) > 1 and isinstance(path[-2], int) else ""
    sign = "⚠️ " if is_faulty else ""
    selected = bench.selected == path

    def select() -> None:
        bench.selected = None if bench.selected == path else path

    st.button(
        f"{where}{sign}{branch}{int(path[-1]) + 1} · {title(layer)}",
        key=f"row.{path}",
        on_click=select,
        type="primary" if selected else "secondary",
        width="stretch",
        help=None if selected else f"{layer.purpose.capitalize()}. Click to edit.",
    )


def _fields(bench: Workbench, path: Path, layer: Layer) -> None:
    st.caption(f"{layer.kind}: {layer.purpose}.")
    key = f"field.{bench.revision}.{path}"

    def change(name: str, value: Any) -> None:
        def make(now: Architecture) -> Architecture:
            return editing.put(now, path, replace(editing.get(now, path), **{name: value}))

        bench.attempt(make, redraw=False)

    widgets.edit(layer, key, bench.while_drawn(change))
    if bench.problem:
        st.error(frame.sentence(bench.problem))
    if isinstance(layer, Parallel):
        _branches(bench, path, layer)
    if isinstance(layer, Residual):
        _add(bench, (*path, "layers", len(layer.layers)), "Add a layer inside")
    search_rows.menu_of_layer(bench, path)
    _tools(bench, path)
    _add(bench, (*path[:-1], int(path[-1]) + 1), "Add a layer after this one")


def _tools(bench: Workbench, path: Path) -> None:
    siblings = editing.layers_at(bench.architecture, path[:-1])
    index = int(path[-1])

    def at(place: int) -> Path:
        return (*path[:-1], place)

    def move(by: int) -> None:
        bench.change(editing.move(bench.architecture, path, by), selected=at(index + by))

    def duplicate() -> None:
        bench.attempt(lambda now: editing.duplicate(now, path), selected=at(index + 1))

    def remove() -> None:
        bench.change(editing.remove(bench.architecture, path), selected=at(max(0, index - 1)) if index else None)

    up, down, copy, out = st.columns(4)
    last = index == len(siblings) - 1

    def tool(place: Any, key: str, icon: str, words: str, action: Any, *arguments: Any, disabled: bool = False) -> None:
        place.button(f":material/{icon}:", key=f"{key}.{path}", help=words, on_click=action, args=arguments,
                     disabled=disabled, width="stretch")  # fmt: skip

    tool(up, "up", "arrow_upward", "Move up", move, -1, disabled=index == 0)
    tool(down, "down", "arrow_downward", "Move down", move, 1, disabled=last)
    tool(copy, "copy", "content_copy", "Duplicate", duplicate)
    tool(out, "remove", "delete", "Remove", remove)


def _branches(bench: Workbench, path: Path, block: Parallel) -> None:
    for number, branch in enumerate(block.branches):
        place = (*path, "branches", number, len(branch))
        _add(bench, place, f"Add a layer to branch {number + 1}" + ("" if branch else " (it passes its input on)"))
    more, fewer = st.columns(2)
    more.button(
        "Add a branch",
        key=f"branch+.{path}",
        width="stretch",
        on_click=lambda: bench.attempt(lambda now: editing.add_branch(now, path), selected=path),
    )
    fewer.button(
        "Remove the last",
        key=f"branch-.{path}",
        width="stretch",
        disabled=len(block.branches) < 2,
        on_click=lambda: bench.change(
            editing.remove_branch(bench.architecture, path, len(block.branches) - 1), selected=path
        ),
    )


def _add(bench: Workbench, path: Path, label: str) -> None:
    """A list of all kinds of layers; choosing one adds it at `path`."""
    # The place after the last layer is also the end: the label tells the two lists apart.
    key = f"add.{bench.revision}.{path}.{label}"

    def add() -> None:
        kind = st.session_state[key]
        if kind is None:
            return
        layer = _NEW.get(kind) or LAYERS[kind]()
        bench.attempt(lambda now: editing.insert(now, path, layer), selected=path)

    def words(kind: str) -> str:
        return f"{kind} – {LAYERS[kind].purpose}"

    st.selectbox(label, list(LAYERS), None, format_func=words, key=key, on_change=bench.while_drawn(add),
                 placeholder=f"+ {label}", label_visibility="collapsed")  # fmt: skip

"""What the Runs page shows of the runs that are selected: one module a view.

To add a view, add a module here with a function under ``@view``. Only the view that is open is drawn.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from mnist_lab.store import Run, RunStore
from mnist_lab.ui import frame, state

MOST_COMPARED = 10


@dataclass(frozen=True, slots=True)
class Shown:
    """What a view may show.

    Attributes:
        store: The run store.
        chosen: The selected runs, in the table's order.
        listed: All runs that the table lists.
    """

    store: RunStore
    chosen: list[Run]
    listed: list[Run]


Draw = Callable[[Shown], None]


@dataclass(frozen=True, slots=True)
class View:
    """A view of selected runs.

    Attributes:
        name: What its tab is called.
        order: Its place among the others.
        least: To how few selected runs it applies.
        most: To how many.
        draw: Draws it.
    """

    name: str
    order: int
    least: int
    most: int
    draw: Draw

    def applies(self, chosen: list[Run]) -> bool:
        """Whether it can show these runs."""
        return self.least <= len(chosen) <= self.most


VIEWS: list[View] = []


def view(name: str, order: int, *, least: int = 1, most: int = MOST_COMPARED) -> Callable[[Draw], Draw]:
    """Registers a function as a view."""

    def registered(draw: Draw) -> Draw:
        VIEWS.append(View(name, order, least, most, draw))
        VIEWS.sort(key=lambda each: each.order)
        return draw

    return registered


for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")


def show(shown: Shown) -> None:
    """Lets the user choose one of the views that apply to the selected runs, and draws it."""
    names = {each.name: each for each in VIEWS if each.applies(shown.chosen)}
    if len(shown.chosen) > MOST_COMPARED:
        st.caption(
            f"At most {MOST_COMPARED} runs are compared at once; {len(shown.chosen)} are selected. More of them are "
            "compared by their seeds."
        )
    if not names:
        return
    key = "run-view"
    kept = state.get(key, "")

    def changed() -> None:
        state.put(key, st.session_state[key])

    st.session_state[key] = kept if kept in names else next(iter(names))
    picked = st.segmented_control("View", list(names), key=key, required=True, on_change=changed,
                                  label_visibility="collapsed")  # fmt: skip
    with frame.errors_in_words():
        names[picked or next(iter(names))].draw(shown)

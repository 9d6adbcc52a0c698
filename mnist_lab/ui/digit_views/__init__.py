"""What the page My digits shows: one module a view.

To add a view, add a module here with a function under ``@view``. Only the view that is open is drawn.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from mnist_lab.store import Digit, RunStore
from mnist_lab.ui import frame, state


@dataclass(frozen=True, slots=True)
class Shown:
    """What a view may show.

    Attributes:
        store: The run store.
        writer: Whose page it is.
        digits: The writer's digits, the oldest first.
    """

    store: RunStore
    writer: str
    digits: list[Digit]


Draw = Callable[[Shown], None]


@dataclass(frozen=True, slots=True)
class View:
    """A view: what its tab is called, its place among the others, and what draws it."""

    name: str
    order: int
    draw: Draw


VIEWS: list[View] = []


def view(name: str, order: int) -> Callable[[Draw], Draw]:
    """Registers a function as a view."""

    def registered(draw: Draw) -> Draw:
        VIEWS.append(View(name, order, draw))
        VIEWS.sort(key=lambda each: each.order)
        return draw

    return registered


def count_words(count: int) -> str:
    """``"1 digit"``, ``"1,200 digits"``."""
    return f"{count:,} digit" + "s" * (count != 1)


for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")


def show(shown: Shown) -> None:
    """Lets the user choose one of the views, and draws it."""
    names = {each.name: each for each in VIEWS}
    kept = state.kept_widget("digit-view", next(iter(names)))
    picked = st.segmented_control("View", list(names), required=True, label_visibility="collapsed", **kept)
    with frame.errors_in_words():
        names[picked or next(iter(names))].draw(shown)

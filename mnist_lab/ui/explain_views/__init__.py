"""What the Explain page shows of one image in one network: one module a view.

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
from mnist_lab.ui.subject import Subject


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """What a view may show.

    Attributes:
        store: The run store.
        run: The network that is asked; it has weights.
        subject: The image.
    """

    store: RunStore
    run: Run
    subject: Subject


Draw = Callable[[Shown], None]


@dataclass(frozen=True, slots=True)
class View:
    """A view of one image in one network.

    Attributes:
        name: What its tab is called.
        order: Its place among the others.
        draw: Draws it; it says so itself where it does not apply to a network.
    """

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


for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")


def show(shown: Shown) -> None:
    """Lets the user choose one of the views, and draws it as soon as the network is awake."""
    names = {each.name: each for each in VIEWS}
    widget = state.kept_widget("explain-view", VIEWS[0].name)
    picked = st.segmented_control("View", list(names), required=True, label_visibility="collapsed", **widget)
    if not frame.services().inference.is_warm:
        return
    st.fragment(_draw)(names[picked or VIEWS[0].name], shown)


def _draw(view: View, shown: Shown) -> None:
    with frame.errors_in_words():
        view.draw(shown)

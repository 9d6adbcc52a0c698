"""The views of a page, one module a view, and the choice of the one that is open: only that one is drawn."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import streamlit as st

from mnist_lab.ui import state

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class View(Generic[S]):
    """A view.

    Attributes:
        name: What its tab is called.
        order: Its place among the others.
        draw: Draws what is shown.
        applies: Whether it can draw that.
    """

    name: str
    order: int
    draw: Callable[[S], None]
    applies: Callable[[S], bool]


class Views(Generic[S]):
    """The views of a page.

    Args:
        key: Of the state that says which one is open, and of the place where it is chosen.
    """

    def __init__(self, key: str) -> None:
        self._key = key
        self._all: list[View[S]] = []

    def __iter__(self) -> Iterator[View[S]]:
        return iter(self._all)

    def view(self, name: str, order: int, applies: Callable[[S], bool] = lambda shown: True) -> Callable[[Any], Any]:
        """Registers a function as a view; see `View`."""

        def registered(draw: Callable[[S], None]) -> Callable[[S], None]:
            self._all.append(View(name, order, draw, applies))
            self._all.sort(key=lambda each: each.order)
            return draw

        return registered

    def find(self, package: str, path: Iterable[str]) -> None:
        """Imports the modules of a package, so that their views are known."""
        for module in pkgutil.iter_modules(path):
            importlib.import_module(f"{package}.{module.name}")

    def pick(self, shown: S) -> View[S] | None:
        """Lets the user choose one of the views that apply; None if none does."""
        views = {each.name: each for each in self._all if each.applies(shown)}
        if not views:
            return None
        first = next(iter(views))
        wanted = state.get(self._key, first)
        # One for each choice of views: else an answer to the last choice, still on its way, counts as one to this.
        widget = f"{self._key}: {', '.join(views)}"
        open_now = st.session_state[widget] = wanted if wanted in views else first

        def changed() -> None:
            # The browser also says what it was told to show: that is no choice, and would outlive the next selection.
            if (said := st.session_state[widget]) and said != open_now:
                state.put(self._key, said)

        with st.container(key=self._key):
            picked = st.segmented_control("View", list(views), required=True, label_visibility="collapsed", key=widget,
                                          on_change=changed)  # fmt: skip
        return views[picked or first]

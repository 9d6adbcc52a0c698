"""Components of our own: JavaScript and styles that Streamlit mounts in the page."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import streamlit as st
from streamlit import runtime

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer


class Component:
    """A component, registered once per Streamlit runtime; each AppTest brings a runtime of its own.

    Args:
        name: Unique in the program.
        js: An ES module whose default export mounts it.
        css: Its styles, which are the page's too.
    """

    def __init__(self, name: str, js: str, css: str) -> None:
        self._name, self._js, self._css = name, js, css
        self._lock = threading.Lock()
        self._registered: tuple[object, ComponentRenderer] | None = None

    def renderer(self) -> ComponentRenderer:
        """What draws it."""
        current = runtime.get_instance() if runtime.exists() else None
        with self._lock:
            if self._registered is None or self._registered[0] is not current:
                made = st.components.v2.component(self._name, js=self._js, css=self._css, isolate_styles=False)
                self._registered = (current, made)
            return self._registered[1]


def nothing() -> None:
    """Streamlit reports only the events that have a callback."""

"""The image that the Explain page is about; any image of the program can become it by one click."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from mnist_lab.ui import state

PAGE = "pages/explain.py"
# The key under which pick_run keeps the network that Draw and Explain ask.
ASKED = "asked"


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """An image to be explained.

    Attributes:
        image: uint8, shape ``(28, 28)``, 0 for paper and 255 for ink.
        title: What it is, in words.
        label: The digit that it shows, where that is known.
    """

    image: NDArray[np.uint8]
    title: str
    label: int | None = None


def offer(image: NDArray[np.uint8], title: str, key: str, label: int | None = None) -> None:
    """Draws a small button that leads to the explanation of an image.

    Args:
        image: uint8, shape ``(28, 28)``.
        title: What it is, in words.
        key: Unique on the page.
        label: The digit that it shows, where that is known.
    """
    if st.button("Why?", icon=":material/search_insights:", key=key, help="Look inside the network at this image."):
        explain(image, title, label)


def offer_drawing(image: NDArray[np.uint8], key: str) -> None:
    """The same for a drawing, which is also what the Explain page begins with."""
    state.put("last-drawing", Subject(image, "Your drawing"))
    offer(image, "Your drawing", key)


def explain(image: NDArray[np.uint8], title: str, label: int | None = None, run_id: str | None = None) -> None:
    """Goes to the explanation of an image at once.

    Args:
        image: uint8, shape ``(28, 28)``.
        title: What it is, in words.
        label: The digit that it shows, where that is known.
        run_id: The network to ask; the one that Draw asks if None.
    """
    take(Subject(np.array(image, np.uint8), title, label))
    if run_id is not None:
        state.put(ASKED, run_id)
    st.switch_page(PAGE)


def take(subject: Subject) -> None:
    """Makes an image the one that is explained."""
    state.put("subject", subject)


def chosen() -> Subject | None:
    """The image that was chosen; else the last drawing, if there is one."""
    found: Subject | None = state.get("subject", None)
    drawn: Subject | None = state.get("last-drawing", None)
    return found or drawn

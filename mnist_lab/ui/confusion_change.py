"""The change from one confusion matrix to another, and the images behind each of its cells."""

from __future__ import annotations

import numpy as np
import streamlit as st

from mnist_lab import paired
from mnist_lab.figures.pair import confusion_difference
from mnist_lab.predictions import Predictions
from mnist_lab.store import Run
from mnist_lab.ui import state
from mnist_lab.ui.image_browser import browse
from mnist_lab.ui.plot import plot


def confusion_change(run: Run, said: dict[str, Predictions], key: str) -> None:
    """Draws the difference of two confusion matrices beside the images that moved.

    Args:
        run: A run with these images.
        said: What the two say of the same images, by letter; the second's matrix less the first's is drawn.
        key: Unique on the page.
    """
    (first, one), (second, other) = said.items()
    moves = paired.moves(one.labels, one.digits, other.digits)
    left, right = st.columns([1, 1], gap="large")
    with left:
        st.markdown(f"**Confusion matrix of {second} less that of {first}**, in images")
        clicked = plot(confusion_difference(moves.came, moves.left, (first, second)), key, on_click=True,
                       label="Difference of the confusion matrices")  # fmt: skip
        st.caption(
            f"Orange: more with {second}; blue: fewer. In the framed diagonal more is better, elsewhere fewer. A cell "
            "without a number: no image came or left. Click a cell to see the images that did."
        )
        if clicked is not None:
            state.put(f"{key}.cell", (int(clicked["y"]), int(clicked["x"])))
    with right:
        cell: tuple[int, int] | None = state.get(f"{key}.cell", None)
        if cell is not None:
            _cell(run, said, cell, key)
        elif moves.came.any():
            st.info("Click a cell of the matrix: the images that came into it and left it appear here.")
        else:
            st.info(f"{first} and {second} say the same of every image.")


def _cell(run: Run, said: dict[str, Predictions], cell: tuple[int, int], key: str) -> None:
    (first, one), (second, other) = said.items()
    true, digit = cell
    here = (one.labels == true) & (one.digits != other.digits)
    came, gone = np.flatnonzero(here & (other.digits == digit)), np.flatnonzero(here & (one.digits == digit))
    st.markdown(f"**It is {true}, said {digit}**")
    ways = {
        "came": f"Came: only {second} says {digit} ({len(came):,})",
        "left": f"Left: only {first} says {digit} ({len(gone):,})",
    }
    way = st.segmented_control("Images", list(ways), key=f"{key}.way.{true}.{digit}", required=True,
                               default="came" if len(came) or not len(gone) else "left",
                               format_func=ways.__getitem__, label_visibility="collapsed")  # fmt: skip
    browse(run, said, came if way == "came" else gone, f"{key}.{true}.{digit}.{way}", blocks=1)

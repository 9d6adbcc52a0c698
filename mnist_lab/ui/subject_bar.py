"""Which image is explained, what the network says of it, and the way to another one."""

from __future__ import annotations

import time

import numpy as np
import streamlit as st

from mnist_lab import datasets
from mnist_lab.datasets import Dataset
from mnist_lab.errors import DataError
from mnist_lab.store import Run
from mnist_lab.ui import frame, state, subject
from mnist_lab.ui.image_browser import sure
from mnist_lab.ui.pixels import pixels
from mnist_lab.ui.subject import Subject

SIDE = 140
PATIENCE = 20.0  # seconds after which a process that does not come up by itself is started from here


def subject_bar(run: Run) -> Subject:
    """Draws the image, the answer of the network, and a picker of other images.

    Args:
        run: The network that is asked.

    Returns:
        The image to be explained.
    """
    dataset = _data(run)
    shown = subject.chosen() or _test_image(dataset, 0)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="subject"):
        with st.container(width=SIDE):
            pixels(shown.image, width=SIDE, scale=5)
        with st.container(width=320):
            st.markdown(f"**{frame.escape(shown.title)}**" + ("" if shown.label is None else f" · it is {shown.label}"))
            if frame.services().inference.is_warm:
                _answer(run, shown)
            else:
                st.fragment(_wake, run_every=frame.WAKING_SECONDS)()
        with st.container(width=230):
            _picker(dataset)
    return shown


def _answer(run: Run, shown: Subject) -> None:
    with frame.errors_in_words():
        said = frame.services().inference.predict(run.id, shown.image[np.newaxis])[0]
        digit = int(said.argmax())
        right = "" if shown.label is None else " :green[✓ right]" if digit == shown.label else " :red[✗ wrong]"
        st.markdown(f"### It says: {digit}{right}")
        st.caption(f"{frame.escape(run.name)} · {sure(float(said[digit]))} sure")


def _wake() -> None:
    """Waits for the network; a process that has died since the program's start is started anew."""
    inference = frame.services().inference
    if inference.is_warm:
        state.put("waking-since", None)
        st.rerun()
    since = state.get("waking-since", None) or time.monotonic()
    if time.monotonic() - since > PATIENCE:
        inference.start()
        since = time.monotonic()
    state.put("waking-since", since)
    frame.waking()


def _picker(dataset: Dataset) -> None:
    key = "explain.test-image"

    def changed() -> None:
        subject.take(_test_image(dataset, int(st.session_state[key])))

    st.number_input(
        "Another test image, by its number", 0, len(dataset.x_test) - 1, 0, key=key, on_change=changed,
        help="Images are also reached by a click wherever the program shows them: on Draw, Runs and Data.",
    )  # fmt: skip
    st.page_link("pages/draw.py", label="Draw one", icon=":material/draw:")


def _test_image(dataset: Dataset, number: int) -> Subject:
    return Subject(dataset.x_test[number], f"Test image {number:,}", int(dataset.y_test[number]))


def _data(run: Run) -> Dataset:
    """The images of the run; where they are not on this machine, those that are."""
    try:
        return datasets.load(run.dataset or "auto")
    except DataError:
        return datasets.load()

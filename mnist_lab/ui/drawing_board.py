"""The canvas, the image that the network makes of a drawing, and its ten probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit_drawable_canvas import st_canvas

from mnist_lab import drawing, formatting
from mnist_lab.errors import LabError
from mnist_lab.figures.bars import probability_bars
from mnist_lab.figures.images import contact_sheet
from mnist_lab.store import Run
from mnist_lab.ui import frame, state
from mnist_lab.ui.plot import plot

SIZE = 280
PEN_WIDTH = 20
PICTURE_MB = 5
WAKING_SECONDS = 0.5


def drawing_board(run: Run) -> None:
    """Draws the board; only it is run again when a stroke ends."""
    warm = frame.services().inference.is_warm
    st.fragment(_board, run_every=None if warm else WAKING_SECONDS)(run, warm)


def _board(run: Run, was_warm: bool) -> None:
    with frame.errors_in_words():
        left, right = st.columns([1, 1.4], gap="large")
        with left:
            way = st.segmented_control(
                "Way in", ["Draw", "Upload"], default="Draw", key="way-in", label_visibility="collapsed"
            )
            prepared = _upload() if way == "Upload" else _canvas()
        with right, st.container(key="answer"):
            _answer(run, prepared, was_warm, way == "Upload")
        if prepared is None or prepared.is_empty:
            # Said, not left out: what a run only leaves out stays on the page if another follows upon it at once.
            st.empty()
        else:
            _steps(prepared)


def _canvas() -> drawing.Prepared | None:
    result = st_canvas(
        stroke_width=int(state.get("pen", PEN_WIDTH)),
        stroke_color="#ffffff",
        background_color="#000000",
        height=SIZE,
        width=SIZE,
        drawing_mode="freedraw",
        return_image_data=True,
        update_streamlit=True,
        initial_drawing=state.get("canvas", None),
        key="canvas",
    )
    strokes: list[Any] = ((result and result.json_data) or {}).get("objects", [])

    def redraw(kept: list[Any]) -> None:
        # The number makes it another drawing each time; the canvas redraws only what is another.
        number = state.get("canvas", {"number": 0})["number"] + 1
        state.put("canvas", {"objects": kept, "number": number})

    # The canvas's own tools show themselves to a hovering mouse only, never to a finger.
    with st.container(horizontal=True):
        st.button(
            "Undo", icon=":material/undo:", key="undo", on_click=redraw, args=(strokes[:-1],), disabled=not strokes
        )
        st.button("Clear", icon=":material/delete:", key="clear", on_click=redraw, args=([],), disabled=not strokes)

    def changed() -> None:
        state.put("pen", st.session_state["pen-width"])

    st.slider("Pen width", 6, 40, int(state.get("pen", PEN_WIDTH)), key="pen-width", on_change=changed)
    if result is None or result.image_data is None:
        return None
    return drawing.from_canvas(np.asarray(result.image_data, np.uint8))


def _upload() -> drawing.Prepared | None:
    file = st.file_uploader("A picture of one digit", ["png", "jpg", "jpeg", "bmp", "gif", "webp"], key="picture",
                            max_upload_size=PICTURE_MB)  # fmt: skip
    if file is None:
        return None
    try:
        return drawing.from_image_file(file.getvalue())
    except LabError as error:
        frame.show_error(error)
        return None


def _answer(run: Run, prepared: drawing.Prepared | None, was_warm: bool, is_upload: bool) -> None:
    inference = frame.services().inference
    probabilities: NDArray[np.float32] | None = None
    if prepared is None or prepared.is_empty or prepared.image is None:
        st.markdown("### Upload a picture of a digit" if is_upload else "### Draw a digit from 0 to 9")
        what = "There is no picture with a digit in it" if is_upload else "The canvas is empty"
        st.caption(f"{what}: there is nothing to predict yet.")
    elif not inference.is_warm:
        st.markdown("### One moment")
        st.caption("The network is waking up; this takes some seconds after the program's start.")
    else:
        probabilities = inference.predict(run.id, prepared.image[np.newaxis])[0]
        digit = int(probabilities.argmax())
        st.markdown(f"### It says: {digit}")
        st.caption(f"{formatting.percent(float(probabilities[digit]), 1)} sure · {frame.escape(run.name)}")
    if inference.is_warm and not was_warm:
        st.rerun()
    plot(probability_bars(probabilities), "probabilities", label="Probability of each digit")


def _steps(prepared: drawing.Prepared) -> None:
    with st.container():
        st.markdown("**What the network sees**")
        with st.container(horizontal=True, key="steps"):
            for step in prepared.steps:
                with st.container(width=150):
                    square = _square(step.image)
                    scale = max(1, 140 // len(square))
                    st.image(contact_sheet(square[np.newaxis], scale=scale), width=140, caption=step.title)


def _square(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image in the middle of a square: a tall 1 would else be shown metres high."""
    height, width = image.shape
    down, across = max(0, width - height), max(0, height - width)
    return np.pad(image, ((down // 2, down - down // 2), (across // 2, across - across // 2)))

"""The ways in which a digit comes to the board: drawn on the canvas, as a picture file, from the camera."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from streamlit_drawable_canvas import st_canvas

from mnist_lab import drawing
from mnist_lab.drawing import Sheet
from mnist_lab.errors import LabError
from mnist_lab.ui import frame, state

SIZE = 280
PEN_WIDTH = 20
PICTURE_MB = 5


@dataclass(frozen=True, slots=True)
class WayIn:
    """One way in.

    Attributes:
        name: What it is called on the board.
        invitation: The heading while nothing is there.
        nothing: Why nothing is there.
        sheet: Draws it and returns what it holds, None while it holds nothing that can be looked at.
    """

    name: str
    invitation: str
    nothing: str
    sheet: Callable[[], Sheet | None]


def pick() -> WayIn:
    """Lets the user choose a way in; the canvas at first."""
    names = [way.name for way in WAYS]
    chosen = st.segmented_control("Way in", names, default=names[0], key="way-in", label_visibility="collapsed")
    return next((way for way in WAYS if way.name == chosen), WAYS[0])


def canvas(key: str = "canvas") -> Sheet | None:
    """Draws the canvas with its tools; one on a page.

    Args:
        key: Another key makes another, empty canvas.

    Returns:
        What is drawn on it, None until it is there.
    """
    # Over a hovering mouse the canvas's own tools lie above it, on whatever is there.
    st.space("small")
    result = st_canvas(
        stroke_width=int(state.get("pen", PEN_WIDTH)),
        stroke_color="#ffffff",
        background_color="#000000",
        height=SIZE,
        width=SIZE,
        drawing_mode="freedraw",
        return_image_data=True,
        update_streamlit=True,
        initial_drawing=state.get(key, None),
        key=key,
    )
    strokes: list[Any] = ((result and result.json_data) or {}).get("objects", [])

    def redraw(kept: list[Any]) -> None:
        # The number makes it another drawing each time; the canvas redraws only what is another.
        number = state.get(key, {"number": 0})["number"] + 1
        state.put(key, {"objects": kept, "number": number})

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
    return drawing.sheet_of_canvas(np.asarray(result.image_data, np.uint8))


def _upload() -> Sheet | None:
    file = st.file_uploader("A picture of a digit, or of several", ["png", "jpg", "jpeg", "bmp", "gif", "webp"],
                            key="picture", max_upload_size=PICTURE_MB)  # fmt: skip
    return None if file is None else _picture(file.getvalue())


def _camera() -> Sheet | None:
    file = st.camera_input("A photograph of digits on paper", key="camera")
    return None if file is None else _picture(file.getvalue())


def _picture(content: bytes) -> Sheet | None:
    try:
        return drawing.sheet_of_image_file(content)
    except LabError as error:
        frame.show_error(error)
        return None


_NO_INK = "There is no picture with a digit in it"
WAYS = (
    WayIn("Draw", "Draw a digit from 0 to 9", "The canvas is empty", canvas),
    WayIn("Upload", "Upload a picture of a digit", _NO_INK, _upload),
    WayIn("Camera", "Take a picture of a digit", _NO_INK, _camera),
)

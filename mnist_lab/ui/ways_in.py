"""The ways in which digits come to the board: drawn on a canvas, as a picture file, from the camera."""

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
from mnist_lab.ui import frame, room, state

SIZE = 280
PEN_WIDTH = 20
MOST_WIDE = 1000
NUMBER_PEN_WIDTH = 10
PICTURE_MB = 5


@dataclass(frozen=True, slots=True)
class WayIn:
    """One way in.

    Attributes:
        name: What it is called on the board.
        invitation: The heading while nothing is there.
        nothing: Why nothing is there.
        origin: What a digit that is saved comes from, one of `mnist_lab.store.digits.ORIGINS`.
        sheet: Draws it and returns what it holds, None while it holds nothing that can be looked at.
        is_wide: Whether it needs the page's whole width.
    """

    name: str
    invitation: str
    nothing: str
    origin: str
    sheet: Callable[[], Sheet | None]
    is_wide: bool = False


def pick() -> WayIn:
    """Lets the user choose a way in; the canvas at first."""
    names = [way.name for way in WAYS]
    chosen = st.segmented_control(
        "Way in", names, default=names[0], key="way-in", on_change=_keep_strokes, label_visibility="collapsed"
    )
    return next((way for way in WAYS if way.name == chosen), WAYS[0])


def _keep_strokes() -> None:
    """Lets a canvas that is left, and is forgotten by Streamlit, begin with its strokes when it comes back."""
    if left := state.get("canvas-left", None):
        _redraw(*left)


def _redraw(key: str, strokes: list[Any], sheet: Sheet | None = None) -> None:
    state.put(f"{key}.sheet", sheet)
    # The number makes it another drawing each time; the canvas redraws only what is another.
    state.put(key, {"objects": strokes, "number": state.get(key, {"number": 0})["number"] + 1})


def _undo(key: str) -> None:
    # By the strokes of now, not as the button was drawn: a quick click comes together with one, and would take two.
    strokes = ((st.session_state[key].get("drawing") or {}).get("raw") or {}).get("objects", [])
    _redraw(key, strokes[:-1])


def canvas(key: str = "canvas", width: int = SIZE, pen: str = "pen", pen_width: int = PEN_WIDTH) -> Sheet | None:
    """Draws the canvas with its tools; one on a page.

    Args:
        key: Another key makes another, empty canvas.
        width: In pixels.
        pen: Name of the pen, whose width lasts.
        pen_width: Its width at first, in pixels.

    Returns:
        What is drawn on it, None until it is there.
    """
    # Over a hovering mouse the canvas's own tools lie above it, on whatever is there.
    st.space("small")
    result = st_canvas(
        stroke_width=int(state.get(pen, pen_width)),
        stroke_color="#ffffff",
        background_color="#000000",
        height=SIZE,
        width=width,
        drawing_mode="freedraw",
        return_image_data=True,
        update_streamlit=True,
        initial_drawing=state.get(key, None),
        key=key,
    )
    strokes: list[Any] = ((result and result.json_data) or {}).get("objects", [])
    # The canvas's own tools show themselves to a hovering mouse only, never to a finger.
    with st.container(horizontal=True):
        st.button("Undo", icon=":material/undo:", key="undo", on_click=_undo, args=(key,), disabled=not strokes)
        st.button(
            "Clear", icon=":material/delete:", key="clear", on_click=_redraw, args=(key, []), disabled=not strokes
        )

    def changed() -> None:
        state.put(pen, st.session_state[f"{pen}-width"])

    st.slider("Pen width", 6, 40, int(state.get(pen, pen_width)), key=f"{pen}-width", on_change=changed)
    if result is None or result.image_data is None:
        # A canvas that begins with strokes does not tell of them before the next one.
        return state.get(f"{key}.sheet", None)
    sheet = drawing.sheet_of_canvas(np.asarray(result.image_data, np.uint8))
    state.put("canvas-left", (key, strokes, sheet))
    return sheet


def _number() -> Sheet | None:
    """Draws a canvas as wide as the page: for a number in one line, on a narrow page in two or three."""
    page = room.width_of_page("room")
    if page is None:
        return None
    return canvas("number", max(SIZE, min(page, MOST_WIDE)), "number-pen", NUMBER_PEN_WIDTH)


def _upload() -> Sheet | None:
    file = st.file_uploader("A picture of a digit, or of several", ["png", "jpg", "jpeg", "bmp", "gif", "webp"],
                            key="picture", max_upload_size=PICTURE_MB)  # fmt: skip
    return None if file is None else _picture(file.getvalue())


def _camera() -> Sheet | None:
    # Without a resolution Streamlit asks for the camera anew a second after the field has got its width, and a click on
    # its button then takes nothing.
    file = st.camera_input("A photograph of digits on paper", key="camera", resolution="720p")
    return None if file is None else _picture(file.getvalue())


def _picture(content: bytes) -> Sheet | None:
    try:
        return drawing.sheet_of_image_file(content)
    except LabError as error:
        frame.show_error(error)
        return None


_NO_INK = "There is no picture with a digit in it"
WAYS = (
    WayIn("Draw", "Draw a digit from 0 to 9", "The canvas is empty", "draw", canvas),
    WayIn(
        "Number", "Draw a number, with space between its lines", "The canvas is empty", "draw", _number, is_wide=True
    ),
    WayIn("Upload", "Upload a picture of a digit", _NO_INK, "upload", _upload),
    WayIn("Camera", "Take a picture of a digit", _NO_INK, "camera", _camera),
)

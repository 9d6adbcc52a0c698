"""The button "Save as my digit", wherever there is an image that a person drew."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from mnist_lab.errors import LabError
from mnist_lab.store import NewDigit
from mnist_lab.store.digits import digest_of
from mnist_lab.ui import frame, state, writer

_FAILED = "keep-failed"


def offer(image: NDArray[np.uint8], guess: int | None, key: str, origin: str = "draw") -> None:
    """Draws the button, and beside it what the image is: the network's guess until the person says otherwise.

    Args:
        image: As the network sees it, uint8, shape ``(28, 28)``.
        guess: What the network takes it for; None if it was not asked.
        key: Unique on the page.
        origin: Where the image came from, one of `mnist_lab.store.digits.ORIGINS`.
    """
    digest = digest_of(image)
    name = writer.current()
    with st.container(key=f"keep-{key}"), frame.errors_in_words():
        if not name:
            with st.popover("Save as my digit", icon=":material/bookmark_add:"):
                writer.ask(f"keep-{key}")
            return
        labels = frame.store().digit_labels(name)
        widget = f"keep-{key}.{digest}"
        with st.container(horizontal=True, vertical_alignment="bottom"):
            # Another image makes another widget, which begins with what the network says of that image.
            label = st.selectbox("This is a", list(range(10)), labels.get(digest, guess), key=f"{widget}.label",
                                 placeholder="?", disabled=digest in labels, width=100)  # fmt: skip
            st.button("Save as my digit", icon=":material/bookmark_add:", key=f"keep-{key}-save",
                      on_click=_keep, args=(name, image, f"{widget}.label", origin),
                      disabled=label is None or digest in labels)  # fmt: skip
            if said := state.get(_FAILED, ""):
                state.put(_FAILED, "")
                st.error(frame.sentence(said))
            elif digest in labels:
                st.caption(f"Saved as a {labels[digest]}; you have {len(labels):,} under *My digits*.", width=300)
            else:
                st.caption(f"Kept under {frame.escape(name)}, as the network sees it.", width=300)


def _keep(name: str, image: NDArray[np.uint8], widget: str, origin: str) -> None:
    # What is chosen now, and not what was when the button was drawn.
    if (label := st.session_state[widget]) is None:
        return
    try:
        frame.store().keep_digits(name, [NewDigit(image, label, origin)])
    except LabError as error:
        state.put(_FAILED, str(error))

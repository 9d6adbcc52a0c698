"""Digits taken away and brought in, as PNGs or IDX."""

from __future__ import annotations

from functools import partial

import streamlit as st

from mnist_lab.errors import LabError
from mnist_lab.exchange import digit_files
from mnist_lab.store.digits import MAX_DIGITS
from mnist_lab.ui import frame, state
from mnist_lab.ui.digit_views import Shown, count_words, view

_SAID, _TIMES = "digits-brought-in", "digits-brought-in-times"


@view("Files", 50)
def files(shown: Shown) -> None:
    """Buttons to take the digits away, and a place for files to bring in."""
    st.markdown("**Take them away**")
    if shown.digits:
        with st.container(horizontal=True):
            for form in digit_files.FORMS.values():
                for each in form:
                    st.download_button(each.title, partial(each.make, shown.digits),
                                       digit_files.file_name(shown.writer, each), each.mime, on_click="ignore",
                                       icon=":material/download:", key=f"take{each.ending}")  # fmt: skip
        st.caption("IDX is MNIST's own format, in two files. The name of a PNG begins with its digit.")
    else:
        st.caption("There are none yet.")
    st.markdown("**Bring some in**")
    _bring_in(shown)


def _bring_in(shown: Shown) -> None:
    number = state.get(_TIMES, 0)
    chosen = st.file_uploader(
        "A .zip of PNGs, or two IDX files", accept_multiple_files=True, key=f"digits.files.{number}",
        max_upload_size=digit_files.MAX_FILE // 2**20, help=digit_files.REMEDY,
    )  # fmt: skip
    if st.button("Bring in", key="digits-bring-in", disabled=not chosen, type="primary"):
        try:
            kept = shown.store.keep_digits(
                shown.writer, digit_files.read({file.name: file.getvalue() for file in chosen})
            )
            state.put(_SAID, (True, f"{count_words(kept.new)} brought in; here already: {kept.known:,}."))
        except LabError as error:
            state.put(_SAID, (False, frame.sentence(error)))
        state.put(_TIMES, number + 1)
        st.rerun()
    is_good, words = state.get(_SAID, (True, ""))
    if words:
        (st.success if is_good else st.error)(words)
        state.put(_SAID, (True, ""))
    st.caption(
        f"They are checked, and all of them are taken in or none. One person may keep {MAX_DIGITS:,}; an image that is "
        "here already stays as it is."
    )

"""The digits themselves, grouped by what they are: to look at, correct and delete."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

import numpy as np
import streamlit as st

from mnist_lab.store import Digit, RunStore
from mnist_lab.ui import frame, state, subject
from mnist_lab.ui.digit_views import Shown, count_words, view
from mnist_lab.ui.pixels import pixels

PAGE = 60
TILE = 72
ALL = "all"
WAYS = {
    "draw": "drawn",
    "upload": "from a picture",
    "camera": "from the camera",
    "practice": "from practice",
    "import": "brought in",
}
_DELETED, _LABEL = "digits-deleted", "digits.label"


@view("Digits", 10)
def collection(shown: Shown) -> None:
    """Draws the images, and what can be done with those that are ticked."""
    _bring_back(shown)
    if not shown.digits:
        st.info("There are none yet. Draw a digit on the Draw page and press *Save as my digit*, or bring in a file.")
        return
    counts = np.bincount([digit.label for digit in shown.digits], minlength=10)
    wanted = st.segmented_control(
        "Digit", [ALL, *range(10)], default=ALL, required=True, key="digits.of", label_visibility="collapsed",
        format_func=lambda digit: digit if digit == ALL else f"{digit} · {counts[digit]:,}",
    )  # fmt: skip
    listed = sorted(shown.digits, key=lambda digit: digit.label)
    if wanted != ALL:
        listed = [digit for digit in listed if digit.label == wanted]
    pages, page = max(1, -(-len(listed) // PAGE)), 1
    if pages > 1:
        page = int(st.number_input(f"Page (of {pages})", 1, pages, key=f"digits.page.{wanted}"))
    here = listed[(page - 1) * PAGE : page * PAGE]
    _actions(shown, [digit for digit in here if st.session_state.get(_box(digit))])
    for label in sorted({digit.label for digit in here}):
        with st.container(horizontal=True, gap="small", key=f"digits-{label}"):
            with st.container(width=TILE, gap=None):
                st.markdown(f"### {label}")
                st.caption(f"{counts[label]:,}")
            for digit in here:
                if digit.label == label:
                    _tile(digit)
    if not here:
        st.caption("None.")


def _box(digit: Digit) -> str:
    return f"digit-{digit.digest}"


def _tile(digit: Digit) -> None:
    with st.container(width=TILE, gap=None):
        pixels(digit.image, width=56, scale=2)
        words = f"{WAYS[digit.origin]} {datetime.fromtimestamp(digit.created, UTC):%d %b %Y, %H:%M} UTC"
        st.checkbox(f"{digit.label}, {words}", key=_box(digit), label_visibility="collapsed",
                    help=words[0].upper() + words[1:])  # fmt: skip


def _actions(shown: Shown, ticked: list[Digit]) -> None:
    """Correct or delete what is ticked; there though nothing is ticked, so that the page does not jump."""
    digests = [digit.digest for digit in ticked]
    with st.container(horizontal=True, vertical_alignment="bottom", key="digit-actions"):
        label = st.selectbox("It is", list(range(10)), None, key=_LABEL, width=110, placeholder="?",
                             disabled=not ticked)  # fmt: skip
        correct = partial(_correct, shown.store, shown.writer, digests)
        st.button("Correct", key="digits-correct", disabled=not ticked or label is None, on_click=_do,
                  args=(correct, digests), icon=":material/edit:")  # fmt: skip
        delete = partial(_delete, shown.store, shown.writer, digests)
        st.button(f"Delete {len(ticked)}" if ticked else "Delete", key="digits-delete", disabled=not ticked,
                  on_click=_do, args=(delete, digests), icon=":material/delete:")  # fmt: skip
        if len(ticked) == 1:
            subject.offer(ticked[0].image, f"My {ticked[0].label}", "why-mine", ticked[0].label)
    tick = "Tick the images that are to be corrected, deleted or explained."
    st.caption(f"{len(ticked)} ticked." if ticked else tick)
    frame.failure()


def _do(action: partial[None], digests: list[str]) -> None:
    frame.attempt(action)
    for digest in digests:
        st.session_state[f"digit-{digest}"] = False


def _correct(store: RunStore, writer: str, digests: list[str]) -> None:
    # What is chosen now, and not what was when the button was drawn.
    if (label := st.session_state[_LABEL]) is not None:
        store.relabel_digits(writer, digests, int(label))


def _delete(store: RunStore, writer: str, digests: list[str]) -> None:
    store.delete_digits(writer, digests)
    state.put(_DELETED, (writer, digests))


def _bring_back(shown: Shown) -> None:
    """What was deleted last can be brought back."""
    nothing: tuple[str, list[str]] = "", []
    writer, digests = state.get(_DELETED, nothing)
    if writer != shown.writer or not digests:
        return

    def undo() -> None:
        state.put(_DELETED, nothing)
        frame.attempt(shown.store.undelete_digits, writer, digests)

    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"Deleted {count_words(len(digests))}.")
        st.button("Undo", key="digits-undo", on_click=undo, icon=":material/undo:")

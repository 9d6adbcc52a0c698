"""The board: a way in, the digits that the network reads there, and the way of one of them to the network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from mnist_lab import formatting
from mnist_lab.drawing import Sheet, Step
from mnist_lab.figures.bars import probability_bars
from mnist_lab.reading import Reading, read
from mnist_lab.store import Run
from mnist_lab.ui import doubt, drawn, frame, keep_digit, subject, ways_in
from mnist_lab.ui.image_browser import sure
from mnist_lab.ui.pixels import pixels
from mnist_lab.ui.plot import plot


def drawing_board(run: Run) -> None:
    """Draws the board; only it is run again when a stroke ends."""
    warm = frame.services().inference.is_warm
    st.fragment(_board, run_every=None if warm else frame.WAKING_SECONDS)(run, warm)


def _board(run: Run, was_warm: bool) -> None:
    with frame.errors_in_words():
        way = ways_in.pick()
        # What a run only leaves out stays on the page if another follows upon it at once: emptiness is said. So each
        # way has a place of its own, and the others' are emptied.
        for each in ways_in.WAYS:
            if each is not way:
                st.empty()
                continue
            with st.container(key=f"by-{way.name.lower()}"):
                left, right = (st.container(), st.container()) if way.is_wide else st.columns([1, 1.4], gap="large")
        with left:
            sheet = way.sheet()
        is_warm = frame.services().inference.is_warm
        drawn.keep(_read(run, sheet) if sheet is not None and is_warm else [])
        reading = drawn.reading()
        with right, st.container(key="answer"):
            _answer(run, reading, way, is_waking=not is_warm and sheet is not None and bool((sheet.ink > 127).any()))
            if is_warm and not was_warm:
                st.rerun()
            plot(probability_bars(reading and reading.probabilities), "probabilities",
                 label="Probability of each digit")  # fmt: skip
        with st.container():
            if reading is None:
                st.empty()
            else:
                _more(run, reading, way)
        if reading is None:
            st.empty()
        else:
            _steps(reading.prepared.steps)


def _more(run: Run, reading: Reading, way: ways_in.WayIn) -> None:
    """What can be done with the digit that is shown; each in one call, with widget keys of its own."""
    subject.offer_drawing(reading.image, "why-drawing")
    keep_digit.offer(reading.image, reading.digit, "board", way.origin)


def _read(run: Run, sheet: Sheet) -> list[Reading]:
    inference = frame.services().inference
    return read(sheet, lambda images: inference.predict(run.id, images))


def _answer(run: Run, reading: Reading | None, way: ways_in.WayIn, is_waking: bool) -> None:
    readings = drawn.readings()
    if is_waking:
        frame.waking()
    elif reading is None:
        st.markdown(f"### {way.invitation}")
        st.caption(f"{way.nothing}: there is nothing to predict yet.")
    elif len(readings) == 1:
        st.markdown(f"### It says: {reading.digit}")
        st.caption(f"{formatting.percent(reading.confidence, 1)} sure · {frame.escape(run.name)}")
    else:
        st.markdown(f"### It says: {''.join(str(each.digit) for each in readings)}")
        least = min(each.confidence for each in readings)
        st.caption(f"{len(readings)} digits, at least {formatting.percent(least, 1)} sure · {frame.escape(run.name)}")
    with st.container():
        if len(readings) > 1:
            _digits(readings)
        else:
            st.empty()
    with st.container():
        if readings and not is_waking:
            doubt.warn(readings)
        else:
            st.empty()


def _digits(readings: Sequence[Reading]) -> None:
    """Every digit with its image, answer and confidence; a click shows it in full."""
    shown = drawn.chosen()
    with st.container(horizontal=True, gap="small", key="digits"):
        for number, each in enumerate(readings):
            with st.container(width=76, gap="small"):
                pixels(each.image, width=56, scale=3, alt=f"Digit {number + 1}")
                st.button(
                    f"**{each.digit}** {sure(each.confidence)}",
                    key=f"digit-{number}",
                    on_click=drawn.choose,
                    args=(number,),
                    type="primary" if number == shown else "secondary",
                    width="stretch",
                )


def _steps(steps: Sequence[Step]) -> None:
    with st.container():
        st.markdown("**What the network sees**")
        with st.container(horizontal=True, key="steps"):
            for step in steps:
                with st.container(width=150):
                    square = _square(step.image)
                    scale = max(1, 140 // len(square))
                    pixels(square, width=140, scale=scale, caption=step.title)


def _square(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image in the middle of a square: a tall 1 would else be shown metres high."""
    height, width = image.shape
    down, across = max(0, width - height), max(0, height - width)
    return np.pad(image, ((down // 2, down - down // 2), (across // 2, across - across // 2)))

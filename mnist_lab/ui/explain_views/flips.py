"""What flips the answer: the smallest shift, turn or change of the strokes, and sliders to try them."""

from __future__ import annotations

import numpy as np
import streamlit as st

from mnist_lab.errors import LabError
from mnist_lab.figures.bars import probability_bars
from mnist_lab.figures.explained import along_change
from mnist_lab.perturb import CHANGES, Change, Flip, combined, flips
from mnist_lab.store import Run
from mnist_lab.ui import frame, subject
from mnist_lab.ui.explain_views import Shown, view
from mnist_lab.ui.pixels import pixels
from mnist_lab.ui.plot import plot
from mnist_lab.ui.subject import Subject


@view("What flips it", 30)
def flip(shown: Shown) -> None:
    """Draws the smallest changes that flip the answer, what the network says along each, and sliders."""
    inference = frame.services().inference
    tried = flips(shown.subject.image, lambda images: inference.predict(shown.run.id, images))
    st.markdown(f"**The smallest change that makes it say something else than {tried[0].answer}**")
    _smallest(tried)
    if st.toggle("The probabilities along each change", key="flip.along"):
        for place, each in zip(st.columns(2) * 2, tried, strict=True):
            with place:
                plot(along_change(each), f"along-{each.change.name}", label=f"Probabilities by {each.change.name}")
    st.markdown("**Try it**")
    _sliders(shown.run, shown.subject)


def _smallest(tried: list[Flip]) -> None:
    lines = ["| | in one direction | in the other |", "|---|---|---|"]
    lines += [f"| {each.change.name} | {_words(each, -1)} | {_words(each, 1)} |" for each in tried]
    st.markdown("\n".join(lines))
    steps = (f"{each.name.lower()} up to {each.most:g} {each.unit} in steps of {each.step:g}" for each in CHANGES)
    st.caption(f"Tried, one at a time and in both directions: {', '.join(steps)}.")


def _words(flip: Flip, direction: int) -> str:
    change = flip.change
    word = change.less if direction < 0 else change.more
    found = flip.smallest(direction)
    if found is None:
        return f"{word}: none within {change.most:g} {change.unit}"
    return f"{word} by **{abs(found[0]):g} {change.unit}**: it says {found[1]}"


def _sliders(run: Run, shown: Subject) -> None:
    # Another image begins unchanged.
    key = f"flip.{hash(shown.image.tobytes())}"
    left, middle, right = st.columns([1.2, 0.7, 1.4], gap="large")
    with left:
        amounts = {change.name: _slider(change, key) for change in CHANGES}
    image = combined(shown.image, amounts)
    with middle:
        pixels(image, width=168, scale=6)
        if image.any() and any(amounts.values()):
            changed = ", ".join(f"{name} {amount:+g}" for name, amount in amounts.items() if amount)
            subject.offer(image, f"{shown.title} ({changed})", "flip.why", shown.label)
        else:
            st.empty()
    with right:
        try:
            said = frame.services().inference.predict(run.id, image[np.newaxis])[0]
        except LabError as error:
            frame.show_error(error)
            return
        plot(probability_bars(said, height=300), "flip-probabilities", label="Probabilities of the changed image")


def _slider(change: Change, key: str) -> float:
    return float(
        st.slider(
            f"{change.name} ({change.unit})", -float(change.most), float(change.most), 0.0, float(change.step), "%g",
            key=f"{key}.{change.name}", help=f"Less than 0: {change.less}; more: {change.more}.",
        )
    )  # fmt: skip

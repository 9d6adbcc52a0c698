"""Why this digit and not another: where the ink speaks for it, by three methods that see different things."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from mnist_lab.figures.attribution import attribution_map
from mnist_lab.ui import frame
from mnist_lab.ui.explain_views import Shown, view
from mnist_lab.ui.image_browser import sure
from mnist_lab.ui.plot import plot
from mnist_lab.ui.subject import Subject

DIGITS = list(range(10))


@view("Why this answer", 20)
def why(shown: Shown) -> None:
    """Draws occlusion, gradient times input and Grad-CAM for a digit, or for one against another."""
    found = frame.services().inference.ask("why", run_id=shown.run.id, image=shown.subject.image)
    logits: NDArray[np.float32] = found["logits"]
    digit, other = _digits(logits, found["probabilities"], shown.subject)
    st.markdown(_question(logits, digit, other))

    def of(values: NDArray[np.float32]) -> NDArray[np.float32]:
        return values[..., digit] - values[..., other] if other is not None else values[..., digit]

    what = f"the case for {digit}" + ("" if other is None else f" against {other}")
    image = shown.subject.image
    left, middle, right = st.columns(3, gap="medium")
    with left:
        st.markdown("**Occlusion**")
        stride, patch = found["stride"], found["patch"]
        plot(attribution_map(image, of(found["occlusion"]), f"hiding this place takes %{{z:.3f}} from {what}",
                             (stride - 1) // 2, stride), "occlusion", label="Occlusion map")  # fmt: skip
        every = "each pixel" if stride == 1 else f"every {stride} pixels"
        st.caption(
            f"Orange: {what} is weaker with this place hidden behind {patch}×{patch} pixels of paper "
            f"(tried at {every}); blue: it is stronger. It shows what the answer rests on; it does not show what "
            "counts only together with something elsewhere, nor paper that must stay empty."
        )
    with middle:
        st.markdown("**Gradient × input**")
        plot(attribution_map(image, of(found["gradient"]), f"adds %{{z:.4f}} to {what}"), "gradient",
             label="Gradient times input")  # fmt: skip
        st.caption(
            f"Orange: this pixel's ink adds to {what}, as far as small changes tell. It shows to which ink the answer "
            "is sensitive; it does not show the part that paper plays, which counts as 0, nor what larger changes do."
        )
    with right:
        st.markdown("**Grad-CAM**")
        _cam(found, of, image, what)


def _cam(found: dict[str, Any], of: Any, image: NDArray[np.uint8], what: str) -> None:
    cam = found["cam"]
    if cam is None:
        why_not = "its last map is a single value" if found["cam_of"] else "it has no convolution"
        st.info(f"Grad-CAM does not apply to this network: {why_not}.")
        return
    values = np.maximum(of(cam), 0)
    height, width = values.shape
    plot(attribution_map(image, values, f"%{{z:.3f}} for {what}", (28 / width - 1) / 2, 28 / width,
                         (28 / height - 1) / 2, 28 / height), "cam", label="Grad-CAM")  # fmt: skip
    st.caption(
        f"Orange: where the last map ({found['cam_of']}, {height}×{width}) holds patterns that make {what}. It shows "
        "the region, as coarse as that map; it shows neither single pixels nor what speaks against."
    )


def _digits(logits: NDArray[np.float32], said: NDArray[np.float32], subject: Subject) -> tuple[int, int | None]:
    """Which digit is asked about, and against which; at first the answer against what it should be, or the second."""
    order = np.argsort(-logits)
    first, second = int(order[0]), int(order[1])
    if subject.label is not None and subject.label != first:
        second = subject.label

    def words(digit: int | None) -> str:
        return "no other digit" if digit is None else f"{digit} ({sure(float(said[digit]))})"

    # Another image or network is another question, which starts from its own answer.
    key = f"why.{first}.{second}"
    left, right, _ = st.columns([1, 1, 2])
    digit = left.selectbox("Why", DIGITS, first, format_func=words, key=f"{key}.digit")
    others = [None, *(each for each in DIGITS if each != digit)]
    start = others.index(second) if second in others else 0
    other = right.selectbox("Why not", others, start, format_func=words, key=f"{key}.other.{digit}")
    return digit, other


def _question(logits: NDArray[np.float32], digit: int, other: int | None) -> str:
    if other is None:
        return f"The logit of {digit} is **{logits[digit]:.2f}**. The maps show what raises and lowers it."
    lead = float(logits[digit] - logits[other])
    times = float(np.exp(min(abs(lead), 30)))
    odds = f"{times:,.0f}" if times >= 100 else f"{times:.3g}"
    words = f"{digit} is {odds} times as likely as {other}" if lead >= 0 else (
        f"{other} is {odds} times as likely as {digit}")  # fmt: skip
    return (
        f"The logit of {digit} is {logits[digit]:.2f}, that of {other} is {logits[other]:.2f}: a lead of "
        f"**{lead:+.2f}**, so {words}. The maps show what makes this lead."
    ).replace("-", "−")

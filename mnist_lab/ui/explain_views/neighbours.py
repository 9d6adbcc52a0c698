"""The training images that are most like this one to the network."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from mnist_lab.ui import frame
from mnist_lab.ui.explain_views import Shown, view
from mnist_lab.ui.picture_sheet import LOOK_INSIDE, picture_sheet

COUNT = 12
AGAIN_SECONDS = 0.3


@view("Neighbours", 40)
def neighbours(shown: Shown) -> None:
    """Draws the nearest training images, at first among a sample that grows until it holds all."""
    first = _ask(shown)
    st.fragment(_neighbours, run_every=None if _is_whole(first) else AGAIN_SECONDS)(shown, first)


def _is_whole(found: dict[str, Any]) -> bool:
    """Whether all images of the sample are known."""
    return bool(found["done"] == found["sample"])


def _ask(shown: Shown) -> dict[str, Any]:
    ask = frame.services().inference.ask
    found: dict[str, Any] = ask("neighbours", run_id=shown.run.id, image=shown.subject.image, count=COUNT)
    return found


def _neighbours(shown: Shown, first: dict[str, Any]) -> None:
    with frame.errors_in_words():
        growing = not _is_whole(first)
        found = _ask(shown) if growing else first
        with st.container():
            if _is_whole(found):
                st.empty()
            else:
                st.progress(found["done"] / found["sample"], f"{found['done']:,} of {found['sample']:,} images so far")
        st.markdown(_verdict(found))
        captions = [
            f"is {label}\n{distance:.2f}" for label, distance in zip(found["labels"], found["distances"], strict=True)
        ]
        picture_sheet(
            found["images"], captions, "neighbours.sheet", columns=6, scale=3, gap=10, labels=found["labels"],
            titles=[f"Training image {place:,}" for place in found["places"]], run_id=shown.run.id,
        )  # fmt: skip
        among = f"{found['done']:,} of its {found['all']:,} training images" + (
            ", drawn by lot (for more there is no room in memory)" if found["sample"] < found["all"] else ""
        )
        st.caption(
            f"The nearest among {among}, by the Euclidean distance of the values of {found['layer']}, the last "
            f"before the answer. Below each: the digit that it is, and its distance; half of all are farther than "
            f"{found['typical']:.2f}. {LOOK_INSIDE}"
        )
        if growing and _is_whole(found):
            st.rerun()


def _verdict(found: dict[str, Any]) -> str:
    counts = np.bincount(found["labels"], minlength=10)
    order = [int(digit) for digit in np.argsort(-counts, kind="stable") if counts[digit]]
    words = ", ".join(f"{counts[digit]} of {digit}" for digit in order)
    nearest = float(found["distances"][0])
    far = "; even the nearest is farther than most images are: it is like nothing that it has learnt" * (
        nearest > found["typical"]
    )
    return f"**Of the {len(found['labels'])} nearest training images: {words}**{far}."

"""Three runs or more on the same images: which ones nobody gets right, and which only one gets wrong."""

from __future__ import annotations

import numpy as np
import streamlit as st

from mnist_lab import comparison
from mnist_lab.errors import ArtefactMissing
from mnist_lab.predictions import Predictions
from mnist_lab.store import Run
from mnist_lab.ui import frame
from mnist_lab.ui.image_browser import browse
from mnist_lab.ui.pair import marked, offer_evaluation
from mnist_lab.ui.results import predictions
from mnist_lab.ui.run_views import Shown, view


@view("Agreement", 16, least=3)
def agreement(shown: Shown) -> None:
    """Draws the images over which several runs agree in error, or only one errs."""
    offer_evaluation(shown.chosen)
    alike, others = _same_images(shown.chosen)
    names = comparison.names_of(shown.chosen)
    for run, reason in others:
        st.markdown(f"🚫 {frame.escape(names[run.id])} is left out: {frame.escape(reason)}.")
    if len(alike) < 2:
        st.caption("Fewer than two of these runs were asked the same images.")
        return
    said = {letter: known for letter, (_, known) in zip("ABCDEFGHIJ", alike, strict=False)}
    st.markdown(
        " · ".join(
            f"**{letter}** {frame.escape(names[run.id])}{marked(run)}"
            for letter, (run, _) in zip(said, alike, strict=True)
        )
    )
    st.fragment(_agreement)(alike[0][0], said)


def _same_images(runs: list[Run]) -> tuple[list[tuple[Run, Predictions]], list[tuple[Run, str]]]:
    """The largest number of runs that were asked the same images; the others, and why not."""
    sets: list[list[tuple[Run, Predictions]]] = []
    others: list[tuple[Run, str]] = []
    for run in runs:
        try:
            known = predictions(run)
        except ArtefactMissing as error:
            others.append((run, error.message.rstrip(".")))
            continue
        fitting = next((alike for alike in sets if comparison.why_not(*alike[0], run, known) is None), None)
        if fitting is None:
            sets.append([(run, known)])
        else:
            fitting.append((run, known))
    if not sets:
        return [], others
    largest = max(sets, key=len)
    for run, known in (each for alike in sets if alike is not largest for each in alike):
        others.append((run, comparison.why_not(*largest[0], run, known) or ""))
    return largest, others


def _agreement(run: Run, said: dict[str, Predictions]) -> None:
    with frame.errors_in_words():
        labels = next(iter(said.values())).labels
        right = np.stack([known.digits == labels for known in said.values()])
        many, count = right.sum(axis=0), len(right)
        st.caption(
            f"Of {len(labels):,} images, all {count} runs get {int((many == count).sum()):,} right and none gets "
            f"{int((many == 0).sum()):,} right."
        )
        lists = {
            "Nobody is right": many == 0,
            "Only one is right": many == 1,
            "Only one is wrong": many == count - 1,
            "They part": (many > 0) & (many < count),
        }
        key = f"agreement.{run.id[:8]}.{count}"
        name = st.segmented_control("Images", list(lists), key=key, required=True, default="Nobody is right",
                                    format_func=lambda each: f"{each} ({int(lists[each].sum()):,})",
                                    label_visibility="collapsed")  # fmt: skip
        which = lists[name or "Nobody is right"]
        who = "everyone"
        if name in ("Only one is right", "Only one is wrong"):
            is_one = right if name == "Only one is right" else ~right
            who = st.segmented_control(
                "Which run", ["any", *said], key=f"{key}.who.{name}", required=True, default="any",
                format_func=lambda each: each if each == "any"
                else f"{each} ({int((which & is_one[list(said).index(each)]).sum()):,})",
            ) or "any"  # fmt: skip
            if who != "any":
                which = which & is_one[list(said).index(who)]
        browse(run, said, np.flatnonzero(which), f"{key}.{name}.{who}")

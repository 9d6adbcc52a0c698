"""The images that part two runs."""

from __future__ import annotations

import numpy as np
import streamlit as st

from mnist_lab import comparison, paired
from mnist_lab.errors import LabError
from mnist_lab.figures.images import contact_sheet
from mnist_lab.ui import frame
from mnist_lab.ui.results import predictions, test_images
from mnist_lab.ui.run_views import Shown, view

SHOWN, COLUMNS = 30, 6


@view("Images", 15, least=2, most=2)
def images(shown: Shown) -> None:
    """Draws the images that only one of two runs gets right, and those that both get wrong."""
    pair = comparison.compare_runs(shown.store, *shown.chosen)
    if pair.reason:
        st.markdown(f"🚫 {frame.escape(pair.sentence)}")
        return
    first, second = predictions(pair.a), predictions(pair.b)
    found = paired.sets(first.labels, first.digits, second.digits)
    a, b = (frame.escape(name) for name in pair.names)
    lists = {
        f"Only {a} is right": found.only_a,
        f"Only {b} is right": found.only_b,
        "Both are wrong": found.neither,
    }
    tabs = st.tabs([f"{words} ({len(where):,})" for words, where in lists.items()])
    for tab, where in zip(tabs, lists.values(), strict=True):
        with tab:
            if not len(where):
                st.caption("None.")
                continue
            # Those first of which one of them was surest.
            surest = np.maximum(first.probabilities[where].max(1), second.probabilities[where].max(1))
            listed = where[np.argsort(-surest, kind="stable")][:SHOWN]
            try:
                images = test_images(pair.a, first.indices[listed])
            except LabError as error:
                st.info(f"{error.message} {error.remedy}")
                continue
            captions = [f"{first.labels[i]}: {first.digits[i]} | {second.digits[i]}" for i in listed]
            st.image(contact_sheet(images, captions, columns=COLUMNS, scale=3, gap=8), width="content")
            more = f" The {SHOWN} surest of {len(where):,}." if len(where) > SHOWN else ""
            st.caption(f"Below each image: what it is, what {a} says, what {b} says.{more}")

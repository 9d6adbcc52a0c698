"""Selected runs against each other on the same images: which is better, and which images part them."""

from __future__ import annotations

import numpy as np
import streamlit as st

from mnist_lab import comparison, paired, seed_groups
from mnist_lab.comparison import Comparison
from mnist_lab.errors import LabError
from mnist_lab.figures.images import contact_sheet
from mnist_lab.store import Run, RunStore
from mnist_lab.ui import frame
from mnist_lab.ui.results import test_images

MOST_RUNS = 10
SHOWN, COLUMNS = 30, 6
ICONS = {True: "🏁", False: "⚖️"}


def versus(store: RunStore, runs: list[Run]) -> None:
    """Draws the comparison of two to ten runs; nothing for fewer."""
    if len(runs) < 2:
        return
    st.subheader("Against each other")
    if len(runs) > MOST_RUNS:
        st.caption(f"At most {MOST_RUNS} runs are compared at once; {len(runs)} are selected.")
        return
    pairs = comparison.compare_all(store, runs)
    for pair in pairs:
        icon = "🚫" if pair.reason else ICONS[pair.better is not None]
        st.markdown(f"{icon} {frame.escape(pair.sentence)}")
    groups = seed_groups.groups(runs)
    for group in groups:
        st.markdown(f"🌱 {frame.escape(group.sentence)}")
    for between in seed_groups.compare_groups(groups):
        if between.a.covers_seeds and between.b.covers_seeds:
            st.markdown(f"{ICONS[between.better is not None]} {frame.escape(between.sentence)}")
    if len(pairs) == 1 and not pairs[0].reason:
        _images(store, pairs[0])


def _images(store: RunStore, pair: Comparison) -> None:
    first, second = (comparison.read_predictions(store, run) for run in (pair.a, pair.b))
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
            shown = where[np.argsort(-surest, kind="stable")][:SHOWN]
            try:
                images = test_images(pair.a, first.indices[shown])
            except LabError as error:
                st.info(f"{error.message} {error.remedy}")
                continue
            captions = [f"{first.labels[i]}: {first.digits[i]} | {second.digits[i]}" for i in shown]
            st.image(contact_sheet(images, captions, columns=COLUMNS, scale=3, gap=8), width="content")
            more = f" The {SHOWN} surest of {len(where):,}." if len(where) > SHOWN else ""
            st.caption(f"Below each image: what it is, what {a} says, what {b} says.{more}")

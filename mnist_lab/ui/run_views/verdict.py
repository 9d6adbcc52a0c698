"""Whether one of the selected runs is better than another, and by what."""

from __future__ import annotations

import streamlit as st

from mnist_lab import comparison, seed_groups
from mnist_lab.ui import frame
from mnist_lab.ui.run_views import Shown, view

ICONS = {True: "🏁", False: "⚖️"}


@view("Verdict", 10, least=2)
def verdict(shown: Shown) -> None:
    """Draws what the tests say of each pair, and of groups of seeds."""
    runs = shown.chosen
    pairs = comparison.compare_all(shown.store, runs)
    for pair in pairs:
        icon = "🚫" if pair.reason else ICONS[pair.better is not None]
        st.markdown(f"{icon} {frame.escape(pair.sentence)}")
    groups = seed_groups.groups(runs)
    for group in groups:
        st.markdown(f"🌱 {frame.escape(group.sentence)}")
    for between in seed_groups.compare_groups(groups):
        if between.a.covers_seeds and between.b.covers_seeds:
            st.markdown(f"{ICONS[between.better is not None]} {frame.escape(between.sentence)}")

"""The images that part two runs, to leaf through."""

from __future__ import annotations

import streamlit as st

from mnist_lab.ui import frame
from mnist_lab.ui.image_browser import browse
from mnist_lab.ui.pair import Pair, open_pair
from mnist_lab.ui.run_views import Shown, view


@view("Images", 15, least=2, most=2)
def images(shown: Shown) -> None:
    """Draws the images that only one of two runs gets right, and those that both get wrong."""
    pair = open_pair(shown.store, shown.chosen)
    if pair is not None:
        st.fragment(_images)(pair)


def _images(pair: Pair) -> None:
    with frame.errors_in_words():
        key = f"pair.{pair.compared.a.id[:8]}.{pair.compared.b.id[:8]}"
        sets, (a, b) = pair.sets, pair.names
        lists = {
            "only_a": (f"Only {a} is right", sets.only_a, f"A fixed these: {b} has them wrong, {a} has them right."),
            "only_b": (f"Only {b} is right", sets.only_b, f"A broke these: {b} has them right, {a} has them wrong."),
            "neither": ("Both are wrong", sets.neither, "Both have these wrong, alike or not."),
        }

        def words(name: str) -> str:
            title, where, _ = lists[name]
            return f"{title} ({len(where):,})"

        name = st.segmented_control("Images", list(lists), key=key, required=True, default="only_a",
                                    format_func=words, label_visibility="collapsed")  # fmt: skip
        _, where, said = lists[name or "only_a"]
        if len(where):
            st.markdown(said)
        browse(pair.compared.a, pair.said, where, f"{key}.{name}")

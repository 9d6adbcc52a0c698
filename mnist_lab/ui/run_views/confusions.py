"""How the confusion matrix of one run becomes that of another."""

from __future__ import annotations

import streamlit as st

from mnist_lab.ui import frame
from mnist_lab.ui.confusion_change import confusion_change
from mnist_lab.ui.pair import Pair, open_pair
from mnist_lab.ui.run_views import Shown, view


@view("Confusion", 14, least=2, most=2)
def confusions(shown: Shown) -> None:
    """Draws the confusion matrix of B less that of A; a click on a cell shows the images that moved."""
    pair = open_pair(shown.store, shown.chosen)
    if pair is not None:
        st.fragment(_confusions)(pair)


def _confusions(pair: Pair) -> None:
    with frame.errors_in_words():
        key = f"change.{pair.compared.a.id[:8]}.{pair.compared.b.id[:8]}"
        confusion_change(pair.compared.a, pair.said, key)

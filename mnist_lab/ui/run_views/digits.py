"""Two runs digit by digit: the differences of their recalls."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from mnist_lab.comparison import Comparison
from mnist_lab.figures.pair import difference_forest
from mnist_lab.ui import frame
from mnist_lab.ui.pair import open_pair
from mnist_lab.ui.plot import plot
from mnist_lab.ui.run_views import Shown, view


@view("Per digit", 12, least=2, most=2)
def digits(shown: Shown) -> None:
    """Draws how much more of each digit one run finds, with intervals."""
    pair = open_pair(shown.store, shown.chosen)
    if pair is None:
        return
    parts = pair.compared.digits
    out = [f"the {each.digit}" for each in parts if each.stands_out]
    where = f"On {' and '.join(out)} they" if out else "On no digit do they"
    st.markdown(
        f"{where} differ by more than chance explains (McNemar's exact test for each, with Holm's correction for all)."
    )
    figure = difference_forest(
        [each.difference for each in parts], [each.interval for each in parts], [each.stands_out for each in parts]
    )
    plot(figure, "digit-differences", label="Difference of the recalls per digit")
    st.caption(
        "To the right of the line A finds more of that digit, to the left B does. Each bar is a 95 % interval for its "
        "digit alone: of ten such, one that leaves out 0 is no rarity between networks equally good. Blue diamonds are "
        "those that stand after the correction."
    )
    figure_column = st.column_config.NumberColumn
    st.dataframe(
        digits_frame(pair.compared), hide_index=True, width="stretch", key="digits-table", placeholder="–",
        alt="Differences per digit",
        column_config={
            "A − B": figure_column(format="%.2f", help="Recall of A less that of B, in points."),
            "p": figure_column(format="%.2g", help="McNemar's exact test, of this digit alone."),
            "p (Holm)": figure_column(format="%.2g", help="Corrected for all digits together."),
        },
    )  # fmt: skip
    a, b = pair.names
    st.caption(f"Recall: the share of a digit's images that is found. A: {a}; B: {b}. Differences in points.")
    st.caption(frame.escape(pair.compared.covers))


def digits_frame(compared: Comparison) -> pd.DataFrame:
    """The differences per digit as a table, in points; a digit without images has none."""
    parts = compared.digits
    return pd.DataFrame(
        {
            "Digit": [each.digit for each in parts],
            "Images": [each.paired.images for each in parts],
            "Only A right": [each.paired.only_a for each in parts],
            "Only B right": [each.paired.only_b for each in parts],
            "A − B": [100 * each.difference for each in parts],
            "95 % interval": [interval_words(each.interval) for each in parts],
            "p": [each.p if each.p is not None else math.nan for each in parts],
            "p (Holm)": [each.corrected if each.p is not None else math.nan for each in parts],
        }
    )


def interval_words(interval: tuple[float, float] | None) -> str:
    """The ends of an interval of shares in points: ``"−0.12 to 0.40"``."""
    if interval is None or any(math.isnan(end) for end in interval):
        return "–"
    low, high = (f"{100 * end + 0.0:.2f}".replace("-0.00", "0.00").replace("-", "−") for end in interval)
    return f"{low} to {high}"

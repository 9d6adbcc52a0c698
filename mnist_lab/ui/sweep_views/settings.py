"""What a sweep searches, and how."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from mnist_lab import fields, formatting
from mnist_lab.sweeps.dimensions import Dimension, IntegerRange, NumberRange, OneOf, Repeat, name_of
from mnist_lab.sweeps.sweep import Search
from mnist_lab.ui.sweep_views import Shown, view
from mnist_lab.ui.sweep_words import value_words


@view("Settings", 80)
def settings(shown: Shown) -> None:
    """Draws what is searched as a table, and how it is searched as another."""
    labels = {each.name: each.label for each in shown.fields}
    searched = pd.DataFrame(
        {
            "Searched": [labels[name_of(each)] for each in shown.sweep.dimensions],
            "Over": [words(each) for each in shown.sweep.dimensions],
        }
    )
    how = pd.DataFrame(
        {
            "How": [spec.label for spec in fields.specs(Search).values()],
            "": [
                spec.empty if (value := getattr(shown.sweep.search, name)) is None else formatting.setting(value)
                for name, spec in fields.specs(Search).items()
            ],
        }
    )
    left, right = st.columns([3, 2])
    left.dataframe(searched, hide_index=True, width="stretch", key=f"searched-{shown.record.id}")
    right.dataframe(how, hide_index=True, width="stretch", key=f"how-{shown.record.id}")
    st.caption("All else is as the network and the training it started from: see *Edit in the Lab*.")


def words(each: Dimension) -> str:
    """Over what a field is searched: ``"4 to 32, logarithmic"``, ``"Adam, SGD"``, ``"1 to 4 times"``."""
    if isinstance(each, OneOf):
        return ", ".join(map(value_words, each.values))
    assert isinstance(each, IntegerRange | NumberRange | Repeat)
    said = f"{value_words(each.low)} to {value_words(each.high)}"
    if isinstance(each, Repeat):
        return f"{said} times" + f", {each.layers} layers" * (each.layers > 1)
    step = f", in steps of {each.step}" if isinstance(each, IntegerRange) and each.step > 1 else ""
    return said + ", logarithmic" * each.log + step

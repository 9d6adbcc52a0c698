"""The trials as a table."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from mnist_lab.sweeps.progress import STATE_WORDS
from mnist_lab.ui.sweep_views import Shown, choose, view
from mnist_lab.ui.sweep_words import value_words


@view("Trials", 60)
def trials(shown: Shown) -> None:
    """Draws a table with a row for each trial; a click on a row looks at it."""
    if not shown.trials:
        st.info("No trial yet.")
        return
    key = f"trials-{shown.record.id}-{shown.version}"
    event: Any = st.dataframe(
        trial_frame(shown),
        hide_index=True,
        width="stretch",
        key=key,
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "Trial": st.column_config.NumberColumn(pinned=True),
            "Parameters": st.column_config.NumberColumn(format="localized"),
            "Multiply-adds": st.column_config.NumberColumn(format="localized"),
            "Accuracy (%)": st.column_config.NumberColumn(format="%.2f", help="On the validation images."),
            "Spread (%)": st.column_config.NumberColumn(format="%.2f", help="Standard deviation over its seeds."),
        },
    )
    rows = event.selection.rows
    if rows and rows[0] < len(shown.trials) and (number := _in_order(shown)[rows[0]].number) != shown.chosen:
        choose(shown.record.id, number)
        st.rerun(scope="fragment")
    st.caption("The best first. Click the box of a row to look at its trial.")


def trial_frame(shown: Shown) -> pd.DataFrame:
    """The trials as a frame, the best first; unknown figures are missing."""
    rows = []
    for trial in _in_order(shown):
        several = len(trial.runs) > 1
        rows.append(
            {
                "Trial": trial.number,
                "Accuracy (%)": None if trial.accuracy is None else 100 * trial.accuracy,
                **({"Spread (%)": None if trial.spread is None else 100 * trial.spread} if several else {}),
                "Parameters": trial.parameters,
                "Multiply-adds": trial.multiply_adds,
                **{
                    each.label: value_words(trial.values[each.name]) if each.name in trial.values else ""
                    for each in shown.fields
                },
                "State": STATE_WORDS.get(trial.state, trial.state),
                "Epochs": trial.epochs,
                "Why": trial.reason or "",
            }
        )
    frame = pd.DataFrame(rows)
    return frame.astype(dict.fromkeys(("Parameters", "Multiply-adds", "Epochs"), "Int64"))


def _in_order(shown: Shown) -> list[Any]:
    """Those trained to the end first, the best of them first; then the others in their order."""
    ranks = {"complete": 0, "running": 1, "pruned": 2}
    return sorted(
        shown.trials,
        key=lambda trial: (ranks.get(trial.state, 3), -(trial.accuracy or 0.0) if trial.state == "complete" else 0.0,
                           trial.number),
    )  # fmt: skip

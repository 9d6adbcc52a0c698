"""The table of the runs, what it selects, and deletion."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from mnist_lab.store import Run, RunStore
from mnist_lab.ui import frame, state
from mnist_lab.ui.frame import attempt

# How often runs were selected from elsewhere: each time the table is another one, which starts with that selection.
CHANGES = "run-table-changes"


def run_frame(runs: list[Run]) -> pd.DataFrame:
    """The table as a frame, one row a run, unknown figures missing."""
    return pd.DataFrame(
        {
            "★": ["★" if run.starred else "" for run in runs],
            "Name": [run.name for run in runs],
            "Status": [run.status for run in runs],
            "Test accuracy": pd.Series([run.test_accuracy for run in runs], dtype=float),
            "95 % interval": [_interval(run) for run in runs],
            "Split": [("⚠️ " if run.test_is_validation else "") + run.split for run in runs],
            "Validation accuracy": pd.Series([run.validation_accuracy for run in runs], dtype=float),
            "Best epoch": pd.array([run.best_epoch for run in runs], dtype="Int64"),
            "Epochs": pd.array([run.epochs_run for run in runs], dtype="Int64"),
            "Parameters": pd.array([run.parameters for run in runs], dtype="Int64"),
            "Images/s": pd.Series([run.images_per_second for run in runs], dtype=float),
            "Seconds": pd.Series([run.seconds for run in runs], dtype=float),
            "Data": [run.dataset or "" for run in runs],
            "Device": [run.device or "" for run in runs],
            "Created": [datetime.fromtimestamp(run.created) for run in runs],
            "Notes": [run.notes for run in runs],
            "Id": [run.id[:8] for run in runs],
        }
    )


def _interval(run: Run) -> str:
    interval = run.test_accuracy_interval
    return f"{100 * interval[0]:.2f} – {100 * interval[1]:.2f}" if interval else ""


def table(runs: list[Run]) -> list[Run]:
    """Draws the table; returns the selected runs, in the table's order."""
    shown = run_frame(runs)
    # Streamlit's own percentages drop the zeros at their end: 98.10 % would read as 98.1 %.
    shown[["Test accuracy", "Validation accuracy"]] *= 100
    percent = "%.2f %%"
    # Streamlit keeps a selection by its row numbers: when runs come or go, other runs would be selected, and deleted.
    # So other runs make another table, in which what was selected is selected from the start.
    kept = state.get("selected-runs", ())
    rows = [index for index, run in enumerate(runs) if run.id in kept]
    event: Any = st.dataframe(
        shown,
        hide_index=True,
        width="stretch",
        key=f"run-table.{hash(tuple(run.id for run in runs))}.{state.get(CHANGES, 0)}",
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": rows, "columns": [], "cells": []}},
        column_config={
            "★": st.column_config.TextColumn(width=30),
            "Name": st.column_config.TextColumn(width="medium", pinned=True),
            "Test accuracy": st.column_config.NumberColumn(format=percent, help="On the images kept for the test."),
            "Validation accuracy": st.column_config.NumberColumn(format=percent),
            "Split": st.column_config.TextColumn(help="⚠️: the test images also chose the epoch; flattered."),
            "Parameters": st.column_config.NumberColumn(format="localized"),
            "Images/s": st.column_config.NumberColumn(format="%.0f"),
            "Seconds": st.column_config.NumberColumn(format="%.1f"),
            "Created": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
        },
    )
    chosen = [runs[index] for index in event.selection.rows if index < len(runs)]
    state.put("selected-runs", tuple(run.id for run in chosen))
    return chosen


def select(run_ids: Iterable[str]) -> None:
    """Selects runs from elsewhere, as by a click in a figure; the table shows it when it is drawn next."""
    state.put("selected-runs", tuple(run_ids))
    state.put(CHANGES, state.get(CHANGES, 0) + 1)


def delete_button(store: RunStore, runs: list[Run]) -> None:
    """Deletes the selected runs, after a question."""
    what = f"{len(runs)} run{'s' * (len(runs) > 1)}"

    def delete() -> None:
        state.put("deleted", store.delete([run.id for run in runs]))

    with st.popover(f"Delete {what} …"):
        st.write(f"Delete {what}? You can undo this for a day.")
        st.button(
            f"Yes, delete {what}",
            type="primary",
            on_click=attempt,
            args=(delete,),
            key="delete",
        )


def undo_bar(store: RunStore) -> None:
    """After a deletion: the way back. And what went wrong, if something did."""
    frame.failure()
    deleted: list[str] = state.get("deleted", [])
    if not deleted:
        return

    def undo() -> None:
        store.undelete(deleted)
        state.put("deleted", [])

    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"Deleted {len(deleted)} run{'s' * (len(deleted) > 1)}.", width="content")
        st.button("Undo", on_click=attempt, args=(undo,), key="undelete")

"""The list of sweeps, the one that is looked at, and what was deleted last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from mnist_lab import fields, formatting
from mnist_lab.errors import LabError, SweepError
from mnist_lab.store import RunStore, StateCount, SweepRecord
from mnist_lab.sweeps.progress import Progress
from mnist_lab.sweeps.sweep import Search
from mnist_lab.ui import address, frame, pace, state
from mnist_lab.ui.frame import attempt
from mnist_lab.ui.sweep_words import status_words

PARAMETER = "sweep"
TICK_SECONDS = 4.0
_CHOSEN, _DELETED = "sweep", "deleted-sweeps"


def choose(sweep_id: str) -> None:
    """Looks at a sweep from now on, on this page or from another."""
    state.put(_CHOSEN, sweep_id)


def pick(store: RunStore, sweeps: Sequence[SweepRecord]) -> SweepRecord:
    """Draws the list; returns the sweep that is looked at, at first the newest.

    Args:
        store: The run store.
        sweeps: One at least, the newest first.
    """
    asked = address.asked(PARAMETER)
    if asked is not None and (found := [each for each in sweeps if each.id.startswith(asked[PARAMETER])]):
        choose(found[0].id)
    ids = [each.id for each in sweeps]
    wanted = state.get(_CHOSEN, "")
    now = sweeps[ids.index(wanted) if wanted in ids else 0]
    busy = any(each.status == "running" for each in sweeps)
    every = pace.slowed(TICK_SECONDS) if busy else None
    st.fragment(_table, run_every=every)(now.id, tuple(ids))
    address.follow(**{PARAMETER: now.id})
    return now


def _table(chosen: str, ids: tuple[str, ...]) -> None:
    with frame.errors_in_words():
        store = frame.store()
        sweeps = store.sweeps()
        now = tuple(each.id for each in sweeps)
        if now != ids:
            st.rerun()
        event: Any = st.dataframe(
            sweep_frame(sweeps, store.sweep_counts()),
            hide_index=True,
            width="stretch",
            # Another selection from elsewhere, as other rows, make another table.
            key=f"sweeps.{hash(ids)}.{chosen}",
            on_select="rerun",
            selection_mode="single-row",
            selection_default={"selection": {"rows": [now.index(chosen)], "columns": [], "cells": []}},
            column_config={
                "Name": st.column_config.TextColumn(pinned=True, width="medium"),
                "Best (%)": st.column_config.NumberColumn(format="%.2f", help="Of the validation images."),
                "Created": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
            },
        )
        rows = event.selection.rows
        if rows and rows[0] < len(now) and now[rows[0]] != chosen:
            choose(now[rows[0]])
            st.rerun()


def sweep_frame(sweeps: Sequence[SweepRecord], counts: Mapping[str, Mapping[str, StateCount]]) -> pd.DataFrame:
    """The sweeps as a frame, one row each; unknown figures are missing."""
    rows = []
    for record in sweeps:
        found = counts.get(record.id, {})
        best = found["complete"].best if "complete" in found else None
        numbers = {name: each.trials for name, each in found.items()}
        progress = Progress(numbers, best, sum(each.epochs for each in found.values()))
        search = _search(record)
        left = progress.seconds_left(search, record.spent) if search and record.status == "running" else None
        rows.append(
            {
                "Name": record.name,
                "Status": status_words(record),
                "Trials": f"{progress.done:,} of {search.trials:,}" if search else f"{progress.done:,}",
                "Best (%)": None if best is None else 100 * best,
                "Ended early": numbers.get("pruned", 0),
                "Impossible": numbers.get("impossible", 0),
                "Failed": numbers.get("failed", 0),
                "Left": formatting.duration(left) if left is not None else "",
                "Created": datetime.fromtimestamp(record.created),
            }
        )
    return pd.DataFrame(rows).astype({"Best (%)": float})


def _search(record: SweepRecord) -> Search | None:
    """How a sweep searches; None if that cannot be read."""
    try:
        return fields.from_dict(Search, dict(record.sweep.get("search", {})), SweepError)
    except (LabError, TypeError, ValueError):
        return None


# Deletion -------------------------------------------------------------------------------------------------------------


def delete(store: RunStore, sweep_id: str) -> None:
    """Deletes a sweep, which `undo_bar` brings back."""
    attempt(lambda: state.put(_DELETED, store.delete_sweeps([sweep_id])))


def undo_bar(store: RunStore) -> None:
    """After a deletion: the way back."""
    deleted: list[str] = state.get(_DELETED, [])
    if not deleted:
        return

    def undo() -> None:
        store.undelete_sweeps(deleted)
        choose(deleted[0])
        state.put(_DELETED, [])

    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("Deleted the sweep. Its runs stay.", width="content")
        st.button("Undo", on_click=attempt, args=(undo,), key="undelete-sweep")

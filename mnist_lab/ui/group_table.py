"""The table of groups of runs: one row a group, its mean and its spread; what it selects is the runs of its groups."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from mnist_lab.run_fields import SAME_BUT_SEED, SettingsOf, label, words
from mnist_lab.run_groups import BY_VALUES, FIGURES, RunGroup, grouped, in_group_order
from mnist_lab.run_query import RunQuery
from mnist_lab.store import Run
from mnist_lab.ui import run_bar, run_table

MOST_NAMED = 4
HELP = {
    "Measured": "Finished and evaluated. Where the seed alone differs, each seed once, its newest run.",
    "Mean test accuracy": "Of the measured runs. ⚠️: the test images also chose the epochs; flattered.",
    "Standard deviation": "Of their test accuracies, in points of a per cent. What it covers stands under Differ in.",
    "Another seed, 95 %": "Where the accuracy of one more seed falls. From three seeds on, where nothing else differs.",
    "Differ in": "The settings that are not the same in all runs of the group.",
}


def group_frame(groups: Sequence[RunGroup], fields: Sequence[str]) -> pd.DataFrame:
    """The groups as a frame, one row a group, what is unknown missing or empty."""
    names = {label(field): [_value(group, field, number) for group in groups] for number, field in enumerate(fields)}
    marks = ["⚠️ " if group.test_is_validation else "" for group in groups]
    return pd.DataFrame(
        {
            **names,
            "Runs": pd.Series([len(group.runs) for group in groups], dtype="Int64"),
            "Measured": pd.Series([len(group.accuracies) for group in groups], dtype="Int64"),
            "Mean test accuracy": [_percent(mark, each.mean) for mark, each in zip(marks, groups, strict=True)],
            "Standard deviation": ["" if each.spread is None else f"{100 * each.spread:.3f}" for each in groups],
            "Another seed, 95 %": [_interval(each) for each in groups],
            "Best": [_percent(mark, each.best) for mark, each in zip(marks, groups, strict=True)],
            "Differ in": [_differ(each) for each in groups],
            "Of data": [each.dataset or "" for each in groups],
            "On split": [mark + each.split for mark, each in zip(marks, groups, strict=True)],
        }
    )


def _value(group: RunGroup, field: str, number: int) -> str:
    if field == SAME_BUT_SEED:
        return re.sub(r"[,;]?\s*seed \d+$", "", (group.measured or group.runs)[0].name)
    return words(group.values[number])


def _percent(mark: str, share: float | None) -> str:
    return "" if share is None else f"{mark}{100 * share:.2f} %"


def _interval(group: RunGroup) -> str:
    return "" if (ends := group.interval) is None else f"{100 * ends[0]:.2f} – {100 * ends[1]:.2f}"


def _differ(group: RunGroup) -> str:
    more = len(group.differ) - MOST_NAMED
    return ", ".join(group.differ[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def table(runs: Sequence[Run], query: RunQuery, values: SettingsOf, every: Sequence[Run]) -> list[Run]:
    """Draws the table of groups; returns the selected runs, see `run_table.table`.

    A group is ticked where all its runs are selected. Runs of a group that were selected one by one stay so.
    """
    found = in_group_order(grouped(runs, query.group, values), query.group_sort, descending=query.group_descending)
    groups = run_table.part(found, "group-part", query)
    selected = set(run_table.selection())
    whole = [row for row, group in enumerate(groups) if all(run.id in selected for run in group.runs)]
    ids = tuple(tuple(run.id for run in group.runs) for group in groups)
    key = f"group-table.{hash((ids, query.group, query.group_sort, query.group_descending, run_table.revision()))}"
    frame_ = group_frame(groups, query.group)
    event: Any = st.dataframe(
        frame_,
        hide_index=True,
        width="stretch",
        key=key,
        on_select=lambda: _sort_by_click(key, query),
        selection_mode=["multi-row", "single-column"],
        selection_default={"selection": {"rows": whole, "columns": [], "cells": []}},
        column_config={name: _config(name, query) for name in frame_.columns},
        placeholder="",
    )
    ticked = {run.id for row in event.selection.rows if row < len(groups) for run in groups[row].runs}
    partly = selected - {run.id for row in whole for run in groups[row].runs}
    chosen = [run for group in groups for run in group.runs if run.id in ticked or run.id in partly]
    here = [run for group in groups for run in group.runs]
    return run_table.keep_selection([*chosen, *run_table.hidden(here, runs, every)])


def _config(name: str, query: RunQuery) -> Any:
    arrow = (" ↓" if query.group_descending else " ↑") if name == query.group_sort else ""
    is_figure = name in ("Mean test accuracy", "Standard deviation", "Best")
    return st.column_config.Column(name + arrow, help=HELP.get(name), alignment="right" if is_figure else None)


def _sort_by_click(key: str, query: RunQuery) -> None:
    clicked = st.session_state[key]["selection"]["columns"]
    if not clicked:
        return
    name = clicked[0] if clicked[0] in FIGURES else BY_VALUES if clicked[0] in map(label, query.group) else None
    if name is not None:
        descending = not query.group_descending if name == query.group_sort else name != BY_VALUES
        run_bar.keep(replace(query, group_sort=name, group_descending=descending))

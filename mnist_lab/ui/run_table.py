"""The table of the runs, what it selects, and deletion."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

import pandas as pd
import streamlit as st

from mnist_lab import formatting
from mnist_lab.run_fields import BEST, FIGURES, USUAL, SettingsOf, label, words
from mnist_lab.run_query import RunQuery
from mnist_lab.store import Run, RunStore, Shelf
from mnist_lab.ui import frame, run_bar, state
from mnist_lab.ui.frame import attempt

T = TypeVar("T")
NUMBER = FIGURES["epochs_run"]
FORMATS = {"images_per_second": "%.0f", "seconds": "%.1f", "prediction_seconds": "%.1f", "parameters": "localized",
           "trainable_parameters": "localized", "multiply_adds": "localized"}  # fmt: skip
# More rows than this at once would take a browser and its line too long.
MOST_ROWS = 2_000
WIDTHS: dict[str, Any] = {"starred": 30, "name": "medium", "notes": "medium"}
# What one sees largest first at the first click on its column.
FALLING = ("test_accuracy", "interval", "validation_accuracy", "best.val_accuracy", "best.accuracy", "created",
           "starred")  # fmt: skip


# The frame ------------------------------------------------------------------------------------------------------------


def run_frame(runs: Sequence[Run], columns: Sequence[str] = USUAL, values: SettingsOf | None = None) -> pd.DataFrame:
    """The table as a frame, one row a run, unknown figures missing, accuracies from 0 to 1.

    Args:
        runs: The rows.
        columns: Flat names of figures and settings.
        values: What looks up settings.
    """
    values = SettingsOf() if values is None else values
    return pd.DataFrame({label(name): _column(runs, name, values) for name in columns})


def _column(runs: Sequence[Run], name: str, values: SettingsOf) -> Any:
    if name == "interval":
        return [_interval(run) for run in runs]
    if name == "split":
        return [_mark(run) + run.split for run in runs]
    if name == "created":
        return [datetime.fromtimestamp(run.created) for run in runs]
    if name in BEST:
        return [_best(run, name, values) for run in runs]
    found = [values.value(run, name) for run in runs]
    if name == "starred":
        return ["★" if each else "" for each in found]
    if name in FIGURES:
        is_number = FIGURES[name].kind in ("number", "share")
    else:
        is_number = all(each is None or type(each) in (int, float) for each in found)
    if not is_number:
        return ["" if each is None or each == () else words(each) for each in found]
    if all(each is None or type(each) is int for each in found) and FIGURES.get(name, NUMBER).kind == "number":
        return pd.Series(found, dtype="Int64")
    return pd.Series(found, dtype=float)


def _interval(run: Run) -> str:
    interval = run.test_accuracy_interval
    return f"{100 * interval[0]:.2f} – {100 * interval[1]:.2f}" if interval else ""


def accuracy_words(run: Run) -> str:
    """A run's test accuracy, marked where it is flattered: ``"⚠️ 99.31 %"``; empty where it is unknown."""
    return "" if run.test_accuracy is None else _mark(run) + formatting.percent(run.test_accuracy)


def _mark(run: Run) -> str:
    return "⚠️ " if run.test_is_validation else ""


def _best(run: Run, name: str, values: SettingsOf) -> str:
    metric = name.removeprefix("best.")
    value, epoch = values.best.get(run.id, {}).get(metric, (None, 0))
    if value is None:
        return ""
    mark = _mark(run) if metric.startswith("val") else ""
    return mark + f"{formatting.percent(value) if 'accuracy' in metric else f'{value:.4f}'} (epoch {epoch})"


def _shown(runs: Sequence[Run], columns: Sequence[str], values: SettingsOf) -> pd.DataFrame:
    """The frame with accuracies as percentages, marked where they are flattered; the last one is kept."""
    kept = st.session_state.get("kept.run-frame")
    if kept and kept[1] == columns and len(kept[0]) == len(runs) and all(map(operator.is_, kept[0], runs)):
        found: pd.DataFrame = kept[2]
        return found
    found = run_frame(runs, columns, values)
    for name in columns:
        if name in FIGURES and FIGURES[name].kind == "share" and name not in BEST:
            percents = (100 * found[label(name)]).map("{:.2f} %".format, na_action="ignore")
            marks = [_mark(run) for run in runs]
            found[label(name)] = [mark + each if isinstance(each, str) else None
                                  for mark, each in zip(marks, percents, strict=True)]  # fmt: skip
    st.session_state["kept.run-frame"] = list(runs), columns, found
    return found


# Selection ------------------------------------------------------------------------------------------------------------


def table(listed: Sequence[Run], query: RunQuery, values: SettingsOf, every: Sequence[Run]) -> list[Run]:
    """Draws the table, of very many runs a part of it; returns the selected runs: those of the table in its order, then
    those that it does not show.

    A run that a search or a filter hides stays selected, and `selection_words` says so.

    Args:
        listed: The rows.
        query: Which columns, and by which it is sorted; a click on a column's name changes that.
        values: What looks up settings.
        every: All runs there are.
    """
    columns = query.columns or USUAL
    selected = set(selection())
    runs = part(listed, "run-part", query)
    if any(name in BEST for name in columns):
        run_bar.know_best(frame.store(), runs)
    # Streamlit keeps a selection by its row numbers: when runs come or go, other runs would be selected, and deleted.
    # So other rows make another table, in which what was selected is selected from the start.
    shape = tuple(run.id for run in runs), columns, query.sort, query.descending, revision()
    key = f"run-table.{hash(shape)}"
    event: Any = st.dataframe(
        _shown(runs, columns, values),
        hide_index=True,
        width="stretch",
        key=key,
        # A click on a column's name selects it. Streamlit's own sorting would put missing values first.
        on_select=lambda: _sort_by_click(key, columns, query),
        selection_mode=["multi-row", "single-column"],
        selection_default={"selection": {
            "rows": [row for row, run in enumerate(runs) if run.id in selected], "columns": [], "cells": [],
        }},
        column_config={label(name): _config(name, query) for name in columns},
        placeholder="",
    )  # fmt: skip
    ticked = [runs[row] for row in event.selection.rows if row < len(runs)]
    return keep_selection([*ticked, *hidden(runs, listed, every)])


def part(listed: Sequence[T], key: str, query: RunQuery) -> Sequence[T]:
    """What a table shows of very many rows, and above it which part that is; the first after each other query.

    Args:
        listed: All rows, in their order.
        key: Of the widget.
        query: What was asked for.
    """
    if len(listed) <= MOST_ROWS:
        return listed[:]
    parts = -(-len(listed) // MOST_ROWS)
    asked = replace(query, columns=(), editing=False)
    if state.get(f"{key}-of", None) != asked:
        state.put(f"{key}-of", asked)
        st.session_state[key] = 1
    st.session_state[key] = min(st.session_state.get(key, 1), parts)
    with st.container(horizontal=True, vertical_alignment="center", key=f"{key}-bar"):
        number = st.number_input("Part", 1, parts, key=key, width=140, label_visibility="collapsed")
        first = (number - 1) * MOST_ROWS
        shown = listed[first : first + MOST_ROWS]
        st.caption(f"Part {number:,} of {parts:,}: rows {first + 1:,} to {first + len(shown):,} of {len(listed):,}.")
    return shown


def _config(name: str, query: RunQuery) -> Any:
    arrow = (" ↓" if query.descending else " ↑") if name == query.sort else ""
    shown, figure = label(name) + arrow, FIGURES.get(name)
    help_ = figure.help if figure and figure.help else None
    if name == "created":
        return st.column_config.DatetimeColumn(shown, format="YYYY-MM-DD HH:mm")
    if name in FORMATS:
        return st.column_config.NumberColumn(shown, format=FORMATS[name], help=help_)
    if figure and (figure.kind == "share" or name in BEST):
        return st.column_config.TextColumn(shown, alignment="right", help=help_)
    return st.column_config.Column(shown, width=WIDTHS.get(name), help=help_, pinned=name == "name")


def _sort_by_click(key: str, columns: Sequence[str], query: RunQuery) -> None:
    clicked = st.session_state[key]["selection"]["columns"]
    name = next((each for each in columns if [label(each)] == clicked), None)
    if name is not None:
        descending = not query.descending if name == query.sort else name in FALLING
        run_bar.keep(replace(query, sort=name, descending=descending))


def selection() -> tuple[str, ...]:
    """The ids of the selected runs. Any part of the program may set them, also while the table is open."""
    return tuple(state.get("selected-runs", ()))


def keep_selection(runs: Sequence[Run]) -> list[Run]:
    """Keeps what a table selects."""
    ids = tuple(run.id for run in runs)
    state.put("selected-runs", ids)
    state.put("table-selected-runs", ids)
    return list(runs)


def revision() -> int:
    """Changes whenever somebody else than the table changed the selection: then the table is made anew."""
    number: int = state.get("table-revision", 0)
    if state.get("table-selected-runs", ()) != selection():
        number += 1
        state.put("table-revision", number)
        state.put("table-selected-runs", selection())
    return number


def hidden(shown: Sequence[Run], listed: Sequence[Run], every: Sequence[Run]) -> list[Run]:
    """The selected runs that are there but not shown: first those of other parts of the list, then the others.

    Args:
        shown: The rows of the table.
        listed: Those of all its parts.
        every: All runs there are.
    """
    selected = set(selection()) - {run.id for run in shown}
    if not selected:
        return []
    if isinstance(every, Shelf) and len(selected) <= MOST_ROWS:
        return every.store.those([*selected])
    of_list = [run for run in listed if run.id in selected] if len(listed) > len(shown) else []
    selected -= {run.id for run in of_list}
    return [*of_list, *(run for run in every if run.id in selected)] if selected else of_list


# Deletion -------------------------------------------------------------------------------------------------------------


def select(run_ids: Iterable[str]) -> None:
    """Selects runs from elsewhere, as by a click in a figure; the table shows it when it is drawn next."""
    state.put("selected-runs", tuple(run_ids))


def delete_button(store: RunStore, runs: list[Run]) -> None:
    """Deletes the selected runs, after a question."""
    what = f"{len(runs):,} run{'s' * (len(runs) > 1)}"

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
        st.markdown(f"Deleted {len(deleted):,} run{'s' * (len(deleted) > 1)}.", width="content")
        st.button("Undo", on_click=attempt, args=(undo,), key="undelete")

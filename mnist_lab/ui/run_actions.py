"""What is done with runs in their table: with all that are selected, or with one, in its own row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from mnist_lab.errors import LabError
from mnist_lab.run_fields import SettingsOf
from mnist_lab.run_query import RunQuery, looks_sentence
from mnist_lab.store import Run, RunStore
from mnist_lab.store.edits import MAX_NAME, MAX_NOTES
from mnist_lab.ui import group_table, run_table, state
from mnist_lab.ui.frame import attempt

# An editor sends and keeps more for each row than a table does.
MOST_EDITED = 500
EDITED = {"Name": "name", "★": "starred", "Tags": "tags", "Notes": "notes"}


def rows(store: RunStore, listed: list[Run], query: RunQuery, values: SettingsOf, every: Sequence[Run]) -> list[Run]:
    """Draws the listed runs as a table, as groups or as fields to edit, and under them what can be done with them.

    Args:
        store: The run store.
        listed: The runs that the query lists, in its order.
        query: How they are shown.
        values: What looks up settings.
        every: All runs there are.

    Returns:
        The selected runs, see `run_table.table`.
    """
    if query.group:
        chosen = group_table.table(listed, query, values, every)
    elif query.editing:
        chosen = editor(store, listed, every)
    else:
        chosen = run_table.table(listed, query, values, every)
    st.caption(f"{len(listed):,} of {len(every):,} runs. {looks_sentence(listed)}")
    bar(store, chosen, listed)
    return chosen


# All that are selected ------------------------------------------------------------------------------------------------


def bar(store: RunStore, chosen: list[Run], listed: Sequence[Run]) -> None:
    """What can be done with the selected runs, and how many of them are not listed."""
    ids = [run.id for run in chosen]
    unseen = len(set(ids) - {run.id for run in listed})
    with st.container(horizontal=True, vertical_alignment="center", key="run-actions"):
        if chosen:
            words = f"**{len(chosen):,} selected**" + f", {unseen:,} of them not listed" * bool(unseen)
            st.markdown(words, width="content")
            _button("Star", "star", "star-all", store.star_all, ids, True)
            _button("Unstar", "star_border", "unstar-all", store.star_all, ids, False)
            _tags(store, chosen)
            run_table.delete_button(store, chosen)
        if len(chosen) - unseen < len(listed):
            st.button(f"Select all {len(listed):,} listed", key="select-all", type="tertiary",
                      on_click=_select, args=([*ids, *(run.id for run in listed)],))  # fmt: skip
        if unseen:
            st.button("Keep only those listed", key="select-listed", type="tertiary",
                      on_click=_select, args=([run.id for run in listed if run.id in set(ids)],))  # fmt: skip
        if chosen:
            st.button("Select none", key="select-none", type="tertiary", on_click=_select, args=([],))


def _select(ids: Sequence[str]) -> None:
    state.put("selected-runs", tuple(dict.fromkeys(ids)))


def _button(words: str, icon: str, key: str, action: Any, *arguments: Any) -> None:
    st.button(words, icon=f":material/{icon}:", key=key, on_click=attempt, args=(action, *arguments))


def _tags(store: RunStore, chosen: list[Run]) -> None:
    ids, present = [run.id for run in chosen], sorted({tag for run in chosen for tag in run.tags or ()})

    def add() -> None:
        if typed := st.session_state["tags-add"]:
            attempt(store.tag_all, ids, add=[typed])
            st.session_state["tags-add"] = ""

    def remove() -> None:
        attempt(store.tag_all, ids, remove=st.session_state["tags-remove"])
        st.session_state["tags-remove"] = []

    with st.popover("Tags …", icon=":material/label:", key="run-tags"):
        st.text_input("Add tags", key="tags-add", placeholder="Commas part them", on_change=add)
        if present:
            st.multiselect("Remove tags", present, key="tags-remove", placeholder="One or several")
            st.button("Remove", key="tags-remove-now", on_click=remove)


# One, in its own row --------------------------------------------------------------------------------------------------


def editor(store: RunStore, runs: list[Run], every: Sequence[Run]) -> list[Run]:
    """The rows as fields: star, name, tags, notes and selection are changed where they stand.

    Returns:
        The selected runs, see `run_table.table`.
    """
    shown = runs[:MOST_EDITED]
    selected = set(run_table.selection())
    fields = pd.DataFrame(
        {
            "Selected": [run.id in selected for run in shown],
            "★": [run.starred for run in shown],
            "Name": [run.name for run in shown],
            "Tags": [list(run.tags or ()) for run in shown],
            "Notes": [run.notes or "" for run in shown],
            "Status": [run.status for run in shown],
            "Test accuracy": [run_table.accuracy_words(run) for run in shown],
            "Id": [run.id[:8] for run in shown],
        }
    )
    key = f"run-editor.{hash((tuple(run.id for run in shown), state.get('editor-revision', 0)))}"
    st.data_editor(
        fields,
        hide_index=True,
        width="stretch",
        key=key,
        disabled=["Status", "Test accuracy", "Id"],
        on_change=lambda: _edited(store, key, shown),
        column_config={
            "Selected": st.column_config.CheckboxColumn("✓", width=60, help="Selected"),
            "★": st.column_config.CheckboxColumn(width=60),
            "Name": st.column_config.TextColumn(width="medium", required=True, max_chars=MAX_NAME, pinned=True),
            "Tags": st.column_config.ListColumn(width="medium"),
            "Notes": st.column_config.TextColumn(width="large", max_chars=MAX_NOTES),
            "Test accuracy": st.column_config.TextColumn(alignment="right"),
        },
    )
    if len(runs) > len(shown):
        st.caption(f"The first {len(shown):,} of {len(runs):,} runs: search or filter for the others.")
    chosen = [run for run in runs if run.id in set(run_table.selection())]
    return run_table.keep_selection([*chosen, *run_table.hidden(runs, every)])


def _edited(store: RunStore, key: str, shown: Sequence[Run]) -> None:
    """Writes what was changed in the editor; of what it tells again and again, only what is new."""
    done: dict[tuple[int, str], Any] = state.get(key, {})
    for row, changes in st.session_state[key]["edited_rows"].items():
        for column, value in changes.items():
            if (row, column) in done and done[row, column] == value:
                continue
            done[row, column] = value
            _write(store, shown[int(row)], column, value)
    state.put(key, done)


def _write(store: RunStore, run: Run, column: str, value: Any) -> None:
    if column == "Selected":
        others = [each for each in run_table.selection() if each != run.id]
        _select([*others, run.id] if value else others)
        return
    try:
        changed: dict[str, Any] = {EDITED[column]: "" if value is None else value}
        store.edit(run.id, **changed)
    except LabError as error:
        state.put("failure", str(error))
        # The editor is made anew from what is, not from what was typed.
        state.put("editor-revision", state.get("editor-revision", 0) + 1)

"""What is done with runs in their table: with all that are selected, or with one, in its own row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import streamlit as st

from mnist_lab.run_fields import MARK, SettingsOf
from mnist_lab.run_query import RunQuery, looks_sentence, looks_words
from mnist_lab.store import Run, RunStore, Shelf
from mnist_lab.store.edits import MAX_NAME, MAX_NOTES
from mnist_lab.ui import group_table, run_table, state
from mnist_lab.ui.frame import attempt

# An editor sends and keeps more for each row than a table does.
MOST_EDITED = 500
EDITED = {"✓": "", "★": "starred", "Name": "name", "Tags": "tags", "Notes": "notes"}
_NOTHING = object()


def rows(
    store: RunStore, listed: Sequence[Run], query: RunQuery, values: SettingsOf, every: Sequence[Run]
) -> list[Run]:
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
    looks = looks_words(store.looks()) if isinstance(listed, Shelf) else looks_sentence(listed)
    st.caption(f"{len(listed):,} of {len(every):,} runs. {looks}")
    bar(store, chosen, listed)
    return chosen


# All that are selected ------------------------------------------------------------------------------------------------


def bar(store: RunStore, chosen: list[Run], listed: Sequence[Run]) -> None:
    """What can be done with the selected runs, and how many of them are not listed."""
    ids = [run.id for run in chosen]
    # All that there are stand on a shelf.
    unseen = 0 if isinstance(listed, Shelf) or not ids else len(set(ids) - {run.id for run in listed})
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
                      on_click=_select_also, args=(ids, listed))  # fmt: skip
        if unseen:
            st.button("Keep only those listed", key="select-listed", type="tertiary",
                      on_click=_select, args=([run.id for run in listed if run.id in set(ids)],))  # fmt: skip
        if chosen:
            st.button("Select none", key="select-none", type="tertiary", on_click=_select, args=([],))


def _select_also(ids: Sequence[str], listed: Sequence[Run]) -> None:
    _select([*ids, *(run.id for run in listed)])


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


@dataclass
class _Editor:
    """What the editor was made of, and what was changed in it since.

    While it shows what the store has, it stays as it is: made anew, it would lose its place and what is being typed.

    Attributes:
        ids: The runs, a row each.
        fields: What they were when it was made, a row each, in the order of `EDITED`.
        figures: What cannot be changed.
        number: Tells it from the one before.
        done: By row and column, what was typed and written to the store.
    """

    ids: tuple[str, ...]
    fields: list[list[Any]]
    figures: dict[str, list[str]]
    number: int = 0
    done: dict[tuple[int, str], Any] = field(default_factory=dict)

    @property
    def now(self) -> list[list[Any]]:
        """What it shows: what it was made of, and over that what was typed."""
        shown = [list(row) for row in self.fields]
        for (row, column), value in self.done.items():
            shown[row][list(EDITED).index(column)] = value
        return shown


def editor(store: RunStore, runs: Sequence[Run], every: Sequence[Run]) -> list[Run]:
    """The rows as fields: selection, star, name, tags and notes are changed where they stand.

    Returns:
        The selected runs, see `run_table.table`.
    """
    shown = runs[:MOST_EDITED]
    selected = set(run_table.selection())
    fields = [[run.id in selected, run.starred, run.name, list(run.tags or ()), run.notes or ""] for run in shown]
    ids = tuple(run.id for run in shown)
    kept: _Editor | None = state.get("run-editor", None)
    if kept is None or kept.ids != ids or kept.now != fields:
        figures = {
            "Status": [run.status for run in shown],
            "Test accuracy": [run_table.accuracy_words(run) for run in shown],
            "Id": [run.id[:8] for run in shown],
        }
        kept = _Editor(ids, fields, figures, 1 + (kept.number if kept else 0))
        state.put("run-editor", kept)
    made = {name: [row[place] for row in kept.fields] for place, name in enumerate(EDITED)} | kept.figures
    key = f"run-editor.{kept.number}"
    st.data_editor(
        pd.DataFrame(made),
        hide_index=True,
        width="stretch",
        key=key,
        disabled=list(kept.figures),
        on_change=_edited,
        args=(store, key, kept),
        column_config={
            "✓": st.column_config.CheckboxColumn(width=60, help="Selected"),
            "★": st.column_config.CheckboxColumn(width=60),
            "Name": st.column_config.TextColumn(width="medium", required=True, max_chars=MAX_NAME, pinned=True),
            "Tags": st.column_config.ListColumn(width="medium"),
            "Notes": st.column_config.TextColumn(width="large", max_chars=MAX_NOTES),
            "Test accuracy": st.column_config.TextColumn(alignment="right", help=MARK),
        },
    )
    if len(runs) > len(shown):
        st.caption(f"The first {len(shown):,} of {len(runs):,} runs: search or filter for the others.")
    chosen = [run for run in shown if run.id in selected]
    return run_table.keep_selection([*chosen, *run_table.hidden(shown, runs, every)])


def _edited(store: RunStore, key: str, made: _Editor) -> None:
    """Writes what was changed in the editor; of what it tells again and again, only what is new."""
    for row, changes in st.session_state[key]["edited_rows"].items():
        for column, value in changes.items():
            place = int(row), column
            # An emptied field is told as None.
            wanted = ([] if column == "Tags" else "") if value is None else value
            if column in EDITED and made.done.get(place, _NOTHING) != wanted:
                made.done[place] = wanted
                attempt(_write, store, made.ids[int(row)], column, wanted)


def _write(store: RunStore, run_id: str, column: str, value: Any) -> None:
    if column == "✓":
        others = [each for each in run_table.selection() if each != run_id]
        _select([*others, run_id] if value else others)
    else:
        changed: dict[str, Any] = {EDITED[column]: value}
        store.edit(run_id, **changed)

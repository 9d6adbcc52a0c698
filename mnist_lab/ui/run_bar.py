"""The bar above the table of runs: search, filters, groups, sorting, columns. It is kept for the session."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from mnist_lab import run_groups
from mnist_lab.run_fields import BEST, FIGURES, SAME_BUT_SEED, USUAL, Scalar, SettingsOf, label, words
from mnist_lab.run_query import Filter, RunQuery, can_be_filtered, can_be_grouped, choices, fields_of, is_range
from mnist_lab.store import Run, RunStore, Shelf
from mnist_lab.ui import frame, state

NOT_SET = "(not set)"


@st.cache_resource(show_spinner=False)
def settings_of() -> SettingsOf:
    """The settings of the runs, flattened once for all sessions."""
    return SettingsOf()


def kept() -> RunQuery:
    """What this session asked of the table last."""
    return state.get("run-query", RunQuery())


def keep(query: RunQuery) -> None:
    """Keeps what is asked of the table, for this session."""
    state.put("run-query", query)


def listed(store: RunStore, runs: Sequence[Run], query: RunQuery) -> tuple[Sequence[Run], SettingsOf]:
    """The runs that a query lists, and what looks up their values."""
    values = settings_of()
    if query.is_usual and isinstance(runs, Shelf):
        # Very many, of which the table shows a part: the database has them in this order.
        return runs, values
    if query.decides_by(BEST):
        know_best(store, runs)
        return query.listed(runs, values.value), values
    # Of very many runs where none changed, the list is the same object.
    asked = replace(query, columns=(), editing=False)
    every = runs.all() if isinstance(runs, Shelf) else runs
    before = st.session_state.get("kept.listed-runs")
    if before is None or before[0] is not every or before[1] != asked:
        before = st.session_state["kept.listed-runs"] = every, asked, query.listed(every, values.value)
    return before[2], values


def know_best(store: RunStore, runs: Sequence[Run]) -> None:
    """Has the best epochs of these runs read."""
    values = settings_of()
    values.best = {**values.best, **store.best_epochs(runs)}


def bar(runs: Sequence[Run]) -> RunQuery:
    """Draws the bar; returns what the table shall show.

    Args:
        runs: All there are.
    """
    query = kept()
    with st.container(horizontal=True, vertical_alignment="bottom", key="run-search-bar"):
        _widget(
            st.text_input, "Search", "run-search", query.search, lambda text: replace(kept(), search=text or ""),
            placeholder="Name, notes, tag, preset, status, id",
        )  # fmt: skip
        _sorting(query)
    with st.container(horizontal=True, vertical_alignment="center", key="run-bar"):
        for words_, icon, draw in (
            ("Filter", "filter_alt", _filters), ("Group", "workspaces", _groups), ("Columns", "view_column", _columns),
        ):  # fmt: skip
            # Its content is made only while it is open. The words stay as they are: with others it would close.
            with st.popover(
                words_, icon=f":material/{icon}:", key=f"run-{words_.lower()}", on_change="rerun"
            ) as opened:
                if opened.open:
                    draw(runs, query)
        if not query.group:
            _widget(
                st.toggle, "Edit in the table", "run-editing", query.editing,
                lambda flag: replace(kept(), editing=flag), help="Names, stars, tags and notes.",
            )  # fmt: skip
    if query.is_narrow or query.group:
        _chips(query)
    return query


def _sorting(query: RunQuery) -> None:
    if query.group:
        sort, descending = query.group_sort, query.group_descending
        options = [*run_groups.FIGURES, run_groups.BY_VALUES]
    else:
        sort, descending = query.sort, query.descending
        options = list(dict.fromkeys([*FIGURES, *query.columns, sort]))
    _widget(
        st.selectbox, "Sort by", "run-sort", sort, _sorted_by, options=options, format_func=label, width=180,
        help="Or click on a column's name. Any setting can be sorted by once it is a column. Runs without a value "
        "are last, whichever the direction.",
    )  # fmt: skip
    icon, words_ = ("downward", "Largest first") if descending else ("upward", "Smallest first")
    st.button("", icon=f":material/arrow_{icon}:", key="run-direction", help=f"{words_}; turn round", on_click=_turn)


def _widget(draw: Any, words_: str, key: str, value: Any, make: Callable[[Any], RunQuery], **more: Any) -> None:
    """A widget drawn from the query, a change of which makes another query."""

    def changed() -> None:
        keep(make(st.session_state[key]))

    st.session_state[key] = value
    draw(words_, key=key, on_change=changed, **more)


def _sorted_by(name: str) -> RunQuery:
    return replace(kept(), group_sort=name) if kept().group else replace(kept(), sort=name)


def _turn() -> None:
    query = kept()
    if query.group:
        keep(replace(query, group_descending=not query.group_descending))
    else:
        keep(replace(query, descending=not query.descending))


def _chips(query: RunQuery) -> None:
    parts = [f"search: {query.search}"] * bool(query.search.split())
    parts += [each.sentence for each in query.filters if not each.is_empty]
    parts += [f"grouped by {', '.join(map(label, query.group))}"] * bool(query.group)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(" · ".join(frame.escape(part) for part in parts), width="content")
        st.button("Show all runs", key="run-clear", type="tertiary", on_click=_clear)


def _clear() -> None:
    keep(replace(kept(), search="", filters=(), group=()))


# Filters --------------------------------------------------------------------------------------------------------------


def _filters(runs: Sequence[Run], query: RunQuery) -> None:
    values = settings_of()
    taken = {each.field for each in query.filters}
    fields = [name for name in fields_of(runs, values) if can_be_filtered(name) and name not in taken]
    for number, each in enumerate(query.filters):
        _filter(number, each, [values.value(run, each.field) for run in runs])

    def add() -> None:
        name = st.session_state["filter-add"]
        if name and all(each.field != name for each in kept().filters):
            keep(replace(kept(), filters=(*kept().filters, Filter(name))))

    st.session_state["filter-add"] = None
    st.selectbox("Add a filter", fields, format_func=label, key="filter-add", on_change=add,
                 placeholder="Any figure or setting")  # fmt: skip


def _filter(number: int, each: Filter, values: list[Any]) -> None:
    def change(**changes: Any) -> RunQuery:
        filters = list(kept().filters)
        filters[number] = replace(filters[number], **changes)
        return replace(kept(), filters=tuple(filters))

    def remove() -> None:
        keep(replace(kept(), filters=tuple(other for other in kept().filters if other.field != each.field)))

    key = f"filter-{each.field}"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{frame.escape(label(each.field))}**", width="stretch")
        _widget(st.toggle, "is not", f"{key}-not", each.is_not, lambda flag: change(is_not=flag))
        st.button("✕", key=f"{key}-remove", help="Remove this filter", on_click=remove)
    if is_range(each.field, values):
        _range(each, key, change)
        return
    counts = {NOT_SET if value is None else value: count for value, count in choices(values)}
    # What was chosen once stays to be seen, even if no run has it any more.
    chosen = [NOT_SET if value is None else value for value in each.values]
    options = [*counts, *(value for value in chosen if value not in counts)]

    def keep_values(picked: list[Scalar]) -> RunQuery:
        return change(values=tuple(None if value == NOT_SET else value for value in picked))

    _widget(
        st.multiselect, label(each.field), f"{key}-values", chosen, keep_values, options=options,
        format_func=lambda value: f"{words(value)} ({counts.get(value, 0):,})", label_visibility="collapsed",
        placeholder="One or several values",
    )  # fmt: skip


def _range(each: Filter, key: str, change: Callable[..., RunQuery]) -> None:
    is_share = each.field in FIGURES and FIGURES[each.field].kind == "share"
    factor, unit = (100.0, " (%)") if is_share else (1.0, "")
    for column, name, words_ in zip(st.columns(2), ("low", "high"), ("At least", "At most"), strict=True):
        end: float | None = getattr(each, name)

        def moved(value: float | None, name: str = name) -> RunQuery:
            return change(**{name: None if value is None else value / factor})

        with column:
            _widget(
                st.number_input, words_ + unit, f"{key}-{name}", None if end is None else round(end * factor, 10),
                moved, format="%.10g", placeholder="any",
            )  # fmt: skip


# Groups and columns ---------------------------------------------------------------------------------------------------


def _groups(runs: Sequence[Run], query: RunQuery) -> None:
    options = [SAME_BUT_SEED, *(name for name in fields_of(runs, settings_of()) if can_be_grouped(name))]
    _widget(
        st.multiselect, "Put runs together that have the same …", "group-fields", list(query.group),
        lambda names: replace(kept(), group=tuple(names)), options=options, format_func=label,
        placeholder="One or several settings",
    )  # fmt: skip
    st.caption("Runs on other data or another split stand apart: their accuracies are not averaged together.")


def _columns(runs: Sequence[Run], query: RunQuery) -> None:
    options = fields_of(runs, settings_of())
    shown = list(query.columns or USUAL)
    options += [name for name in shown if name not in options]
    _widget(
        st.multiselect, "Columns, in this order", "column-fields", shown,
        lambda names: replace(kept(), columns=() if tuple(names) == USUAL else tuple(names)),
        options=options, format_func=label,
    )  # fmt: skip
    st.button("The usual columns", key="columns-usual", on_click=lambda: keep(replace(kept(), columns=())))

"""The parts of the Runs page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from mnist_lab import formatting
from mnist_lab.errors import LabError
from mnist_lab.figures.curves import compare_curves
from mnist_lab.shapes import title
from mnist_lab.store import Run, RunStore
from mnist_lab.store.artefacts import LOG, MODEL
from mnist_lab.ui import frame, state
from mnist_lab.ui.live import epochs_frame
from mnist_lab.ui.plot import plot
from mnist_lab.ui.state import workbench

METRICS = {
    "val_accuracy": "Validation accuracy",
    "val_loss": "Validation loss",
    "accuracy": "Training accuracy",
    "loss": "Training loss",
}


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
        key=f"run-table.{hash(tuple(run.id for run in runs))}",
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


def details(store: RunStore, run: Run) -> None:
    """One run: its names to edit, its network to load, its files to take away."""
    with st.container(border=True, key="details"):
        st.subheader(frame.escape(run.name))
        facts = [run.status, run.device, run.preset and f"preset {run.preset}", f"{run.parameters:,} parameters"]
        st.caption(" · ".join(fact for fact in facts if fact))
        if run.reason:
            st.info(frame.escape(run.reason.splitlines()[0]))
        _edit(store, run)
        with st.container(horizontal=True):
            _load_button(run)
            if run.can_go_on:
                st.button("Go on from the last epoch", on_click=_attempt, args=(_requeue, run.id), key="requeue")
            if store.artefacts.has(run.id, MODEL):
                st.button("Ask it on the Draw page", on_click=state.put, args=("asked", run.id), key="ask")
                _download(run)
        if run.status == "failed" and (tail := store.artefacts.log_tail(run.id, 30)):
            with st.expander(f"The end of its {LOG}"):
                st.code(tail, language=None)


def _edit(store: RunStore, run: Run) -> None:
    def save() -> None:
        name, notes = st.session_state[f"name-{run.id}"], st.session_state[f"notes-{run.id}"]
        _attempt(store.edit, run.id, name=name, notes=notes)

    name, notes, star = st.columns([2, 3, 1], vertical_alignment="bottom")
    name.text_input("Name", run.name, 200, key=f"name-{run.id}", on_change=save)
    notes.text_input("Notes", run.notes, 2000, key=f"notes-{run.id}", on_change=save)
    label = "★ Starred" if run.starred else "☆ Star"
    star.button(label, key=f"star-{run.id}", on_click=_attempt, args=(store.edit, run.id),
                kwargs={"starred": not run.starred})  # fmt: skip
    if failure := state.get("failure", ""):
        st.error(failure)
        state.put("failure", "")


def _attempt(action: Callable[..., Any], *arguments: Any, **more: Any) -> None:
    """Does what a widget asks for; if it fails, the page says why when it is drawn next."""
    try:
        action(*arguments, **more)
    except LabError as error:
        state.put("failure", str(error))


def _requeue(run_id: str) -> None:
    frame.services().resume(run_id)
    state.put("watched", run_id)


def _load_button(run: Run) -> None:
    def load() -> None:
        workbench().load(run.network(), run.config())

    st.button("Load into the Lab", on_click=load, key="load", help="Its network and its training settings.")


def _download(run: Run) -> None:
    def model() -> bytes:
        data: bytes = frame.services().inference.ask("export", 60.0, run_id=run.id)
        return data

    name = "".join(ch if ch.isalnum() else "-" for ch in run.name).strip("-")[:60] or "model"
    st.download_button(
        "Download .keras",
        model,
        f"{name}-{run.id[:6]}.keras",
        "application/octet-stream",
        on_click="ignore",
        key="download",
        help="The trained network, as Keras loads it.",
    )


def curves(store: RunStore, runs: list[Run]) -> None:
    """The curves of several runs in one chart, each in its own colour."""
    st.subheader("Curves")
    metric = st.segmented_control("Figure", list(METRICS), default="val_accuracy", format_func=METRICS.__getitem__,
                                  key="curve-metric")  # fmt: skip
    manager = frame.services()
    histories = {run.id: epochs_frame(manager, run.id) for run in runs}
    names = {run.id: run.name for run in runs}
    figure = compare_curves(histories, names, metric or "val_accuracy", [run.id for run in runs])
    plot(figure, "compare-curves", label="Curves of the selected runs")


def settings_side_by_side(runs: list[Run]) -> None:
    """What was set, one column a run."""
    if len(runs) < 2:
        st.subheader("Settings")
    else:
        st.subheader("Settings side by side")
    frames = {f"{run.name} ({run.id[:6]})": _flat(run) for run in runs}
    side = pd.DataFrame(frames).fillna("–")
    if len(runs) > 1 and st.toggle("Only what differs", True, key="only-differences"):
        side = side[side.nunique(axis=1) > 1]
    if side.empty:
        st.caption("They have the same settings.")
    else:
        st.dataframe(side.rename_axis("Setting"), width="stretch", key="settings")


def _flat(run: Run) -> dict[str, str]:
    flat: dict[str, str] = {"status": run.status, "preset": run.preset or "–", "data": run.dataset or "–"}
    for number, layer in enumerate(run.network().layers):
        flat[f"layer {number + 1}"] = title(layer)
    flat["parameters"] = f"{run.parameters:,}"
    for key, value in run.training.items():
        if isinstance(value, dict):
            flat.update({f"{key} {name}" if name != "name" else key: _text(inner) for name, inner in value.items()})
        else:
            flat[key] = _text(value)
    flat["test accuracy"] = formatting.accuracy(run.test_accuracy, run.test_accuracy_interval)
    return flat


def _text(value: Any) -> str:
    return "–" if value is None else str(value)


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
            on_click=_attempt,
            args=(delete,),
            key="delete",
        )


def undo_bar(store: RunStore) -> None:
    """After a deletion: the way back. And what went wrong, if something did."""
    if failure := state.get("failure", ""):
        st.error(failure)
        state.put("failure", "")
    deleted: list[str] = state.get("deleted", [])
    if not deleted:
        return

    def undo() -> None:
        store.undelete(deleted)
        state.put("deleted", [])

    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"Deleted {len(deleted)} run{'s' * (len(deleted) > 1)}.", width="content")
        st.button("Undo", on_click=_attempt, args=(undo,), key="undelete")

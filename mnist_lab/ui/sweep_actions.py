"""What can be done with a sweep: stop it, let it go on, give it more time, take it away, delete it."""

from __future__ import annotations

import re
from typing import Any

import streamlit as st

from mnist_lab.run_query import Filter, RunQuery
from mnist_lab.store import SweepRecord
from mnist_lab.sweeps import files, search
from mnist_lab.ui import frame, run_bar, sweep_import, sweep_list
from mnist_lab.ui.sweep_views import Shown


def bar(shown: Shown) -> None:
    """Draws the buttons."""
    record = shown.record
    can_run = search.have_optuna()
    if not can_run and record.status != "finished":
        st.warning(frame.sentence(f"{search.MISSING} {search.INSTALL}"))
    with st.container(horizontal=True, vertical_alignment="center", key="sweep-actions"):
        if record.status == "running":
            help_ = "Its trainings are stopped too. It can go on later."
            _button("Stop", "stop", "sweep-stop", frame.services().stop_sweep, record.id,
                    disabled=record.command == "stop", help=help_)  # fmt: skip
        elif record.status in ("stopped", "failed"):
            _button("Resume", "play_arrow", "sweep-resume", frame.services().resume_sweep, record.id,
                    disabled=not can_run, type="primary")  # fmt: skip
        _extend(shown, can_run)
        if st.button("Show in Runs", icon=":material/table_chart:", key="sweep-runs",
                     help="The runs of all its trials, in the table of runs."):  # fmt: skip
            run_bar.keep(RunQuery(filters=(Filter("sweep", (record.id[:8],)),)))
            st.switch_page("pages/runs.py")
        if st.button("Edit in the Lab", icon=":material/network_node:", key="sweep-lab",
                     help="What it searches, to change it and start another one."):  # fmt: skip
            sweep_import.open_in_lab(shown.sweep)
        _take_away(shown)
        _delete(record)


def of_damaged(record: SweepRecord) -> None:
    """What can be done with one that cannot be read."""
    _delete(record)


def _button(words: str, icon: str, key: str, action: Any, *arguments: Any, **more: Any) -> None:
    st.button(words, icon=f":material/{icon}:", key=key, on_click=frame.attempt, args=(action, *arguments), **more)


def _extend(shown: Shown, can_run: bool) -> None:
    limits = shown.sweep.search
    with st.popover("Extend", icon=":material/more_time:", key="sweep-extend", disabled=not can_run):
        st.caption("It goes on if it has ended.")
        trials = st.number_input("More trials", 0, 100_000, 10, key="extend-trials")
        seconds = epochs = 0
        if limits.seconds is not None:
            minutes = st.number_input("More minutes", 0, 10**6, 10, key="extend-minutes")
            seconds = 60 * int(minutes)
        if limits.epochs is not None:
            epochs = int(st.number_input("More epochs", 0, 10**9, 100, key="extend-epochs"))
        st.button("Extend it", type="primary", key="extend-now", on_click=frame.attempt,
                  args=(frame.services().extend_sweep, shown.record.id),
                  kwargs={"trials": int(trials), "seconds": seconds, "epochs": epochs})  # fmt: skip


def _take_away(shown: Shown) -> None:
    st.download_button(
        "TOML",
        lambda: files.write_toml(shown.sweep),
        f"{exchange_name(shown.record.name)}.toml",
        "application/toml",
        icon=":material/download:",
        on_click="ignore",
        key="sweep-toml",
        help="What it searches, and how, as a file for `python -m mnist_lab sweep`, or to be brought in here.",
    )


def exchange_name(name: str) -> str:
    """A sweep's name as that of a file: nothing of it is a path."""
    return re.sub(r"[^\w-]+", "-", name).strip("-")[:60] or "sweep"


def _delete(record: SweepRecord) -> None:
    with st.popover("Delete …", key="sweep-delete", disabled=record.status == "running"):
        st.write("Delete this sweep? Its runs stay. You can undo this for a day.")
        st.button("Yes, delete it", type="primary", key="sweep-delete-now", on_click=sweep_list.delete,
                  args=(frame.store(), record.id))  # fmt: skip

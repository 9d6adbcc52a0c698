"""The menu under which a run is downloaded, in each of its forms."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from mnist_lab import exchange
from mnist_lab.exchange import Form, Source
from mnist_lab.store import FINAL, Run, RunStore
from mnist_lab.ui import frame

# Buttons; who takes away more does so on the command line.
MOST = 20


def menu(store: RunStore, run: Run) -> None:
    """One button for each form that the run has, the file with everything first; each is made when it is pressed."""
    if run.is_damaged:
        return
    source = Source(store, run, frame.services().inference.ask)
    with st.popover("Take it away", icon=":material/download:"):
        for form in exchange.FORMS.values():
            if (form.needs and not source.has(form.needs)) or (form.name == "zip" and run.status not in FINAL):
                continue
            _button(source, form)


def menu_of_several(store: RunStore, runs: Sequence[Run]) -> None:
    """One button for each run that is done: everything, as one .zip."""
    done = [run for run in runs if run.status in FINAL and not run.is_damaged]
    if not done:
        return
    with st.popover("Take them away", icon=":material/download:"):
        for run in done[:MOST]:
            source = Source(store, run, frame.services().inference.ask)
            _button(source, exchange.FORMS["zip"], f"{frame.escape(run.name)} ({run.id[:4]})", f"-{run.id}")
        if len(done) > MOST:
            st.caption(f"And {len(done) - MOST} more: python -m mnist_lab export RUN.")


def _button(source: Source, form: Form, title: str = "", key: str = "") -> None:
    st.download_button(
        title or form.title,
        lambda: form.make(source),
        exchange.file_name(source.run, form),
        form.mime,
        on_click="ignore",
        key=f"take-{form.name}{key}",
        help=form.help,
        type="primary" if form.name == "zip" else "secondary",
        width="stretch",
    )

"""The menu under which a run is downloaded, in each of its forms."""

from __future__ import annotations

import streamlit as st

from mnist_lab import exchange
from mnist_lab.exchange import Form, Source
from mnist_lab.store import FINAL, Run, RunStore
from mnist_lab.ui import frame


def menu(store: RunStore, run: Run) -> None:
    """One button for each form that the run has, the file with everything first; each is made when it is pressed."""
    source = Source(store, run, frame.services().inference.ask)
    with st.popover("Take it away", icon=":material/download:"):
        for form in exchange.FORMS.values():
            if (form.needs and not source.has(form.needs)) or (form.name == "zip" and run.status not in FINAL):
                continue
            _button(source, form)


def _button(source: Source, form: Form) -> None:
    st.download_button(
        form.title,
        lambda: form.make(source),
        exchange.file_name(source.run, form),
        form.mime,
        on_click="ignore",
        key=f"take-{form.name}",
        help=form.help,
        type="primary" if form.name == "zip" else "secondary",
        width="stretch",
    )

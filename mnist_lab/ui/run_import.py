"""Runs brought in from the files that the page, or `export`, wrote."""

from __future__ import annotations

import streamlit as st

from mnist_lab import exchange
from mnist_lab.errors import LabError
from mnist_lab.exchange import MAX_ARCHIVE
from mnist_lab.store import RunStore
from mnist_lab.ui import frame, people, state


def control(store: RunStore) -> None:
    """A fold with a place for files; what came of the last ones stands above it until it was read."""
    said: list[tuple[bool, str]] = state.get("brought-in", [])
    for is_good, words in said:
        (st.success if is_good else st.error)(words)
    if said:
        st.button("Close", on_click=state.put, args=("brought-in", []), key="brought-in-read")
    # Another key makes another, empty uploader: files that were brought in are not brought in again at the next click.
    number = state.get("brought-in-times", 0)
    with st.expander("Bring in runs that were exported", icon=":material/upload:"):
        files = st.file_uploader(
            "Exported runs (.zip)",
            "zip",
            accept_multiple_files=True,
            max_upload_size=MAX_ARCHIVE // 2**20,
            key=f"archives.{number}",
            help="As *Take it away* or `export` wrote them. They are checked, and nothing in them is run.",
        )
        if st.button("Bring in", type="primary", disabled=not files, key="bring-in"):
            with st.spinner("Checking ..."):
                said = [_brought(store, file.name, file.getvalue()) for file in files]
            state.put("brought-in", said)
            state.put("brought-in-times", number + 1)
            st.rerun()


def _brought(store: RunStore, name: str, content: bytes) -> tuple[bool, str]:
    """Brings in one file; says whether that went well, and what came of it."""
    try:
        brought = exchange.bring_in(store, content, frame.services().inference.ask, people.current())
    except LabError as error:
        return False, f"{frame.escape(name)}: {frame.sentence(error)}"
    run = f"**{frame.escape(brought.run.name)}** ({brought.run.id[:8]})"
    if not brought.is_new:
        return True, f"{run} is here already."
    return True, f"Brought in {run}. {frame.escape(brought.checked)}"

"""A sweep brought in from a TOML file that this page wrote, or a person did: opened in the Lab, and not started."""

from __future__ import annotations

import streamlit as st

from mnist_lab.errors import LabError, SweepError
from mnist_lab.sweeps import candidates, files
from mnist_lab.sweeps.sweep import Sweep
from mnist_lab.ui import frame, state
from mnist_lab.ui.state import workbench

MOST_MB = 1


def control() -> None:
    """A fold with a place for a file; what is wrong with it is said below."""
    with st.expander("Bring in a sweep from a file", icon=":material/upload:"):
        # Another key makes another, empty uploader: what was opened is not opened again at the next visit.
        number = state.get("sweep-files", 0)
        file = st.file_uploader(
            "A sweep (.toml)",
            "toml",
            max_upload_size=MOST_MB,
            key=f"sweep-file.{number}",
            help="It is checked and opened in the Lab, where you can change and start it.",
        )
        if file is None:
            return
        try:
            sweep = read(file.getvalue())
        except LabError as error:
            frame.show_error(error)
            return
        many = len(sweep.dimensions)
        st.markdown(f"**{frame.escape(sweep.name or 'A sweep')}** searches {many} field{'s' * (many != 1)}.")
        if st.button("Open in the Lab", type="primary", key="sweep-file-open"):
            state.put("sweep-files", number + 1)
            open_in_lab(sweep)


def read(content: bytes) -> Sweep:
    """A sweep from the content of a file that anybody may have made.

    Raises:
        SweepError: If it is none, or varies what there is not.
    """
    try:
        sweep = files.read_toml(content.decode())
    except UnicodeDecodeError as error:
        raise SweepError("The file is no text in UTF-8.", "Choose a TOML file.") from error
    candidates.check(sweep.architecture, sweep.training, sweep.dimensions)
    return sweep


def open_in_lab(sweep: Sweep) -> None:
    """Puts a sweep on the workbench, and goes there."""
    bench = workbench()
    bench.load(sweep.architecture, sweep.training)
    bench.searched.take_up(sweep)
    st.session_state["lab-tabs"] = "Search"
    st.switch_page("pages/lab.py")

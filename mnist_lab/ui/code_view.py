"""The network and its training as others can use them: a Keras script, and the file that the command line takes."""

from __future__ import annotations

import json

import streamlit as st

from mnist_lab.source import keras_script
from mnist_lab.ui.state import Workbench


def code(bench: Workbench) -> None:
    """Draws the script and the two downloads; the network must be possible."""
    name = bench.name or bench.architecture.summary
    script = keras_script(bench.architecture, bench.training, name)
    description = json.dumps(bench.architecture.to_dict(), indent=2)
    with st.container(horizontal=True):
        st.download_button("Keras script", script, "network.py", "text/x-python", on_click="ignore", key="script",
                           icon=":material/download:", help="Trains this network without this program.")  # fmt: skip
        st.download_button("Network as JSON", description, "network.json", "application/json", on_click="ignore",
                           key="json", icon=":material/download:",
                           help="For python -m mnist_lab train --architecture network.json")  # fmt: skip
    st.code(script, language="python")

"""Draw a digit: what the network sees, and what it says; then what it says of its test images."""

import streamlit as st

from mnist_lab.ui import frame
from mnist_lab.ui.drawing_board import drawing_board
from mnist_lab.ui.results import results
from mnist_lab.ui.run_picker import pick_run

frame.needs_app()
st.title("Draw a digit")
with st.sidebar:
    run = pick_run("Ask this network", "asked")
if run is None:
    st.info("No network has been trained yet. Go to the Lab, press Train, and come back to draw at it.")
    st.stop()
drawing_board(run)
st.divider()
with frame.errors_in_words():
    results(run)

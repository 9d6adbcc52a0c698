"""Explain: one image, and what goes on inside a network that looks at it."""

import streamlit as st

from mnist_lab.ui import explain_views, frame
from mnist_lab.ui.run_picker import pick_run
from mnist_lab.ui.subject import ASKED
from mnist_lab.ui.subject_bar import subject_bar

frame.needs_app()
st.title("Explain")
with st.sidebar:
    run = pick_run("Explain this network", ASKED)
if run is None:
    st.info("No network has been trained yet. Go to the Lab, press Train, and come back to look inside it.")
    st.stop()
subject = subject_bar(run)
explain_views.show(explain_views.Shown(frame.store(), run, subject))

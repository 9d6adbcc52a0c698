"""Searches over networks and trainings: how far each is, what it found, and what can be done with it."""

import streamlit as st

from mnist_lab.ui import frame, sweep_import, sweep_list, sweep_panel

frame.needs_app()
st.title("Sweeps")
store = frame.store()
sweeps = store.sweeps()
with st.container():
    sweep_list.undo_bar(store)
if not sweeps:
    st.info("No sweeps yet. In the Lab, the tab Search lets the computer try networks and trainings for you.")
    sweep_import.control()
    st.stop()
sweep_panel.panel(sweep_list.pick(store, sweeps).id)
sweep_import.control()

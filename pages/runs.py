"""Saved runs: their figures, curves and settings side by side; rename, star, delete, download."""

import streamlit as st

from mnist_lab.ui import frame, run_table
from mnist_lab.ui.versus import versus

frame.needs_app()
st.title("Runs")
store = frame.store()
runs = store.runs()
run_table.undo_bar(store)
if not runs:
    st.info("No runs yet. Train a network in the Lab, and it is kept here.")
    st.stop()
chosen = run_table.table(runs)
if not chosen:
    st.caption("Select one run for its details, or several to compare them.")
if len(chosen) == 1:
    run_table.details(store, chosen[0])
if chosen:
    run_table.curves(store, chosen)
    with frame.errors_in_words():
        versus(store, chosen)
    run_table.settings_side_by_side(chosen)
    run_table.delete_button(store, chosen)

"""Saved runs: find them, take up one, hold several against each other."""

import streamlit as st

from mnist_lab.ui import (
    frame,
    run_actions,
    run_bar,
    run_details,
    run_import,
    run_links,
    run_table,
    run_takeaway,
    run_views,
)

frame.needs_app()
st.title("Runs")
store = frame.store()
runs = store.shelf()
run_table.undo_bar(store)
run_links.note_gone(store)
run_links.take_up(store)
if not runs:
    st.info("No runs yet. Train a network in the Lab, and it is kept here.")
    run_import.control(store)
    st.stop()
query = run_bar.bar(runs)
listed, values = run_bar.listed(store, runs, query)
chosen = run_actions.rows(store, listed, query, values, runs)
with st.container(horizontal=True, key="run-ways"):
    run_links.link_bar(chosen)
    if len(chosen) > 1:
        run_takeaway.menu_of_several(store, chosen)
if not chosen:
    st.caption("Select one run for its details, or several to compare them.")
if len(chosen) == 1:
    run_details.details(store, chosen[0])
run_views.show(run_views.Shown(store, chosen, listed))
run_import.control(store)

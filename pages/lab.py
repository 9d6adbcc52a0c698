"""Assemble a network, see what it costs, train it, watch it learn."""

import streamlit as st

from mnist_lab.forecast import within_memory
from mnist_lab.shapes import analyse
from mnist_lab.ui import frame, link_bar, network_view, state
from mnist_lab.ui.code_view import code
from mnist_lab.ui.layer_editor import layer_editor
from mnist_lab.ui.live import live_panel
from mnist_lab.ui.search_form import search_form
from mnist_lab.ui.state import workbench
from mnist_lab.ui.training_form import training_form

frame.needs_app()
bench = workbench().drawn()
link_bar.take_up(bench)
with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.title("Lab", width="content")
    link_bar.link_bar(bench)
link_bar.said(bench)
if bench.searched.said:
    st.info(frame.escape(bench.searched.said), icon=":material/travel_explore:")
analysis = within_memory(analyse(bench.architecture), bench.training)
batch_size = bench.training.batch_size

with st.sidebar:
    st.subheader("Network")
    layer_editor(bench, analysis)

if analysis.problem is None:
    network_view.totals(analysis, batch_size)
else:
    st.error(analysis.problem, icon="⚠️")

busy = bool(frame.store().active() or frame.store().waiting())
# Where one begins; not the tabs' own default, which would take people there anew when a training begins or ends.
st.session_state.setdefault("lab-tabs", "Training" if busy else "Network")
network, training, search, source = st.tabs(
    ["Network", "Training", "Search", "Code"], key="lab-tabs", on_change="rerun"
)
# Only what can be seen is drawn: the form alone has a hundred widgets, which every edit of a layer would send anew.
if network.open:
    with network:
        network_view.picture(analysis)
        if analysis.rows:
            network_view.table(analysis, batch_size)
        else:
            st.info("Add a layer in the sidebar, or start from a preset.")
if training.open:
    with training:
        # Folded also when the training has ended: what it has reached stays where it was read.
        with st.expander("Settings", expanded=not busy and not state.get("watched", "")):
            training_form(bench, analysis)
        live_panel()
if search.open:
    with search:
        search_form(bench, analysis)
if source.open:
    with source:
        if analysis.problem is None:
            code(bench)
        else:
            st.info("The code of a network is written when the network is possible.")

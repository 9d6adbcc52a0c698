"""A page with live charts, for test_plot.py: a curve that grows, a heat map that tells of clicks."""

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from mnist_lab.architecture import Architecture
from mnist_lab.figures.network import network_diagram
from mnist_lab.layers import Conv2D, Dense, Flatten
from mnist_lab.shapes import analyse
from mnist_lab.ui.plot import plot

NETWORK = Architecture((Conv2D(32, (3, 3)), Flatten(), Dense(10, activation="softmax")))

st.set_page_config(page_title="Charts", layout="wide")


@st.fragment(run_every=0.5)
def live() -> None:
    """Adds two points a tick."""
    ticks = st.session_state["ticks"] = st.session_state.get("ticks", 0) + 1
    steps = np.arange(20 + 2 * ticks)
    figure = go.Figure()
    figure.add_scatter(x=steps, y=np.exp(-steps / 15), name="training loss", uid="train")
    figure.add_scatter(x=steps, y=np.exp(-steps / 20) + 0.05, name="validation loss", uid="validation")
    figure.update_layout(template="none", xaxis_title="Step", yaxis_title="Loss", margin={"t": 20})
    plot(figure, key="curve", height=320, label="Loss by step")
    st.text(f"ticks {ticks}")


def still() -> None:
    """A heat map; typed arrays as customdata."""
    counts = np.arange(100).reshape(10, 10)
    heat = go.Heatmap(z=counts, customdata=np.stack([counts, counts * 2], axis=-1), colorscale="Blues")
    figure = go.Figure(heat, {"template": "none", "xaxis": {"title": "Predicted"}, "yaxis": {"title": "True"}})
    clicked = plot(figure, key="heat", height=360, on_click=True)
    if clicked:
        st.session_state["last"] = clicked
        st.session_state["clicks"] = st.session_state.get("clicks", 0) + 1
    st.text(f"clicks {st.session_state.get('clicks', 0)} last {st.session_state.get('last')}")


def front() -> None:
    st.title("Charts")
    left, right = st.columns(2)
    with left:
        live()
    with right:
        still()
    with st.sidebar:
        st.button("A button", type="primary")
        st.number_input("Epochs", 1, 50, 12)
    wide = go.Figure(go.Scatter(x=[0, 1], y=[0, 1], uid="wide"), {"template": "none", "width": 700})
    plot(wide, key="wide", height=150)


def draw() -> None:
    st.title("Other page")
    still()
    diagram = network_diagram(analyse(NETWORK).rows)
    block = plot(diagram, key="network", on_click=True)
    if block:
        st.session_state["block"] = diagram.data[block["curve"]].meta
    st.text(f"block {st.session_state.get('block')}")


st.navigation(
    [st.Page(front, title="Front", default=True), st.Page(draw, title="Draw", url_path="draw")], position="top"
).run()

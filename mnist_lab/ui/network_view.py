"""The network under construction, seen through: totals, picture, table."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from mnist_lab import formatting
from mnist_lab.architecture import where
from mnist_lab.figures.network import network_diagram
from mnist_lab.shapes import FLOAT_BYTES, Analysis
from mnist_lab.ui.plot import plot


def totals(analysis: Analysis, batch_size: int) -> None:
    """The sums over the network."""
    figures = (
        ("Trainable parameters", formatting.exact(analysis.trainable), "Weights that training changes."),
        ("Non-trainable", formatting.exact(analysis.non_trainable), "Frozen weights and moving means."),
        ("Size of the weights", formatting.size(analysis.bytes), "As 32-bit floating point numbers."),
        ("Multiply-adds per image", formatting.count(analysis.multiply_adds), "Products added to sums, one way."),
        (
            f"Activations, batch of {batch_size}",
            formatting.size(FLOAT_BYTES * batch_size * analysis.activation_values),
            "What the layers hand on for one batch.",
        ),
    )
    with st.container(horizontal=True, key="totals"):
        for label, value, help_text in figures:
            st.metric(label, value, help=help_text, width="content")


def picture(analysis: Analysis) -> None:
    """The network as blocks."""
    if analysis.rows:
        plot(network_diagram(analysis.rows), "network-diagram", label="The network, layer by layer")


def table(analysis: Analysis, batch_size: int) -> None:
    """One row a layer."""
    shown = layer_frame(analysis, batch_size)
    shown["Share"] *= 100  # Streamlit's own percentages drop the zeros at their end
    st.dataframe(
        shown,
        hide_index=True,
        width="stretch",
        key="layer-table",
        column_config={
            "Share": st.column_config.ProgressColumn(
                "Share", help="Share of all parameters.", format="%.1f %%", min_value=0.0, max_value=100.0, width=95
            ),
            "Parameters": st.column_config.NumberColumn("Parameters", format="localized"),
            "Arithmetic": st.column_config.TextColumn(
                "Arithmetic", help="Kernel height × width × input channels × filters + biases, and so on."
            ),
            "#": st.column_config.TextColumn("#", width=36, help="Its place in the network."),
            "Mult-adds": st.column_config.NumberColumn("Mult-adds", format="localized", help="Per image."),
            "Memory": st.column_config.TextColumn("Memory", help=f"Its activations, for a batch of {batch_size}."),
            "Sees": st.column_config.TextColumn("Sees", help="Receptive field: pixels of the input behind one value."),
        },
    )


def layer_frame(analysis: Analysis, batch_size: int) -> pd.DataFrame:
    """The table as a frame: unknown figures of an impossible network are empty."""
    total = max(1, analysis.parameters)
    rows = []
    for row in analysis.rows:
        known = row.output_shape is not None
        field = row.receptive_field
        rows.append(
            {
                "#": where(row.path),
                "Layer": ("⚠️ " if row.problem else "") + row.title,
                "Output": formatting.shape(row.output_shape),
                "Parameters": row.parameters if known else None,
                "Arithmetic": row.arithmetic or ("–" if known else ""),
                "Share": row.parameters / total if known else None,
                "Mult-adds": row.multiply_adds if known else None,
                "Memory": formatting.size(FLOAT_BYTES * batch_size * row.activation_values) if known else "",
                "Sees": f"{field[0]} × {field[1]}" if field else "",
            }
        )
    frame = pd.DataFrame(rows)
    # Where all is unknown pandas would take the column for one of objects.
    return frame.astype({"Share": float}) if rows else frame

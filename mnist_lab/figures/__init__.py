"""Pictures: arrays and frames in, Plotly figures or PNG images out. No Streamlit, no computation of results."""

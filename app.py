"""MNIST Lab: ``streamlit run app.py``."""

from pathlib import Path

import streamlit as st

ICON = Path(__file__).parent / "static" / "icon.png"

if __name__ != "__main__":
    # Streamlit imports this file once for what it is to serve by the name of `app`, and runs it for every visitor.
    from mnist_lab.ui import server

    app = st.App(__file__, lifespan=server.lifespan, middleware=server.middleware())
else:
    from mnist_lab.ui import address, frame, late_ticks

    st.set_page_config(page_title="MNIST Lab", page_icon=str(ICON), layout="wide")

    page = st.navigation(
        [
            st.Page("pages/draw.py", title="Draw", icon=":material/draw:", default=True),
            st.Page("pages/explain.py", title="Explain", icon=":material/search_insights:", url_path="explain"),
            st.Page("pages/digits.py", title="My digits", icon=":material/stylus_note:", url_path="digits"),
            st.Page("pages/lab.py", title="Lab", icon=":material/network_node:", url_path="lab"),
            st.Page("pages/runs.py", title="Runs", icon=":material/table_chart:", url_path="runs"),
            st.Page("pages/sweeps.py", title="Sweeps", icon=":material/travel_explore:", url_path="sweeps"),
            st.Page("pages/studies.py", title="Studies", icon=":material/science:", url_path="studies"),
            st.Page("pages/data.py", title="Data", icon=":material/grid_on:", url_path="data"),
        ]
    )
    late_ticks.drop()
    address.turn_to(page.url_path)
    with frame.around_page(page.url_path):
        page.run()

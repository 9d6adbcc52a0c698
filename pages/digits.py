"""My digits: what I drew, what the networks read right of it, practice, and files to take away or bring in."""

import streamlit as st

from mnist_lab.ui import digit_views, frame, writer

frame.needs_app()
st.title("My digits")
store, name = frame.store(), writer.current()
if not name:
    st.markdown("Digits that you draw and save are a test set of your own: the networks are tried on *your* hand.")
    with st.container(width=420):
        writer.ask("digits")
    st.stop()
digits = store.digits(name)
with st.container(horizontal=True, vertical_alignment="center"):
    st.markdown(f"**{frame.escape(name)}** · {digit_views.count_words(len(digits))}")
    writer.change()
digit_views.show(digit_views.Shown(store, name, digits))

"""Streamlit helpers: what more than one page, or more than one part of a page, needs."""

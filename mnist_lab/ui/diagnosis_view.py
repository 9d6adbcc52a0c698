"""What a training history says, under its curves."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from mnist_lab.diagnosis import Finding
from mnist_lab.ui import frame

ICONS = {"warning": "⚠️", "note": "ℹ️", "good": "✅"}


def show(findings: Iterable[Finding]) -> None:
    """Draws findings, one line each."""
    for finding in findings:
        st.markdown(f"{ICONS[finding.level]} {frame.escape(finding.text)}")

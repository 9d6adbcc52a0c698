"""How often tabs look at what trains: each less often the more there are, so that a class costs what a few do."""

from __future__ import annotations

import math
import time
import uuid

import streamlit as st

from mnist_lab.ui import state

# So many tabs look as often as they want to.
FEW = 4
# A tab that has not looked for so long is closed, or hidden by its browser.
FORGET_SECONDS = 12.0


@st.cache_resource(show_spinner=False)
def _looks() -> dict[str, float]:
    """When each tab of this server looked last."""
    return {}


def slowed(seconds: float) -> float:
    """Seconds between two looks of this tab, which is looking now.

    Args:
        seconds: What it would be if nobody else looked.

    Returns:
        The same while few tabs look; twice that, four times ... with each doubling of their number.
    """
    tab = state.get("tab", "") or uuid.uuid4().hex
    state.put("tab", tab)
    now, looks = time.monotonic(), _looks()
    looks[tab] = now
    for other, looked in list(looks.items()):
        if now - looked > FORGET_SECONDS:
            looks.pop(other, None)
    return seconds * 2 ** max(0, math.ceil(math.log2(len(looks) / FEW)))

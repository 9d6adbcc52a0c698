"""What the Explain page shows of one image in one network: one module a view.

To add a view, add a module here with a function under ``@view``. Only the view that is open is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from mnist_lab.store import Run, RunStore
from mnist_lab.ui import frame
from mnist_lab.ui.subject import Subject
from mnist_lab.ui.views import View, Views


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """What a view may show.

    Attributes:
        store: The run store.
        run: The network that is asked; it has weights.
        subject: The image.
    """

    store: RunStore
    run: Run
    subject: Subject


VIEWS: Views[Shown] = Views("explain-view")
view = VIEWS.view
VIEWS.find(__name__, __path__)


def show(shown: Shown) -> None:
    """Lets the user choose one of the views, and draws it as soon as the network is awake."""
    picked = VIEWS.pick(shown)
    if picked is not None and frame.services().inference.is_warm:
        st.fragment(_draw)(picked, shown)


def _draw(picked: View[Shown], shown: Shown) -> None:
    with frame.errors_in_words():
        picked.draw(shown)

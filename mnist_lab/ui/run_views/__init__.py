"""What the Runs page shows of the runs that are selected: one module a view.

To add a view, add a module here with a function under ``@view``. Only the view that is open is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from mnist_lab.store import Run, RunStore
from mnist_lab.ui import frame
from mnist_lab.ui.views import Views

MOST_COMPARED = 10


@dataclass(frozen=True, slots=True)
class Shown:
    """What a view may show.

    Attributes:
        store: The run store.
        chosen: The selected runs, in the table's order.
        listed: All runs that the table lists.
    """

    store: RunStore
    chosen: list[Run]
    listed: Sequence[Run]


VIEWS: Views[Shown] = Views("run-view")


def view(name: str, order: int, *, least: int = 1, most: int = MOST_COMPARED) -> Callable[[Any], Any]:
    """Registers a function as a view that applies to so many selected runs."""
    return VIEWS.view(name, order, lambda shown: least <= len(shown.chosen) <= most)


VIEWS.find(__name__, __path__)


def show(shown: Shown) -> None:
    """Lets the user choose one of the views that apply to the selected runs, and draws it."""
    if len(shown.chosen) > MOST_COMPARED:
        st.caption(
            f"At most {MOST_COMPARED} runs are compared at once; {len(shown.chosen)} are selected. More of them are "
            "compared by their seeds."
        )
    if (picked := VIEWS.pick(shown)) is not None:
        with frame.errors_in_words():
            picked.draw(shown)

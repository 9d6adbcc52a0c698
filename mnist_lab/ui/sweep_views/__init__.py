"""What the Sweeps page shows of a sweep: one module a view.

To add a view, add a module here with a function under ``@view``. Only the view that is open is drawn, within the
fragment that refreshes itself while the sweep runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from mnist_lab.figures.sweep_points import Dot, Field
from mnist_lab.store import RunStore, SweepRecord, Trial
from mnist_lab.sweeps.sweep import Sweep
from mnist_lab.ui import frame, state
from mnist_lab.ui.plot import Drawn, drawn, plot
from mnist_lab.ui.views import Views


@dataclass(frozen=True, slots=True)
class Shown:
    """What a view may show.

    Attributes:
        store: The run store.
        record: The sweep as the store has it.
        sweep: Its description.
        trials: Its trials, in their order.
        dots: The same as points of figures.
        fields: What it searches.
        version: Changes whenever the trials do.
    """

    store: RunStore
    record: SweepRecord
    sweep: Sweep
    trials: list[Trial]
    dots: list[Dot]
    fields: list[Field]
    version: str

    @property
    def chosen(self) -> int | None:
        """The number of the trial that is looked at, or None."""
        return chosen(self.record.id)


VIEWS: Views[Shown] = Views("sweep-view")
view = VIEWS.view


def chosen(sweep_id: str) -> int | None:
    """The number of the trial of a sweep that this session looks at, or None."""
    number: int | None = state.get(f"sweep-trial.{sweep_id}", None)
    return number


def choose(sweep_id: str, number: int | None) -> None:
    """Looks at a trial of a sweep, or at none."""
    state.put(f"sweep-trial.{sweep_id}", number)


@st.cache_resource(show_spinner=False, max_entries=64)
def _drawn(key: str, version: str, _make: Callable[[], Any]) -> Drawn:
    """A figure as it goes to the browser, made once for all who look at it."""
    return drawn(_make())


def figure(shown: Shown, name: str, make: Callable[[], Any], label: str, more: str = "") -> dict[str, Any] | None:
    """Draws a figure of the trials, which is made anew only when they change.

    Args:
        shown: What is shown.
        name: Tells it from the other figures of the sweep.
        make: Makes it.
        label: What it shows, for screen readers.
        more: What it depends on beside the trials and the chosen one.

    Returns:
        The click that caused this run, see `plot`.
    """
    key = f"{name}-{shown.record.id}"
    return plot(_drawn(key, f"{shown.version} {shown.chosen} {more}", make), key, on_click=True, label=label)


def figure_of_trials(shown: Shown, name: str, make: Callable[[], Any], label: str, more: str = "") -> None:
    """The same, where a click on a trial looks at that trial."""
    clicked = figure(shown, name, make, label, more)
    number = None if clicked is None else clicked.get("customdata")
    if isinstance(number, int) and number != shown.chosen:
        choose(shown.record.id, number)
        st.rerun(scope="fragment")


VIEWS.find(__name__, __path__)


def show(shown: Shown) -> None:
    """Lets the user choose one of the views, and draws it."""
    if (picked := VIEWS.pick(shown)) is not None:
        with frame.errors_in_words():
            picked.draw(shown)

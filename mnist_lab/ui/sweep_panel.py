"""One sweep, followed while it goes on: how far it is, what can be done with it, its views, the trial looked at."""

from __future__ import annotations

import streamlit as st

from mnist_lab import formatting
from mnist_lab.errors import LabError
from mnist_lab.store import SweepRecord
from mnist_lab.sweeps.progress import Progress, accuracy_words
from mnist_lab.sweeps.search import best_of
from mnist_lab.ui import frame, pace, sweep_actions, sweep_live, sweep_trial, sweep_views
from mnist_lab.ui.sweep_views import Shown
from mnist_lab.ui.sweep_words import status_words

TICK_SECONDS = 2.0
BUSY = ("queued", "running", "paused")


def panel(sweep_id: str) -> None:
    """Draws the panel; it refreshes itself while the sweep runs."""
    runs = _is_busy(frame.store().get_sweep(sweep_id))
    every = pace.slowed(TICK_SECONDS) if runs else None
    st.fragment(_panel, run_every=every)(sweep_id, runs, every)


def _is_busy(record: SweepRecord) -> bool:
    """Whether it runs, or runs of it are trained all the same, as to confirm its winner."""
    return record.status == "running" or bool(frame.store().runs(BUSY, sweep=record.id, most=1))


def _panel(sweep_id: str, was_running: bool, every: float | None) -> None:
    with frame.errors_in_words():
        store = frame.store()
        record = store.get_sweep(sweep_id)
        runs = _is_busy(record)
        if runs != was_running or (runs and pace.slowed(TICK_SECONDS) != every):
            st.rerun()
        # Places of their own, full or not: what stands below would be drawn anew when something comes or goes above it.
        head, actions = st.container(), st.container()
        try:
            shown = sweep_live.shown(store, record)
        except LabError as error:
            with head:
                st.markdown(f"##### {frame.escape(record.name)}")
                frame.show_error(error)
            with actions:
                sweep_actions.of_damaged(record)
            return
        with head:
            frame.failure()
            _head(shown)
        with actions:
            sweep_actions.bar(shown)
        sweep_views.show(shown)
        sweep_trial.card(shown)


def _head(shown: Shown) -> None:
    record, search = shown.record, shown.sweep.search
    progress = Progress.of(shown.trials)
    st.markdown(f"##### {frame.escape(record.name)}")
    words = [status_words(record), progress.words(search, is_running=record.status == "running")]
    if record.status == "running" and (left := progress.seconds_left(search, record.spent)) is not None:
        words.append(f"about {formatting.duration(left)} left")
    elif record.status != "running" and record.spent:
        words.append(f"took {formatting.duration(record.spent)}")
    st.caption(frame.escape(" · ".join(words)))
    if record.status == "running":
        st.progress(progress.share(search, record.spent))
    if record.reason:
        (st.error if record.status == "failed" else st.caption)(frame.sentence(record.reason))
    if record.status == "running" and (problem := frame.services().sweeper.problem):
        st.warning(frame.sentence(problem))
    for best in best_of(shown.trials)[:1]:
        cost = f"{best.parameters:,} parameters" if best.parameters else ""
        st.markdown(
            f"**Best so far: {accuracy_words(best)}** of the validation images · trial {best.number}"
            + f" · {cost}" * bool(cost)
        )

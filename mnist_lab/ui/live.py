"""The training that is under way, followed while it goes on: state, curves, stop, pause, the queue."""

from __future__ import annotations

from typing import Any

import streamlit as st

from mnist_lab import formatting, starter
from mnist_lab.diagnosis import subjects
from mnist_lab.jobs import JobManager
from mnist_lab.store import Run
from mnist_lab.training_config import MY_DIGITS
from mnist_lab.ui import diagnosis_view, frame, pace, people, state
from mnist_lab.ui.live_curve import live_curve
from mnist_lab.ui.plot import plot

TICK_SECONDS = 1.0
IDLE_SECONDS = 2.0
# Of a long queue; each place has three buttons.
MOST_WAITING = 50
# What an accuracy is about, where it is not about MNIST.
DATA_WORDS = {"digits": "scikit-learn's small digits", "custom": "your own data", MY_DIGITS: "its digits held out"}


def watched_run(manager: JobManager, active: list[Run], waiting: list[Run]) -> Run | None:
    """The run to show: the one under way; else the next in the queue; else the one last started here, or the newest."""
    if active or waiting:
        return (active or waiting)[0]
    # The newest may be those that ship. All runs would be too many to read at each tick.
    newest = manager.store.runs(most=1 + len(starter.IDS))
    runs = [*manager.store.runs(ids=[state.get("watched", "")]), *newest]
    return next((run for run in runs if run.id not in starter.IDS), None)


def live_panel() -> None:
    """Draws the panel; it refreshes itself, faster while something trains."""
    manager = frame.services()
    busy = bool(manager.store.active() or manager.store.waiting())
    every = _seconds_to_the_next_look(busy)
    st.fragment(_panel, run_every=every)(busy, every)


def _seconds_to_the_next_look(busy: bool) -> float:
    return pace.slowed(TICK_SECONDS if busy else IDLE_SECONDS)


def _panel(was_busy: bool, every: float) -> None:
    with frame.errors_in_words():
        manager = frame.services()
        active, waiting = manager.store.active(), manager.store.queue(MOST_WAITING)
        run = watched_run(manager, active, waiting)
        busy = bool(active or waiting)
        if busy != was_busy or _seconds_to_the_next_look(busy) != every:
            st.rerun()
        _say_if_gone(manager, run)
        if run is None:
            st.caption("No training yet. Press Train, and its curves appear here while it learns.")
            return
        frame.failure()
        _head(manager, run)
        curve = live_curve(run.id).drawn(manager.store, run)
        plot(curve, f"live-{run.id}", label="Loss and accuracy while training")
        if not run.is_active:
            diagnosis_view.show(subjects.of_run(run, manager.store.history(run.id)))
        _queue(manager, [each for each in waiting if each.id != run.id], shown=run)


def _say_if_gone(manager: JobManager, shown: Run | None) -> None:
    """Says that the training that was started here last was deleted, where another is shown in its place."""
    watched: str = state.get("watched", "")
    other = shown is None or (shown.id != watched and not shown.is_active)
    if watched and other and not manager.store.runs(ids=[watched]):
        st.caption("The training that was started here last was deleted.")


def _head(manager: JobManager, run: Run) -> None:
    words = {
        "queued": "waiting" if manager.is_warm else "waiting for the training engine to start",
        "running": frame.progress_words(run),
        "paused": frame.progress_words(run),
    }.get(run.status, run.status)
    st.markdown(f"##### {frame.escape(run.name)}")
    facts = [words, run.device, f"{run.parameters:,} parameters"]
    st.caption(" · ".join(fact for fact in facts if fact))
    if run.is_active:
        st.progress(run.share_done)
    else:
        _result(run)
    _buttons(manager, run)


def _result(run: Run) -> None:
    if run.reason:
        (st.error if run.status == "failed" else st.info)(frame.sentence(run.reason.splitlines()[0]))
    if run.test_accuracy is not None:
        of_what = "" if run.dataset == "mnist" else f" of {DATA_WORDS.get(run.dataset or '', run.dataset)}"
        kept = f" · weights of epoch {run.kept_epoch}" if run.kept_epoch else ""
        st.markdown(
            f"**Test accuracy {formatting.accuracy(run.test_accuracy, run.test_accuracy_interval)}** on "
            f"{run.test_images:,} images{of_what} · {formatting.duration(run.seconds)}{kept}"
        )
        if run.test_is_validation:
            st.caption("⚠️ The test images also served for validation: this accuracy is flattered.")
    elif run.is_evaluating:
        st.caption("What it has learnt is kept; now it looks at the test images.")


def _buttons(manager: JobManager, run: Run) -> None:
    def button(label: str, key: str, icon: str, action: Any, **more: Any) -> None:
        st.button(label, key=key, icon=f":material/{icon}:", on_click=frame.attempt, args=(action, run.id), **more)

    with st.container(horizontal=True):
        if run.status == "running":
            words = "Ends the training and keeps what was learnt."
            button("Stop", "stop", "stop", manager.stop, disabled=run.command == "stop", help=words)
            button("Pause", "pause", "pause", manager.pause)
        elif run.status == "paused":
            button("Resume", "resume", "play_arrow", manager.resume, type="primary")
            button("Stop", "stop", "stop", manager.stop)
        elif run.status == "queued":
            button("Cancel", "cancel", "close", manager.stop)
        elif run.can_go_on:
            button("Go on from the last epoch", "go-on", "resume", _go_on)


def _go_on(run_id: str) -> None:
    frame.services().resume(run_id, person=people.current())


def _queue(manager: JobManager, waiting: list[Run], shown: Run) -> None:
    if not waiting:
        return
    mine = people.current()
    left = manager.store.waiting() - len(waiting) - (shown.status == "queued")
    ends: dict[tuple[str | None, str | None], list[str]] = {}
    for run in waiting:
        ends.setdefault((run.person, run.owner), []).append(run.id)
    st.markdown(f"**Queue** ({len(waiting) + max(0, left):,})")
    if len(ends) > 1:
        st.caption("People take turns, a training each; a training moves among those of the same person.")
    for number, run in enumerate(waiting):
        with st.container(horizontal=True, vertical_alignment="center", key=f"queued-{run.id[:8]}"):
            whose = " · yours" if len(ends) > 1 and run.person == mine else ""
            st.markdown(
                f"{number + 1}. {frame.escape(run.name)} · {run.training.get('epochs')} epochs{whose}", width="stretch"
            )
            move, own = manager.store.move_in_queue, ends[run.person, run.owner]
            first, last = run.id == own[0], run.id == own[-1] and left <= 0
            _small_button("↑", f"sooner-{run.id}", "Sooner", move, run.id, -1, disabled=first)
            _small_button("↓", f"later-{run.id}", "Later", move, run.id, 1, disabled=last)
            _small_button("✕", f"cancel-{run.id}", "Cancel", manager.stop, run.id)
    if left > 0:
        st.caption(f"And {left:,} more.")


def _small_button(sign: str, key: str, words: str, action: Any, *arguments: Any, disabled: bool = False) -> None:
    st.button(sign, key=key, help=words, on_click=frame.attempt, args=(action, *arguments), disabled=disabled)

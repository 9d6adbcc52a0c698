"""One run: its names to edit, its network to load, its files to take away."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from mnist_lab import my_digits
from mnist_lab.store import Run, RunStore
from mnist_lab.store.artefacts import CHECKPOINT, LOG, MODEL
from mnist_lab.ui import frame, people, run_takeaway, state, sweep_list, sweep_views
from mnist_lab.ui.frame import attempt
from mnist_lab.ui.state import workbench


def details(store: RunStore, run: Run) -> None:
    """One run: its names to edit, its network to load, its files to take away."""
    with st.container(border=True, key="details"):
        st.subheader(frame.escape(run.name), anchor=False)
        tuned = my_digits.learnt_from(run)
        facts = [run.status, run.device, run.preset and f"preset {run.preset}", f"{run.parameters:,} parameters"]
        if tuned is not None:
            facts.append(f"fine-tuned from run {run.training['fine_tuning']['parent'][:8]} on digits of {tuned}")
        st.caption(frame.escape(" · ".join(fact for fact in facts if fact)))
        if run.reason:
            st.info(frame.sentence(run.reason.splitlines()[0]))
        _edit(store, run)
        with st.container(horizontal=True):
            _load_button(run)
            # A run that was brought in has no state of its optimizer: it would begin anew, over what it has.
            if run.can_go_on and (not run.epochs_run or store.artefacts.has(run.id, CHECKPOINT)):
                st.button("Go on from the last epoch", on_click=attempt, args=(_requeue, run.id), key="requeue")
            if store.artefacts.has(run.id, MODEL):
                st.button("Ask it on the Draw page", on_click=state.put, args=("asked", run.id), key="ask")
            if run.sweep and st.button("Show its sweep", icon=":material/travel_explore:", key="run-sweep"):
                sweep_list.choose(run.sweep)
                sweep_views.choose(run.sweep, run.trial)
                st.switch_page("pages/sweeps.py")
            run_takeaway.menu(store, run)
        if run.status == "failed" and store.artefacts.has(run.id, LOG):
            # It has paths and traces, which are for those who run the server.
            where = (
                "among its files in the object store" if store.artefacts.is_remote else "in its folder on the server"
            )
            st.caption(f"What its process printed is in {LOG}, {where}.")


def _edit(store: RunStore, run: Run) -> None:
    def field(name: str, value: str, most: int) -> None:
        key = f"{name}-{run.id}"

        def save() -> None:
            # One alone: the other may have been changed elsewhere since it was drawn here.
            attempt(store.edit, run.id, **{name: st.session_state[key]})

        # What was typed here stays, what was typed elsewhere appears.
        if state.get(f"drawn.{key}", value) != value:
            st.session_state[key] = value
        state.put(f"drawn.{key}", value)
        st.session_state.setdefault(key, value)
        st.text_input(name.capitalize(), max_chars=most, key=key, on_change=save)

    name, notes, star = st.columns([2, 3, 1], vertical_alignment="bottom")
    with name:
        field("name", run.name, 200)
    with notes:
        field("notes", run.notes, 2000)
    label = "★ Starred" if run.starred else "☆ Star"
    star.button(label, key=f"star-{run.id}", on_click=attempt, args=(store.edit, run.id),
                kwargs={"starred": not run.starred})  # fmt: skip
    frame.failure()


def _requeue(run_id: str) -> None:
    frame.services().resume(run_id, person=people.current())
    state.put("watched", run_id)


def _load_button(run: Run) -> None:
    def load() -> None:
        # The Lab trains anew: from no other run's weights.
        workbench().load(run.network(), replace(run.config(), fine_tuning=None))

    help = "Its network and its training settings."
    st.button("Load into the Lab", on_click=load, key="load", help=help, disabled=run.is_damaged)

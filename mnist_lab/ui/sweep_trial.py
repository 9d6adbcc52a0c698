"""The trial of a sweep that is looked at: what it was, what came of it, its runs, the ways to the Lab and to Runs."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from mnist_lab import formatting
from mnist_lab.store import Run, Trial
from mnist_lab.sweeps import candidates
from mnist_lab.sweeps.progress import STATE_WORDS, accuracy_words
from mnist_lab.ui import frame, run_table, sweep_views
from mnist_lab.ui.state import workbench
from mnist_lab.ui.sweep_views import Shown
from mnist_lab.ui.sweep_words import value_words


def card(shown: Shown) -> None:
    """Draws the trial that was clicked, if any."""
    trial = next((each for each in shown.trials if each.number == shown.chosen), None)
    if trial is None:
        return
    with st.container(border=True, key="sweep-trial"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(f"**Trial {trial.number}** · {STATE_WORDS.get(trial.state, trial.state)}", width="content")
            if st.button("Close", key="sweep-trial-close", icon=":material/close:", type="tertiary"):
                sweep_views.choose(shown.record.id, None)
                st.rerun(scope="fragment")
        facts = [f"{accuracy_words(trial)} of the validation images"] if trial.accuracy is not None else []
        facts += [f"{trial.parameters:,} parameters"] if trial.parameters else []
        facts += [f"{formatting.count(trial.multiply_adds)} multiply-adds"] if trial.multiply_adds else []
        facts += [f"{trial.epochs:,} epoch{'s' * (trial.epochs != 1)} trained"] if trial.epochs else []
        if facts:
            st.caption(" · ".join(facts))
        if trial.reason:
            st.info(frame.sentence(trial.reason))
        st.dataframe(_values(shown, trial), hide_index=True, width="content", key=f"sweep-values-{trial.number}")
        runs = shown.store.runs(ids=trial.runs) if trial.runs else []
        _runs(runs, trial)
        _ways(shown, trial, runs)


def _values(shown: Shown, trial: Trial) -> pd.DataFrame:
    there = [each for each in shown.fields if each.name in trial.values]
    return pd.DataFrame(
        {
            "Searched": [each.label for each in there],
            "Value": [value_words(trial.values[each.name]) for each in there],
        }
    )


def _runs(runs: Sequence[Run], trial: Trial) -> None:
    for run in runs:
        seed = f"seed {run.training.get('seed')}"
        said = frame.progress_words(run) if run.is_active else run.status
        accuracy = f" · {formatting.percent(run.validation_accuracy)}" if run.validation_accuracy is not None else ""
        st.caption(f"{frame.escape(run.name)} · {seed} · {said}{accuracy}")
    if missing := len(trial.runs) - len(runs):
        st.caption(f"{missing} of its runs {'was' if missing == 1 else 'were'} deleted.")


def _ways(shown: Shown, trial: Trial, runs: Sequence[Run]) -> None:
    with st.container(horizontal=True):
        if st.button("Open in the Lab", icon=":material/network_node:", key="sweep-trial-lab", type="primary",
                     help="Its network and its training. Undo brings the network before back."):  # fmt: skip
            with frame.errors_in_words():
                sweep = shown.sweep
                network, training = candidates.apply(sweep.architecture, sweep.training, sweep.dimensions, trial.values)
                workbench().load(network, training)
                st.switch_page("pages/lab.py")
        if runs and st.button("Show in Runs", icon=":material/table_chart:", key="sweep-trial-runs"):
            run_table.select(run.id for run in runs)
            st.switch_page("pages/runs.py")

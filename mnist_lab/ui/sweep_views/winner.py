"""The best trials trained anew on fresh seeds: how much of the win was luck of the search."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from mnist_lab import formatting
from mnist_lab.jobs.confirming import BEST, SEEDS, confirm, confirmed
from mnist_lab.sweeps.confirm import Confirmation, Estimate
from mnist_lab.sweeps.search import best_of
from mnist_lab.ui import frame, people, state
from mnist_lab.ui.sweep_views import Shown, choose, view

HOW = (
    "The best of many trials was partly lucky: its seed suited it, and the images that chose it too. Training it again "
    "on fresh seeds tells how much. Each of these trainings looks at the test images once, at its end."
)


@view("Confirm the winner", 70)
def winner(shown: Shown) -> None:
    """Lets the best trials be trained anew, and says what came of it."""
    st.markdown(HOW)
    there = len(best_of(shown.trials))
    if not there:
        st.info("No trial has been trained to the end yet.")
        return
    key = f"sweep-confirm.{shown.record.id}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        best = _number("Best trials", f"{key}.best", min(BEST, there), min(there, 20))
        seeds = _number("Fresh seeds of each", f"{key}.seeds", SEEDS, 20)
        found = confirmed(shown.store, shown.record, best=best, seeds=seeds)
        st.button(
            f"Train {found.missing} run{'s' * (found.missing != 1)}",
            icon=":material/verified:",
            type="primary",
            key="sweep-confirm",
            disabled=not found.missing,
            on_click=frame.attempt,
            args=(confirm, shown.store, shown.record),
            kwargs={"best": best, "seeds": seeds, "person": people.current()},
            help="They go into the queue, and appear in Runs. What has been trained is not trained again.",
        )
    if not found.trials:
        st.caption("Nothing has been confirmed yet.")
        return
    st.success(frame.sentence(found.sentence), icon=":material/verified:")
    _table(shown, found)


def _number(label: str, key: str, start: int, most: int) -> int:
    wanted = state.kept_widget(key, min(start, most))
    st.session_state[key] = min(most, st.session_state[key])
    return int(st.number_input(label, 1, most, width=170, **wanted))


def _table(shown: Shown, found: Confirmation) -> None:
    rows: list[dict[str, Any]] = [
        {
            "Trial": each.trial.number,
            "Parameters": each.trial.parameters,
            "Search found": formatting.percent(each.trial.accuracy),
            "Fresh seeds": _share(each.validation),
            "Luck (points)": each.luck.words.removesuffix(" points").replace(" points (", " ("),
            "Test": _share(each.test),
            "Trained": len(each.runs),
        }
        for each in found.trials
    ]
    event: Any = st.dataframe(
        pd.DataFrame(rows), hide_index=True, width="stretch", key=f"confirmed-{shown.record.id}-{len(rows)}",
        on_select="rerun", selection_mode="single-row",
        column_config={
            "Parameters": st.column_config.NumberColumn(format="localized"),
            "Search found": st.column_config.TextColumn(help="On the validation images, with the seeds of the search."),
            "Fresh seeds": st.column_config.TextColumn(help="On the validation images: mean and 95 % interval."),
            "Luck (points)": st.column_config.TextColumn(help="What the search found, less what fresh seeds got."),
            "Test": st.column_config.TextColumn(help="On the test images, fresh seeds: mean and 95 % interval."),
        },
    )  # fmt: skip
    chosen = event.selection.rows
    if chosen and chosen[0] < len(rows) and (number := rows[chosen[0]]["Trial"]) != shown.chosen:
        choose(shown.record.id, number)
        st.rerun(scope="fragment")


def _share(each: Estimate) -> str:
    """An accuracy with its interval."""
    if each.low is None or each.high is None:
        return formatting.percent(each.value)
    return formatting.accuracy(each.value, (each.low, min(1.0, each.high)))

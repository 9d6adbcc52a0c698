"""The selected runs as one network that says the mean of what they say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from mnist_lab import ensemble
from mnist_lab.ensemble import Ensemble
from mnist_lab.ui import frame
from mnist_lab.ui.image_browser import browse
from mnist_lab.ui.pair import marked, offer_evaluation
from mnist_lab.ui.results import predictions
from mnist_lab.ui.run_views import Shown, view
from mnist_lab.ui.run_views.digits import interval_words


@view("Ensemble", 18, least=2)
def show_ensemble(shown: Shown) -> None:
    """Draws what the selected runs say together, against each of them, and the images that it gets wrong."""
    offer_evaluation(shown.chosen)
    together = ensemble.form(shown.chosen, predictions)
    st.markdown(f"**{frame.escape(together.sentence)}**")
    _members(together)
    st.caption(
        "Each image gets the mean of the probabilities that the networks give; all of them are asked for an answer, so "
        f"it costs as much as they do together ({together.parameters:,} parameters). Differences are in points, with "
        "Tango's 95 % interval, by McNemar's exact test on the same images; p is corrected for all members (Holm). "
        "Which member is the best was seen on these very images: of new ones it will get a little less right."
    )
    st.fragment(_mistakes)(shown, together)


def _members(together: Ensemble) -> None:
    figure = st.column_config.NumberColumn
    rows = {
        "Member": [member.name + marked(member.run) for member in together.members],
        "Accuracy": [100 * member.accuracy for member in together.members],
        "Ensemble − member": [100 * member.difference for member in together.members],
        "95 % interval": [interval_words(member.interval) for member in together.members],
        "Only the ensemble right": [member.paired.only_a for member in together.members],
        "Only the member right": [member.paired.only_b for member in together.members],
        "p (Holm)": [member.corrected for member in together.members],
        "Verdict": [
            "ensemble is better" if member.is_beaten else "member is better" if member.is_ahead else "not told apart"
            for member in together.members
        ],
    }  # fmt: skip
    st.dataframe(
        pd.DataFrame(rows), hide_index=True, width="stretch", key="ensemble-members", alt="Members of the ensemble",
        column_config={
            "Member": st.column_config.TextColumn(pinned=True),
            "Accuracy": figure(format="%.2f %%"),
            "Ensemble − member": figure(format="%.2f"),
            "p (Holm)": figure(format="%.2g"),
        },
    )  # fmt: skip


def _mistakes(shown: Shown, together: Ensemble) -> None:
    with frame.errors_in_words():
        known = together.predictions
        wrong = np.flatnonzero(known.digits != known.labels)
        st.markdown(f"##### The {len(wrong):,} images that it gets wrong")
        key = "ensemble." + ".".join(run.id[:8] for run in shown.chosen)
        browse(shown.chosen[0], {"ensemble": known}, wrong, key, "It gets every image right.")

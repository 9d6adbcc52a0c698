"""Two selected runs on the same images: who is A and who is B, and what to do where they cannot be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from mnist_lab import comparison, paired
from mnist_lab.comparison import Comparison
from mnist_lab.errors import ArtefactMissing
from mnist_lab.predictions import Predictions
from mnist_lab.store import Run, RunStore
from mnist_lab.store.artefacts import MODEL
from mnist_lab.store.records import FINAL
from mnist_lab.ui import frame, state
from mnist_lab.ui.results import predictions

EVALUATION_SECONDS = 300.0
SHORT, END = 32, 11
"""How long a name may be on a button, and how much of a longer one's end is shown: there the id may stand."""
FLATTERED_MARK = "⚠️"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two runs that were asked the same images.

    Attributes:
        compared: What came out.
        a: What the first says.
        b: What the second says.
    """

    compared: Comparison
    a: Predictions
    b: Predictions

    @property
    def said(self) -> dict[str, Predictions]:
        """What each says, by its letter."""
        return {"A": self.a, "B": self.b}

    @property
    def sets(self) -> paired.Sets:
        """The images that part them."""
        return paired.sets(self.a.labels, self.a.digits, self.b.digits)

    @property
    def names(self) -> tuple[str, str]:
        """Their names, short and without markup; their letters where nothing tells the short names apart."""
        first, second = (frame.escape(short(name)) for name in self.compared.names)
        return (first, second) if first != second else ("A", "B")


def short(name: str) -> str:
    """A name that fits a button."""
    return name if len(name) <= SHORT else f"{name[: SHORT - END - 1].rstrip()}…{name[-END:]}"


def marked(run: Run) -> str:
    """The sign of a run whose test images also chose its epoch."""
    return f" {FLATTERED_MARK}" * run.test_is_validation


def open_pair(store: RunStore, chosen: Sequence[Run]) -> Pair | None:
    """Draws who is A and who is B.

    Args:
        store: The run store.
        chosen: Two runs.

    Returns:
        The two runs; None if they cannot be compared: the page then says why, and offers to evaluate a run that was
        not.
    """
    one, other = chosen
    if state.get("swapped", False):
        one, other = other, one
    (compared,) = comparison.compare_all(store, [one, other], predictions)
    left, right = st.columns([5, 1], vertical_alignment="center")
    lines = [
        f"**{letter}** {frame.escape(name)}{marked(run)}"
        for letter, name, run in zip("AB", compared.names, (one, other), strict=True)
    ]
    left.markdown("  \n".join(lines))
    right.button("⇄ Swap", key="swap-pair", help="A becomes B.", width="stretch",
                 on_click=state.put, args=("swapped", not state.get("swapped", False)))  # fmt: skip
    if compared.reason:
        st.markdown(f"🚫 {frame.escape(compared.finding)}")
        offer_evaluation([one, other])
        return None
    if compared.is_flattered:
        st.caption(f"{FLATTERED_MARK} {comparison.FLATTERED}")
    return Pair(compared, predictions(one), predictions(other))


def offer_evaluation(runs: Sequence[Run]) -> None:
    """For each run without predictions that can be read: a button that evaluates it on this machine."""
    for run in runs:
        try:
            predictions(run)
            continue
        except ArtefactMissing as error:
            said = error.message
        with st.container(border=True):
            st.markdown(frame.escape(said))
            if run.status not in FINAL:
                st.caption(f"It is {run.status}; when its training ends, it is evaluated.")
                continue
            if not frame.store().artefacts.has(run.id, MODEL):
                st.caption("Its weights are not here either: train it again.")
                continue
            st.caption(
                "Evaluating it asks its network about its test images, on this machine, and counts as one look at them."
            )
            if st.button(f"Evaluate {frame.escape(short(run.name))} now", key=f"evaluate-{run.id}"):
                with (
                    frame.errors_in_words(),
                    st.spinner("Asking the network about its test images; a large one takes a minute."),
                ):
                    frame.services().inference.ask("evaluate", EVALUATION_SECONDS, run_id=run.id)
                    st.rerun()

"""What runs said of their test and validation images: why it may be missing, and the button that makes up for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from mnist_lab.errors import ArtefactMissing
from mnist_lab.predictions import Predictions
from mnist_lab.store import Run
from mnist_lab.store.artefacts import MODEL, PREDICTIONS, VALIDATION_PREDICTIONS
from mnist_lab.ui import frame
from mnist_lab.ui.pair import EVALUATION_SECONDS
from mnist_lab.ui.results import predictions


@dataclass(frozen=True, slots=True)
class Lack:
    """Why something cannot be said of a run.

    Attributes:
        reason: In words, to stand after its name.
        helps: Whether evaluating it would help.
    """

    reason: str
    helps: bool = False


def tested(run: Run) -> Predictions | Lack:
    """What a run said of its test images."""
    return _read(run, PREDICTIONS, Lack("it was not evaluated on its test images", True))


def validated(run: Run) -> Predictions | Lack:
    """What a run said of its validation images, by which something may be chosen that its test images then test."""
    if run.test_is_validation:
        return Lack("its test images also served for validation, so no other images are left to choose by")
    missing = Lack("what it said of its validation images was not kept; evaluating it does that", True)
    return _read(run, VALIDATION_PREDICTIONS, missing)


def _read(run: Run, name: str, missing: Lack) -> Predictions | Lack:
    if not frame.store().artefacts.has(run.id, name):
        return missing
    try:
        return predictions(run, name)
    except ArtefactMissing as error:
        return Lack(error.message.rstrip("."), True)


def offer_evaluation(runs: Sequence[Run], lacks: Mapping[str, Lack], names: Mapping[str, str]) -> None:
    """Says of each run what it lacks, with a button where an evaluation would help.

    Args:
        runs: The runs.
        lacks: What they lack, by id.
        names: What to call them, by id.
    """
    for run in runs:
        lack = lacks.get(run.id)
        if lack is None:
            continue
        has_model = frame.store().artefacts.has(run.id, MODEL)
        rest = " Its weights are not here, so it would have to be trained anew." * (lack.helps and not has_model)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"🚫 {frame.escape(f'{names[run.id]}: {lack.reason}.{rest}')}", width="content")
            if lack.helps and has_model:
                words = "Predicts its test and validation images. It counts as a look at the former."
                if st.button("Evaluate it now", key=f"evaluate-{run.id}", help=words):
                    with st.spinner("Evaluating …"):
                        frame.attempt(frame.services().inference.ask, "evaluate", EVALUATION_SECONDS, run_id=run.id)
                    st.rerun()

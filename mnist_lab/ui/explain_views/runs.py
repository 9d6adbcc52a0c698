"""The same image through many runs at once: what each says, how surely, and where they disagree."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from mnist_lab import comparison
from mnist_lab.errors import LabError
from mnist_lab.figures.attribution import said_by_runs
from mnist_lab.store import Run
from mnist_lab.ui import frame, state
from mnist_lab.ui.explain_views import Shown, view
from mnist_lab.ui.image_browser import sure
from mnist_lab.ui.plot import plot
from mnist_lab.ui.run_picker import run_words, with_model

FIRST = 6
MOST = 24


@view("All runs", 60)
def runs(shown: Shown) -> None:
    """Draws a row a run."""
    known = {run.id: run for run in with_model(shown.store)}
    others = [run_id for run_id in known if run_id != shown.run.id]
    widget = state.kept_widget("explain.runs", [shown.run.id, *others[: FIRST - 1]])
    # A run that was deleted meanwhile is no longer to be had.
    st.session_state[widget["key"]] = [each for each in st.session_state[widget["key"]] if each in known]
    picked = st.multiselect(
        "Runs",
        list(known),
        max_selections=MOST,
        format_func=lambda each: run_words(known[each], with_id=True),
        **widget,
    )
    chosen = [known[each] for each in picked if each in known]
    if not chosen:
        st.caption("Choose the runs to be asked.")
        return
    said = _ask(chosen, shown.subject.image)
    asked = [run for run in chosen if run.id in said]
    if asked:
        _table(asked, np.stack([said[run.id] for run in asked]), shown.subject.label)


def _ask(chosen: list[Run], image: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    """What each run says, float32 of shape ``(10,)``; who cannot answer is left out, and why is said."""
    said: dict[str, NDArray[np.float32]] = {}
    place = st.empty()
    for number, run in enumerate(chosen, 1):
        # A network that was asked lately answers in milliseconds; the others must be loaded first.
        place.progress(number / len(chosen), f"Asking {frame.escape(run.name)}")
        try:
            said[run.id] = frame.services().inference.predict(run.id, image[np.newaxis])[0]
        except LabError as error:
            st.warning(f"{frame.escape(run.name)}: {frame.sentence(error.message)}")
    place.empty()
    return said


def _table(asked: list[Run], said: NDArray[np.float32], label: int | None) -> None:
    digits = said.argmax(axis=1)
    votes = Counter(digits.tolist()).most_common()
    most = votes[0][0]
    split = len(votes) > 1 and votes[0][1] == votes[1][1]
    st.markdown(_verdict(votes, split, label))
    names = comparison.names_of(asked)
    rows = []
    for run, row, digit in zip(asked, said, digits.tolist(), strict=True):
        order = np.argsort(-row)
        second = int(order[1])
        agrees = "–" if split else "✓" if digit == most else "✗"
        rows.append(
            {"Run": names[run.id], "Says": digit, "Sure": sure(float(row[digit])),
             "Then": f"{second} ({sure(float(row[second]))})", "With the most": agrees}
            | ({} if label is None else {"Right": "✓" if digit == label else "✗"})
        )  # fmt: skip
    st.dataframe(
        pd.DataFrame(rows), hide_index=True, width="stretch", key="explain.runs.table", alt="Answers of the runs"
    )
    plot(said_by_runs([names[run.id] for run in asked], said), "said-by-runs", label="Probabilities by run and digit")


def _verdict(votes: list[tuple[int, int]], split: bool, label: int | None) -> str:
    total = sum(count for _, count in votes)
    if len(votes) == 1:
        words = f"All {total} say {votes[0][0]}." if total > 1 else f"It says {votes[0][0]}."
    else:
        words = (
            "They disagree: " + ", ".join(f"{count} say{'s' * (count == 1)} {digit}" for digit, count in votes) + "."
        )
        words += " No digit has the most votes." * split
    right = dict(votes).get(label, 0) if label is not None else 0
    return f"**{words}**" + (f" It is {label}: {right} of {total} are right." if label is not None else "")

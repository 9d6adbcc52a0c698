"""What the networks say of a person's own digits, beside what they reach on their test images."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from mnist_lab import comparison, my_digits, starter
from mnist_lab.errors import LabError
from mnist_lab.store import Digit, Run
from mnist_lab.store.artefacts import BASE_PREDICTIONS, MODEL, PREDICTIONS
from mnist_lab.training_config import MY_DIGITS
from mnist_lab.ui import frame, state
from mnist_lab.ui.digit_views import Shown, count_words, view
from mnist_lab.ui.image_browser import sure
from mnist_lab.ui.pair import FLATTERED_MARK, marked
from mnist_lab.ui.picture_sheet import LOOK_INSIDE, picture_sheet
from mnist_lab.ui.results import predictions
from mnist_lab.ui.run_picker import run_words, with_model

ASKED_AT_FIRST = 4
MOST = 20
DEADLINE_SECONDS = 120.0
LEARNT = "†"
_REMEMBERED_RUNS = 64

# What a network, by its run and the time of its weights, said of an image, by its digest.
Said = dict[str, NDArray[np.float32]]


@view("Accuracy", 20)
def accuracy(shown: Shown) -> None:
    """Draws a row for each chosen run, and the images that one of them gets wrong."""
    if not shown.digits:
        st.info("Save some digits first: then the networks can be asked about them.")
        return
    runs = _chosen(with_model(shown.store))
    if not runs:
        return
    said: dict[str, NDArray[np.float32]] = {}
    with st.spinner("Asking the networks; one that was not asked before takes a second or two."):
        for run in runs:
            try:
                said[run.id] = answers(run, shown.digits)
            except LabError as error:
                # The others have something to say all the same.
                st.warning(f"{frame.escape(run.name)}: {frame.sentence(error)}")
    runs = [run for run in runs if run.id in said]
    if not runs:
        return
    labels, names = my_digits.labels_of(shown.digits), comparison.names_of(runs)
    scores = {run.id: my_digits.score(labels, said[run.id]) for run in runs}
    kept_out = np.array([my_digits.is_held_out(digit) for digit in shown.digits])
    tuned = [run for run in runs if my_digits.learnt_from(run) == shown.writer]
    held_out = {run.id: my_digits.score(labels[kept_out], said[run.id][kept_out]) for run in runs} if tuned else {}
    figure = st.column_config.NumberColumn
    st.dataframe(
        table(runs, names, scores, held_out), hide_index=True, width="stretch", key="digits-accuracy", placeholder="–",
        alt="Accuracy on my digits",
        column_config={
            "My digits": figure(format="%.1f %%", help="Share of your digits that it reads right."),
            "Held out": figure(format="%.1f %%", help="The same of your digits that no fine-tuning learns from."),
            "Test images": figure(format="%.2f %%", help="Its accuracy on the test images of MNIST, or of its data."),
        },
    )  # fmt: skip
    st.caption(
        f"On {count_words(len(labels))} of {frame.escape(shown.writer)}. Intervals hold 95 %; they cover the noise of "
        "so few images, not that all of them are by one hand."
    )
    if tuned:
        st.caption(f"{LEARNT} It learnt from most of these digits: what it reads of those held out is what counts.")
    if any(run.test_is_validation for run in runs):
        st.caption(f"{FLATTERED_MARK} {comparison.FLATTERED}")
    _wrong(runs, names, labels, said, shown.digits)


def base_score(run: Run) -> my_digits.Score | None:
    """What a run reads right of the test images of its data; a fine-tuned one, of the data that it came from."""
    try:
        known = predictions(run, BASE_PREDICTIONS if run.dataset == MY_DIGITS else PREDICTIONS)
    except LabError:
        return None
    return my_digits.score(known.labels, known.probabilities)


def table(
    runs: Sequence[Run],
    names: dict[str, str],
    scores: dict[str, my_digits.Score],
    held_out: dict[str, my_digits.Score],
) -> pd.DataFrame:
    """The figures of the runs, shares in percent, the best on the digits first.

    Args:
        runs: The runs.
        names: What each is called, by id.
        scores: What each reads right of the digits.
        held_out: The same of those digits that no fine-tuning learns from; empty for no such columns.
    """

    def interval(ends: Sequence[float] | None, digits: int) -> str | None:
        return None if ends is None else f"{100 * ends[0]:.{digits}f} – {100 * ends[1]:.{digits}f}"

    def share(score: my_digits.Score | None) -> float | None:
        return None if score is None or score.accuracy is None else 100 * score.accuracy

    rows = []
    for run in sorted(runs, key=lambda run: -scores[run.id].right):
        tests = base_score(run)
        row: dict[str, Any] = {
            "Run": names[run.id] + marked(run) + f" {LEARNT}" * (my_digits.learnt_from(run) is not None),
            "My digits": share(scores[run.id]),
            "95 %": interval(scores[run.id].interval, 1),
            "Wrong": scores[run.id].images - scores[run.id].right,
        }
        if run.id in held_out:
            row |= {"Held out": share(held_out[run.id]), "95 % held out": interval(held_out[run.id].interval, 1)}
        row |= {"Test images": share(tests), "95 % of those": interval(None if tests is None else tests.interval, 2)}
        rows.append(row | {"Data": run.dataset})
    return pd.DataFrame(rows)


def _chosen(runs: list[Run]) -> list[Run]:
    """The runs that the user wants to be asked; at first the shipped ones, those with a star and the newest."""
    by_id = {run.id: run for run in runs}
    names = comparison.names_of(runs)
    first = sorted(runs, key=lambda run: not (run.starred or run.id in starter.IDS))[:ASKED_AT_FIRST]
    kept = [run_id for run_id in state.get("digits-runs", [run.id for run in first]) if run_id in by_id]
    st.session_state["digits.runs"] = kept

    def words(run_id: str) -> str:
        run = by_id[run_id]
        return run_words(run, with_id=names[run_id] != run.name)

    def changed() -> None:
        state.put("digits-runs", st.session_state["digits.runs"])

    picked = st.multiselect("Runs", list(by_id), format_func=words, max_selections=MOST, key="digits.runs",
                            on_change=changed, placeholder="Choose runs to ask")  # fmt: skip
    return [by_id[run_id] for run_id in picked]


@st.cache_resource(show_spinner=False)
def _remembered() -> OrderedDict[tuple[str, float], Said]:
    return OrderedDict()


def answers(run: Run, digits: Sequence[Digit]) -> NDArray[np.float32]:
    """What a run says of some digits, float32 of shape ``(n, 10)``; only those that are new to it are asked."""
    remembered = _remembered()
    key = run.id, frame.store().artefacts.changed(run.id, MODEL)
    said = remembered.setdefault(key, {})
    remembered.move_to_end(key)
    while len(remembered) > _REMEMBERED_RUNS:
        remembered.popitem(last=False)
    new = [digit for digit in digits if digit.digest not in said]
    if new:
        probabilities = frame.services().inference.predict(run.id, my_digits.images_of(new), DEADLINE_SECONDS)
        said |= {digit.digest: row for digit, row in zip(new, probabilities, strict=True)}
    return np.stack([said[digit.digest] for digit in digits])


def _wrong(
    runs: Sequence[Run],
    names: dict[str, str],
    labels: NDArray[np.uint8],
    said: dict[str, NDArray[np.float32]],
    digits: Sequence[Digit],
) -> None:
    by_id = {run.id: run for run in runs}
    chosen = st.selectbox("Which ones are wrong by", list(by_id), format_func=lambda run_id: names[run_id],
                          key="digits.wrong-by")  # fmt: skip
    run_id = chosen if chosen in said else runs[0].id
    probabilities = said[run_id]
    guesses = probabilities.argmax(axis=1)
    wrong = [index for index in np.argsort(-probabilities.max(axis=1)) if guesses[index] != labels[index]]
    if not wrong:
        st.success("It reads every one of them right.")
        return
    captions = [f"{labels[index]} → {guesses[index]}\n{sure(float(probabilities[index].max()))}" for index in wrong]
    picture_sheet(
        my_digits.images_of([digits[index] for index in wrong]), captions, f"wrong-{run_id}", columns=8, gap=14,
        titles=[f"My {labels[index]}, which it takes for a {guesses[index]}" for index in wrong],
        labels=labels[wrong], run_id=run_id,
    )  # fmt: skip
    st.caption(
        f"Below each image: what it is → what the network says, and how sure it is. The surest first. {LOOK_INSIDE}"
    )

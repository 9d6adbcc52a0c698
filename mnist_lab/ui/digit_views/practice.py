"""Practice: the app asks for a digit, and counts how soon and how often a network reads what is drawn."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from mnist_lab import drawing, formatting, my_digits
from mnist_lab.store import NewDigit, PracticeAnswer, Run, RunStore
from mnist_lab.ui import frame, state, ways_in
from mnist_lab.ui.digit_views import Shown, view
from mnist_lab.ui.run_picker import best, run_words, with_model

FIRST_ANSWER_SECONDS = 120.0
_GAME, _RUN, _KEEPS = "practice", "practice-run", "practice-keeps"


@dataclass(frozen=True, slots=True)
class Game:
    """A practice under way.

    Attributes:
        writer: Who practises.
        run_id: The network that reads.
        seed: Of the order of the digits.
        asked: What was asked, the present request last.
        began: When it was asked, by the clock that `time.monotonic` reads, in seconds.
        last: What came of the request before, in words.
    """

    writer: str
    run_id: str
    seed: int
    asked: tuple[int, ...]
    began: float = field(default_factory=time.monotonic)
    last: str = ""

    def next(self, last: str) -> Game:
        """The same with the next request."""
        asked = (*self.asked, my_digits.to_ask(self.asked, self.seed))
        return replace(self, asked=asked, began=time.monotonic(), last=last)


@view("Practice", 30)
def practice(shown: Shown) -> None:
    """Draws the request, the canvas and the scores."""
    runs = {run.id: run for run in with_model(shown.store)}
    if not runs:
        return
    first = list(runs)[best(list(runs.values()))]
    kept = state.get(_RUN, first)
    state.put(_RUN, kept if kept in runs else first)
    left, right = st.columns(2, vertical_alignment="bottom")
    chosen = left.selectbox("Network", list(runs), format_func=lambda run_id: run_words(runs[run_id]),
                            **state.kept_widget(_RUN, first))  # fmt: skip
    right.checkbox("Keep what I draw among my digits", **state.kept_widget(_KEEPS, False))
    # Another network or writer begins another practice.
    game: Game | None = state.get(_GAME, None)
    if game is not None and (game.writer, game.run_id) != (shown.writer, chosen):
        state.put(_GAME, None)
    st.fragment(_practice)(shown.store, shown.writer, runs[chosen])
    _scores(shown, runs)


def _practice(store: RunStore, writer: str, run: Run) -> None:
    with frame.errors_in_words():
        game: Game | None = state.get(_GAME, None)
        if game is None:
            st.markdown("You are asked for a digit, in a drawn order; each ten requests ask for every digit once.")
            if st.button("Start", type="primary", key="practice-start"):
                with st.spinner("Waking the network ..."):
                    blank = np.zeros((1, 28, 28), np.uint8)
                    frame.services().inference.predict(run.id, blank, FIRST_ANSWER_SECONDS)
                state.put(_GAME, Game(writer, run.id, secrets.randbelow(2**31), ()).next(""))
                st.rerun()
            return
        asked = game.asked[-1]
        frame.failure()
        st.markdown(f"### Draw a {asked}")
        st.caption(game.last or "The clock runs until the network reads it.")
        left, right = st.columns([1, 1.4], gap="large")
        with left:
            sheet = ways_in.canvas(f"practice-{game.seed}-{len(game.asked)}")
        # One digit was asked for: what is drawn is taken as one, in however many pieces it is.
        image = None if sheet is None else drawing.from_sheet(sheet).image
        said: int | None = None
        if image is not None:
            said = int(frame.services().inference.predict(run.id, image[np.newaxis])[0].argmax())
        seconds = time.monotonic() - game.began
        if image is not None and said == asked:
            _answered(store, game, image, said, seconds)
        right.markdown("Nothing is drawn yet." if said is None else f"It says: **{said}**")
        with right.container(horizontal=True):
            pressed = st.button("It does not read it: next", key="practice-next", disabled=said is None)
            if pressed and image is not None and said is not None:
                _answered(store, game, image, said, seconds)
            if st.button("Stop", key="practice-stop"):
                state.put(_GAME, None)
                st.rerun()


def _answered(store: RunStore, game: Game, image: NDArray[np.uint8], said: int, seconds: float) -> None:
    """Notes an answer and goes on to the next request."""
    asked = game.asked[-1]
    store.add_answer(game.writer, PracticeAnswer(game.run_id, asked, said, seconds))
    if state.get(_KEEPS, False):
        # Where there is no room for it, the practice goes on all the same.
        frame.attempt(store.keep_digits, game.writer, [NewDigit(image, asked, "practice")])
    words = f"✓ {asked}, read after {seconds:.1f} s." if said == asked else f"✗ The {asked} was taken for a {said}."
    state.put(_GAME, game.next(words))
    st.rerun()


def _scores(shown: Shown, runs: dict[str, Run]) -> None:
    scores = my_digits.practice_scores(shown.store.answers(shown.writer))
    if not scores:
        return
    names = {run.id: run.name for run in shown.store.runs(ids=[*scores])}
    rows = [
        {
            "Network": names.get(run_id, "a run that was deleted"),
            "Asked": each.score.images,
            "Read right": formatting.accuracy(each.score.accuracy, each.score.interval),
            "Median time": each.seconds,
            "Best time": each.best,
        }
        for run_id, each in sorted(scores.items(), key=lambda item: -(item[1].score.accuracy or 0.0))
    ]
    figure = st.column_config.NumberColumn
    st.dataframe(
        pd.DataFrame(rows), hide_index=True, width="stretch", key="practice-scores", placeholder="–",
        alt="Scores of the practice",
        column_config={
            "Median time": figure(format="%.1f s", help="From the request to the right answer."),
            "Best time": figure(format="%.1f s"),
        },
    )  # fmt: skip
    st.caption("Read right: share of the requests, with its 95 % interval. Times are those of right answers.")

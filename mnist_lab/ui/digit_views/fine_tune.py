"""Fine-tuning: a run's network goes on learning, on a person's own digits; what it gained, and what it forgot."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from mnist_lab import formatting, my_digits, public, run_data
from mnist_lab.errors import LabError, RunNotFound
from mnist_lab.jobs import base_of, fine_tune
from mnist_lab.my_digits import Score
from mnist_lab.optimizers import Adam
from mnist_lab.store import Digit, Run, RunStore
from mnist_lab.store.digits import digest_of
from mnist_lab.training_config import MY_DIGITS, FineTuning, TrainingConfig
from mnist_lab.ui import frame, live, people, state
from mnist_lab.ui.digit_views import Shown, accuracy, count_words, view
from mnist_lab.ui.pair import marked
from mnist_lab.ui.run_picker import best, run_words, with_model

# A tenth of what the networks learn at from nothing is usual where they know most already.
RATE, EPOCHS, BATCH = 3e-4, 10, 32
MOST_SHOWN = 10
_PARENT, _EPOCHS, _RATE, _REHEARSAL = "tune-parent", "tune.epochs", "tune.rate", "tune.rehearsal"


@view("Fine-tune", 40)
def fine_tuning(shown: Shown) -> None:
    """Draws the choice of what to start from, the runs that came of it, and what these gained and forgot."""
    held_out = sum(map(my_digits.is_held_out, shown.digits))
    st.markdown(
        f"Of your {count_words(len(shown.digits))}, {len(shown.digits) - held_out:,} are to learn from; {held_out:,} "
        "are held out, by the hash of their image, and no fine-tuning ever learns from them."
    )
    runs = {run.id: run for run in with_model(shown.store)}
    if lacking := my_digits.lacking(shown.digits):
        st.info(lacking)
    elif runs:
        _form(shown, runs, len(shown.digits) - held_out)
    frame.failure()
    runs_on_digits = shown.store.runs(dataset=MY_DIGITS)
    tuned = [run for run in runs_on_digits if my_digits.learnt_from(run) == shown.writer][:MOST_SHOWN]
    if not tuned:
        return
    if any(run.is_active or run.status == "queued" for run in tuned):
        live.live_panel()
    asks = any(run.is_evaluating for run in tuned)
    st.fragment(_outcomes, run_every=live.IDLE_SECONDS if asks else None)(shown.store, tuned)


def _form(shown: Shown, runs: dict[str, Run], learns: int) -> None:
    first, second, third, fourth = st.columns([3, 1, 1.2, 1.4])
    usual = list(runs)[best(list(runs.values()))]
    kept = state.get(_PARENT, usual)
    state.put(_PARENT, kept if kept in runs else usual)
    parent = first.selectbox("Start from", list(runs), format_func=lambda run_id: run_words(runs[run_id]),
                             **state.kept_widget(_PARENT, usual))  # fmt: skip
    second.number_input("Epochs", 1, 1000, EPOCHS, key=_EPOCHS)
    third.number_input("Learning rate", 1e-6, 1.0, RATE, key=_RATE, format="%.6g", step=1e-4)
    rehearsal = int(fourth.number_input(
        "MNIST images per digit", 0, 1000, FineTuning().rehearsal, key=_REHEARSAL,
        help="So many MNIST training images are mixed in for each of yours: without any, the network forgets what "
             "others' digits look like.",
    ))  # fmt: skip
    base = _title(runs[parent])
    st.caption(
        f"Each epoch: {learns:,} of yours and up to {learns * rehearsal:,} training images of {base}, {BATCH} a step. "
        f"The validation curve is on {base}, so that forgetting shows; your digits held out and the test images of "
        f"{base} are asked once, at the end. Adam, and the augmentation that the run was trained with."
    )
    st.button("Fine-tune on my digits", type="primary", key="tune-start", on_click=frame.attempt,
              args=(_start, shown, runs))  # fmt: skip


def _title(run: Run) -> str:
    """What the data that a run was trained on are called; where it says only "auto", MNIST was meant."""
    return live.DATA_WORDS.get(base_of(run), "MNIST")


def _start(shown: Shown, runs: dict[str, Run]) -> None:
    """By what the fields say now: a click that leaves a field comes together with what was typed there."""
    said = st.session_state
    parent = runs[said[_PARENT]]
    config = TrainingConfig(
        epochs=int(said[_EPOCHS]),
        batch_size=BATCH,
        optimizer=Adam(learning_rate=float(said[_RATE])),
        augmentation=parent.config().augmentation,
        seed=parent.config().seed,
        fine_tuning=FineTuning(rehearsal=int(said[_REHEARSAL])),
    )
    state.put("watched", fine_tune(shown.store, parent, shown.writer, config, person=people.current()).id)


def _outcomes(store: RunStore, tuned: list[Run]) -> None:
    """What each run reads of the digits held out and of the base's test images, and its parent before it."""
    with frame.errors_in_words():
        if any(run.is_evaluating for run in tuned):
            now = store.runs(ids=[run.id for run in tuned])
            if not any(run.is_evaluating for run in now):
                st.rerun()
        _table(store, tuned)


def _table(store: RunStore, tuned: Sequence[Run]) -> None:
    with st.spinner("Asking the networks that were started from ..."):
        rows = [_outcome(store, run) for run in tuned]
    st.markdown("**What came of it**")
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch", key="tuned", placeholder="–",
                 alt="Fine-tuned runs", column_config={
                     name: st.column_config.TextColumn(width=width)
                     for name, width in (("Run", 130), ("Status", 80), ("Digits held out", 310), ("Test images", 310))
                 })  # fmt: skip
    st.caption(
        "Before → after, with 95 % intervals. Held out: your digits that it never learnt from, as they were when it "
        "was asked for. Test images: those of the data that it came from, MNIST's mostly; where they fall, it forgot."
    )


def _outcome(store: RunStore, run: Run) -> dict[str, str]:
    started, status = "a run that is gone", run.status
    if run.status == "failed" and run.reason:
        status += f": {public.without_paths(run.reason.splitlines()[0])}"
    before_mine = before_base = None
    try:
        parent = store.get(str(run.training["fine_tuning"]["parent"]))
        started = parent.name + marked(parent)
        before_base = accuracy.base_score(parent)
        if run.test_accuracy is not None:
            before_mine = _held_out_score(store, run, parent)
    except RunNotFound:
        pass
    except LabError as error:
        status = f"{run.status}; {public.without_paths(error.message)}"
    after_mine = (
        None if run.test_accuracy is None else formatting.accuracy(run.test_accuracy, run.test_accuracy_interval)
    )
    return {
        "Run": run.name,
        "Status": status,
        "Digits held out": f"{_words(before_mine)} → {after_mine or '–'}",
        "Test images": f"{_words(before_base)} → {_words(accuracy.base_score(run))}",
        "Started from": started,
    }


def _words(score: Score | None) -> str:
    return "–" if score is None or score.interval is None else formatting.accuracy(score.accuracy, score.interval)


def _held_out_score(store: RunStore, run: Run, parent: Run) -> Score | None:
    split = run_data.load(store, run).split
    digits = [
        Digit(digest_of(image), "", int(label), image, "draw", 0.0)
        for image, label in zip(split.x_test, split.y_test, strict=True)
    ]
    return my_digits.score(split.y_test, accuracy.answers(parent, digits))

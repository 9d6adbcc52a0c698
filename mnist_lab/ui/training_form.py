"""How the network will be trained, what that will take, and the button that starts it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from mnist_lab import datasets, fields, forecast, formatting, limits
from mnist_lab.errors import LabError, LimitError
from mnist_lab.optimizers import OPTIMIZERS
from mnist_lab.shapes import Analysis
from mnist_lab.training_config import SCHEDULES, EarlyStopping, TrainingConfig
from mnist_lab.ui import frame, people, state, widgets
from mnist_lab.ui.state import Workbench

SPLIT_WORDS = {
    "holdout": "holdout: train, choose and test on different images",
    "test-as-validation": "test as validation: as the documents did; flatters the accuracy",
    "pooled-80-10-10": "pooled 80/10/10: all images mixed, as document 003 did",
}
_MAIN = ("epochs", "batch_size", "seed", "label_smoothing", "limit", "keep_checkpoints", "test_at_end")


def training_form(bench: Workbench, analysis: Analysis) -> None:
    """Draws the form, the forecast and the Train button."""
    key = f"training.{bench.revision}"

    @bench.while_drawn
    def change(**values: Any) -> None:
        bench.attempt_training(lambda now: replace(now, **values))

    training = bench.training
    try:
        frame.data_notice(datasets.load(training.dataset))
        has_data = True
    except LabError as error:
        # The form stays: it is the place to choose other data.
        frame.show_error(error)
        has_data = False
    data, optimizing, more = st.tabs(["Data and length", "Optimizer and schedule", "Stopping and augmentation"])
    with data:
        _data(training, key, change)
    with optimizing:
        left, right = st.columns(2)
        with left:
            _chosen(bench, "Optimizer", "optimizer", OPTIMIZERS, key, change)
        with right:
            _chosen(bench, "Schedule", "schedule", SCHEDULES, key, change)
    with more:
        left, right = st.columns(2)
        with left:
            _stopping(bench, key, change)
        with right:
            st.markdown("**Augmentation**")
            _part(bench, "augmentation", f"{key}.augmentation")
            st.caption("See it on the Data page.")
    if bench.training_problem:
        st.error(frame.sentence(bench.training_problem))
    _train(bench, analysis, key, has_data=has_data)


def _data(training: TrainingConfig, key: str, change: Any) -> None:
    specs = fields.specs(TrainingConfig)
    left, right = st.columns(2)

    def one(name: str) -> None:
        widgets.one(name, specs[name], getattr(training, name), f"{key}.{name}", lambda n, v: change(**{n: v}))

    with left:
        one("dataset")
        split_key = f"{key}.split"
        st.selectbox(
            "Split",
            list(SPLIT_WORDS),
            list(SPLIT_WORDS).index(training.split),
            format_func=SPLIT_WORDS.__getitem__,
            key=split_key,
            on_change=lambda: change(split=st.session_state[split_key]),
        )
        one("limit")
    with right:
        one("epochs")
        one("batch_size")
        one("seed")
    left, right = st.columns(2)
    with left:
        one("label_smoothing")
    with right:
        one("keep_checkpoints")
        one("test_at_end")


def _chosen(bench: Workbench, label: str, name: str, registry: dict[str, Any], key: str, change: Any) -> None:
    """The choice among a registry, and the fields of what was chosen."""
    value = getattr(bench.training, name)
    choice_key = f"{key}.{name}"
    options = list(registry)

    def chosen() -> None:
        cls = registry[st.session_state[choice_key]]
        change(**{name: cls()})

    st.selectbox(label, options, options.index(value.kind), key=choice_key, on_change=chosen,
                 help=(registry[value.kind].__doc__ or "").strip())  # fmt: skip
    _part(bench, name, f"{choice_key}.{value.kind}")


def _part(bench: Workbench, name: str, key: str) -> None:
    drawn = getattr(bench.training, name)

    def changed(field: str, new: Any) -> None:
        def make(now: TrainingConfig) -> TrainingConfig:
            # As it is now, not as it was drawn: several fields may change at once, or the part with them.
            part = getattr(now, name)
            return replace(now, **{name: replace(part, **{field: new})}) if type(part) is type(drawn) else now

        bench.attempt_training(make)

    widgets.edit(drawn, key, bench.while_drawn(changed))


def _stopping(bench: Workbench, key: str, change: Any) -> None:
    training = bench.training
    switch = f"{key}.stopping"

    def switched() -> None:
        change(early_stopping=EarlyStopping() if st.session_state[switch] else None)

    st.toggle("**Early stopping**", training.early_stopping is not None, key=switch, on_change=switched,
              help="Ends the training when the watched figure stops getting better.")  # fmt: skip
    if training.early_stopping is not None:
        _part(bench, "early_stopping", f"{switch}.fields")


def training_images(training: TrainingConfig) -> int:
    """How many images an epoch will have."""
    dataset = datasets.load(training.dataset)
    return _count(dataset.name, len(dataset.x_train), len(dataset.x_test), training.split, training.limit)


@st.cache_data(show_spinner=False, max_entries=100)
def _count(name: str, in_training: int, in_test: int, kind: str, limit: int | None) -> int:
    """Counted once for each choice: a split is work, and the form is drawn at every change."""
    return len(datasets.split(datasets.load(name), kind, seed=0, limit=limit).x_train)


def make_forecast(analysis: Analysis, training: TrainingConfig) -> forecast.Forecast:
    """The forecast for this machine."""
    store = frame.store()
    probe = forecast.read_probe(store.note(forecast.probe_key(store.host)))
    earlier = store.timed(forecast.RUNS_CONSIDERED)
    return forecast.forecast(analysis, training, training_images(training), probe, earlier)


def _train(bench: Workbench, analysis: Analysis, key: str, *, has_data: bool) -> None:
    name_key, notes_key = f"{key}.name", f"{key}.notes"

    @bench.while_drawn
    def keep() -> None:
        bench.name, bench.notes = st.session_state[name_key], st.session_state[notes_key]

    left, right = st.columns(2)
    left.text_input("Name", bench.name, 200, key=name_key, on_change=keep, placeholder="made of the layers, if empty")
    right.text_input("Notes", bench.notes, 2000, key=notes_key, on_change=keep, placeholder="what you want to find out")
    if analysis.problem is not None:
        st.caption("This network cannot be trained: see above why.")
    elif has_data:
        _forecast_words(make_forecast(analysis, bench.training), bench.training)
    refused = _refusal(analysis, bench.training)
    if refused:
        st.warning(refused)

    drawn = bench.revision

    def train() -> None:
        if bench.revision != drawn and (bench.problem or bench.training_problem):
            # What was typed came together with the click, and was refused: nobody asked for what stands there instead.
            return
        try:
            run = frame.services().submit(
                bench.architecture,
                bench.training,
                name=bench.name,
                notes=bench.notes,
                preset=bench.preset_if_unchanged,
                images=training_images(bench.training),
                person=people.current(),
            )
            state.put("watched", run.id)
            bench.training_problem = ""
        except LabError as error:
            bench.training_problem = str(error)

    st.button(
        "Train",
        type="primary",
        icon=":material/play_arrow:",
        on_click=train,
        disabled=analysis.problem is not None or not has_data or bool(refused),
        key="train",
        width="stretch",
    )


def _refusal(analysis: Analysis, training: TrainingConfig) -> str:
    """Why this server will not take this training of this person; ``""`` if it will."""
    try:
        limits.check(frame.store(), people.current(), analysis.parameters, training.epochs)
    except LimitError as error:
        return str(error)
    return ""


def _forecast_words(expected: forecast.Forecast, training: TrainingConfig) -> None:
    words = f"about **{formatting.size(expected.memory_bytes)}** of memory"
    if expected.seconds_per_epoch is None:
        st.caption(f"Forecast: {words}; the time per epoch is {expected.basis}.")
        return
    whole = expected.seconds_per_epoch * training.epochs
    st.caption(
        f"Forecast: **{formatting.duration(expected.seconds_per_epoch)}** per epoch, "
        f"{formatting.duration(whole)} for {training.epochs}; {words}. The time is {expected.basis}."
    )

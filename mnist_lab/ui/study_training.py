"""Running a study: how, how long it will take, how far it is, stop and resume."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from mnist_lab import datasets, formatting
from mnist_lab.errors import LabError
from mnist_lab.fields import specs
from mnist_lab.jobs import start_plan
from mnist_lab.studies import Preset, Study, members
from mnist_lab.study_plan import Matching, Plan, Setting, parse_seeds, plan, seconds_left
from mnist_lab.training_config import TrainingConfig
from mnist_lab.ui import frame, people, state

TICK_SECONDS = 1.0
# Of the settings in which a study was trained before, those with most runs.
SETTINGS_SHOWN = 8
_EPOCHS, _LIMIT, _SEEDS = "study.epochs", "study.limit", "study.seeds"
# The command line takes as many, and a click brings its settings here.
_MOST_EPOCHS, _MOST_IMAGES = (int(specs(TrainingConfig)[name].high) for name in ("epochs", "limit"))


def find_runs(presets: Sequence[Preset]) -> Matching:
    """The runs that have these models' networks, on the data that this machine has."""
    dataset = datasets.load("auto")
    frame.data_notice(dataset)
    return Matching(frame.store().with_presets([preset.name for preset in presets]), dataset.name)


def setting_form(presets: Sequence[Preset], matching: Matching) -> Setting:
    """Draws how the models are to be trained; the table shows the runs that were trained so."""

    def keep() -> None:
        for key in (_EPOCHS, _LIMIT, _SEEDS):
            state.put(key, st.session_state.get(key))

    def field(key: str) -> None:
        # A widget's value is lost when its page is left; this one's is kept.
        st.session_state.setdefault(key, state.get(key, None))

    for key in (_EPOCHS, _LIMIT, _SEEDS):
        field(key)
    left, middle, right = st.columns(3)
    left.number_input("Epochs", 1, _MOST_EPOCHS, None, placeholder="as published", key=_EPOCHS, on_change=keep)
    middle.number_input("Training images", 1, _MOST_IMAGES, None, placeholder="all", key=_LIMIT, on_change=keep)
    right.text_input("Seeds", placeholder="as published; or 1,2,3 or 1-5", key=_SEEDS, on_change=keep)
    setting = _numbers()
    try:
        setting = _typed()
    except LabError as error:
        frame.show_error(error)
    _others(presets, matching, setting)
    return setting


def _numbers() -> Setting:
    """Epochs and images as the fields have them now, with the published seeds."""
    epochs, limit = (st.session_state.get(key) for key in (_EPOCHS, _LIMIT))
    return Setting(None if epochs is None else int(epochs), None if limit is None else int(limit))


def _typed() -> Setting:
    """The setting as the fields have it now.

    Raises:
        LabError: If the seeds cannot be read.
    """
    return replace(_numbers(), seeds=parse_seeds(st.session_state.get(_SEEDS) or ""))


def _others(presets: Sequence[Preset], matching: Matching, setting: Setting) -> None:
    """Settings in which these models were trained before, a click away."""
    found = {each: count for each, count in matching.settings(presets).items() if each.words != setting.words}
    if not found:
        return

    def choose(each: Setting) -> None:
        for key, value in ((_EPOCHS, each.epochs), (_LIMIT, each.limit)):
            st.session_state[key] = value
            state.put(key, value)

    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Trained before:", width="content")
        for index, (each, count) in enumerate(list(found.items())[:SETTINGS_SHOWN]):
            words = f"{each.words} ({count} run{'s' * (count != 1)})"
            st.button(words, key=f"setting-{index}", on_click=choose, args=(each,), type="tertiary")


def controls(study: Study, chosen: Sequence[Preset], setting: Setting, matching: Matching) -> None:
    """Draws the buttons that train the selected models, or all, and the progress of the whole."""
    presets = list(chosen) or list(members(study))
    try:
        wanted = plan(presets, setting, matching)
        whole = plan(members(study), setting, matching)
    except LabError as error:
        frame.show_error(error)
        return
    problems: tuple[str, ...] = state.get(_problems_key(study), ())
    for problem in problems:
        st.warning(frame.sentence(problem))
    lacking = len(wanted.startable)
    what = (
        f"all {len(presets)}" if not chosen else chosen[0].title if len(chosen) == 1 else f"the {len(chosen)} selected"
    )

    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(f"Train {what}", icon=":material/play_arrow:", type="primary", on_click=_start,
                  args=(study, presets), disabled=not lacking, key="study-train",
                  help="What has been trained in this setting is not trained again.")  # fmt: skip
        st.caption(_wanted_words(wanted, setting), width="stretch")
    busy = bool(whole.under_way)
    st.fragment(_progress, run_every=TICK_SECONDS if busy else None)(study, setting, busy)


def _wanted_words(wanted: Plan, setting: Setting) -> str:
    lacking, done, busy = len(wanted.startable), wanted.finished, len(wanted.under_way)
    parts = [f"{lacking} training{'s' * (lacking != 1)} to do"] if lacking else []
    if lacking:
        seconds = seconds_left(wanted, frame.store(), _images(), wanted=True)
        if seconds is not None:
            parts.append(f"at most {formatting.duration(seconds)} here")
    parts += [f"{busy} under way"] if busy else []
    parts += [f"{done} done"] if done else []
    return f"{setting.words[0].upper()}{setting.words[1:]}: {', '.join(parts)}."


def _progress(study: Study, setting: Setting, was_busy: bool) -> None:
    """The whole study's progress; it refreshes itself."""
    with frame.errors_in_words():
        whole = _plan_now(members(study), setting)
        busy = whole.under_way
        if bool(busy) != was_busy:
            st.rerun()
        stopped = [cell for cell in whole.startable if cell.run is not None]
        if not busy and not stopped:
            return
        with st.container(border=True, key="study-progress"):
            words = [f"{whole.finished} of {len(whole.cells)} done"]
            words += [f"{len(busy)} under way or waiting"] if busy else []
            words += [f"{len(stopped)} ended before their time"] if stopped else []
            left = seconds_left(whole, frame.store(), _images()) if busy else None
            words += [f"at most {formatting.duration(left)} left"] if left is not None else []
            st.markdown(" · ".join(words))
            st.progress(min(1.0, whole.share_done))
            for cell in whole.cells:
                if cell.run is not None and cell.run.is_active:
                    st.caption(f"{frame.escape(cell.preset.title)}: {frame.progress_words(cell.run)}")
            _steer(study, whole)


def _plan_now(presets: Sequence[Preset], setting: Setting) -> Plan:
    runs = frame.store().with_presets([preset.name for preset in presets])
    return plan(presets, setting, Matching(runs, datasets.load("auto").name))


def _images() -> int:
    """How many images a training sees at most."""
    return len(datasets.load("auto").x_train)


def _problems_key(study: Study) -> str:
    return f"study-problems.{study.name}"


def _start(study: Study, presets: Sequence[Preset], *, only_begun: bool = False) -> None:
    """Queues what is lacking now: since the button was drawn, another tab or click may have queued the same.

    A click that leaves a field comes together with what was typed there, which no page has been drawn with yet.
    """
    try:
        now = _plan_now(presets, _typed())
        if only_begun:
            now = Plan(tuple(cell for cell in now.startable if cell.run is not None))
        _, problems = start_plan(frame.store(), now, person=people.current())
    except LabError as error:
        problems = [str(error)]
    state.put(_problems_key(study), tuple(problems))


def _steer(study: Study, whole: Plan) -> None:
    def stop() -> None:
        # The queue first: else the worker would take the next as soon as the present one has stopped.
        try:
            for run in sorted(whole.under_way, key=lambda run: run.is_active):
                frame.services().stop(run.id)
        except LabError as error:
            state.put(_problems_key(study), (str(error),))

    with st.container(horizontal=True):
        if whole.under_way:
            st.button("Stop the study", icon=":material/stop:", on_click=stop, key="study-stop",
                      help="What waits leaves the queue; what trains keeps what it has learnt.")  # fmt: skip
        if any(cell.run is not None for cell in whole.startable):
            st.button("Resume", icon=":material/resume:", on_click=_start,
                      args=(study, members(study)), kwargs={"only_begun": True}, key="study-resume",
                      help="Takes up what was stopped, interrupted or failed.")  # fmt: skip

"""The Lab's tab Search: which fields are tried in which ranges, how the search goes, what it will take, its start."""

from __future__ import annotations

import json
import math
import textwrap
from dataclasses import replace
from typing import Any

import streamlit as st

from mnist_lab import forecast, formatting
from mnist_lab.errors import LabError
from mnist_lab.forecast import Probe
from mnist_lab.jobs import executors
from mnist_lab.shapes import Analysis
from mnist_lab.sweeps import search
from mnist_lab.sweeps.labels import labels_of
from mnist_lab.sweeps.outlook import Outlook, outlook
from mnist_lab.sweeps.preview import Preview, preview
from mnist_lab.sweeps.sweep import Search, Sweep
from mnist_lab.ui import frame, people, search_rows, sweep_list, widgets
from mnist_lab.ui.state import Workbench
from mnist_lab.ui.training_form import training_images

_MORE = ("seconds", "epochs", "seed")


def search_form(bench: Workbench, analysis: Analysis) -> None:
    """Draws the form, what the sweep will take, and the button that starts it."""
    searched = bench.searched
    st.caption(
        "Let the computer try networks and trainings for you. Choose what is to be tried, here or below the fields of "
        "a layer in the sidebar. Each trial is an ordinary run; all else stays as the Lab has it now."
    )
    search_rows.draw(bench)
    if searched.problem:
        st.error(frame.sentence(searched.problem))
    if not searched.dimensions:
        return
    _how(bench)
    try:
        sweep = searched.sweep(bench.architecture, bench.training)
    except LabError as error:
        frame.show_error(error)
        return
    text = json.dumps(sweep.to_dict(), sort_keys=True)
    try:
        expected = _previewed(text, sweep)
        _preview_words(expected, sweep)
        _forecast_words(sweep, text)
    except LabError as error:
        frame.show_error(error)
        return
    _start(bench, sweep, expected)


def _how(bench: Workbench) -> None:
    searched = bench.searched
    key = f"search-how.{bench.revision}.{searched.revision}"

    @bench.while_drawn
    @bench.searched.while_drawn
    def change(name: str, value: Any) -> None:
        try:
            searched.search = replace(searched.search, **{name: value})
            searched.problem = ""
        except LabError as error:
            searched.refuse(error)

    widgets.edit(searched.search, key, change, columns=3, skip=_MORE)
    with st.expander("More limits, and the seed of the search"):
        widgets.edit(searched.search, f"{key}.more", change, columns=3, skip=tuple(_but(_MORE)))


def _but(names: tuple[str, ...]) -> list[str]:
    return [name for name in Search.__dataclass_fields__ if name not in names]


@st.cache_data(show_spinner=False, max_entries=100)
def _previewed(text: str, _sweep: Sweep) -> Preview:
    """Reckoned once for each sweep: it looks at dozens of networks, and the form is drawn at every change."""
    return preview(_sweep)


@st.cache_data(show_spinner=False, max_entries=100, ttl=600)
def _expected(text: str, images: int, workers: int, probe_words: str, _sweep: Sweep, _probe: Probe | None) -> Outlook:
    """The same, as long as this machine is as it was."""
    earlier = frame.store().timed(forecast.RUNS_CONSIDERED)
    return outlook(_sweep, _probe, earlier, images=images, workers=workers)


def _preview_words(expected: Preview, sweep: Sweep) -> None:
    many = len(sweep.dimensions)
    fields = f"{many} field{'s' * (many != 1)}"
    if math.isinf(expected.combinations):
        said = [f"**{fields}**, any number of combinations."]
    else:
        said = [f"**{fields}, {formatting.count(expected.combinations)} combinations.**"]
    if expected.impossible:
        if expected.is_complete:
            which = f"{expected.impossible:,} of them {'is' if expected.impossible == 1 else 'are'}"
        else:
            share = 100 * expected.impossible / expected.sampled
            which = f"About {share:.0f} % ({expected.impossible} of {expected.sampled} tried out) are"
        said.append(f"{which} impossible and will be skipped: {frame.sentence(expected.why)}")
    if expected.parameters is not None:
        low, high = expected.parameters
        said.append(f"Networks of {low:,} to {high:,} parameters." if low < high else f"All have {low:,} parameters.")
    st.markdown(" ".join(said))


def _forecast_words(sweep: Sweep, text: str) -> None:
    store, workers = frame.store(), sweep.search.workers or _workers()
    probe = forecast.read_probe(store.note(forecast.probe_key(store.host)))
    expected = _expected(text, training_images(sweep.training), workers, repr(probe), sweep, probe)
    trials = f"{expected.trials:,} trial{'s' * (expected.trials != 1)}, {expected.epochs:,} epochs in all"
    if expected.low is None or expected.high is None:
        st.caption(f"Forecast: {trials}; the time is {frame.escape(expected.basis)}.")
        return
    at_once = "" if workers == 1 else f", {workers} at once"
    early = "" if sweep.search.pruner == "none" else "; less where trials are ended early"
    st.caption(
        f"Forecast: {trials}{at_once}: **{formatting.duration(expected.low)} to {formatting.duration(expected.high)}**"
        f"{early}. The time is {frame.escape(expected.basis)}."
    )


@st.cache_resource(show_spinner=False, ttl=60)
def _workers() -> int:
    """How many trainings there are at once where nobody says it."""
    return executors.default_size()


def _start(bench: Workbench, sweep: Sweep, expected: Preview) -> None:
    searched = bench.searched
    made_up = _made_up(sweep)
    key = f"search-name.{bench.revision}"

    @bench.while_drawn
    def keep() -> None:
        searched.name = st.session_state[key]

    st.text_input("Name of the sweep", searched.name, 200, key=key, on_change=keep, placeholder=made_up)
    can_run = search.have_optuna()
    if not can_run:
        st.warning(frame.sentence(f"{search.MISSING} {search.INSTALL}"))
    hopeless = expected.impossible == expected.sampled
    if hopeless:
        st.warning("None of the networks that were tried out is possible. Change the network, or the ranges.")
    if st.button("Start the sweep", type="primary", icon=":material/play_arrow:", key="start-sweep", width="stretch",
                 disabled=hopeless or not can_run):  # fmt: skip
        with frame.errors_in_words():
            named = sweep if sweep.name.strip() else replace(sweep, name=made_up)
            record = frame.services().start_sweep(named, people.current())
            sweep_list.choose(record.id)
            st.switch_page("pages/sweeps.py")


def _made_up(sweep: Sweep) -> str:
    """A name for a sweep that has none: what it searches."""
    labels = labels_of(sweep.architecture, sweep.training, sweep.dimensions).values()
    return textwrap.shorten(", ".join(label.replace(" · ", " ") for label in labels), 80, placeholder=" …")

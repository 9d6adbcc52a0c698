"""What frames every page: errors in words, the services, the badge of the running training."""

from __future__ import annotations

import gc
import logging
import re
import runpy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import streamlit as st

from mnist_lab import formatting, public
from mnist_lab.datasets import Dataset
from mnist_lab.errors import LabError
from mnist_lab.jobs import JobManager, job_manager
from mnist_lab.settings import read_settings
from mnist_lab.starter import register as register_starter
from mnist_lab.store import Run, RunStore
from mnist_lab.ui import pace, state

BADGE_SECONDS = 2.0
WAKING_SECONDS = 0.5  # between two looks whether the network is awake

_log = logging.getLogger(__name__)


APP = Path(__file__).resolve().parent.parent.parent / "app.py"

# What Markdown would take for its own within a sentence or at its beginning; a variable's name has underscores too.
_MARKUP = re.compile(r"[\\`*\[\]$~<]|(?<!\w)_|_(?!\w)|:(?=[A-Za-z])|&(?=#?\w+;)|^[#+=>-]|(?<=^\d)[.)]")

# What escapes do not keep from being taken for addresses, emoji and icons.
_READ_LATE = re.compile(r"https?:(?=//)|www(?=\.)|\w(?=@\w)|:(?=[\w+/-]+:)", re.IGNORECASE)

_is_around: ContextVar[bool] = ContextVar("frame_is_around", default=False)


@contextmanager
def around_page(address: str) -> Iterator[None]:
    """What `app.py` puts around the page that it runs."""
    token = _is_around.set(True)
    try:
        with errors_in_words():
            needs_login()
            badge()
            yield
            _spare_the_collector(address)
    finally:
        _is_around.reset(token)


@st.cache_resource(show_spinner=False)
def _spare_the_collector(address: str) -> bool:
    """Takes what the first visit to a page has imported out of Python's search for garbage.

    Streamlit has all objects searched after every run of a page, 0.14 s of computing in which nobody else is served;
    nearly all of them are modules and stay for good.
    """
    gc.collect()
    gc.freeze()
    return True


def needs_login() -> None:
    """Where Streamlit's login is configured, a page shows nothing to those who have not logged in."""
    # The attribute exists where the login is configured, and nowhere else.
    if hasattr(st.user, "is_logged_in") and not st.user.is_logged_in:
        st.title("MNIST Lab")
        st.caption("This laboratory is for people who log in.")
        st.button("Log in", on_click=st.login, key="frame.login", type="primary")
        st.stop()


def needs_app() -> None:
    """The first line of each page: has `app.py` run first.

    Streamlit runs a file of ``pages/`` by itself for the first visitor since the start of the server, if that one opens
    its address: it learns only from `app.py` that the pages are listed there.
    """
    if not _is_around.get():
        runpy.run_path(str(APP), run_name="__main__")
        st.stop()


@contextmanager
def errors_in_words() -> Iterator[None]:
    """Shows an error as a sentence with its remedy; what was not foreseen goes to the log in full."""
    try:
        yield
    except LabError as error:
        show_error(error)
    except Exception as error:
        _log.exception("a page failed")
        st.error(f"Something went wrong here ({type(error).__name__}). The server's log has the details.", icon="🚧")


def show_error(error: LabError) -> None:
    """Shows an error as a sentence with its remedy."""
    said, remedy = sentence(error.message), sentence(error.remedy)
    st.error(f"{said}\n\n{remedy}" if remedy else said, icon="⚠️")


def sentence(words: object) -> str:
    """What an error says, for a page: in one line, as it was meant, and without the places of this machine.

    It may quote what anyone typed or sent, and name files of the server, which are nobody's business who visits it.
    """
    line = " ".join(public.without_paths(str(words), *_places()).splitlines())
    return _MARKUP.sub(r"\\\g<0>", _parted(line))


def _places() -> tuple[Path, ...]:
    """Where this server keeps its things."""
    try:
        settings = read_settings()
    except LabError:  # which is what is being said
        return ()
    return tuple(place for place in (settings.home, settings.data) if place is not None)


def attempt(action: Callable[..., Any], *arguments: Any, **more: Any) -> None:
    """Does what a widget asks for; if it fails, `failure` says why when the page is drawn next."""
    try:
        action(*arguments, **more)
    except LabError as error:
        state.put("failure", str(error))


def failure() -> None:
    """Shows once what `attempt` could not do."""
    if said := state.get("failure", ""):
        st.error(sentence(said))
        state.put("failure", "")


@st.cache_resource(show_spinner=False)
def services() -> JobManager:
    """The job manager of this server.

    Raises:
        SettingError: If an environment variable is wrong.
        StoreError: If the run store cannot be opened.
    """
    manager = job_manager()
    register_starter(manager.store)
    return manager


def store() -> RunStore:
    """The run store of this server."""
    return services().store


def waking() -> None:
    """Says that the network cannot answer yet."""
    st.markdown("### One moment")
    st.caption("The network is waking up; this takes some seconds after the program's start.")


def badge() -> None:
    """The training that is under way, on every page; it notices what other tabs and the command line start."""
    every = pace.slowed(BADGE_SECONDS)
    with st.sidebar:
        st.fragment(_badge, run_every=every)(every)


def _badge(every: float) -> None:
    with errors_in_words():
        if pace.slowed(BADGE_SECONDS) != every:
            st.rerun()
        active, waiting = store().active(), store().waiting()
        # Not each trial of a sweep: while one runs, the page would be drawn anew every few seconds.
        whats = {(run.sweep, "") if run.sweep else (run.id, run.status) for run in active}
        seen = whats, store().waiting_for(None)
        if st.session_state.setdefault("kept.badge", seen) != seen:
            st.session_state["kept.badge"] = seen
            st.rerun()
        for run in active[:3]:
            with st.container(border=True, key=f"badge-{run.id[:8]}"):
                st.markdown(f"{_sign(run)} **{escape(run.name)}**")
                st.caption(progress_words(run))
                st.progress(run.share_done)
        if waiting:
            st.caption(f"{waiting} more in the queue")
        if services().problem:
            st.caption(f"⚠️ {sentence(services().problem)}")


def data_notice(dataset: Dataset) -> None:
    """Announces data that are not MNIST, how its download is getting on, and a way to try it again."""
    if not dataset.notice:
        return
    words = services().data_words
    st.info("\n\n".join(sentence(each) for each in (dataset.notice, words) if each))
    if words and dataset.name == "digits":
        st.button("Try the download again", on_click=services().fetch_data, kwargs={"again": True}, key="fetch-data")


def _sign(run: Run) -> str:
    return "⏸" if run.status == "paused" else ":green[●]"


def escape(text: str) -> str:
    """Text of a user as it was typed, not as Markdown."""
    return "".join(f"\\{ch}" if ch in r"\`*_{}[]()#+-.!|$~<>:&" else ch for ch in _parted(text))


def _parted(text: str) -> str:
    """Text with something that nobody sees within what is made into links and pictures once Markdown has been read."""
    return _READ_LATE.sub("\\g<0>\u2060", text)


def progress_words(run: Run) -> str:
    """Where a training is: ``"epoch 3 of 10, step 120 of 430 · 12,300 images/s · 1 min 05 s left"``."""
    progress = run.progress or {}
    if run.status == "queued":
        return "waiting in the queue"
    words = ["paused"] if run.status == "paused" else []
    phase = progress.get("phase", "starting")
    if phase in ("training", "validating") and progress.get("epoch"):
        words.append(f"epoch {progress['epoch']} of {progress.get('epochs', '?')}")
        words.append(
            f"step {progress.get('step', 0)} of {progress.get('steps', '?')}" if phase == "training" else phase
        )
    else:
        words.append(
            {"starting": "starting", "loading": "loading the images", "building": "building the network"}.get(
                phase, phase
            )
        )
    if progress.get("images_per_second") and run.status == "running":
        words.append(f"{progress['images_per_second']:,.0f} images/s")
    if progress.get("seconds_left") is not None and run.status == "running":
        words.append(f"{formatting.duration(progress['seconds_left'])} left")
    return " · ".join(words)

"""The address bar: what it asks of a page, once, and that it says what the page shows.

Every address that this session writes is remembered. An address that comes back is not news: a click that was made
before the browser had the newer address still carries the older one, and must not undo what was done in between.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from mnist_lab.ui import state

MAX_REMEMBERED = 1_000

_PAGE, _BEFORE, _KNOWN = "page", "page-before", "addresses"


def turn_to(page: str) -> None:
    """Notes which page is drawn; `app.py` says so at each run.

    Args:
        page: The page's path in the address; ``""`` for the first one.
    """
    state.put(_BEFORE, state.get(_PAGE, None))
    state.put(_PAGE, page)


def asked(*names: str) -> dict[str, str] | None:
    """What the address asks of the page: a link that was opened, or the browser's Back and Forward within the page.

    Args:
        names: The parameters that the page knows.

    Returns:
        Those parameters that the address has; None if it asks nothing that was not answered already.
    """
    given = {name: st.query_params[name] for name in names if name in st.query_params}
    is_news = bool(given) and _mark(given) not in _known()
    if is_news or went_back():
        _remember(given)
        return given
    return None


def has(name: str) -> bool:
    """Whether the address has a parameter."""
    return name in st.query_params


def went_back() -> bool:
    """Whether the browser's Back or Forward led from one address of this page to another.

    Coming back from another page is something else: the page shows what this session has by now.
    """
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation and state.get(_BEFORE, "") == state.get(_PAGE, "")


def follow(**values: str | None) -> None:
    """Makes the address say what the page shows; nothing is sent if it says so already.

    Args:
        values: The parameters that the page knows; those that are None or empty are left out of the address.
    """
    wanted = {name: value for name, value in values.items() if value}
    # Before it is written: the browser may answer at once.
    _remember(wanted)
    present = {name: st.query_params[name] for name in values if name in st.query_params}
    if present != wanted:
        others = {name: value for name, value in st.query_params.to_dict().items() if name not in values}
        st.query_params.from_dict({**others, **wanted})


def link(page: str, parameters: Mapping[str, str]) -> str:
    """The whole address of a page, as this browser has it.

    Args:
        page: The page's path, as ``"lab"``.
        parameters: What follows the question mark.
    """
    here = st.context.url or ""
    home = here.removesuffix("/").removesuffix(f"/{state.get(_PAGE, '')}").removesuffix("/")
    # A comma needs no escape here, and without one people can read the address.
    return f"{home}/{page}?{urlencode(parameters, safe=',')}"


def _known() -> dict[int, None]:
    known: dict[int, None] = st.session_state.setdefault(f"kept.{_KNOWN}", {})
    return known


def _mark(parameters: Mapping[str, str]) -> int:
    return hash((state.get(_PAGE, ""), tuple(sorted(parameters.items()))))


def _remember(parameters: Mapping[str, str]) -> None:
    known = _known()
    known[_mark(parameters)] = None
    while len(known) > MAX_REMEMBERED:
        del known[next(iter(known))]

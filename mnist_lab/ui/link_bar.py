"""The Lab's link: the address says which network and training are on the workbench, and opens them elsewhere."""

from __future__ import annotations

import streamlit as st

from mnist_lab import links
from mnist_lab.errors import LabError
from mnist_lab.shapes import analyse
from mnist_lab.studies import presets
from mnist_lab.ui import address, frame, state
from mnist_lab.ui.state import Workbench, first_workbench

PAGE = "lab"
_SAID = "link-said"


def take_up(bench: Workbench) -> None:
    """Puts what the address asks for onto the workbench; to be called before anything of it is drawn."""
    if asked := address.asked(links.PARAMETER):
        _open(bench, asked[links.PARAMETER], is_said=not address.went_back())


def link_bar(bench: Workbench) -> None:
    """Lets the address follow the workbench, and draws the link to copy and the place to paste one."""
    code, problem = "", ""
    try:
        code = links.encode(bench.architecture, bench.training, bench.name)
    except LabError as error:
        problem = str(error)
    # Every change of the address is one more step for the browser's Back: none is made only to say how all begin.
    if address.has(links.PARAMETER) or _state_of(bench) != _state_of(first_workbench()):
        address.follow(**{links.PARAMETER: code})
    with st.popover("Link", icon=":material/link:", help="The network, its training and the seed as a link."):
        if problem:
            st.warning(frame.sentence(problem))
        else:
            st.markdown("**This network, its training and the seed**")
            st.code(address.link(PAGE, {links.PARAMETER: code}), language=None, wrap_lines=True)
            st.caption("It holds all of it: open it as an address, or paste it below wherever this program runs.")
        # Another key each time, so that the field is empty again.
        key = f"paste-link.{state.get('pasted', 0)}"

        def pasted() -> None:
            text = st.session_state[key]
            if text.strip():
                _open(bench, text, is_said=True)
                state.put("pasted", state.get("pasted", 0) + 1)

        st.text_input(
            "Open a link", key=key, max_chars=links.MAX_ADDRESS, on_change=pasted, placeholder="Paste it here"
        )


def said(bench: Workbench) -> None:
    """Says what became of the last link, until the workbench is changed."""
    of, is_good, words = state.get(_SAID, ((), True, ""))
    if not words or of != _state_of(bench):
        state.put(_SAID, ((), True, ""))
    elif is_good:
        st.info(words, icon=":material/link:")
    else:
        st.error(f"{frame.sentence(words)}\n\nThe network here is as it was.", icon="⚠️")


def network_link(network: links.Linked) -> str:
    """The address that opens a network and its training in the Lab.

    Raises:
        LinkError: If they are too large for a link.
    """
    return address.link(PAGE, {links.PARAMETER: links.encode(*network)})


def _open(bench: Workbench, text: str, *, is_said: bool) -> None:
    try:
        found = links.decode(text)
    except LabError as error:
        state.put(_SAID, (_state_of(bench), False, str(error)))
        return
    words = ""
    if (found.architecture, found.training, found.name) != _state_of(bench):
        bench.open(*found, _preset_of(found))
        words = _words(found)
    state.put(_SAID, (_state_of(bench), True, words if is_said else ""))


def _state_of(bench: Workbench) -> tuple[object, ...]:
    return bench.architecture, bench.training, bench.name


def _words(found: links.Linked) -> str:
    training, analysis = found.training, analyse(found.architecture)
    name = frame.escape(found.name or found.architecture.summary)
    size = "an impossible network" if analysis.problem else f"{analysis.parameters:,} parameters"
    how = f"{training.optimizer.kind} {training.optimizer.learning_rate:g}"
    return (
        f"Opened from a link: **{name}**, {size}; {how}, {training.epochs} epochs, seed {training.seed}. "
        "Undo brings back what was here before."
    )


def _preset_of(found: links.Linked) -> str | None:
    """The preset that this is, so far as the network tells: several have the same and are trained differently."""
    same = {name: each for name, each in presets().items() if each.architecture == found.architecture}
    alike = [name for name, each in same.items() if each.training == found.training]
    return next(iter(alike or (same if len(same) == 1 else ())), None)

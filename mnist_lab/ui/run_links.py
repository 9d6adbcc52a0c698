"""Links to runs: the address says which runs are selected and how they are looked at, and opens them again.

A run stands in this program's store: its link opens it for all who use the same store. Its network and its training go
anywhere, as a link to the Lab.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from mnist_lab import links
from mnist_lab.errors import LabError
from mnist_lab.store import Run, RunStore
from mnist_lab.ui import address, frame, run_table, run_views, state
from mnist_lab.ui.link_bar import network_link

PAGE = "runs"
RUN, VIEW = "run", "view"
_KEPT_VIEW = "run-view"
_SAID = "run-link-said"
_MOST_NAMED = 20


def take_up(store: RunStore) -> None:
    """Selects the runs that the address asks for, and says which of them are not there."""
    asked = address.asked(RUN, VIEW)
    if asked is not None:
        found = find(asked[RUN], store) if RUN in asked else []
        run_table.select(run.id for run in found)
        view = asked.get(VIEW, "")
        state.put(_KEPT_VIEW, view if view in {each.name for each in run_views.VIEWS} else "")
    said()


def find(text: str, store: RunStore, can_be_shown: Callable[[Run], bool] = lambda run: True) -> list[Run]:
    """The runs that a link names, in its order; `said` says what is wrong with the others.

    Args:
        text: What the address has under `RUN`.
        store: Where they are looked for, deleted ones too.
        can_be_shown: Which of them can be shown.
    """
    state.put(_SAID, "")
    try:
        ids = links.run_ids(text)
    except LabError as error:
        state.put(_SAID, str(error))
        return []
    matching = {each: [run for run in store.beginning(each) if can_be_shown(run)] for each in ids}
    missing = [each for each, found in matching.items() if len(found) != 1]
    if missing:
        state.put(_SAID, _why(missing, store))
    return list({found[0].id: found[0] for found in matching.values() if len(found) == 1}.values())


def note_gone(store: RunStore) -> None:
    """Notes which selected runs somebody else has deleted since this page was drawn; `said` says so."""
    there = store.which_are_there(run_table.selection())
    gone = [each for each in run_table.selection() if each not in there and each not in state.get("deleted", [])]
    if gone:
        known = {run.id: run.name for run in store.runs(ids=gone[:_MOST_NAMED], deleted=True)}
        names = ", ".join(repr(known.get(each, each[:8])) for each in gone[:_MOST_NAMED])
        names += f" and {len(gone) - _MOST_NAMED:,} more" * (len(gone) > _MOST_NAMED)
        were = "Run {}, which was selected, was" if len(gone) == 1 else "Runs {}, which were selected, were"
        state.put(_SAID, f"{were.format(names)} deleted elsewhere.")


def said() -> None:
    """Shows which runs are not there any more, until it is closed or another link is opened."""
    # A place of its own, full or not: what stands below would be drawn anew when it comes, and an open fold be closed.
    place = st.empty()
    if words := state.get(_SAID, ""):
        with place.container(horizontal=True, vertical_alignment="center"):
            st.warning(frame.sentence(words), icon=":material/link_off:")
            st.button("Close", on_click=state.put, args=(_SAID, ""), key="close-link-said")


def link_bar(chosen: list[Run]) -> None:
    """Lets the address follow the selection, and draws the links to copy."""
    view = state.get(_KEPT_VIEW, "")
    shown = run_views.Shown(frame.store(), chosen, chosen)
    is_shown = any(each.name == view and each.applies(shown) for each in run_views.VIEWS)
    can_be_linked = 0 < len(chosen) <= links.MAX_RUNS
    parameters = {RUN: ",".join(run.id for run in chosen)} if can_be_linked else {}
    if parameters and is_shown:
        parameters[VIEW] = view
    address.follow(**{RUN: None, VIEW: None, **parameters})
    if not parameters:
        return
    with st.popover("Link", icon=":material/link:", help="To this page with what is selected, or to the network."):
        st.markdown("**This page**, for all who use this program's runs")
        st.code(address.link(PAGE, parameters), language=None, wrap_lines=True)
        if len(chosen) == 1:
            st.markdown("**Its network, training and seed**, for the Lab of anybody")
            with frame.errors_in_words():
                run = chosen[0]
                network = links.Linked(run.network(), run.config(), run.name)
                st.code(network_link(network), language=None, wrap_lines=True)


def _why(missing: list[str], store: RunStore) -> str:
    gone = [each for each in missing if store.beginning(each, deleted=True)]
    words = []
    if gone:
        words.append(f"{_named(gone)} deleted.")
    if unknown := [each for each in missing if each not in gone]:
        words.append(
            f"{_named(unknown)} not in this program's store: it belongs to another one, or was deleted for good."
        )
    return " ".join(words)


def _named(ids: list[str]) -> str:
    names = ", ".join(each[:8] for each in ids)
    return f"Run {names} of the link is" if len(ids) == 1 else f"Runs {names} of the link are"

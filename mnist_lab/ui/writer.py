"""Whose digits a session keeps: the login where the server has one, else a name that was typed once.

A typed name is no secret and no login. That nobody sees another's digits by accident is held by asking: a name under
which digits are kept already is taken only by who says that they are theirs.
"""

from __future__ import annotations

import streamlit as st

from mnist_lab.errors import LabError
from mnist_lab.store.digits import MAX_WRITER, clean_writer
from mnist_lab.ui import frame, state

_WRITER, _ASKED = "writer", "writer-asked"
_OF_LOGINS = "@"


def current() -> str:
    """The name under which this session keeps digits; ``""`` as long as there is none."""
    return login() if _has_login() else login() or state.get(_WRITER, "")


def login() -> str:
    """The login of this session, which no other person has; ``""`` where the server has no logins, or nobody is in."""
    if _has_login():
        return _of_login() or ""
    # A proxy that lets only people with a login in says who they are; it is believed where the server was told to.
    if st.get_option("server.trustedUserHeaders"):
        found = next((each for name in ("email", "sub") if (each := st.user.get(name))), "")
        return clean_writer(str(found)[:MAX_WRITER]) if found else ""
    return ""


def _has_login() -> bool:
    # The attribute exists where Streamlit's login is configured, and nowhere else.
    return hasattr(st.user, "is_logged_in")


def _of_login() -> str | None:
    if not st.user.is_logged_in:
        return None
    return clean_writer(str(getattr(st.user, "email", None) or f"{st.user.sub}{_OF_LOGINS}login")[:MAX_WRITER])


def ask(key: str) -> None:
    """Asks for the name, or for the login.

    Args:
        key: Prefix of the widgets' keys, unique on the page.
    """
    if _has_login():
        st.caption("Your digits are kept under your login.")
        st.button("Log in", on_click=st.login, key=f"{key}.login", type="primary")
        return
    st.text_input("Your name", max_chars=MAX_WRITER, key=f"{key}.name", on_change=_typed, args=(f"{key}.name",),
                  placeholder="a name, or any word that is yours",
                  help="Your digits are kept under it, on this server. It is no password: who types the same name and "
                       "says that it is theirs sees them.")  # fmt: skip
    if asked := state.get(_ASKED, ""):
        count = frame.store().writers().get(asked, 0)
        st.warning(f"{frame.escape(asked)} has {count:,} digits here already. Are they yours?", icon="🖐️")
        with st.container(horizontal=True):
            st.button("They are mine", on_click=_take, args=(asked,), key=f"{key}.mine")
            st.button("Another name", on_click=state.put, args=(_ASKED, ""), key=f"{key}.other")
    else:
        st.button("Use this name", on_click=_typed, args=(f"{key}.name",), key=f"{key}.use")
    frame.failure()


def change() -> None:
    """A button by which the session gives up its name; a login is left where it was made."""
    if _has_login():
        st.button("Log out", on_click=st.logout, key="writer.logout")
    elif not login():
        st.button("Another name", on_click=_leave, key="writer.change", help="What is kept under this one stays.")


def _typed(widget: str) -> None:
    try:
        name = clean_writer(st.session_state.get(widget, ""))
        if _OF_LOGINS in name:
            raise LabError(f"A name has no {_OF_LOGINS}: those with one are of people who log in.", "Leave it out.")
        # Anna and anna are one person oftener than two.
        known = next((each for each in frame.store().writers() if each.casefold() == name.casefold()), "")
    except LabError as error:
        state.put("failure", str(error))
        return
    if known:
        state.put(_ASKED, known)
    else:
        _take(name)


def _take(name: str) -> None:
    state.put(_WRITER, name)
    state.put(_ASKED, "")


def _leave() -> None:
    state.put(_WRITER, "")

"""Who works in this session, as far as it must be known so that people take turns: nothing of it is kept but a hash."""

from __future__ import annotations

import secrets

import streamlit as st

from mnist_lab.ui import frame, state, writer

# Streamlit gives each browser one, against requests from other sites; it lasts as long as the browser runs.
_COOKIE = "_streamlit_xsrf"
_OF_SESSION = "person-of-session"


def current() -> str:
    """What stands for the person of this session in the run store.

    The login where the server has one. Else all tabs of one browser are one person; that is no proof, and a private
    window is somebody else.
    """
    return frame.store().person(_who())


def _who() -> str:
    if login := writer.login():
        return f"login of {login}"
    if browser := token(st.context.cookies.get(_COOKIE, "")):
        return f"browser with {browser}"
    # Without a cookie, as where a proxy takes it away.
    if address := st.context.ip_address:
        return f"address {address}"
    if not state.get(_OF_SESSION, ""):
        state.put(_OF_SESSION, secrets.token_hex(16))
    return f"session {state.get(_OF_SESSION, '')}"


def token(cookie: str) -> str:
    """What is the same in each form of a browser's cookie, which is written with another mask at each answer.

    Args:
        cookie: As ``2|mask|masked token|time``, mask and token in hexadecimal digits.

    Returns:
        The token; ``""`` if the cookie is not of this form.
    """
    parts = cookie.strip("\"'").split("|")
    try:
        mask, masked = (bytes.fromhex(part) for part in parts[1:3])
    except ValueError:
        return ""
    if parts[0] != "2" or len(parts) != 4 or len(mask) != 4 or not masked:
        return ""
    return bytes(byte ^ mask[place % 4] for place, byte in enumerate(masked)).hex()

"""What `app.py` adds to Streamlit's web server: who may ask, what a browser may do with the answers, an orderly end."""

from __future__ import annotations

import base64
import hashlib
import logging
import re
import signal
import threading
import webbrowser
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import streamlit as st
import uvicorn
from starlette.datastructures import Headers as HeaderFields
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mnist_lab import logs

_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
POLICY_VIOLATION = 1008
HEALTH = "/_stcore/health"

_log = logging.getLogger(__name__)


def content_policy() -> str:
    """What a page may load and run: what this server gives, and nothing that was written into it."""
    page = Path(st.__file__).parent / "static" / "index.html"
    inline = _INLINE_SCRIPT.findall(page.read_text(encoding="utf-8")) if page.exists() else []
    hashes = [base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in inline]
    # Streamlit loads the program's components from blobs; it and Plotly write styles into the page.
    scripts = " ".join(["'self'", "'wasm-unsafe-eval'", "blob:", *(f"'sha256-{each}'" for each in hashes)])
    return "; ".join(
        [
            "default-src 'self'",
            f"script-src {scripts}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "media-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self' data: blob:",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ]
    )


def headers() -> dict[str, str]:
    """The headers of every answer, by name."""
    return {
        "Content-Security-Policy": content_policy(),
        "X-Content-Type-Options": "nosniff",
        # A link may hold a network; it is nobody else's business.
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), payment=(), usb=()",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }


class Headers:
    """Adds headers to every answer over HTTP that does not have them.

    Args:
        app: Who answers.
        headers: What to add, by name.
    """

    def __init__(self, app: ASGIApp, headers: dict[str, str]) -> None:
        self._app, self._headers = app, headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    given.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class Origins:
    """Refuses a websocket to the pages of other sites, those of other ports of this machine among them.

    Streamlit lets the latter in, and before it refuses the former it asks a server of the internet for its own address,
    while all that it serves wait.

    Args:
        app: Who answers.
        allowed: Origins that may, as ``"https://lab.example.org"``.
    """

    def __init__(self, app: ASGIApp, allowed: Collection[str] = ()) -> None:
        self._app, self._allowed = app, frozenset(allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] == "websocket":
            asked = HeaderFields(scope=scope)
            origin = asked.get("origin")
            # A program sends none; a browser always does.
            if origin is not None and origin not in self._allowed and origin.partition("://")[2] != asked.get("host"):
                await send({"type": "websocket.close", "code": POLICY_VIOLATION})
                return
        await self._app(scope, receive, send)


class Hosts(TrustedHostMiddleware):
    """Refuses who asks by a name that is not allowed; a monitor, which may ask by any, learns whether it lives."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        base = st.get_option("server.baseUrlPath").strip("/")
        if scope["type"] == "http" and scope["path"] == (f"/{base}" if base else "") + HEALTH:
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def middleware() -> list[Middleware]:
    """What stands before Streamlit, which guards only its websocket by ``server.allowedHosts``."""
    # Streamlit writes an IPv6 address without brackets, a browser with them.
    hosts = [f"[{host}]" if ":" in host else host for host in st.get_option("server.allowedHosts")]
    return [
        Middleware(Headers, headers=headers()),
        Middleware(Hosts, allowed_hosts=hosts or ["*"], www_redirect=False),
        Middleware(Origins, allowed=st.get_option("server.corsAllowedOrigins")),
    ]


@asynccontextmanager
async def lifespan(_: Any) -> AsyncIterator[None]:
    """What is done when the server has started, and when it ends."""
    # As Python itself prints where nothing is set up.
    logs.set_up("app", logging.WARNING)
    _log.info("the server has started")
    _end_in_order()
    _show()
    yield
    _log.info("the server ends")


def _end_in_order() -> None:
    """Has a signal end the server, and the process then as it does by itself.

    Uvicorn would raise the signal once more after its end: nothing that is registered with `atexit` would be done.
    """
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    if not isinstance(server, uvicorn.Server):
        return

    def end(number: int, frame: FrameType | None) -> None:
        # Who presses Ctrl-C once more does not wait for what is being answered.
        server.force_exit = server.should_exit and number == signal.SIGINT
        server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    # Uvicorn gives back Python's own handler at its end; pressed again while Python waits for its threads, Ctrl-C would
    # leave a trace. What is registered with `atexit` comes after that.
    register = getattr(threading, "_register_atexit", None)
    if register is not None:
        register(signal.signal, signal.SIGINT, signal.SIG_IGN)


def _show() -> None:
    """Opens the first page on a desktop, as Streamlit does for a script that is no `App`."""
    if not st.get_option("server.headless"):
        scheme = "https" if st.get_option("server.sslCertFile") else "http"
        port, base = st.get_option("browser.serverPort"), st.get_option("server.baseUrlPath").strip("/")
        webbrowser.open(f"{scheme}://localhost:{port}/{base}")

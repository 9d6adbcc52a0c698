"""The program behind nginx, as `docs/shared.md` has it: a real nginx with TLS and passwords before a real server."""

from __future__ import annotations

import base64
import http.client
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.browser.actions import PATIENCE, eventually, settled
from tests.browser.server import ROOT, Server, free_port, open_page

NAME = "lab.example.org"
USER, PASSWORD = "anna@example.org", "a long password"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")

pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.skipif(NGINX is None or shutil.which("openssl") is None, reason="there is no nginx, or no openssl"),
]


@dataclass
class Proxy:
    """A running nginx, and the server behind it."""

    port: int
    behind: Server

    @property
    def authority(self) -> str:
        return f"{NAME}:{self.port}"

    def ask(self, path: str = "/", name: str = NAME, host: str = "", login: bool = True, **fields: str) -> Any:
        """The answer to one request over TLS, with its body read into `said`."""
        context = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=PATIENCE, context=context)
        connection.sock = context.wrap_socket(
            socket.create_connection(("127.0.0.1", self.port), PATIENCE), server_hostname=name
        )
        try:
            known = {"Authorization": basic(USER, PASSWORD)} if login else {}
            connection.request("GET", path, headers={"Host": host or self.authority, **known, **fields})
            answer: Any = connection.getresponse()
            answer.said = answer.read()
            return answer
        finally:
            connection.close()


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def configured(folder: Path, port: int, upstream: int) -> str:
    """The configuration of the documents, with our certificate, passwords and ports; no line more, none less."""
    text = (ROOT / "docs" / "nginx.conf").read_text(encoding="utf-8")
    changes = {
        "listen 443": f"listen 127.0.0.1:{port}",
        "127.0.0.1:8501": f"127.0.0.1:{upstream}",
        f"/etc/ssl/certs/{NAME}.pem": str(folder / "cert.pem"),
        f"/etc/ssl/private/{NAME}.key": str(folder / "key.pem"),
        "auth_basic_user_file /etc/nginx/mnist-lab.htpasswd": f"auth_basic_user_file {folder / 'passwords'}",
    }
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    user = "user root;" if os.getuid() == 0 else ""
    kept = " ".join(
        f"{kind}_temp_path {folder / kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        f"daemon off; {user} worker_processes 1; pid {folder / 'pid'}; error_log {folder / 'error.log'};"
        f"events {{}} http {{ access_log off; {kept}\n{text}\n}}"
    )


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, start_server: Any) -> Iterator[Proxy]:
    """nginx before the program, which knows the name that people use and whom it is to believe who they are."""
    folder = tmp_path_factory.mktemp("nginx")
    port = free_port()
    server = start_server(
        ROOT / "app.py",
        options=[f"--server.allowedHosts={NAME}", '--server.trustedUserHeaders={"X-Forwarded-Email": "email"}'],
    )
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={NAME}",
         "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")],
        check=True, capture_output=True,
    )  # fmt: skip
    scrambled = subprocess.run(
        ["openssl", "passwd", "-apr1", "-stdin"], input=PASSWORD, check=True, capture_output=True, text=True
    )
    (folder / "passwords").write_text(f"{USER}:{scrambled.stdout.strip()}\n")
    (folder / "nginx.conf").write_text(configured(folder, port, server.port))
    process = subprocess.Popen([str(NGINX), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")])
    try:
        found = Proxy(port, server)
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                found.ask("/_stcore/health")
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < deadline, (folder / "error.log").read_text()
                time.sleep(0.05)
        yield found
    finally:
        process.terminate()
        process.wait(10)


def test_without_the_password_nothing_is_shown(proxy: Proxy) -> None:
    for path in ("/", "/_stcore/health", "/app/static/icon.png", "/_stcore/stream"):
        assert proxy.ask(path, login=False).status == 401
        assert proxy.ask(path, login=False, Authorization=basic(USER, "a guess")).status == 401
    assert proxy.ask().status == 200


def test_by_another_name_nothing_is_shown(proxy: Proxy) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError)):
        proxy.ask(name="other.example.org")
    with pytest.raises(http.client.RemoteDisconnected):
        proxy.ask(host=f"other.example.org:{proxy.port}")
    # Nor past the proxy, from this machine: the program knows the one name only.
    connection = http.client.HTTPConnection("127.0.0.1", proxy.behind.port, timeout=PATIENCE)
    connection.request("GET", "/")
    assert connection.getresponse().status == 400
    connection.close()


def test_the_headers_of_the_program_come_through_and_the_password_does_not(proxy: Proxy) -> None:
    answer = proxy.ask()
    assert "frame-ancestors 'none'" in answer.getheader("Content-Security-Policy")
    assert answer.getheader("X-Content-Type-Options") == "nosniff"
    assert answer.getheader("Strict-Transport-Security")
    assert not re.search(r"\d", answer.getheader("Server"))


def test_the_page_of_another_site_cannot_steer_this_one_through_the_proxy(proxy: Proxy) -> None:
    def status(origin: str) -> int:
        try:
            with connect(
                f"wss://{proxy.authority}/_stcore/stream", address=("127.0.0.1", proxy.port), proxy=None,
                origin=origin, additional_headers={"Authorization": basic(USER, PASSWORD)},
                ssl=ssl._create_unverified_context(), open_timeout=PATIENCE,
            ) as opened:  # fmt: skip
                return int(opened.response.status_code)
        except InvalidStatus as refused:
            return int(refused.response.status_code)

    assert status(f"https://{proxy.authority}") == 101
    assert status("https://evil.example") == 403
    assert status(f"https://{NAME}") == 403, "another port is another site"


def test_the_pages_work_through_the_proxy_and_take_an_upload(proxy: Proxy, start_browser: Any, tmp_path: Path) -> None:
    image = Image.new("L", (200, 200), 255)
    ImageDraw.Draw(image).line([(100, 30), (100, 170)], fill=0, width=16)
    image.save(tmp_path / "one.png")
    browser = start_browser(f"--host-resolver-rules=MAP {NAME} 127.0.0.1")
    login = {"username": USER, "password": PASSWORD}
    context = browser.new_context(
        ignore_https_errors=True, http_credentials=login, viewport={"width": 1280, "height": 900}
    )
    errors: list[str] = []
    page = context.new_page()
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    try:
        open_page(page, f"https://{proxy.authority}/", "Draw a digit")
        page.locator("canvas.upper-canvas").wait_for(timeout=PATIENCE * 1000)
        page.get_by_role("radio", name="Upload").click()
        page.locator("input[type=file]").wait_for(state="attached", timeout=PATIENCE * 1000)
        page.locator("input[type=file]").set_input_files(tmp_path / "one.png")
        eventually(page, lambda: page.get_by_text("The ink in it").count(), lambda count: count > 0)
        for name in ("Runs", "Data", "My digits"):
            page.get_by_role("link", name=name, exact=True).click()
            page.get_by_role("heading", name=name, exact=True).wait_for(timeout=PATIENCE * 1000)
            settled(page)
        assert errors == []
    finally:
        context.close()
        browser.close()

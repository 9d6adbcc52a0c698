"""Who is let in, by the real server as it is started by default, and what a browser may do with its pages."""

from __future__ import annotations

import http.client
import json
from typing import Any

import psutil
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.browser.actions import PATIENCE, eventually, settled
from tests.browser.server import ROOT, Server, open_page

pytestmark = pytest.mark.timeout(180)


def ask(server: Server, path: str, method: str = "GET", body: bytes | None = None, **fields: str) -> Any:
    """The answer to one request, with its body read into `said`."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in fields.items()})
        answer: Any = connection.getresponse()
        answer.said = answer.read()
        return answer
    finally:
        connection.close()


def stream(server: Server, host: str = "", origin: str | None = None) -> int:
    """Opens the websocket of the pages; the status of the answer."""
    # The address that is asked stays ours: only the name in the request is another.
    here = "127.0.0.1", server.port
    address = f"ws://{host or '127.0.0.1'}:{server.port}/_stcore/stream"
    try:
        with connect(address, origin=origin, open_timeout=PATIENCE, proxy=None, address=here) as socket:
            return int(socket.response.status_code)
    except InvalidStatus as refused:
        return int(refused.response.status_code)


def test_the_server_listens_on_the_loopback_only(lab):
    processes = [psutil.Process(lab.process.pid), *psutil.Process(lab.process.pid).children(recursive=True)]
    places = {
        (each.laddr.ip, each.laddr.port)
        for process in processes
        for each in process.net_connections("inet")
        if each.status == psutil.CONN_LISTEN
    }
    assert ("127.0.0.1", lab.port) in places
    assert {ip for ip, _ in places} == {"127.0.0.1"}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_browser_of_this_machine_is_let_in(lab, host):
    assert ask(lab, "/", Host=f"{host}:{lab.port}").status == 200
    assert stream(lab, host, f"http://{host}:{lab.port}") == 101


@pytest.mark.parametrize("host", ["rebound.example", "127.0.0.1.rebound.example", "localhost.rebound.example"])
def test_another_name_that_leads_here_is_refused(lab, host):
    for path in ("/", "/_stcore/host-config", "/app/static/icon.png", "/_stcore/agent/openapi.json"):
        assert ask(lab, path, Host=f"{host}:{lab.port}").status == 400
    assert stream(lab, host, f"http://{host}:{lab.port}") in (400, 403)
    # Monitors ask by any address; they learn that it lives.
    assert ask(lab, "/_stcore/health", Host=f"{host}:{lab.port}").said == b"ok"


def test_the_page_of_another_site_or_of_another_port_cannot_steer_this_one(lab):
    for origin in (
        "http://evil.example",
        f"http://127.0.0.1:{lab.port + 1}",
        "http://localhost",
        "null",
        "http://[",
        "?",
    ):
        assert stream(lab, origin=origin) == 403, origin
    for origin in ("http://evil.example", f"http://127.0.0.1:{lab.port + 1}"):
        answer = ask(lab, "/_stcore/host-config", Origin=origin)
        assert answer.getheader("Access-Control-Allow-Origin") is None
    assert json.loads(ask(lab, "/_stcore/agent/interact", "POST", b"{}").said)["error"]


def test_an_upload_without_the_token_of_the_page_is_refused(lab):
    path = "/_stcore/upload_file/no-such-session/some-file"
    body = b'--b\r\nContent-Disposition: form-data; name="f"; filename="a.png"\r\n\r\nx\r\n--b--\r\n'
    kind = {"Content_Type": "multipart/form-data; boundary=b"}
    cookie = ask(lab, "/_stcore/health").getheader("Set-Cookie").partition(";")[0]
    token = cookie.partition("=")[2]
    assert ask(lab, path, "PUT", body, **kind).status == 403
    assert ask(lab, path, "PUT", body, Cookie=cookie, **kind).status == 403
    assert ask(lab, path, "PUT", body, Cookie=cookie, X_Xsrftoken="made up", **kind).status == 403
    # With the token it is only the session that is not there.
    assert ask(lab, path, "PUT", body, Cookie=cookie, X_Xsrftoken=token, **kind).status == 400


@pytest.mark.parametrize("path", ["/", "/runs", "/_stcore/health", "/app/static/icon.png", "/media/none.png"])
def test_every_answer_says_what_a_browser_may_do_with_it(lab, path):
    answer = ask(lab, path)
    assert answer.getheader("X-Content-Type-Options") == "nosniff"
    assert answer.getheader("Referrer-Policy") == "same-origin"
    assert "microphone=()" in answer.getheader("Permissions-Policy")
    policy = dict(part.strip().split(" ", 1) for part in answer.getheader("Content-Security-Policy").split(";"))
    assert policy["frame-ancestors"] == "'none'"
    assert policy["default-src"] == "'self'"
    assert "unsafe-inline" not in policy["script-src"]
    assert "unsafe-eval" not in policy["script-src"].replace("wasm-unsafe-eval", "")


def test_a_script_that_gets_into_a_page_is_not_run(lab, page):
    open_page(page, f"{lab.url}runs")
    settled(page)
    assert page.errors == []
    page.evaluate("""() => {
      window.harm = 0;
      const box = document.createElement('div');
      box.innerHTML = '<img src="/none.png" onerror="harm = 1"><a id="bad" href="javascript:harm=2">x</a>';
      document.body.append(box);
      const script = document.createElement('script');
      script.textContent = 'window.harm = 3';
      document.body.append(script);
      const other = document.createElement('script');
      other.src = 'http://evil.example/x.js';
      document.body.append(other);
      document.getElementById('bad').click();
    }""")
    page.wait_for_timeout(500)
    assert page.evaluate("harm") == 0
    assert sum("Content Security Policy" in error for error in page.errors) >= 4


def test_another_site_cannot_put_the_pages_into_a_frame(lab, page):
    other = "http://localhost:1/"
    page.route(other, lambda route: route.fulfill(body=f"<iframe src='{lab.url}'></iframe>", content_type="text/html"))
    page.goto(other)
    eventually(page, lambda: [frame.url for frame in page.frames[1:]], ["chrome-error://chromewebdata/"])


SECRETS = """[auth]
redirect_uri = "http://localhost/oauth2callback"
cookie_secret = "no more than a test"
client_id = "lab"
client_secret = "no more than a test"
server_metadata_url = "http://127.0.0.1:1/.well-known/openid-configuration"
"""


def test_where_a_login_is_configured_the_real_server_shows_nothing_before_it(start_server, page, tmp_path):
    (tmp_path / "secrets.toml").write_text(SECRETS)
    server = start_server(ROOT / "app.py", options=[f"--secrets.files={tmp_path / 'secrets.toml'}"])
    for path in ("", "runs", "digits"):
        open_page(page, f"{server.url}{path}", "for people who log in")
        settled(page)
        assert page.get_by_role("button", name="Log in", exact=True).count() == 1
        assert page.locator("[data-testid=stMain] [data-testid=stElementContainer]").count() == 3
    assert "no more than a test" not in page.content()

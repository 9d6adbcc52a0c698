"""How the server ends: as the process does by itself, whatever it was told to end by."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from mnist_lab import logs
from mnist_lab.jobs.sign_of_life import FOLDER
from tests.browser.actions import PATIENCE
from tests.browser.server import ROOT, Server, open_page


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_in_order_under_an_open_page(tmp_path: Path, page, number: signal.Signals) -> None:
    home = tmp_path / "home"
    with Server(ROOT / "app.py", tmp_path, {"MNIST_LAB_HOME": str(home)}) as server:
        assert server.process is not None
        open_page(page, f"{server.url}data")
        page.wait_for_timeout(1000)
        assert list((home / FOLDER).glob("*.json")), "the job thread is at work"
        server.process.send_signal(number)
        assert server.process.wait(PATIENCE) == 0, server.log
    # What is registered with `atexit` was done.
    assert not list((home / FOLDER).glob("*.json"))
    lines = [json.loads(line) for line in (home / logs.FOLDER / logs.FILE).read_text().splitlines()]
    assert [line["message"] for line in lines if line["process"] == "app"] == [
        "the server has started",
        "the server ends",
    ]
    assert "Traceback" not in server.log and "Aborted" not in server.log


def test_on_a_desktop_the_first_page_is_opened_once(tmp_path: Path) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >> {tmp_path / "opened"}\n')
    browser.chmod(0o700)
    own = {"MNIST_LAB_HOME": str(tmp_path / "home"), "BROWSER": f"{browser} %s"}
    with Server(ROOT / "app.py", tmp_path, own, ["--server.headless=false"]) as server:
        assert (tmp_path / "opened").read_text() == f"http://localhost:{server.port}/\n"

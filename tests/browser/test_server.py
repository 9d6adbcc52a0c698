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

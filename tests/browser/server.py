"""Streamlit servers and Chromium for the browser tests."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Playwright

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = Path(__file__).resolve().parent / "screenshots"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]


class Server:
    """A ``streamlit run`` process of our own, on a free port.

    Args:
        script: The script to run. One outside the repository's root is run from a copy in ``folder``, beside a link
            to the repository's ``static`` folder, so that static files are served as they are for ``app.py``.
        folder: A temporary folder, for the copy and the log.
        environment: Variables on top of the present ones; a value of ``""`` removes one.
        options: More command line options, such as ``["--server.baseUrlPath=lab"]``.
    """

    def __init__(
        self,
        script: Path,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        options: list[str] | None = None,
    ) -> None:
        self.script = script
        self.folder = folder
        self.options = options or []
        self.log_path = folder / "server.log"
        self.port = free_port()
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **(environment or {})}
        self.environment = {name: value for name, value in self.environment.items() if value != ""}
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address of the first page, with a slash at its end."""
        base = next((o.partition("=")[2].strip("/") for o in self.options if "baseUrlPath" in o), "")
        return f"http://127.0.0.1:{self.port}/" + (f"{base}/" if base else "")

    @property
    def log(self) -> str:
        """What the server has written so far."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def start(self, seconds: float = 60) -> Server:
        """Starts the process and returns when it answers."""
        script = self.script
        if script.resolve().parent != ROOT:
            script = self.folder / script.name
            shutil.copyfile(self.script, script)
            static = self.folder / "static"
            if not static.exists():
                (ROOT / "static").mkdir(exist_ok=True)
                static.symlink_to(ROOT / "static", target_is_directory=True)
        command = [sys.executable, "-m", "streamlit", "run", str(script), f"--server.port={self.port}"]
        command += ["--server.headless=true", *self.options]
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"The server ended with status {self.process.returncode}:\n{self.log}")
            try:
                with urllib.request.urlopen(f"{self.url}_stcore/health", timeout=2):
                    return self
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        self.stop()
        raise RuntimeError(f"The server did not answer within {seconds} s:\n{self.log}")

    def stop(self) -> None:
        """Ends the server, and nothing but it; what it started ends by itself or is the test's to end."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def free_port() -> int:
    """Returns a port of 127.0.0.1 that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def chromium_path(playwright: Playwright) -> str | None:
    """Returns the Chromium to drive, or None where there is none.

    ``MNIST_LAB_CHROMIUM`` decides, then the search path, then Playwright's own download.
    """
    chosen = os.environ.get("MNIST_LAB_CHROMIUM", "").strip()
    if chosen:
        return chosen
    # The shell draws pages and no window around them: a quarter less work.
    for name in ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    own = playwright.chromium.executable_path
    return own if own and Path(own).exists() else None


def launch(playwright: Playwright, *arguments: str) -> Browser | None:
    """Starts a headless Chromium, with more arguments if any, or returns None where there is none."""
    from playwright.sync_api import Page

    Page.wait_for_function = _wait_for_function
    path = chromium_path(playwright)
    return playwright.chromium.launch(executable_path=path, args=[*ARGUMENTS, *arguments]) if path else None


def _wait_for_function(page: Page, expression: str, *, arg: object = None, timeout: float = 60_000) -> None:
    """Playwright's own looks again by an `eval` in the page, which the program's pages forbid."""
    deadline = time.monotonic() + timeout / 1000
    while not page.evaluate(expression, arg):
        if time.monotonic() > deadline:
            raise AssertionError(f"After {timeout / 1000} s this is not so: {expression}")
        page.wait_for_timeout(20)


def open_page(page: Page, url: str, text: str | None = None, seconds: float = 60) -> None:
    """Opens an address and waits until Streamlit's script has run and, if given, a text can be seen."""
    page.goto(url, timeout=seconds * 1000)
    page.wait_for_selector("[data-testid='stApp'][data-test-script-state='notRunning']", timeout=seconds * 1000)
    if text is not None:
        page.get_by_text(text).first.wait_for(timeout=seconds * 1000)


def wait_for_rerun(page: Page, seconds: float = 30) -> None:
    """Waits until no script runs any more; call it after an action that was seen to start one."""
    page.wait_for_selector("[data-testid='stApp'][data-test-script-state='notRunning']", timeout=seconds * 1000)


def screenshot(page: Page, name: str) -> Path:
    """Saves what the page shows as ``screenshots/NAME.png``, for people to look at."""
    SCREENSHOTS.mkdir(exist_ok=True)
    path = SCREENSHOTS / f"{name}.png"
    page.screenshot(path=path, full_page=False)
    return path

"""An S3 server of the tests' own: SeaweedFS on free ports, with a data folder of its own, ended with them.

It is a real object store that speaks S3, not a mock; what is special about it is said where a test minds. Between the
program and it a door can be shut, as a network that fails.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

START_SECONDS = 90.0
BUCKET, KEY, SECRET = "lab", "lab-key", "lab-very-secret"


def _program() -> str | None:
    beside = Path(sys.executable).parent / "weed"
    return str(beside) if beside.exists() else shutil.which("weed")


def lacking() -> str:
    """What a server lacks on this machine, in words; empty if one can be started."""
    try:
        import s3fs  # noqa: F401
    except ImportError:
        return "s3fs is not installed (requirements-objects.txt)"
    if _program() is None:
        return "there is no SeaweedFS (tools/ensure_objects.sh)"
    return ""


def _free_port() -> int:
    """A port that is free, and with it the one that is 10,000 higher, which SeaweedFS takes for gRPC."""
    while True:
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            port = int(one.getsockname()[1])
            if port + 10_000 < 65_536:
                with contextlib.suppress(OSError):
                    other.bind(("127.0.0.1", port + 10_000))
                    return port


class Server:
    """The server.

    Args:
        address: Where it is to be found; nowhere else.

    Attributes:
        port: Where it speaks S3.
    """

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.address = address
        self._folder = Path(tempfile.mkdtemp(prefix="mnist-lab-objects-"))
        (self._folder / "data").mkdir()
        actions = ["Admin", "Read", "Write", "List", "Tagging"]
        who = {"name": "lab", "credentials": [{"accessKey": KEY, "secretKey": SECRET}], "actions": actions}
        (self._folder / "s3.json").write_text(json.dumps({"identities": [who]}))
        program = _program()
        assert program is not None
        ports = {name: _free_port() for name in ("master", "volume", "filer", "s3")}
        self.port = ports["s3"]
        self._log = self._folder / "log"
        words = [
            program, "server", f"-dir={self._folder / 'data'}", f"-ip={address}", f"-ip.bind={address}",
            "-filer", "-s3",
            f"-s3.config={self._folder / 's3.json'}", "-volume.max=8", "-master.volumeSizeLimitMB=64",
            # What else it would serve, on ports that others may have.
            "-s3.port.iceberg=0", "-s3.port.lance=0",
            *(f"-{name}.port={port}" for name, port in ports.items()),
        ]  # fmt: skip
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                words, stdout=log, stderr=log, cwd=self._folder, env={"PATH": os.environ.get("PATH", "")}
            )

    @property
    def url(self) -> str:
        """Where it speaks S3, for those who ask."""
        return f"http://{self.address}:{self.port}"

    def files(self) -> Any:
        """fsspec's view of it, past the program's own."""
        import s3fs

        return s3fs.S3FileSystem(
            key=KEY, secret=SECRET, endpoint_url=self.url,
            use_listings_cache=False, skip_instance_cache=True,
        )  # fmt: skip

    def start(self) -> None:
        """Waits until it answers and keeps what it is given."""
        end = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(Exception):
                files = self.files()
                if not files.exists(BUCKET):
                    files.mkdir(BUCKET)
                files.pipe_file(f"{BUCKET}/trial", b"x")
                return
            if self._process.poll() is not None or time.monotonic() > end:
                pytest.fail(f"SeaweedFS did not start: {self._log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.2)

    def close(self) -> None:
        """Ends it, without the seconds that it takes to end in order, and removes its folder."""
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


class Door:
    """A way to a server that can be shut: what is under way then breaks, and nobody is let in.

    Attributes:
        port: Where to ask in place of the server's own.
        asked: How many connections were made through it.
    """

    def __init__(self, port: int) -> None:
        door = self
        self._open = True
        self._pairs: list[socket.socket] = []

        class Way(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                if not door._open:
                    return
                with socket.create_connection(("127.0.0.1", port)) as there:
                    door._pairs += [self.request, there]
                    back = threading.Thread(target=_carry, args=(there, self.request), daemon=True)
                    back.start()
                    _carry(self.request, there)
                    back.join()

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Way)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def shut(self) -> None:
        """From now on the network fails."""
        self._open = False
        for each in self._pairs:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._pairs.clear()

    def open(self) -> None:
        """From now on it works again."""
        self._open = True

    def close(self) -> None:
        """Takes it away."""
        self.shut()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _carry(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while content := one.recv(2**16):
            other.sendall(content)
    for each in (one, other):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="session")
def object_server() -> Iterator[Server]:
    """A running server; skips where there is none."""
    if missing := lacking():
        pytest.skip(f"needs an S3 server: {missing}")
    server = Server()
    try:
        server.start()
        yield server
    finally:
        server.close()


def let_in(patch: pytest.MonkeyPatch, port: int) -> None:
    """Tells the program, as its administrator does, where the object store is and who asks."""
    patch.setenv("AWS_ACCESS_KEY_ID", KEY)
    patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    patch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{port}")
    patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        patch.delenv(name, raising=False)


@pytest.fixture
def s3_url(object_server: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an empty place in a bucket, which this process and those that it starts may write."""
    let_in(monkeypatch, object_server.port)
    return f"s3://{BUCKET}/{uuid.uuid4().hex[:12]}"

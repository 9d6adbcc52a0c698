"""Nodes of a Ray cluster of the tests' own, each with its files apart, that can be killed as a machine is lost."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest

START_SECONDS = 120.0
OBJECT_STORE_BYTES = 80 * 2**20
# Ray's token: with it, nobody else on this machine can have things done by the tests' nodes.
SECRETS = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
_RAY = Path(sys.executable).with_name("ray")


def lacking() -> str:
    """What a cluster lacks on this machine, in words; empty if one can be started."""
    if find_spec("ray") is None:
        return "ray is not installed (requirements-ray.txt)"
    return "" if _RAY.exists() else "the command of ray is not beside Python's"


def free_port() -> int:
    """A port that nobody has, above those that Ray takes for its workers."""
    while True:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = int(free.getsockname()[1])
        if port > 20_000:
            return port


class RayNode:
    """A node, which begins to start when this is made.

    Args:
        cpus: How many CPUs it has for tasks.
        head: The head that it joins; None for a head.
        address: Its own IP address; Ray finds one.
        within: A command that runs the command after it, in a network of its own, say.
        environment: Environment variables that it alone has.
    """

    def __init__(
        self, cpus: int, *, head: RayNode | None = None, address: str | None = None, within: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        # Short, as Ray makes sockets in it.
        self.folder = Path(tempfile.mkdtemp(prefix="ray-"))
        words = [f"--num-cpus={cpus}", f"--temp-dir={self.folder}", f"--object-store-memory={OBJECT_STORE_BYTES}"]
        words += [f"--node-ip-address={address}"] if address else []
        if head is None:
            self.port = free_port()
            words += ["--head", f"--port={self.port}", "--include-dashboard=false"]
            words += [f"--ray-client-server-port={free_port()}"]
        else:
            self.port = head.port
            words += [f"--address={head.address}"]
        self.ip = address
        self._log = (self.folder / "log").open("wb")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("MNIST_LAB_", "RAY_"))}
        self.process = subprocess.Popen(
            [*within, str(_RAY), "start", "--block", "--disable-usage-stats", *words],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT, start_new_session=True,
            env={**kept, **SECRETS, "TF_CPP_MIN_LOG_LEVEL": "2", **(environment or {})}, cwd=self.folder,
        )  # fmt: skip

    @property
    def address(self) -> str:
        """Where others find a head."""
        return f"{self.ip or '127.0.0.1'}:{self.port}"

    def wait(self) -> None:
        """Waits until it is up."""
        limit = time.monotonic() + START_SECONDS
        while b"Ray runtime started" not in (self.folder / "log").read_bytes():
            if self.process.poll() is not None or time.monotonic() > limit:
                words = (self.folder / "log").read_text(errors="replace")[-3000:]
                self.close()
                pytest.fail(f"a node of Ray did not start: {words}")
            time.sleep(0.1)

    def processes(self) -> list[psutil.Process]:
        """All its processes."""
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.Error:
            return []

    def kill_raylet(self) -> None:
        """Kills the process that the cluster knows the node by; what else it has ends by itself."""
        for each in self.processes():
            if each.name() == "raylet":
                each.kill()

    def lose(self) -> None:
        """Kills all its processes at once, as when a machine loses its power."""
        for each in self.processes():
            try:
                each.kill()
            except psutil.Error:
                continue
        self.process.kill()
        self.process.wait(30)

    def close(self) -> None:
        """Ends it and removes its files."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.lose()
        self._log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

"""A process that imports a module once, and forks others from itself that run a function of it: tasks.

What the tests start by the hundred takes seconds to import. ``python -m tests.zygote SOCKET MODULE`` listens at a
socket; each connection asks for one process, hears its id, and at its end its exit status.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOM = "x" * 600  # for the command line that a child shows


class Zygote:
    """The process, and its children's parent.

    Args:
        folder: For its socket and for what its children print.
        tasks: The module whose functions they run.
    """

    def __init__(self, folder: Path, tasks: str) -> None:
        self.address = str(folder / "zygote")
        self.log = folder / "zygote.log"
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "2"}
        environment.pop("MNIST_LAB_DATA", None)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.zygote", self.address, tasks, ROOM],
                cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
            )  # fmt: skip
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n", self.log.read_text()

    def fork(self, task: str, **arguments: Any) -> Child:
        """Starts a task with these arguments."""
        with self.log.open("ab") as log:
            return Child(self.address, task, arguments, log.fileno())

    def close(self) -> None:
        """Ends it with all its children."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(60)


class Child:
    """A forked process, with the words of `subprocess.Popen`.

    Args:
        address: The socket of its zygote.
        task: The function.
        arguments: Its arguments, as JSON has them.
        output: What it prints goes there.
        given: What it reads; nothing if None.
        errors: What it complains of goes there; to `output` if None.
    """

    def __init__(
        self, address: str, task: str, arguments: dict[str, Any], output: int, given: int | None = None,
        errors: int | None = None,
    ) -> None:  # fmt: skip
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(address)
        words = json.dumps({"task": task, "arguments": arguments}).encode() + b"\n"
        with open(os.devnull, "rb") as nothing:
            standard = [nothing.fileno() if given is None else given, output, output if errors is None else errors]
            socket.send_fds(self._socket, [words], standard)
        self.pid = int(self._line())
        self.returncode: int | None = None

    def __del__(self) -> None:
        # One that was left to live on is ended with the zygote, and nobody waits for it.
        self._socket.close()

    def _line(self) -> bytes:
        read = b""
        while not read.endswith(b"\n"):
            more = self._socket.recv(1)
            if not more:
                raise EOFError("the zygote is gone")
            read += more
        return read

    def poll(self) -> int | None:
        """Its exit status, None while it lives."""
        if self.returncode is None and select.select([self._socket], [], [], 0)[0]:
            try:
                self.returncode = int(self._line())
            except (EOFError, OSError):
                self.returncode = -signal.SIGKILL
            self._socket.close()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Waits for its end."""
        limit = time.monotonic() + (timeout if timeout is not None else 3600.0)
        while (status := self.poll()) is None:
            if time.monotonic() > limit:
                raise subprocess.TimeoutExpired("child", timeout or 0.0)
            time.sleep(0.005)
        return status

    def terminate(self) -> None:
        """Asks it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kills it."""
        self.send_signal(signal.SIGKILL)

    def send_signal(self, number: int) -> None:
        """Sends it a signal, if it is there."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


@pytest.fixture(scope="session")
def zygote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    """What forks apps and workers, with TensorFlow."""
    made = Zygote(tmp_path_factory.mktemp("zygote"), "tests.torture.children")
    yield made
    made.close()


def show_command(words: list[str]) -> None:
    """Makes these words the command line that others see of this process, in the room that it was started with."""
    import ctypes

    numbers = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    first, last = int(numbers[45]), int(numbers[46])
    shown = b"\0".join(word.encode() for word in words) + b"\0"
    assert len(shown) < last - first
    ctypes.memmove(first, shown.ljust(last - first, b"\0"), last - first)


def _serve(address: str, module: str) -> None:
    tasks = importlib.import_module(module)
    # What is imported by now is no garbage of any child's.
    gc.collect()
    gc.freeze()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(50)
    print("ready", flush=True)
    alive: dict[int, socket.socket] = {}
    while True:
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    break
                with suppress(OSError), alive.pop(pid) as connection:
                    connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
        ready = select.select([listener, sys.stdin], [], [], 0.005)[0]
        if sys.stdin in ready:
            break
        if listener in ready:
            connection = listener.accept()[0]
            # An app may be killed at any moment: before it has said what it wants, or before it has heard of it.
            words, standard, _, _ = socket.recv_fds(connection, 65536, 3)
            if not words or not standard:
                connection.close()
                continue
            pid = os.fork()
            if pid == 0:
                for other in (listener, connection, *alive.values()):
                    other.close()
                _be_child(tasks, json.loads(words), standard)
            for descriptor in standard:
                os.close(descriptor)
            with suppress(OSError):
                connection.sendall(f"{pid}\n".encode())
            alive[pid] = connection
    for pid in alive:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _be_child(tasks: Any, asked: dict[str, Any], standard: list[int]) -> None:
    status = 70
    try:
        os.setsid()
        for number, descriptor in enumerate(standard):
            os.dup2(descriptor, number)
            os.close(descriptor)
        sys.stdin = open(0, closefd=False)  # noqa: SIM115
        status = getattr(tasks, asked["task"])(**asked["arguments"]) or 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        with suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    _serve(*sys.argv[1:3])

"""An inference process that hangs, dies while it answers or answers nonsense: one sentence in time, and another starts.

The processes are real and the harm is real; only what they would take long to import is left out.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from mnist_lab.errors import InferenceError
from mnist_lab.jobs import InferenceClient, inference, processes
from tests.jobs.conftest import environment

# Takes the words of `mnist_lab.worker`, and does what the file beside it says with every question but the first ping.
PROCESS = """\
import os, sys, time
from multiprocessing.connection import Listener
from pathlib import Path
harm = Path(__file__).with_name("harm").read_text()
if harm == "is mute":
    time.sleep(600)
listener = Listener(sys.argv[sys.argv.index("--address") + 1],
                    authkey=bytes.fromhex(os.environ["MNIST_LAB_INFERENCE_KEY"]))
if harm == "lets nobody in":
    time.sleep(600)
connection = listener.accept()
listener.close()
connection.recv()
connection.send(("answer", "ready"))
if harm == "takes no question":
    time.sleep(600)
while True:
    question, arguments = connection.recv()
    if harm == "is well":
        connection.send(("answer", question))
    elif harm == "is slow":
        time.sleep(1.0)
        connection.send(("answer", question))
    elif harm == "does not answer":
        time.sleep(600)
    elif harm == "stops in the middle of its answer":
        os.write(connection.fileno(), (1_000_000).to_bytes(4, "big") + b"x" * 1000)
        time.sleep(600)
    elif harm == "dies while it answers":
        os.write(connection.fileno(), (1_000_000).to_bytes(4, "big") + b"x" * 1000)
        os._exit(1)
    elif harm == "dies of a question":
        os.kill(os.getpid(), 9)
    elif harm == "sends what is no pickle":
        connection.send_bytes(b"nonsense")
    elif harm == "sends a name that there is not":
        connection.send_bytes(b"cno_such_module\\nno_such_name\\n.")
    elif harm == "sends what is no answer":
        connection.send(17)
    elif harm == "sends another kind":
        connection.send(("maybe", 1))
"""
PYTHON = sys.executable  # which the tests change
IN_TIME = 12.0  # seconds; the limits below are small, but the machine may be busy
LARGE = np.zeros((5000, 28, 28), np.uint8)  # more than a socket holds


@pytest.fixture
def process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Makes the inference process one that does harm; returns the file that says which."""
    script, python = tmp_path / "process.py", tmp_path / "python"
    script.write_text(PROCESS)
    python.write_text(f'#!/bin/sh\nexec "{PYTHON}" "{script}" "$@"\n')
    python.chmod(0o700)
    monkeypatch.setattr(processes.sys, "executable", str(python))
    monkeypatch.setattr(inference, "DEADLINE_SECONDS", 1.0)
    monkeypatch.setattr(inference, "START_SECONDS", 4.0)
    return tmp_path / "harm"


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        ("is mute", "gave no answer in time"),
        ("lets nobody in", "gave no answer in time"),
        ("takes no question", "gave no answer in time"),
        ("does not answer", "gave no answer in time"),
        ("stops in the middle of its answer", "gave no answer in time"),
        ("dies while it answers", "ended unexpectedly"),
        ("dies of a question", "ended unexpectedly"),
        ("sends what is no pickle", "gave an answer that cannot be read"),
        ("sends a name that there is not", "gave an answer that cannot be read"),
        ("sends what is no answer", "gave an answer that cannot be read"),
        ("sends another kind", "gave an answer that cannot be read"),
    ],
)
def test_whatever_it_does_there_is_one_sentence_in_time_and_another_answers(
    process: Path, harm: str, words: str
) -> None:
    client = InferenceClient()
    process.write_text(harm)
    begin = time.monotonic()
    with pytest.raises(InferenceError, match=words) as caught:
        client.ask("predict", 1.0, images=LARGE)
    assert time.monotonic() - begin < IN_TIME
    assert caught.value.remedy == "It is being started anew; try again."
    process.write_text("is well")
    assert client.ask("ping") == "ping"
    pid = client._process.pid if client._process else 0
    client.close()
    assert not psutil.pid_exists(pid)


@pytest.mark.parametrize("harm", ["is mute", "lets nobody in", "takes no question", "does not answer"])
def test_it_is_closed_at_once_whoever_waits_for_it(process: Path, harm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inference, "START_SECONDS", 60.0)
    monkeypatch.setattr(inference, "DEADLINE_SECONDS", 60.0)
    process.write_text(harm)
    client = InferenceClient()
    said: list[str] = []

    def ask() -> None:
        try:
            client.ask("predict", 60.0, images=LARGE)
        except InferenceError as error:
            said.append(str(error))

    thread = threading.Thread(target=ask)
    thread.start()
    while client.process is None:
        time.sleep(0.01)
    time.sleep(0.7)
    began = client.process
    begin = time.monotonic()
    client.close()
    assert time.monotonic() - begin < 4
    thread.join(5)
    assert said and "ended unexpectedly" in said[0]
    assert began.exit_status is not None
    with pytest.raises(InferenceError, match="being closed"):
        client.ask("ping")


ASKS = """\
import sys
from mnist_lab.jobs import InferenceClient, processes
processes.sys.executable = sys.argv[1]
client = InferenceClient()
client.ask("ping")
print(client.process.pid, flush=True)
print(client.ask("predict", 2.0), flush=True)
client.close()
"""


def test_a_machine_that_sleeps_longer_than_the_deadline_gets_its_answer_afterwards(
    process: Path, tmp_path: Path
) -> None:
    process.write_text("is slow")
    words = [PYTHON, "-c", ASKS, str(tmp_path / "python")]
    asking = subprocess.Popen(words, env=environment(tmp_path), stdout=subprocess.PIPE, text=True)
    with asking:
        assert asking.stdout is not None
        asked = int(asking.stdout.readline())
        time.sleep(0.3)
        for pid in (asking.pid, asked):
            os.kill(pid, signal.SIGSTOP)
        time.sleep(3.0)
        for pid in (asking.pid, asked):
            os.kill(pid, signal.SIGCONT)
            time.sleep(0.2)
        assert asking.stdout.readline() == "predict\n"
        assert asking.wait(20) == 0


def test_sockets_of_programs_that_were_killed_are_removed_and_no_others(
    process: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A socket's path may have some hundred characters only.
    folder = Path(f"/tmp/s{os.getpid()}")
    folder.mkdir()
    monkeypatch.setattr(inference.tempfile, "gettempdir", lambda: str(folder))
    with subprocess.Popen([PYTHON, "-c", ""]) as gone:
        gone.wait()
    made = []
    try:
        for name in (f"mnist-lab-{gone.pid}-0123abcd", f"mnist-lab-{os.getpid()}-0123abcd"):
            with socket.socket(socket.AF_UNIX) as each:
                each.bind(str(folder / name))
            made.append(folder / name)
        other = folder / f"mnist-lab-{gone.pid}-file"
        other.write_text("no socket")
        process.write_text("is well")
        client = InferenceClient()
        client.ask("ping")
        client.close()
        assert [path.exists() for path in (*made, other)] == [False, True, True]
    finally:
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()

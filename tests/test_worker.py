"""The entry of a worker process, as far as it needs no Keras: its arguments, its log, the answering of questions."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from mnist_lab import worker
from mnist_lab.errors import RunNotFound
from tests.jobs.conftest import environment

LOGGING = """
import os, subprocess, sys
from mnist_lab import worker
from mnist_lab.store import open_store
store = open_store()
class Run:
    id = "abc"
for words in ("first", "second"):
    print("before", words, flush=True)
    with worker._log_into(store, Run):
        print(words, "by print")
        os.write(2, f"{words} by C\\n".encode())
        subprocess.run(["echo", words, "by a child"])
    print("after", words, flush=True)
try:
    with worker._log_into(store, Run):
        print("third", flush=True)
        raise ZeroDivisionError
except ZeroDivisionError:
    print("raised", flush=True)
"""


class Questions:
    """What the inference process answers, in small."""

    def add(self, a: int, b: int) -> int:
        return a + b

    def fail(self) -> None:
        raise ZeroDivisionError("no such number")

    def refuse(self) -> None:
        raise RunNotFound("There is no run 'x'.", "See `runs`.")

    def _secret(self) -> str:
        return "secret"


@pytest.fixture
def asked() -> Any:
    """A connection to a process, here a thread, that answers questions; and the thread."""
    here, there = Pipe()
    thread = threading.Thread(target=worker._serve, args=(Questions(), there, os.getppid()), daemon=True)
    thread.start()
    yield here, thread
    here.close()
    thread.join(5)
    assert not thread.is_alive(), "it ends when nobody is there to ask"
    there.close()


def ask(connection: Connection, question: str, **arguments: Any) -> tuple[Any, ...]:
    connection.send((question, arguments))
    assert connection.poll(5)
    answer: tuple[Any, ...] = connection.recv()
    return answer


def test_questions_are_answered_one_after_the_other_and_errors_do_not_end_it(asked: Any) -> None:
    connection, _ = asked
    assert ask(connection, "add", a=1, b=2) == ("answer", 3)
    assert ask(connection, "refuse") == ("error", "There is no run 'x'.", "See `runs`.")
    assert ask(connection, "fail")[:2] == ("error", "ZeroDivisionError: no such number")
    assert ask(connection, "nothing")[0] == "error"
    assert ask(connection, "_secret") == ("error", "AttributeError: _secret", "See the server's log.")
    assert ask(connection, "add", a=1)[1].startswith("TypeError")
    assert ask(connection, "add", a="3", b="4") == ("answer", "34")


def test_it_ends_when_the_process_that_started_it_is_gone() -> None:
    here, there = Pipe()
    with here, there:
        begin = time.monotonic()
        worker._serve(Questions(), there, parent=os.getpid())  # whose child this process is not
        assert time.monotonic() - begin < 5


def test_all_that_is_printed_in_a_run_goes_into_its_log_and_nothing_else_does(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOGGING], env=environment(tmp_path), capture_output=True, text=True, check=True
    )
    shown = ["before first", "after first", "before second", "after second", "raised"]
    assert done.stdout.splitlines() == shown
    assert done.stderr == ""
    log = (tmp_path / "abc" / "log.txt").read_text().splitlines()
    wanted = {f"{words} by {who}" for words in ("first", "second") for who in ("print", "C", "a child")} | {"third"}
    assert set(log) == wanted
    assert log[-1] == "third", "a log is added to, never begun anew: a resumed run keeps its own"


@pytest.mark.parametrize(
    "arguments", [[], ["cook", "--name", "x", "--parent", "1"], ["train"], ["train", "--name", "x"]]
)
def test_wrong_arguments_are_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        worker.main(arguments)
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err

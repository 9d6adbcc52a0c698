"""A store of its own for each test; and other processes that use the same one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mnist_lab.store import RunStore
from mnist_lab.store.database import open_engine
from tests.postgres import lacking

ROOT = Path(__file__).resolve().parent.parent.parent
PRELUDE = """\
import os, sys, threading, time
from pathlib import Path
from mnist_lab.architecture import Architecture
from mnist_lab.layers import Dense, Flatten
from mnist_lab.errors import LabError
from mnist_lab.store import RunStore
from mnist_lab.store.database import open_engine
from mnist_lab.training_config import TrainingConfig
NETWORK = Architecture((Flatten(), Dense(10, "softmax")))
def opened():
    return RunStore(open_engine(sys.argv[1]), Path(sys.argv[2]))
"""
Start = Callable[[str], subprocess.Popen[str]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of the store; not made yet."""
    return tmp_path / "home"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, home: Path) -> str:
    """The URL of an empty store: every test of a store runs on both databases."""
    if request.param == "sqlite":
        return f"sqlite:///{home / 'lab.db'}"
    if missing := lacking():
        pytest.skip(f"needs PostgreSQL: {missing}")
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
def store(url: str, home: Path) -> Iterator[RunStore]:
    """An empty store."""
    opened = RunStore(open_engine(url), home)
    yield opened
    opened.close()


@pytest.fixture
def start(url: str, home: Path) -> Iterator[Start]:
    """Starts a script in another process that opens the same store by ``opened()``."""
    processes: list[subprocess.Popen[str]] = []

    def run(script: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", PRELUDE + script, url, str(home)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()
        process.communicate()


def output(process: subprocess.Popen[str]) -> list[str]:
    """The lines that a process printed; it must have ended well."""
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return out.splitlines()

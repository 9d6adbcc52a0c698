"""A store of its own for each test; and other processes that use the same one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mnist_lab.store import RunStore
from mnist_lab.store.database import open_engine
from tests.zygote import Child, Zygote


class Other:
    """Another process that runs a script over the same store: see `tests.store.other`."""

    def __init__(self, zygote: Zygote, script: str, url: str, home: Path) -> None:
        given, self._given = os.pipe()
        self._said, said = os.pipe()
        arguments = {"script": script, "url": url, "home": str(home)}
        with zygote.log.open("ab") as errors:
            self._process = Child(zygote.address, "run", arguments, said, given, errors.fileno())
        self._log = zygote.log
        os.close(given)
        os.close(said)
        self._lines = open(self._said)  # noqa: SIM115

    def line(self) -> str:
        """The next line that it prints."""
        return self._lines.readline().rstrip("\n")

    def go(self) -> None:
        """Lets one go on that waits for a line."""
        os.write(self._given, b"go\n")

    def output(self) -> list[str]:
        """The other lines that it prints; it must end well."""
        lines = self._lines.read().splitlines()
        assert self._process.wait(60) == 0, self._log.read_text()
        return lines

    def kill(self) -> None:
        """Kills it, if it is still there."""
        self._process.kill()
        self._process.wait(60)

    def close(self) -> None:
        """Kills it, and lets go of what it printed."""
        self.kill()
        self._lines.close()
        os.close(self._given)


Start = Callable[[str], Other]
WAITS = "print('ready', flush=True)\nsys.stdin.readline()\n"


def at_once(start: Start, count: int, before: str, then: str) -> list[Other]:
    """Starts several processes that all do the same, and do the second part of it at once."""
    others = [start(before + WAITS + then) for _ in range(count)]
    assert [each.line() for each in others] == ["ready"] * count
    for each in others:
        each.go()
    return others


@pytest.fixture(scope="session")
def others(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    """What forks them."""
    made = Zygote(tmp_path_factory.mktemp("others"), "tests.store.other")
    yield made
    made.close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of the store; not made yet."""
    return tmp_path / "home"


@pytest.fixture
def store(url: str, home: Path) -> Iterator[RunStore]:
    """An empty store."""
    opened = RunStore(open_engine(url), home)
    yield opened
    opened.close()


@pytest.fixture
def start(others: Zygote, url: str, home: Path) -> Iterator[Start]:
    """Starts a script in another process that opens the same store by ``opened()``."""
    with contextlib.ExitStack() as started:

        def run(script: str) -> Other:
            return started.enter_context(contextlib.closing(Other(others, script, url, home)))

        yield run

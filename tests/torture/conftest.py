"""What the harmful tests share: how much of the harm is done, from which seed, and the table of what was done.

They do in seconds, as a part of all tests, what `make torture` does many times over: it sets ``TORTURE=full``. Each
draws its moments and its inputs from ``TORTURE_SEED``, so that a failure can be had again.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator

import pytest

from tests.zygote import Zygote

FULL = os.environ.get("TORTURE") == "full"
SEED = int(os.environ.get("TORTURE_SEED") or 7)

Tally = Callable[[str, object], None]
"""Notes a figure: what was done or measured, and how often or how much."""


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """The chance of one test: the same for the same seed, another for each test."""
    return random.Random(f"{SEED} {request.node.nodeid}")


def times(full: int, short: int) -> int:
    """How often something is done: `full` by ``make torture``, `short` among all tests."""
    return full if FULL else short


@pytest.fixture(scope="package")
def children(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    """What forks processes that work on a store, without TensorFlow."""
    made = Zygote(tmp_path_factory.mktemp("children"), "tests.torture.store_children")
    yield made
    made.close()


@pytest.fixture
def no_other_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes away what would lead to another store."""
    for name in [name for name in os.environ if name.startswith("MNIST_LAB_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Tally:
    """Notes figures of this test for the table at the end."""

    def note(what: str, value: object) -> None:
        request.node.user_properties.append((what, value))

    return note


@pytest.hookimpl(wrapper=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
    """Prints the table, as Markdown."""
    yield
    if not FULL:
        return
    reports = [each for kind in ("passed", "failed") for each in terminalreporter.stats.get(kind, [])]
    rows = [row for report in reports if report.when == "call" for row in report.user_properties]
    if rows:
        terminalreporter.write_line(f"\n| What was done, seed {SEED} | Figure |\n|---|---|")
        for what, value in sorted(rows):
            terminalreporter.write_line(f"| {what} | {f'{value:,}' if isinstance(value, int) else value} |")

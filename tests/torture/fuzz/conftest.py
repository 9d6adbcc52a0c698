"""The fuzzed targets of a file: each in a process of its own, or, where little is done, all in one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.torture.conftest import FULL, SEED, Tally, times
from tests.torture.fuzz import guard
from tests.torture.fuzz.guard import Found

Plan = dict[str, tuple[int, int]]
"""Targets by module and function, and how many inputs each is fed: by ``make torture``, and among all tests."""
Fed = Callable[[str], None]


@pytest.fixture(scope="module")
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Found]:
    """What came of a target of the module's `PLAN`."""
    plan: Plan = request.module.PLAN
    known: dict[str, Found] = {}

    def find(name: str) -> Found:
        if name not in known:
            names = [name] if FULL else [each for each, (_, short) in plan.items() if short]
            wanted = {each: times(*plan[each]) for each in names}
            known.update(guard.run(wanted, SEED, tmp_path_factory.mktemp("fuzz")))
        return known[name]

    return find


@pytest.fixture
def is_harmless(found: Callable[[str], Found], tally: Tally) -> Fed:
    """Looks at what came of a target: every input was read or refused in words, in time, within its folder."""

    def look(name: str) -> None:
        came = found(name)
        for kind, count in came.counts.items():
            tally(f"strangers' input: {kind}", count)
        tally(f"strangers' input, slowest of {name}, s", round(came.slowest, 2))
        tally(f"strangers' input, growth by {name}, MB", round(came.growth))
        assert came.failures == [], "\n\n".join(came.failures)
        assert came.growth < guard.MOST_GROWTH_MB
        # All of them refused would mean that nothing but the first look was tried.
        assert any(came.taken.values()) or not FULL

    return look

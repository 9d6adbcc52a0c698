"""Files that mean harm, by name: each is refused in words, or read as the picture that it is, within the limits."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.torture.fuzz.conftest import Plan
from tests.torture.fuzz.corpus import ARE_READ, NAMES
from tests.torture.fuzz.guard import MOST_GROWTH_MB, Found

pytestmark = pytest.mark.timeout(600)

PLAN: Plan = {"corpus.named": (len(NAMES), len(NAMES))}


@pytest.mark.parametrize("case", NAMES)
def test_what_means_harm_does_none(case: str, found: Callable[[str], Found]) -> None:
    came = found("corpus.named")
    assert came.counts[case] == 1
    assert [failure for failure in came.failures if failure.startswith(f"{case}, input")] == []
    assert bool(came.taken[case]) == (case in ARE_READ)


def test_all_of_them_together_are_read_in_time_and_take_little_memory(found: Callable[[str], Found]) -> None:
    came = found("corpus.named")
    assert came.failures == []
    assert came.growth < MOST_GROWTH_MB and came.slowest < 5

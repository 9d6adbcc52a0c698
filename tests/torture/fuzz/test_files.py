"""Archives, arrays, digits and images of strangers, fed in thousands."""

from __future__ import annotations

import pytest

from tests.torture.fuzz.conftest import Fed, Plan

pytestmark = pytest.mark.timeout(600)

PLAN: Plan = {
    "files.archives": (5_000, 200),
    "files.predictions": (12_000, 300),
    "files.digits": (12_000, 300),
    "files.mnist": (6_000, 200),
}


@pytest.mark.parametrize("name", PLAN)
def test_files_are_read_or_refused_in_words(name: str, is_harmless: Fed) -> None:
    is_harmless(name)

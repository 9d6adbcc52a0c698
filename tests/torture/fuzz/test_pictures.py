"""Pictures, canvases and strokes of strangers, fed in thousands."""

from __future__ import annotations

import pytest

from tests.torture.fuzz.conftest import Fed, Plan

pytestmark = pytest.mark.timeout(600)

PLAN: Plan = {
    "pictures.files": (5_000, 300),
    "pictures.canvases": (2_000, 100),
    "pictures.strokes": (1_500, 100),
}


@pytest.mark.parametrize("name", PLAN)
def test_pictures_are_read_or_refused_in_words(name: str, is_harmless: Fed) -> None:
    is_harmless(name)

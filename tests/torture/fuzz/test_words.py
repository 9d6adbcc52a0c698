"""Links, descriptions, names, settings and command lines of strangers, fed in thousands."""

from __future__ import annotations

import pytest

from tests.torture.fuzz.conftest import Fed, Plan

pytestmark = pytest.mark.timeout(600)

PLAN: Plan = {
    "links.values": (36_000, 1_000),
    "links.codes": (18_000, 500),
    "links.json_files": (18_000, 500),
    "links.decoded": (1_500, 50),
    "links.descriptions": (1_500, 50),
    "words.texts": (1_500, 50),
    "words.typed": (1_500, 50),
    "words.environments": (2_000, 100),
    "words.command_lines": (1_000, 40),
}


@pytest.mark.parametrize("name", PLAN)
def test_what_is_typed_or_linked_is_read_or_refused_in_words(name: str, is_harmless: Fed) -> None:
    is_harmless(name)

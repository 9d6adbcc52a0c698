"""Weights of strangers, looked at and loaded into a network of ours, fed in thousands."""

from __future__ import annotations

import pytest

from tests.torture.conftest import times
from tests.torture.fuzz.conftest import Fed, Plan

pytestmark = pytest.mark.timeout(600)

# Keras takes longer to start than all of the short form; tests/keras_side/test_foreign.py has the cases by name.
PLAN: Plan = {
    "files.weights_looked_at": (6_000, 200),
    "files.weights_loaded": (2_000, 0),
}


@pytest.mark.parametrize("name", [name for name, amounts in PLAN.items() if times(*amounts)])
def test_weights_are_loaded_or_refused_in_words(name: str, is_harmless: Fed) -> None:
    is_harmless(name)

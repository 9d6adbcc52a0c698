"""Tests that import Keras: all in one process, as importing it takes seconds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
HERE = Path(__file__).resolve().parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks every test of this folder, and keeps them in one worker of pytest-xdist."""
    for item in items:
        if HERE in Path(item.path).parents:
            item.add_marker(pytest.mark.keras)
            item.add_marker(pytest.mark.xdist_group("keras"))

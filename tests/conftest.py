"""What all tests share."""

from __future__ import annotations

import gc

import pytest


@pytest.fixture(scope="module", autouse=True)
def _imports_are_no_garbage() -> None:
    """Takes what is imported so far out of the search for garbage, as the program does.

    Streamlit and statsmodels search all objects after each call; with TensorFlow loaded that takes half a second.
    """
    gc.collect()
    gc.freeze()

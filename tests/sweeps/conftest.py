"""A store of its own for each test, on both databases."""

from tests.store.conftest import home, store, url

__all__ = ["home", "store", "url"]

"""The shelf of ready models: one module of data per document, found by themselves.

To add a study, add a module here with a tuple ``PRESETS``; ``tests/test_presets.py`` then checks every entry of it.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from functools import cache
from types import MappingProxyType

from mnist_lab.errors import PresetNotFound
from mnist_lab.studies.preset import Preset

__all__ = ["Preset", "preset", "presets"]


def presets() -> dict[str, Preset]:
    """All presets by name, the project's own first, then in the order of the documents.

    Raises:
        ValueError: If two presets share a name; a fault of the data, not of the user.
    """
    return dict(_found())


@cache
def _found() -> MappingProxyType[str, Preset]:
    found: dict[str, Preset] = {}
    modules = sorted((info.name for info in pkgutil.iter_modules(__path__)), key=lambda name: (name != "starter", name))
    for module in modules:
        for entry in getattr(importlib.import_module(f"{__name__}.{module}"), "PRESETS", ()):
            if entry.name in found:
                raise ValueError(f"Two presets have the name {entry.name!r}; the second is in {module}.py.")
            found[entry.name] = entry
    return MappingProxyType(found)


def preset(name: str) -> Preset:
    """The preset of that name; case and surrounding spaces do not matter.

    Raises:
        PresetNotFound: With the names that come closest.
    """
    known = _found()
    wanted = name.strip().lower()
    if wanted in known:
        return known[wanted]
    close = difflib.get_close_matches(wanted, known, n=3, cutoff=0.4)
    raise PresetNotFound(
        f"There is no preset {name!r}.",
        f"Did you mean {' or '.join(close)}?" if close else "List them with `python -m mnist_lab presets`.",
    )

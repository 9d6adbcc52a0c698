"""The shelf of ready models, and the studies that they belong to: modules of data, found by themselves.

To add a study, add a module here with a tuple ``STUDIES``, a tuple ``PRESETS``, or both;
``tests/test_presets.py`` and ``tests/test_studies.py`` then check every entry of them.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Protocol, TypeVar

from mnist_lab.errors import LabError, PresetNotFound, StudyNotFound
from mnist_lab.studies.preset import Preset, Published
from mnist_lab.studies.study import Series, Study

__all__ = ["Preset", "Published", "Series", "Study", "members", "preset", "presets", "studies", "study"]


class _Named(Protocol):
    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=_Named)


def presets() -> dict[str, Preset]:
    """All presets by name, the project's own first, then in the order of the documents.

    Raises:
        ValueError: If two presets share a name; a fault of the data, not of the user.
    """
    return dict(_presets())


def studies() -> dict[str, Study]:
    """All studies by name, the documents in their order, the recipes, then the questions.

    Raises:
        ValueError: If two studies share a name; a fault of the data, not of the user.
    """
    return dict(_studies())


@cache
def _presets() -> MappingProxyType[str, Preset]:
    return _by_name((module, entry) for module in _modules() for entry in getattr(_loaded(module), "PRESETS", ()))


@cache
def _studies() -> MappingProxyType[str, Study]:
    found = [(module, entry) for module in _modules() for entry in getattr(_loaded(module), "STUDIES", ())]
    return _by_name(sorted(found, key=lambda pair: pair[1].is_question))


def _modules() -> list[str]:
    """The starter model's module, those of the documents, the others."""
    names = [info.name for info in pkgutil.iter_modules(__path__)]
    return sorted(names, key=lambda name: (name != "starter", not name.startswith("s0"), name))


def _loaded(module: str) -> object:
    return importlib.import_module(f"{__name__}.{module}")


def _by_name(entries: Iterable[tuple[str, T]]) -> MappingProxyType[str, T]:
    found: dict[str, T] = {}
    for module, entry in entries:
        if entry.name in found:
            raise ValueError(f"Two entries have the name {entry.name!r}; the second is in {module}.py.")
        found[entry.name] = entry
    return MappingProxyType(found)


def preset(name: str) -> Preset:
    """The preset of that name; case and surrounding spaces do not matter.

    Raises:
        PresetNotFound: With the names that come closest.
    """
    return _look_up(name, _presets(), "preset", PresetNotFound, "List them with `python -m mnist_lab presets`.")


def study(name: str) -> Study:
    """The study of that name; case and surrounding spaces do not matter.

    Raises:
        StudyNotFound: With the names that come closest.
    """
    known = _studies()
    return _look_up(name, known, "study", StudyNotFound, f"There are {', '.join(known)}.")


def members(study: Study) -> tuple[Preset, ...]:
    """The models of a study, in its order."""
    known = _presets()
    if not study.is_question:
        return tuple(entry for entry in known.values() if entry.study == study.name)
    names = dict.fromkeys(name for series in study.series for _, name in series.points)
    return tuple(known[name] for name in names)


def _look_up(name: str, known: Mapping[str, T], what: str, error: type[LabError], remedy: str) -> T:
    wanted = name.strip().lower()
    if wanted in known:
        return known[wanted]
    close = difflib.get_close_matches(wanted, known, n=3, cutoff=0.4)
    raise error(f"There is no {what} {name!r}.", f"Did you mean {' or '.join(close)}?" if close else remedy)

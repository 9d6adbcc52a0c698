"""The registry of studies: every one found, every name known. A new study is found by itself."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections import Counter

import pytest

from mnist_lab import studies as package
from mnist_lab.errors import StudyNotFound
from mnist_lab.studies import Study, members, presets, studies, study

ALL = list(studies().values())
DOCUMENTS = [entry for entry in ALL if not entry.is_question]
QUESTIONS = [entry for entry in ALL if entry.is_question]


def by_name(entries: list[Study]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("entry", entries, ids=[entry.name for entry in entries])


def test_every_study_of_every_module_is_found() -> None:
    in_modules = [
        entry.name
        for info in pkgutil.iter_modules(package.__path__)
        for entry in getattr(importlib.import_module(f"mnist_lab.studies.{info.name}"), "STUDIES", ())
    ]
    assert sorted(in_modules) == sorted(studies())
    assert [entry.name for entry in DOCUMENTS] == ["000", "001", "002", "003", "004"]


def test_each_document_has_as_many_models_as_it_trained() -> None:
    counts = Counter(entry.study for entry in presets().values() if entry.published is not None)
    assert counts == {"000": 13, "001": 12, "002": 7, "003": 16, "004": 10}
    assert counts.total() == 58


@by_name(ALL)
def test_a_study_says_what_it_is_and_has_models(entry: Study) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", entry.name)
    assert entry.title and entry.about
    assert len(members(entry)) >= 2


def test_every_preset_belongs_to_a_study() -> None:
    for entry in presets().values():
        assert entry.study in studies() or entry.study == "lab", entry.name


@by_name(QUESTIONS)
def test_the_series_of_a_question_vary_one_thing(entry: Study) -> None:
    assert entry.varies and entry.cite
    for series in entry.series:
        values = [value for value, _ in series.points]
        names = [name for _, name in series.points]
        assert len(values) >= 2
        assert len(set(values)) == len(values), series.label
        assert len(set(names)) == len(names), series.label
        assert set(names) <= set(presets()), series.label


@by_name(QUESTIONS)
def test_the_models_of_a_series_are_trained_alike(entry: Study) -> None:
    """Split, batch size and images; what varies on purpose is the network or the optimizer."""
    for series in entry.series:
        trainings = [presets()[name].training for _, name in series.points]
        assert len({(each.split, each.batch_size, each.limit, each.dataset) for each in trainings}) == 1, series.label


def test_a_misspelt_name_is_answered_with_what_comes_closest() -> None:
    assert study(" 000 ") is studies()["000"]
    with pytest.raises(StudyNotFound) as caught:
        study("00")
    assert "000" in caught.value.remedy
    with pytest.raises(StudyNotFound) as caught:
        study("§§§")
    assert "004" in caught.value.remedy

"""The registry of studies: every one found, every name known. A new study is found by itself."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections import Counter
from dataclasses import fields, is_dataclass
from functools import cache
from graphlib import TopologicalSorter
from itertools import combinations, pairwise
from typing import Any

import pytest

from mnist_lab import studies as package
from mnist_lab.errors import StudyNotFound
from mnist_lab.layers import Layer
from mnist_lab.shapes import analyse
from mnist_lab.studies import Preset, Study, members, preset, presets, studies, study
from mnist_lab.training_config import TrainingConfig

ALL = list(studies().values())
DOCUMENTS = [entry for entry in ALL if entry.is_document]
QUESTIONS = [entry for entry in ALL if entry.is_question]

# What may differ between two neighbours of a series: fields of layers or of the training, kinds of layers that only one
# of the two has.
ALLOWED = {
    "kernel-size": {"kernel_size"},
    "padding": {"padding"},
    "pooling-frequency": {"pool_size", "Conv2D"},  # a pooling of 1x1 is none; or more convolutions for each pooling
    "depth": {"Conv2D", "MaxPooling2D", "Dense"},  # the documents add convolutions together with a pooling
    "filters": {"filters"},
    "units": {"units"},
    "pooling": {"pool_size", "strides", "MaxPooling2D", "AveragePooling2D"},
    "activation": {"activation"},
    "dropout": {"Dropout"},
    "global-pooling": {"Flatten", "GlobalMaxPooling2D"},
    "learning-rate": {"learning_rate"},
    "batch-normalization": {"BatchNormalization"},
    "fine-tuning": {"trainable_layers"},
}
# Series that differ in more, by their label: in what, and the words of label or caveat that say so. All are comparisons
# that a document draws itself, but for the last.
IMPURE = {
    "Document 004, no padding; 3×3 has one convolution more, and the steps of poolings differ": (
        {"Conv2D", "MaxPooling2D", "strides"},
        "3×3 has one convolution more, and the steps of poolings differ",
    ),
    "Document 001, 7×7, 5×5, 3×3; the padded one has a dense layer more, and fewer units": (
        {"Dense", "units"},
        "the padded one has a dense layer more, and fewer units",
    ),
    "Document 004, 3×3; two poolings exchange their steps": ({"strides"}, "two poolings exchange their steps"),
    "Document 004, 5×5; rarer by two convolutions more, with more filters and smaller steps at the end": (
        {"filters", "strides"},
        "with more filters and smaller steps at the end",
    ),
    "Document 003, a pooling with each; the deepest pools in steps of 1 and has a dense layer more": (
        {"strides", "restore_best_weights"},
        "the CNN with four convolutions kept the weights of their best epoch",
    ),
    "Document 001, 5×5; the third brings more dropout, and Adam in place of Adadelta": (
        {"Dropout", "optimizer"},
        "the third brings more dropout, and Adam in place of Adadelta",
    ),
    "Document 000, one convolution; the hidden layer brings dropout": ({"Dropout"}, "the hidden layer brings dropout"),
    "Document 000, three convolutions; the hidden layer brings dropout": (
        {"Dropout"},
        "the hidden layer brings dropout",
    ),
    "Document 003, dense layers only; their units differ as well": (
        {"units", "restore_best_weights"},
        "their units differ as well",
    ),
    "Document 003, three hidden layers": (
        {"restore_best_weights"},
        "The network in the middle kept the weights of its best epoch",
    ),
    "Document 003, fully connected": (
        {"restore_best_weights"},
        "With 0.00001 the weights of the last epoch were kept",
    ),
    "Document 002's VGG16, frozen, rate 0.001, as published; what varies is the preparation of its pixels": (
        {"Rescaling", "RepeatChannels", "Parallel"},
        "what varies is the preparation of its pixels",
    ),
}
OWN = [
    entry
    for entry in presets().values()
    if entry.published is None and entry.study in {question.name for question in QUESTIONS}
]
RECIPES = list(members(study("recipes")))


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


def differing_fields(one: Any, other: Any) -> frozenset[str]:
    """The fields in which two of a kind differ; of fields that are objects of one kind, theirs."""
    found: set[str] = set()
    for field in fields(one):
        ours, theirs = getattr(one, field.name), getattr(other, field.name)
        if ours != theirs:
            alike = is_dataclass(ours) and type(ours) is type(theirs)
            found |= differing_fields(ours, theirs) if alike else {field.name}
    return frozenset(found)


def differing_layers(ours: tuple[Layer, ...], theirs: tuple[Layer, ...]) -> frozenset[str]:
    """The fields in which the layers of two networks differ, and the kinds that only one has.

    The two are aligned as cheaply as can be, a differing field at 1, a layer that only one has at 1.5.
    """
    best: dict[tuple[int, int], tuple[float, frozenset[str]]] = {}
    for i in range(len(ours) + 1):
        for j in range(len(theirs) + 1):
            ways: list[tuple[float, frozenset[str]]] = [] if i or j else [(0.0, frozenset())]
            if i:
                cost, found = best[i - 1, j]
                ways.append((cost + 1.5, found | {ours[i - 1].kind}))
            if j:
                cost, found = best[i, j - 1]
                ways.append((cost + 1.5, found | {theirs[j - 1].kind}))
            if i and j and ours[i - 1].kind == theirs[j - 1].kind:
                cost, found = best[i - 1, j - 1]
                names = differing_fields(ours[i - 1], theirs[j - 1])
                ways.append((cost + len(names), found | names))
            best[i, j] = min(ways, key=lambda way: (way[0], len(way[1])))
    return best[len(ours), len(theirs)][1]


@cache
def differences(one: str, other: str) -> frozenset[str]:
    ours, theirs = preset(one), preset(other)
    layers = differing_layers(ours.architecture.layers, theirs.architecture.layers)
    return layers | differing_fields(ours.training, theirs.training)


def test_the_thirteen_questions_are_there() -> None:
    assert {entry.name for entry in QUESTIONS} == set(ALLOWED)
    assert len(ALLOWED) == 13


@by_name(QUESTIONS)
def test_neighbours_differ_in_what_the_question_varies_alone(entry: Study) -> None:
    for series in entry.series:
        more, told = IMPURE.get(series.label, (set(), ""))
        found = [differences(one, other) for (_, one), (_, other) in pairwise(series.points)]
        assert all(each & ALLOWED[entry.name] for each in found) or "what varies is" in series.label
        assert frozenset().union(*found) - ALLOWED[entry.name] == more, series.label
        assert told in f"{series.label} {entry.caveat}"


def test_every_series_that_is_named_impure_is_there() -> None:
    labels = Counter(series.label for entry in QUESTIONS for series in entry.series)
    assert all(labels[label] == 1 for label in IMPURE)


def document(name: str) -> str | None:
    """The document of a published model; None for one of the project's own."""
    entry = preset(name)
    return None if entry.published is None else entry.study


@by_name(QUESTIONS)
def test_the_models_of_a_series_are_of_one_document(entry: Study) -> None:
    for series in entry.series:
        assert len({document(name) for _, name in series.points} - {None}) <= 1, series.label


@by_name(QUESTIONS)
def test_the_values_of_all_series_fit_on_one_axis(entry: Study) -> None:
    before: dict[str, set[str]] = {}
    for series in entry.series:
        for (one, _), (other, _) in pairwise(series.points):
            before.setdefault(other, set()).add(one)
    TopologicalSorter(before).prepare()  # raises CycleError if two series want it in different orders


def test_no_two_published_models_that_differ_in_one_thing_are_overlooked() -> None:
    twins = frozenset(("002-grid-5x5-64", "002-with-dropout"))  # the same network, published twice
    together = {
        frozenset(pair)
        for entry in QUESTIONS
        for series in entry.series
        for pair in combinations([name for _, name in series.points], 2)
    }
    published = [entry for entry in presets().values() if entry.published is not None]
    pairs = 0
    for one, other in combinations(published, 2):
        if one.study != other.study or len(differences(one.name, other.name)) != 1:
            continue
        ours, theirs = (twins if entry.name in twins else {entry.name} for entry in (one, other))
        assert any({left, right} in together for left in ours for right in theirs), (one.name, other.name)
        pairs += 1
    assert pairs >= 25


def by_preset(entries: list[Preset]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("entry", entries, ids=[entry.name for entry in entries])


@by_preset(OWN)
def test_models_of_the_project_s_own_answer_a_question(entry: Preset) -> None:
    assert entry in members(study(entry.study))
    assert entry.name.startswith(f"{entry.study}-")
    assert analyse(entry.architecture).problem is None
    assert entry.title and entry.cite and entry.remark


@by_preset(OWN)
def test_models_of_the_project_s_own_are_trained_as_the_published_ones(entry: Preset) -> None:
    """Only the learning rate may be another."""
    wanted = {"learning_rate"} if entry.study in ("learning-rate", "fine-tuning") else set()
    trainings: list[TrainingConfig] = [known.training for known in presets().values() if known.published is not None]
    assert any(differing_fields(entry.training, each) <= wanted for each in trainings)


def test_there_are_few_models_of_the_project_s_own() -> None:
    assert len(OWN) == 12


def test_a_misspelt_name_is_answered_with_what_comes_closest() -> None:
    assert study(" 000 ") is studies()["000"]
    with pytest.raises(StudyNotFound) as caught:
        study("kernelsize")
    assert "kernel-size" in caught.value.remedy
    with pytest.raises(StudyNotFound) as caught:
        study("§§§")
    assert all(name in caught.value.remedy for name in studies())


@by_preset(RECIPES)
def test_a_recipe_keeps_its_last_epoch_and_is_tested_once(entry: Preset) -> None:
    assert entry.training.early_stopping is None
    assert not entry.training.test_is_validation
    assert analyse(entry.architecture).problem is None
    assert entry.title and entry.cite and entry.remark


def test_the_recipes_hold_what_they_are_named_for() -> None:
    assert [entry.name for entry in RECIPES] == ["fast", "small", "accurate"]
    assert preset("fast").training.epochs == 1
    assert preset("small").parameters <= 8_000

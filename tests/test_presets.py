"""Every preset against what its document printed. A new study is found by itself."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re

import pytest

from mnist_lab import studies
from mnist_lab.architecture import Architecture
from mnist_lab.errors import PresetNotFound
from mnist_lab.optimizers import Adadelta, Adam
from mnist_lab.shapes import analyse
from mnist_lab.studies import Preset, Published, preset, presets
from mnist_lab.training_config import TrainingConfig

ALL = list(presets().values())
PUBLISHED = [entry for entry in ALL if entry.published is not None]


def figures(entry: Preset) -> Published:
    assert entry.published is not None
    return entry.published


def by_name(entries: list[Preset]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("entry", entries, ids=[entry.name for entry in entries])


def test_every_data_module_of_the_package_is_on_the_shelf() -> None:
    in_modules = [
        entry.name
        for info in pkgutil.iter_modules(studies.__path__)
        for entry in getattr(importlib.import_module(f"mnist_lab.studies.{info.name}"), "PRESETS", ())
    ]
    assert sorted(in_modules) == sorted(presets())
    assert len(PUBLISHED) >= 12
    assert {entry.study for entry in PUBLISHED} >= {"000", "001", "002", "003", "004"}


def test_two_presets_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("mnist_lab.studies.starter")
    monkeypatch.setattr(module, "PRESETS", (*module.PRESETS, *module.PRESETS))
    with pytest.raises(ValueError, match="starter"):
        studies._presets.__wrapped__()


@by_name(PUBLISHED)
def test_parameters_are_those_that_the_document_printed(entry: Preset) -> None:
    analysis = analyse(entry.architecture)
    assert analysis.parameters == figures(entry).parameters
    assert analysis.trainable == figures(entry).trainable_parameters
    per_layer = tuple(row.parameters for row in analysis.rows if row.parameters)
    assert per_layer == figures(entry).layer_parameters
    assert sum(figures(entry).layer_parameters) == figures(entry).parameters


@by_name(ALL)
def test_every_preset_is_a_network_that_can_be_built(entry: Preset) -> None:
    assert analyse(entry.architecture).problem is None


@by_name(ALL)
def test_every_preset_comes_back_from_json(entry: Preset) -> None:
    values = json.loads(json.dumps(entry.to_dict()))
    assert Architecture.from_dict({"layers": values["layers"]}) == entry.architecture
    assert TrainingConfig.from_dict(values["training"]) == entry.training
    assert set(values) >= {
        "name", "study", "title", "parameters", "trainable_parameters", "published", "training", "layers",
    }  # fmt: skip
    assert values["parameters"] == entry.parameters == analyse(entry.architecture).parameters


@by_name(ALL)
def test_names_are_slugs(entry: Preset) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", entry.name)
    assert entry.title and entry.cite


@by_name(PUBLISHED)
def test_every_published_preset_cites_document_and_heading(entry: Preset) -> None:
    assert re.fullmatch(rf"Document {entry.study}, .+: .+", entry.cite)


@by_name(PUBLISHED)
def test_published_figures_hang_together(entry: Preset) -> None:
    found = figures(entry)
    accuracy, loss = found.test_accuracy, found.test_loss
    assert accuracy is not None and 0.1 < accuracy < 1
    assert loss is None or loss > 0
    assert found.epochs <= entry.training.epochs
    for curve in (found.training_accuracy, found.training_loss, found.validation_accuracy, found.validation_loss):
        assert curve is None or len(curve) == found.epochs
    for curve in (found.training_accuracy, found.validation_accuracy):
        assert all(value is None or 0 < value <= 1 for value in curve or ())
    for ten in (found.auc_per_digit, found.precision_per_digit, found.recall_per_digit, found.f1_per_digit):
        assert ten is None or (len(ten) == 10 and all(0 < value <= 1 for value in ten))
    curve = found.validation_accuracy
    if curve and found.best_epoch is not None:
        assert curve[found.best_epoch - 1] == max(value for value in curve if value is not None)
    if curve and entry.training.split == "test-as-validation":
        kept = (found.best_epoch or found.epochs) - 1
        half_a_step = 0.5 * 10**-found.decimals + 0.00005
        if curve[kept] is not None:
            assert accuracy == pytest.approx(curve[kept], abs=half_a_step + 1e-9)
        if found.validation_loss and loss is not None and found.validation_loss[kept] is not None:
            assert loss == pytest.approx(found.validation_loss[kept], abs=0.00006)


@by_name(PUBLISHED)
def test_what_is_printed_as_json_has_no_empty_figures(entry: Preset) -> None:
    printed = entry.to_dict()["published"]
    assert None not in printed.values()
    assert {"parameters", "trainable_parameters", "test_accuracy", "epochs"} <= set(printed)


@by_name(PUBLISHED)
def test_published_curves_read_as_a_history(entry: Preset) -> None:
    history = figures(entry).history()
    assert [row["epoch"] for row in history] == list(range(1, len(history) + 1))
    for name, curve in (("val_accuracy", figures(entry).validation_accuracy), ("loss", figures(entry).training_loss)):
        assert [row.get(name) for row in history] == list(curve or [None] * len(history))


ADAM_OF_001 = [f"001-conv-{name}" for name in ("5-5-5", "7-7-7", "7-7-7-norm", "5-5-5-norm", "3-3-3-norm")]
OTHER_RATES = {"003-learning-rate-0-05": 0.05, "003-learning-rate-0-00001": 0.00001}


def test_learning_rates_are_those_of_the_time() -> None:
    for entry in PUBLISHED:
        adadelta = entry.study in ("001", "004") and entry.name not in ADAM_OF_001
        adam = Adam(learning_rate=OTHER_RATES.get(entry.name, 0.001))
        assert entry.training.optimizer == (Adadelta(learning_rate=1.0) if adadelta else adam), entry.name


def test_splits_and_seeds_are_those_of_the_documents() -> None:
    for entry in PUBLISHED:
        assert entry.training.split == ("pooled-80-10-10" if entry.study == "003" else "test-as-validation")
    assert preset("000-model-10").training.seed == 42
    assert preset("starter").training.split == "holdout"


def test_the_accuracies_of_document_003_are_whole_test_images() -> None:
    for entry in PUBLISHED:
        if entry.study == "003":
            right = (figures(entry).test_accuracy or 0) * 7_000
            assert right == pytest.approx(round(right), abs=0.01), entry.name


def test_the_starter_model_is_small_enough_to_ship_and_to_train_on_a_cpu() -> None:
    analysis = analyse(preset("starter").architecture)
    assert analysis.bytes < 900_000
    assert analysis.multiply_adds < 4_000_000


def test_published_figures_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        figures(preset("lenet-5")).epochs = 1  # type: ignore[misc]


def test_a_misspelt_name_is_answered_with_what_comes_closest() -> None:
    with pytest.raises(PresetNotFound) as caught:
        preset("lenet5")
    assert "lenet-5" in caught.value.remedy
    with pytest.raises(PresetNotFound) as caught:
        preset("§§§")
    assert "presets" in caught.value.remedy


def test_case_and_spaces_around_a_name_do_not_matter() -> None:
    assert preset(" LeNet-5 ") is preset("lenet-5")

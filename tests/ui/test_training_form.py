"""The training form: each optimizer and schedule with exactly its fields, and no input that is lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from mnist_lab import fields
from mnist_lab.optimizers import OPTIMIZERS
from mnist_lab.studies import preset
from mnist_lab.training_config import SCHEDULES, Augmentation, EarlyStopping, TrainingConfig
from tests.ui.conftest import bench, click_late, keys, labelled, on_tab, put_in, widget_states
from tests.ui.test_layer_editor import other

REGISTRIES = {"optimizer": OPTIMIZERS, "schedule": SCHEDULES}
EACH_PART = pytest.mark.parametrize(
    ("part", "kind"), [(part, kind) for part, registry in REGISTRIES.items() for kind in registry]
)


@pytest.fixture
def lab(visit: Callable[[str], AppTest]) -> AppTest:
    return on_tab(visit("lab"), "Training")


def form(app: AppTest) -> str:
    return f"training.{bench(app).revision}"


def assert_untroubled(app: AppTest) -> None:
    assert not app.exception and not app.error


@EACH_PART
def test_what_is_chosen_shows_exactly_its_fields(part: str, kind: str, lab: AppTest) -> None:
    lab.selectbox(f"{form(lab)}.{part}").set_value(kind).run()
    assert_untroubled(lab)
    chosen = REGISTRIES[part][kind]
    assert getattr(bench(lab).training, part) == chosen()
    assert keys(lab, f"{form(lab)}.{part}.") == {f"{kind}.{name}" for name in fields.specs(chosen)}


@EACH_PART
def test_all_its_fields_can_be_changed_at_once(part: str, kind: str, lab: AppTest) -> None:
    """As by one who types a number and clicks another field at once: Streamlit sends both changes together."""
    lab.selectbox(f"{form(lab)}.{part}").set_value(kind).run()
    before = getattr(bench(lab).training, part)
    wanted = {name: other(spec, getattr(before, name)) for name, spec in fields.specs(type(before)).items()}
    for name, value in wanted.items():
        put_in(lab, f"{form(lab)}.{part}.{kind}.{name}", value)
    lab.run()
    assert_untroubled(lab)
    assert getattr(bench(lab).training, part) == replace(before, **wanted)


def test_stopping_and_augmentation_are_switched_and_all_their_fields_changed_at_once(lab: AppTest) -> None:
    lab.toggle(f"{form(lab)}.stopping").set_value(True).run()
    assert bench(lab).training.early_stopping == EarlyStopping()
    wanted: dict[str, dict[str, Any]] = {}
    for prefix, instance in (("stopping.fields", EarlyStopping()), ("augmentation", Augmentation())):
        assert keys(lab, f"{form(lab)}.{prefix}.") == set(fields.specs(type(instance)))
        values = {name: other(spec, getattr(instance, name)) for name, spec in fields.specs(type(instance)).items()}
        for name, value in values.items():
            put_in(lab, f"{form(lab)}.{prefix}.{name}", value)
        wanted[prefix] = values
    lab.run()
    assert_untroubled(lab)
    assert bench(lab).training.early_stopping == EarlyStopping(**wanted["stopping.fields"])
    assert bench(lab).training.augmentation == Augmentation(**wanted["augmentation"])
    lab.toggle(f"{form(lab)}.stopping").set_value(False).run()
    assert bench(lab).training.early_stopping is None
    assert not keys(lab, f"{form(lab)}.stopping.")


def test_every_setting_of_the_training_has_a_widget_that_works(lab: AppTest) -> None:
    for name, spec in fields.specs(TrainingConfig).items():
        if name == "dataset":
            continue  # only one of them is on this machine
        value = other(spec, getattr(bench(lab).training, name))
        put_in(lab, f"{form(lab)}.{name}", value)
        lab.run()
        assert_untroubled(lab)
        assert getattr(bench(lab).training, name) == value, name


def test_an_optional_number_can_be_emptied(lab: AppTest) -> None:
    lab.number_input(f"{form(lab)}.limit").set_value(100).run()
    assert bench(lab).training.limit == 100
    lab.number_input(f"{form(lab)}.limit").set_value(None).run()
    assert bench(lab).training.limit is None
    assert_untroubled(lab)


OUT_OF_RANGE = {
    "epochs": 0,
    "batch_size": 10**6,
    "seed": -1,
    "label_smoothing": 0.95,
    "optimizer.Adam.learning_rate": 0.0,
    "optimizer.Adam.beta_1": 1.0,
    "augmentation.rotation": 181.0,
}


@pytest.mark.parametrize("name", OUT_OF_RANGE)
def test_a_value_out_of_range_changes_nothing(name: str, lab: AppTest) -> None:
    before = bench(lab).training
    shown = lab.number_input(f"{form(lab)}.{name}").value
    lab.number_input(f"{form(lab)}.{name}").set_value(OUT_OF_RANGE[name]).run()
    assert not lab.exception
    assert bench(lab).training == before
    assert lab.number_input(f"{form(lab)}.{name}").value == shown, "the widget shows what is"
    assert not lab.error, "the widget itself takes no such value"
    value = {"epochs": 3, "batch_size": 64, "seed": 1}.get(name, 0.5)
    lab.number_input(f"{form(lab)}.{name}").set_value(value).run()
    assert_untroubled(lab)
    assert bench(lab).training != before


def test_what_cannot_be_had_of_the_data_is_said_in_words(lab: AppTest) -> None:
    lab.selectbox(f"{form(lab)}.dataset").set_value("mnist").run()
    assert not lab.exception
    assert "MNIST is not on this machine" in lab.error[0].value
    assert lab.button("train").disabled
    lab.selectbox(f"{form(lab)}.dataset").set_value("digits").run()
    assert_untroubled(lab)


def test_the_form_keeps_its_values_while_other_pages_are_visited(lab: AppTest) -> None:
    lab.selectbox(f"{form(lab)}.optimizer").set_value("SGD").run()
    lab.number_input(f"{form(lab)}.optimizer.SGD.momentum").set_value(0.9).run()
    lab.text_input(f"{form(lab)}.name").set_value("kept").run()
    wanted = bench(lab).training
    lab.switch_page("pages/runs.py").run()
    on_tab(lab.switch_page("pages/lab.py"), "Training")
    assert bench(lab).training == wanted
    assert lab.number_input(f"{form(lab)}.optimizer.SGD.momentum").value == 0.9
    assert lab.text_input(f"{form(lab)}.name").value == "kept"
    assert_untroubled(lab)


def test_a_click_that_brings_along_the_form_of_before_does_not_bring_its_training_back(lab: AppTest) -> None:
    lab.number_input(f"{form(lab)}.epochs").set_value(77).run()
    states = widget_states(lab)
    labelled(lab, "selectbox", "Start from").set_value("fast").run()
    click_late(lab, "row.(0,)", states)
    assert not lab.exception
    assert bench(lab).selected == (0,)
    assert bench(lab).training == preset("fast").training

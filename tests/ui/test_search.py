"""What is marked as searched in the Lab: where it is marked, how it is edited, and that it follows the network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from mnist_lab.store import open_store
from mnist_lab.studies import preset
from mnist_lab.sweeps import search
from mnist_lab.sweeps.dimensions import Dimension, IntegerRange, NumberRange, OneOf, Repeat, name_of
from mnist_lab.sweeps.sweep import Sweep
from tests.ui.conftest import bench, click_late, labelled, on_tab, widget_states

Visit = Callable[[str], AppTest]
FILTERS, RATE, KERNEL = "layers.0.filters", "training.optimizer.learning_rate", "layers.0.kernel_size"


@pytest.fixture
def lab(visit: Visit) -> AppTest:
    """The Lab on its tab Search; LeNet-5 is on the bench."""
    return on_tab(visit("lab"), "Search")


def add(app: AppTest, *names: str) -> AppTest:
    for name in names:
        labelled(app, "selectbox", "Search a field").set_value(name).run()
        assert not app.exception
    return app


def searched(app: AppTest) -> dict[str, Dimension]:
    return {name_of(each): each for each in bench(app).searched.dimensions}


def widget(app: AppTest, name: str, part: str) -> Any:
    """The widget of a row."""
    kinds = ("number_input", "text_input", "selectbox", "multiselect", "button")
    (found,) = (
        each for kind in kinds for each in app.get(kind)
        if (each.key or "").startswith("search.") and f".{name}." in each.key and each.key.endswith(f".{part}")
    )  # fmt: skip
    return found


def words(app: AppTest) -> str:
    elements = [*app.markdown, *app.caption, *app.error, *app.info, *app.warning]
    return " ".join(each.value for each in elements).replace("\\", "")


def test_with_nothing_searched_there_is_but_one_list(lab: AppTest) -> None:
    assert not lab.error and not [each for each in lab.button if each.key == "start-sweep"]
    offered = labelled(lab, "selectbox", "Search a field").options
    assert "1 Conv2D · Filters (now 6)" in offered and "Optimizer · Learning rate (now 0.001)" in offered
    assert "3 Conv2D · Repeats" in offered
    assert not any(option.startswith(("Seed", "Data", "Split")) for option in offered)


def test_a_field_is_added_edited_and_removed(lab: AppTest) -> None:
    add(lab, FILTERS, RATE, KERNEL, "repeat layers.2")
    assert set(searched(lab)) == {FILTERS, RATE, KERNEL, "repeat layers.2"}
    widget(lab, FILTERS, "low").set_value(4).run()
    widget(lab, FILTERS, "high").set_value(16).run()
    assert searched(lab)[FILTERS] == IntegerRange(FILTERS, 4, 16, log=True)
    widget(lab, FILTERS, "kind").set_value("List").run()
    assert searched(lab)[FILTERS] == OneOf(FILTERS, (4, 6, 10, 16))
    widget(lab, FILTERS, "list").set_value("8, 16, 24").run()
    assert searched(lab)[FILTERS] == OneOf(FILTERS, (8, 16, 24))
    widget(lab, RATE, "kind").set_value("Range").run()
    rate = searched(lab)[RATE]
    assert isinstance(rate, NumberRange) and not rate.log
    widget(lab, "repeat layers.2", "layers").set_value(2).run()
    assert searched(lab)["repeat layers.2"] == Repeat("layers.2", 2, 1, 4)
    assert "Layers 3 to 4 · Repeats" in words(lab)
    widget(lab, KERNEL, "out").click().run()
    assert KERNEL not in searched(lab) and not lab.exception and not lab.error


def test_what_cannot_be_is_said_and_the_row_shows_what_is(lab: AppTest) -> None:
    add(lab, FILTERS)
    widget(lab, FILTERS, "kind").set_value("List").run()
    before = searched(lab)
    for typed in ("8, many", "8", "8, 0"):
        widget(lab, FILTERS, "list").set_value(typed).run()
        assert len(lab.error) == 1 and not lab.exception, typed
        assert searched(lab) == before
        assert widget(lab, FILTERS, "list").value == "1, 3, 8, 24"
    widget(lab, FILTERS, "list").set_value("8, 16").run()
    assert not lab.error


def test_a_late_click_adds_no_field_once_more_and_brings_no_end_back(lab: AppTest) -> None:
    """A browser that has not learned yet which widgets are gone sends their values along, and Streamlit calls."""
    labelled(lab, "selectbox", "Search a field").set_value(FILTERS)
    states = widget_states(lab)
    lab.run()
    click_late(lab, "row.(0,)", states)
    assert not lab.exception and not lab.error and list(searched(lab)) == [FILTERS]
    widget(lab, FILTERS, "low").set_value(4)
    states = widget_states(lab)
    lab.run()
    widget(lab, FILTERS, "low").set_value(2).run()
    click_late(lab, "row.(1,)", states)
    assert not lab.exception and searched(lab)[FILTERS] == IntegerRange(FILTERS, 2, 24, log=True)


def test_changes_that_come_together_are_all_made(lab: AppTest) -> None:
    add(lab, FILTERS, RATE)
    widget(lab, FILTERS, "low").set_value(4)
    labelled(lab, "number_input", "Trials").set_value(9)
    widget(lab, RATE, "out").click().run()
    assert searched(lab) == {FILTERS: IntegerRange(FILTERS, 4, 24, log=True)}
    assert bench(lab).searched.search.trials == 9


def test_a_layers_own_list_in_the_sidebar_and_the_rows_are_one(lab: AppTest) -> None:
    add(lab, RATE)
    lab.button("row.(0,)").click().run()
    box = labelled(lab, "multiselect", "Searched fields of this layer")
    assert box.value == []
    box.set_value([FILTERS, "repeat layers.0"]).run()
    assert list(searched(lab)) == [RATE, FILTERS, "repeat layers.0"]
    widget(lab, FILTERS, "out").click().run()
    assert labelled(lab, "multiselect", "Searched fields of this layer").value == ["repeat layers.0"]
    labelled(lab, "multiselect", "Searched fields of this layer").set_value([]).run()
    assert list(searched(lab)) == [RATE]


def test_marks_follow_a_layer_that_is_moved_and_outlive_the_page(lab: AppTest) -> None:
    add(lab, FILTERS, RATE)
    lab.button("row.(0,)").click().run()
    lab.button("down.(0,)").click().run()
    assert list(searched(lab)) == ["layers.1.filters", RATE]
    lab.switch_page("pages/runs.py").run()
    on_tab(lab.switch_page("pages/lab.py"), "Search")
    assert list(searched(lab)) == ["layers.1.filters", RATE]
    assert "2 Conv2D · Filters" in words(lab)


def test_a_mark_whose_layer_is_removed_is_dropped_with_a_sentence_and_undo_brings_both_back(lab: AppTest) -> None:
    add(lab, FILTERS, RATE)
    lab.button("row.(0,)").click().run()
    lab.button("remove.(0,)").click().run()
    assert list(searched(lab)) == [RATE]
    assert "No longer searched, as its layer is gone: 1 Conv2D · Filters." in words(lab)
    labelled(lab, "button", "Undo").click().run()
    assert set(searched(lab)) == {FILTERS, RATE} and "No longer" not in words(lab)
    labelled(lab, "button", "Redo").click().run()
    assert list(searched(lab)) == [RATE]


def test_a_mark_made_after_a_step_stays_when_the_step_is_undone(lab: AppTest) -> None:
    labelled(lab, "selectbox", "Add a layer at the end").set_value("Dropout").run()
    add(lab, FILTERS, "layers.8.rate")
    labelled(lab, "button", "Undo").click().run()
    assert list(searched(lab)) == [FILTERS]
    labelled(lab, "button", "Redo").click().run()
    assert set(searched(lab)) == {FILTERS, "layers.8.rate"}


def test_a_field_that_another_optimizer_lacks_is_dropped_with_a_sentence(lab: AppTest) -> None:
    add(lab, RATE, "training.optimizer.beta_1")
    on_tab(lab, "Training").selectbox(f"training.{bench(lab).revision}.optimizer").set_value("SGD").run()
    assert list(searched(lab)) == [RATE]
    assert "No longer searched, as its field is gone" in words(lab)


def test_combinations_and_impossible_networks_are_counted_before_anything_is_trained(lab: AppTest) -> None:
    add(lab, KERNEL)
    widget(lab, KERNEL, "list").set_value("1, 3, 5, 28").run()
    assert "1 field, 4 combinations." in words(lab)
    assert "1 of them is impossible and will be skipped: Layer 2" in words(lab)
    widget(lab, KERNEL, "list").set_value("27, 28").run()
    assert "None of the networks that were tried out is possible" in words(lab)
    assert lab.button("start-sweep").disabled


def test_how_it_searches_is_chosen_and_what_excludes_each_other_is_said(lab: AppTest) -> None:
    add(lab, FILTERS)

    def how(label: str, kind: str) -> Any:
        return labelled(lab, kind, label)

    how("Trials", "number_input").set_value(7).run()
    how("Sampler", "selectbox").set_value("random").run()
    how("Second aim: few", "selectbox").set_value("parameters").run()
    how("Seconds", "number_input").set_value(600).run()
    wanted = bench(lab).searched.search
    assert (wanted.trials, wanted.sampler, wanted.cost, wanted.seconds) == (7, "random", "parameters", 600)
    how("Pruner", "selectbox").set_value("median").run()
    assert len(lab.error) == 1 and "two aims" in lab.error[0].value
    assert bench(lab).searched.search.pruner == "none" == how("Pruner", "selectbox").value
    how("Second aim: few", "selectbox").set_value(None).run()
    how("Pruner", "selectbox").set_value("median").run()
    assert bench(lab).searched.search.pruner == "median" and not lab.error


def test_a_sweep_is_started_as_it_stands_there(lab: AppTest) -> None:
    pytest.importorskip("optuna")
    add(lab, FILTERS, "training.optimizer")
    labelled(lab, "text_input", "Name of the sweep").set_value("**mine**").run()
    lab.button("start-sweep").click().run()
    assert not lab.exception
    (record,) = open_store().sweeps()
    sweep = Sweep.from_dict(record.sweep)
    assert record.name == "**mine**" and record.status == "running" and record.person
    assert sweep.architecture == preset("lenet-5").architecture and sweep.dimensions == bench(lab).searched.dimensions
    assert [title.value for title in lab.title] == ["Sweeps"], "the page that follows it"


def test_with_a_split_that_would_choose_by_the_test_images_nothing_is_started(lab: AppTest) -> None:
    add(lab, FILTERS)
    on_tab(lab, "Training")
    labelled(lab, "selectbox", "Split").set_value("test-as-validation").run()
    on_tab(lab, "Search")
    assert "choose by the test images" in words(lab)
    assert not [each for each in lab.button if each.key == "start-sweep"]


def test_without_optuna_the_page_says_what_to_install(lab: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "have_optuna", lambda: False)
    add(lab, FILTERS)
    assert "requirements-sweep.txt" in words(lab)
    assert lab.button("start-sweep").disabled

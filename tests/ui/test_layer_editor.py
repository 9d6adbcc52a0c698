"""The sidebar's editor: what holds for every kind of layer, the tools of a row, and a network at its limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from mnist_lab import fields
from mnist_lab.architecture import MAX_LAYERS, Architecture
from mnist_lab.errors import LabError
from mnist_lab.fields import Spec
from mnist_lab.layers import LAYERS, Conv2D, Dense, Flatten, Layer, Parallel, Residual
from mnist_lab.shapes import analyse
from mnist_lab.studies import preset
from mnist_lab.ui import frame
from tests.ui.conftest import bench, click_late, keys, labelled, on_tab, put_in, widget_states

KINDS = pytest.mark.parametrize("kind", LAYERS)
AT_THE_END = "Add a layer at the end"


@pytest.fixture
def lab(visit: Callable[[str], AppTest]) -> AppTest:
    return visit("lab")


def show(app: AppTest, architecture: Architecture, selected: tuple[Any, ...] | None = None) -> None:
    """Puts a network on the workbench of a session."""
    bench(app).change(architecture)
    bench(app).selected = selected
    app.run()
    assert not app.exception


def errors(app: AppTest) -> list[str]:
    """What is said to be wrong, apart from the network's own impossibility."""
    problem = analyse(bench(app).architecture).problem
    return [error.value for error in app.error if error.value != problem]


def other(spec: Spec, value: Any) -> Any:
    """Another value that a field may have."""
    if spec.kind == "boolean":
        return not value
    if spec.kind == "choice":
        return next((each for each in spec.choices if each != value), value)
    if spec.kind == "pair":
        return (3, 3) if value != (3, 3) else (2, 2)
    if spec.kind == "text":
        return "another"
    low = spec.low if spec.low > -1e6 else -1.0
    high = spec.high if spec.high < 1e6 else max(low, 0) + 100.0
    middle = (low + high) / 2
    changed = middle if middle != value else (low + middle) / 2
    return int(changed) if spec.kind == "integer" else changed


# Every kind of layer --------------------------------------------------------------------------------------------------


@KINDS
def test_a_layer_of_every_kind_is_added_selected_and_shows_a_widget_for_each_of_its_fields(
    kind: str, lab: AppTest
) -> None:
    before = bench(lab).architecture
    labelled(lab, "selectbox", AT_THE_END).set_value(kind).run()
    assert not lab.exception and not errors(lab)
    after = bench(lab).architecture
    assert after.layers[:-1] == before.layers
    assert after.layers[-1].kind == kind
    path = (len(before.layers),)
    assert bench(lab).selected == path
    shown = keys(lab, f"field.{bench(lab).revision}.{path}.")
    expected = set()
    for name, spec in fields.specs(LAYERS[kind]).items():
        expected |= {f"{name}.height", f"{name}.apart"} if spec.kind == "pair" else {name}
    assert shown == expected


@KINDS
def test_all_fields_of_a_layer_can_be_changed_at_once(kind: str, lab: AppTest) -> None:
    """As by one who types a number and clicks another field at once: Streamlit sends both changes together."""
    labelled(lab, "selectbox", AT_THE_END).set_value(kind).run()
    layer = bench(lab).architecture.layers[-1]
    path = (len(bench(lab).architecture.layers) - 1,)
    key = f"field.{bench(lab).revision}.{path}"
    expected = layer
    for name, spec in fields.specs(type(layer)).items():
        value = other(spec, getattr(layer, name))
        try:
            expected = replace(expected, **{name: value})
        except LabError:
            continue  # strides and dilation exclude each other
        put_in(lab, f"{key}.{name}", value)
    lab.run()
    assert not lab.exception and not errors(lab)
    assert bench(lab).architecture.layers[-1] == expected


@KINDS
def test_a_value_out_of_range_changes_nothing(kind: str, lab: AppTest) -> None:
    labelled(lab, "selectbox", AT_THE_END).set_value(kind).run()
    network = bench(lab).architecture
    layer, path = network.layers[-1], (len(network.layers) - 1,)
    key = f"field.{bench(lab).revision}.{path}"
    specs = fields.specs(type(layer))
    name = next((name for name, spec in specs.items() if spec.kind in ("integer", "number", "pair")), None)
    if name is None:
        return
    spec = specs[name]
    widget = f"{key}.{name}" + (".height" if spec.kind == "pair" else "")
    shown = lab.number_input(widget).value
    lab.number_input(widget).set_value(spec.low - 1).run()
    assert not lab.exception
    assert bench(lab).architecture == network
    assert lab.number_input(widget).value == shown, "the widget shows what is"
    value = other(spec, getattr(layer, name))
    put_in(lab, f"{key}.{name}", value)
    lab.run()
    assert not lab.exception and not errors(lab)
    assert getattr(bench(lab).architecture.layers[-1], name) == value


def test_what_two_fields_exclude_is_refused_in_words_and_the_widget_shows_what_is(lab: AppTest) -> None:
    lab.button("row.(0,)").click().run()
    for name, value in (("dilation_rate", 2), ("strides", 2)):
        lab.number_input(f"field.{bench(lab).revision}.(0,).{name}.height").set_value(value).run()
    assert not lab.exception
    assert "strides" in errors(lab)[0] and len(errors(lab)) == 1
    assert lab.number_input(f"field.{bench(lab).revision}.(0,).strides.height").value == 1
    layer = bench(lab).architecture.layers[0]
    assert (layer.strides, layer.dilation_rate) == ((1, 1), (2, 2))  # type: ignore[attr-defined]
    lab.run()
    assert errors(lab), "it stays until something else is done"
    lab.number_input(f"field.{bench(lab).revision}.(0,).filters").set_value(12).run()
    assert not errors(lab)


def test_of_changes_that_come_together_one_that_is_refused_keeps_none_of_the_others_from_being_made(
    lab: AppTest,
) -> None:
    lab.button("row.(0,)").click().run()
    lab.number_input(f"field.{bench(lab).revision}.(0,).dilation_rate.height").set_value(2).run()
    key = f"field.{bench(lab).revision}.(0,)"
    for name, value in (("strides.height", 2), ("filters", 12)):
        lab.number_input(f"{key}.{name}").set_value(value)
    states = lab._tree.get_widget_states()
    # As by one who types the strides, and then the filters.
    states.widgets.sort(key=lambda state: "filters" in state.id)
    lab._run(states)
    assert not lab.exception
    layer = bench(lab).architecture.layers[0]
    assert (layer.strides, layer.filters) == ((1, 1), 12)  # type: ignore[attr-defined]
    assert "strides" in errors(lab)[0] and len(errors(lab)) == 1, "what was refused is said all the same"
    key = f"field.{bench(lab).revision}.(0,)"
    assert lab.number_input(f"{key}.strides.height").value == 1 and lab.number_input(f"{key}.filters").value == 12
    lab.number_input(f"{key}.filters").set_value(13).run()
    assert not errors(lab)


def test_what_is_refused_as_train_is_clicked_is_not_trained_in_its_older_form(lab: AppTest) -> None:
    on_tab(lab, "Training").button("row.(0,)").click().run()
    lab.number_input(f"field.{bench(lab).revision}.(0,).dilation_rate.height").set_value(2).run()
    lab.number_input(f"field.{bench(lab).revision}.(0,).strides.height").set_value(2)
    lab.button("train").click()
    states = lab._tree.get_widget_states()
    # A browser sends a click after what was typed; AppTest goes by the order of the page, its sidebar last.
    states.widgets.sort(key=lambda state: state.WhichOneof("value") == "trigger_value")
    lab._run(states)
    assert "strides" in errors(lab)[0]
    assert not frame.store().queue()
    lab.button("train").click().run()
    (run,) = frame.store().queue()
    assert run.network() == bench(lab).architecture, "the next click is on what is seen"


def test_an_optional_pair_can_be_emptied(lab: AppTest) -> None:
    lab.button("row.(1,)").click().run()
    key = f"field.{bench(lab).revision}.(1,).strides.height"
    for value, expected in ((1, (1, 1)), (None, None), (2, (2, 2))):
        lab.number_input(key).set_value(value).run()
        assert bench(lab).architecture.layers[1].strides == expected  # type: ignore[attr-defined]
        assert lab.number_input(key).value == value
    assert not lab.exception and not errors(lab)


def test_height_and_width_can_be_set_apart(lab: AppTest) -> None:
    lab.button("row.(0,)").click().run()
    key = f"field.{bench(lab).revision}.(0,).kernel_size"
    lab.checkbox(f"{key}.apart").check().run()
    lab.number_input(f"{key}.width").set_value(7).run()
    assert bench(lab).architecture.layers[0].kernel_size == (3, 7)  # type: ignore[attr-defined]
    lab.checkbox(f"{key}.apart").uncheck().run()
    assert bench(lab).architecture.layers[0].kernel_size == (3, 3)  # type: ignore[attr-defined]
    assert not lab.exception and not errors(lab)


# A row's tools --------------------------------------------------------------------------------------------------------


def test_a_layer_is_moved_copied_and_removed_and_all_of_it_undone_and_redone(lab: AppTest) -> None:
    first = bench(lab).architecture
    a, b, *rest = first.layers
    lab.button("row.(0,)").click().run()
    assert lab.button("up.(0,)").disabled and not lab.button("down.(0,)").disabled
    lab.button("down.(0,)").click().run()
    assert bench(lab).architecture.layers == (b, a, *rest)
    assert bench(lab).selected == (1,)
    lab.button("copy.(1,)").click().run()
    assert bench(lab).architecture.layers == (b, a, a, *rest)
    assert bench(lab).selected == (2,)
    lab.button("remove.(2,)").click().run()
    lab.button("remove.(1,)").click().run()
    last = bench(lab).architecture
    assert last.layers == (b, *rest)
    assert labelled(lab, "button", "Redo").disabled
    for _ in range(4):
        labelled(lab, "button", "Undo").click().run()
    assert bench(lab).architecture == first
    assert labelled(lab, "button", "Undo").disabled
    for _ in range(4):
        labelled(lab, "button", "Redo").click().run()
    assert bench(lab).architecture == last
    assert not lab.exception and not errors(lab)


def test_a_field_shows_the_value_that_undo_brought_back(lab: AppTest) -> None:
    lab.button("row.(0,)").click().run()
    lab.number_input(f"field.{bench(lab).revision}.(0,).filters").set_value(99).run()
    labelled(lab, "button", "Undo").click().run()
    assert lab.number_input(f"field.{bench(lab).revision}.(0,).filters").value == 6


def test_a_clicked_row_opens_and_closes(lab: AppTest) -> None:
    lab.button("row.(2,)").click().run()
    assert keys(lab, f"field.{bench(lab).revision}.(2,).")
    lab.button("row.(2,)").click().run()
    assert not keys(lab, f"field.{bench(lab).revision}.")


def test_layers_inside_blocks_are_added_edited_and_removed(lab: AppTest) -> None:
    block = Parallel(((Residual((Conv2D(4, padding="same"),)),), ()))
    show(lab, Architecture((block, Flatten(), Dense(10, "softmax"))), (0,))
    labelled(lab, "selectbox", "Add a layer to branch 2 (it passes its input on)").set_value("Dropout").run()
    inside = (0, "branches", 1, 0)
    assert bench(lab).selected == inside
    lab.number_input(f"field.{bench(lab).revision}.{inside}.rate").set_value(0.25).run()
    assert bench(lab).architecture.layers[0].branches[1][0].rate == 0.25  # type: ignore[attr-defined]
    lab.button(f"row.{(0, 'branches', 0, 0)}").click().run()
    labelled(lab, "selectbox", "Add a layer inside").set_value("BatchNormalization").run()
    assert [layer.kind for _, layer in bench(lab).architecture.walk()] == [
        "Parallel", "Residual", "Conv2D", "BatchNormalization", "Dropout", "Flatten", "Dense",
    ]  # fmt: skip
    lab.button(f"remove.{(0, 'branches', 0, 0, 'layers', 1)}").click().run()
    lab.button("row.(0,)").click().run()
    lab.button("branch-.(0,)").click().run()
    assert len(bench(lab).architecture.layers[0].branches) == 1  # type: ignore[attr-defined]
    assert not lab.exception and not errors(lab)


# Presets, emptiness, limits -------------------------------------------------------------------------------------------


def test_an_empty_network_says_how_to_begin_and_cannot_be_trained(lab: AppTest) -> None:
    lab.selectbox(f"preset.{bench(lab).revision}").set_value("Empty").run()
    assert not lab.exception
    assert [error.value for error in lab.error] == [analyse(Architecture()).problem]
    assert "Add a layer in the sidebar, or start from a preset." in [info.value for info in lab.info]
    assert on_tab(lab, "Training").button("train").disabled
    labelled(lab, "selectbox", "Add the first layer").set_value("Flatten").run()
    assert bench(lab).architecture == Architecture((Flatten(),))
    labelled(lab, "button", "Undo").click().run()
    labelled(lab, "button", "Undo").click().run()
    assert bench(lab).architecture == preset("lenet-5").architecture


def test_an_impossible_network_marks_the_layer_at_fault_and_cannot_be_trained(lab: AppTest) -> None:
    show(lab, Architecture((Conv2D(4, (28, 28)), Conv2D(4, (3, 3)), Flatten(), Dense(10, "softmax"))))
    assert "Layer 2" in lab.error[0].value
    marked = [button.label for button in lab.button if "⚠️" in (button.label or "")]
    assert len(marked) == 1 and "2 · Conv2D" in marked[0]
    assert on_tab(lab, "Training").button("train").disabled


def full() -> Architecture:
    """As many layers as a network may have."""
    layers: list[Layer] = [Conv2D(1, (1, 1), padding="same")] * (MAX_LAYERS - 2)
    return Architecture((*layers, Flatten(), Dense(10, "softmax")))


@pytest.mark.parametrize("action", ["add", "copy", "branch"])
def test_what_would_be_too_much_is_refused_in_words(action: str, lab: AppTest) -> None:
    if action == "branch":
        network = Architecture((Parallel(((),) * 16), Flatten(), Dense(10, "softmax")))
        show(lab, network, (0,))
        lab.button("branch+.(0,)").click().run()
    else:
        network = full()
        show(lab, network, (0,))
        if action == "copy":
            lab.button("copy.(0,)").click().run()
        else:
            labelled(lab, "selectbox", AT_THE_END).set_value("Dense").run()
    assert not lab.exception
    assert bench(lab).architecture == network
    assert len(errors(lab)) == 1


def test_what_would_be_too_much_is_said_also_where_no_layer_is_selected(lab: AppTest) -> None:
    show(lab, full())
    labelled(lab, "selectbox", AT_THE_END).set_value("Dense").run()
    assert len(errors(lab)) == 1


def test_a_click_that_brings_along_the_fields_of_before_does_not_bring_the_network_of_before_back(lab: AppTest) -> None:
    """Streamlit then calls for widgets that are gone: the preset, the fields of another layer, a layer to add."""
    lab.button("row.(3,)").click().run()
    before, kinds = widget_states(lab), [layer.kind for layer in bench(lab).architecture.layers]
    lab.button("copy.(3,)").click().run()
    click_late(lab, "copy.(4,)", before)
    assert not lab.exception and not errors(lab)
    kinds[3:4] = ["AveragePooling2D"] * 3
    assert [layer.kind for layer in bench(lab).architecture.layers] == kinds
    assert bench(lab).selected == (5,)


def test_a_late_click_adds_no_layer_once_more(lab: AppTest) -> None:
    before = bench(lab).architecture
    labelled(lab, "selectbox", AT_THE_END).set_value("Dropout")
    states = widget_states(lab)
    lab.run()
    after = bench(lab).architecture
    assert len(after.layers) == len(before.layers) + 1
    click_late(lab, "row.(0,)", states)
    assert not lab.exception
    assert bench(lab).architecture == after
    assert bench(lab).selected == (0,)
    assert len(bench(lab).past) == 1, "nothing else was done"

"""The workbench: what undo brings back, what a refusal leaves, when widgets are drawn anew."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mnist_lab import editing
from mnist_lab.architecture import Architecture
from mnist_lab.errors import ArchitectureError
from mnist_lab.layers import Conv2D, Dense, Flatten
from mnist_lab.studies import preset
from mnist_lab.training_config import TrainingConfig
from mnist_lab.ui.state import FIRST_PRESET, MAX_UNDO, Workbench


def network(units: int) -> Architecture:
    return Architecture((Flatten(), Dense(units)))


@pytest.fixture
def bench() -> Workbench:
    return Workbench(network(1), TrainingConfig(epochs=5))


def test_undo_and_redo_go_back_and_forth_over_all_changes(bench: Workbench) -> None:
    for units in (2, 3, 4):
        bench.change(network(units))
    seen = []
    for step in (bench.undo, bench.undo, bench.undo, bench.undo, bench.redo, bench.redo, bench.redo, bench.redo):
        step()
        seen.append(bench.architecture.layers[1].units)  # type: ignore[attr-defined]
    assert seen == [3, 2, 1, 1, 2, 3, 4, 4]


def test_a_change_after_undo_forgets_what_was_undone(bench: Workbench) -> None:
    bench.change(network(2))
    bench.undo()
    bench.change(network(3))
    bench.redo()
    assert bench.architecture == network(3)
    bench.undo()
    assert bench.architecture == network(1)


def test_what_changes_nothing_is_no_step(bench: Workbench) -> None:
    bench.change(network(1))
    assert not bench.past and bench.revision == 0


def test_the_oldest_steps_are_forgotten(bench: Workbench) -> None:
    for units in range(2, MAX_UNDO + 50):
        bench.change(network(units))
    assert len(bench.past) == MAX_UNDO
    for _ in range(MAX_UNDO + 50):
        bench.undo()
    assert bench.architecture == network(49)


def test_a_typed_value_leaves_the_widgets_and_the_selection_as_they_are(bench: Workbench) -> None:
    bench.selected = (1,)
    bench.change(network(2), redraw=False)
    assert (bench.revision, bench.selected) == (0, (1,))
    bench.undo()
    assert bench.revision == 1, "the widgets show what was brought back"


def test_undo_forgets_a_selection_of_a_layer_that_is_gone(bench: Workbench) -> None:
    bench.change(editing.insert(bench.architecture, (2,), Dense(5)), selected=(2,))
    assert bench.selected == (2,)
    bench.undo()
    assert bench.selected is None
    bench.selected = (1,)
    bench.redo()
    assert bench.selected == (1,)


def test_what_is_refused_changes_nothing_is_said_and_is_forgotten_with_the_next_change(bench: Workbench) -> None:
    def impossible(now: Architecture) -> Architecture:
        raise ArchitectureError("No.", "Yes.")

    bench.selected = (1,)
    bench.attempt(impossible, redraw=False)
    assert (bench.architecture, bench.past, bench.problem, bench.selected) == (network(1), [], "No. Yes.", (1,))
    assert bench.revision == 1, "the widgets show what is, not what was typed"
    bench.drawn()
    bench.attempt(lambda now: network(2))
    assert (bench.architecture, bench.problem) == (network(2), "")


def test_a_training_that_is_refused_leaves_the_one_before(bench: Workbench) -> None:
    bench.attempt_training(lambda now: replace(now, epochs=0))
    assert bench.training == TrainingConfig(epochs=5)
    assert "epochs=0" in bench.training_problem
    assert bench.problem == "", "it is not the network's"
    bench.drawn()
    bench.attempt_training(lambda now: replace(now, epochs=6))
    assert (bench.training.epochs, bench.training_problem) == (6, "")


def test_loading_replaces_network_training_and_words_and_can_be_undone(bench: Workbench) -> None:
    bench.name, bench.notes, bench.selected = "mine", "mine", (1,)
    wanted = preset(FIRST_PRESET)
    bench.load(wanted.architecture, wanted.training, FIRST_PRESET)
    assert (bench.architecture, bench.training) == (wanted.architecture, wanted.training)
    assert (bench.name, bench.notes, bench.selected) == ("", "", None)
    bench.undo()
    assert bench.architecture == network(1)


def test_undo_brings_back_network_training_and_words_from_before_a_link_and_redo_those_of_the_link(
    bench: Workbench,
) -> None:
    bench.name, bench.notes = "mine", "my notes"
    bench.change(network(2))
    bench.open(network(3), TrainingConfig(epochs=9), "theirs")
    assert (bench.training.epochs, bench.name, bench.notes) == (9, "theirs", "")
    bench.undo()
    assert (bench.architecture, bench.training.epochs, bench.name, bench.notes) == (network(2), 5, "mine", "my notes")
    bench.undo()
    assert (bench.architecture, bench.training.epochs, bench.name) == (network(1), 5, "mine")
    bench.redo()
    bench.redo()
    assert (bench.architecture, bench.training.epochs, bench.name, bench.notes) == (network(3), 9, "theirs", "")


def test_a_step_within_the_network_leaves_the_training_as_it_is(bench: Workbench) -> None:
    bench.change(network(2))
    bench.attempt_training(lambda now: replace(now, epochs=7))
    bench.undo()
    assert (bench.architecture, bench.training.epochs) == (network(1), 7)


def test_a_preset_that_was_loaded_by_mistake_is_undone_with_its_training(bench: Workbench) -> None:
    wanted = preset(FIRST_PRESET)
    bench.load(wanted.architecture, wanted.training, FIRST_PRESET)
    bench.undo()
    assert (bench.training, bench.preset) == (TrainingConfig(epochs=5), None)


def test_a_link_that_differs_in_its_training_alone_is_a_step_too(bench: Workbench) -> None:
    bench.open(bench.architecture, TrainingConfig(seed=1))
    assert len(bench.past) == 1
    bench.undo()
    assert bench.training == TrainingConfig(epochs=5)


def test_loading_without_a_training_keeps_the_present_one(bench: Workbench) -> None:
    bench.load(Architecture(), None)
    assert bench.training == TrainingConfig(epochs=5)
    assert bench.preset is None


def test_loading_the_same_network_again_draws_the_widgets_anew(bench: Workbench) -> None:
    before = bench.revision
    bench.load(bench.architecture, TrainingConfig(epochs=9))
    assert bench.revision > before
    assert not bench.past


def test_a_network_is_a_presets_only_as_long_as_it_is_unchanged(bench: Workbench) -> None:
    assert bench.preset_if_unchanged is None
    wanted = preset(FIRST_PRESET)
    bench.load(wanted.architecture, wanted.training, FIRST_PRESET)
    bench.attempt_training(lambda now: replace(now, epochs=1))
    assert bench.preset_if_unchanged == FIRST_PRESET, "its training may differ"
    bench.change(editing.put(bench.architecture, (0,), Conv2D(7)))
    assert bench.preset_if_unchanged is None
    bench.undo()
    assert bench.preset_if_unchanged == FIRST_PRESET


def test_two_sessions_share_nothing() -> None:
    one, two = (Workbench(network(1), TrainingConfig()) for _ in range(2))
    one.change(network(2))
    assert not two.past and two.architecture == network(1)

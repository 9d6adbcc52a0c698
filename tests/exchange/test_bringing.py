"""A run from one store to another: what arrives, what is checked of it, and that half of it never stays."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from mnist_lab import datasets, studies
from mnist_lab.errors import ExchangeError, InferenceError, StoreError
from mnist_lab.exchange import FORMS, Source, bring_in, bringing, layout
from mnist_lab.predictions import read_predictions
from mnist_lab.store import Run, RunStore
from mnist_lab.store.artefacts import DIGITS, MODEL, PREDICTIONS, VALIDATION_PREDICTIONS
from mnist_lab.training_config import MY_DIGITS, FineTuning
from tests.exchange.conftest import HISTORY, POINTS, SPLIT, Mouth, changed, packed, unpacked
from tests.made_runs import IMAGES, ONE, add_run


def folders(store: RunStore) -> set[str]:
    return {path.name for path in store.artefacts.root.iterdir() if path.is_dir()}


def test_what_is_brought_in_is_the_run_that_was_taken_away(
    store: RunStore, run: Run, other: RunStore, archive: bytes, mouth: Mouth
) -> None:
    brought = bring_in(other, archive, mouth)
    new = brought.run
    assert brought.is_new and new.id == run.id
    assert (new.network(), new.config()) == (run.network(), run.config())
    # The loss is reckoned anew, and the made run has none.
    same = {field.name for field in fields(Run)} - {"reason", "position", "test_loss", "person"}
    assert new.test_loss == pytest.approx(-np.log(1e-7) * 3 / IMAGES, rel=1e-3)
    assert {name: getattr(new, name) for name in same} == {name: getattr(run, name) for name in same}
    assert other.history(new.id) == HISTORY
    assert [{name: point[name] for name in POINTS[0]} for point in other.points(new.id)] == POINTS
    for name in (PREDICTIONS, VALIDATION_PREDICTIONS):
        before, after = read_predictions(store, run, name), read_predictions(other, new, name)
        for part in ("probabilities", "labels", "indices"):
            np.testing.assert_array_equal(getattr(before, part), getattr(after, part))
    assert other.artefacts.path(new.id, MODEL).read_bytes() == b"written anew: weights"
    assert [each.id for each in other.runs()] == [run.id]


def test_it_says_what_could_be_checked(other: RunStore, archive: bytes, mouth: Mouth) -> None:
    brought = bring_in(other, archive, mouth)
    assert "whose digits are those of the images here" in brought.checked
    assert f"asked {IMAGES} of {IMAGES} again and says the same" in brought.checked
    assert brought.run.reason == f"Imported. {brought.checked}"


def test_without_its_images_it_says_that_nothing_was_checked(other: RunStore, archive: bytes, mouth: Mouth) -> None:
    for change in ({"dataset": "mnist"}, {"fingerprint": "0" * 12}, {"fingerprint": None}, {"dataset": None}):
        foreign = changed(archive, layout.RUN, lambda values, c=change: {**values, **c, "created": len(str(c))})
        brought = bring_in(other, foreign, mouth)
        assert "not on this machine" in brought.checked and "was not asked again" in brought.checked
        assert brought.run.test_accuracy == (IMAGES - 3) / IMAGES


def test_a_claimed_accuracy_is_not_believed(other: RunStore, archive: bytes, mouth: Mouth) -> None:
    proud = changed(archive, layout.RUN, lambda values: {**values, "test_accuracy": 0.9999, "test_loss": 0.0})
    brought = bring_in(other, proud, mouth)
    assert brought.run.test_accuracy == (IMAGES - 3) / IMAGES and brought.run.test_loss > 0.1
    assert "the file itself claims 99.99 %" in brought.checked
    files: dict[str, bytes | None] = dict(unpacked(proud))
    files |= {layout.PREDICTIONS: None, layout.PREDICTIONS_TABLE: None}
    files[layout.RUN] = json.dumps({**json.loads(files[layout.RUN] or b""), "created": 5.0}).encode()
    brought = bring_in(other, packed(files), mouth)
    assert brought.run.test_accuracy is None and brought.run.test_loss is None and brought.run.test_images is None
    assert "not known here" in brought.checked


def test_predictions_with_other_digits_than_the_images_have_are_refused(
    store: RunStore, run: Run, other: RunStore, mouth: Mouth
) -> None:
    wrong = (SPLIT.y_test + 1) % 10
    with store.artefacts.writing(run.id, PREDICTIONS) as path:
        np.savez_compressed(path, probabilities=np.eye(10)[wrong], labels=wrong, indices=SPLIT.test_indices)
    with pytest.raises(ExchangeError, match="other digits"):
        bring_in(other, FORMS["zip"].make(Source(store, run, mouth)), mouth)
    assert other.runs() == []


def test_predictions_that_are_not_those_of_the_network_are_refused(
    other: RunStore, archive: bytes, mouth: Mouth
) -> None:
    mouth.said = np.eye(10, dtype=np.float32)[(SPLIT.y_test + 1) % 10]
    with pytest.raises(ExchangeError, match="not those of its network"):
        bring_in(other, archive, mouth)
    mouth.said = np.full((IMAGES, 10), np.nan, np.float32)
    with pytest.raises(ExchangeError, match="not those of its network"):
        bring_in(other, archive, mouth)
    assert other.runs() == [] and folders(other) == set()


def test_a_run_that_is_here_is_not_brought_in_again(
    store: RunStore, run: Run, other: RunStore, archive: bytes, mouth: Mouth
) -> None:
    known = bring_in(store, archive, mouth)
    assert (known.is_new, known.run) == (False, run)
    assert mouth.asked == ["export"], "nobody is asked for nothing"
    first = bring_in(other, archive, mouth)
    other.edit(first.run.id, name="Another name", starred=True)
    second = bring_in(other, archive, mouth)
    assert not second.is_new and second.run.name == "Another name" and len(other.runs()) == 1


def test_another_run_of_the_same_id_is_left_alone(store: RunStore, run: Run, archive: bytes, mouth: Mouth) -> None:
    differs = changed(archive, layout.HISTORY, lambda history: [history[0]])
    differs = changed(differs, layout.RUN, lambda values: {**values, "best_epoch": 1})
    brought = bring_in(store, differs, mouth)
    assert brought.is_new and brought.run.id != run.id
    assert store.get(run.id) == run and store.history(run.id) == HISTORY
    assert store.artefacts.path(run.id, MODEL).read_bytes() == b"weights"
    assert not bring_in(store, differs, mouth).is_new, "by its content it is known, whatever its id"


def test_a_deleted_run_comes_back_beside_itself(store: RunStore, run: Run, archive: bytes, mouth: Mouth) -> None:
    store.delete([run.id])
    brought = bring_in(store, archive, mouth)
    assert brought.is_new and brought.run.id != run.id
    store.undelete([run.id])
    assert len(store.runs()) == 2
    store.delete([run.id, brought.run.id])
    store.purge(older_than=-1.0)
    assert bring_in(store, archive, mouth).run.id == run.id


def test_what_was_said_when_it_came_from_elsewhere_before_is_not_said_again(
    other: RunStore, make_store: Callable[[str], RunStore], archive: bytes, mouth: Mouth
) -> None:
    first = changed(archive, layout.RUN, lambda values: {**values, "reason": "It was stopped."})
    once = bring_in(other, first, mouth).run
    again = FORMS["zip"].make(Source(other, once, mouth))
    twice = bring_in(make_store("third"), again, mouth).run
    assert once.reason == twice.reason and (twice.reason or "").count("Imported.") == 1
    assert (twice.reason or "").startswith("It was stopped. Imported. ")


def test_a_preset_is_named_only_where_the_run_is_its_and_was_checked(
    store: RunStore, other: RunStore, run: Run, mouth: Mouth
) -> None:
    preset = studies.preset("000-baseline")

    def brought(made: Run) -> Run:
        with store.artefacts.writing(made.id, MODEL) as path:
            path.write_bytes(b"weights")
        return bring_in(other, FORMS["zip"].make(Source(store, made, mouth)), mouth).run

    named = {"preset": preset.name, "fingerprint": SPLIT.fingerprint}
    wrong = [3, 8, 100]
    assert brought(add_run(store, wrong, network=preset.architecture, **named)).preset == preset.name
    assert brought(add_run(store, wrong, **named)).preset is None, "another network"
    unchecked = {**named, "fingerprint": "0" * 12}
    assert brought(add_run(store, wrong, network=preset.architecture, **unchecked)).preset is None


def test_its_texts_are_only_texts(other: RunStore, archive: bytes, mouth: Mouth) -> None:
    strange = {
        "name": "a\nb\u202e\x00<script>" + "x" * 500, "notes": "\ud800 [l](javascript:x)\x07", "device": "d\x1b[31m",
        "tags": ["t,u", " t ", ""], "preset": "../../x",
    }  # fmt: skip
    run = bring_in(other, changed(archive, layout.RUN, lambda values: {**values, **strange}), mouth).run
    assert run.name.startswith("a b <script>xxx") and len(run.name) == 200 and run.name.isprintable()
    assert (run.notes, run.device, run.tags, run.preset) == ("  [l](javascript:x) ", "d [31m", ["t", "u"], None)


@pytest.mark.parametrize("where", ["row", "file", "folder", "inference"])
def test_half_an_import_leaves_nothing_behind(
    other: RunStore, archive: bytes, mouth: Mouth, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise StoreError("The disk is full.")

    def die(*_: Any, **__: Any) -> Any:
        raise InferenceError("The prediction process ended unexpectedly.")

    ask: Any = die if where == "inference" else mouth
    if where == "row":
        monkeypatch.setattr(RunStore, "get", fail)
        # The row itself cannot be written.
        monkeypatch.setattr("mnist_lab.store.runs.writing", fail)
    elif where == "file":
        real = type(other.artefacts).writing

        def second_fails(self: Any, run_id: str, name: str) -> Any:
            return real(self, run_id, name) if name == MODEL else fail()

        monkeypatch.setattr(type(other.artefacts), "writing", second_fails)
    elif where == "folder":
        monkeypatch.setattr(type(other.artefacts), "claim", fail)
    with pytest.raises((StoreError, InferenceError)):
        bring_in(other, archive, ask)
    monkeypatch.undo()
    assert other.runs() == [] and folders(other) == set()


def test_of_two_who_bring_in_at_once_both_have_a_whole_run(
    other: RunStore, run: Run, archive: bytes, mouth: Mouth, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bringing, "_known", lambda store, read: None)
    assert other.artefacts.claim(run.id), "the other one has come so far"
    mine = bring_in(other, archive, mouth).run
    assert mine.id != run.id and list(other.artefacts.folder(run.id).iterdir()) == []
    assert read_predictions(other, mine).labels.tolist() == SPLIT.y_test.tolist()


def test_a_large_network_is_asked_less(
    other: RunStore, archive: bytes, mouth: Mouth, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bringing, "CHECK_MULTIPLY_ADDS", 10 * 12_704)
    assert f"asked 10 of {IMAGES}" in bring_in(other, archive, mouth).checked


def test_the_data_here_are_the_embedded_ones() -> None:
    assert datasets.available() == ["digits"], "otherwise these tests would check other things"


def test_a_fine_tuned_run_arrives_without_the_digits_and_says_that_it_stands_unchecked(
    store: RunStore, other: RunStore
) -> None:
    tuned = replace(ONE, fine_tuning=FineTuning("a" * 32, "Anna"))
    made = add_run(store, [1], training=tuned, dataset=MY_DIGITS)
    for name in (MODEL, DIGITS):
        with store.artefacts.writing(made.id, name) as path:
            path.write_bytes(b"x")
    mouth = Mouth(store, made)
    archive = FORMS["zip"].make(Source(store, made, mouth))
    assert DIGITS not in unpacked(archive)
    brought = bring_in(other, archive, mouth)
    assert (brought.run.dataset, brought.run.config()) == (MY_DIGITS, tuned)
    assert "unchecked" in brought.checked
    assert b"Neither is in this script" in FORMS["script"].make(Source(other, brought.run, mouth))

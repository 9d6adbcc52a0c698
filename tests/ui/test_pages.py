"""Every page as it opens: without Keras, with words in place of tracebacks, with the settings' errors explained."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, log_loss, precision_score, roc_auc_score
from statsmodels.stats.proportion import proportion_confint
from streamlit.testing.v1 import AppTest

from mnist_lab import datasets, fields, starter
from mnist_lab.architecture import Architecture
from mnist_lab.errors import InferenceError, LabError, StoreError
from mnist_lab.jobs import InferenceClient
from mnist_lab.layers import Dense, Flatten
from mnist_lab.store import RunStore, edits, open_store
from mnist_lab.store.artefacts import LOG, MODEL, PREDICTIONS
from mnist_lab.studies import preset, presets
from mnist_lab.training_config import Augmentation, TrainingConfig
from mnist_lab.ui import (
    data_view,
    explain_views,
    frame,
    network_view,
    run_picker,
    run_table,
    study_table,
    sweep_list,
    writer,
)
from tests.ui.conftest import PAGES, PATIENCE, ROOT, bench, labelled, on_tab

Visit = Callable[[str], AppTest]
EACH_PAGE = pytest.mark.parametrize("page", PAGES)
TITLES = {
    "draw": "Draw a digit", "explain": "Explain", "digits": "My digits", "lab": "Lab", "runs": "Runs",
    "sweeps": "Sweeps", "studies": "Studies", "data": "Data",
}  # fmt: skip
SMALL = Architecture((Flatten(), Dense(10, "softmax")))


@EACH_PAGE
def test_a_page_opens_in_a_new_home_without_an_error(page: str, visit: Visit) -> None:
    app = visit(page)
    assert [title.value for title in app.title] == [TITLES[page]]
    assert not app.exception and not app.error


def test_all_pages_are_in_the_menu_and_in_these_tests() -> None:
    assert {path.stem for path in (ROOT / "pages").glob("*.py")} == set(PAGES)


def test_no_page_imports_keras_and_every_preset_is_shown_as_it_is(tmp_path: Path) -> None:
    """The first invariant: all Keras work is in worker processes. Looked at in a fresh process, with all it takes."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.ui.tour", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["pages"] == list(TITLES.values())
    assert report["presets"] == len(presets())
    assert report["wrong_presets"] == []
    assert report["exceptions"] == []
    assert report["heavy"] == []


# Errors ---------------------------------------------------------------------------------------------------------------

INSIDE: dict[str, tuple[Any, str]] = {
    "draw": (run_picker, "pick_run"),
    "explain": (explain_views, "show"),
    "lab": (network_view, "totals"),
    "runs": (run_table, "undo_bar"),
    "sweeps": (sweep_list, "undo_bar"),
    "studies": (study_table, "pick_study"),
    "data": (data_view, "counts"),
    "digits": (writer, "ask"),
}


@EACH_PAGE
def test_an_unforeseen_error_becomes_words_and_goes_to_the_log(
    page: str, visit: Visit, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise KeyError("what only the log should tell")

    monkeypatch.setattr(*INSIDE[page], fail)
    with caplog.at_level(logging.ERROR):
        app = visit(page)
    assert not app.exception
    (error,) = app.error
    assert error.value == "Something went wrong here (KeyError). The server's log has the details."
    assert "what only the log should tell" in caplog.text


@EACH_PAGE
def test_an_error_that_was_foreseen_is_a_sentence_with_its_remedy(
    page: str, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise LabError("The moon is not made of cheese.", "Try bread.")

    monkeypatch.setattr(*INSIDE[page], fail)
    app = visit(page)
    assert not app.exception
    assert [error.value for error in app.error] == ["The moon is not made of cheese.\n\nTry bread."]


@EACH_PAGE
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MNIST_LAB_HOME", "FOLDER/file"),
        ("MNIST_LAB_STORE", "mysql://me:secret@host/lab"),
        ("MNIST_LAB_STORE", "sqlite:///FOLDER/file"),
        ("MNIST_LAB_DATA", "FOLDER/none"),
        ("MNIST_LAB_EXECUTOR", "cloud"),
    ],
)
def test_a_wrong_setting_is_shown_with_its_remedy(
    name: str, value: str, page: str, visit: Visit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no database\n" * 500)
    monkeypatch.setenv(name, value.replace("FOLDER", str(tmp_path)))
    app = visit(page)
    assert not app.exception
    shown = {error.value for error in app.error}
    assert len(shown) == 1, shown
    (words,) = shown
    assert name in words
    assert words.partition("\n\n")[2], "it has no remedy"
    assert "secret" not in words and "Something went wrong" not in words
    assert any(error.value == words for error in app.main if error.type == "error"), "not in the sidebar only"


@pytest.mark.parametrize("page", ["lab", "data"])
def test_damaged_images_are_one_sentence_that_names_the_file(
    page: str, visit: Visit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mnist.npz").write_bytes(b"no images")
    monkeypatch.setenv("MNIST_LAB_DATA", str(tmp_path / "mnist.npz"))
    app = visit(page)
    if page == "lab":
        on_tab(app, "Training")
    assert not app.exception
    (error,) = app.error
    assert error.value.startswith("mnist.npz is damaged"), "by its name: where it lies is not for all who visit"


def sent(app: AppTest) -> str:
    """All that the browser is sent of a page."""
    return " ".join(
        str(element.proto) for part in (app.main, app.sidebar) for element in part if hasattr(element, "proto")
    )


@EACH_PAGE
def test_no_page_says_where_on_the_server_something_is(
    page: str, visit: Visit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digits = datasets.load("digits")
    place = tmp_path / "a private place" / "own.npz"
    place.parent.mkdir()
    np.savez(
        place, x_train=digits.x_train[:40], y_train=digits.y_train[:40], x_test=digits.x_test[:40],
        y_test=digits.y_test[:40],
    )  # fmt: skip
    monkeypatch.setenv("MNIST_LAB_DATA", str(place))
    store = open_store()
    run = store.create(SMALL, TrainingConfig(), name="x")
    reason = f"OSError: {place} is gone\nTraceback (most recent call last):\n  File {place}"
    store.end(run.id, "failed", reason=reason, among=("queued",))
    app = visit(page)
    if page == "runs":
        app.session_state["kept.selected-runs"] = (run.id,)
        app.run()
        assert "own.npz is gone" in sent(app)
    if page == "data":
        assert "own.npz" in sent(app)
    assert not app.exception
    assert "private" not in sent(app) and str(tmp_path) not in sent(app) and "Traceback" not in sent(app)


# Draw -----------------------------------------------------------------------------------------------------------------


def test_figures_per_digit_are_those_of_scikit_learn_and_name_both_aucs(visit: Visit) -> None:
    app = visit("draw")
    app.toggle("per-digit-on").set_value(True).run()
    assert not app.exception
    table = app.dataframe[-1].value
    with np.load(starter.ROBUST.folder / PREDICTIONS) as kept:
        labels, probabilities = kept["labels"], kept["probabilities"].astype(np.float32)
    guesses = probabilities.argmax(1)
    np.testing.assert_allclose(table["precision"], precision_score(labels, guesses, average=None))
    np.testing.assert_allclose(table["f1"], f1_score(labels, guesses, average=None))
    hard = [roc_auc_score(labels == digit, guesses == digit) for digit in range(10)]
    soft = [roc_auc_score(labels == digit, probabilities[:, digit]) for digit in range(10)]
    np.testing.assert_allclose(table["auc_hard"], hard)
    np.testing.assert_allclose(table["auc"], soft)
    (means,) = (caption.value for caption in app.caption if "macro F1" in caption.value)
    assert f"micro F1 **{accuracy_score(labels, guesses):.4f}**" in means


def test_the_first_page_asks_the_robust_model_and_shows_its_results(visit: Visit) -> None:
    app = visit("draw")
    assert app.selectbox("pick.asked").value == starter.ROBUST_ID
    assert [heading.value for heading in app.subheader] == ["On its 10,000 test images"]
    with np.load(starter.ROBUST.folder / PREDICTIONS) as kept:
        wrong = int((kept["probabilities"].argmax(1) != kept["labels"]).sum())
    low, high = proportion_confint(10_000 - wrong, 10_000, method="wilson")
    said = f"{100 - wrong / 100:.2f} % ({100 * low:.2f} – {100 * high:.2f})"
    assert any(said in caption.value and f"{wrong} mistakes" in caption.value for caption in app.caption)


@pytest.mark.parametrize("model", starter.SHIPPED, ids=lambda model: model.preset)
def test_a_shipped_model_s_record_agrees_with_its_predictions_and_its_preset(
    model: starter.Shipped, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNIST_LAB_HOME", str(tmp_path))
    store = open_store()
    run = model.register(store)
    assert run is not None
    with np.load(store.artefacts.path(run.id, PREDICTIONS)) as kept:
        labels, probabilities = kept["labels"], kept["probabilities"].astype(np.float64)
    assert run.test_accuracy == pytest.approx((probabilities.argmax(1) == labels).mean(), abs=1e-9)
    assert run.test_loss == pytest.approx(
        log_loss(labels, probabilities / probabilities.sum(1, keepdims=True)), rel=2e-3
    )
    assert len(store.history(run.id)) == run.epochs_run
    made = preset(model.preset)
    assert (run.network(), run.config()) == (made.architecture, made.training)
    store.close()


def test_the_shipped_models_are_under_three_megabytes_together() -> None:
    files = [
        file for model in starter.SHIPPED for file in model.folder.iterdir() if file.suffix in (".h5", ".npz", ".json")
    ]
    assert len(files) == 6
    assert sum(file.stat().st_size for file in files) < 3_000_000


def test_undo_takes_the_last_stroke_also_if_it_came_together_with_the_click(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = visit("draw")
    from mnist_lab.ui import ways_in  # the canvas can be imported only where an app runs

    def drawn(key: str, **_: Any) -> SimpleNamespace:
        return SimpleNamespace(json_data=ways_in.st.session_state[key]["drawing"]["raw"], image_data=None)

    def draw(*strokes: str) -> None:
        app.session_state["canvas"] = {"drawing": {"raw": {"objects": list(strokes)}}}

    monkeypatch.setattr(ways_in, "st_canvas", drawn)
    draw("first")
    app.run()
    draw("first", "second")
    app.button("undo").click().run()
    assert not app.exception
    assert app.session_state["kept.canvas"]["objects"] == ["first"]


def test_images_that_are_not_on_this_machine_are_said_to_be_so(visit: Visit) -> None:
    app = visit("draw")
    (info,) = app.info
    assert info.value.startswith("MNIST is not on this machine.")
    assert "MNIST_LAB_DATA" in info.value


def test_a_run_without_predictions_says_so(visit: Visit) -> None:
    store = starter_and(with_predictions=False)
    app = visit("draw")
    app.selectbox("pick.asked").set_value("ab" * 16).run()
    assert not app.exception
    assert [info.value for info in app.info] == ["This run has not been evaluated on test images yet."]
    store.close()


def test_another_run_begins_at_the_first_page_of_its_mistakes(visit: Visit) -> None:
    store = starter_and(with_predictions=True)
    app = visit("draw")
    app.number_input("mistakes.page").set_value(2).run()
    assert not app.exception and not app.error
    app.selectbox("pick.asked").set_value("ab" * 16).run()
    assert not app.exception and not app.error
    assert "On its 360 test images" in [heading.value for heading in app.subheader]
    app.selectbox("pick.asked").set_value(starter.ROBUST_ID).run()
    assert not app.exception and not app.error
    store.close()


@pytest.mark.parametrize("true", [None, 0, 9])
@pytest.mark.parametrize("predicted", [None, 0, 4])
def test_mistakes_are_chosen_by_digit(true: int | None, predicted: int | None, visit: Visit) -> None:
    app = visit("draw")
    app.selectbox("mistakes.true").set_value(true)
    app.selectbox("mistakes.predicted").set_value(predicted)
    app.run()
    assert not app.exception and not app.error
    with np.load(starter.ROBUST.folder / PREDICTIONS) as file:
        labels, guesses = file["labels"], file["probabilities"].argmax(1)
    chosen = (true is None) | (labels == true)
    chosen &= (predicted is None) | (guesses == predicted)
    chosen &= (labels == guesses) if true is not None and true == predicted else (labels != guesses)
    (title,) = (each.value for each in app.markdown if "mistakes, most" in each.value or "gets right" in each.value)
    assert title.startswith(f"**{int(chosen.sum()):,} ")


def test_without_any_run_the_page_says_where_to_train_one(visit: Visit, home: Path) -> None:
    store = open_store()
    starter.register(store)
    store.delete(list(starter.IDS))
    app = visit("draw")
    assert not app.exception and not app.error
    assert "press Train" in app.info[0].value


def starter_and(*, with_predictions: bool) -> RunStore:
    """A store with a finished run of the embedded digits beside the starter model."""
    store = open_store()
    known = starter.register(store)
    assert known is not None
    values: dict[str, Any] = {
        "id": "ab" * 16, "name": "other", "status": "finished", "position": 1.0, "created": 1e9, "split": "holdout",
        "architecture": SMALL.to_dict(), "training": TrainingConfig().to_dict(), "parameters": 7850,
        "trainable_parameters": 7850, "multiply_adds": 7840, "epochs_run": 1, "dataset": "digits",
    }  # fmt: skip
    files = {MODEL: starter.FOLDER / MODEL}
    if with_predictions:
        digits = datasets.load("digits")
        guesses = np.eye(10, dtype=np.float32)[(digits.y_test + (np.arange(360) < 20)) % 10]
        path = store.artefacts.root / "predictions-to-copy.npz"
        np.savez(path, probabilities=guesses, labels=digits.y_test, indices=np.arange(1437, 1797))
        files[PREDICTIONS] = path
    store.register(values, [{"epoch": 1, "loss": 1.0}], files)
    return store


# Runs -----------------------------------------------------------------------------------------------------------------


def details_page(run_id: str) -> None:
    import streamlit as st

    from mnist_lab.ui import frame, run_details, run_table, run_views

    with frame.around_page("runs"):
        store = frame.store()
        run_table.undo_bar(store)
        chosen = [run for run in store.runs() if run.id == run_id]
        st.text(f"chosen: {len(chosen)}")
        for run in chosen:
            run_details.details(store, run)
            run_views.show(run_views.Shown(store, chosen, chosen))
            run_table.delete_button(store, chosen)


def details(run_id: str) -> AppTest:
    app = AppTest.from_function(details_page, kwargs={"run_id": run_id}, default_timeout=PATIENCE).run()
    assert not app.exception and not app.error
    return app


def test_a_run_is_renamed_noted_starred_loaded_deleted_and_brought_back(home: Path) -> None:
    store = open_store()
    run = store.create(SMALL, TrainingConfig(epochs=7), name="before")
    app = details(run.id)
    app.text_input(f"name-{run.id}").set_value("after *all*")
    app.text_input(f"notes-{run.id}").set_value("a note")
    app.button(f"star-{run.id}").click().run()
    now = store.get(run.id)
    assert (now.name, now.notes, now.starred) == ("after *all*", "a note", True)
    assert app.subheader[0].value == r"after \*all\*"
    app.button("load").click().run()
    assert (bench(app).architecture, bench(app).training) == (SMALL, TrainingConfig(epochs=7))
    app.button("delete").click().run()
    assert store.get(run.id).deleted is not None
    assert app.text[0].value == "chosen: 0"
    app.button("undelete").click().run()
    assert store.get(run.id).deleted is None
    assert app.text[0].value == "chosen: 1"
    assert not app.exception and not app.error


def test_a_name_cannot_be_empty_and_the_old_one_stays(home: Path) -> None:
    store = open_store()
    run = store.create(SMALL, TrainingConfig(), name="before")
    app = details(run.id)
    app.text_input(f"name-{run.id}").set_value("   ").run()
    assert not app.exception
    assert "cannot be empty" in app.error[0].value
    assert store.get(run.id).name == "before"


@pytest.mark.parametrize("button", ["star-ID", "delete", "undelete"])
def test_a_button_whose_work_fails_says_so_in_words(button: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store()
    run = store.create(SMALL, TrainingConfig(), name="before")
    app = details(run.id)
    if button == "undelete":
        app.button("delete").click().run()

    def fail(*_: Any, **__: Any) -> None:
        raise StoreError("The run store cannot be written (disk full).", "Make room.")

    monkeypatch.setattr(edits, "writing", fail)
    app.button(button.replace("ID", run.id)).click().run()
    assert not app.exception
    assert [error.value for error in app.error] == ["The run store cannot be written (disk full). Make room."]
    monkeypatch.undo()
    app.run()
    assert not app.error, "it is said once"


def test_of_a_failed_run_the_sentence_is_shown_and_neither_its_log_nor_a_path(home: Path) -> None:
    store = open_store()
    run = store.create(SMALL, TrainingConfig(), name="x")
    store.end(run.id, "failed", reason="It *broke* at /a/b/c.py.\nand more", among=("queued",))
    with store.artefacts.writing(run.id, LOG) as path:
        path.write_text("Traceback (most recent call last):\nlast line\n")
    app = details(run.id)
    assert app.info[0].value == r"It \*broke\* at c.py."
    assert "last line" not in sent(app)
    assert any(f"is in {LOG}" in caption.value for caption in app.caption)


# Data -----------------------------------------------------------------------------------------------------------------


def test_the_augmentation_that_is_set_is_previewed(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def ask(self: InferenceClient, question: str, deadline: float = 0.0, **arguments: Any) -> Any:
        asked.append((question, arguments["augmentation"], arguments["seed"]))
        return arguments["images"]

    monkeypatch.setattr(InferenceClient, "ask", ask)
    app = visit("data")
    assert not asked, "without augmentation no process is started"
    bench(app).training = TrainingConfig(augmentation=Augmentation(rotation=15.0), seed=5)
    app.run()
    assert not app.exception and not app.error
    assert [seed for _, _, seed in asked] == [5, 6, 7, 8, 9, 10]
    assert asked[0][:2] == ("augment", fields.to_dict(Augmentation(rotation=15.0)))


def test_a_preview_that_cannot_be_made_leaves_the_rest_of_the_page(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(*_: Any, **__: Any) -> None:
        raise InferenceError("The prediction process did not start.", "See the server's log for the reason.")

    monkeypatch.setattr(InferenceClient, "ask", ask)
    app = visit("data")
    bench(app).training = TrainingConfig(augmentation=Augmentation(zoom=0.1))
    app.run()
    assert not app.exception
    assert app.error[0].value.startswith("The prediction process did not start.")
    assert app.selectbox("browse.part").value == "training"


def test_images_are_browsed_by_part_and_digit(visit: Visit) -> None:
    app = visit("data")
    images = datasets.load("digits")
    for digit in (None, 3):
        app.selectbox("browse.part").set_value("test")
        app.selectbox("browse.digit").set_value(digit).run()
        count = len(images.y_test) if digit is None else int((images.y_test == digit).sum())
        page = app.number_input(f"browse.page.test.{digit}")
        assert page.label == f"Page (of {-(-count // data_view.PAGE)})"
        page.set_value(page.max).run()
        assert not app.exception and not app.error


def test_the_test_images_are_counted_once_where_they_also_validate(visit: Visit) -> None:
    app = visit("data")
    bench(app).training = TrainingConfig(split="test-as-validation")
    app.run()
    assert app.selectbox("browse.part").options == ["training", "test"]


# Lab: the button ------------------------------------------------------------------------------------------------------


def test_train_queues_what_was_assembled_with_its_name(visit: Visit) -> None:
    app = on_tab(visit("lab"), "Training")
    labelled(app, "text_input", "Name").set_value("Mine")
    labelled(app, "text_input", "Notes").set_value("Why?")
    app.run()
    app.number_input(f"training.{bench(app).revision}.epochs").set_value(3)
    app.button("train").click().run()
    assert not app.exception and not app.error
    (run,) = frame.store().queue()
    assert (run.name, run.notes, run.preset) == ("Mine", "Why?", "lenet-5")
    assert run.network() == bench(app).architecture
    assert run.config() == bench(app).training == TrainingConfig(epochs=3)
    assert any("waiting" in caption.value for caption in app.caption)
    app.button("cancel").click().run()
    assert frame.store().get(run.id).status == "stopped"
    assert not app.exception and not app.error


def test_a_training_that_is_refused_says_why(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise StoreError("The run store cannot be written (disk full).", "Make room.")

    app = on_tab(visit("lab"), "Training")
    monkeypatch.setattr(RunStore, "create", fail)
    app.button("train").click().run()
    assert not app.exception
    assert "disk full" in app.error[0].value


def test_the_lab_shows_the_newest_run_and_reads_no_others(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    app = visit("draw")
    store = open_store()
    for number in range(3):
        run = store.create(SMALL, TrainingConfig(), name=f"run {number}", preset="starter")
        store.set_figures(run.id, status="stopped")
    everything = RunStore.runs

    def some(self: RunStore, *given: Any, **more: Any) -> list[Any]:
        assert given or more, "all runs"
        return everything(self, *given, **more)

    monkeypatch.setattr(RunStore, "runs", some)
    on_tab(app.switch_page("pages/lab.py"), "Training")
    assert not app.exception and not app.error
    assert "##### run 2" in [element.value for element in app.markdown]

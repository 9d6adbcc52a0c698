"""Calibration and refusing on the Runs page: figures, temperatures, and what is said where there is none."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from streamlit.testing.v1 import AppTest

from mnist_lab import calibration
from mnist_lab.store import Run, RunStore, open_store
from mnist_lab.store.artefacts import MODEL, PREDICTIONS, VALIDATION_PREDICTIONS
from mnist_lab.ui.run_views.refusal import BY_VALIDATION
from tests.made_runs import add_run
from tests.test_calibration import network
from tests.ui.conftest import labelled

Visit = Callable[[str], AppTest]


def write(store: RunStore, run: Run, name: str, images: int, seed: int, temperature: float = 1.0) -> tuple:
    labels, probabilities = network(images, seed, temperature)
    with store.artefacts.writing(run.id, name) as path:
        np.savez_compressed(path, probabilities=probabilities, labels=labels, indices=np.arange(images))
    return labels, probabilities


def select(app: AppTest, view: str, *runs: Run) -> AppTest:
    app.session_state["kept.selected-runs"] = tuple(run.id for run in runs)
    app.session_state["kept.run-view"] = view
    return app.switch_page("pages/runs.py").run()


def words(app: AppTest) -> str:
    return " ".join(element.value for element in [*app.markdown, *app.caption, *app.info])


def figures(app: AppTest) -> dict[str, dict]:
    (table,) = (each.value for each in app.dataframe if "ECE" in each.value)
    return {row["Run"]: row for row in table.to_dict("records")}


def test_an_overconfident_run_gets_its_temperature_from_validation_images_and_is_better_for_it(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    run = add_run(store, [], name="**too** sure")
    tested = write(store, run, PREDICTIONS, 2000, 1, 2.0)
    validated = write(store, run, VALIDATION_PREDICTIONS, 1500, 2, 2.0)
    app = select(app, "Calibration", run)
    assert not app.exception and not app.error
    row = figures(app)["**too** sure"]
    fitted = calibration.fit_temperature(*validated)
    assert row["Temperature"].startswith(f"{fitted.value:.3f} (") and 1.8 < fitted.value < 2.2
    labels, said = tested
    assert row["ECE"] == 100 * calibration.figures(labels, said).error
    after = calibration.figures(labels, calibration.scaled(said, fitted.value))
    assert row["ECE after"] == 100 * after.error < row["ECE"]
    assert row["NLL after"].startswith(f"{after.loss:.4f}")
    labelled(app, "toggle", "With the temperature").set_value(True)
    assert not app.run().exception and "🚫" not in words(app)


def test_without_validation_predictions_the_page_says_why_and_offers_what_helps(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    old, bare, flattered, unseen = (
        add_run(store, [1, 2] if name != "unseen" else None, name=name, **figures)
        for name, figures in (
            ("old", {}),
            ("bare", {}),
            ("flattered", {"split": "test-as-validation"}),
            ("unseen", {}),
        )
    )
    for run in (old, flattered, unseen):
        with store.artefacts.writing(run.id, MODEL) as path:
            path.write_bytes(b"weights")
    for view in ("Calibration", "Refusing"):
        app = select(app, view, old, bare, flattered, unseen)
        assert not app.exception and not app.error
        if view == "Refusing":
            app.session_state["refusal-how"] = BY_VALIDATION
            app = app.run()
        said = plain(words(app))
        assert "old: what it said of its validation images was not kept" in said
        assert "bare: what it said of its validation images was not kept; evaluating it does that" in said
        assert "flattered: its test images also served for validation" in said
        assert "unseen: it was not evaluated on its test images" in said
        offered = {button.key for button in app.button if button.label == "Evaluate it now"}
        assert offered == {f"evaluate-{run.id}" for run in (old, unseen)}, (
            "only where the weights are, and where it helps"
        )
        assert "⚠️" in said


def test_the_threshold_says_what_is_answered_and_what_is_refused(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    run = add_run(store, [], name="net")
    coverage = calibration.Coverage(*write(store, run, PREDICTIONS, 2000, 3))
    chosen = calibration.Coverage(*write(store, run, VALIDATION_PREDICTIONS, 1500, 4)).threshold_for(0.99)
    app = select(app, "Refusing", run)
    assert f"net** {plain(coverage.at(0.9).sentence)}" in plain(words(app))
    labelled(app, "select_slider", "Least confidence to answer").set_value(0.99)
    assert f"net** {plain(coverage.at(0.99).sentence)}" in plain(words(app.run()))
    app.session_state["refusal-how"] = BY_VALIDATION
    labelled(app.run(), "selectbox", "Wanted accuracy of the answers").set_value(0.99)
    assert chosen is not None
    assert f"net** at {chosen:.6g} {plain(coverage.at(chosen).sentence)}" in plain(words(app.run()))
    labelled(app, "selectbox", "Wanted accuracy of the answers").set_value(0.9999)
    labelled(app, "toggle", "With the lower end of its interval").set_value(True)
    assert "no threshold gives 99.99 % on its 1,500 validation images" in plain(words(app.run()))


def plain(text: str) -> str:
    return text.replace("\\", "")

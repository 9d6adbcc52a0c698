"""Taking runs away on the Runs page: which forms are offered, and what is said where one cannot be made."""

from __future__ import annotations

from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from mnist_lab.exchange import FORMS
from mnist_lab.store import Run, open_store
from mnist_lab.store.artefacts import CHECKPOINT, MODEL
from tests.made_runs import add_run

Visit = Callable[[str], AppTest]


def select(app: AppTest, *runs: Run) -> AppTest:
    app.session_state["kept.selected-runs"] = tuple(run.id for run in runs)
    return app.switch_page("pages/runs.py").run()


def downloads(app: AppTest) -> list[str]:
    return [element.proto.label for element in app.get("download_button")]


def test_a_run_is_offered_in_every_form_that_it_has(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    run = add_run(store, [1], name="whole")
    with store.artefacts.writing(run.id, MODEL) as path:
        path.write_bytes(b"weights")
    assert downloads(select(app, run)) == [form.title for form in FORMS.values()]
    bare = add_run(store, None, name="bare", test_accuracy=None)
    assert downloads(select(app, bare)) == [form.title for form in FORMS.values() if not form.needs]
    queued = add_run(store, None, name="queued", status="queued", test_accuracy=None)
    assert "Everything, as one .zip" not in downloads(select(app, queued))
    assert not app.exception


def test_several_runs_are_offered_one_by_one_under_their_names(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    runs = [add_run(store, [number], name=name) for number, name in enumerate(("**one**", "two", "two"))]
    waiting = add_run(store, None, name="three", status="queued", test_accuracy=None)
    app = select(app, *runs, waiting)
    assert {label for label in downloads(app) if not label.startswith("Report")} == {
        f"{name} ({run.id[:4]})" for run, name in zip(runs, (r"\*\*one\*\*", "two", "two"), strict=True)
    }
    assert not app.exception


def test_a_run_that_came_without_its_optimizer_does_not_go_on(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    run = add_run(store, [1], status="stopped", epochs_run=3)
    keys = {button.key for button in select(app, run).button}
    assert "requeue" not in keys, "it would begin anew, over what it has"
    with store.artefacts.writing(run.id, CHECKPOINT) as path:
        path.write_bytes(b"weights")
    assert "requeue" in {button.key for button in select(app, run).button}

"""Pages over a store with damaged rows: they show the sound runs, and the damaged ones as what they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mnist_lab.store import Run, RunStore, open_store
from mnist_lab.store.artefacts import MODEL
from mnist_lab.studies import presets
from mnist_lab.ui import run_views
from tests.made_runs import SMALL, WIDE, add_course, add_run
from tests.store import damages
from tests.ui.conftest import PAGES
from tests.ui.test_run_views import COURSE
from tests.ui.test_versus import select, view

Visit = Callable[[str], AppTest]


def sound(app: AppTest) -> AppTest:
    """The page, on which nothing failed that was not foreseen."""
    assert not app.exception
    assert not [error.value for error in app.error], "a sentence in place of what was asked for"
    return app


@pytest.fixture
def bad(home: Path, visit: Visit) -> tuple[AppTest, RunStore, Run, dict[str, Run]]:
    """A session, its store, a sound run, and by damage a run with curve, model and predictions that has it."""
    app = visit("draw")
    store = open_store()
    good = add_course(store, add_run(store, [1], name="sound", network=WIDE), COURSE)
    names = list(presets())
    runs = {}
    for number, what in enumerate(damages.ALL):
        wanted = presets()[names[number % 5]]
        run = add_run(
            store, [number], name=what, network=SMALL if number % 2 else wanted.architecture,
            training=wanted.training, preset=wanted.name, epochs_run=3, seconds=2.0, best_epoch=2,
        )  # fmt: skip
        runs[what] = add_course(store, run, COURSE, [{"step": 1, "epoch": 0.1, "loss": 2.0, "accuracy": 0.1}])
        with store.artefacts.writing(run.id, MODEL) as path:
            path.write_bytes(b"")
    for what, run in runs.items():
        damages.damage(home / "lab.db", run.id, what)
    return app, store, good, runs


def test_every_page_opens_and_the_sound_run_is_there(
    bad: tuple[AppTest, RunStore, Run, dict[str, Run]],
) -> None:
    app, store, _, runs = bad
    assert len(store.runs()) == len(runs) + 1 + 2  # the shipped models are there too
    for page in PAGES:
        sound(app.switch_page(f"pages/{page}.py").run())
    for page in ("draw", "explain"):
        app = sound(app.switch_page(f"pages/{page}.py").run())
        (choice,) = (box for box in app.sidebar.selectbox if str(box.key).startswith("pick."))
        offered = " ".join(choice.options)
        assert "sound" not in offered, "it has no model"
        assert "its figures are texts" in offered
        assert not [what for what in damages.UNREADABLE if what in offered]


@pytest.mark.parametrize("part", range(3))
def test_the_details_of_a_damaged_run_say_what_is_the_matter(
    bad: tuple[AppTest, RunStore, Run, dict[str, Run]], part: int
) -> None:
    app, store, _, runs = bad
    for what in list(damages.ALL)[part::3]:
        run = store.get(runs[what].id)
        app = sound(select(app, run))
        if what in damages.UNREADABLE:
            assert "is damaged" in " ".join(each.value for each in app.info)
            assert app.button("load").disabled
            assert not [button for button in app.get("download_button") if button.key.startswith("take-")]
        else:
            assert not app.button("load").disabled


@pytest.mark.parametrize("name", [each.name for each in run_views.VIEWS])
def test_every_view_shows_damaged_runs_beside_sound_ones(
    bad: tuple[AppTest, RunStore, Run, dict[str, Run]], name: str
) -> None:
    app, _, good, runs = bad
    every = list(runs.values())
    for first in range(0, len(every), 9):
        app = view(select(app, good, *every[first : first + 9]), name)
        assert not app.exception
        assert "Something went wrong" not in " ".join(each.value for each in app.error), name
    for run in every[:: max(1, len(every) // 4)]:
        app = view(select(app, run), name)
        assert not app.exception
        assert "Something went wrong" not in " ".join(each.value for each in app.error), name

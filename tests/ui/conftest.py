"""Pages without a browser: `AppTest` on `app.py`, over a home of their own, with a manager that starts no process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

from mnist_lab.jobs import JobManager
from mnist_lab.store import open_store
from mnist_lab.ui import frame
from mnist_lab.ui.state import Workbench

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("draw", "explain", "digits", "lab", "runs", "sweeps", "studies", "data")
PATIENCE = 120.0  # seconds for one run of a page; the machine may be busy with other things


def _as_in_a_server(make: Callable[..., None]) -> Callable[..., None]:
    """`AppTest` forgets before each run that `app.py` lists the pages, and runs the page alone (`frame.needs_app`).

    Such a run ends by a stop, and Streamlit then leaves out what it does at the end of one: to forget what is gone.
    """

    def made(manager: PagesManager, *arguments: Any, **more: Any) -> None:
        make(manager, *arguments, **more)
        PagesManager.uses_pages_directory = False

    return made


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home of its own without MNIST. What the pages open is closed at the end, and none starts a process."""
    for name in ("STORE", "DATA", "EXECUTOR", "ARTEFACTS"):
        monkeypatch.delenv(f"MNIST_LAB_{name}", raising=False)
    monkeypatch.setenv("MNIST_LAB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    made: list[JobManager] = []

    def quiet_manager() -> JobManager:
        made.append(JobManager(open_store(), autostart=False))
        return made[-1]

    monkeypatch.setattr(frame, "job_manager", quiet_manager)
    monkeypatch.setattr(PagesManager, "__init__", _as_in_a_server(PagesManager.__init__))
    frame.services.clear()
    yield tmp_path / "home"
    for manager in made:
        manager.close()
        manager.store.close()
    frame.services.clear()


@pytest.fixture
def visit(home: Path) -> Callable[[str], AppTest]:
    """Opens the program in a new session and goes to a page."""

    def go(page: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE).run()
        return app if page == "draw" else app.switch_page(f"pages/{page}.py").run()

    return go


def bench(app: AppTest) -> Workbench:
    """The workbench of a session."""
    found: Workbench = app.session_state["workbench"]
    return found


def on_tab(app: AppTest, name: str) -> AppTest:
    """The Lab with one of its tabs open: only that is drawn."""
    app.session_state["lab-tabs"] = name
    return app.run()


def labelled(app: AppTest, kind: str, label: str) -> Any:
    """The one element of a kind with this label."""
    (found,) = (element for element in app.get(kind) if element.label == label)
    return found


def keys(app: AppTest, prefix: str) -> set[str]:
    """What follows a prefix in the keys of the widgets that are shown."""
    kinds = ("selectbox", "number_input", "checkbox", "text_input", "toggle")
    shown = (element.key or "" for kind in kinds for element in app.get(kind))
    return {key.removeprefix(prefix) for key in shown if key.startswith(prefix)}


def put_in(app: AppTest, key: str, value: Any) -> None:
    """Puts a value into the widget of a key, whatever its kind; the page is not run yet."""
    if isinstance(value, tuple):
        height, width = value
        app.number_input(f"{key}.height").set_value(height)
        assert height == width, "two numbers need two steps"
        return
    for kind in ("selectbox", "number_input", "checkbox", "text_input"):
        for element in app.get(kind):
            if element.key == key:
                element.set_value(value)
                return
    pytest.fail(f"there is no widget {key}")


def widget_states(app: AppTest) -> WidgetStates:
    """What a browser that shows this would send."""
    return app._tree.get_widget_states()


def click_late(app: AppTest, key: str, of_before: WidgetStates) -> AppTest:
    """Clicks a button as a browser does that has not learned yet which widgets are gone: their values come along."""
    app.button(key).click()
    states = widget_states(app)
    known = {state.id for state in states.widgets}
    # A browser keeps no word of a button that was not clicked.
    values = [state for state in of_before.widgets if state.WhichOneof("value") != "trigger_value"]
    gone = [state for state in values if state.id not in known]
    assert gone, "nothing is gone"
    states.widgets.extend(gone)
    return app._run(states)

"""Where Streamlit's login is configured, nothing is shown before it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from mnist_lab.store import open_store
from mnist_lab.ui import frame
from tests.made_runs import add_run
from tests.ui.conftest import PAGES, PATIENCE, ROOT


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_nothing_but_the_button_to_who_has_not_logged_in(
    home, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    store = open_store()
    add_run(store, name="a run of somebody")
    store.close()
    monkeypatch.setattr(frame.st, "user", SimpleNamespace(is_logged_in=False))
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE).run()
    app.switch_page(f"pages/{page}.py").run()
    assert [button.label for button in app.button] == ["Log in"]
    assert [title.value for title in app.title] == ["MNIST Lab"]
    assert not [*app.markdown, *app.dataframe, *app.selectbox, *app.text_input, *app.sidebar.children.values()]
    monkeypatch.setattr(frame.st, "user", SimpleNamespace(is_logged_in=True, email="anna@example.org", sub="7"))
    app.run()
    assert "Log in" not in [button.label for button in app.button]
    assert not app.exception

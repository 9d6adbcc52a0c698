"""Several people at the pages: who is who, whose turn it is, what one may ask for, and runs that another takes away."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.web.server.starlette.starlette_app_utils import generate_xsrf_token_string

from mnist_lab.store import Run, RunStore, open_store
from mnist_lab.store.artefacts import MODEL
from mnist_lab.training_config import TrainingConfig
from mnist_lab.ui import frame, people, writer
from tests.made_runs import SMALL, add_run
from tests.ui.conftest import bench, on_tab

Visit = Callable[[str], AppTest]


@pytest.fixture
def store(home: Path) -> RunStore:
    return open_store()


def words(app: AppTest) -> str:
    kinds = ("markdown", "caption", "warning", "error", "info", "title", "subheader")
    return "\n".join(str(element.value) for kind in kinds for element in app.get(kind))


def untroubled(app: AppTest) -> None:
    assert not app.exception
    assert "Something went wrong" not in words(app)


# Who somebody is ------------------------------------------------------------------------------------------------------


def test_a_cookie_is_the_same_person_in_each_of_its_forms_and_nonsense_is_nobody() -> None:
    secrets = os.urandom(16), os.urandom(16)
    of_one, of_other = ({people.token(generate_xsrf_token_string(each)) for _ in range(20)} for each in secrets)
    assert len(of_one) == len(of_other) == 1 and not of_one & of_other
    assert of_one == {secrets[0].hex()}
    for nonsense in ("", "2", "2|", "2|||", "2|zz|zz|0", "2|00000000||1", "1|00000000|00|1", "2|00|00|1", "|" * 50):
        assert people.token(nonsense) == ""


@pytest.mark.parametrize(
    ("context", "user", "who"),
    [
        ({"cookies": {}, "ip_address": None}, None, "session "),
        ({"cookies": {"_streamlit_xsrf": "nonsense"}, "ip_address": "10.0.0.7"}, None, "address 10.0.0.7"),
        ({"cookies": {"_streamlit_xsrf": "2|00000000|ab|1"}, "ip_address": "10.0.0.7"}, None, "browser with ab"),
        ({"cookies": {"_streamlit_xsrf": "2|00000000|ab|1"}, "ip_address": None},
         {"is_logged_in": True, "email": "anna@example.org", "sub": "7"}, "login of anna@example.org"),
        ({"cookies": {"_streamlit_xsrf": "2|00000000|ab|1"}, "ip_address": None},
         {"is_logged_in": False}, "browser with ab"),
    ],
)  # fmt: skip
def test_a_person_is_a_login_else_a_browser_else_an_address_else_a_session(
    store: RunStore, monkeypatch: pytest.MonkeyPatch, context: dict[str, Any], user: dict[str, Any] | None, who: str
) -> None:
    state: dict[str, Any] = {}
    stand_in = SimpleNamespace(
        context=SimpleNamespace(**context),
        user=SimpleNamespace(**user or {}),
        session_state=state,
        get_option=lambda name: {},
    )
    for module in (people, writer):
        monkeypatch.setattr(module, "st", stand_in)
    monkeypatch.setattr(people.state, "st", stand_in)
    assert people._who().startswith(who) and people._who() == people._who()


def test_a_login_of_the_proxy_counts_only_where_the_server_was_told_to_believe_it(
    store: RunStore, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    # AppTest's sessions come with test@example.com, as if a header had said so.
    app = visit("digits")
    assert [box.label for box in app.text_input] == ["Your name"]
    real = writer.st.get_option
    option = "server.trustedUserHeaders"
    monkeypatch.setattr(writer.st, "get_option", lambda name: {"X-Email": "email"} if name == option else real(name))
    app = visit("digits")
    untroubled(app)
    assert [box.label for box in app.text_input] == [] and r"test@example\.com" in words(app)
    assert "writer.change" not in [button.key for button in app.button]


# Turns and limits -----------------------------------------------------------------------------------------------------


def test_what_is_queued_at_a_page_is_of_the_person_of_the_session(
    store: RunStore, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    for who in ("anna", "ben"):
        monkeypatch.setattr(people, "_who", lambda who=who: who)
        app = on_tab(visit("lab"), "Training")
        for _ in range(2):
            app.button("train").click().run()
        untroubled(app)
    anna, ben = store.person("anna"), store.person("ben")
    assert [run.person for run in store.queue()] == [anna, ben, anna, ben]
    shown = words(app.run())
    assert "People take turns" in shown and shown.count("· yours") == 2
    # The first is shown above, not in the list.
    order = [run.id for run in store.queue()]
    assert app.button(f"sooner-{order[1]}").disabled and not app.button(f"sooner-{order[3]}").disabled
    app.button(f"sooner-{order[3]}").click().run()
    assert [run.id for run in store.queue()] == [order[0], order[3], order[2], order[1]]


def test_of_a_long_queue_the_page_shows_the_first_and_how_many_more(store: RunStore, visit: Visit) -> None:
    for number in range(60):
        store.create(SMALL, TrainingConfig(dataset="digits"), name=f"run {number}")
    app = on_tab(visit("lab"), "Training")
    untroubled(app)
    assert "**Queue** (59)" in words(app) and "And 10 more." in words(app)
    assert "60 more in the queue" in words(app)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("QUEUED", "1", "You have 1 training in the queue, and 1 is the limit here"),
        ("EPOCHS", "4", "5 epochs are too many: 4 is the limit here"),
        ("PARAMETERS", "1000", "parameters, and 1,000 is the limit here"),
        ("DISK", "10 B", "Your runs take 100 B of disk, and 10 B is the limit here"),
    ],
)
def test_the_lab_says_what_is_too_much_before_train_is_pressed(
    store: RunStore, visit: Visit, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setattr(people, "_who", lambda: "anna")
    run = store.create(SMALL, TrainingConfig(dataset="digits"), person=store.person("anna"))
    with store.artefacts.writing(run.id, MODEL) as path:
        path.write_bytes(b"x" * 100)
    app = on_tab(visit("lab"), "Training")
    assert not app.button("train").disabled and not app.warning
    # The limit is met by another tab after this one was drawn: pressing is a sentence, and nothing is queued.
    monkeypatch.setenv(f"MNIST_LAB_MAX_{name}", value)
    app.button("train").click().run()
    untroubled(app)
    assert any(said in error.value for error in app.error)
    assert len(store.queue()) == 1
    assert app.button("train").disabled
    assert any(said in warning.value for warning in app.warning)
    monkeypatch.setattr(people, "_who", lambda: "ben")
    if name in ("QUEUED", "DISK"):
        assert not app.run().button("train").disabled


def test_a_study_beyond_the_limit_is_said_once(store: RunStore, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_LAB_MAX_QUEUED", "4")
    app = visit("studies")
    app.button("study-train").click().run()
    untroubled(app)
    (warning,) = app.warning
    assert warning.value.startswith("9 of the trainings were not queued: You have 4 trainings in the queue")
    assert len(store.queue()) == 4


def test_a_wrong_limit_is_a_sentence_on_every_page(home: Path, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_LAB_MAX_DISK", "much")
    app = visit("draw")
    untroubled(app)
    assert any("MNIST_LAB_MAX_DISK=much is no limit of room" in error.value for error in app.error)


# Runs that another takes away -----------------------------------------------------------------------------------------


def remove(store: RunStore, run: Run, for_good: bool) -> None:
    store.delete([run.id])
    if for_good:
        store.purge(older_than=-1)

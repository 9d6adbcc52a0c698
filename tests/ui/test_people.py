"""Several people at the pages: who is who, whose turn it is, what one may ask for, and runs that another takes away."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from streamlit.web.server.starlette.starlette_app_utils import generate_xsrf_token_string

from mnist_lab.store import NewDigit, Run, RunStore, open_store
from mnist_lab.store.artefacts import CHECKPOINT, MODEL
from mnist_lab.training_config import TrainingConfig
from mnist_lab.ui import frame, people, run_views, writer
from tests.made_runs import ONE, SMALL, add_course, add_run
from tests.ui.conftest import labelled, on_tab
from tests.ui.test_run_views import COURSE
from tests.ui.test_versus import select, view

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
    assert [box.label for box in app.text_input] == [] and frame.escape("test@example.com") in words(app)
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


@pytest.fixture
def taken(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Deletes runs, for good if wanted, in the middle of the drawing of each page: after they were listed."""

    def take(*runs: Run, for_good: bool) -> None:
        listed = store.listing()
        assert {run.id for run in runs} <= {run.id for run in listed}
        store.delete([run.id for run in runs])
        if for_good:
            store.purge(older_than=-1)
        monkeypatch.setattr(RunStore, "listing", lambda self: listed)

    return take


FOR_GOOD = pytest.mark.parametrize("for_good", [False, True], ids=["deleted", "purged"])


@FOR_GOOD
@pytest.mark.parametrize("count", [1, 2])
def test_every_view_of_runs_that_go_while_it_is_drawn_is_words(
    store: RunStore, visit: Visit, taken: Callable[..., None], for_good: bool, count: int
) -> None:
    app = visit("runs")
    runs = [add_course(store, add_run(store, [n], name=f"run {n}"), COURSE) for n in range(count)]
    for run in runs:
        with store.artefacts.writing(run.id, MODEL) as path:
            path.write_bytes(b"weights")
    app = select(app, *runs)
    untroubled(app)
    names = [each.name for each in run_views.VIEWS if each.applies(run_views.Shown(store, runs, runs))]
    assert len(names) > 3
    taken(*runs, for_good=for_good)
    for name in names:
        app = view(app, name)
        assert not app.exception, name
        assert "Something went wrong" not in words(app), name


@FOR_GOOD
def test_what_is_pressed_of_a_run_that_is_gone_is_words(
    store: RunStore, visit: Visit, taken: Callable[..., None], for_good: bool
) -> None:
    training = replace(ONE, epochs=9)
    run = add_course(store, add_run(store, [1], name="run", status="interrupted", training=training), COURSE)
    for name in (MODEL, CHECKPOINT):
        with store.artefacts.writing(run.id, name) as path:
            path.write_bytes(b"weights")
    pressed = ("requeue", "load", "ask", f"star-{run.id}", "delete", "star-all", "unstar-all")
    apps = {key: select(visit("runs"), run) for key in (*pressed, f"name-{run.id}", f"notes-{run.id}", "tags-add")}
    taken(run, for_good=for_good)
    said = {}
    for key, app in apps.items():
        if key in pressed:
            app.button(key).click().run()
        else:
            app.text_input(key).set_value("another").run()
        untroubled(app)
        said[key] = " ".join(str(error.value) for error in app.error)
    assert ("There is no run" if for_good else "was deleted") in said["requeue"]
    for key in (f"star-{run.id}", f"name-{run.id}", f"notes-{run.id}"):
        assert ("was deleted for good" in said[key]) == for_good, key
    assert store.waiting() == 0


@FOR_GOOD
def test_a_selected_run_that_another_deletes_is_named(store: RunStore, visit: Visit, for_good: bool) -> None:
    kept, gone = add_run(store, [1], name="kept"), add_run(store, [2], name="gone *")
    app = select(visit("runs"), kept, gone)
    store.delete([gone.id])
    if for_good:
        store.purge(older_than=-1)
    app.run()
    untroubled(app)
    who = gone.id[:8] if for_good else r"gone \*"
    assert any(f"Run '{who}', which was selected, was deleted elsewhere" in each.value for each in app.warning)
    app.run()
    assert len(app.warning) == 1, "until it is closed"
    app.button("close-link-said").click().run()
    assert not app.warning
    # What one deletes oneself is said otherwise, with the way back.
    app.button("delete").click().run()
    assert not app.warning and "Deleted 1 run." in words(app)


@FOR_GOOD
@pytest.mark.parametrize("page", ["draw", "explain"])
def test_a_network_that_another_deletes_is_not_exchanged_silently(
    store: RunStore, visit: Visit, for_good: bool, page: str
) -> None:
    runs = [add_run(store, [n], name=f"run {n}") for n in range(2)]
    for run in runs:
        with store.artefacts.writing(run.id, MODEL) as path:
            path.write_bytes(b"weights")
    app = visit(page)
    (box,) = [each for each in app.selectbox if "this network" in each.label]
    box.set_value(runs[1].id).run()
    assert not app.warning
    store.delete([runs[1].id])
    if for_good:
        store.purge(older_than=-1)
    app.run()
    untroubled(app)
    (warning,) = app.warning
    assert warning.value.endswith("was deleted. This is another one.")
    assert ("run 1" in warning.value) != for_good
    (box,) = [each for each in app.selectbox if "this network" in each.label]
    box.set_value(runs[0].id).run()
    assert not app.warning


@FOR_GOOD
def test_the_training_that_one_follows_and_another_deletes_is_said_to_be(
    store: RunStore, visit: Visit, for_good: bool
) -> None:
    app = on_tab(visit("lab"), "Training")
    app.button("train").click().run()
    (run,) = store.queue()
    store.command(run.id, "stop")
    app.run()
    assert "was deleted" not in words(app)
    store.delete([run.id])
    if for_good:
        store.purge(older_than=-1)
    app.run()
    untroubled(app)
    assert "The training that was started here last was deleted." in words(app)


@FOR_GOOD
def test_a_link_to_a_run_that_is_gone_is_words_on_each_page_that_has_links(
    store: RunStore, visit: Visit, for_good: bool
) -> None:
    run, other = add_run(store, [1], name="run"), add_run(store, [2], name="other")
    for each in (run, other):
        with store.artefacts.writing(each.id, MODEL) as path:
            path.write_bytes(b"weights")
    store.delete([run.id])
    if for_good:
        store.purge(older_than=-1)
    for page in ("draw", "explain", "runs"):
        app = visit(page)
        app.query_params["run"] = run.id
        app.run()
        untroubled(app)
        assert any("of the link is" in each.value and "deleted" in each.value for each in app.warning), page


def test_two_who_rename_and_note_the_same_run_do_not_undo_each_other(store: RunStore, visit: Visit) -> None:
    run = add_run(store, [1], name="first")
    one, two = (select(visit("runs"), run) for _ in range(2))
    one.text_input(f"name-{run.id}").set_value("renamed by one").run()
    two.text_input(f"notes-{run.id}").set_value("noted by two").run()
    assert (store.get(run.id).name, store.get(run.id).notes) == ("renamed by one", "noted by two")
    assert two.text_input(f"name-{run.id}").value == "renamed by one"
    one.run()
    assert one.text_input(f"notes-{run.id}").value == "noted by two"
    two.text_input(f"name-{run.id}").set_value("renamed by two").run()
    one.text_input(f"name-{run.id}").set_value("").run()
    assert any("cannot be empty" in error.value for error in one.error)
    assert store.get(run.id).name == "renamed by two"


def test_two_who_stop_pause_and_resume_the_same_training_get_along(store: RunStore, visit: Visit) -> None:
    run = store.create(SMALL, replace(ONE, epochs=9))
    store.claim("w", 1)
    one, two, three = (on_tab(visit("lab"), "Training") for _ in range(3))
    one.button("pause").click().run()
    store.report(run.id, "w", {}, status="paused")
    two.button("stop").click().run()
    assert store.get(run.id).command == "stop"
    store.end(run.id, "stopped")
    # It has ended, and they do not see it yet.
    three.button("pause").click().run()
    untroubled(three)
    assert store.get(run.id).status == "stopped"
    two.run()
    for app in (three, two):
        app.button("go-on").click()
    three.run()
    two.run()
    for app in (two, three):
        untroubled(app)
    assert any("is queued and cannot be resumed" in error.value for error in two.error)
    assert [each.id for each in store.queue()] == [run.id]


@FOR_GOOD
@pytest.mark.parametrize("page", ["draw", "explain", "digits", "studies", "lab", "data"])
def test_every_page_is_words_when_the_run_that_it_shows_goes_while_it_is_drawn(
    store: RunStore, visit: Visit, taken: Callable[..., None], for_good: bool, page: str
) -> None:
    run = add_course(store, add_run(store, [1], name="run", preset="000-baseline"), COURSE)
    with store.artefacts.writing(run.id, MODEL) as path:
        path.write_bytes(b"weights")
    app = visit(page)
    for key in ("asked", "explain.run", "watched"):
        app.session_state[f"kept.{key}"] = run.id
    app.session_state["kept.writer"] = "Anna"
    store.keep_digits("Anna", [NewDigit(np.full((28, 28), 100 + n, np.uint8), n % 10) for n in range(60)])
    app.run()
    untroubled(app)
    taken(run, for_good=for_good)
    app.run()
    untroubled(app)
    for name in [option for control in app.segmented_control if control.label == "View" for option in control.options]:
        labelled(app, "segmented_control", "View").set_value(name).run()
        assert not app.exception, name
        assert "Something went wrong" not in words(app), name

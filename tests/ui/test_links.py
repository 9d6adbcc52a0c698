"""Links on the pages: taken up once, followed while one edits, and nothing breaks where they lead nowhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from mnist_lab import links
from mnist_lab.architecture import Architecture
from mnist_lab.layers import Conv2D, Dense, Flatten
from mnist_lab.optimizers import SGD
from mnist_lab.store import Run, RunStore, open_store
from mnist_lab.studies import preset
from mnist_lab.training_config import TrainingConfig
from mnist_lab.ui.state import FIRST_PRESET
from tests.made_runs import SMALL, WIDE, add_run
from tests.ui.conftest import PATIENCE, ROOT, bench, labelled, on_tab

OTHER = Architecture((Conv2D(7, 5), Flatten(), Dense(10, "softmax")))
TRAINING = TrainingConfig(epochs=3, seed=77, optimizer=SGD(0.05, 0.9))
Visit = Callable[..., AppTest]


@pytest.fixture
def at(home: Any) -> Visit:
    """Opens an address in a new session."""

    def go(page: str, **parameters: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE)
        if page != "draw":
            app.run()
            app.switch_page(f"pages/{page}.py")
        app.query_params.update(parameters)
        return app.run()

    return go


@pytest.fixture
def store(home: Any) -> Iterator[RunStore]:
    opened = open_store()
    yield opened
    opened.close()


def held(app: AppTest) -> tuple[Architecture, TrainingConfig, str]:
    """What the workbench of a session holds."""
    now = bench(app)
    return now.architecture, now.training, now.name


def edit_filters(app: AppTest, filters: int) -> None:
    """Types another number of filters into the first layer, which is selected."""
    labelled(app, "number_input", "Filters").set_value(filters).run()


def code(app: AppTest) -> str:
    """The network that the address holds."""
    return app.query_params["net"]


def shown_links(app: AppTest) -> list[str]:
    return [each.value for each in app.code if "?" in each.value.splitlines()[0]]


# The Lab --------------------------------------------------------------------------------------------------------------


def test_a_link_puts_network_training_seed_and_name_on_the_workbench_of_a_new_session(at: Visit) -> None:
    app = at("lab", net=links.encode(OTHER, TRAINING, "mine"))
    assert not app.exception and not app.error
    assert held(app) == (OTHER, TRAINING, "mine")
    (said,) = (info.value for info in app.info if "link" in info.value)
    # 5*5 weights and a bias for each of 7 filters; 24*24*7 values to 10 units and their biases
    assert 7 * (5 * 5 + 1) + 10 * (24 * 24 * 7 + 1) == 40_512
    assert said.startswith("Opened from a link: **mine**, 40,512 parameters")
    assert "SGD 0.05, 3 epochs, seed 77" in said
    assert labelled(on_tab(app, "Training"), "number_input", "Seed").value == 77


def test_undo_brings_back_network_and_training_from_before_the_link_and_redo_those_of_the_link(at: Visit) -> None:
    app = at("lab", net=links.encode(OTHER, TRAINING, "mine"))
    first = preset(FIRST_PRESET).architecture, TrainingConfig(epochs=5), ""
    labelled(app, "button", "Undo").click().run()
    assert held(app) == first
    assert not [info for info in app.info if "Opened from a link" in info.value]
    labelled(app, "button", "Redo").click().run()
    assert held(app) == (OTHER, TRAINING, "mine")


def test_the_first_address_stays_as_it_is_until_something_is_changed(at: Visit) -> None:
    app = at("lab")
    assert "net" not in app.query_params
    on_tab(app, "Training").number_input(f"training.{bench(app).revision}.seed").set_value(1).run()
    assert links.decode(code(app)).training.seed == 1


def test_the_address_follows_every_change_of_network_training_and_name(at: Visit) -> None:
    app = at("lab", net=links.encode(OTHER, TRAINING))
    app.button("row.(0,)").click().run()
    for filters in (8, 9):
        edit_filters(app, filters)
        assert links.decode(code(app)).architecture.layers[0] == Conv2D(filters, 5)
    form = f"training.{bench(app).revision}"
    on_tab(app, "Training").number_input(f"{form}.seed").set_value(5).run()
    assert links.decode(code(app)).training == replace(TRAINING, seed=5)
    app.text_input(f"{form}.name").set_value("*mine*").run()
    assert links.decode(code(app)).name == "*mine*"
    labelled(app, "button", "Undo").click().run()
    assert links.decode(code(app)).architecture.layers[0] == Conv2D(8, 5)
    assert f"/lab?net={code(app)}" in shown_links(app), "the link to copy is the address"


def test_a_click_that_still_carries_the_address_of_before_takes_nothing_back(at: Visit) -> None:
    """The browser sends a click with the address that it knows; the newer one may be on its way."""
    app = at("lab", net=links.encode(OTHER, TRAINING))
    app.button("row.(0,)").click().run()
    before = code(app)
    edit_filters(app, 8)
    edit_filters(app, 9)
    app.query_params["net"] = before
    app.button("row.(1,)").click().run()
    assert bench(app).architecture.layers[0] == Conv2D(9, 5)
    assert links.decode(code(app)).architecture.layers[0] == Conv2D(9, 5), "the address is put right"


def test_going_to_another_page_and_back_loses_nothing_and_takes_up_no_link_again(at: Visit) -> None:
    asked = links.encode(OTHER, TRAINING)
    app = at("lab", net=asked)
    app.button("row.(0,)").click().run()
    edit_filters(app, 9)
    app.query_params.clear()
    app.switch_page("pages/runs.py").run()
    # As the browser's Back would have it: with an address from before.
    app.switch_page("pages/lab.py")
    app.query_params["net"] = asked
    app.run()
    assert bench(app).architecture.layers[0] == Conv2D(9, 5)
    assert links.decode(code(app)).architecture.layers[0] == Conv2D(9, 5)


def test_a_link_to_an_impossible_network_opens_and_is_explained(at: Visit) -> None:
    impossible = Architecture((Flatten(), Conv2D(3), Dense(10, "softmax")))
    app = at("lab", net=links.encode(impossible, TRAINING))
    assert not app.exception
    assert bench(app).architecture == impossible
    assert any(error.value.startswith("Layer 2 (Conv2D") for error in app.error)
    assert any("an impossible network" in info.value for info in app.info)


def test_a_name_with_markup_is_shown_as_it_was_typed(at: Visit) -> None:
    app = at("lab", net=links.encode(OTHER, TRAINING, "<b>x</b> ![a](http://h/i.png) **"))
    (said,) = (info.value for info in app.info if "Opened" in info.value)
    assert r"\<b\>x\</b\> \!\[a\]\(http\:" "\u2060" r"//h/i\.png\) \*\*" in said
    assert not app.exception


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1.abc", "damaged"),
        ("<script>alert(1)</script>", "no link to a network"),
        ("x" * 50_000, "too long"),
    ],
)
def test_a_link_that_leads_nowhere_is_a_sentence_and_the_workbench_stays(text: str, words: str, at: Visit) -> None:
    app = at("lab", net=text)
    assert not app.exception
    (error,) = app.error
    assert words in error.value and "The network here is as it was." in error.value
    assert "<script>" not in error.value
    assert bench(app).architecture == preset(FIRST_PRESET).architecture and not bench(app).past
    app.button("row.(0,)").click().run()
    assert [each.value for each in app.error] == [error.value], "it stays until something is changed"
    edit_filters(app, 9)
    assert not app.error
    assert links.decode(code(app)).architecture.layers[0] == replace(
        preset(FIRST_PRESET).architecture.layers[0], filters=9
    )


def test_a_link_can_be_pasted_over_other_work_which_comes_back(at: Visit) -> None:
    app = at("lab")
    work = held(app)
    labelled(app, "text_input", "Open a link").set_value(f"http://far/lab?net={links.encode(OTHER, TRAINING)}").run()
    assert held(app) == (OTHER, TRAINING, "")
    assert any("Opened from a link" in info.value for info in app.info)
    labelled(app, "button", "Undo").click().run()
    assert held(app) == work
    labelled(app, "text_input", "Open a link").set_value("nonsense").run()
    assert held(app) == work
    assert any("no link to a network" in error.value for error in app.error)


def test_a_link_with_other_training_for_the_same_network_can_be_undone_too(at: Visit) -> None:
    app = at("lab")
    work = held(app)
    labelled(app, "text_input", "Open a link").set_value(links.encode(work[0], TRAINING)).run()
    assert held(app) == (work[0], TRAINING, "")
    labelled(app, "button", "Undo").click().run()
    assert held(app) == work


def test_a_presets_link_is_known_as_that_preset(at: Visit) -> None:
    wanted = preset("003-cnn")
    app = at("lab", net=links.encode(wanted.architecture, wanted.training))
    assert bench(app).preset_if_unchanged == "003-cnn"


def test_what_is_too_large_for_a_link_is_said_to_be_and_the_lab_goes_on(
    at: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = at("lab", net=links.encode(OTHER, TRAINING))
    monkeypatch.setattr(links, "MAX_LENGTH", 40)
    app.button("row.(0,)").click().run()
    assert not app.exception
    assert any("too large for a link" in warning.value for warning in app.warning)
    assert "net" not in app.query_params, "an address that says something else would mislead"


# Runs -----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def three(store: RunStore) -> list[Run]:
    return [add_run(store, [1], name="one"), add_run(store, [2], network=WIDE, name="two"), add_run(store, name="3")]


def selected(app: AppTest) -> tuple[str, ...]:
    return app.session_state["kept.selected-runs"]


def test_a_link_selects_its_run_and_the_page_shows_the_link(at: Visit, three: list[Run]) -> None:
    app = at("runs", run=three[0].id)
    assert not app.exception and not app.error and not app.warning
    assert selected(app) == (three[0].id,)
    assert [heading.value for heading in app.subheader][:1] == ["one"]
    page, network = shown_links(app)
    assert page == f"/runs?run={three[0].id}"
    assert links.decode(network) == (SMALL, three[0].config(), "one")


def test_a_link_opens_several_runs_in_a_view(at: Visit, three: list[Run]) -> None:
    ids = [run.id for run in three]
    app = at("runs", run=",".join(ids), view="Curves")
    assert not app.exception and not app.error
    assert set(selected(app)) == set(ids)
    assert app.session_state["kept.run-view"] == "Curves"
    assert set(app.query_params["run"].split(",")) == set(ids) and app.query_params["view"] == "Curves"


def test_the_beginning_of_an_id_is_enough_and_an_unknown_view_is_no_matter(at: Visit, three: list[Run]) -> None:
    app = at("runs", run=three[1].id[:8], view="<b>")
    assert not app.exception and not app.error
    assert selected(app) == (three[1].id,)
    assert app.query_params["run"] == three[1].id and "view" not in app.query_params


def test_runs_that_are_deleted_or_unknown_are_said_to_be_and_the_others_open(
    at: Visit, store: RunStore, three: list[Run]
) -> None:
    store.delete([three[0].id])
    app = at("runs", run=f"{three[0].id},{'f' * 32},{three[1].id}")
    assert not app.exception and not app.error
    (warning,) = app.warning
    assert f"Run {three[0].id[:8]} of the link is deleted" in warning.value
    assert "Run ffffffff of the link is not in this program's store" in warning.value.replace("\\", "")
    assert selected(app) == (three[1].id,)
    app.button("close-link-said").click().run()
    assert not app.warning and selected(app) == (three[1].id,)


@pytest.mark.parametrize("text", ["", "<script>", "a" * 9_999])
def test_what_names_no_runs_is_a_sentence_and_nothing_is_selected(text: str, at: Visit, three: list[Run]) -> None:
    app = at("runs", run=text)
    assert not app.exception and not app.error
    (warning,) = app.warning
    assert "link" in warning.value and not re.search(r"(?<!\\)<", warning.value)
    assert selected(app) == ()
    assert "run" not in app.query_params


def test_a_link_to_a_run_in_a_store_without_runs_says_so(at: Visit) -> None:
    app = at("runs", run="f" * 32)
    assert not app.exception
    assert selected(app) == ()
    assert [warning.value for warning in app.warning] != []


def test_coming_back_to_the_runs_keeps_what_was_selected_there_last(at: Visit, three: list[Run]) -> None:
    app = at("runs", run=three[0].id)
    app.query_params.clear()
    app.switch_page("pages/lab.py").run()
    app.query_params.clear()
    app.switch_page("pages/runs.py").run()
    assert selected(app) == (three[0].id,)
    assert app.query_params["run"] == three[0].id


def test_the_draw_page_asks_the_run_of_the_address(at: Visit, store: RunStore) -> None:
    app = at("draw")
    first = app.selectbox("pick.asked").value
    assert "run" not in app.query_params
    app = at("draw", run="f" * 32)
    assert not app.exception and app.warning
    assert app.selectbox("pick.asked").value == first
    app = at("draw", run=first[:8])
    assert not app.exception and not app.warning
    assert app.query_params["run"] == first

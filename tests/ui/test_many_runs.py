"""The pages over very many runs, of which they read and show a part at a time."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from mnist_lab.run_query import RunQuery
from mnist_lab.store import Run, RunStore, Shelf, listing, open_store, run_list
from mnist_lab.store.artefacts import MODEL
from mnist_lab.ui import frame, run_picker, run_table
from tests.made_runs import add_run

Visit = Callable[[str], AppTest]
AT_ONCE = 3


@pytest.fixture
def shelf(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> tuple[AppTest, RunStore, list[Run]]:
    """The Runs page over eight runs and the shipped models, which are many here; the newest first."""
    for module in (run_list, listing):
        monkeypatch.setattr(module, "MANY", 1)
    monkeypatch.setattr(run_table, "MOST_ROWS", AT_ONCE)
    app, store = visit("data"), open_store()
    for number in range(8):
        add_run(store, None, name=f"net {number}", preset="a" if number % 2 else "b", test_looks=1)
    runs = store.runs()
    page = app.switch_page("pages/runs.py").run()
    assert not page.exception and not page.error
    return page, store, runs


def names(app: AppTest) -> list[str]:
    return list(app.dataframe[0].value["Name"])


def captions(app: AppTest) -> str:
    return " ".join(each.value for each in app.caption)


def test_of_very_many_runs_the_page_reads_and_shows_a_part(shelf: tuple[AppTest, RunStore, list[Run]]) -> None:
    app, _, runs = shelf
    assert names(app) == [run.name for run in runs[:AT_ONCE]]
    assert f"Part 1 of {-(-len(runs) // AT_ONCE)}: rows 1 to 3 of {len(runs)}." in captions(app)
    assert f"{len(runs)} of {len(runs)} runs. The test images were looked at" in captions(app)
    assert isinstance(frame.store().shelf(), Shelf), "nothing has read all of them"
    app.number_input("run-part").set_value(2).run()
    assert names(app) == [run.name for run in runs[AT_ONCE : 2 * AT_ONCE]]
    assert isinstance(frame.store().shelf(), Shelf)
    app.number_input("run-part").set_value(4).run()
    assert names(app) == [run.name for run in runs[3 * AT_ONCE :]]


def test_a_search_goes_through_all_of_them_and_begins_at_its_first_part(
    shelf: tuple[AppTest, RunStore, list[Run]],
) -> None:
    app, _, runs = shelf
    app.number_input("run-part").set_value(3).run()
    app.text_input("run-search").set_value("net").run()
    assert names(app) == [run.name for run in runs if "net" in run.name][:AT_ONCE]
    app.number_input("run-part").set_value(3).run()
    assert names(app) == ["net 1", "net 0"]
    app.text_input("run-search").set_value("net 5").run()
    assert names(app) == ["net 5"] and "Part" not in captions(app)
    app.text_input("run-search").set_value("").run()
    app.selectbox("run-sort").set_value("name").run()
    app.button("run-direction").click().run()
    assert names(app) == ["net 0", "net 1", "net 2"]


def test_what_is_selected_in_another_part_stays_selected(shelf: tuple[AppTest, RunStore, list[Run]]) -> None:
    app, store, runs = shelf
    chosen = (runs[0].id, runs[7].id)
    app.session_state["kept.selected-runs"] = chosen
    app.run()
    assert app.session_state["kept.selected-runs"] == chosen
    assert "**2 selected**" in [each.value for each in app.markdown], "both are of this list"
    app.number_input("run-part").set_value(3).run()
    assert set(app.session_state["kept.selected-runs"]) == set(chosen)
    app.button("star-all").click().run()
    assert [run.id for run in store.runs() if run.starred] == list(chosen)
    app.button("select-all").click().run()
    assert len(app.session_state["kept.selected-runs"]) == len(runs)
    store.delete([runs[7].id])
    app.run()
    assert "was deleted elsewhere" in " ".join(each.value for each in app.warning)
    assert len(app.session_state["kept.selected-runs"]) == len(runs) - 1


def test_groups_and_fields_are_shown_in_parts_too(shelf: tuple[AppTest, RunStore, list[Run]]) -> None:
    app, _, runs = shelf
    app.session_state["kept.run-query"] = RunQuery(group=("name",), group_sort="By their values")
    app.run()
    assert not app.exception and not app.error
    assert len(app.dataframe[0].value) == AT_ONCE and f"of {len(runs)}." in captions(app)
    app.session_state["kept.run-query"] = RunQuery(editing=True)
    app.run()
    assert not app.exception and not app.error
    assert names(app) == [run.name for run in runs]


def test_a_choice_of_a_run_offers_the_newest_and_those_that_ship_and_the_one_that_was_chosen(
    shelf: tuple[AppTest, RunStore, list[Run]], visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, store, runs = shelf
    monkeypatch.setattr(run_picker, "MOST_OFFERED", 2)
    made = [run for run in runs if run.name.startswith("net")]
    for run in made:
        with store.artefacts.writing(run.id, MODEL) as path:
            path.write_bytes(b"x")
    run_picker._looked.clear()
    offered = [run.id for run in run_picker.with_model(store)]
    assert offered[:2] == [run.id for run in made[:2]]
    assert {store.get(each).name for each in offered[2:]} == {"Starter model", "Robust model for drawings"}
    old = made[-1]
    app = visit("explain")
    box = next(each for each in app.selectbox if (each.key or "").startswith("pick."))
    assert len(box.options) == 4 and "The newest 2 are offered here" in captions(app)
    app.session_state["kept." + str(box.key).removeprefix("pick.")] = old.id
    app.run()
    box = next(each for each in app.selectbox if (each.key or "").startswith("pick."))
    assert len(box.options) == 5 and any("net 0" in each for each in box.options)

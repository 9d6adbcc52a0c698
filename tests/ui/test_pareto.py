"""Accuracy against cost on the Runs page, without a browser: what is on offer and what is said."""

from __future__ import annotations

from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from mnist_lab.store import open_store
from tests.made_runs import WIDE, add_run
from tests.ui.conftest import labelled

Visit = Callable[[str], AppTest]


def words(app: AppTest) -> str:
    return " ".join(element.value for element in [*app.markdown, *app.caption]).replace("\\", "")


def line(app: AppTest) -> dict[str, str]:
    """What is on the Pareto line: who measured it, by name."""
    (table,) = (each.value for each in app.dataframe if "By" in each.value)
    return dict(zip(table["What"], table["By"], strict=True))


def test_with_nothing_selected_the_picture_is_there_and_other_data_are_on_no_line_with_these(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    add_run(store, range(6), name="**small**")
    add_run(store, range(3), network=WIDE, name="wide", seconds=12.0)
    app = app.switch_page("pages/runs.py").run()
    assert not app.exception and not app.error
    assert line(app) == {"**small**": "measured by you", "wide": "measured by you"}
    labelled(app, "selectbox", "Data").set_value("mnist")
    on_mnist = line(app.run())
    assert "wide" not in on_mnist and "published" in on_mnist.values()
    assert "⚠️" in words(app)


def test_runs_without_the_cost_are_counted_in_words(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    add_run(store, range(6), name="small")
    add_run(store, range(3), network=WIDE, name="wide", seconds=12.0)
    app.session_state["pareto-cost"] = "seconds"
    app = app.switch_page("pages/runs.py").run()
    assert "1 of your points has no training time" in words(app)
    assert line(app) == {"wide": "measured by you"}


def test_the_line_can_leave_flattered_runs_out(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    add_run(store, range(6), name="honest")
    add_run(store, range(3), name="flattered", split="test-as-validation")
    app = app.switch_page("pages/runs.py").run()
    assert set(line(app)) == {"flattered"}, "as cheap and more accurate"
    app.session_state["pareto-splits-holdout-test-as-validation"] = ["holdout"]
    assert set(line(app.run())) == {"honest"}
    app.session_state["pareto-splits-holdout-test-as-validation"] = []
    assert not app.run().exception


def test_only_the_selected_runs_are_shown_where_that_is_asked_for(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    small = add_run(store, range(6), name="small")
    add_run(store, range(3), network=WIDE, name="wide")
    app.session_state["kept.selected-runs"] = (small.id,)
    app.session_state["kept.run-view"] = "Pareto"
    app = app.switch_page("pages/runs.py").run()
    assert set(line(app)) == {"small", "wide"}
    labelled(app, "toggle", "Only the selected runs").set_value(True)
    assert set(line(app.run())) == {"small"}

"""The Runs page's table without a browser: columns, marks, groups, what is selected and what is said of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from mnist_lab.optimizers import SGD
from mnist_lab.run_fields import BEST, SAME_BUT_SEED, label
from mnist_lab.run_query import Filter, RunQuery
from mnist_lab.store import Run, RunStore, open_store
from mnist_lab.training_config import TrainingConfig
from tests.made_runs import ONE, WIDE, add_run

Visit = Callable[[str], AppTest]
FLATTERED = TrainingConfig(dataset="digits", split="test-as-validation")


def shown(app: AppTest, query: RunQuery | None = None, selected: tuple[str, ...] | None = None) -> AppTest:
    """The page with a query and a selection, as another part of the program may set them."""
    if query is not None:
        app.session_state["kept.run-query"] = query
    if selected is not None:
        app.session_state["kept.selected-runs"] = selected
    app.run()
    assert not app.exception and not app.error
    return app


def selected(app: AppTest) -> tuple[str, ...]:
    found: tuple[str, ...] = app.session_state["kept.selected-runs"]
    return found


def captions(app: AppTest) -> str:
    return " ".join(each.value for each in app.caption)


@pytest.fixture
def shelf(visit: Visit) -> tuple[AppTest, RunStore, dict[str, Run]]:
    """The page, and the store with three seeds of one network, a flattered run and one that failed."""
    app = visit("draw")
    store = open_store()
    runs = {f"seed {seed}": add_run(store, range(seed), name=f"net, seed {seed}", training=replace(ONE, seed=seed))
            for seed in (1, 2, 3)}  # fmt: skip
    runs["flattered"] = add_run(store, range(9), name="flattered *x*", training=FLATTERED, network=WIDE, test_looks=7)
    runs["failed"] = add_run(store, None, name="failed", status="failed", test_accuracy=None)
    for name, losses in (("seed 1", (0.5, 0.25, 0.75)), ("flattered", (0.1,))):
        for number, loss in enumerate(losses):
            values = {"epoch": number + 1, "val_loss": loss, "loss": loss, "accuracy": 1 - loss / 2}
            store.add_epoch(runs[name].id, {**values, "val_accuracy": 1 - loss})
    return app.switch_page("pages/runs.py").run(), store, runs


def test_the_best_epoch_stands_in_a_column_by_each_metric_in_its_own_direction(
    shelf: tuple[AppTest, RunStore, dict[str, Run]],
) -> None:
    app, _, _ = shelf
    app = shown(app, RunQuery(columns=("name", *BEST), sort="best.val_loss", descending=False))
    table = app.dataframe[0].value
    assert list(table.columns) == ["Name", *map(label, BEST)]
    assert list(table.iloc[0]) == ["flattered *x*", "⚠️ 90.00 % (epoch 1)", "⚠️ 0.1000 (epoch 1)",
                                   "95.00 % (epoch 1)", "0.1000 (epoch 1)"]  # fmt: skip
    assert list(table.iloc[1])[1:3] == ["75.00 % (epoch 2)", "0.2500 (epoch 2)"]
    assert list(table["Name"][2:4]) == ["Starter model", "Robust model for drawings"]
    assert list(table["Best validation loss (epoch)"])[4:] == ["", "", ""], "what is not known stands last"


def test_every_accuracy_of_a_run_whose_test_images_chose_its_epoch_is_marked(
    shelf: tuple[AppTest, RunStore, dict[str, Run]],
) -> None:
    app, store, runs = shelf
    store.set_figures(runs["flattered"].id, validation_accuracy=0.5)
    for query in (RunQuery(), RunQuery(editing=True), RunQuery(group=("optimizer.name",))):
        table = shown(app, query).dataframe[0].value
        names = [name for name in table.columns if "accuracy" in name or name == "Best"]
        key = "On split" if query.group else "Name"
        assert names
        seen: list[bool] = []
        for _, row in table.iterrows():
            flattered = "test-as-validation" in row[key] or "flattered" in row[key]
            for name in names:
                if isinstance(row[name], str) and row[name]:
                    seen.append(row[name].startswith("⚠️"))
                    assert seen[-1] == flattered, (query, name)
        assert True in seen and False in seen


def test_what_is_hidden_stays_selected_and_other_parts_of_the_page_may_select(
    shelf: tuple[AppTest, RunStore, dict[str, Run]],
) -> None:
    app, store, runs = shelf
    app = shown(app, RunQuery(search="net"), (runs["seed 1"].id, runs["failed"].id))
    assert selected(app) == (runs["seed 1"].id, runs["failed"].id)
    assert "**2 selected**, 1 of them not listed" in [each.value for each in app.markdown]
    app = shown(app, selected=(runs["seed 3"].id,))
    assert selected(app) == (runs["seed 3"].id,) and app.subheader[0].value == "net, seed 3"
    app.button("select-all").click().run()
    assert set(selected(app)) == {runs[f"seed {seed}"].id for seed in (1, 2, 3)}
    app.button("run-clear").click().run()
    assert len(selected(app)) == 3, "showing more runs selects none"
    store.delete([runs["seed 2"].id])
    assert set(selected(app.run())) == {runs["seed 1"].id, runs["seed 3"].id}
    app.button("select-none").click().run()
    assert selected(app) == ()


def test_what_is_asked_of_the_table_is_said_as_typed_and_kept_when_the_page_is_left(
    shelf: tuple[AppTest, RunStore, dict[str, Run]],
) -> None:
    app, _, _ = shelf
    app.text_input("run-search").set_value("*x*").run()
    assert list(app.dataframe[0].value["Name"]) == ["flattered *x*"]
    assert r"search\: \*x\*" in captions(app)
    assert "looked at 7 times by 1 run of" in captions(app)
    app.selectbox("run-sort").set_value("parameters").run()
    app.button("run-direction").click().run()
    app = app.switch_page("pages/data.py").run().switch_page("pages/runs.py").run()
    assert list(app.dataframe[0].value["Name"]) == ["flattered *x*"]
    assert app.text_input("run-search").value == "*x*" and app.selectbox("run-sort").value == "parameters"
    assert app.session_state["kept.run-query"].descending is False


def test_groups_stand_apart_by_split_and_have_an_interval_only_over_seeds(
    shelf: tuple[AppTest, RunStore, dict[str, Run]],
) -> None:
    app, _, runs = shelf
    by_seed = shown(app, RunQuery(group=(SAME_BUT_SEED,))).dataframe[0].value
    net = by_seed[by_seed["Runs"] == 4].iloc[0]
    assert (net["Runs"], net["Measured"], net["Differ in"]) == (4, 3, "seed"), "the failed one has the same network"
    assert net["Mean test accuracy"] == f"{100 * (1 - 2 / 360):.2f} %"
    assert net["Standard deviation"] == f"{100 / 360:.3f}"
    assert net["Another seed, 95 %"]
    by_optimizer = shown(app, RunQuery(group=("optimizer.name",))).dataframe[0].value
    adam = by_optimizer[(by_optimizer["optimizer.name"] == "Adam") & (by_optimizer["Of data"] == "digits")]
    assert sorted(adam["On split"]) == ["holdout", "⚠️ test-as-validation"]
    assert len(by_optimizer) == 3, "the shipped models have other data"
    app = shown(app, RunQuery(group=("optimizer.name",)), tuple(run.id for run in runs.values()))
    assert set(selected(app)) == {run.id for run in runs.values()}


def test_runs_are_starred_and_tagged_together(shelf: tuple[AppTest, RunStore, dict[str, Run]]) -> None:
    app, store, runs = shelf
    ids = [runs["seed 1"].id, runs["failed"].id]
    app = shown(app, selected=tuple(ids))
    app.button("star-all").click().run()
    assert [store.get(each).starred for each in ids] == [True, True] and not store.get(runs["seed 2"].id).starred
    app.text_input("tags-add").set_value("b, a").run()
    assert [store.get(each).tags for each in ids] == [["a", "b"]] * 2
    app.multiselect("tags-remove").set_value(["a"]).run()
    app.button("tags-remove-now").click().run()
    assert [store.get(each).tags for each in ids] == [["b"]] * 2
    app.button("unstar-all").click().run()
    assert not any(store.get(each).starred for each in ids)
    app.text_input("tags-add").set_value("x" * 99).run()
    assert "too long" in app.error[0].value and [store.get(each).tags for each in ids] == [["b"]] * 2


def test_a_filter_on_any_setting_narrows_the_list(shelf: tuple[AppTest, RunStore, dict[str, Run]]) -> None:
    app, store, _ = shelf
    add_run(store, range(3), name="slow", training=replace(ONE, optimizer=SGD(0.0001)))
    for made, names in (
        (Filter("optimizer.name", ("SGD",)), {"slow"}),
        (Filter("optimizer.learning_rate", high=0.0005), {"slow"}),
        (Filter("test_accuracy", (None,)), {"failed"}),
        (Filter("split", ("test-as-validation",)), {"flattered *x*"}),
        (Filter("layer kinds", ("Conv2D",)), {"Starter model", "Robust model for drawings"}),
    ):
        table = shown(app, RunQuery(filters=(made,))).dataframe[0].value
        assert set(table["Name"]) == names, made

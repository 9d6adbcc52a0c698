"""The Studies page without a browser: what it shows, what it queues, what it says of a wrong setting."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from mnist_lab.store import RunStore, open_store
from mnist_lab.studies import measured, members, preset, studies, study
from mnist_lab.study_plan import Matching, Setting
from mnist_lab.ui import study_table, study_training
from tests.ui.conftest import bench

Visit = Callable[[str], AppTest]


def words(app: AppTest) -> str:
    return " ".join(element.value for element in [*app.caption, *app.markdown])


@pytest.mark.parametrize("name", list(studies()))
def test_each_study_opens_with_its_models(name: str, visit: Visit) -> None:
    app = visit("studies")
    app.selectbox("pick-study").set_value(name).run()
    assert not app.exception and not app.error
    (table,) = app.dataframe
    titles = list(table.value["Model"])
    assert len(set(titles)) == len(titles)
    for title, entry in zip(titles, members(study(name)), strict=True):
        document = f"{entry.study} " if study(name).is_question and entry.published is not None else ""
        assert title == document + entry.title
    assert all(line.startswith("28×28 → ") for line in table.value["Layers"])
    assert list(table.value["Parameters"]) == [entry.parameters for entry in members(study(name))]


def test_an_unknown_study_in_the_address_is_passed_over(visit: Visit) -> None:
    app = visit("studies")
    app.query_params["study"] = "<script>"
    app.run()
    assert not app.exception and app.selectbox("pick-study").value == "000"


def test_training_all_queues_each_model_once_in_the_chosen_setting(visit: Visit) -> None:
    app = visit("studies")
    app.number_input("study.epochs").set_value(2)
    app.number_input("study.limit").set_value(400)
    app.text_input("study.seeds").set_value("1,2").run()
    assert "26 trainings to do" in words(app)
    app.button("study-train").click().run()
    store = open_store()
    queue = store.queue()
    assert [run.preset for run in queue[:3]] == ["000-baseline", "000-baseline", "000-model-1"]
    assert len(queue) == 26
    assert {(run.training["epochs"], run.training["limit"]) for run in queue} == {(2, 400)}
    assert {run.training["seed"] for run in queue} == {1, 2}
    assert app.button("study-train").disabled and "26 under way" in words(app)

    app.button("study-stop").click().run()
    assert not store.queue() and "ended before their time" in words(app)
    app.button("study-resume").click().run()
    assert len(store.queue()) == 26 and len(store.runs()) == 28, "the shipped models, and none twice"


def test_what_is_typed_counts_though_the_click_that_leaves_the_field_is_on_the_button(visit: Visit) -> None:
    app = visit("studies")
    app.number_input("study.epochs").set_value(2)
    app.button("study-train").click().run()
    assert {run.training["epochs"] for run in open_store().queue()} == {2}


def test_what_another_tab_has_queued_meanwhile_is_not_queued_again(visit: Visit) -> None:
    tabs = [visit("studies") for _ in range(2)]
    for app in tabs:
        app.number_input("study.epochs").set_value(2).run()
    for app in tabs:
        app.button("study-train").click().run()
    assert len(open_store().queue()) == 13
    tabs[0].button("study-stop").click().run()
    tabs[1].run()
    for app in tabs:
        app.button("study-resume").click().run()
        assert not app.warning and not app.exception
    assert len(open_store().queue()) == 13


def test_a_setting_of_the_command_line_is_a_click_away_however_many_images_it_has(visit: Visit) -> None:
    app = visit("studies")
    for epochs in range(1, 12):
        finished(open_store(), "000-model-8", 0.9, 42, epochs=epochs, limit=100_000, dataset="digits")
    app.run()
    known = [each for each in app.button if "100,000 training images (1 run)" in each.label]
    assert len(known) == study_training.SETTINGS_SHOWN
    known[0].click().run()
    assert not app.exception and app.number_input("study.limit").value == 100_000
    assert "1 done" in words(app)


def test_the_setting_is_kept_when_the_page_is_left(visit: Visit) -> None:
    app = visit("studies")
    app.number_input("study.epochs").set_value(3).run()
    app.text_input("study.seeds").set_value("4-6").run()
    app.switch_page("pages/data.py").run()
    app.switch_page("pages/studies.py").run()
    assert app.number_input("study.epochs").value == 3
    assert app.text_input("study.seeds").value == "4-6"


@pytest.mark.parametrize("typed", ["x", "1-", "5-1"])
def test_seeds_that_cannot_be_read_are_one_sentence(typed: str, visit: Visit) -> None:
    app = visit("studies")
    app.text_input("study.seeds").set_value(typed).run()
    assert not app.exception
    (error,) = app.error
    assert "\n\n" in error.value, "with a remedy"


def test_a_model_too_large_for_this_machine_is_named_and_the_rest_is_queued(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mnist_lab import forecast

    app = visit("studies")
    app.selectbox("pick-study").set_value("003").run()
    monkeypatch.setattr(forecast.psutil, "virtual_memory", lambda: type("Memory", (), {"total": 3 * 2**30}))
    app.button("study-train").click().run()
    (warning,) = app.warning
    assert warning.value.startswith("Fully connected, large") and "memory" in warning.value
    assert len(open_store().queue()) == 15
    app.selectbox("pick-study").set_value("000").run()
    assert not app.warning, "it is of another study"


# The table ------------------------------------------------------------------------------------------------------------


def finished(store: RunStore, name: str, accuracy: float, seed: int, *, dataset: str = "mnist", **changes: int) -> None:
    entry = preset(name)
    (training,) = Setting(changes.get("epochs"), changes.get("limit"), (seed,)).trainings(entry)
    run = store.create(entry.architecture, training, preset=name)
    store.set_figures(
        run.id, status="finished", dataset=dataset, test_accuracy=accuracy, test_images=10_000, test_loss=0.1,
        epochs_run=10, seconds=20.0,
    )  # fmt: skip


def row(store: RunStore, name: str, setting: Setting) -> dict[str, object]:
    matching = Matching(store.runs(), "mnist")
    return dict(study_table.study_frame((preset(name),), setting, matching).iloc[0])


def test_own_runs_come_before_the_projects(visit: Visit) -> None:
    visit("studies")
    store = open_store()
    assert row(store, "000-model-8", Setting())["By"] == "the project"
    assert row(store, "000-model-8", Setting())["Seeds"] == len(measured.of("000-model-8"))
    for seed, accuracy in enumerate((0.9920, 0.9930, 0.9925)):
        finished(store, "000-model-8", accuracy, seed)
    own = row(store, "000-model-8", Setting())
    assert (own["By"], own["Seeds"], own["Published is"]) == ("you", 3, "inside")
    assert own["Measured"] == pytest.approx(99.25) and own["Spread"] == pytest.approx(0.05)


def test_own_runs_on_other_images_make_no_line_with_what_the_project_measured_on_mnist(visit: Visit) -> None:
    visit("studies")
    store, question = open_store(), study("padding")
    series = study_table.effect_series(question, Setting(), Matching([], "digits"))
    pair = next(points for points in series.values() if points[0].preset == "000-model-10")
    assert pair[0].ours == pytest.approx(measured.of("000-model-10")[0].test_accuracy, abs=0.01)
    finished(store, "000-model-12", 0.95, 42, dataset="digits")
    matching = Matching(store.runs(), "digits")
    series = study_table.effect_series(question, Setting(), matching)
    pair = next(points for points in series.values() if points[0].preset == "000-model-10")
    assert [point.ours for point in pair] == [None, 0.95]
    shown = study_table.study_frame((preset("000-model-10"), preset("000-model-12")), Setting(), matching)
    assert list(shown["By"]) == ["the project, on MNIST", "you"]


def test_models_whose_test_images_chose_the_epoch_are_marked(visit: Visit) -> None:
    visit("studies")
    presets = preset("000-model-8"), preset("003-cnn")
    shown = study_table.study_frame(presets, Setting(), Matching([], "mnist"))
    assert list(shown["Split"]) == ["⚠️ test-as-validation", "pooled-80-10-10"]
    for entry in presets:
        app = visit("draw")
        app.session_state[f"kept.selected-models.{entry.study}"] = (entry.name,)
        app.session_state["kept.study"] = entry.study
        app.switch_page("pages/studies.py").run()
        assert app.subheader[0].value == entry.title.replace("-", "\\-")
        assert ("accuracies are flattered, published and measured" in words(app)) is (entry.study == "000")


def test_only_what_was_trained_in_the_setting_is_shown(visit: Visit) -> None:
    visit("studies")
    store = open_store()
    finished(store, "000-model-8", 0.9, 42, epochs=2, limit=500)
    assert row(store, "000-model-8", Setting(2, 500))["By"] == "you"
    assert row(store, "000-model-8", Setting(2, 500))["Published is"] == ""
    assert row(store, "000-model-8", Setting(3, 500))["By"] == ""
    assert row(store, "000-model-8", Setting())["By"] == "the project"


def test_a_model_loaded_from_a_study_is_on_the_bench_with_its_training(visit: Visit) -> None:
    app = visit("draw")
    app.session_state["kept.selected-models.000"] = ("000-model-5",)
    app.switch_page("pages/studies.py").run()
    assert app.subheader[0].value == "Model 5"
    app.button("study-load").click().run()
    assert bench(app).architecture == preset("000-model-5").architecture
    assert bench(app).training == preset("000-model-5").training

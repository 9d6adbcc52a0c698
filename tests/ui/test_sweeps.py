"""The page Sweeps over sweeps that were made by hand: list, views, the trial looked at, what can be done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from mnist_lab.run_query import Filter
from mnist_lab.store import RunStore, SweepRecord, open_store
from mnist_lab.sweeps import files, search
from mnist_lab.sweeps.candidates import apply
from mnist_lab.sweeps.sweep import Search
from mnist_lab.ui import sweep_import, sweep_live, sweep_views
from tests.made_sweeps import SWEEP, add_sweep, best
from tests.ui.conftest import bench

Visit = Callable[[str], AppTest]


@pytest.fixture
def home_page(visit: Visit) -> AppTest:
    """Any page; with it the home."""
    return visit("data")


def sweeps(app: AppTest, view: str = "", record: SweepRecord | None = None, trial: int | None = None) -> AppTest:
    """The page, on a view, with a trial looked at."""
    if view:
        app.session_state["kept.sweep-view"] = view
    if record is not None:
        app.session_state[f"kept.sweep-trial.{record.id}"] = trial
    app.switch_page("pages/sweeps.py").run()
    assert not app.exception
    return app


def words(app: AppTest) -> str:
    elements = [*app.markdown, *app.caption, *app.error, *app.info, *app.warning]
    return " ".join(each.value for each in elements).replace("\\", "")


def table(app: AppTest, column: str) -> Any:
    (found,) = (each.value for each in app.dataframe if column in each.value)
    return found


def pressed(app: AppTest, key: str) -> AppTest:
    app.button(key).click().run()
    assert not app.exception
    return app


def test_without_sweeps_the_page_says_where_they_begin(home_page: AppTest) -> None:
    assert "In the Lab, the tab Search" in words(sweeps(home_page))


def test_the_list_counts_trials_and_knows_the_best(home_page: AppTest) -> None:
    store = open_store()
    record = add_sweep(store, trials=16)
    running = add_sweep(store, replace(SWEEP, name="<i>second</i>"), 4, status="running")
    rows = table(sweeps(home_page), "Ended early").set_index("Name")
    trials = store.trials(record.id)
    by_state = {state: sum(each.state == state for each in trials) for state in ("pruned", "impossible", "failed")}
    row = rows.loc["first sweep"]
    assert (row["Ended early"], row["Impossible"], row["Failed"]) == tuple(by_state.values())
    assert row["Best (%)"] == pytest.approx(100 * best(trials).accuracy)
    assert row["Trials"] == f"{16 - by_state['impossible']} of 40" and row["Status"] == "finished" and row["Left"] == ""
    done = sum(each.state != "impossible" for each in store.trials(running.id))
    assert rows.loc["<i>second</i>"]["Left"], f"60 s for {done} of 40 trials"


@pytest.mark.parametrize("view", [each.name for each in sweep_views.VIEWS])
@pytest.mark.parametrize("trials", [0, 1, 12])
def test_every_view_is_drawn_with_few_and_many_trials(view: str, trials: int, home_page: AppTest) -> None:
    record = add_sweep(open_store(), trials=trials, status="running")
    app = sweeps(home_page, view, record, 0)
    assert not app.error, [each.value for each in app.error]
    assert app.session_state["kept.sweep-view"] == view


def test_a_trial_that_is_looked_at_shows_its_values_and_its_runs(home_page: AppTest) -> None:
    store = open_store()
    record = add_sweep(store, replace(SWEEP, search=Search(trials=40, seeds=2)), trials=12)
    trial = best(store.trials(record.id))
    app = sweeps(home_page, "History", record, trial.number)
    values = dict(table(app, "Value").itertuples(index=False))
    assert values["1 Conv2D · Filters"] == str(trial.values["layers.0.filters"])
    assert values["Optimizer"] == trial.values["training.optimizer"]
    said = words(app)
    assert f"{trial.parameters:,} parameters" in said and "seed 42" in said and "seed 43" in said
    pressed(app, "sweep-trial-runs")
    assert set(app.session_state["kept.selected-runs"]) == set(trial.runs)
    assert [title.value for title in app.title] == ["Runs"]


def test_a_trial_opens_in_the_lab_as_it_was_trained(home_page: AppTest) -> None:
    store = open_store()
    record = add_sweep(store, trials=12)
    trial = best(store.trials(record.id))
    app = pressed(sweeps(home_page, "History", record, trial.number), "sweep-trial-lab")
    network, training = apply(SWEEP.architecture, SWEEP.training, SWEEP.dimensions, trial.values)
    assert (bench(app).architecture, bench(app).training) == (network, training)
    assert network == store.get(trial.runs[0]).network()
    assert [title.value for title in app.title] == ["Lab"]


def test_an_impossible_trial_says_why(home_page: AppTest) -> None:
    store = open_store()
    record = add_sweep(store, trials=16)
    trial = next(each for each in store.trials(record.id) if each.state == "impossible")
    app = sweeps(home_page, "Trials", record, trial.number)
    assert "does not fit" in words(app)
    assert not [each for each in app.button if each.key == "sweep-trial-runs"], "it has none"


def test_the_runs_of_a_sweep_are_a_filter_away(home_page: AppTest) -> None:
    store = open_store()
    record = add_sweep(store, trials=6)
    add_sweep(store, trials=3, seed=5)
    app = sweeps(home_page)
    app.session_state["kept.sweep"] = record.id
    pressed(app.run(), "sweep-runs")
    assert app.session_state["kept.run-query"].filters == (Filter("sweep", (record.id[:8],)),)
    mine = len(store.runs(sweep=record.id))
    assert f"{mine} of {len(store.runs())} runs" in words(app)


def test_a_sweep_is_stopped_resumed_and_extended(home_page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "have_optuna", lambda: True)
    store = open_store()
    record = add_sweep(store, trials=3, status="running")
    store.release_sweep(record.id, "made")
    app = pressed(sweeps(home_page), "sweep-stop")
    assert store.get_sweep(record.id).status == "stopped"
    pressed(app, "sweep-resume")
    assert store.get_sweep(record.id).status == "running"
    app.number_input("extend-trials").set_value(25).run()
    pressed(app, "extend-now")
    assert store.get_sweep(record.id).sweep["search"]["trials"] == 65


def test_without_optuna_nothing_goes_on_and_the_page_says_what_to_install(
    home_page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "have_optuna", lambda: False)
    add_sweep(open_store(), trials=3, status="stopped")
    app = sweeps(home_page)
    assert "requirements-sweep.txt" in words(app)
    assert app.button("sweep-resume").disabled


def test_the_winner_is_confirmed_on_fresh_seeds_and_said_with_its_interval(home_page: AppTest) -> None:
    store = open_store()
    record = add_sweep(store, trials=6)
    app = sweeps(home_page, "Confirm the winner")
    app.number_input(f"sweep-confirm.{record.id}.best").set_value(1)
    app.number_input(f"sweep-confirm.{record.id}.seeds").set_value(3).run()
    assert "Nothing has been confirmed yet" in words(app)
    pressed(app, "sweep-confirm")
    trial = best(store.trials(record.id))
    fresh = [run for run in store.runs(sweep=record.id) if run.id not in trial.runs and run.status == "queued"]
    assert sorted(run.training["seed"] for run in fresh) == [43, 44, 45]
    assert all(run.trial == trial.number and run.config().test_at_end for run in fresh)
    for run, accuracy in zip(fresh, (0.90, 0.91, 0.92), strict=True):
        store.add_epoch(run.id, {"epoch": 1, "val_accuracy": accuracy})
        store.set_figures(run.id, status="finished", validation_accuracy=accuracy, test_accuracy=accuracy - 0.01,
                          test_images=360, epochs_run=1, kept_epoch=1)  # fmt: skip
    app.run()
    assert not app.exception and not app.error
    row = table(app, "Luck (points)").iloc[0]
    assert (row["Trial"], row["Trained"]) == (trial.number, 3)
    assert row["Fresh seeds"].startswith("91.00 % (") and row["Test"].startswith("90.00 % (")
    assert row["Luck (points)"].startswith(f"{100 * (trial.accuracy - 0.91):.2f} (")
    (said,) = (each.value for each in app.success)
    assert "3 fresh seeds got 91.00 %" in said.replace("\\", "")
    assert app.button("sweep-confirm").disabled, "all are trained"


def test_a_run_leads_to_its_sweep_and_its_trial(home_page: AppTest) -> None:
    store = open_store()
    record = add_sweep(store, trials=4)
    add_sweep(store, replace(SWEEP, name="newer"), trials=2)
    trial = best(store.trials(record.id))
    app = home_page
    app.session_state["kept.selected-runs"] = (trial.runs[0],)
    pressed(app.switch_page("pages/runs.py").run(), "run-sweep")
    assert "##### first sweep" in words(app) and f"**Trial {trial.number}**" in words(app)


def test_a_deleted_sweep_comes_back_with_undo(home_page: AppTest) -> None:
    store = open_store()
    record = add_sweep(store, trials=3)
    app = pressed(sweeps(home_page), "sweep-delete-now")
    assert not store.sweeps() and "No sweeps yet" in words(app)
    pressed(app, "undelete-sweep")
    assert [each.id for each in store.sweeps()] == [record.id] and store.runs(sweep=record.id)
    assert "first sweep" in words(app)


def test_a_sweep_is_edited_in_the_lab_with_all_its_marks(home_page: AppTest) -> None:
    add_sweep(open_store(), trials=3)
    app = pressed(sweeps(home_page), "sweep-lab")
    assert bench(app).searched.dimensions == SWEEP.dimensions and bench(app).searched.search == SWEEP.search
    assert (bench(app).architecture, bench(app).training) == (SWEEP.architecture, SWEEP.training)


def test_a_file_that_was_written_is_read_and_one_that_means_harm_is_refused_in_a_sentence() -> None:
    pytest.importorskip("tomli_w")
    text = files.write_toml(SWEEP)
    assert sweep_import.read(text.encode()) == SWEEP
    hostile = [
        b"\xff\xfe", b"", b"[" * 100_000, text.replace("layers.0.filters", "layers.99.filters").encode(),
        text.replace("layers.0.filters", "__class__.filters").encode(), text.replace('"log" = true', "").encode()[:900],
        b'name = 3\npreset = "lenet-5"', b'preset = "../../etc/passwd"\n[[searched]]\nkind = "one of"',
    ]  # fmt: skip
    for content in hostile:
        with pytest.raises(Exception) as raised:
            sweep_import.read(content)
        assert type(raised.value).__name__ == "SweepError", content[:40]


def test_a_sweep_that_cannot_be_read_can_still_be_deleted(home_page: AppTest) -> None:
    store = open_store()
    record = store.create_sweep({"dimensions": [{"kind": "<b>"}]}, name="broken", driver="made")
    store.end_sweep(record.id, "made", "failed", "why")
    app = sweeps(home_page)
    assert len(app.error) == 1 and "<b>" not in app.error[0].value.replace("\\<b>", "")
    pressed(app, "sweep-delete-now")
    assert not store.sweeps()


def test_of_a_sweep_under_way_only_what_may_have_changed_is_read_again(home_page: AppTest) -> None:
    store = open_store()
    record = add_sweep(store, trials=8, status="running")
    live = sweep_live.LiveTrials(record.id)
    asked: list[int] = []

    class Counting:
        def trials(self, sweep_id: str, *, after: int = -1) -> Any:
            asked.append(after)
            return store.trials(sweep_id, after=after)

    counting: RunStore = Counting()  # type: ignore[assignment]
    first, _, before = live.read(counting)
    again, _, same = live.read(counting)
    assert asked == [-1, 7] and first == again == store.trials(record.id) and before == same
    add_one(store, record)
    third, dots, after = live.read(counting)
    assert asked[-1] == 7 and third == store.trials(record.id) and len(dots) == 9 and after != before


def add_one(store: RunStore, record: SweepRecord) -> None:
    from tests.made_sweeps import add_trial

    values = dict(best(store.trials(record.id)).values)
    add_trial(store, record, SWEEP, values, 8, accuracy=0.5)

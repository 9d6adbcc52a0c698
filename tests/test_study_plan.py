"""What a study lacks, has under way and has done, read off the runs alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mnist_lab import study_plan
from mnist_lab.errors import ConfigError
from mnist_lab.forecast import Probe, probe_key
from mnist_lab.jobs import start_plan
from mnist_lab.store import Run, RunStore
from mnist_lab.store.database import open_engine
from mnist_lab.studies import members, preset, study
from mnist_lab.study_plan import Cell, Matching, Plan, Setting, parse_seeds, plan, seconds_left
from mnist_lab.training_config import TrainingConfig

BASELINE, MODEL_1 = preset("000-baseline"), preset("000-model-1")
BOTH = (BASELINE, MODEL_1)
QUICK = Setting(epochs=2, limit=1000)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    store = RunStore(open_engine(f"sqlite:///{tmp_path / 'lab.db'}"), tmp_path)
    yield store
    store.close()


def matching(store: RunStore, dataset: str = "mnist") -> Matching:
    return Matching(store.runs(), dataset)


def planned(store: RunStore, setting: Setting = QUICK) -> Plan:
    return plan(BOTH, setting, matching(store))


def queue(store: RunStore, *, dataset: str | None = "mnist", status: str = "queued", **changes: Any) -> Run:
    """A run of the baseline in the quick setting, with some of the training changed."""
    training = replace(QUICK.trainings(BASELINE)[0], **changes)
    run = store.create(BASELINE.architecture, training, preset=BASELINE.name)
    store.set_figures(run.id, dataset=dataset, status=status)
    return store.get(run.id)


# Settings -------------------------------------------------------------------------------------------------------------


def test_as_published_nothing_is_changed() -> None:
    for entry in (entry for name in ("000", "003") for entry in members(study(name))):
        assert Setting().trainings(entry) == (entry.training,)
    assert Setting().words == "as published"


def test_each_seed_is_a_training_and_the_rest_is_as_chosen() -> None:
    trainings = Setting(3, 500, (5, 1, 5)).trainings(BASELINE)
    assert [each.seed for each in trainings] == [5, 1]
    for each in trainings:
        assert replace(each, seed=42, epochs=10, limit=None) == BASELINE.training
        assert (each.epochs, each.limit) == (3, 500)
    assert Setting(1, 500).words == "1 epoch, 500 training images"


WRONG = [
    Setting(epochs=0),
    Setting(epochs=-1),
    Setting(limit=0),
    Setting(limit=-5),
    Setting(seeds=(-1,)),
    Setting(seeds=tuple(range(101))),
]


@pytest.mark.parametrize("setting", WRONG)
def test_numbers_out_of_range_are_refused(setting: Setting) -> None:
    with pytest.raises(ConfigError):
        setting.trainings(BASELINE)


@pytest.mark.parametrize(
    ("typed", "seeds"),
    [("", ()), ("7", (7,)), ("1,2", (1, 2)), (" 3 1 , 2;2", (3, 1, 2)), ("1-4", (1, 2, 3, 4)), ("5,1-2", (5, 1, 2))],
)
def test_seeds_are_read_as_people_type_them(typed: str, seeds: tuple[int, ...]) -> None:
    assert parse_seeds(typed) == seeds


@pytest.mark.parametrize(
    "typed", ["a", "1-", "-1", "3-1", "1.5", "1-1000000000", "99999999999", "0-99,200", "1--2", "²", "9" * 5000]
)
def test_other_text_is_refused_with_an_example(typed: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_seeds(typed)
    assert caught.value.remedy


# Plans ----------------------------------------------------------------------------------------------------------------


def test_in_an_empty_store_everything_is_missing(store: RunStore) -> None:
    now = plan(BOTH, Setting(seeds=(1, 2)), matching(store))
    assert [(cell.preset.name, cell.training.seed) for cell in now.cells] == [
        ("000-baseline", 1), ("000-baseline", 2), ("000-model-1", 1), ("000-model-1", 2),
    ]  # fmt: skip
    assert now.count("missing") == len(now.startable) == 4
    assert (now.finished, now.under_way, now.share_done) == (0, [], 0.0)


@pytest.mark.parametrize(
    "changes",
    [{"epochs": 3}, {"limit": None}, {"seed": 43}, {"batch_size": 64}, {"early_stopping": None}, {"split": "holdout"}],
)
def test_another_training_of_the_same_network_does_not_count(store: RunStore, changes: dict[str, Any]) -> None:
    queue(store, status="finished", **changes)
    assert planned(store).count("missing") == 2


def test_a_run_on_other_images_does_not_count(store: RunStore) -> None:
    queue(store, dataset="digits", status="finished")
    assert planned(store).finished == 0
    assert plan(BOTH, QUICK, matching(store, "digits")).finished == 1


def test_a_run_of_a_changed_network_does_not_count(store: RunStore) -> None:
    run = store.create(MODEL_1.architecture, QUICK.trainings(BASELINE)[0], preset=BASELINE.name)
    store.set_figures(run.id, status="finished", dataset="mnist")
    assert planned(store).finished == 0


def test_keeping_every_epoch_changes_no_result_and_so_counts(store: RunStore) -> None:
    queue(store, status="finished", keep_checkpoints=True)
    assert planned(store).finished == 1


def test_trainings_that_are_alike_are_read_once(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [queue(store, seed=seed) for seed in (1, 2, 1, 2, 1)]
    read: list[int] = []
    from_dict = TrainingConfig.from_dict
    monkeypatch.setattr(TrainingConfig, "from_dict", lambda values: read.append(values["seed"]) or from_dict(values))
    study_plan._read.cache_clear()
    for _ in range(3):
        found = Matching(runs, "mnist")
    assert len(found.same(BASELINE, replace(QUICK.trainings(BASELINE)[0], seed=1))) == 3
    assert sorted(read) == [1, 2]


def test_a_run_of_settings_from_the_future_is_passed_over(store: RunStore) -> None:
    run = queue(store, status="finished")
    store.set_figures(run.id, training={**run.training, "tomorrow": 1})
    assert planned(store).finished == 0


@pytest.mark.parametrize("other", ["queued", "running", "paused", "stopped", "interrupted", "failed"])
def test_of_several_runs_the_one_that_got_furthest_counts(store: RunStore, other: str) -> None:
    done = queue(store, status="finished")
    queue(store, status=other)
    (cell,) = (cell for cell in planned(store).cells if cell.run is not None)
    assert cell.run is not None and cell.run.id == done.id
    assert not cell.can_start and not cell.is_under_way


def test_starting_queues_what_is_missing_and_takes_up_what_ended_too_soon(store: RunStore) -> None:
    stopped = queue(store, status="stopped")
    queued, problems = start_plan(store, planned(store))
    assert not problems
    assert [(run.preset, run.status) for run in queued] == [("000-baseline", "queued"), ("000-model-1", "queued")]
    assert queued[0].id == stopped.id
    assert queued[1].config() == QUICK.trainings(MODEL_1)[0] and queued[1].network() == MODEL_1.architecture
    assert start_plan(store, planned(store)) == ([], []), "what is queued is not queued again"
    assert len(planned(store).under_way) == 2


def test_a_run_that_failed_after_its_last_epoch_is_trained_anew(store: RunStore) -> None:
    failed = queue(store, status="failed")
    store.set_figures(failed.id, epochs_run=2)
    queued, _ = start_plan(store, planned(store))
    assert failed.id not in {run.id for run in queued} and len(queued) == 2


def test_what_does_not_fit_into_memory_is_named_and_the_rest_is_queued(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mnist_lab import forecast

    monkeypatch.setattr(forecast.psutil, "virtual_memory", lambda: type("Memory", (), {"total": 3 * 2**30}))
    presets = (preset("003-fully-connected-large"), BASELINE)
    queued, problems = start_plan(store, plan(presets, QUICK, matching(store)))
    assert [run.preset for run in queued] == ["000-baseline"]
    (problem,) = problems
    assert problem.startswith(presets[0].title) and "memory" in problem


def test_a_limit_beyond_the_data_takes_no_memory(store: RunStore) -> None:
    queued, problems = start_plan(store, planned(store, Setting(epochs=1, limit=10_000_000)))
    assert len(queued) == 2 and not problems


def test_progress_weighs_trainings_by_their_work(store: RunStore) -> None:
    heavy = preset("001-conv-7-5-3")
    cells = [Cell(each, QUICK.trainings(each)[0]) for each in (BASELINE, heavy)]
    done = queue(store, status="finished")
    share = Plan((replace(cells[0], run=done), cells[1])).share_done
    assert 0 < share < 0.1, "the light one is done, the heavy one is not"
    half = store.get(queue(store, status="running").id)
    half = replace(half, progress={"epoch": 2, "epochs": 2, "step": 0, "steps": 8})
    assert Plan((replace(cells[0], run=half),)).share_done == pytest.approx(0.5)
    assert Plan(()).share_done == 0.0


def test_time_left_is_what_workers_report_and_a_forecast_for_the_rest(store: RunStore) -> None:
    assert seconds_left(planned(store), store, 60_000) == 0.0
    assert seconds_left(planned(store), store, 60_000, wanted=True) is None, "this machine was not measured yet"
    store.note(probe_key(store.host), Probe(fixed=0.128, layer=0.0, weight=0.0, each=0.0, value=0.0).to_dict())
    assert seconds_left(planned(store), store, 60_000, wanted=True) == pytest.approx(2 * 2 * 1000 * 0.001)
    run = queue(store, status="running")
    store.set_figures(run.id, progress={"seconds_left": 30.0})
    start_plan(store, planned(store))
    assert seconds_left(planned(store), store, 60_000) == pytest.approx(30.0 + 2 * 1000 * 0.001)


def test_small_data_take_little_time_whatever_the_limit(store: RunStore) -> None:
    store.note(probe_key(store.host), Probe(fixed=0.128, layer=0.0, weight=0.0, each=0.0, value=0.0).to_dict())
    for setting in (QUICK, Setting(epochs=2), Setting(epochs=2, limit=10**6)):
        assert seconds_left(planned(store, setting), store, 800, wanted=True) == pytest.approx(2 * 2 * 800 * 0.001)


# What was trained -----------------------------------------------------------------------------------------------------


def test_finished_runs_of_a_setting_are_found_whatever_their_seed(store: RunStore) -> None:
    for seed, status in ((3, "finished"), (1, "finished"), (2, "stopped")):
        queue(store, seed=seed, status=status)
    newest = queue(store, seed=3, status="finished")
    found = matching(store).seeds(BASELINE, QUICK)
    assert [run.training["seed"] for run in found] == [1, 3]
    assert found[1].id == newest.id
    assert matching(store).seeds(BASELINE, Setting()) == []


def test_the_settings_in_which_a_study_was_trained_are_counted(store: RunStore) -> None:
    for seed in (1, 2):
        queue(store, seed=seed, status="finished")
    queue(store, epochs=10, limit=None, status="finished")
    queue(store, batch_size=64, status="finished")
    queue(store, epochs=5, status="queued")
    assert matching(store).settings(BOTH) == {QUICK: 2, Setting(): 1}

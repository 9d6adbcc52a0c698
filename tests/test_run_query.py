"""Which runs a table lists, in which order, and what groups of them come to, against brute force and `statistics`."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_lab import metrics
from mnist_lab.architecture import Architecture
from mnist_lab.comparison import but_seed
from mnist_lab.layers import Conv2D, Dense, Dropout, Flatten, Parallel
from mnist_lab.optimizers import SGD, Adam
from mnist_lab.run_fields import FIGURES, SAME_BUT_SEED, USUAL, SettingsOf, label, words
from mnist_lab.run_groups import grouped, in_group_order
from mnist_lab.run_query import (
    Filter,
    RunQuery,
    can_be_grouped,
    choices,
    fields_of,
    in_order,
    is_range,
    looks_sentence,
    matches,
)
from mnist_lab.store import Run
from mnist_lab.training_config import EarlyStopping, TrainingConfig

PLAIN = Architecture((Flatten(), Dense(10, "softmax")))
CONV = Architecture((Conv2D(4, 3), Conv2D(8, (5, 3)), Dropout(0.0), Flatten(), Dense(10, "softmax")))
BLOCKS = Architecture((Parallel(((Conv2D(4, 1),), (Conv2D(4, 1), Conv2D(2, 1)))), Flatten(), Dense(10, "softmax")))


def a_run(number: int = 0, network: Architecture = PLAIN, training: TrainingConfig | None = None, **known: Any) -> Run:
    training = training or TrainingConfig()
    values: dict[str, Any] = dict.fromkeys(Run.__dataclass_fields__)
    values |= {
        "id": f"{number:032x}", "name": f"run {number}", "notes": "", "starred": False, "tags": [],
        "status": "finished", "command": "", "position": 1.0, "created": 1e9 + number, "test_looks": 0,
        "architecture": network.to_dict(), "training": training.to_dict(), "parameters": 7850,
        "trainable_parameters": 7850, "multiply_adds": 7840, "split": training.split, "epochs_run": 0,
    }  # fmt: skip
    return Run(**(values | known))


# Settings -------------------------------------------------------------------------------------------------------------


def test_every_setting_of_a_training_has_a_flat_name_and_its_value() -> None:
    training = TrainingConfig(optimizer=SGD(0.1, momentum=0.0, nesterov=False), seed=0, early_stopping=EarlyStopping())
    value, run = SettingsOf().value, a_run(training=training)
    assert value(run, "optimizer.name") == "SGD"
    assert value(run, "optimizer.momentum") == 0.0 and value(run, "optimizer.nesterov") is False
    assert value(run, "optimizer.beta_1") is None, "SGD has none"
    assert value(run, "schedule.name") == "Constant"
    assert value(run, "seed") == 0 and value(run, "batch_size") == 128
    assert value(run, "early_stopping") is True and value(run, "early_stopping.patience") == 5
    assert value(a_run(1), "early_stopping") is False and value(a_run(1), "limit") is None


def test_a_network_has_its_layers_their_kinds_and_the_fields_of_each() -> None:
    value, run = SettingsOf().value, a_run(network=CONV)
    assert value(run, "layers") == 5
    assert value(run, "layer kinds") == ("Conv2D", "Dense", "Dropout", "Flatten")
    assert value(run, "Conv2D layers") == 2
    assert value(run, "Conv2D.filters") == (4, 8)
    assert value(run, "Conv2D.kernel_size") == ("3×3", "5×3")
    assert value(run, "Dropout.rate") == (0.0,)
    plain = a_run(1)
    assert value(plain, "Conv2D layers") == 0 and value(plain, "Conv2D.filters") is None
    assert value(a_run(2, BLOCKS), "Conv2D layers") == 3, "those within blocks too"
    assert value(a_run(2, BLOCKS), "layers") == 6
    assert value(a_run(3), "network") == value(plain, "network") != value(run, "network")


def test_settings_left_to_their_defaults_are_those_defaults() -> None:
    full, sparse = a_run(), a_run(1, training=None)
    sparse = replace(sparse, training={"seed": 42, "optimizer": {"name": "Adam"}})
    value = SettingsOf().value
    for name in ("batch_size", "optimizer.learning_rate", "optimizer.epsilon", "schedule.name", "augmentation.shift"):
        assert value(sparse, name) == value(full, name) is not None
    assert value(sparse, SAME_BUT_SEED) == value(full, SAME_BUT_SEED)


def test_a_run_from_before_a_setting_came_has_it_at_its_default() -> None:
    new, old = a_run(), a_run(1)
    augmentation = {name: each for name, each in old.training["augmentation"].items() if name != "pen"}
    old = replace(old, training={**old.training, "augmentation": augmentation})
    value = SettingsOf().value
    assert value(old, "augmentation.pen") == value(new, "augmentation.pen") == 0.0
    assert value(old, SAME_BUT_SEED) == value(new, SAME_BUT_SEED)


def test_what_can_be_asked_of_runs_is_every_figure_and_every_setting_that_one_of_them_has() -> None:
    found = fields_of([a_run(), a_run(1, CONV, TrainingConfig(optimizer=SGD()))], SettingsOf())
    assert set(FIGURES) <= set(found) and len(found) == len(set(found))
    assert {"optimizer.beta_1", "optimizer.momentum", "Conv2D.filters", "layers", "layer kinds", "seed"} <= set(found)
    assert set(USUAL) <= set(FIGURES)
    assert can_be_grouped("preset") and can_be_grouped("seed") and not can_be_grouped("test_accuracy")
    assert len({label(name) for name in found}) == len(found), "two columns would have one name"


def test_values_are_told_in_words_and_zero_and_no_are_not_taken_for_nothing() -> None:
    assert [words(each) for each in (None, (), 0, 0.0, False, True, 0.001, 1e-7, (3, None))] == [
        "–", "–", "0", "0", "no", "yes", "0.001", "1e-07", "3, –",
    ]  # fmt: skip


# Search and filters ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["name", "notes", "tags", "preset", "status"])
def test_a_run_is_found_by_any_of_its_words(where: str) -> None:
    run = a_run(**{where: ["other", "Needle"] if where == "tags" else "a Needle b"})
    assert matches(run, "needle") and matches(run, "  NEEDLE ") and matches(run, "")
    assert not matches(run, "needles") and not matches(a_run(1), "needle")


def test_a_run_is_found_by_the_beginning_of_its_id_but_not_by_any_digit_in_it() -> None:
    run = a_run(id="abcd" + "2" * 28)
    assert matches(run, "ABCD") and matches(run, "abcd2") and matches(run, run.id)
    assert not matches(run, "2") and not matches(run, "2222") and not matches(run, "abc")


def test_a_search_wants_all_its_words_wherever_they_stand() -> None:
    run = a_run(name="LeNet", notes="long training", tags=["sweep"])
    assert matches(run, "sweep lenet long") and not matches(run, "sweep lenet short")


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.floats(-3, 3), st.just(math.nan), st.sampled_from(["", "a", "B"])
)
values = st.one_of(scalars, st.lists(st.integers(0, 3), max_size=3).map(tuple))


@given(values, st.lists(scalars, max_size=3), st.none() | st.integers(-2, 2), st.none() | st.integers(-2, 2))
def test_a_filter_keeps_what_its_words_say_and_its_opposite_keeps_the_rest(
    value: Any, wanted: list[Any], low: int | None, high: int | None
) -> None:
    made = Filter("seed", tuple(wanted), low, high)

    def is_absent(each: Any) -> bool:
        return each is None or each == "" or (isinstance(each, float) and math.isnan(each))

    def same(a: Any, b: Any) -> bool:
        return (is_absent(a) and is_absent(b)) or (a == b and isinstance(a, bool) == isinstance(b, bool))

    def holds(each: Any) -> bool:
        number = isinstance(each, (int, float)) and not isinstance(each, bool)
        inside = (low is None or (number and each >= low)) and (high is None or (number and each <= high))
        return (not wanted or any(same(each, other) for other in wanted)) and inside

    several = list(value) or [None] if isinstance(value, tuple) else [value]
    asks = bool(wanted) or low is not None or high is not None
    assert made.is_empty != asks
    assert made.keeps(value) == (any(map(holds, several)) if asks else True)
    assert replace(made, is_not=True).keeps(value) == (not any(map(holds, several)) if asks else True)


def test_a_condition_is_told_in_words() -> None:
    assert Filter("optimizer.name", ("Adam", None)).sentence == "optimizer.name: Adam, not set"
    assert Filter("test_accuracy", low=0.98, is_not=True).sentence == "Test accuracy is not at least 98 %"
    assert Filter("parameters", high=100_000).sentence == "Parameters: at most 100,000"


def test_results_are_asked_by_a_range_and_settings_by_their_values() -> None:
    assert is_range("test_accuracy", [0.5]) and is_range("parameters", [1])
    assert not is_range("preset", ["a"] * 99) and not is_range("optimizer.learning_rate", [0.1, 0.01, None])
    assert is_range("seed", range(60)) and not is_range("notes of old", [f"text {number}" for number in range(60)])
    found = choices([0, False, None, 1, 0, (), ("b", "a")])
    assert repr(found) == "[(0, 2), (False, 1), (1, 1), ('a', 1), ('b', 1), (None, 2)]"


# Sorting --------------------------------------------------------------------------------------------------------------


@given(st.lists(values), st.booleans())
def test_missing_values_are_last_in_both_directions_and_equals_keep_their_order(found: list[Any], down: bool) -> None:
    items = list(enumerate(found))
    ordered = in_order(items, lambda item: item[1], descending=down)
    assert sorted(number for number, _ in ordered) == list(range(len(found)))

    def is_absent(each: Any) -> bool:
        return each is None or each in ("", ()) or (isinstance(each, float) and math.isnan(each))

    absent = [is_absent(each) for _, each in ordered]
    assert absent == sorted(absent), "something stands below a missing value"
    assert [n for n, each in ordered if is_absent(each)] == [n for n, each in items if is_absent(each)]
    numbers = [(each, n) for n, each in ordered if isinstance(each, (int, float)) and not is_absent(each)]
    assert numbers == sorted(numbers, key=lambda pair: (-pair[0] if down else pair[0], pair[1]))


def test_zero_and_no_are_values_to_sort_by() -> None:
    found = in_order([None, 3, 0, math.nan, 0.0, False, -1], lambda each: each)
    assert [repr(each) for each in found] == ["-1", "0", "0.0", "False", "3", "None", "nan"]


def test_a_query_searches_filters_and_sorts() -> None:
    runs = [
        a_run(number, training=TrainingConfig(optimizer=Adam() if number % 2 else SGD(), seed=number),
              test_accuracy=None if number == 3 else number / 10, tags=["kept"] if number < 8 else [])
        for number in range(10)
    ]  # fmt: skip
    query = RunQuery("kept", (Filter("optimizer.name", ("Adam",)), Filter("seed")), sort="test_accuracy")
    value = SettingsOf().value
    assert [run.name for run in query.listed(runs, value)] == ["run 7", "run 5", "run 1", "run 3"]
    up = replace(query, descending=False)
    assert [run.name for run in up.listed(runs, value)] == ["run 1", "run 5", "run 7", "run 3"]
    assert query.is_narrow and not RunQuery(" ", (Filter("seed"),)).is_narrow
    assert RunQuery(sort="created").listed(runs, value) == runs[::-1]


def test_the_best_epochs_can_be_sorted_by_and_a_run_without_them_is_last() -> None:
    settings_of = SettingsOf()
    runs = [a_run(number) for number in range(3)]
    settings_of.best = {runs[0].id: {"val_loss": (0.3, 4)}, runs[2].id: {"val_loss": (0.0, 1)}}
    query = RunQuery(sort="best.val_loss", descending=False)
    assert [run.name for run in query.listed(runs, settings_of.value)] == ["run 2", "run 0", "run 1"]
    assert query.uses(("best.val_loss",)) and not RunQuery().uses(("best.val_loss",))


# Groups ---------------------------------------------------------------------------------------------------------------

made_runs = st.lists(
    st.builds(
        lambda number, network, seed, rate, accuracy, dataset, split, status: a_run(
            number, network, TrainingConfig(optimizer=Adam(rate), seed=seed, split=split),
            test_accuracy=accuracy, dataset=dataset, fingerprint=dataset and dataset[0] * 12, status=status,
        ),
        st.integers(0, 10**9), st.sampled_from([PLAIN, CONV]), st.integers(0, 3), st.sampled_from([0.001, 0.01]),
        st.none() | st.integers(0, 1000).map(lambda right: right / 1000), st.sampled_from(["mnist", "digits", None]),
        st.sampled_from(["holdout", "test-as-validation", "pooled-80-10-10"]),
        st.sampled_from(["finished", "finished", "failed"]),
    ),
    max_size=12, unique_by=lambda run: run.id,
)  # fmt: skip


@settings(max_examples=60)
@given(made_runs)
def test_runs_that_are_the_same_but_for_the_seed_are_those_that_the_comparison_calls_so(runs: list[Run]) -> None:
    found = {frozenset(run.id for run in group.runs) for group in grouped(runs, [SAME_BUT_SEED], SettingsOf())}
    by_key: dict[str, set[str]] = defaultdict(set)
    for run in runs:
        # A run that has not begun is apart from one whose data are known, in a group as in the table.
        by_key[f"{but_seed(run)} {run.dataset}"].add(run.id)
    assert found == set(map(frozenset, by_key.values()))


@settings(max_examples=60)
@given(made_runs)
def test_a_group_has_the_mean_and_spread_of_its_runs_and_never_mixes_data_or_splits(runs: list[Run]) -> None:
    groups = grouped(runs, ["optimizer.learning_rate"], SettingsOf())
    assert sorted(run.id for group in groups for run in group.runs) == sorted(run.id for run in runs)
    for group in groups:
        assert len({(run.dataset, run.split, run.training["optimizer"]["learning_rate"]) for run in group.runs}) == 1
        known = [run for run in group.runs if run.status == "finished" and run.test_accuracy is not None]
        if group.is_same_but_seed:
            newest = {run.training["seed"]: run for run in sorted(known, key=lambda run: run.created)}
            known = list(newest.values())
        accuracies = [run.test_accuracy for run in known if run.test_accuracy is not None]
        assert sorted(group.accuracies) == sorted(accuracies)
        assert group.mean == (pytest.approx(statistics.fmean(accuracies)) if accuracies else None)
        assert group.spread == (pytest.approx(statistics.stdev(accuracies)) if len(accuracies) > 1 else None)
        assert group.best == max(accuracies, default=None)
        assert group.test_is_validation == (group.split == "test-as-validation")


def test_the_interval_is_given_only_where_the_seed_alone_differs() -> None:
    def some(**changes: Any) -> list[Run]:
        return [
            a_run(seed, training=TrainingConfig(seed=seed, **changes), test_accuracy=0.9 + seed / 100, dataset="mnist")
            for seed in range(3)
        ]

    (group,) = grouped(some(), ["preset"], SettingsOf())
    assert group.interval == metrics.seeds_interval([0.9, 0.91, 0.92]) and group.differ == ("seed",)
    (two,) = grouped(some()[:2], ["preset"], SettingsOf())
    assert two.interval is None, "two seeds say too little"
    mixed = [*some(), a_run(9, training=TrainingConfig(batch_size=32), test_accuracy=0.8, dataset="mnist")]
    (wide,) = grouped(mixed, ["preset"], SettingsOf())
    assert wide.interval is None and set(wide.differ) == {"seed", "batch_size"} and wide.spread is not None
    (networks,) = grouped([a_run(), a_run(1, CONV)], ["preset"], SettingsOf())
    assert networks.differ == ("network",), "its parts follow from it"


def test_zero_and_no_are_groups_apart_and_groups_without_a_value_are_last() -> None:
    runs = [a_run(0, training=TrainingConfig(limit=5)), a_run(1), a_run(2, training=TrainingConfig(limit=7))]
    groups = grouped(runs, ["limit"], SettingsOf())
    for down, wanted in ((False, [5, 7, None]), (True, [7, 5, None])):
        assert [group.values[0] for group in in_group_order(groups, "Group", descending=down)] == wanted
    assert [group.mean for group in in_group_order(groups, "Mean test accuracy", descending=True)] == [None] * 3


# Looks ----------------------------------------------------------------------------------------------------------------


def test_how_often_the_test_images_were_looked_at_is_said_for_each_data_set() -> None:
    assert looks_sentence([]) == looks_sentence([a_run()]) == ""
    one = looks_sentence([a_run(test_looks=1, dataset="mnist"), a_run(1)])
    assert "1 time by 1 run of" in one and "luck" not in one
    many = looks_sentence([a_run(number, test_looks=2, dataset="digits" if number else "mnist") for number in range(3)])
    assert "2 times by 1 run (mnist), 4 times by 2 runs (digits)" in many and "luck" in many

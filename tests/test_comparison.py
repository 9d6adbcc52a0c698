"""Runs against each other, pair by pair and by their seeds: figures against SciPy, and when there are none, why."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, ttest_ind

from mnist_lab import comparison, seed_groups
from mnist_lab.architecture import Architecture
from mnist_lab.comparison import compare_all, compare_runs
from mnist_lab.errors import ArtefactMissing
from mnist_lab.layers import Dense, Flatten
from mnist_lab.paired import holm
from mnist_lab.predictions import read_predictions
from mnist_lab.store import Run, RunStore
from mnist_lab.store.artefacts import PREDICTIONS
from mnist_lab.store.database import open_engine
from tests.made_runs import DIGITS, IMAGES, ONE, SMALL, WIDE, add_run

Make = Callable[..., Run]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    store = RunStore(open_engine(f"sqlite:///{tmp_path / 'lab.db'}"), tmp_path)
    yield store
    store.close()


@pytest.fixture
def make(store: RunStore) -> Make:
    return lambda *given, **more: add_run(store, *given, **more)


# Predictions ----------------------------------------------------------------------------------------------------------


def test_predictions_are_what_was_kept(store: RunStore, make: Make) -> None:
    known = read_predictions(store, make([3, 5]))
    assert known.labels.tolist() == DIGITS.tolist()
    assert np.flatnonzero(known.digits != known.labels).tolist() == [3, 5]
    assert known.probabilities.dtype == np.float32 and known.indices.dtype == np.int64


def test_without_predictions_it_says_how_to_get_them(store: RunStore, make: Make) -> None:
    run = make(None)
    with pytest.raises(ArtefactMissing, match=f"not evaluated.*evaluate {run.id[:8]}"):
        read_predictions(store, run)


BROKEN: dict[str, dict[str, Any]] = {
    "no labels": {"labels": None},
    "one label": {"labels": np.uint8(3)},
    "none": {"labels": np.zeros(0, np.uint8), "probabilities": np.zeros((0, 10)), "indices": np.zeros(0, int)},
    "other lengths": {"labels": np.zeros(4, np.uint8)},
    "nine digits": {"probabilities": np.zeros((3, 9))},
    "an eleventh digit": {"labels": np.array([1, 2, 10])},
    "a negative one": {"labels": np.array([1, 2, -1])},
    "halves": {"labels": np.array([1, 2, 0.5])},
    "words": {"probabilities": np.full((3, 10), "much")},
    "places that are no numbers": {"indices": np.array([0.5, 1, 2])},
    "objects": {"labels": np.array([1, 2, {}], dtype=object)},
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN)
def test_predictions_that_cannot_be_used_are_none(store: RunStore, make: Make, change: dict[str, Any]) -> None:
    run = make(None)
    whole = {"probabilities": np.full((3, 10), 0.1), "labels": np.array([1, 2, 3]), "indices": np.arange(3), **change}
    with store.artefacts.writing(run.id, PREDICTIONS) as path:
        np.savez(path, **{name: value for name, value in whole.items() if value is not None})
    with pytest.raises(ArtefactMissing, match="cannot be read"):
        read_predictions(store, run)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", b"words"])
def test_a_damaged_file_is_none_too(store: RunStore, make: Make, content: bytes) -> None:
    run = make([])
    store.artefacts.path(run.id, PREDICTIONS).write_bytes(content)
    with pytest.raises(ArtefactMissing, match="cannot be read"):
        read_predictions(store, run)


# Two runs -------------------------------------------------------------------------------------------------------------


def test_a_better_one_is_called_better(store: RunStore, make: Make) -> None:
    a, b = make(range(5, 15), name="A", network=WIDE), make(range(10, 60), name="B")
    for found in (compare_runs(store, a, b), compare_runs(store, b, a)):
        p = binomtest(5, 50).pvalue
        assert found.p == found.corrected == pytest.approx(p)
        assert found.better is not None and found.better.id == a.id
        assert f"A is better than B on these {IMAGES} images, p < 0.001: the former has 45 right" in found.sentence
        assert "the latter has 5." in found.sentence
        assert f"higher by {100 * 40 / IMAGES:.2f} points" in found.sentence
        assert found.sentence.endswith(comparison.ONE_TRAINING)
    forward, backward = compare_runs(store, a, b), compare_runs(store, b, a)
    assert forward.difference == -backward.difference == pytest.approx(40 / IMAGES)
    assert forward.interval == pytest.approx(tuple(-end for end in reversed(backward.interval)))
    assert forward.paired.neither == 5 and forward.paired.images == IMAGES


def test_a_little_is_not_better(store: RunStore, make: Make) -> None:
    found = compare_runs(store, make(range(9), name="A", network=WIDE), make(range(20, 32), name="B"))
    assert found.better is None
    p = binomtest(9, 21).pvalue
    assert f"The data do not tell A and B apart (p = {p:.2g}): of these {IMAGES} images the former has 12 right that "\
        "the latter has wrong, the latter has 9." in found.sentence  # fmt: skip
    assert comparison.ONE_TRAINING in found.sentence


def test_networks_that_never_part(store: RunStore, make: Make) -> None:
    found = compare_runs(store, make([1], name="A", network=WIDE), make([1], name="B"))
    assert (found.p, found.difference, found.better) == (1.0, 0.0, None)
    assert found.interval[0] < 0 < found.interval[1]
    assert "both are right on the same" in found.sentence


def test_digits_add_up(store: RunStore, make: Make) -> None:
    generator = np.random.default_rng(3)
    wrong = [generator.choice(IMAGES, many, replace=False) for many in (30, 50)]
    found = compare_runs(store, *[make(each) for each in wrong])
    assert [each.digit for each in found.digits] == list(range(10))
    assert [each.paired.images for each in found.digits] == np.bincount(DIGITS, minlength=10).tolist()
    for part in ("both", "only_a", "only_b", "neither"):
        assert sum(getattr(each.paired, part) for each in found.digits) == getattr(found.paired, part)
    recalls = [[1 - np.isin(np.flatnonzero(digit == DIGITS), each).mean() for each in wrong] for digit in range(10)]
    for each, (one, other) in zip(found.digits, recalls, strict=True):
        assert each.difference == pytest.approx(one - other)
        assert each.interval[0] <= each.difference <= each.interval[1]


def test_a_digit_that_does_not_occur_is_unknown(store: RunStore, make: Make) -> None:
    runs = [make(None), make(None)]
    for run in runs:
        with store.artefacts.writing(run.id, PREDICTIONS) as path:
            np.savez(path, probabilities=np.eye(10)[[1, 2]], labels=[1, 2], indices=[0, 1])
    found = compare_runs(store, *runs)
    assert math.isnan(found.digits[0].difference)
    assert found.to_json()["digits"][0] == {
        "digit": 0, "n": 0, "only_a": 0, "only_b": 0, "difference": None, "difference_interval": None,
    }  # fmt: skip


def test_images_that_chose_the_epoch_are_spoken_of(store: RunStore, make: Make) -> None:
    training = replace(ONE, split="test-as-validation")
    found = compare_runs(store, make(training=training), make(training=training, network=WIDE))
    assert found.is_flattered and comparison.FLATTERED in found.sentence
    assert found.to_json()["test_is_validation"]


def test_two_seeds_of_one_network_are_said_to_be_that(store: RunStore, make: Make) -> None:
    found = compare_runs(store, make(range(40)), make(training=replace(ONE, seed=2, keep_checkpoints=True)))
    assert found.only_seed and comparison.ONLY_THE_SEED in found.sentence


REASONS: dict[str, tuple[dict[str, Any], str]] = {
    "data": ({"dataset": "mnist"}, "other data, digits and mnist"),
    "edition": ({"fingerprint": "a" * 12}, "other test images"),
    "split": ({"training": replace(ONE, split="test-as-validation")}, "holdout and test-as-validation"),
    "images": ({"moved": 7}, "other test images"),
    "unknown edition": ({"fingerprint": None}, "other test images"),
}


@pytest.mark.parametrize(("change", "words"), REASONS.values(), ids=REASONS)
def test_unlike_things_are_not_compared(store: RunStore, make: Make, change: dict[str, Any], words: str) -> None:
    found = compare_runs(store, make(name="A"), make(range(90), **{"name": "B", **change}))
    assert words in found.reason
    assert found.sentence == f"A and B are not compared: {found.reason}."
    json = found.to_json()
    assert not json["comparable"] and json["digits"] == []
    assert {json[key] for key in ("n", "both", "p", "p_corrected", "difference", "difference_interval", "better")} == {
        None
    }


def test_lots_drawn_by_two_seeds_are_other_images(store: RunStore, make: Make) -> None:
    first, second = (replace(ONE, split="pooled-80-10-10", seed=seed) for seed in (1, 2))
    found = compare_runs(store, make(training=first), make(training=second, moved=9, fingerprint="b" * 12))
    assert found.reason == "they were evaluated on other test images, drawn by lot for each seed"
    assert found.only_seed


def test_a_run_without_predictions_is_to_be_evaluated(store: RunStore, make: Make) -> None:
    queued = store.create(SMALL, ONE)
    found = compare_runs(store, make(), queued)
    assert f"evaluate it: python -m mnist_lab evaluate {queued.id[:8]}" in found.reason


def test_many_pairs_are_corrected_together(store: RunStore, make: Make) -> None:
    runs = [make(range(many), name=f"N{many}") for many in (0, 6, 14)] + [make(range(90), dataset="mnist")]
    found = compare_all(store, runs)
    assert [(each.a.id, each.b.id) for each in found] == [
        (a.id, b.id) for index, a in enumerate(runs) for b in runs[index + 1 :]
    ]
    compared = [each for each in found if not each.reason]
    assert [each.corrected for each in compared] == pytest.approx(holm([2 / 2**6, 2 / 2**14, 2 / 2**8]))
    assert {each.tests for each in compared} == {3}
    assert "p = 0.031 after Holm's correction for 3 pairs" in compared[0].sentence


def test_ten_networks_that_are_equally_good_are_hardly_ever_told_apart(store: RunStore, make: Make) -> None:
    generator = np.random.default_rng(11)
    runs = [make(np.flatnonzero(generator.random(IMAGES) < 0.05)) for _ in range(10)]
    assert not [each for each in compare_all(store, runs) if each.better]


def test_runs_of_one_name_are_told_apart_by_their_ids(store: RunStore, make: Make) -> None:
    runs = [make(name="Same"), make(name="Same"), make(name="Other")]
    assert list(comparison.names_of(runs).values()) == [
        f"Same ({runs[0].id[:8]})", f"Same ({runs[1].id[:8]})", "Other",
    ]  # fmt: skip


def test_digits_are_corrected_for_there_being_ten(store: RunStore, make: Make) -> None:
    sevens = np.flatnonzero(DIGITS == 7)
    found = compare_runs(store, make([], name="A", network=WIDE), make([*sevens[:9], 0], name="B"))
    ps = [binomtest(0, each.paired.only_a).pvalue if each.paired.only_a else 1.0 for each in found.digits]
    assert [each.p for each in found.digits] == pytest.approx(ps)
    assert [each.corrected for each in found.digits] == pytest.approx(holm(ps))
    assert [each.digit for each in found.digits if each.stands_out] == [7]
    assert found.digits[7].corrected == pytest.approx(10 * 2 / 2**9)


def test_digits_without_images_are_no_tests(store: RunStore, make: Make) -> None:
    a, b = make(None, name="A", network=WIDE), make(None, name="B")
    labels = np.full(12, 7)
    for run, said in ((a, labels), (b, np.full(12, 1))):
        with store.artefacts.writing(run.id, PREDICTIONS) as path:
            np.savez(path, probabilities=np.eye(10)[said], labels=labels, indices=np.arange(12))
    found = compare_runs(store, a, b)
    assert [each.p is None for each in found.digits] == [digit != 7 for digit in range(10)]
    assert found.digits[7].corrected == found.digits[7].p == pytest.approx(2 / 2**12), "one digit, one test"
    assert found.paired is not None and (found.paired.only_a, found.paired.images) == (12, 12), "they never agree"
    assert found.better is not None and found.better.id == a.id


def test_one_image_tells_nothing(store: RunStore, make: Make) -> None:
    a, b = make(None, name="A", network=WIDE), make(None, name="B")
    for run, said in ((a, [3]), (b, [5])):
        with store.artefacts.writing(run.id, PREDICTIONS) as path:
            np.savez(path, probabilities=np.eye(10)[said], labels=np.array([3]), indices=np.array([0]))
    found = compare_runs(store, a, b)
    assert found.p == 1.0 and found.better is None
    assert found.difference == 1.0 and found.interval is not None and found.interval[0] < 0


def test_predictions_can_come_from_elsewhere_than_the_store(store: RunStore, make: Make) -> None:
    a, b = make([1], name="A", network=WIDE), make([2], name="B")
    known = {run.id: read_predictions(store, run) for run in (b, a)}
    known[a.id], known[b.id] = known[b.id], known[a.id]
    (swapped,) = compare_all(store, [a, b], lambda run: known[run.id])
    (plain,) = compare_all(store, [b, a])
    assert swapped.paired == plain.paired and swapped.difference == plain.difference


# Groups of seeds ------------------------------------------------------------------------------------------------------


def seeds_of(make: Make, wrong: Sequence[int], **more: Any) -> list[Run]:
    base = more.pop("training", ONE)
    name = more.pop("name", "N")
    return [
        make(range(many), training=replace(base, seed=seed), name=f"{name}, seed {seed}", **more)
        for seed, many in enumerate(wrong, 1)
    ]


def test_groups_are_runs_that_differ_in_their_seed_alone(make: Make) -> None:
    small, wide = seeds_of(make, [10, 12, 14], name="Small"), seeds_of(make, [3, 5], network=WIDE, name="Wide")
    longer = seeds_of(make, [7], training=replace(ONE, epochs=11), name="Small")
    make([], status="stopped")
    found = seed_groups.groups([*reversed(small), *wide, *longer, make(None, test_accuracy=None)])
    assert [each.seeds for each in found] == [[1, 2, 3], [1, 2], [1]]
    assert [each.covers_seeds for each in found] == [True, False, False]
    assert found[1].name == "Wide" and found[0].name.startswith("Small (") and found[2].name.startswith("Small (")
    assert found[0].accuracy == pytest.approx(1 - 12 / IMAGES)
    assert found[0].spread == pytest.approx(2 / IMAGES)
    assert "only the images' noise is covered" in found[1].sentence and "2 seeds" in found[1].sentence
    assert "1 seed," in found[2].sentence
    assert "standard deviation" in found[0].sentence


def test_of_one_seed_the_newest_counts(make: Make) -> None:
    old, new = make(range(9)), make(range(5))
    for order in ([old, new], [new, old]):
        [found] = seed_groups.groups([replace(each, created=float(each is new)) for each in order])
        assert [run.id for run in found.runs] == [new.id]


def test_groups_are_compared_by_welchs_test(make: Make) -> None:
    wrong = {"A": [10, 12, 14], "B": [40, 44, 39, 41], "C": [9, 13, 15]}
    networks = [SMALL, WIDE, Architecture((Flatten(), Dense(10, "softmax")))]
    runs = [
        run
        for network, (name, each) in zip(networks, wrong.items(), strict=True)
        for run in seeds_of(make, each, name=name, network=network)
    ]
    found = seed_groups.compare_groups(seed_groups.groups(runs))
    expected = [
        ttest_ind(*[[1 - many / IMAGES for many in wrong[name]] for name in pair], equal_var=False)
        for pair in ("AB", "AC", "BC")
    ]
    assert [each.p for each in found] == pytest.approx([each.pvalue for each in expected])
    assert [each.corrected for each in found] == pytest.approx(holm([each.pvalue for each in expected]))
    for each, test in zip(found, expected, strict=True):
        assert each.interval == pytest.approx(tuple(test.confidence_interval()))
    assert [each.better and each.better.name for each in found] == ["A", None, "C"]
    assert (
        "A is better than B from seed to seed too, p < 0.001 after Holm's correction for 3 pairs" in found[0].sentence
    )
    assert "by Welch's test on the accuracies of 3 and 4 seeds" in found[0].sentence
    assert "The seeds do not tell A and C apart" in found[1].sentence
    assert not re.search(r"[-−]", found[2].sentence), "the better one leads by a positive number"
    assert found[2].to_json()["better"] == "C"


def test_groups_that_cannot_be_compared_say_why(make: Make) -> None:
    few, many = seeds_of(make, [1, 2], name="Few"), seeds_of(make, [3, 4, 6], name="Many", network=WIDE)
    flat = seeds_of(make, [9, 9, 9], name="Flat", training=replace(ONE, epochs=3))
    flat += seeds_of(make, [8, 8, 8], name="Even", training=replace(ONE, epochs=4))
    other = seeds_of(make, [1, 5, 9], name="Other", training=replace(ONE, split="test-as-validation"))
    found = seed_groups.compare_groups(seed_groups.groups([*few, *many, *flat, *other]))
    reasons = {(each.a.name, each.b.name): each.reason for each in found}
    assert reasons["Few", "Many"] == "Few has fewer than 3 seeds"
    assert reasons["Many", "Flat"] == ""
    assert "do not differ from seed to seed" in reasons["Flat", "Even"]
    assert "other splits" in reasons["Many", "Other"]
    assert all(each.sentence.endswith(f"{each.reason}.") for each in found if each.reason)
    assert {each.tests for each in found if not each.reason} == {2}


def test_lots_drawn_by_each_seed_make_a_group(make: Make) -> None:
    runs = [
        make(range(seed), training=replace(ONE, split="pooled-80-10-10", seed=seed), fingerprint=f"{seed}" * 12)
        for seed in (1, 2, 3)
    ]
    assert [each.seeds for each in seed_groups.groups(runs)] == [[1, 2, 3]]


ACCURACIES = st.lists(st.floats(0.5, 1), min_size=3, max_size=8)


@given(ACCURACIES, ACCURACIES)
def test_welch_is_scipys(first: list[float], second: list[float]) -> None:
    if np.ptp(first) > 1e-3 and np.ptp(second) > 1e-3:
        test = ttest_ind(first, second, equal_var=False)
        assert seed_groups.welch(first, second) == pytest.approx(test.pvalue, rel=1e-6)
        lead, low, high = seed_groups.welch_difference(first, second)
        assert lead == pytest.approx(np.mean(first) - np.mean(second))
        assert (low, high) == pytest.approx(tuple(test.confidence_interval(0.95)), abs=1e-9)


def test_no_spread_at_all() -> None:
    assert seed_groups.welch([0.5] * 3, [0.5] * 3) == 1.0
    assert seed_groups.welch([0.5] * 3, [0.6] * 3) is None
    assert seed_groups.welch_difference([0.5] * 3, [0.5] * 3) == (0, 0, 0)


# Seeds that are there but not selected --------------------------------------------------------------------------------


def test_siblings_are_the_other_seeds_of_what_is_chosen(make: Make) -> None:
    small, wide = seeds_of(make, [1, 2, 3], name="Small"), seeds_of(make, [1, 2], network=WIDE, name="Wide")
    again = make([9], name="Small again", training=replace(ONE, seed=2))
    longer = make([7], training=replace(ONE, epochs=11, seed=3))
    running = make([7], training=replace(ONE, seed=8), status="running")
    unasked = make([7], training=replace(ONE, seed=9), test_accuracy=None)
    listed = [unasked, running, longer, again, *wide, *small]

    def found(chosen: list[Run], most: int = 10) -> list[str]:
        return [run.id for run in seed_groups.siblings(chosen, listed, most)]

    assert found([small[0], wide[0]]) == [again.id, wide[1].id, small[2].id], "in turn, of each seed the newest"
    assert found([small[1]]) == [small[0].id, small[2].id], "its own seed is there, though not the newest of it"
    assert found([longer]) == []
    assert found([small[0], wide[0]], most=3) == [again.id]
    assert found([small[0], small[2], wide[0]], most=4) == [wide[1].id], "first the network with the fewest seeds"
    assert found([small[0]], most=1) == []
    assert found([running]) == [small[0].id, again.id, small[2].id], "those can be compared already"
    assert found(listed) == []

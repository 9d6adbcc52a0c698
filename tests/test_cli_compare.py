"""`compare` as its users have it: what is printed, the JSON, and the exit status; the runs' answers are made up."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mnist_lab import cli, comparison
from mnist_lab.architecture import Architecture
from mnist_lab.layers import Dense, Dropout, Flatten
from mnist_lab.optimizers import SGD
from mnist_lab.store import Run, RunStore
from mnist_lab.store.database import open_engine
from tests.test_comparison import IMAGES, ONE, SMALL, WIDE, add_run

PAIR_KEYS = {
    "a", "b", "comparable", "reason", "n", "both", "only_a", "only_b", "neither", "p", "p_corrected", "difference",
    "difference_interval", "better", "test_is_validation", "only_seed_differs", "digits", "sentence",
}  # fmt: skip
Here = Callable[..., tuple[int, str, str]]
Make = Callable[..., Run]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    for name in ("STORE", "DATA", "EXECUTOR"):
        monkeypatch.delenv(f"MNIST_LAB_{name}", raising=False)
    monkeypatch.setenv("MNIST_LAB_HOME", str(tmp_path))

    def call(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = cli.main(words)
        return (status, *capsys.readouterr())

    return call


@pytest.fixture
def make(here: Here, tmp_path: Path) -> Iterator[Make]:
    here("runs")  # makes the store
    store = RunStore(open_engine(f"sqlite:///{tmp_path / 'lab.db'}"), tmp_path)
    yield lambda *given, **more: add_run(store, *given, **more)
    store.close()


def document(said: tuple[int, str, str]) -> Any:
    assert said[0] == 0, said[2]
    return json.loads(said[1], parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))


def test_two_runs_for_people(here: Here, make: Make) -> None:
    make(range(40), name="Narrow one", training=replace(ONE, optimizer=SGD(nesterov=False), limit=300))
    make(range(3), name="Wide one", training=replace(ONE, optimizer=SGD(nesterov=True)), network=WIDE)
    status, out, errors = here("compare", "Narrow one", "Wide one")
    assert (status, errors) == (0, "")
    lines = out.splitlines()
    assert lines[0].split() == ["ID", "STATUS", "PARAMETERS", "DATA", "TEST", "(95", "%)", "NAME"]
    assert lines[1].startswith("A  ") and lines[1].endswith("Narrow one") and "digits, holdout" in lines[1]
    assert f"{100 * (1 - 40 / IMAGES):.2f} % (" in lines[1]
    rows = [line.split() for line in lines]
    assert ["optimizer.nesterov", "no", "yes"] in rows
    assert ["limit", "300", "none"] in rows
    assert ["layer", "2", "Dense", "units", "16", "32"] in rows
    assert not [row for row in rows if row[:1] == ["epochs"]], "what is the same is left out"
    assert "Wide one is better than Narrow one on these" in out and comparison.ONE_TRAINING in out
    assert sum(line.split()[:1] == [str(digit)] for line in lines for digit in range(10)) == 10
    assert "only the images' noise is covered" in out


def test_the_document(here: Here, make: Make) -> None:
    a, b = make(range(10), name="A"), make(range(5, 30), name="B", network=WIDE)
    found = document(here("compare", a.id, b.id[:8], "--json"))
    assert set(found) == {"runs", "settings", "layers", "pairs", "groups", "group_pairs"}
    assert [run["id"] for run in found["runs"]] == [a.id, b.id]
    [pair] = found["pairs"]
    assert set(pair) == PAIR_KEYS
    assert (pair["a"], pair["b"], pair["better"], pair["comparable"], pair["reason"]) == (a.id, b.id, a.id, True, None)
    assert [pair[key] for key in ("n", "both", "only_a", "only_b", "neither")] == [IMAGES, IMAGES - 30, 20, 5, 5]
    assert pair["p"] == pair["p_corrected"]
    assert pair["difference_interval"][0] < pair["difference"] < pair["difference_interval"][1]
    assert len(pair["digits"]) == 10
    assert [(group["runs"], group["covers"]) for group in found["groups"]] == [([a.id], "images"), ([b.id], "images")]
    assert found["settings"]["layer 2 Dense units"] == {a.id: 16, b.id: 32}


def test_networks_layer_by_layer(here: Here, make: Make) -> None:
    deep = Architecture((Flatten(), Dropout(0.0), Dense(32, "relu"), Dense(10, "softmax")))
    a, b = make(name="A"), make(name="B", network=deep)
    added, changed, last = document(here("compare", a.id, b.id, "--json"))["layers"]
    assert (added["place"], added["state"], list(added["layers"])) == (None, {b.id: "added"}, [b.id])
    assert (changed["place"], changed["changes"]) == ("2", {b.id: {"units": [16, 32]}})
    assert changed["layers"][b.id] == {
        "layer": "Dense 32, relu", "output_shape": [32], "parameters": 25_120, "multiply_adds": 25_088,
    }  # fmt: skip
    assert last["state"] == {b.id: "same"} and last["layers"][a.id]["parameters"] == 170
    rows = [line.split() for line in here("compare", a.id, b.id)[1].splitlines()]
    assert ["2", "Dense", "16,", "relu,", "12,560", "≠", "units", "16", "→", "32,", "25,120"] in rows
    assert ["+", "Dropout", "0"] in rows
    assert not [row for row in rows if "Flatten" in row], "it is the same in both"


def test_all_that_was_set_is_shown_if_wanted(here: Here, make: Make) -> None:
    a, b = make(), make(network=WIDE)
    some, every = (document(here("compare", a.id, b.id, "--json", *more)) for more in ([], ["--all"]))
    assert some["settings"].items() < every["settings"].items()
    assert every["settings"]["label_smoothing"] == {a.id: 0.0, b.id: 0.0}
    assert [row["place"] for row in every["layers"]] == ["1", "2", "3"]
    assert [row["place"] for row in some["layers"]] == ["2", "3"]
    assert ["label_smoothing", "0.0", "0.0"] in [
        line.split() for line in here("compare", a.id, b.id, "--all")[1].splitlines()
    ]


def test_seeds_are_grouped_and_the_groups_compared(here: Here, make: Make) -> None:
    runs = [
        make(range(wrong), training=replace(ONE, seed=seed), name=f"{name}, seed {seed}", network=network)
        for name, network, many in (("Slim", SMALL, (40, 42, 45)), ("Wide", WIDE, (9, 11, 14)))
        for seed, wrong in enumerate(many)
    ]
    found = document(here("compare", *[run.id for run in runs], "--json"))
    assert len(found["pairs"]) == 15
    assert [(group["name"], group["seeds"], group["covers"]) for group in found["groups"]] == [
        ("Slim", [0, 1, 2], "seeds"), ("Wide", [0, 1, 2], "seeds"),
    ]  # fmt: skip
    [pair] = found["group_pairs"]
    assert pair["better"] == "Wide" and pair["comparable"] and pair["test"] == "welch"
    assert pair["sentence"] in here("compare", *[run.id for run in runs])[1]


def test_pairs_that_cannot_be_compared_are_no_error(here: Here, make: Make) -> None:
    a, b, c = make([1]), make([2], dataset="mnist"), make(None, test_accuracy=None)
    found = document(here("compare", a.id, b.id, c.id, "--json"))
    assert [pair["comparable"] for pair in found["pairs"]] == [False] * 3
    assert "other data" in found["pairs"][0]["reason"]
    assert f"evaluate {c.id[:8]}" in found["pairs"][1]["reason"]
    assert f"evaluate {c.id[:8]}" in here("compare", a.id, c.id)[1]


def test_test_as_validation_is_marked(here: Here, make: Make) -> None:
    training = replace(ONE, split="test-as-validation")
    ids = [make(range(many), training=training, name=f"M{many}").id for many in (3, 4)]
    out = here("compare", *ids)[1]
    assert out.count("(test as validation)") == 2
    assert comparison.FLATTERED in out


def test_a_run_with_itself_has_the_same_settings_and_is_no_comparison(here: Here, make: Make) -> None:
    run = make()
    for words in ([run.id], [run.id, run.id[:8]]):
        status, out, errors = here("compare", *words)
        assert (status, out) == (1, "") and "two different runs" in errors


def test_equal_settings_are_said_to_be_equal(here: Here, make: Make) -> None:
    assert "Their settings are the same." in here("compare", make([1]).id, make([2]).id)[1]


def test_more_than_ten_or_unknown_runs_are_refused(here: Here, make: Make) -> None:
    ids = [make([index]).id for index in range(11)]
    status, out, errors = here("compare", *ids)
    assert (status, out) == (1, "") and "11 runs are too many" in errors
    assert here("compare", *ids[:10], "--json")[0] == 0
    status, out, errors = here("compare", ids[0], "nowhere")
    assert (status, out) == (1, "") and "'nowhere'" in errors
    assert here("compare")[0] == 2

"""`study` on the command line: lists, trains what is missing, compares; wrong words are one sentence."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable

import pytest

from mnist_lab import starter
from mnist_lab.studies import members, studies, study
from tests.test_cli import PATIENCE, Place, Said, ended, here, kill_workers_of, place

__all__ = ["here", "place"]  # fixtures

QUICK = ("--epochs", "1", "--limit", "150")


def test_without_a_name_all_studies_are_listed(here: Callable[..., Said]) -> None:
    said = here("study", "--json")
    assert said.status == 0
    assert [entry["name"] for entry in said.document] == list(studies())
    assert said.document[0]["models"] == [each.name for each in members(study("000"))]
    assert "kernel-size" in here("study").out


@pytest.mark.parametrize(
    ("words", "status", "part"),
    [
        (("study", "00x"), 1, "There is no study '00x'"),
        (("study", "000", "--models", "model-99"), 2, "has no model 'model-99'"),
        (("study", "000", "--models", ","), 2, "No model is named"),
        (("study", "000", "--epochs", "0"), 2, "epochs"),
        (("study", "000", "--seeds", "a,b"), 2, "Seeds cannot be read"),
        (("study", "000", "--limit", "-3"), 2, "limit"),
        (("study", "000", "--workers", "0"), 2, "0 trainings at once"),
        (("study", "000", "--workers", "1000"), 2, "1,000 trainings at once"),
    ],
)
def test_a_wrong_word_is_one_sentence_before_anything_is_trained(
    words: tuple[str, ...], status: int, part: str, here: Callable[..., Said], place: Place
) -> None:
    said = here(*words)
    assert (said.status, said.out) == (status, "")
    assert part in said.complaint
    assert not (place.home / "lab.db").exists()


@pytest.mark.parametrize(("words", "workers"), [((), 1), (("--workers", "3"), 3)])
def test_so_many_are_trained_at_once_as_are_asked_for(
    words: tuple[str, ...], workers: int, place: Place, here: Callable[..., Said], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def run_all(store: object, runs: list[object], owner: str, *, workers: int) -> None:
        asked.append((len(runs), workers))

    monkeypatch.setattr("mnist_lab.cli.study.run_all", run_all)
    said = here("study", "000", "--models", "baseline", *QUICK, "--seeds", "1,2", *words)
    assert asked == [(2, workers)]
    assert said.status == 1 and "2 of 2 trainings did not finish" in said.complaint


def test_what_is_missing_is_trained_and_nothing_twice(place: Place, here: Callable[..., Said]) -> None:
    words = ("study", "000", "--models", "baseline", "000-MODEL-2", *QUICK, "--seeds", "1,2", "--json")
    first = place.run(*words)
    assert first.status == 0, first.errors
    document = first.document
    assert (document["finished"], document["wanted"], document["dataset"]) == (4, 4, "digits")
    assert [each["preset"] for each in document["models"]] == ["000-baseline", "000-model-2"]
    for each in document["models"]:
        runs = each["runs"]
        assert [run["training"]["seed"] for run in runs] == [1, 2]
        ours = each["ours"]
        assert ours["test_accuracy"] == pytest.approx(sum(run["test_accuracy"] for run in runs) / 2)
        assert ours["seeds"] == [1, 2] and ours["published_is_inside"] is None
        assert each["published"]["test_accuracy"] > 0.9
    begin = time.monotonic()
    again = here(*words)
    assert again.document == document
    assert time.monotonic() - begin < 10, "no worker was started"
    shown = here(*words[:-1]).out
    (line,) = (line for line in shown.splitlines() if line.startswith("000-model-2"))
    assert "test-as-validation" in line and " 2 " in line and "side" not in line


def test_a_killed_study_is_taken_up_where_it_was(place: Place) -> None:
    words = ("study", "000", "--models", "model-3", "model-5", "--epochs", "3", "--limit", "1000", "--json")
    process = place.start(*words)
    store = None
    try:
        limit = time.monotonic() + PATIENCE
        while time.monotonic() < limit:
            if (place.home / "lab.db").exists():
                store = store or place.store
                if any(run.epochs_run >= 1 for run in store.runs() if run.id not in starter.IDS):
                    break
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert store is not None
        begun = {run.preset: run.id for run in store.runs() if run.id not in starter.IDS}
        said = place.run(*words)
        assert said.status == 0, said.errors
        assert {run["preset"]: run["id"] for each in said.document["models"] for run in each["runs"]} == begun
        assert all(each["runs"][0]["epochs_run"] == 3 for each in said.document["models"])
    finally:
        if store is not None:
            store.close()
        kill_workers_of(place)


def test_control_c_keeps_what_was_learnt_and_says_what_is_left(place: Place) -> None:
    process = place.start("study", "000", "--models", "model-3", "model-5", "--epochs", "400", "--json")
    store = None
    limit = time.monotonic() + PATIENCE
    while time.monotonic() < limit:
        if (place.home / "lab.db").exists():
            store = store or place.store
            if any(run.epochs_run >= 1 for run in store.runs() if run.id not in starter.IDS):
                break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    said = ended(process)
    assert store is not None
    store.close()
    assert said.status == 1
    assert "2 of 2 trainings did not finish" in said.complaint
    states = [each["runs"][0]["status"] for each in json.loads(said.out)["models"]]
    assert states == ["stopped", "stopped"]

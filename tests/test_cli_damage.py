"""The command line over a store with damaged rows: an answer or a sentence, and all sound runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mnist_lab import exchange
from mnist_lab.store import Run, open_store
from mnist_lab.store.artefacts import MODEL
from tests.conftest import Here
from tests.made_runs import add_course, add_run
from tests.store import damages

COURSE = [{"epoch": epoch, "loss": 1.0 / epoch, "val_accuracy": 0.5, "seconds": 1.0} for epoch in (1, 2, 3)]


@pytest.fixture
def bad(here: Here, tmp_path: Path) -> dict[str, Run]:
    """By damage a run that has it, and one that is sound under ``""``."""
    assert here("runs")[0] == 0
    store = open_store()
    runs = {
        what: add_course(store, add_run(store, [1], name=what or "sound", epochs_run=3), COURSE)
        for what in ("", *damages.ALL)
    }
    for what in damages.ALL:
        damages.damage(tmp_path / "home" / "lab.db", runs[what].id, what)
    return runs


def test_the_list_has_every_run_and_says_which_are_damaged(here: Here, bad: dict[str, Run]) -> None:
    status, out, errors = here("runs", "--json")
    assert (status, errors) == (0, "")
    listed = {run["id"]: run for run in json.loads(out)}
    assert set(listed) >= {run.id for run in bad.values()}
    for what in damages.UNREADABLE:
        assert listed[bad[what].id]["status"] == "failed"
        assert "damaged" in listed[bad[what].id]["reason"]
    assert listed[bad[""].id]["test_accuracy"] == pytest.approx(359 / 360)
    status, out, errors = here("runs")
    assert (status, errors) == (0, "") and "sound" in out


@pytest.mark.parametrize("words", [("show",), ("show", "--json"), ("compare",), ("compare", "--json")])
def test_each_damaged_run_is_answered_for(here: Here, bad: dict[str, Run], words: tuple[str, ...]) -> None:
    for run in bad.values():
        status, out, errors = here(words[0], run.id, *([bad[""].id] if words[0] == "compare" else []), *words[1:])
        assert out if status == 0 else status == 1 and errors.strip() and "\n" not in errors.strip()
        assert words[0] == "compare" or status == 0
        if "--json" in words and out:
            json.loads(out, parse_constant=pytest.fail)


def test_a_damaged_run_is_taken_away_or_refused_with_a_sentence(here: Here, bad: dict[str, Run]) -> None:
    for what, run in bad.items():
        for form in [each.name for each in exchange.FORMS.values() if each.needs != MODEL]:
            status, _, errors = here("export", run.id, "--form", form, "--force")
            assert status == 1 if what in damages.UNREADABLE else status == 0 or errors.strip(), (what, form)
            assert "\n" not in errors.strip()
            assert what or status == 0, errors

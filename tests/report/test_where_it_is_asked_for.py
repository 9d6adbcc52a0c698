"""The report on the command line and on the Studies page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from mnist_lab import report
from mnist_lab.store import open_store
from mnist_lab.studies import members, preset, study
from mnist_lab.study_plan import Matching, Setting
from mnist_lab.ui import frame, study_report
from tests.report.conftest import QUICK, Bench
from tests.test_cli import Place, Said, here, place
from tests.ui.conftest import home, visit

__all__ = ["here", "home", "place", "visit"]  # fixtures

LOOK = ("study", "000", "--models", "model-3", "model-8", "--no-training", "--epochs", "6")


@pytest.mark.parametrize("name", ["x.txt", "x", "x.pdf"])
def test_another_suffix_is_wrong_usage(name: str, here: Callable[..., Said], place: Place) -> None:
    said = here("study", "000", "--report", str(place.folder / name))
    assert (said.status, said.out) == (2, "")
    assert "ends in .html or .md" in said.complaint
    assert not (place.home / "lab.db").exists(), "nothing was begun"


def test_a_missing_folder_is_one_sentence_before_any_training(here: Callable[..., Said], place: Place) -> None:
    said = here("study", "000", "--report", str(place.folder / "missing" / "x.html"))
    assert (said.status, said.out) == (1, "")
    assert said.complaint.startswith("There is no folder") and "Make it" in said.complaint
    assert not (place.home / "lab.db").exists()


def test_a_report_wants_the_name_of_a_study(here: Callable[..., Said], place: Place) -> None:
    said = here("study", "--report", str(place.folder / "x.md"))
    assert (said.status, said.out) == (2, "") and "one study" in said.complaint


@pytest.mark.parametrize("suffix", ["html", "md"])
def test_the_text_says_where_the_report_is(suffix: str, here: Callable[..., Said], place: Place) -> None:
    path = place.folder / f"x.{suffix}"
    said = here(*LOOK, "--report", str(path))
    assert said.status == 0 and said.out.endswith(f"The report is in {path}.\n")
    text = path.read_text(encoding="utf-8")
    assert "Model 3" in text and "Model 8" in text and "Nothing was measured" in text


def test_json_stays_the_only_thing_on_standard_output(here: Callable[..., Said], place: Place) -> None:
    path = place.folder / "x.md"
    said = here(*LOOK, "--json", "--report", str(path))
    assert said.document == here(*LOOK, "--json").document
    assert path.is_file()


def test_the_page_offers_a_report_as_soon_as_something_is_measured(visit: Callable[[str], AppTest], home: Path) -> None:
    def labels() -> list[str]:
        app = visit("studies")
        assert not app.exception
        app.number_input("study.epochs").set_value(6).run()
        return [each.label for each in app.get("download_button")]

    assert labels() == []
    Bench(open_store(), {}).run(preset("000-model-3"), [1])
    assert labels() == ["Report (HTML)", "Report (Markdown)"]


def test_the_buttons_make_the_report_when_they_are_clicked(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.run(preset("000-model-3"), [1])
    made: dict[str, tuple[Callable[[], bytes], str]] = {}

    def button(label: str, data: Callable[[], bytes], name: str, *_: Any, **__: Any) -> None:
        made[label] = data, name

    monkeypatch.setattr(st, "download_button", button)
    monkeypatch.setattr(frame, "store", lambda: bench.store)
    known = study("000")
    matching = Matching(bench.store.runs(), "digits")
    study_report.buttons(known, members(known), QUICK, matching)
    data, name = made["Report (HTML)"]
    assert name == "000.html" and data().startswith(b"<!DOCTYPE html>")
    data, name = made["Report (Markdown)"]
    expected = report.gather(known, members(known), QUICK, matching, bench.store)
    assert name == "000.md" and data().decode() == report.to_markdown(expected)

    made.clear()
    study_report.buttons(known, members(known), replace(QUICK, epochs=9), matching)
    assert not made
    assert Setting().is_as_published

"""The report of runs against each other: what it says is what the tests say, and the text of others is inert."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st

from mnist_lab import cli, comparison, report, seed_groups
from mnist_lab.report import blocks, versus
from mnist_lab.report.compared import MOST_IMAGES
from mnist_lab.store import Run, RunStore
from mnist_lab.store.database import open_engine
from mnist_lab.training_config import TrainingConfig
from mnist_lab.ui import run_report
from tests.made_runs import DIGITS, IMAGES, ONE, SMALL, WIDE, add_run
from tests.report.conftest import TODAY
from tests.report.test_report import HOSTILE, Page, check_tables

Make = Callable[..., Run]
FLATTERING = replace(ONE, split="test-as-validation")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    store = RunStore(open_engine(f"sqlite:///{tmp_path / 'lab.db'}"), tmp_path)
    yield store
    store.close()


@pytest.fixture
def make(store: RunStore) -> Make:
    def made(wrong: Sequence[int] | None = (), **more: Any) -> Run:
        run = add_run(store, wrong, **more)
        for epoch in (1, 2, 3):
            row = {
                "epoch": epoch,
                "loss": 1 / epoch,
                "accuracy": 0.9,
                "val_loss": (0.5, 0.2, 0.4)[epoch - 1],
                "val_accuracy": 0.8,
            }
            store.add_epoch(run.id, row)
        return store.get(run.id)

    return made


def content(store: RunStore, *runs: Run) -> list[blocks.Block]:
    return list(versus.blocks(report.gather_runs(store, runs, today=TODAY)))


def html(store: RunStore, *runs: Run) -> str:
    return report.html_of("Title", content(store, *runs))


def table(found: Sequence[blocks.Block], caption: str) -> blocks.Table:
    tables = [each for each in found if isinstance(each, blocks.Table)]
    tables += [each.numbers for each in found if isinstance(each, (blocks.Chart, blocks.Sheet))]
    (known,) = (each for each in tables if caption in each.caption)
    return known


# What it says ---------------------------------------------------------------------------------------------------------


def test_two_runs_have_the_verdict_of_the_test_and_its_figures(store: RunStore, make: Make) -> None:
    a, b = make(range(5, 15), name="First"), make(range(10, 60), name="Second", network=WIDE)
    found = content(store, a, b)
    expected = comparison.compare_runs(store, a, b)
    said = " ".join(each.text for each in found if isinstance(each, blocks.Text))
    assert expected.finding in said and comparison.ONE_TRAINING in said
    assert "Only the noise of the images is covered" in said
    (row,) = table(found, "McNemar's exact test on").rows
    assert row[:5] == ("A", "B", "A", "45", "5")
    assert row[5].startswith(f"{100 * 40 / IMAGES:.2f} (") and row[6:] == ("< 0.001", "< 0.001")
    digits = table(found, "Recall of A").rows
    assert [(int(row[2]), int(row[3])) for row in digits] == [
        (each.paired.only_a, each.paired.only_b) for each in expected.digits
    ]
    assert sum(int(row[1]) for row in digits) == IMAGES
    runs = table(found, "The runs").rows
    assert [row[0] for row in runs] == ["A: First", "B: Second"]
    assert runs[0][4].startswith(f"{100 * (1 - 10 / IMAGES):.2f} % (")
    assert [row[-1] for row in runs] == [str(a.test_looks), str(b.test_looks)]


def test_the_images_that_part_two_runs_are_those_that_only_one_gets_right(store: RunStore, make: Make) -> None:
    found = content(store, make(range(5, 15), name="First"), make(range(10, 60), name="Second"))
    sheets = {each.caption.split(":")[0]: each for each in found if isinstance(each, blocks.Sheet)}
    first = 1797 - IMAGES  # images of the data set are counted from the training images on
    wrong = {name: [int(row[0]) - first for row in each.numbers.rows] for name, each in sheets.items()}
    assert sorted(wrong["Only B, Second, is right"]) == list(range(5, 10))
    assert sorted(wrong["Both are wrong"]) == list(range(10, 15))
    only_a = wrong["Only A, First, is right"]
    assert len(only_a) == MOST_IMAGES and set(only_a) <= set(range(15, 60))
    sheet = sheets["Only A, First, is right"]
    assert "the 30 surest mistakes of 45 images" in sheet.caption
    assert sheet.images is not None and len(sheet.images) == len(sheet.words) == MOST_IMAGES
    assert sheet.words[0].split("\n")[0] == f"is {DIGITS[only_a[0]]}"
    assert [row[1] for row in sheet.numbers.rows] == [str(DIGITS[index]) for index in only_a]


def test_confusions_are_the_second_less_the_first(store: RunStore, make: Make) -> None:
    found = content(store, make([]), make([0, 1]))
    change = np.array(
        [[int(cell.replace("−", "-").replace("·", "0")) for cell in row[1:]]
         for row in table(found, "Confusion matrix").rows]
    )  # fmt: skip
    expected = np.zeros((10, 10), int)
    for digit in map(int, DIGITS[:2]):
        expected[digit, digit] -= 1
        expected[digit, (digit + 1) % 10] += 1
    assert change.tolist() == expected.tolist()


def test_of_many_runs_each_has_its_standing_and_each_pair_its_row(store: RunStore, make: Make) -> None:
    runs = [make(range(many), name=f"N{many}", training=replace(ONE, epochs=many + 2)) for many in (0, 5, 90)]
    other = make(range(3), name="Elsewhere", dataset="mnist")
    found = content(store, *runs, other)
    (bullets, reasons) = (each.items for each in found if isinstance(each, blocks.Bullets))
    assert [each.split(",")[0] for each in bullets] == ["A", "B", "C"]
    assert bullets[1].endswith(": better than C; not told apart from A.")
    assert bullets[2].endswith("worse than A and B.")
    assert len(reasons) == 1 and "other data" in reasons[0] and "N5 with Elsewhere" in reasons[0]
    rows = table(found, "McNemar's exact test on").rows
    expected = [pair for pair in comparison.compare_all(store, [*runs, other]) if not pair.reason]
    assert len(rows) == len(expected) == 3
    assert [row[2] for row in rows] == ["not told apart", "A", "B"]
    assert not [each for each in found if isinstance(each, blocks.Sheet)], "images are of two runs"


def test_seeds_have_their_verdict_first(store: RunStore, make: Make) -> None:
    runs = [
        make(range(wrong), training=replace(ONE, seed=seed), name=f"{name}, seed {seed}", network=network)
        for name, network, many in (("Slim", SMALL, (40, 42, 45)), ("Wide", WIDE, (9, 11, 14)))
        for seed, wrong in enumerate(many)
    ]
    found = content(store, *runs)
    (between,) = seed_groups.compare_groups(seed_groups.groups(runs))
    first = next(each for each in found if isinstance(each, blocks.Bullets))
    assert first.items == (between.sentence,) and "Wide is better than Slim" in between.sentence
    assert [row[:2] for row in table(found, "seed alone").rows] == [("Slim", "0, 1, 2"), ("Wide", "0, 1, 2")]
    assert table(found, "spread of their seeds").rows[0][:4] == ("Slim", "Wide", "Wide", "Welch's test")
    said = " ".join(each.text for each in found if isinstance(each, blocks.Text))
    assert "Only the noise of the images" not in said and "the seeds' verdict weighs more" in said


def test_settings_and_networks_are_laid_side_by_side(store: RunStore, make: Make) -> None:
    a, b = make(training=replace(ONE, limit=300)), make(network=WIDE)
    c = make(network=WIDE, name="Third")
    found = content(store, a, b, c)
    settings = {row[0]: row[1:] for row in table(found, "Settings that differ").rows}
    assert settings["limit"] == ("300", "none", "none") and settings["layer 2 Dense units"] == ("16", "32", "32")
    networks = table(found, "Networks layer by layer")
    assert networks.head == ("Layer of A", "A", "B and C")
    assert networks.rows[1][2].startswith("≠ units 16 → 32")
    assert networks.foot[0][1:] == (f"{a.parameters:,} parameters", f"{b.parameters:,} parameters")
    assert "They have the same network." in html(store, b, c)
    assert "Their settings are the same." in html(store, b, c)


def test_curves_name_the_best_epoch_in_each_metrics_own_direction(store: RunStore, make: Make) -> None:
    found = content(store, make(name="First"), make(name="Second"))
    (row, _) = table(found, "Best epochs").rows
    assert row[1:] == ("80.00 % in epoch 1", "0.2000 in epoch 2", "90.00 % in epoch 1", "0.3333 in epoch 3")


def test_accuracies_of_images_that_validated_are_marked_wherever_they_stand(store: RunStore, make: Make) -> None:
    runs = [
        make(range(many), training=replace(FLATTERING, seed=seed, epochs=epochs), name=f"N{epochs}")
        for epochs in (1, 2)
        for seed, many in enumerate((3, 4, 6))
    ]
    found = content(store, *runs)
    assert any(isinstance(each, blocks.Text) and each.text == versus.MARK_MEANS for each in found)
    marked = {"The runs": 4, "exact test on": 5, "seed alone": 2, "spread of their seeds": 4, "Best epochs": 1}
    for caption, column in marked.items():
        assert all(row[column].endswith("⚠") for row in table(found, caption).rows), caption
    for each in found:
        if isinstance(each, blocks.Bullets):
            assert all("⚠" in item or comparison.FLATTERED in item for item in each.items)
    two = content(store, *runs[:2])
    assert any(isinstance(each, blocks.Text) and comparison.FLATTERED in each.text for each in two)


@pytest.mark.parametrize("wrong", [None, range(IMAGES)])
def test_runs_without_predictions_or_without_a_right_answer_make_a_report(
    store: RunStore, make: Make, wrong: Sequence[int] | None
) -> None:
    text = html(store, make(wrong, name="First", test_accuracy=None if wrong is None else 0.0), make([], name="Second"))
    assert ("are not compared" in text) == (wrong is None)
    queued = [store.create(SMALL, ONE, name=name) for name in ("One", "Two")]
    assert "are not compared" in html(store, *queued)


# The text of others ---------------------------------------------------------------------------------------------------


def test_text_of_others_is_inert_in_html_and_the_file_needs_nothing_else(store: RunStore, make: Make) -> None:
    runs = [make(range(3), name=HOSTILE), make(range(2, 9), name=HOSTILE, training=replace(ONE, epochs=3))]
    text = report.html_of(HOSTILE, content(store, *runs))
    known = Page(text)
    assert known.text.count(HOSTILE) > 10
    assert len(known.scripts) == 2 + 3 and not any("alert(1)" in script for script in known.scripts[3:])
    assert not any("<" in json.loads(script)["layout"].get("title", {}).get("text", "") for script in known.scripts[:3])
    assert {tag for tag, _ in known.elements} <= {
        "html", "head", "meta", "title", "style", "body", "main", "section", "h1", "h2", "h3", "p", "nav", "ul", "li",
        "a", "div", "table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "figure", "figcaption", "img",
        "script", "details", "summary", "noscript",
    }  # fmt: skip
    assert all(str(image["src"]).startswith("data:image/png;base64,") for image in known.all("img"))
    assert all(str(link["href"]).startswith("#") for link in known.all("a"))
    assert len(text.encode()) < 6_000_000


def test_text_of_others_is_inert_in_markdown(store: RunStore, make: Make) -> None:
    runs = [make(range(3), name=HOSTILE), make(range(2, 9), name=HOSTILE, training=replace(ONE, epochs=3))]
    text = report.markdown_of(content(store, *runs))
    assert check_tables(text) > 6
    assert "<script" not in text and "<!--" not in text and "&lt;script&gt;alert(1)" in text


# Where it is asked for ------------------------------------------------------------------------------------------------


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    for name in ("STORE", "DATA", "EXECUTOR"):
        monkeypatch.delenv(f"MNIST_LAB_{name}", raising=False)
    monkeypatch.setenv("MNIST_LAB_HOME", str(tmp_path))

    def call(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = cli.main(words)
        return (status, *capsys.readouterr())

    return call


def test_compare_writes_it_as_html_or_markdown(here: Callable[..., Any], make: Make, tmp_path: Path) -> None:
    ids = [make(range(3)).id, make(range(30, 60), network=WIDE).id]
    for name, begin in (("a.html", "<!DOCTYPE html>"), ("a.md", "# ")):
        path = tmp_path / name
        status, out, errors = here("compare", *ids, "--report", str(path))
        assert (status, errors) == (0, "") and out.endswith(f"The report is in {path}.\n")
        assert path.read_text(encoding="utf-8").startswith(begin)
    path.unlink()
    status, out, _ = here("compare", *ids, "--json", "--report", str(path))
    assert status == 0 and json.loads(out) == json.loads(here("compare", *ids, "--json")[1]) and path.is_file()


def test_where_it_cannot_be_written_is_said_before_anything_is_done(here: Callable[..., Any], tmp_path: Path) -> None:
    status, out, errors = here("compare", "a", "b", "--report", str(tmp_path / "nowhere" / "x.html"))
    assert (status, out) == (1, "") and "There is no folder" in errors
    status, out, errors = here("compare", "a", "b", "--report", str(tmp_path / "x.pdf"))
    assert (status, out) == (2, "") and "HTML or as Markdown" in errors


def test_the_buttons_make_it_when_they_are_clicked(
    store: RunStore, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: dict[str, tuple[Callable[[], bytes], str]] = {}
    monkeypatch.setattr(st, "download_button", lambda label, data, name, *_, **__: made.update({label: (data, name)}))
    runs = [make(range(3)), make(range(9), training=TrainingConfig(dataset="digits", epochs=2))]
    run_report.buttons(store, runs)
    data, name = made["Report (HTML)"]
    assert name == "comparison.html" and data().startswith(b"<!DOCTYPE html>")
    data, name = made["Report (Markdown)"]
    compared = report.gather_runs(store, runs)
    assert name == "comparison.md" and data().decode() == report.markdown_of(list(versus.blocks(compared)))

"""What a report says: the figures are scikit-learn's, the claims are the tests', the text of others is inert."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_ind
from sklearn.metrics import confusion_matrix, f1_score, precision_recall_fscore_support, roc_auc_score

from mnist_lab import datasets, report, seed_groups, studies
from mnist_lab.errors import ConfigError, LabError
from mnist_lab.report import blocks, compare, document, markdown, page
from mnist_lab.report.record import Report
from mnist_lab.store.artefacts import PREDICTIONS
from mnist_lab.studies import Series, Study, members, preset, study
from mnist_lab.studies.measured import Measured
from mnist_lab.study_plan import Setting
from tests.report.conftest import QUICK, TODAY, Bench

Says = Callable[..., str]

A, B, C = preset("000-model-10"), preset("000-model-8"), preset("000-model-3")
POOLED = preset("003-cnn"), preset("003-cnn-short")
HOSTILE = "</script><script>alert(1)</script> a|b \\| `code` **x** [l](javascript:x) <!-- & \"'"


# Tools ----------------------------------------------------------------------------------------------------------------


def of_kind(report: Report, kind: type) -> list[Any]:
    return [block for block in document.blocks(report) if isinstance(block, kind)]


def table(report: Report, caption: str) -> blocks.Table:
    (found,) = (each for each in of_kind(report, blocks.Table) if each.caption.startswith(caption))
    return found


def cells(line: str) -> list[str]:
    """The cells of a row as GitHub parts them: at each pipe that no backslash stands before."""
    parts = re.findall(r"((?:\\.|[^|\\])*)\|", line.strip()[1:])
    return [part.strip() for part in parts]


def check_tables(text: str) -> int:
    """Every table has as many cells in each row; returns how many tables there are."""
    found = 0
    for part in text.split("\n\n"):
        lines = part.splitlines()
        if lines and lines[0].startswith("|"):
            found += 1
            widths = {len(cells(line)) for line in lines}
            assert len(widths) == 1, part
            assert all(re.fullmatch(r":--|--:", cell) for cell in cells(lines[1]))
    return found


class Page(HTMLParser):
    """A parsed report: its elements, its text, its scripts."""

    VOID = ("meta", "img", "br", "hr", "link", "input")

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.scripts: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts[-1] += data
        elif not self.open or self.open[-1] != "style":
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


# Figures --------------------------------------------------------------------------------------------------------------


def test_the_figures_are_those_of_scikit_learn(bench: Bench) -> None:
    bench.run(A, [0, 5, 7, 120, 200])
    made = bench.report([A])
    (model,) = made.models
    known = model.predictions
    assert known is not None
    labels, said = known.labels, known.probabilities.argmax(1)
    (confusion,) = of_kind(made, blocks.Confusion)
    assert (confusion.matrix == confusion_matrix(labels, said, labels=range(10))).all()

    each = precision_recall_fscore_support(labels, said)
    rows = table(made, "Per digit").rows
    hot = np.eye(10)[said]
    for digit, row in enumerate(rows):
        positive = labels == digit
        aucs = [roc_auc_score(positive, scores[:, digit]) for scores in (known.probabilities, hot)]
        expected = [*(each[kind][digit] for kind in range(3)), *aucs]
        assert row == (str(digit), str(each[3][digit]), *(f"{value:.4f}" for value in expected))

    overall = {row[0].split(" (")[0]: row[2] for row in table(made, "All digits together").rows}
    assert overall["Micro F1"] == f"{100 * f1_score(labels, said, average='micro'):.2f} % ⚠"
    assert overall["Macro F1"] == f"{f1_score(labels, said, average='macro'):.4f}"
    above = known.probabilities > 0.5
    right = above[np.arange(len(labels)), labels].sum()
    assert overall["Precision of probabilities above one half"] == f"{100 * right / above.sum():.2f} %"
    assert overall["Recall of probabilities above one half"] == f"{100 * right / len(labels):.2f} %"

    figures = {row[0]: row[1:] for row in table(made, "Figures of").rows}
    assert figures["Test accuracy (95 % interval)"][1].startswith(f"{100 * (said == labels).mean():.2f} % (")
    assert figures["Wrong of the first 100 images"] == ("0", "3")
    assert figures["Overfitting begins (by the curves)"][1] == "epoch 4"
    assert figures["Weights kept of epoch"] == ("–", "3")
    assert figures["Training accuracy in the kept epoch"] == ("98.6 %", "83.33 %")


def test_the_layers_are_listed_with_their_parameters(bench: Bench) -> None:
    layers = table(bench.report([A]), "Layers of")
    assert [row[2] for row in layers.rows] == [f"{row.parameters:,}" for row in A.analysis.rows]
    assert layers.foot[0] == ("Total parameters", "", "35,030")
    assert layers.foot[2] == ("Non-trainable parameters", "", "0")


def test_layers_within_blocks_are_set_off(bench: Bench) -> None:
    inception = preset("004-model-10")
    (layers,) = (each for each in of_kind(bench.report([inception], "004"), blocks.Table) if "Layers" in each.caption)
    assert len(layers.rows) == len(inception.analysis.rows)
    assert any(row[0].startswith("↳ ") for row in layers.rows)


def test_accuracies_on_validation_images_are_marked_wherever_they_stand(bench: Bench) -> None:
    bench.run(A, [3])
    text = report.to_markdown(bench.report([A]))
    assert "⚠ marks accuracies" in text
    text = re.sub(r"\| (Precision|Recall) of .*\n", "", text)  # these are no accuracies
    accuracies = re.findall(r"99\.72 %(?: \(\d\d\.\d\d – \d\d\.\d\d\))?( ⚠)?", text)
    assert len(accuracies) == 3 and all(accuracies)
    assert "99.3 % ⚠" in text and not re.search(r"99\.3 %(?! ⚠)", text.split("## Model 10")[1])


def test_other_splits_are_not_marked(bench: Bench) -> None:
    bench.run(POOLED[0], [3])
    assert "⚠" not in report.to_markdown(bench.report(POOLED, "003"))


def test_the_first_hundred_images_are_shown_with_the_wrong_ones_marked(bench: Bench) -> None:
    bench.run(A, [0, 42, 150])
    made = bench.report([A])
    (grid,) = of_kind(made, blocks.Grid)
    dataset = datasets.load("digits")
    assert (grid.images == dataset.x_test[:100]).all() and (grid.labels == dataset.y_test[:100]).all()
    assert grid.caption == "The first 100 of the test images, Model 10: 2 wrong (published: 0)"
    text = report.to_markdown(made)
    rows = text[text.index(grid.caption[:30]) :].split("\n\n")[1].splitlines()[2:]
    shown = [cell for row in rows for cell in cells(row)[1:]]
    assert len(rows) == 10 and len(shown) == 100
    assert [index for index, cell in enumerate(shown) if cell.startswith("**")] == [0, 42]
    assert [int(cell.strip("*")) for cell in shown] == list(grid.predicted)
    said = f"image 1 is a {grid.labels[0]}, taken for a {grid.predicted[0]}; image 43 is a {grid.labels[42]}"
    assert said in text
    (image,) = Page(report.to_html(made)).all("img")
    assert (image["src"] or "").startswith("data:image/png;base64,") and said in (image["alt"] or "")


def test_of_a_pooled_split_the_images_of_its_own_test_part_are_shown(bench: Bench) -> None:
    indices = np.arange(3, 1797, 5)
    bench.run(POOLED[0], [1], indices=indices)
    (grid,) = of_kind(bench.report(POOLED, "003"), blocks.Grid)
    assert "of its own test part" in grid.caption and "published" not in grid.caption
    assert (grid.images == datasets.images_at(datasets.load("digits"), indices[:100])).all()


@pytest.mark.parametrize("change", ["other labels", "other data"])
def test_images_that_are_not_there_or_are_others_are_not_shown(bench: Bench, change: str) -> None:
    run = bench.run(A, [2])
    path = bench.store.artefacts.path(run.id, PREDICTIONS)
    with np.load(path) as stored:
        indices = stored["indices"]
        changed = {**stored, "indices": indices + 10**6 if change == "other data" else indices[::-1]}
    np.savez_compressed(path, **changed)
    made = bench.report([A])
    (grid,) = of_kind(made, blocks.Grid)
    assert grid.images is None
    text = Page(report.to_html(made))
    assert not text.all("img") and "not on this machine" in text.text
    assert len([each for each in text.all("td") if each.get("class") == "wrong"]) == 1


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 nonsense", b"\x93NUMPY", None])
def test_predictions_that_cannot_be_read_are_passed_over(bench: Bench, content: bytes | None) -> None:
    run = bench.run(A, [2])
    path = bench.store.artefacts.path(run.id, PREDICTIONS)
    if content is None:
        with path.open("wb") as file:
            np.save(file, np.zeros(3))
    else:
        path.write_bytes(content)
    made = bench.report([A])
    assert made.models[0].predictions is None
    assert "No predictions were kept" in report.to_markdown(made)


def test_published_figures_stand_beside_ours_and_the_two_auc_apart(bench: Bench) -> None:
    large = preset("003-cnn-many-filters")
    bench.run(large, [2])
    per_digit = table(bench.report([large], "003"), "Per digit")
    assert per_digit.head[5:] == (
        "AUC from probabilities",
        "AUC of hard predictions",
        "Published AUC of hard predictions",
    )
    assert large.published is not None and large.published.auc_per_digit is not None
    assert [row[7] for row in per_digit.rows] == [f"{value:.4f}" for value in large.published.auc_per_digit]


def test_several_seeds_have_a_spread_and_each_its_curve(bench: Bench) -> None:
    runs = [bench.run(A, range(many), seed=seed) for seed, many in ((1, 4), (2, 6), (3, 8))]
    made = bench.report([A])
    figures = {row[0]: row[2] for row in table(made, "Figures of").rows}
    accuracies = [run.test_accuracy for run in runs]
    assert figures["Seeds"] == "1, 2, 3"
    assert figures["Standard deviation over the seeds"] == f"{100 * np.std(accuracies, ddof=1):.3f} percentage points"
    (curves,) = of_kind(made, blocks.Curves)
    assert list(curves.ours) == ["seed 1", "seed 2", "seed 3"]
    assert "Epochs of Model 10 of seed 1" in curves.numbers.caption
    assert "seed 1: 4 of 360 test images are wrong" in of_kind(made, blocks.Confusion)[0].caption


def test_a_model_that_was_not_trained_shows_what_was_published(bench: Bench) -> None:
    bench.run(A, [1])
    text = report.to_markdown(bench.report([A, B]))
    part = text[text.index("## Model 8") : text.index("## All models")]
    assert "It was not trained in this setting: there are only the published figures." in part
    assert "99.3 % ⚠" in part and "Confusion matrix" not in part


def test_what_the_project_measured_stands_in_for_what_was_not_trained(bench: Bench) -> None:
    history = tuple({"epoch": epoch, "loss": 1 / epoch, "val_loss": 1 / epoch} for epoch in range(1, 11))
    figures = (42, 0.9815, 0.05, 10_000, 10, 8, 35.0)
    bench.project[C.name] = (Measured(C.name, "digest", *figures, "CPU, 2 cores", {}, "2026-11-20", history),)
    as_published = bench.report([C], setting=Setting())
    text = report.to_markdown(as_published)
    assert "98.15 %" in text and "those that the project ships (CPU, 2 cores, 2026-11-20)" in text
    assert "No predictions were kept" in text and as_published.dataset == "mnist"
    assert "The one published accuracy beside which something was measured, of Model 3, lies inside" in text
    assert "98.15 %" not in report.to_markdown(bench.report([C])), "in another setting these figures say nothing"


# Conclusions ----------------------------------------------------------------------------------------------------------


def test_a_model_that_is_clearly_better_is_called_so(bench: Bench, says: Says) -> None:
    bench.run(A, range(3))
    bench.run(B, range(3, 60))
    said = says(A, B)
    assert "Model 10 is better than Model 8 (p &lt; 0.001) on these 360 images" in said
    assert "images only, one seed each: another seed may turn it" in said
    assert "Model 10 itself, with 35,030 parameters, is the smallest" in said
    assert "Model 8 is better" not in said and "do not tell" not in said


def test_one_image_more_is_not_better(bench: Bench, says: Says) -> None:
    bench.run(A, [1, 2])
    bench.run(B, [3])
    said = says(A, B)
    assert "The data do not tell Model 8 apart from Model 10 (p = 1)" in said
    assert "is better" not in said
    assert "smallest model that is not told apart from Model 8 (217,782 parameters) is Model 10 with 35,030" in said


def test_what_one_test_finds_can_be_lost_among_several(bench: Bench, says: Says) -> None:
    # 0 against 6: p = 2 / 64 alone, three times as much among three pairs.
    bench.run(A, [])
    bench.run(B, range(6))
    assert "Model 10 is better than Model 8 (p = 0.0312)" in says(A, B)
    bench.run(C, range(100, 106))
    said = says(A, B, C)
    assert "is better" not in said
    assert "do not tell Model 10 apart from Model 8 (p = 0.0938) and Model 3 (p = 0.0938)" in said
    assert "Holm's correction for the 3 pairs" in said


def test_with_three_seeds_their_spread_decides(bench: Bench, says: Says) -> None:
    counts = {A.name: (2, 3, 4), B.name: (30, 33, 31), C.name: (3, 4, 6)}
    for model in (A, B, C):
        for seed, many in enumerate(counts[model.name]):
            bench.run(model, range(many), seed=seed)
    said = says(A, B, C)
    assert "Model 10 is better than Model 8 (p &lt; 0.001) on these test images, by the spread of the seeds" in said
    assert "do not tell Model 10 apart from Model 3" in said
    assert "McNemar" not in said and "Models are compared by Welch's test" in said
    first, second, _ = bench.report([A, B, C]).models
    comparison = compare.compare(first, second)
    accuracies = [[1 - many / 360 for many in counts[model.name]] for model in (A, B)]
    assert comparison.p == pytest.approx(ttest_ind(*accuracies, equal_var=False).pvalue)


def test_of_seeds_that_differ_wildly_nothing_is_concluded(bench: Bench, says: Says) -> None:
    for seed, many in enumerate((320, 320, 30)):
        bench.run(C, range(many), seed=seed)
    said = says(C)
    assert "The seeds of Model 3 differ so wildly" in said and "smallest" not in said
    for model in (A, B):
        for seed, many in enumerate((2, 3, 4)):
            bench.run(model, range(many + 20 * (model is B)), seed=seed)
    said = says(A, B, C)
    assert "The seeds of Model 3 differ so wildly" in said
    assert "Model 10 is better than Model 8" in said and "is the smallest model" in said
    assert said.count("Model 3") == 1, "not even as one that is not told apart"


@given(st.lists(st.floats(0.5, 1), min_size=2, max_size=6), st.lists(st.floats(0.5, 1), min_size=2, max_size=6))
def test_welch_is_scipys(first: list[float], second: list[float]) -> None:
    if np.ptp(first) > 1e-3 and np.ptp(second) > 1e-3:
        expected = ttest_ind(first, second, equal_var=False).pvalue
        assert seed_groups.welch(first, second) == pytest.approx(expected, rel=1e-6)


def test_accuracies_without_any_spread_cannot_be_judged_by_it() -> None:
    assert seed_groups.welch([0.1, 0.1, 0.1], [0.1, 0.1, 0.1]) == 1.0
    assert seed_groups.welch([0.1, 0.1, 0.1], [0.2, 0.2, 0.2]) is None
    assert seed_groups.welch([0.1, 0.1, 0.1], [0.2, 0.2, 0.3]) is not None


def test_answers_to_other_images_are_not_compared(bench: Bench, says: Says) -> None:
    bench.run(POOLED[0], [1], indices=np.arange(0, 360))
    bench.run(POOLED[1], range(90), indices=np.arange(200, 560), fingerprint="a" * 12)
    said = says(*POOLED, study="003")
    assert "No two of them can be tested against each other (other test images)" in said
    assert "is better" not in said


def test_models_of_other_splits_are_other_groups(bench: Bench, says: Says) -> None:
    bench.run(A, range(3))
    bench.run(B, range(3, 60))
    bench.run(POOLED[0], [])
    said = says(A, B, POOLED[0])
    assert "### Split test-as-validation, digits" in said and "### Split pooled-80-10-10, digits" in said
    assert "Model 10 is better than Model 8" in said and "fewer than two models" in said


def test_published_accuracies_are_judged_only_on_mnist_and_as_published(bench: Bench, says: Says) -> None:
    bench.run(A, [1])
    assert "trained with 6 epochs and not as published" in says(A)
    bench.run(A, range(300), setting=Setting())
    bench.run(B, [1, 2], setting=Setting())
    assert "other images than MNIST" in says(A, B, setting=Setting())
    for run in bench.store.runs():
        bench.store.set_figures(run.id, dataset="mnist")
    matching = report.record.Matching(bench.store.runs(), "mnist")
    made = report.gather(study("000"), [A, B], Setting(), matching, bench.store)
    said = report.to_markdown(made).split("## Conclusions")[1]
    assert "Of 2 published accuracies beside which something was measured, 1 lie" in said
    assert re.search(r"- Model 10: published 99\.3 % ⚠, measured 16\.67 % \(.*\) ⚠, which is lower\.", said)


def test_a_question_is_answered_series_by_series(bench: Bench) -> None:
    series = (
        Series("First", (("3×3", A.name), ("5×5", B.name))),
        Series("Second", (("5×5", B.name), ("7×7", C.name))),
    )
    question = Study("kernel", "Kernels", "Which?", varies="kernel size", series=series)
    bench.run(A, range(60))
    bench.run(B, range(100, 103))
    made = bench.report(study=question)
    text = report.to_markdown(made)
    said = text[text.index("## Conclusions") :]
    assert [model.label for model in made.models] == ["Model 10 (000)", "Model 8 (000)", "Model 3 (000)"]
    assert "### First" in said and "Kernel size, measured accuracy: 3×3 83.33 %" in said
    assert "Model 8 (000) is better than Model 10 (000) (p &lt; 0.001)" in said
    assert "(1 of 2 not measured)" in said and "fewer than two models to compare" in said
    (effect,) = of_kind(made, blocks.Effect)
    assert [row[:3] for row in effect.numbers.rows] == [
        ("First", "3×3", "Model 10 (000)"), ("First", "5×5", "Model 8 (000)"), ("Second", "5×5", "Model 8 (000)"),
        ("Second", "7×7", "Model 3 (000)"),
    ]  # fmt: skip
    assert "Which?" in Page(report.to_html(made)).text


def test_a_question_draws_no_line_from_digits_to_mnist(bench: Bench) -> None:
    question = Study("k", "K", "Which?", varies="k", series=(Series("First", (("3×3", A.name), ("5×5", B.name))),))
    bench.project[B.name] = (
        Measured(B.name, "digest", 42, 0.99, 0.05, 10_000, 10, 8, 35.0, "CPU", {}, "2026-11-20", ()),
    )

    def points() -> list[float | None]:
        (effect,) = of_kind(bench.report(study=question, setting=Setting()), blocks.Effect)
        return [point.ours for point in effect.series["First"]]

    assert points() == [None, 0.99]
    run = bench.run(A, [1], setting=Setting())
    assert points() == [run.test_accuracy, None]


def test_a_study_of_which_nothing_is_measured_concludes_nothing(bench: Bench, says: Says) -> None:
    said = says()
    assert "Nothing was measured, so nothing can be concluded." in said
    assert "better" not in said
    assert bench.report().dataset == ""


# Forms ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(studies.studies()))
def test_every_study_has_a_report_with_whole_tables(name: str, bench: Bench) -> None:
    for model in members(study(name))[:2]:
        bench.run(model, [4])
    made = bench.report(study=name)
    labels = [model.label for model in made.models]
    assert len(set(labels)) == len(labels) == len(members(study(name)))
    assert check_tables(report.to_markdown(made)) > 3 * len(labels)


def test_the_page_needs_nothing_but_itself(bench: Bench) -> None:
    bench.run(A, [0, 4])
    bench.run(B, [1])
    text = report.to_html(bench.report([A, B, C]))
    known = Page(text)
    for tag, attributes in known.elements:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            assert re.match(r"#|data:image/png;base64,", attributes.get(name) or "#"), (tag, attributes)
        assert not [name for name in attributes if name.startswith("on")]
    assert {tag for tag, _ in known.elements}.isdisjoint({"link", "iframe", "object", "embed", "base"})
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert "@import" not in style and "url(" not in style
    (policy,) = (each["content"] for each in known.all("meta") if each.get("http-equiv"))
    assert policy is not None and policy.startswith("default-src 'none'")
    assert "prefers-color-scheme: dark" in style and "@media print" in style
    kinds = [each.get("type") for each in known.all("script")]
    assert kinds.count(None) == 2 and kinds.count("application/json") == 3 + 2
    assert len(re.findall(r"plotly\.js v\d", text)) == 1
    assert known.all("noscript") and "JavaScript" in known.text
    anchors = {each.get("id") for _, each in known.elements} - {None}
    links = [(each["href"] or "")[1:] for each in known.all("a")]
    assert len(links) == 5 and set(links) <= anchors
    for script, kind in zip(known.scripts, kinds, strict=True):
        if kind == "application/json":
            assert {"data", "layout"} <= set(json.loads(script))


def hostile(bench: Bench) -> Report:
    evil = replace(A, title=HOSTILE, remark=HOSTILE, cite=HOSTILE)
    bench.run(A, [1], name=HOSTILE, device=HOSTILE)
    bench.run(B, [2])
    return bench.report([evil, B], replace(study("000"), title=HOSTILE, about=HOSTILE, caveat=HOSTILE))


def test_text_of_others_is_inert_in_html(bench: Bench) -> None:
    known = Page(report.to_html(hostile(bench)))
    assert len(known.scripts) == 2 + 4 and not any("alert(1)" in script for script in known.scripts[:4])
    assert known.text.count(HOSTILE) > 10
    assert {tag for tag, _ in known.elements} <= {
        "html", "head", "meta", "title", "style", "body", "main", "section", "h1", "h2", "h3", "p", "nav", "ul", "li",
        "a", "div", "table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "figure", "figcaption", "img",
        "script", "details", "summary", "noscript",
    }  # fmt: skip


def test_text_of_others_is_inert_in_markdown(bench: Bench) -> None:
    text = report.to_markdown(hostile(bench))
    assert check_tables(text) > 6
    assert "<script" not in text and "<!--" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; a\\|b" in text
    assert re.sub(r'<a id="[\w-]+"></a>', "", text).count("<") == 0
    assert not re.search(r"(?<!\\)`", text), "no code"
    assert "](javascript" not in text.replace("\\](", "")


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_a_row_has_its_cells_whatever_is_in_them(texts: list[str]) -> None:
    line = f"| {' | '.join(markdown.escaped(text) for text in texts)} |"
    assert "\n" not in line
    assert len(cells(line)) == len(texts)


@given(st.text(alphabet="</script>!-\u2028 x\\\"'&"))
def test_json_in_a_script_is_the_same_json_and_ends_no_script(text: str) -> None:
    written = page.json_in_script(json.dumps([text], ensure_ascii=False))
    assert json.loads(written) == [text]
    assert "<" not in written and "\u2028" not in written


def test_plotly_can_stand_in_a_script() -> None:
    text = page.plotly_js()
    assert "</script" not in text.lower() and "<!--" not in text
    assert "plotly.js v" in text[:300]


# Files ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "begin"), [("a.html", "<!DOCTYPE html>"), ("a.HTM", "<!DOCTYPE html>"), ("a.md", "# ")]
)
def test_the_suffix_tells_the_form(name: str, begin: str, bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text("older")
    report.write(bench.report([A]), path)
    text = path.read_text(encoding="utf-8")
    assert text.startswith(begin) and TODAY.isoformat() in text
    assert oct(path.stat().st_mode & 0o777) == oct(0o666 & ~_umask())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.parametrize("name", ["a.txt", "a", "html", ".html", "a.md.gz"])
def test_other_suffixes_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        report.check(tmp_path / name)
    assert ".html or .md" in caught.value.remedy


def test_a_place_that_is_none_is_one_sentence(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "folder.md").mkdir()
    for path in (tmp_path / "missing" / "a.md", tmp_path / "folder.md", tmp_path / "lab.db" / "a.html"):
        with pytest.raises(LabError) as caught:
            report.write(bench.report([A]), path)
        assert not isinstance(caught.value, ConfigError) and caught.value.remedy


def test_a_report_that_cannot_be_finished_leaves_the_older_one(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.md"
    path.write_text("older")
    before = set(tmp_path.iterdir())

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(LabError, match="No space left"):
        report.write(bench.report([A]), path)
    assert path.read_text() == "older" and set(tmp_path.iterdir()) == before


def test_only_the_setting_that_is_asked_for_is_reported(bench: Bench) -> None:
    bench.run(A, [1], setting=Setting(epochs=3))
    assert not bench.report([A], setting=QUICK).measured
    assert bench.report([A], setting=Setting(epochs=3)).measured

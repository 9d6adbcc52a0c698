"""A report as a sequence of blocks: head, one section per model, closing table, conclusions."""

from __future__ import annotations

from collections.abc import Iterator

from mnist_lab import __version__, formatting, metrics
from mnist_lab.figures.study import Point
from mnist_lab.report import words
from mnist_lab.report.blocks import Block, Contents, Effect, Heading, Table, Text
from mnist_lab.report.conclusions import conclusions
from mnist_lab.report.record import MNIST, Model, Report
from mnist_lab.report.section import section
from mnist_lab.report.words import NONE
from mnist_lab.study_results import judged


def title(report: Report) -> str:
    """The report's own heading."""
    study = report.study
    if study.is_question:
        return f"Question: {study.title}"
    return f"Study {study.name}: {study.title}" if study.is_document else study.title


def blocks(report: Report) -> Iterator[Block]:
    """The whole report."""
    yield Heading(title(report), 1)
    yield Text(f"{report.made.isoformat()} · MNIST Lab {__version__}", "note")
    if report.study.about:
        yield Text(report.study.about)
    if report.study.cite:
        yield Text(f"Source: {report.study.cite}", "note")
    if report.study.caveat:
        yield Text(report.study.caveat, "warning")
    yield Text(_what_was_done(report))
    if report.dataset and report.dataset != MNIST:
        yield Text(
            f"Measured on {report.dataset}: accuracies on other images than MNIST do not compare with published ones.",
            "warning",
        )
    if any(model.is_flattered for model in report.models):
        yield Text(words.MARK_MEANS, "warning")
    yield Contents()
    for model in report.models:
        yield from section(model, report.setting.is_as_published)
    yield Heading("All models", 2, "all-models")
    if report.study.is_question:
        yield _effect(report)
    yield closing_table(report)
    yield from conclusions(report)


def _what_was_done(report: Report) -> str:
    own = sum(bool(model.runs) for model in report.models)
    project = sum(bool(model.project) for model in report.models)
    total = len(report.models)
    text = f"Setting: {report.setting.words}. "
    text += f"{own} of {total} model{'s' * (total != 1)} {'was' if own == 1 else 'were'} trained in this laboratory"
    if report.dataset:
        text += f" (data: {report.dataset})" if own else ""
    if project:
        text += f"; of {project} the figures are those that the project measured"
    nothing = total - own - project
    if nothing and nothing != total:
        text += f"; of {nothing} there are only published figures"
    return text + "."


def closing_table(report: Report) -> Table:
    """All models in a row each."""
    head = (
        "Model", "Trained", "Parameters", "Published accuracy", "Measured (95 % interval)", "Published is",
        "Seeds", "Spread (points)", "Test loss", "Macro F1", "Wrong in 100", "Epochs", "Time",
    )  # fmt: skip
    rows = tuple(_row(model, report) for model in report.models)
    # A column that says nothing of any model only makes the others narrow.
    kept = [column for column in range(len(head)) if any(row[column] != NONE for row in rows)]
    return Table(
        "Published and measured",
        tuple(head[column] for column in kept),
        tuple(tuple(row[column] for column in kept) for row in rows),
        words=2,
    )


def _row(model: Model, report: Report) -> tuple[str, ...]:
    published, outcome, known, bad = model.published, model.outcome, model.predictions, model.is_flattered
    inside = judged(outcome, published, report.setting, model.dataset)
    return (
        model.label,
        "here" if model.runs else ("by the project" if model.project else "no"),
        f"{model.preset.parameters:,}",
        words.printed(getattr(published, "test_accuracy", None), published, bad),
        NONE if outcome is None else words.accuracy(outcome.accuracy, bad, outcome.interval),
        {None: NONE, True: "inside", False: "outside"}[inside],
        NONE if outcome is None else str(outcome.seeds),
        NONE if outcome is None or outcome.spread is None else f"{100 * outcome.spread:.3f}",
        words.loss(getattr(outcome, "loss", None)),
        NONE if known is None else words.share(metrics.macro_f1(known.labels, known.digits)),
        NONE if known is None else str(known.wrong_of_first),
        NONE if outcome is None else f"{outcome.epochs:.3g}",
        formatting.duration(getattr(outcome, "seconds", None)),
    )


def _effect(report: Report) -> Effect:
    known = {model.preset.name: model for model in report.models}
    # The project measured on MNIST: beside own runs on other images its figures make no line with them.
    is_mixed = len({model.dataset for model in report.measured}) > 1
    series: dict[str, list[Point]] = {}
    rows = []
    for each in report.study.series:
        for value, name in each.points:
            if (model := known.get(name)) is None:
                continue
            outcome, published = None if is_mixed and model.project else model.outcome, model.published
            was = None if published is None else published.test_accuracy
            point = Point(value, name, was)
            if outcome is not None:
                point = Point(value, name, was, outcome.accuracy, outcome.interval)
            series.setdefault(each.label, []).append(point)
            rows.append(
                (
                    each.label,
                    value,
                    model.label,
                    words.printed(was, published, model.is_flattered),
                    NONE if outcome is None else words.accuracy(outcome.accuracy, model.is_flattered, outcome.interval),
                )
            )
    head = ("Series", words.sentence(report.study.varies), "Model", "Published", "Measured (95 % interval)")
    marked = f" {words.MARK}" if any(model.is_flattered for model in report.models) else ""
    caption = f"Test accuracy against {report.study.varies}{marked}"
    numbers = Table(caption, head, tuple(rows), words=3)
    return Effect(report.study.varies, series, numbers)

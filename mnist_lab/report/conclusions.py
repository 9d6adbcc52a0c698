"""What the figures of a study support, and no more: "better" is said only where a test says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mnist_lab.report import words
from mnist_lab.report.blocks import Block, Bullets, Heading, Table, Text
from mnist_lab.report.compare import ALPHA, IMAGES, SEEDS, Comparison, compare_all, tests_in
from mnist_lab.report.record import MNIST, Model, Report
from mnist_lab.report.words import NONE
from mnist_lab.study_results import SEEDS_FOR_SPREAD

BY_IMAGES = "images only, one seed each: another seed may turn it"


def conclusions(report: Report) -> Iterator[Block]:
    """The closing sentences of a report."""
    yield Heading("Conclusions", 2, "conclusions")
    if not report.measured:
        yield Text("Nothing was measured, so nothing can be concluded.")
        return
    yield from reproduced(report)
    if wild := [model for model in report.measured if _is_wild(model)]:
        yield Text(
            f"The seeds of {_names(wild)} differ so wildly that their interval would hold any accuracy; so nothing is "
            "concluded of them. See their curves: a seed may have learnt nothing."
        )
    groups = grouped(report)
    compared = compare_all([models for _, models in groups])
    tests = tests_in(compared)
    if tests:
        yield Text(_how(compared, tests), "note")
    for (label, models), comparisons in zip(groups, compared, strict=True):
        if label:
            yield Heading(label, 3)
        yield from _group(report, label, models, comparisons)


def reproduced(report: Report) -> Iterator[Block]:
    """How many published accuracies lie inside the interval of what was measured."""
    if not report.setting.is_as_published:
        yield Text(
            f"The models were trained with {report.setting.words} and not as published: whether a published accuracy "
            "was reached again is not asked."
        )
        return
    both = [
        model for model in report.measured if model.published is not None and model.published.test_accuracy is not None
    ]
    elsewhere = [model for model in both if model.dataset != MNIST]
    both = [model for model in both if model.dataset == MNIST]
    if elsewhere:
        names = _names(elsewhere)
        yield Text(f"Measured on other images than MNIST, and so not laid beside what was published: {names}.")
    both = [model for model in both if not _is_wild(model)]
    if not both:
        return
    inside = [model for model in both if _is_inside(model)]
    if len(both) == 1:
        said = f"The one published accuracy beside which something was measured, of {both[0].label}, lies "
    else:
        said = f"Of {len(both)} published accuracies beside which something was measured, {len(inside)} lie "
    said += f"{'inside' if inside or len(both) > 1 else 'outside'} the 95 % interval of what was measured"
    said += f": {_names(inside)}." if inside and len(both) > 1 else "."
    yield Text(f"{said} A printed figure is taken as exactly as it was printed: 99.3 % may have been 99.25 %.")
    outside = [model for model in both if model not in inside]
    if outside:
        yield Text("Outside:")
        yield Bullets(tuple(_outside(model) for model in outside))
    if any(model.outcome is not None and model.outcome.seeds < SEEDS_FOR_SPREAD for model in both):
        yield Text(
            "The interval of one or two seeds knows the number of test images and not how seeds differ: an accuracy "
            "outside it may be another seed's. And of many published accuracies, each of a single training too, some "
            "lie outside by chance alone.",
            "note",
        )


def _is_wild(model: Model) -> bool:
    return model.outcome is not None and model.outcome.is_wild


def _is_inside(model: Model) -> bool:
    return model.outcome is not None and bool(model.outcome.holds(model.published))


def _outside(model: Model) -> str:
    published, outcome = model.published, model.outcome
    assert published is not None and outcome is not None and published.test_accuracy is not None
    side = "higher" if outcome.accuracy > published.test_accuracy else "lower"
    was = words.printed(published.test_accuracy, published, model.is_flattered)
    return f"{model.label}: published {was}, measured {_measured(model)}, which is {side}."


def grouped(report: Report) -> list[tuple[str, list[Model]]]:
    """The measured models that can be compared with each other, by what a group is called.

    Of a document: those with the same images and the same split. Of a question: each series, as only one thing varies
    within one.
    """
    known = [model for model in report.measured if not _is_wild(model)]
    if report.study.is_question:
        by_name = {model.preset.name: model for model in known}
        series = [(each.label, [by_name[name] for _, name in each.points if name in by_name]) for each in
                  report.study.series]  # fmt: skip
        return [(label, list(dict.fromkeys(models))) for label, models in series]
    kinds: dict[tuple[str, str], list[Model]] = {}
    for model in known:
        kinds.setdefault((model.dataset, model.training.split), []).append(model)
    if len(kinds) == 1:
        return [("", known)]
    return [(f"Split {split}, {dataset}", models) for (dataset, split), models in kinds.items()]


def _how(compared: Sequence[Sequence[Comparison]], tests: int) -> str:
    kinds = {each.by for group in compared for each in group}
    by_images = "McNemar's exact test of what the first run of each says of the same test images"
    by_seeds = (
        "Welch's test of their accuracies, which knows how seeds differ, and which a permutation test must bear out"
    )
    text = f"Models are compared by {by_images if IMAGES in kinds else by_seeds}"
    if {IMAGES, SEEDS} <= kinds:
        text += f"; where both have {SEEDS_FOR_SPREAD} seeds or more, by {by_seeds}"
    text += "."
    if tests > 1:
        text += f" All p are after Holm's correction for the {tests} pairs that were tested."
    return f"{text} One is called better only where p is below {ALPHA}; not told apart does not mean equally good."


def _group(report: Report, label: str, models: list[Model], comparisons: Sequence[Comparison]) -> Iterator[Block]:
    if label and report.study.is_question:
        yield Text(_along(report, label))
    if len(models) < 2:
        yield Text("There are fewer than two models to compare.")
        return
    testable = [model for model in models if any(each.by and model in (each.a, each.b) for each in comparisons)]
    if not testable:
        reasons = words.listed(sorted({each.reason for each in comparisons}))
        yield Text(f"No two of them can be tested against each other ({reasons}).")
        return
    best = min(testable, key=lambda model: (-_accuracy(model), model.preset.parameters))
    with_best = [each for each in comparisons if best in (each.a, each.b)]
    among = " of those that can be tested" if len(testable) < len(models) else ""
    yield Text(f"The highest measured accuracy{among} is that of {best.label}: {_measured(best)}.")
    yield Bullets(tuple(_verdicts(best, with_best)))
    yield _table(best, with_best)
    if best.is_flattered and len(testable) > 1:
        yield Text(
            f"{words.MARK} These images also served for validation: what the tests compare may be flattered.", "note"
        )
    if len({model.preset.parameters for model in testable}) > 1:
        yield Text(_smallest(best, with_best))


def _accuracy(model: Model) -> float:
    return model.outcome.accuracy if model.outcome is not None else 0.0


def _measured(model: Model) -> str:
    assert model.outcome is not None
    return words.accuracy(model.outcome.accuracy, model.is_flattered, model.outcome.interval)


def _names(models: Sequence[Model]) -> str:
    return words.listed([model.label for model in models])


def _with_p(comparisons: Sequence[Comparison], best: Model) -> str:
    return words.listed([f"{each.other(best).label} ({words.chance(each.corrected or 0.0)})" for each in comparisons])


def _verdicts(best: Model, comparisons: Sequence[Comparison]) -> Iterator[str]:
    for by in (IMAGES, SEEDS):
        tested = [each for each in comparisons if each.by == by]
        won = [each for each in tested if each.better is best]
        lost = [each for each in tested if each.is_told_apart and each.better is not best]
        if won and by == IMAGES:
            yield (f"{best.label} is better than {_with_p(won, best)} on these {won[0].images:,} images ({BY_IMAGES}).")
        if won and by == SEEDS:
            yield f"{best.label} is better than {_with_p(won, best)} on these test images, by the spread of the seeds."
        for each in lost:
            yield (
                f"{each.other(best).label} is better than {best.label} on these {each.images:,} images "
                f"({words.chance(each.corrected or 0.0)}; {BY_IMAGES}), though its mean accuracy is lower."
            )
    alike = [each for each in comparisons if each.by and not each.is_told_apart]
    if alike:
        yield f"The data do not tell {best.label} apart from {_with_p(alike, best)}."
    without = [each for each in comparisons if not each.by]
    if without:
        reasons = words.listed([f"{each.other(best).label} ({each.reason})" for each in without])
        yield f"Not compared with {best.label}: {reasons}."


def _table(best: Model, comparisons: Sequence[Comparison]) -> Table:
    rows = []
    for each in comparisons:
        turned = each.a is not best
        own, others = (each.only_b, each.only_a) if turned else (each.only_a, each.only_b)
        judged = "" if each.by == "" else ("told apart" if each.is_told_apart else "not told apart")
        rows.append(
            (
                each.other(best).label,
                {IMAGES: "McNemar", SEEDS: "Welch", "": each.reason}[each.by],
                words.number(own),
                words.number(others),
                _p(each.p),
                _p(each.corrected),
                judged or NONE,
            )
        )
    head = (
        "Model",
        "Test",
        "Only the best is right",
        "Only this one is right",
        "p",
        "p, corrected",
        "By the test",
    )
    return Table(f"The best, {best.label}, against each other model", head, tuple(rows), words=2)


def _p(value: float | None) -> str:
    return NONE if value is None else ("< 0.001" if value < 0.001 else f"{value:.3g}")


def _smallest(best: Model, comparisons: Sequence[Comparison]) -> str:
    alike = [each.other(best) for each in comparisons if each.by and not each.is_told_apart]
    smallest = min([best, *alike], key=lambda model: model.preset.parameters)
    if smallest is best:
        return (
            f"Of those tested, {best.label} itself, with {best.preset.parameters:,} parameters, is the smallest model "
            "that is not told apart from the best."
        )
    return (
        f"Of those tested, the smallest model that is not told apart from {best.label} ({best.preset.parameters:,} "
        f"parameters) is {smallest.label} with {smallest.preset.parameters:,} parameters: {_measured(smallest)}."
    )


def _along(report: Report, label: str) -> str:
    """What was measured along a series, in its order."""
    (series,) = (each for each in report.study.series if each.label == label)
    known = {model.preset.name: model for model in report.measured}
    points = [f"{value} {_measured(known[name])}" for value, name in series.points if name in known]
    if not points:
        return f"{words.sentence(report.study.varies)}: nothing was measured."
    missing = len(series.points) - len(points)
    lacks = f" ({missing} of {len(series.points)} not measured)" if missing else ""
    return f"{words.sentence(report.study.varies)}, measured accuracy: {'; '.join(points)}{lacks}."

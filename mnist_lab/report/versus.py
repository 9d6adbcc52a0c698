"""The report of two to ten runs as a sequence of blocks: verdict, runs, pairs, seeds, settings, networks, curves."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import pandas as pd

from mnist_lab import __version__, formatting
from mnist_lab.architecture import where
from mnist_lab.comparison import FLATTERED, ONE_TRAINING, Comparison
from mnist_lab.figures.curves import best_epoch
from mnist_lab.figures.run_curves import Choice, RunCurve, run_curves
from mnist_lab.network_diff import Line
from mnist_lab.report import words
from mnist_lab.report.blocks import Block, Bullets, Chart, Contents, Heading, Table, Text
from mnist_lab.report.compared import Compared
from mnist_lab.report.versus_pair import difference, p_value, two
from mnist_lab.report.words import MARK, NONE
from mnist_lab.seed_groups import GroupComparison
from mnist_lab.store import Run
from mnist_lab.study_results import SEEDS_FOR_SPREAD

MARK_MEANS = (
    f"{MARK} marks accuracies on test images that also served for validation. Where these chose the epoch whose "
    "weights were kept, or when to stop, the accuracies are too good."
)
NOT_APART = "not told apart"


def title(compared: Compared) -> str:
    """The report's own heading."""
    names = [compared.names[run.id] for run in compared.runs]
    return f"{names[0]} against {names[1]}" if len(names) == 2 else f"{len(names)} runs against each other"


def blocks(compared: Compared) -> Iterator[Block]:
    """The whole report."""
    yield Heading(title(compared), 1)
    yield Text(f"{compared.made.isoformat()} · MNIST Lab {__version__}", "note")
    if compared.is_flattered:
        yield Text(MARK_MEANS, "warning")
    yield Contents()
    yield Heading("Verdict", 2, "verdict")
    yield from _verdict(compared)
    yield Heading("Runs", 2, "runs")
    yield _runs(compared)
    yield from _pairs(compared)
    yield from _seeds(compared)
    if len(compared.runs) == 2:
        yield from two(compared, compared.pairs[0])
    yield Heading("Settings", 2, "settings")
    yield _settings(compared) if compared.settings else Text("Their settings are the same.")
    yield Heading("Networks", 2, "networks")
    yield from _networks(compared)
    yield Heading("Curves", 2, "curves")
    yield _curves(compared)


def letters(runs: Sequence[Run]) -> dict[str, str]:
    """What tables call some runs, by id: A, B ..."""
    return {run.id: chr(ord("A") + index) for index, run in enumerate(runs)}


# Verdict --------------------------------------------------------------------------------------------------------------


def _verdict(compared: Compared) -> Iterator[Block]:
    by_seeds = [pair for pair in compared.group_pairs if not pair.reason]
    if by_seeds:
        yield Bullets(tuple(pair.sentence for pair in by_seeds))
    known = [pair for pair in compared.pairs if not pair.reason]
    told = [pair for pair in known if pair.better is not None]
    if len(compared.pairs) == 1:
        pair = compared.pairs[0]
        yield Text(pair.finding if pair.reason or not pair.is_flattered else f"{pair.finding} {FLATTERED}")
    elif known:
        holm = f", by p after Holm's correction for all {len(known)}" * (len(known) > 1)
        yield Text(
            f"Of {len(known)} pair{'s' * (len(known) > 1)} on the same images, {len(told) or 'none'} "
            f"{'is' if len(told) <= 1 else 'are'} told apart{holm}:"
        )
        yield Bullets(tuple(_standing(compared, known)))
    if len(compared.pairs) > 1 and (reasons := list(_not_compared(compared.pairs))):
        yield Bullets(tuple(reasons))
    covered = {run.id for group in compared.groups if group.covers_seeds for run in group.runs}
    if known and any(run.id not in covered for run in compared.runs):
        covers = known[0].covers if len(compared.pairs) == 1 else ONE_TRAINING
        yield Text(
            f"{covers} Only the noise of the images is covered, not that of the training: for that, train at least "
            f"{SEEDS_FOR_SPREAD} seeds of each.",
            "warning",
        )
    elif known and by_seeds:
        yield Text("A pair of runs knows nothing of how trainings differ: the seeds' verdict weighs more.", "note")


def _standing(compared: Compared, known: Sequence[Comparison]) -> Iterator[str]:
    """What the tests say of each run, the most accurate first: ``"A, 91.90 % (...): better than C; ..."``."""
    letter = letters(compared.runs)
    tested = [run for run in compared.runs if any(run.id in (pair.a.id, pair.b.id) for pair in known)]
    for run in sorted(tested, key=lambda run: -(run.test_accuracy or 0)):
        said: dict[str, list[str]] = {"better than": [], f"{NOT_APART} from": [], "worse than": []}
        for pair in known:
            if run.id in (pair.a.id, pair.b.id):
                other = pair.b if run.id == pair.a.id else pair.a
                is_better = None if pair.better is None else pair.better.id == run.id
                kind = {True: "better than", None: f"{NOT_APART} from", False: "worse than"}[is_better]
                said[kind].append(letter[other.id])
        verdicts = "; ".join(f"{kind} {words.listed(others)}" for kind, others in said.items() if others)
        yield f"{letter[run.id]}, {compared.names[run.id]}, {_accuracy(run)}: {verdicts}."


def _not_compared(pairs: Sequence[Comparison]) -> Iterator[str]:
    alike: dict[str, list[str]] = {}
    for pair in pairs:
        if pair.reason:
            alike.setdefault(pair.reason, []).append(" with ".join(pair.names))
    for reason, which in alike.items():
        yield f"Not compared, as {reason}: {words.listed(which)}."


# Runs, pairs, seeds ---------------------------------------------------------------------------------------------------


def _accuracy(run: Run) -> str:
    return words.accuracy(run.test_accuracy, run.test_is_validation, run.test_accuracy_interval)


def _runs(compared: Compared) -> Table:
    head = ("Run", "Id", "Status", "Data", "Test accuracy (95 % interval)", "Test loss", "Parameters", "Seed",
            "Epochs", "Training time", "Looks at the test images")  # fmt: skip
    rows = tuple(
        (
            f"{letter}: {compared.names[run.id]}",
            run.id[:8],
            run.status,
            f"{run.dataset or NONE}, {run.split}",
            _accuracy(run),
            words.marked(words.loss(run.test_loss), run.test_is_validation),
            f"{run.parameters:,}",
            str(run.training.get("seed", NONE)),
            str(run.epochs_run),
            formatting.duration(run.seconds),
            f"{run.test_looks:,}",
        )
        for run, letter in zip(compared.runs, letters(compared.runs).values(), strict=True)
    )
    return Table("The runs; a test set that is looked at often flatters whoever keeps the best", head, rows, words=4)


def _pairs(compared: Compared) -> Iterator[Block]:
    known = [pair for pair in compared.pairs if not pair.reason]
    if not known:
        return
    letter = letters(compared.runs)
    rows = tuple(
        (
            letter[pair.a.id],
            letter[pair.b.id],
            _who(pair, letter),
            f"{pair.paired.only_a:,}",
            f"{pair.paired.only_b:,}",
            words.marked(difference(pair.difference, pair.interval), pair.is_flattered),
            p_value(pair.p),
            p_value(pair.corrected),
        )
        for pair in known
        if pair.paired is not None
    )
    head = ("One", "Other", "Better", "Only the one right", "Only the other right", "Accuracy, one less other (points)",
            "p", "p, corrected")  # fmt: skip
    images = {pair.paired.images for pair in known if pair.paired is not None}
    count = f"{next(iter(images)):,} " if len(images) == 1 else ""
    yield Heading("Pairs on the same images", 2, "pairs")
    yield Table(f"McNemar's exact test on the same {count}test images; 95 % intervals by Tango", head, rows, words=3)


def _who(pair: Comparison, letter: dict[str, str]) -> str:
    said = NOT_APART if pair.better is None else letter[pair.better.id]
    return f"{said} (only the seed differs)" if pair.only_seed else said


def _seeds(compared: Compared) -> Iterator[Block]:
    if not any(len(group.runs) > 1 for group in compared.groups):
        return
    yield Heading("Seeds", 2, "seeds")
    rows = tuple(
        (
            group.name,
            ", ".join(map(str, group.seeds)),
            words.marked(formatting.percent(group.accuracy), group.runs[0].test_is_validation),
            NONE if group.spread is None else f"{100 * group.spread:.3f}",
        )
        for group in compared.groups
    )
    head = ("Network", "Seeds", "Mean test accuracy", "Standard deviation (points)")
    yield Table("Runs that differ in their seed alone", head, rows, words=2)
    tested = [pair for pair in compared.group_pairs if not pair.reason]
    if tested:
        yield _group_pairs(tested)
    if reasons := [pair.sentence for pair in compared.group_pairs if pair.reason]:
        yield Bullets(tuple(reasons))


def _group_pairs(tested: Sequence[GroupComparison]) -> Table:
    rows = tuple(
        (
            pair.a.name,
            pair.b.name,
            NOT_APART if pair.better is None else pair.better.name,
            words.sentence(pair.by.removeprefix("a ")),
            words.marked(difference(pair.difference, pair.interval), pair.a.runs[0].test_is_validation),
            p_value(pair.p),
            p_value(pair.corrected),
        )
        for pair in tested
    )
    head = ("One", "Other", "Better", "By", "Mean accuracy, one less other (points)", "p", "p, corrected")
    return Table("Networks by the spread of their seeds", head, rows, words=4)


# Settings, networks, curves -------------------------------------------------------------------------------------------


def _settings(compared: Compared) -> Table:
    rows = tuple(
        (name, *(formatting.setting(values[run.id]) if run.id in values else NONE for run in compared.runs))
        for name, values in compared.settings.items()
    )
    head = ("Setting", *_columns(compared))
    return Table(f"Settings that differ ({NONE}: the run has no such setting)", head, rows, words=len(head))


def _columns(compared: Compared) -> list[str]:
    return [f"{letter}: {compared.names[run_id]}" for run_id, letter in letters(compared.runs).items()]


def _networks(compared: Compared) -> Iterator[Block]:
    if not any(line.differs for line in compared.layers):
        yield Text("They have the same network.")
        return
    kinds: dict[str, list[int]] = {}
    for index, run in enumerate(compared.runs):
        kinds.setdefault(json.dumps(run.architecture, sort_keys=True), []).append(index)
    letter = list(letters(compared.runs).values())
    firsts = [indices[0] for indices in kinds.values()]
    rows = tuple(
        (
            "↳ " * line.depth + (where(base.path) if (base := line.cells[line.base]) else ""),
            *(_cell(line, index) for index in firsts),
        )
        for line in compared.layers
    )
    head = ("Layer of A", *(words.listed([letter[index] for index in indices]) for indices in kinds.values()))
    totals = ("Together", *(f"{compared.runs[index].parameters:,} parameters" for index in firsts))
    caption = "Networks layer by layer, beside that of A (= the same, ≠ changed, + added, − removed)"
    yield Table(caption, head, rows, words=len(head), foot=(totals,))


def _cell(line: Line, index: int) -> str:
    found, state = line.cells[index], line.state(index)
    if state == "absent":
        return ""
    if found is None:
        return "− no such layer"
    changed = "; ".join(
        f"{name} {formatting.setting(before)} → {formatting.setting(after)}"
        for name, before, after in line.changes(index)
    )
    sign = "" if index == line.base else {"same": "= ", "changed": "≠ ", "added": "+ "}[state]
    costs = f"{formatting.shape(found.output_shape)}, {found.parameters:,} parameters"
    return f"{sign}{changed if state == 'changed' else found.title} · {costs}"


def _curves(compared: Compared) -> Chart:
    frames = {run_id: pd.DataFrame(rows) for run_id, rows in compared.histories.items()}
    runs = [
        RunCurve(run.id, compared.names[run.id], frames[run.id], flattered=run.test_is_validation)
        for run in compared.runs
    ]
    columns = {"val_accuracy": "Highest validation accuracy", "val_loss": "Lowest validation loss",
               "accuracy": "Highest training accuracy", "loss": "Lowest training loss"}  # fmt: skip
    rows = tuple(
        (
            f"{letter}: {compared.names[run.id]}",
            *(
                words.marked(_best(frames[run.id], name), run.test_is_validation and name.startswith("val_"))
                for name in columns
            ),
        )
        for run, letter in zip(compared.runs, letters(compared.runs).values(), strict=True)
    )
    numbers = Table("Best epochs, each metric in its own direction", ("Run", *columns.values()), rows)
    caption = "Validation loss and validation accuracy by epoch; a star where each is best"
    return Chart(
        caption + f" ({MARK} validated on test images)" * compared.is_flattered,
        lambda: run_curves(runs, Choice(metrics=("val_loss", "val_accuracy"))),
        numbers,
        "tall",
    )


def _best(frame: pd.DataFrame, metric: str) -> str:
    best = best_epoch(frame, metric) if len(frame) else None
    if best is None:
        return NONE
    value = float(frame.loc[frame["epoch"] == best, metric].iloc[0])
    return f"{formatting.percent(value) if metric.endswith('accuracy') else words.loss(value)} in epoch {best}"

"""`compare`: whether one trained network is better than another, and by what."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mnist_lab import comparison, formatting, network_diff, report, run_settings
from mnist_lab.cli.command import Answer, Options, command
from mnist_lab.cli.common import open_runs, table
from mnist_lab.errors import LabError
from mnist_lab.report import versus
from mnist_lab.run_settings import ABSENT
from mnist_lab.shapes import Row
from mnist_lab.store import Run

MOST = 10


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "runs",
        metavar="RUN",
        nargs="+",
        help="two to ten: each its id, the beginning of it (four letters), or its name",
    )
    parser.add_argument("--all", action="store_true", help="all settings and layers, not only those that differ")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write a report too: FILE.html or FILE.md")


@command("compare", "compare two to ten runs on their test images, and networks by their seeds", _arguments)
def _compare(options: Options) -> Answer:
    if options.report is not None:
        report.check(options.report)
    store = open_runs()
    runs = list({run.id: run for run in map(store.find, options.runs)}.values())
    if len(runs) < 2:
        raise LabError("A comparison needs two different runs.", "Name two to ten; `runs` lists them.")
    if len(runs) > MOST:
        raise LabError(f"{len(runs)} runs are too many for one comparison.", f"Name at most {MOST}.")
    compared = report.gather_runs(store, runs)
    pairs, groups, group_pairs = compared.pairs, compared.groups, compared.group_pairs
    settings = run_settings.settings(runs) if options.all else compared.settings
    lines = [line for line in compared.layers if options.all or line.differs]
    document = {
        "runs": [run.to_json() for run in runs],
        "settings": settings,
        "layers": [line.to_json([run.id for run in runs]) for line in lines],
        "pairs": [pair.to_json() for pair in pairs],
        "groups": [group.to_json() for group in groups],
        "group_pairs": [pair.to_json() for pair in group_pairs],
    }
    parts = [_runs(runs), _settings(runs, settings), _layers(runs, lines), "\n\n".join(pair.sentence for pair in pairs)]
    parts += [_digits(pairs[0])] if len(pairs) == 1 and pairs[0].digits else []
    parts += ["\n".join(group.sentence for group in groups)]
    # A pair of groups without enough seeds has been spoken of with the groups.
    parts += [pair.sentence for pair in group_pairs if pair.a.covers_seeds and pair.b.covers_seeds]
    if options.report is not None:
        report.put(versus.title(compared), list(versus.blocks(compared)), options.report)
        parts += [f"The report is in {options.report}."]
    return Answer(document, "\n\n".join(filter(None, parts)))


def _letters(runs: Sequence[Run]) -> list[str]:
    return [chr(ord("A") + index) for index in range(len(runs))]


def _runs(runs: Sequence[Run]) -> str:
    rows = [
        (letter, run.id[:8], run.status, f"{run.parameters:,}", f"{run.dataset or ABSENT}, {run.split}",
         formatting.accuracy(run.test_accuracy, run.test_accuracy_interval)
         + " (test as validation)" * (run.test_is_validation and run.test_accuracy is not None), run.name)
        for letter, run in zip(_letters(runs), runs, strict=True)
    ]  # fmt: skip
    return table(("", "ID", "STATUS", "PARAMETERS", "DATA", "TEST (95 %)", "NAME"), rows)


def _settings(runs: Sequence[Run], settings: dict[str, dict[str, Any]]) -> str:
    if not settings:
        return "Their settings are the same."
    rows = [
        (name, *(formatting.setting(values[run.id]) if run.id in values else ABSENT for run in runs))
        for name, values in settings.items()
    ]
    return table(("SETTING", *_letters(runs)), rows)


def _layers(runs: Sequence[Run], lines: Sequence[network_diff.Line]) -> str:
    """The networks beside the first; nothing where their settings have told all that differs."""
    if not any(line.state(index) in ("added", "removed") for line in lines for index in range(len(runs))):
        return ""
    rows = [
        (line.place, *(line.words(index) + _cost(line.cells[index]) for index in range(len(runs)))) for line in lines
    ]
    return table(("LAYER", *_letters(runs)), rows)


def _cost(row: Row | None) -> str:
    return f", {row.parameters:,}" if row is not None and row.parameters else ""


def _digits(pair: comparison.Comparison) -> str:
    rows = [
        (str(each.digit), f"{each.paired.images:,}", str(each.paired.only_a), str(each.paired.only_b),
         comparison.points(each.difference, each.interval) if each.paired.images else ABSENT)
        for each in pair.digits
    ]  # fmt: skip
    return table(("DIGIT", "IMAGES", "ONLY A", "ONLY B", "RECALL, A LESS B"), rows)

"""`ensemble`: several trained networks as one that says the mean of what they say."""

from __future__ import annotations

import argparse
from functools import partial

from mnist_lab import comparison, ensemble, formatting
from mnist_lab.cli.command import Answer, Options, command
from mnist_lab.cli.common import open_runs, table
from mnist_lab.predictions import read_predictions


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", metavar="RUN", nargs="+", help="two or more: each its id, the beginning of it, or name")


@command("ensemble", "put networks together on their test images", _arguments)
def _ensemble(options: Options) -> Answer:
    store = open_runs()
    runs = list({run.id: run for run in map(store.find, options.runs)}.values())
    together = ensemble.form(runs, partial(read_predictions, store))
    rows = [
        (member.run.id[:8], formatting.percent(member.accuracy), comparison.points(member.difference, member.interval),
         f"{member.paired.only_a:,}", f"{member.paired.only_b:,}", comparison.words_of_p(member.corrected),
         member.name)
        for member in together.members
    ]  # fmt: skip
    head = ("ID", "TEST", "ENSEMBLE LESS MEMBER", "ONLY ENSEMBLE", "ONLY MEMBER", "P (HOLM)", "NAME")
    return Answer(together.to_json(), f"{together.sentence}\n\n{table(head, rows)}")

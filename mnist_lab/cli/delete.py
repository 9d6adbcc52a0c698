"""`delete`: away with runs, and back."""

from __future__ import annotations

import argparse

from mnist_lab.cli.command import Answer, Options, command
from mnist_lab.cli.common import open_runs


def _delete_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", metavar="RUN", nargs="+", help="id, its beginning, or name")
    parser.add_argument("--undo", action="store_true", help="bring back what was deleted within the last day")


@command("delete", "delete runs; for a day, --undo brings them back", _delete_arguments)
def _delete(options: Options) -> Answer:
    store = open_runs()
    found = [store.find(text, deleted=options.undo) for text in options.runs]
    ids = [run.id for run in found]
    if options.undo:
        store.undelete(ids)
        return Answer({"restored": ids}, "\n".join(f"Brought back {run.name} ({run.id[:8]})." for run in found))
    store.delete(ids)
    return Answer({"deleted": ids}, "\n".join(f"Deleted {run.name} ({run.id[:8]})." for run in found))

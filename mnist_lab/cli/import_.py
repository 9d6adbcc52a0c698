"""`import`: runs from the archives that `export` writes."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from mnist_lab import exchange
from mnist_lab.cli.command import DONE, FAILED, Answer, Options, command
from mnist_lab.cli.common import open_runs, run_text
from mnist_lab.errors import LabError
from mnist_lab.exchange import files
from mnist_lab.jobs import InferenceClient


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", metavar="FILE", nargs="+", type=Path, help="a .zip that `export` or the page wrote")


@command("import", "bring in runs from exported .zip files; nothing in them is believed", _arguments)
def _import(options: Options) -> Answer:
    store = open_runs()
    client = InferenceClient()
    documents: list[dict[str, Any]] = []
    texts, problems = [], []
    try:
        for path in options.files:
            try:
                brought = exchange.bring_in(store, files.read(path), client.ask)
            except LabError as error:
                problems.append(f"{path}: {error}")
                continue
            documents.append({**brought.run.to_json(), "file": str(path), "already_here": not brought.is_new})
            texts.append(("" if brought.is_new else "It was here already.\n") + run_text(brought.run))
    finally:
        client.close()
    return Answer(documents, "\n\n".join(texts), FAILED if problems else DONE, "\n".join(problems))

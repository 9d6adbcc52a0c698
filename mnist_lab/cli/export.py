"""`export`: a run as a file that others can use."""

from __future__ import annotations

import argparse
from pathlib import Path

from mnist_lab import exchange, formatting
from mnist_lab.cli.command import Answer, Options, command
from mnist_lab.cli.common import open_runs, run_argument
from mnist_lab.exchange import files, mlflow_export
from mnist_lab.jobs import InferenceClient

MLFLOW = "mlflow"


def _arguments(parser: argparse.ArgumentParser) -> None:
    run_argument(parser)
    parser.add_argument(
        "--form", choices=[*exchange.FORMS, MLFLOW], default="zip", help="what to write; everything, as one .zip"
    )
    parser.add_argument(
        "--to",
        metavar="PLACE",
        help="a file or a folder, the present one if not given; for mlflow a tracking store, as sqlite:///mlflow.db",
    )
    parser.add_argument("--force", action="store_true", help="replace a file that is there")


@command("export", "write a run to a file: everything, or its script, network, curves, predictions", _arguments)
def _export(options: Options) -> Answer:
    store = open_runs()
    run = store.find(options.run)
    client = InferenceClient()
    source = exchange.Source(store, run, client.ask)
    try:
        if options.form == MLFLOW:
            logged = mlflow_export.log(source, options.to, again=options.force)
            where = {"run": run.id, "form": MLFLOW, "tracking_uri": logged.tracking_uri, "mlflow_run": logged.run_id}
            return Answer(where, f"{run.name} is in {logged.tracking_uri}, as MLflow's run {logged.run_id}.")
        form = exchange.FORMS[options.form]
        to = None if options.to is None else Path(options.to)
        path = files.place(to, exchange.file_name(run, form), force=options.force)
        content = form.make(source)
        files.write(content, path, force=options.force)
    finally:
        client.close()
    document = {"run": run.id, "form": form.name, "file": str(path), "bytes": len(content)}
    return Answer(document, f"{form.title} of {run.name} ({run.id[:8]}): {path}, {formatting.size(len(content))}")

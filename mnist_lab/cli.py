"""The command line: the same jobs, over the same store, without a browser.

To add a command, write a function with ``@command``: what it adds to its parser, and what it prints.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mnist_lab import datasets, drawing, forecast, formatting, metrics, shapes, starter, studies
from mnist_lab.architecture import Architecture
from mnist_lab.errors import ArchitectureError, ConfigError, DataError, LabError, RunNotFound
from mnist_lab.jobs import InferenceClient, end_lost, new_owner, release_lost, run_one
from mnist_lab.store import Run, RunStore, open_store
from mnist_lab.store.artefacts import PREDICTIONS
from mnist_lab.training_config import OPTIMIZERS, SPLITS, TrainingConfig

DONE, FAILED, USAGE = 0, 1, 2
EVALUATION_SECONDS = 3600.0

Options = argparse.Namespace


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command has to say.

    Attributes:
        document: For ``--json``.
        text: For people.
        status: The exit status.
        complaint: One sentence for standard error.
    """

    document: Any
    text: str
    status: int = DONE
    complaint: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """One word of the command line."""

    name: str
    help: str
    arguments: Callable[[argparse.ArgumentParser], None]
    answer: Callable[[Options], Answer]


COMMANDS: dict[str, Command] = {}


def command(
    name: str, help: str, arguments: Callable[[argparse.ArgumentParser], None] = lambda parser: None
) -> Callable[[Callable[[Options], Answer]], Callable[[Options], Answer]]:
    """Registers a function as a command."""

    def registered(function: Callable[[Options], Answer]) -> Callable[[Options], Answer]:
        COMMANDS[name] = Command(name, help, arguments, function)
        return function

    return registered


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        arguments: The words after the program's name; None for those of the process.

    Returns:
        0 done, 1 the run failed or the thing was not found, 2 wrong usage.
    """
    logging.basicConfig(level=logging.ERROR, format="%(message)s")
    try:
        options = _parser().parse_args(arguments)
    except SystemExit as ended:
        return int(ended.code or 0)
    try:
        answer = COMMANDS[options.command].answer(options)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return USAGE
    except LabError as error:
        print(error, file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return FAILED
    try:
        _print(json.dumps(answer.document, indent=2, allow_nan=False) if options.json else answer.text)
    except OSError as error:
        # What is left in the buffer would be tried again, and complained about, at the end of the process.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        # Who reads may have had enough, as `head` does: then there is nobody left to tell.
        if not isinstance(error, BrokenPipeError):
            print(f"Standard output cannot be written ({error.strerror}).", file=sys.stderr)
            return FAILED
    if answer.complaint:
        print(answer.complaint, file=sys.stderr)
    return answer.status


def _print(text: str) -> None:
    """Prints on standard output; what its encoding lacks becomes a question mark (a name may be in any script)."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(text.encode(encoding, "replace").decode(encoding), flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mnist_lab", description=__doc__.splitlines()[0])
    words = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for each in COMMANDS.values():
        sub = words.add_parser(each.name, help=each.help, description=each.help)
        each.arguments(sub)
        sub.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    return parser


def _store() -> RunStore:
    store = open_store()
    starter.register(store)
    # No server need be there to say so of runs that a crash has left as they were.
    end_lost(store)
    release_lost(store)
    return store


# Training -------------------------------------------------------------------------------------------------------------


def _train_arguments(parser: argparse.ArgumentParser) -> None:
    network = parser.add_mutually_exclusive_group(required=True)
    network.add_argument("--preset", metavar="NAME", help="one of those that `presets` lists, with its training")
    network.add_argument("--architecture", metavar="FILE.json", type=Path, help="a network, or a run that has one")
    parser.add_argument("--epochs", type=int, metavar="N")
    parser.add_argument("--batch-size", type=int, metavar="N")
    parser.add_argument("--optimizer", metavar="NAME", help=", ".join(OPTIMIZERS))
    parser.add_argument("--learning-rate", type=float, metavar="X")
    parser.add_argument("--split", choices=SPLITS)
    parser.add_argument("--seed", type=int, metavar="N")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N training images")
    parser.add_argument("--name", default="", help="display text")


@command("train", "train a network and wait for it", _train_arguments)
def _train(options: Options) -> Answer:
    if options.preset is not None:
        preset = studies.preset(options.preset)
        preset_name, architecture, training = preset.name, preset.architecture, preset.training
    else:
        preset_name, architecture, training = None, read_architecture(options.architecture), TrainingConfig()
    training = changed(training, options)
    shapes.output_shape(architecture)  # an impossible network is said to be one before anything is downloaded
    store = _store()
    dataset = datasets.load(training.dataset, allow_download=training.dataset in ("auto", "mnist"))
    if dataset.notice:
        print(dataset.notice, file=sys.stderr)
    images = min(training.limit or forecast.ALL_IMAGES, len(dataset.x_train))
    forecast.forecast(shapes.analyse(architecture), training, images, None).check()
    run = store.create(
        architecture,
        training,
        name=options.name,
        preset=preset_name,
        owner=new_owner(store),
    )
    run = run_one(store, run)
    if run.status == "finished":
        return Answer(run.to_json(), run_text(run))
    first = (run.reason or "").splitlines()[:1]
    what = "The run failed." if run.status == "failed" else f"The run was {run.status}."
    return Answer(run.to_json(), run_text(run), FAILED, " ".join([what, *first]))


def changed(training: TrainingConfig, options: Options) -> TrainingConfig:
    """A training configuration with what the options say.

    Raises:
        ConfigError: If a value is out of its range, or the optimizer is unknown.
    """
    names = ("epochs", "batch_size", "split", "seed", "limit")
    given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    optimizer = training.optimizer
    if options.optimizer is not None:
        known = {name.lower(): kind for name, kind in OPTIMIZERS.items()}
        if options.optimizer.lower() not in known:
            raise ConfigError(f"Unknown optimizer {options.optimizer!r}.", f"Known: {', '.join(OPTIMIZERS)}.")
        kind = known[options.optimizer.lower()]
        # The preset's own settings stand where its optimizer is asked for by name.
        optimizer = optimizer if isinstance(optimizer, kind) else kind()
    if options.learning_rate is not None:
        optimizer = replace(optimizer, learning_rate=options.learning_rate)
    return replace(training, optimizer=optimizer, **given)


def read_architecture(path: Path) -> Architecture:
    """Reads a network from a JSON file: what `show --json` or the program's own export wrote.

    Raises:
        ArchitectureError: If the file cannot be read or holds no network.
    """
    try:
        values = json.loads(path.read_text())
    except OSError as error:
        raise ArchitectureError(
            f"{path} cannot be read ({error.strerror}).", "Give the path of a JSON file."
        ) from error
    except (ValueError, RecursionError) as error:
        raise ArchitectureError(f"{path} is not JSON ({error}).", "Put the comma or the bracket right.") from error
    if isinstance(values, dict) and isinstance(values.get("architecture"), dict):
        values = values["architecture"]
    return Architecture.from_dict(values)


# Looking --------------------------------------------------------------------------------------------------------------


@command("runs", "list the saved runs, the newest first")
def _runs(options: Options) -> Answer:
    runs = _store().runs()
    rows = [
        (run.id[:8], run.status, formatting.percent(run.test_accuracy), f"{run.parameters:,}", str(run.epochs_run),
         run.name + (" (test as validation)" if run.test_is_validation else ""))
        for run in runs
    ]  # fmt: skip
    return Answer(
        [run.to_json() for run in runs], _table(("ID", "STATUS", "TEST", "PARAMETERS", "EPOCHS", "NAME"), rows)
    )


def _run_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="the id, its beginning (four letters or more), or the name")


@command("show", "show one run with its epochs", _run_argument)
def _show(options: Options) -> Answer:
    store = _store()
    run = store.find(options.run)
    history = store.history(run.id)
    columns = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds")
    rows = [tuple(_number(entry.get(column)) for column in columns) for entry in history]
    network = "\n".join(f"  {shapes.title(layer)}" for layer in run.network().layers)
    text = f"{run_text(run)}\n\n{network}" + (f"\n\n{_table(columns, rows)}" if rows else "")
    return Answer({**run.to_json(), "history": history}, text)


def _published_accuracy(preset: studies.Preset) -> float | None:
    return None if preset.published is None else preset.published.test_accuracy


@command("presets", "list the ready networks")
def _presets(options: Options) -> Answer:
    presets = list(studies.presets().values())
    rows = [
        (each.name, f"{each.parameters:,}", formatting.percent(_published_accuracy(each)), each.title)
        for each in presets
    ]
    return Answer([each.to_dict() for each in presets], _table(("NAME", "PARAMETERS", "PUBLISHED", "TITLE"), rows))


# Asking ---------------------------------------------------------------------------------------------------------------


@command("evaluate", "evaluate a run on its test images", _run_argument)
def _evaluate(options: Options) -> Answer:
    store = _store()
    run = store.find(options.run)
    client = InferenceClient()
    try:
        client.ask("evaluate", EVALUATION_SECONDS, run_id=run.id)
    finally:
        client.close()
    run = store.get(run.id)
    with np.load(store.artefacts.path(run.id, PREDICTIONS)) as kept:
        labels, probabilities = kept["labels"], kept["probabilities"]
    table = metrics.per_digit(labels, probabilities)
    confusion = metrics.confusion(labels, probabilities.argmax(1))
    document = {
        **run.to_json(),
        "per_digit": json.loads(table.to_json(orient="records")),
        "confusion": confusion.tolist(),
    }
    return Answer(document, f"{run_text(run)}\n\n{table.round(4).to_string(index=False)}")


def _predict_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("images", metavar="IMAGE", nargs="+", help="a picture of one digit")
    parser.add_argument("--run", metavar="RUN", help="the run to ask; the starter model if not given")


@command("predict", "say which digits pictures show", _predict_arguments)
def _predict(options: Options) -> Answer:
    store = _store()
    run = store.find(options.run) if options.run else _starter(store)
    prepared = [_prepared(file) for file in options.images]
    images = [each.image for each in prepared if each.image is not None]
    answers = iter(())
    if images:
        client = InferenceClient()
        try:
            answers = iter(client.predict(run.id, np.stack(images), 300.0))
        finally:
            client.close()
    document = [
        _prediction(file, None if each.is_empty else next(answers))
        for file, each in zip(options.images, prepared, strict=True)
    ]
    lines = [
        f"{entry['file']}: {entry['digit']} ({formatting.percent(max(entry['probabilities']), 1)})"
        if entry["is_digit"]
        else f"{entry['file']}: empty, there is nothing to predict"
        for entry in document
    ]
    return Answer(document, "\n".join(lines))


def _starter(store: RunStore) -> Run:
    if not store.exists(starter.RUN_ID):
        raise RunNotFound("The starter model is not in this installation.", "Train a network and give its --run.")
    return store.get(starter.RUN_ID)


def _prepared(file: str) -> drawing.Prepared:
    try:
        return drawing.from_image_file(Path(file))
    except LabError as error:
        # The file at fault is named also where the reader of pictures only saw its bytes.
        named = error.message if Path(file).name in error.message else f"{file}: {error.message}"
        raise DataError(named, error.remedy) from error


def _prediction(file: str, probabilities: Any) -> dict[str, Any]:
    """One picture's entry; an empty picture has no digit and no probabilities."""
    return {
        "file": file,
        "digit": None if probabilities is None else int(probabilities.argmax()),
        "probabilities": None if probabilities is None else [float(value) for value in probabilities],
        "is_digit": probabilities is not None,
    }


# Deleting -------------------------------------------------------------------------------------------------------------


def _delete_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", metavar="RUN", nargs="+", help="id, its beginning, or name")
    parser.add_argument("--undo", action="store_true", help="bring back what was deleted within the last day")


@command("delete", "delete runs; for a day, --undo brings them back", _delete_arguments)
def _delete(options: Options) -> Answer:
    store = _store()
    found = [store.find(text, deleted=options.undo) for text in options.runs]
    ids = [run.id for run in found]
    if options.undo:
        store.undelete(ids)
        return Answer({"restored": ids}, "\n".join(f"Brought back {run.name} ({run.id[:8]})." for run in found))
    store.delete(ids)
    return Answer({"deleted": ids}, "\n".join(f"Deleted {run.name} ({run.id[:8]})." for run in found))


# Words ----------------------------------------------------------------------------------------------------------------


def run_text(run: Run) -> str:
    """A run for people."""
    facts = [
        ("run", f"{run.id[:8]}  {run.name}"),
        ("status", run.status + (f": {run.reason.splitlines()[0]}" if run.reason else "")),
        ("parameters", f"{run.parameters:,}"),
        ("data", f"{run.dataset or '–'}, {run.split}"),
        ("epochs", f"{run.epochs_run} of {run.training.get('epochs')}, best {run.best_epoch or '–'}"),
        ("validation", formatting.percent(run.validation_accuracy)),
        ("test", formatting.accuracy(run.test_accuracy, run.test_accuracy_interval)
         + (", whose images also chose the epoch" if run.test_is_validation else "")),
        ("time", f"{formatting.duration(run.seconds)} on {run.device or '–'}"),
    ]  # fmt: skip
    return "\n".join(f"{label:<11}{value}" for label, value in facts)


def _number(value: Any) -> str:
    if value is None:
        return "–"
    return str(value) if isinstance(value, int) else f"{value:.4g}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[index]) for row in (head, *rows)) for index in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)]
    return "\n".join(line.rstrip() for line in lines)

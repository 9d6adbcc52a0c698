"""`backup` and `restore`: the whole store, away and back."""

from __future__ import annotations

import argparse
from pathlib import Path

from mnist_lab import backup, formatting
from mnist_lab.cli.command import Answer, Options, command
from mnist_lab.errors import StoreError
from mnist_lab.settings import read_settings
from mnist_lab.store import open_store
from mnist_lab.store.condition import condition_of


def _backup_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("to", metavar="PLACE", type=Path, help="a file that ends in .zip, or a new folder")
    parser.add_argument("--force", action="store_true", help="replace a file that is there")


@command("backup", "write all runs with their files to a file or a folder, also while trainings run", _backup_arguments)
def _backup(options: Options) -> Answer:
    settings = read_settings()
    if not condition_of(settings.store_url).exists:
        raise StoreError("There is no run store yet.", "Train a network first.")
    made = backup.back_up(open_store(), settings.store_url, settings.home, options.to, force=options.force)
    document = {"file": str(made.path), "runs": made.runs, "files": made.files, "bytes": made.size}
    return Answer(document, f"{made.runs:,} runs, {made.files:,} files, {formatting.size(made.size)}: {made.path}")


def _restore_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="PLACE", type=Path, help="what `backup` wrote")
    parser.add_argument("--force", action="store_true", help="move the runs that are here aside; they are kept")


@command("restore", "bring back all runs of a backup into an empty home", _restore_arguments)
def _restore(options: Options) -> Answer:
    settings = read_settings()
    if settings.artefacts is not None:
        raise StoreError(
            "A backup is brought back into a folder, and MNIST_LAB_ARTEFACTS names an object store.",
            "Unset it, restore, set it again, and let `python -m mnist_lab doctor --repair` send the files there.",
        )
    done = backup.restore(options.source, settings.store_url, settings.home, force=options.force)
    text = f"{done.runs:,} runs, {done.files:,} files are back in {settings.home}."
    if done.interrupted:
        text += f" {done.interrupted:,} of them were under way and can be resumed."
    if done.aside is not None:
        text += f" What was there is in {done.aside}."
    document = {
        "home": str(settings.home),
        "runs": done.runs,
        "interrupted": done.interrupted,
        "files": done.files,
        "aside": None if done.aside is None else str(done.aside),
    }
    return Answer(document, text)

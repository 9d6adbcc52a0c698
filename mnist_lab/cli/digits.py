"""`digits`: people's own digits, listed, taken away and brought in."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from mnist_lab import my_digits
from mnist_lab.cli.command import Answer, Options, command
from mnist_lab.cli.common import open_runs, table
from mnist_lab.errors import ConfigError, ExchangeError
from mnist_lab.exchange import digit_files, files
from mnist_lab.store import RunStore

ACTIONS = ("list", "export", "import")


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=ACTIONS, help="whose there are and how many; write them; bring them in")
    parser.add_argument(
        "files", metavar="FILE", nargs="*", type=Path, help="for import: a .zip of PNGs, or images and labels as IDX"
    )
    parser.add_argument("--writer", metavar="NAME", help="whose; may be left out where only one person keeps digits")
    parser.add_argument("--form", choices=list(digit_files.FORMS), default="png", help="for export; PNGs in a .zip")
    parser.add_argument("--to", metavar="FOLDER", type=Path, help="for export; the present folder if not given")
    parser.add_argument("--force", action="store_true", help="replace files that are there")


@command("digits", "people's own digits: list, export, import", _arguments)
def _digits(options: Options) -> Answer:
    if options.files and options.action != "import":
        raise ConfigError(f"digits {options.action} takes no files.", "Name the folder with --to.")
    store = open_runs()
    if options.action == "list":
        return _list(store, options.writer)
    return _export(store, options) if options.action == "export" else _import(store, options)


def _writer(store: RunStore, name: str | None, *, known: bool) -> str:
    """Whose digits are meant.

    Raises:
        ConfigError: If nobody is named and there is more than one, or none.
        ExchangeError: If somebody is named who keeps none, and `known` is asked for.
    """
    writers = store.writers()
    if name is None:
        if len(writers) != 1:
            raise ConfigError(f"{len(writers)} people keep digits here.", "Say whose are meant, with --writer NAME.")
        return next(iter(writers))
    # As on the page: Anna and anna are one person.
    found = next((each for each in writers if each.casefold() == name.casefold()), None)
    if found is None and known:
        raise ExchangeError(f"{name!r:.80} keeps no digits here.", f"There are {', '.join(writers) or 'none'}.")
    return found or name


def _list(store: RunStore, name: str | None) -> Answer:
    wanted = store.writers() if name is None else [_writer(store, name, known=True)]
    documents: list[dict[str, Any]] = []
    for writer in wanted:
        labels = my_digits.labels_of(store.digits(writer))
        per_digit = np.bincount(labels, minlength=10).tolist()
        documents.append({"writer": writer, "digits": len(labels), "per_digit": per_digit})
    rows = [(each["writer"], f"{each['digits']:,}", *map(str, each["per_digit"])) for each in documents]
    return Answer(documents, table(("WRITER", "DIGITS", *map(str, range(10))), rows))


def _export(store: RunStore, options: Options) -> Answer:
    writer = _writer(store, options.writer, known=True)
    digits = store.digits(writer)
    if not digits:
        raise ExchangeError(f"{writer} keeps no digits.", "Save some on the Draw page first.")
    if options.to is not None and not options.to.is_dir():
        raise ExchangeError(f"There is no folder {options.to}.", "Make it, or choose another.")
    made = {
        files.place(options.to, digit_files.file_name(writer, each), force=options.force): each.make(digits)
        for each in digit_files.FORMS[options.form]
    }
    for path, content in made.items():
        files.write(content, path, force=options.force)
    document = {"writer": writer, "form": options.form, "digits": len(digits), "files": [str(path) for path in made]}
    return Answer(document, f"{len(digits):,} digits of {writer}: {', '.join(map(str, made))}")


def _import(store: RunStore, options: Options) -> Answer:
    if not options.files:
        raise ConfigError("digits import needs files.", "Name a .zip of PNGs, or the two IDX files.")
    writer = _writer(store, options.writer, known=False)
    found = digit_files.read({str(path): files.read(path) for path in options.files})
    kept = store.keep_digits(writer, found)
    document = {"writer": writer, "new": kept.new, "known": kept.known}
    return Answer(document, f"{kept.new:,} digits are new among those of {writer}, {kept.known:,} were there.")

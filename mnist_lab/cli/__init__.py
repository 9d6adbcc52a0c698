"""The command line: the same jobs, over the same store, without a browser.

To add a command, add a module here with a function under ``@command``: what it adds to its parser, and what it prints.
"""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import os
import pkgutil
import sys
from collections.abc import Sequence
from typing import NoReturn

from mnist_lab import logs
from mnist_lab.cli.command import COMMANDS, FAILED, USAGE
from mnist_lab.errors import ConfigError, LabError
from mnist_lab.public import for_terminal

_log = logging.getLogger(__name__)

# Each registers its commands.
for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        arguments: The words after the program's name; None for those of the process.

    Returns:
        0 done, 1 the run failed or the thing was not found, 2 wrong usage.
    """
    try:
        options = _parser().parse_args(arguments)
    except SystemExit as ended:
        return int(ended.code or 0)
    if options.command not in ("health", "doctor"):  # who only look make no file
        logs.set_up("cli", logging.ERROR)
        _log.info("asked to %s", logs.plain(options.command))
    try:
        answer = COMMANDS[options.command].answer(options)
    except ConfigError as error:
        _complain(error)
        return USAGE
    except LabError as error:
        _complain(error)
        return FAILED
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return FAILED
    try:
        _print(json.dumps(answer.document, indent=2, allow_nan=False) if options.json else for_terminal(answer.text))
    except OSError as error:
        # What is left in the buffer would be tried again, and complained about, at the end of the process.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        # Who reads may have had enough, as `head` does: then there is nobody left to tell.
        if not isinstance(error, BrokenPipeError):
            print(f"Standard output cannot be written ({error.strerror}).", file=sys.stderr)
            return FAILED
    if answer.complaint:
        _complain(answer.complaint)
    return answer.status


def _print(text: str) -> None:
    """Prints on standard output; what its encoding lacks becomes a question mark (a name may be in any script)."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(text.encode(encoding, "replace").decode(encoding), flush=True)


def _complain(words: object) -> None:
    """Says on standard error what is wrong: that may quote a file, a name or a word of anybody."""
    print(for_terminal(str(words)), file=sys.stderr)


class _Parser(argparse.ArgumentParser):
    """A parser that quotes nothing at a terminal that the terminal would obey."""

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        super().exit(status, message and for_terminal(message))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m mnist_lab", description=__doc__.splitlines()[0])
    words = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for _, each in sorted(COMMANDS.items()):
        sub = words.add_parser(each.name, help=each.help, description=each.help)
        each.arguments(sub)
        sub.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    return parser

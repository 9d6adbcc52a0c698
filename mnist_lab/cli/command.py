"""The words of the command line: how a command is registered, and what it answers."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

DONE, FAILED, USAGE = 0, 1, 2

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

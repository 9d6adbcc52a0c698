"""A report as a file, which appears whole or not at all."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from mnist_lab.errors import ConfigError, LabError
from mnist_lab.report.blocks import Block
from mnist_lab.report.document import blocks, title
from mnist_lab.report.markdown import markdown_of
from mnist_lab.report.page import html_of
from mnist_lab.report.record import Report

WRITERS: dict[str, Callable[[str, Sequence[Block]], str]] = {
    ".html": html_of,
    ".htm": html_of,
    ".md": lambda title, content: markdown_of(content),
}


def check(path: Path) -> None:
    """Finds out before the work whether a report can be written to a path.

    Raises:
        ConfigError: If its suffix is not that of a report.
        LabError: If its folder is missing or cannot be written to.
    """
    if path.suffix.lower() not in WRITERS:
        raise ConfigError(
            f"A report is written as HTML or as Markdown. Received: {path.name!r:.80}.",
            "Give it a name that ends in .html or .md.",
        )
    if path.is_dir():
        raise LabError(f"{path} is a folder.", "Give the report another name.")
    if not path.parent.is_dir():
        raise LabError(f"There is no folder {path.parent} for the report.", "Make it, or choose another.")
    if not os.access(path.parent, os.W_OK):
        raise LabError(f"The folder {path.parent} cannot be written to.", "Choose another for the report.")


def write(report: Report, path: Path) -> None:
    """Writes the report of a study; see `put`."""
    put(title(report), list(blocks(report)), path)


def put(title: str, content: Sequence[Block], path: Path) -> None:
    """Writes a report, as HTML or as Markdown by the suffix of the path.

    Args:
        title: What a browser calls it.
        content: What is in it.
        path: Where to.

    Raises:
        ConfigError: If its suffix is not that of a report.
        LabError: If it cannot be written there.
    """
    check(path)
    text = WRITERS[path.suffix.lower()](title, content)
    temporary = path.with_name(f".{uuid.uuid4().hex}{path.suffix}")
    try:
        with temporary.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise LabError(
            f"The report cannot be written to {path} ({error.strerror or error}).",
            "Make room on the disk, or choose another place.",
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink()

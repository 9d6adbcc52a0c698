"""Text before others see it: what is said of a fault names no place of this machine, and a terminal obeys nothing."""

from __future__ import annotations

import re
import sys
import tempfile
import unicodedata
from pathlib import Path

# A path from the root, in words: not the part of an address, a fraction or a relative path.
_PART = r"[^\s/\\'\"(),;:<>|]"
_PATH = re.compile(rf"(?<![\w.:~<>/\\-])(?:sqlite:///)?(?:[A-Za-z]:)?[/\\](?:{_PART}+[/\\])*(?P<last>{_PART}*\w)")
_OURS = (Path(__file__).resolve().parent.parent, Path.home(), Path(tempfile.gettempdir()), Path(sys.prefix))


def without_paths(text: str, *places: Path | str) -> str:
    """A text with files and folders by their last name only: pages are for others too, and reasons travel with runs.

    Args:
        text: What is said.
        places: Folders whose names may have spaces in them, by which a path could not be told from other words.
    """
    for place in (*places, *_OURS):
        folder = str(place).rstrip("/\\")
        if len(folder) > 1:
            text = re.sub(rf"{re.escape(folder)}(?![\w.-])", f"/{Path(folder).name.replace(' ', '_')}", text)
    return _PATH.sub(lambda found: found["last"], text)


def without_secrets(url: str) -> str:
    """An address without what may be a password or a key; it may be what is wrong, so it is not parsed."""
    scheme, mark, rest = url.partition("://")
    if not mark:
        scheme, rest = "", url
    # Of a folder the whole path is its name.
    shown = rest if scheme in ("file", "memory") else re.split("[?#]", rest.split("@")[-1])[0]
    return f"{scheme}{mark}{shown}"


def printable(text: str) -> str:
    """A text of one line or of several without what cannot be shown: no database takes lone surrogates or NUL, and
    what turns the direction of writing or commands a terminal would make a text another than it seems.
    """  # fmt: skip
    return "".join(ch if ch.isprintable() or ch == "\n" else " " for ch in text)


def for_terminal(text: str) -> str:
    """A text with what a terminal would obey, or what turns the direction of writing, written as an escape."""
    return "".join(
        ch if ch in "\n\t" or unicodedata.category(ch) not in ("Cc", "Cf", "Zl", "Zp") else ascii(ch)[1:-1]
        for ch in text
    )

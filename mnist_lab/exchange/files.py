"""Exported files on the disk: where they go, never over another one, whole or not at all; and archives read from it."""

from __future__ import annotations

import os
import uuid
from contextlib import suppress
from pathlib import Path

from mnist_lab import formatting
from mnist_lab.errors import ExchangeError
from mnist_lab.exchange.layout import MAX_ARCHIVE


def place(to: Path | None, name: str, *, force: bool) -> Path:
    """Where a file goes.

    Args:
        to: A file, a folder, or None for the present folder.
        name: Of the file, where `to` does not say.
        force: Whether a file that is there may be replaced.

    Raises:
        ExchangeError: If the folder is missing, or the file is there already.
    """
    # Unlike the methods of `Path` these do not raise where a folder is closed to us.
    path = Path(name) if to is None else to / name if os.path.isdir(to) else to
    if not os.path.isdir(path.parent):
        raise ExchangeError(f"There is no folder {path.parent}.", "Make it, or choose another.")
    if os.path.isdir(path):
        raise ExchangeError(f"{path} is a folder.", "Give the file another name.")
    if os.path.lexists(path) and not force:
        raise ExchangeError(f"{path} is there already.", "Choose another place, or add --force to replace it.")
    return path


def write(content: bytes, path: Path, *, force: bool) -> None:
    """Writes a file, whole or not at all.

    Raises:
        ExchangeError: If it cannot be written, or another came there meanwhile and `force` is not given.
    """
    temporary = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if force:
            os.replace(temporary, path)
        else:
            # Unlike a renaming this fails where there is a file of that name.
            os.link(temporary, path)
    except FileExistsError as error:
        raise ExchangeError(f"{path} is there already.", "Add --force to replace it.") from error
    except OSError as error:
        raise ExchangeError(
            f"{path} cannot be written ({error.strerror or error}).", "Choose another place, or make room."
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def read(path: Path) -> bytes:
    """The content of an archive.

    Raises:
        ExchangeError: If it cannot be read, or is larger than a run can be.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_ARCHIVE + 1)
    except OSError as error:
        raise ExchangeError(
            f"{path} cannot be read ({error.strerror}).", "Give the path of an exported run."
        ) from error
    if len(content) > MAX_ARCHIVE:
        raise ExchangeError(f"{path} is larger than a run can be ({formatting.size(MAX_ARCHIVE)}).")
    return content

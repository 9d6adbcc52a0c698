"""Whether the run store could be used just now; a look that makes and changes nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import create_engine, select, text
from sqlalchemy.exc import SQLAlchemyError

from mnist_lab.errors import StoreError
from mnist_lab.store import schema
from mnist_lab.store.database import SQLITE

SECONDS = 3


def check_store(url: str) -> bool:
    """Opens the store and takes the right to write, which it gives back at once.

    Args:
        url: The store's URL, from the settings.

    Returns:
        False if there is none yet, which is as it should be before the first start.

    Raises:
        StoreError: If it cannot be opened or written, or is of a newer version of the program.
    """
    try:
        version = _sqlite_version(Path(url.removeprefix(SQLITE))) if url.startswith(SQLITE) else _version(url)
    except (sqlite3.Error, SQLAlchemyError, OSError, ImportError, ValueError) as error:
        what = str(error).strip().splitlines() or [type(error).__name__]
        raise StoreError(
            f"The run store cannot be used ({what[0]}).", "`python -m mnist_lab doctor` looks closer."
        ) from error
    if version is not None and version > schema.VERSION:
        raise StoreError(
            f"The run store was written by a newer version of the program (format {version}).", "Update the program."
        )
    return version is not None


def _sqlite_version(path: Path) -> int | None:
    if not path.exists():
        return None
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True, timeout=SECONDS)) as connection:
        connection.isolation_level = None
        connection.execute("BEGIN IMMEDIATE")
        try:
            found = connection.execute("SELECT value FROM meta WHERE key = 'version'").fetchone()
        finally:
            connection.execute("ROLLBACK")
    return int(found[0]) if found else None


def _version(url: str) -> int | None:
    engine = create_engine(url, connect_args={"connect_timeout": SECONDS})
    try:
        with engine.connect() as connection:
            if connection.execute(text("SHOW transaction_read_only")).scalar() == "on":
                raise StoreError("The run store cannot be written (its server only reads).", "Ask who runs the server.")
            found = connection.execute(select(schema.meta.c.value).where(schema.meta.c.key == "version")).scalar()
    finally:
        engine.dispose()
    return int(found) if found is not None else None

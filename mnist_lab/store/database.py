"""Opening the database: SQLite by default, PostgreSQL for a team."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from sqlalchemy import URL, Connection, Engine, create_engine, event, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from mnist_lab.errors import StoreError
from mnist_lab.store import damage, schema

BUSY_SECONDS = 30
SQLITE = "sqlite:///"
# A server has a hundred for all processes that use the store, where it is not told otherwise. A worker keeps one.
KEPT_CONNECTIONS = 3
_MOST_CONNECTIONS = 15
# The lock's number on a server, where other programs may have theirs.
_ADVISORY = 0x4D4E4953
# The driver's names, in seconds but for the last, which is in milliseconds.
_KEEPALIVE = {
    "keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3,
    "tcp_user_timeout": 1000 * BUSY_SECONDS,
}  # fmt: skip
_JSON: dict[str, Any] = {"json_serializer": damage.write_json, "json_deserializer": damage.read_json}


def open_engine(url: str, kept: int = KEPT_CONNECTIONS) -> Engine:
    """Opens the database at `url` and creates its tables where they are absent.

    Args:
        url: Where it is.
        kept: Of connections to a server, how many stay open while nobody asks anything.

    Raises:
        StoreError: If it cannot be opened, or was written by a newer version of the program.
    """
    engine: Engine | None = None
    try:
        engine = _sqlite(url) if url.startswith(SQLITE) else _on_a_server(url, kept)
        with _creation_lock(engine):
            schema.metadata.create_all(engine)
            with engine.begin() as connection:
                found = connection.execute(select(schema.meta.c.value).where(schema.meta.c.key == "version")).scalar()
                if found is None:
                    connection.execute(insert(schema.meta).values(key="version", value=str(schema.VERSION)))
            version = schema.VERSION if found is None else int(found)
            if version < schema.VERSION:
                _migrate(engine, version)
    except (SQLAlchemyError, sqlite3.Error, OSError, Timeout, ImportError, ValueError) as error:
        if engine is not None:
            engine.dispose()
        raise StoreError(
            f"The run store {shown_url(url)} cannot be opened ({_first_line(error)}).",
            "Check MNIST_LAB_STORE and MNIST_LAB_HOME, and that the folder can be written; "
            "`python -m mnist_lab doctor` looks into it.",
        ) from error
    if version > schema.VERSION:
        engine.dispose()
        raise StoreError(
            f"The run store was written by a newer version of the program (format {version}).", "Update the program."
        )
    return engine


def is_on_a_server(engine: Engine) -> bool:
    """Whether a database is a server's, and no file of this machine."""
    return engine.dialect.name != "sqlite"


def _migrate(engine: Engine, version: int) -> None:
    """Brings an older store to the present version, all or nothing. Of an SQLite file a copy stays beside it."""
    if engine.dialect.name == "sqlite":
        backup = Path(f"{engine.url.database}.version-{version}")
        backup.unlink(missing_ok=True)
        connection = engine.raw_connection()
        try:
            connection.cursor().execute("VACUUM INTO ?", (str(backup),)).close()
        except sqlite3.Error:
            backup.unlink(missing_ok=True)
            raise
        finally:
            connection.close()
    statements = [each for later in range(version + 1, schema.VERSION + 1) for each in schema.MIGRATIONS[later]]
    written = update(schema.meta).where(schema.meta.c.key == "version").values(value=str(schema.VERSION))
    with engine.connect().execution_options(writes=True) as opened, opened.begin():
        for statement in statements:
            opened.exec_driver_sql(statement)
        opened.execute(written)


def shown_url(url: str) -> str:
    """A store's URL without what may be a password; the URL itself may be what is wrong, so it is not parsed."""
    return url if url.startswith(SQLITE) else url.split("@")[-1].split("?")[0]


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _sqlite(url: str) -> Engine:
    # All after the slashes is the file's name: a folder may well be called "what?" or "100%20".
    database = url.removeprefix(SQLITE)
    Path(database).parent.mkdir(parents=True, exist_ok=True)
    arguments = {"timeout": BUSY_SECONDS, "check_same_thread": False}
    engine = create_engine(URL.create("sqlite", database=database), connect_args=arguments, **_JSON)

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, record: Any) -> None:
        # The driver's own transactions are switched off: `on_begin` says which kind is wanted.
        connection.isolation_level = None
        # Bytes that are no text belong to one damaged row; they must not keep all from being read.
        connection.text_factory = partial(str, encoding="utf-8", errors="replace")
        try:
            for setting in (f"busy_timeout={BUSY_SECONDS * 1000}", "journal_mode=WAL", "synchronous=FULL"):
                connection.execute(f"PRAGMA {setting}").close()
        except Exception:
            # SQLAlchemy does not know the connection yet and would leave it open: the file is no database.
            connection.close()
            raise

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        # A reader that becomes a writer midway fails at once in WAL mode; writers therefore begin as writers.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _on_a_server(url: str, kept: int) -> Engine:
    # Either side is to notice that the other vanished without a word: a worker's machine that loses its power in a
    # transaction would hold a run locked for hours, and a training whose database does would wait as long.
    engine = create_engine(
        url,
        pool_pre_ping=True,
        pool_size=kept,
        max_overflow=_MOST_CONNECTIONS - kept,
        pool_use_lifo=True,
        connect_args=_KEEPALIVE,
        **_JSON,
    )

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, record: Any) -> None:
        for setting, seconds in (
            ("tcp_keepalives_idle", _KEEPALIVE["keepalives_idle"]),
            ("tcp_keepalives_interval", _KEEPALIVE["keepalives_interval"]),
            ("tcp_keepalives_count", _KEEPALIVE["keepalives_count"]),
            ("idle_in_transaction_session_timeout", f"'{BUSY_SECONDS}s'"),
        ):
            connection.execute(f"SET {setting} = {seconds}")
        connection.commit()

    return engine


@contextmanager
def _creation_lock(engine: Engine) -> Iterator[None]:
    """Lets one process at a time make or migrate the tables."""
    if engine.dialect.name == "sqlite":
        with FileLock(f"{engine.url.database}.lock", timeout=BUSY_SECONDS):
            yield
        return
    with engine.connect() as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_lock({_ADVISORY})")
        connection.commit()
        try:
            yield
        finally:
            connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_ADVISORY})")
            connection.commit()


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection that sees one state of the store."""
    try:
        with engine.connect() as connection, connection.begin():
            yield connection
    except (SQLAlchemyError, ValueError) as error:
        raise StoreError(
            f"The run store cannot be read ({_first_line(error)}).", f"Try again. {damage.REMEDY}"
        ) from error


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A connection that is the only writer until it is left; what it wrote is then on disk, or nothing is."""
    try:
        with engine.connect() as connection:
            connection = connection.execution_options(writes=True)
            with connection.begin():
                yield connection
    except (SQLAlchemyError, ValueError) as error:
        raise StoreError(
            f"The run store cannot be written ({_first_line(error)}).",
            "Check that the disk has room and can be written; `python -m mnist_lab doctor` looks into it.",
        ) from error

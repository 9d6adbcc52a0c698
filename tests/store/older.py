"""Stores as older versions of the program left them, made of one of today."""

from __future__ import annotations

import re

from sqlalchemy import Engine

from mnist_lab.store import schema

VERSIONS = range(1, schema.VERSION)
INDEX = re.compile(r"CREATE INDEX (\w+)", re.I)
ADDED = re.compile(r"ALTER TABLE (\w+) ADD COLUMN (\w+)", re.I)


def _statements_since(version: int) -> list[str]:
    return [each for number in range(version + 1, schema.VERSION + 1) for each in schema.MIGRATIONS[number]]


def columns_since(version: int) -> list[tuple[str, str]]:
    """Tables and columns that came after a version."""
    return [(found[1], found[2]) for each in _statements_since(version) if (found := ADDED.match(each))]


def bring_down(engine: Engine, version: int) -> None:
    """Takes back what later versions added to the tables, and closes the engine. New tables stay: they do no harm."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        # What stands on a column goes with it on PostgreSQL, and before it on SQLite.
        for statement in _statements_since(version):
            if made := INDEX.match(statement):
                connection.exec_driver_sql(f"DROP INDEX IF EXISTS {made[1]}")
        for table, column in reversed(columns_since(version)):
            connection.exec_driver_sql(f"ALTER TABLE {table} DROP COLUMN {column}")
        connection.exec_driver_sql(f"UPDATE meta SET value = '{version}' WHERE key = 'version'")
    engine.dispose()

"""Stores as older versions of the program left them, made of one of today."""

from __future__ import annotations

import re

from sqlalchemy import Engine

from mnist_lab.store import schema

VERSIONS = range(1, schema.VERSION)
ADDED = re.compile(r"ALTER TABLE (\w+) ADD COLUMN (\w+)", re.I)


def columns_since(version: int) -> list[tuple[str, str]]:
    """Tables and columns that came after a version."""
    later = (each for number in range(version + 1, schema.VERSION + 1) for each in schema.MIGRATIONS[number])
    return [(found[1], found[2]) for each in later if (found := ADDED.match(each))]


def bring_down(engine: Engine, version: int) -> None:
    """Takes back what later versions added to the tables, and closes the engine. New tables stay: they do no harm."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        for table, column in reversed(columns_since(version)):
            # What stands on a column goes with it on PostgreSQL, and before it on SQLite.
            for index in [each for each in schema.metadata.tables[table].indexes if column in each.columns]:
                connection.exec_driver_sql(f"DROP INDEX IF EXISTS {index.name}")
            connection.exec_driver_sql(f"ALTER TABLE {table} DROP COLUMN {column}")
        connection.exec_driver_sql(f"UPDATE meta SET value = '{version}' WHERE key = 'version'")
    engine.dispose()

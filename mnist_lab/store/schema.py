"""The tables. Columns hold what is listed and sorted; what is only read whole is JSON."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    literal_column,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import ColumnElement

VERSION = 5

# What brings a store of an older version to this one, by the version that it then has. The tables are made before.
MIGRATIONS: dict[int, tuple[str, ...]] = {
    2: (
        "ALTER TABLE runs ADD COLUMN tags JSON NOT NULL DEFAULT '[]'",
        "ALTER TABLE runs ADD COLUMN test_looks INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE runs ADD COLUMN prediction_seconds FLOAT",
        # As often as such a run looked at least: once at its end, and once an epoch where the test set chose the epoch.
        "UPDATE runs SET test_looks = (CASE WHEN split = 'test-as-validation' THEN epochs_run ELSE 0 END)"
        " + (CASE WHEN test_accuracy IS NULL THEN 0 ELSE 1 END)",
    ),
    # Two tables more: digits and answers.
    3: (),
    4: (
        "ALTER TABLE runs ADD COLUMN person VARCHAR(40)",
        "ALTER TABLE runs ADD COLUMN turn BIGINT",
        "CREATE INDEX runs_by_person ON runs (person, turn)",
    ),
    # Two tables more: sweeps and trials.
    5: (
        "ALTER TABLE runs ADD COLUMN sweep VARCHAR(32)",
        "ALTER TABLE runs ADD COLUMN trial INTEGER",
        "CREATE INDEX runs_by_sweep ON runs (sweep, trial)",
        "ALTER TABLE runs ADD COLUMN changed BIGINT NOT NULL DEFAULT 0",
        "CREATE INDEX runs_by_change ON runs (changed)",
        "CREATE INDEX runs_by_creation ON runs (created)",
        "CREATE INDEX runs_by_host ON runs (host, created) WHERE host IS NOT NULL",
        "CREATE INDEX runs_by_preset ON runs (preset) WHERE preset IS NOT NULL",
        "CREATE INDEX runs_by_turn ON runs (turn) WHERE turn IS NOT NULL",
        "CREATE INDEX runs_by_looks ON runs (dataset, test_looks) WHERE deleted IS NULL AND test_looks > 0",
        "CREATE INDEX runs_by_deletion ON runs (deleted) WHERE deleted IS NOT NULL",
    ),
}

metadata = MetaData()


class Moment(ColumnElement[int]):
    """When a row is written, in a number that no later write has a smaller one of: see `Listing`.

    On SQLite there is one writer at a time, and the number is above all that there are; it is milliseconds, so that it
    does not come back where the newest rows were removed. On PostgreSQL it is the number of the transaction.
    """

    inherit_cache = True
    type = BigInteger()


@compiles(Moment, "sqlite")
def _of_sqlite(*_: Any, **__: Any) -> str:
    clock = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
    return f"max({clock}, (SELECT coalesce(max(moments.changed), 0) + 1 FROM runs AS moments))"


@compiles(Moment, "postgresql")
def _of_postgresql(*_: Any, **__: Any) -> str:
    return "txid_current()"


meta = Table("meta", metadata, Column("key", String(100), primary_key=True), Column("value", Text, nullable=False))

runs = Table(
    "runs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("notes", Text, nullable=False, default=""),
    Column("starred", Boolean, nullable=False, default=False),
    Column("tags", JSON, nullable=False, default=list),
    Column("preset", String(100)),
    Column("status", String(20), nullable=False, index=True),
    Column("reason", Text),
    # "", "stop" or "pause": what the user wants of the worker.
    Column("command", String(10), nullable=False, default=""),
    # Order of the queue, ascending.
    Column("position", Float, nullable=False, default=0.0),
    # A queued run with an owner is taken only by the worker of that name.
    Column("owner", String(100)),
    # Who asked for it, under a name that tells nothing of them (see people.py); empty where nobody knows.
    Column("person", String(40)),
    # When a worker took it from the common queue, counted from one: clocks may be set back.
    Column("turn", BigInteger),
    # The sweep that made it, and for which of its trials; empty for what a person asked for.
    Column("sweep", String(32)),
    Column("trial", Integer),
    Column("worker", String(100)),
    Column("host", String(255)),
    Column("pid", Integer),
    Column("heartbeat", Float),
    Column("created", Float, nullable=False),
    Column("started", Float),
    Column("ended", Float),
    Column("deleted", Float),
    Column("architecture", JSON, nullable=False),
    Column("training", JSON, nullable=False),
    Column("parameters", BigInteger, nullable=False),
    Column("trainable_parameters", BigInteger, nullable=False),
    Column("multiply_adds", BigInteger, nullable=False),
    Column("dataset", String(40)),
    Column("split", String(40), nullable=False),
    Column("fingerprint", String(64)),
    Column("training_images", Integer),
    Column("epochs_run", Integer, nullable=False, default=0),
    Column("best_epoch", Integer),
    Column("kept_epoch", Integer),
    Column("validation_accuracy", Float),
    Column("validation_loss", Float),
    Column("test_accuracy", Float),
    Column("test_accuracy_low", Float),
    Column("test_accuracy_high", Float),
    Column("test_loss", Float),
    Column("test_images", Integer),
    # How often figures of the test images were reckoned.
    Column("test_looks", Integer, nullable=False, default=0),
    # Per image, in batches, on the device of the run.
    Column("prediction_seconds", Float),
    Column("seconds", Float),
    Column("images_per_second", Float),
    Column("device", String(200)),
    Column("progress", JSON),
    # When the row was written last; what the worker of a run under way reports leaves it as it is.
    Column("changed", BigInteger, nullable=False, default=Moment(), onupdate=Moment(), server_default="0"),
)

# Who was served when is asked at each start of a training, of all runs there are.
Index("runs_by_person", runs.c.person, runs.c.turn)
Index("runs_by_sweep", runs.c.sweep, runs.c.trial)
# What is asked of very many runs: which were written since the last look, and the newest.
Index("runs_by_change", runs.c.changed)
Index("runs_by_creation", runs.c.created)


def _index(name: str, *columns: Any, where: Any) -> None:
    """An index of some rows: what is being made or has nothing there need not write it."""
    Index(name, *columns, sqlite_where=where, postgresql_where=where)


_index("runs_by_host", runs.c.host, runs.c.created, where=runs.c.host.is_not(None))
_index("runs_by_preset", runs.c.preset, where=runs.c.preset.is_not(None))
_index("runs_by_turn", runs.c.turn, where=runs.c.turn.is_not(None))
# Which runs looked at the test images. In the very words of the index: SQLite compares them.
HAS_LOOKED = runs.c.deleted.is_(None) & (runs.c.test_looks > literal_column("0"))
_index("runs_by_looks", runs.c.dataset, runs.c.test_looks, where=HAS_LOOKED)
_index("runs_by_deletion", runs.c.deleted, where=runs.c.deleted.is_not(None))

epochs = Table(
    "epochs",
    metadata,
    Column("run_id", String(32), primary_key=True),
    Column("epoch", Integer, primary_key=True),
    Column("values", JSON, nullable=False),
)

# The curve within the epochs: means over the batches since the point before.
points = Table(
    "points",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("run_id", String(32), nullable=False),
    Column("step", Integer, nullable=False),
    Column("epoch", Float, nullable=False),
    Column("loss", Float),
    Column("accuracy", Float),
)
Index("points_by_run", points.c.run_id, points.c.id)

# The digits that people keep, 28 x 28 bytes each; a writer keeps an image once.
digits = Table(
    "digits",
    metadata,
    Column("writer", String(60), primary_key=True),
    Column("digest", String(32), primary_key=True),
    Column("label", Integer, nullable=False),
    Column("image", LargeBinary, nullable=False),
    Column("origin", String(20), nullable=False),
    Column("created", Float, nullable=False),
    Column("deleted", Float),
)

# What networks said of the digits that they asked for in practice.
answers = Table(
    "answers",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("writer", String(60), nullable=False),
    Column("run_id", String(32), nullable=False),
    Column("asked", Integer, nullable=False),
    Column("said", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("created", Float, nullable=False),
)
Index("answers_by_writer", answers.c.writer, answers.c.id)

sweeps = Table(
    "sweeps",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("sweep", JSON, nullable=False),
    Column("status", String(20), nullable=False, index=True),
    Column("reason", Text),
    # "" or "stop": what a person wants of who drives it.
    Column("command", String(10), nullable=False, default=""),
    Column("driver", String(100)),
    Column("heartbeat", Float),
    Column("spent", Float, nullable=False, default=0.0),
    Column("person", String(40)),
    Column("created", Float, nullable=False),
    Column("ended", Float),
    Column("deleted", Float),
)

trials = Table(
    "trials",
    metadata,
    Column("sweep", String(32), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("values", JSON, nullable=False),
    Column("state", String(20), nullable=False),
    Column("accuracy", Float),
    Column("spread", Float),
    Column("parameters", BigInteger),
    Column("multiply_adds", BigInteger),
    Column("epochs", Integer, nullable=False, default=0),
    Column("runs", JSON, nullable=False, default=list),
    Column("reason", Text),
    # By epoch, what the pruner was told.
    Column("curve", JSON, nullable=False, default=list),
    # How often its runs were resumed after they had been interrupted.
    Column("resumed", Integer, nullable=False, default=0),
    # What the sampler noted, without which a search could not go on as it began.
    Column("notes", JSON, nullable=False, default=dict),
    Column("created", Float, nullable=False),
    Column("ended", Float),
)

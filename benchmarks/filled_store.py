"""A store as a cluster leaves it: many runs with their epochs and points, written as quickly as a database takes them.

Of ten runs seven are trials of searches, each with a learning rate of its own and one of 2,000 networks, and three have
the network of a preset. They were created a minute apart; 96 of a hundred are finished, two failed, one was stopped and
one deleted; the newest wait in the queue, those before them are under way. Epochs and points are made by the database.
"""

from __future__ import annotations

import json
import random
import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from mnist_lab import shapes
from mnist_lab.architecture import Architecture
from mnist_lab.layers import Conv2D, Dense, Flatten, MaxPooling2D
from mnist_lab.metrics import accuracy_interval
from mnist_lab.optimizers import SGD, Adam, AdamW
from mnist_lab.store import schema
from mnist_lab.store.database import SQLITE, open_engine
from mnist_lab.studies import presets
from mnist_lab.training_config import TrainingConfig

RUNS, EPOCHS, POINTS = 100_000, 10, 50_000_000
QUEUED, ACTIVE = 400, 200
PEOPLE, HOSTS = 20, 200
OPTIMIZERS = (Adam(0.001), Adam(0.01), SGD(0.01), SGD(0.1, 0.9), AdamW(0.001))
NETWORKS, TRIALS = 2_000, 0.7
_COLUMNS = tuple(column.name for column in schema.runs.columns)
# The epochs and the points of every run, in the words of both databases; {many} is a table n of 1 to so many.
_EPOCHS_OF = """INSERT INTO epochs (run_id, epoch, "values") SELECT runs.id, n, {json} FROM {runs} CROSS JOIN {many}"""
_POINTS_OF = (
    "INSERT INTO points (run_id, step, epoch, loss, accuracy) SELECT runs.id, n * 8, n * {step}, 2.3 / (1 + n * 0.1), "
    "1 - 0.9 / (1 + n * 0.1) FROM {runs} CROSS JOIN {many}"
)
_SQLITE_JSON = (
    """printf('{"epoch": %d, "loss": %.6f, "accuracy": %.6f, "val_loss": %.6f, "val_accuracy": %.6f, """
    """"learning_rate": 0.001, "seconds": 3.2, "fit_seconds": 3.0}', n, 0.5 / n, 1 - 0.1 / n, 0.6 / n, 1 - 0.12 / n)"""
)
_POSTGRES_JSON = (
    """json_build_object('epoch', n, 'loss', 0.5 / n, 'accuracy', 1 - 0.1 / n, 'val_loss', 0.6 / n, """
    """'val_accuracy', 1 - 0.12 / n, 'learning_rate', 0.001, 'seconds', 3.2, 'fit_seconds', 3.0)"""
)


def rows(count: int, now: float) -> Iterator[tuple[Any, ...]]:
    """The rows of runs, in the order of the table's columns; JSON is text."""
    draw = random.Random(0)
    models = [
        (name, json.dumps(each.architecture.to_dict()), shapes.analyse(each.architecture))
        for name, each in presets().items()
    ]
    trainings = [
        (seed, json.dumps(TrainingConfig(optimizer=each, seed=seed, epochs=EPOCHS).to_dict()))
        for each in OPTIMIZERS for seed in range(10)
    ]  # fmt: skip
    searched = [
        Architecture(
            (Conv2D(8 + number % 40), MaxPooling2D(), Conv2D(16 + number // 40), Flatten(), Dense(10, "softmax"))
        )
        for number in range(min(NETWORKS, count))
    ]
    tried = [("", json.dumps(each.to_dict()), shapes.analyse(each)) for each in searched]
    for number in range(count):
        name, network, analysis = draw.choice(tried if draw.random() < TRIALS else models)
        seed, training = draw.choice(trainings)
        if not name:
            training = training.replace('"learning_rate": 0.001', f'"learning_rate": {draw.uniform(1e-4, 1e-2):.8f}')
        ago = count - 1 - number
        values: dict[str, Any] = {
            "id": uuid.UUID(int=draw.getrandbits(128)).hex, "name": f"{name or 'trial'} ({number}), seed {seed}",
            "notes": "looks well" if draw.random() < 0.1 else "", "starred": draw.random() < 0.01,
            "tags": '["sweep"]' if draw.random() < 0.3 else "[]", "preset": name or None,
            "status": "finished", "command": "",
            "position": float(number), "person": f"person-{draw.randrange(PEOPLE)}",
            "host": f"node-{number % HOSTS}", "created": now - 60 * ago, "started": now - 60 * ago + 5,
            "architecture": network, "training": training, "parameters": analysis.parameters,
            "trainable_parameters": analysis.trainable, "multiply_adds": analysis.multiply_adds, "dataset": "mnist",
            "split": "holdout", "fingerprint": "f" * 12, "training_images": 55_000, "epochs_run": EPOCHS,
            "test_looks": 0, "device": "CPU", "changed": number + 1,
        }  # fmt: skip
        share = draw.random()
        if ago < min(QUEUED, count // 4):
            values |= {"status": "queued", "host": None, "started": None, "epochs_run": 0, "device": None}
        elif ago < min(QUEUED + ACTIVE, count // 2):
            values |= {
                "status": "running", "worker": f"w-{ago}", "pid": 1 + ago, "heartbeat": now, "turn": number,
                "progress": '{"phase": "training", "epoch": 3, "epochs": 10, "step": 120, "steps": 430}',
            }  # fmt: skip
        elif share < 0.02:
            values |= {"status": "failed", "reason": "The loss became NaN.", "turn": number}
        else:
            right = draw.randrange(9_500, 9_960)
            low, high = accuracy_interval(right, 10_000)
            values |= {
                "status": "stopped" if share < 0.03 else "finished", "turn": number, "ended": now - 60 * ago + 300,
                "deleted": now - 60 * ago + 3600 if share > 0.99 else None,
                "best_epoch": EPOCHS - 2, "kept_epoch": EPOCHS - 2, "validation_accuracy": right / 10_000,
                "validation_loss": 0.05, "test_accuracy": right / 10_000, "test_accuracy_low": low,
                "test_accuracy_high": high, "test_loss": draw.uniform(0.02, 0.2), "test_images": 10_000,
                "test_looks": 1, "prediction_seconds": 2e-5, "seconds": draw.uniform(20, 400),
                "images_per_second": draw.uniform(1_000, 20_000),
                "progress": '{"phase": "done", "epoch": 10, "epochs": 10, "step": 430, "steps": 430}',
            }  # fmt: skip
        yield tuple(values.get(column) for column in _COLUMNS)


def fill(url: str, runs: int = RUNS, points: int = POINTS) -> None:
    """Makes a store and fills it.

    Args:
        url: Where; there must be none yet.
        runs: How many.
        points: Of all of them together.
    """
    open_engine(url).dispose()
    each = max(1, points // runs)
    (_sqlite if url.startswith(SQLITE) else _postgres)(url, runs, each)


def _sqlite(url: str, runs: int, each: int) -> None:
    with closing(sqlite3.connect(url.removeprefix(SQLITE), isolation_level=None)) as connection:
        for setting in ("synchronous=OFF", "cache_size=-400000"):
            connection.execute(f"PRAGMA {setting}").close()
        marks = ", ".join("?" * len(_COLUMNS))
        connection.execute("BEGIN")
        connection.executemany(
            f"INSERT INTO runs ({', '.join(_COLUMNS)}) VALUES ({marks})", rows(runs, time.time())
        ).close()
        for words, many, text in ((_EPOCHS_OF, EPOCHS, _SQLITE_JSON), (_POINTS_OF, each, "")):
            counted = f"WITH RECURSIVE many(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < {many}) "
            # In the order of the ids: so the index by run is written from its beginning to its end.
            sources = {"runs": "(SELECT id FROM runs ORDER BY id) AS runs", "many": "many"}
            connection.execute(counted + words.format(json=text, step=EPOCHS / each, **sources)).close()
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()


def _postgres(url: str, runs: int, each: int) -> None:
    import psycopg

    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        # Any: psycopg wants statements that stand in the source as they are.
        run: Any = connection.execute
        run("SET maintenance_work_mem = '512MB'")
        columns = ", ".join(_COLUMNS)
        with connection.cursor().copy(f"COPY runs ({columns}) FROM STDIN") as copy:  # type: ignore[arg-type]
            for row in rows(runs, time.time()):
                copy.write_row(row)
        run("ALTER TABLE points DROP CONSTRAINT points_pkey")
        run("DROP INDEX points_by_run")
        for words, many, text in ((_EPOCHS_OF, EPOCHS, _POSTGRES_JSON), (_POINTS_OF, each, "")):
            sources = {"runs": "(SELECT id FROM runs ORDER BY created) AS runs",
                       "many": f"generate_series(1, {many}) AS n"}  # fmt: skip
            run(words.format(json=text, step=EPOCHS / each, **sources))
        run("ALTER TABLE points ADD PRIMARY KEY (id)")
        run("CREATE INDEX points_by_run ON points (run_id, id)")
        run("VACUUM ANALYZE")

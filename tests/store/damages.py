"""What may befall one row of the store: SQL that does it to the run with the id `:id`, and what is known afterwards."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

# A run that is damaged like this cannot be trained or shown: only that it is there, and why.
UNREADABLE = {
    "its network is no JSON": "UPDATE runs SET architecture = '{\"layers\": [{' WHERE id = :id",
    "its network is no text": "UPDATE runs SET architecture = CAST(x'ff00ff' AS TEXT) WHERE id = :id",
    "its network is bytes": "UPDATE runs SET architecture = x'ff00ff' WHERE id = :id",
    "its network is a number": "UPDATE runs SET architecture = 7 WHERE id = :id",
    "its network is a list": "UPDATE runs SET architecture = '[1, 2]' WHERE id = :id",
    "its network has no layers": "UPDATE runs SET architecture = '{}' WHERE id = :id",
    "its layers are numbers": 'UPDATE runs SET architecture = \'{"layers": [1, null, "x"]}\' WHERE id = :id',
    "its network has a layer of another version": (
        'UPDATE runs SET architecture = \'{"format": 1, "layers": [{"layer": "Quantum2D", "qubits": 3}]}\' '
        "WHERE id = :id"
    ),
    "its network is nested a thousand deep": (
        "UPDATE runs SET architecture = '" + '{"layers": [' * 1000 + "]}" * 1000 + "' WHERE id = :id"
    ),
    "its settings are no JSON": "UPDATE runs SET training = 'epochs' WHERE id = :id",
    "its settings are a text": "UPDATE runs SET training = '\"five\"' WHERE id = :id",
    "its settings are of another version": "UPDATE runs SET training = '{\"moonlight\": 1}' WHERE id = :id",
    "its epochs are a text": 'UPDATE runs SET training = \'{"epochs": "five"}\' WHERE id = :id',
    "its optimizer is unknown": 'UPDATE runs SET training = \'{"optimizer": {"name": "Zeus"}}\' WHERE id = :id',
}
# The run is as good as before, but for what is damaged.
PARTLY = {
    "its tags are no JSON": "UPDATE runs SET tags = '[\"a' WHERE id = :id",
    "its tags are numbers": "UPDATE runs SET tags = '[1, 2]' WHERE id = :id",
    "its tags are an object": "UPDATE runs SET tags = '{}' WHERE id = :id",
    "its progress is no JSON": "UPDATE runs SET progress = 'half' WHERE id = :id",
    "its progress is texts": (
        'UPDATE runs SET progress = \'{"phase": 3, "epoch": "x", "epochs": [], "steps": "y"}\' WHERE id = :id'
    ),
    "its status is unknown": "UPDATE runs SET status = 'asleep' WHERE id = :id",
    "its figures are texts": (
        "UPDATE runs SET test_accuracy = 'good', test_accuracy_low = 'x', validation_loss = 'low', seconds = 'long', "
        "epochs_run = 'many', parameters = 'some', best_epoch = 'the last', test_looks = 'never' WHERE id = :id"
    ),
    "its figures are infinite": "UPDATE runs SET test_loss = 9e999, seconds = -9e999 WHERE id = :id",
    "its times are none": "UPDATE runs SET created = 'yesterday', started = 1e300, ended = -5.0 WHERE id = :id",
    "its name is bytes": "UPDATE runs SET name = x'00ff', notes = CAST(x'ff' AS TEXT) WHERE id = :id",
    "its data are unknown": "UPDATE runs SET dataset = 'moons', split = 'none', preset = 'no/such' WHERE id = :id",
    "its history is no JSON": 'UPDATE epochs SET "values" = \'{"epoch": 1, "lo\' WHERE run_id = :id AND epoch = 1',
    "its history is a list": "UPDATE epochs SET \"values\" = '[1, 2]' WHERE run_id = :id AND epoch = 1",
    "its history is texts": (
        'UPDATE epochs SET "values" = \'{"epoch": "x", "loss": "low"}\' WHERE run_id = :id AND epoch = 1'
    ),
    "the losses of its history are texts": (
        'UPDATE epochs SET "values" = \'{"epoch": 1, "loss": "low", "val_accuracy": [1]}\' '
        "WHERE run_id = :id AND epoch = 1"
    ),
    "its curve is texts": "UPDATE points SET loss = 'low', epoch = 'first', step = 'one' WHERE run_id = :id",
}
ALL = UNREADABLE | PARTLY


def damage(file: Path, run_id: str, what: str) -> None:
    """Does it, as another hand would: past the program."""
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(ALL[what], {"id": run_id})

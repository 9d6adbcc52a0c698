"""What an archive of a run holds, by name, and how large each of its files may be.

An archive comes from anyone. Nothing is in it but files of these names; what is read of them is checked, and what is
kept is written anew. The other files are for other programs: their checksums are compared, and they are not opened.
"""

from __future__ import annotations

FORMAT = 1
KIND = "mnist-lab-run"

MANIFEST = "manifest.json"
RUN = "run.json"
ARCHITECTURE = "architecture.json"
TRAINING = "training.json"
HISTORY = "history.json"
POINTS = "points.json"
WEIGHTS = "model.weights.h5"
PREDICTIONS = "predictions.npz"
VALIDATION_PREDICTIONS = "validation-predictions.npz"

HISTORY_TABLE = "history.csv"
PREDICTIONS_TABLE = "predictions.csv"
SCRIPT = "train.py"
KERAS_MODEL = "model.keras"
EVENTS = "events.out.tfevents"

_KB, _MB = 2**10, 2**20

# Bytes, unpacked.
SIZES: dict[str, int] = {
    MANIFEST: 64 * _KB,
    RUN: 64 * _KB,
    ARCHITECTURE: _MB,
    TRAINING: 64 * _KB,
    HISTORY: 8 * _MB,
    POINTS: 16 * _MB,
    WEIGHTS: 256 * _MB,
    PREDICTIONS: 8 * _MB,
    VALIDATION_PREDICTIONS: 8 * _MB,
    HISTORY_TABLE: 8 * _MB,
    PREDICTIONS_TABLE: 32 * _MB,
    SCRIPT: _MB,
    KERAS_MODEL: 256 * _MB,
    EVENTS: 32 * _MB,
}
NEEDED = (MANIFEST, RUN, ARCHITECTURE, TRAINING, HISTORY)
MAX_ARCHIVE = 256 * _MB

MAX_EPOCHS = 10_000
MAX_POINTS = 100_000
MAX_IMAGES = 100_000

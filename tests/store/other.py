"""Another process over the store of a test: a script, which finds here what it needs."""

from __future__ import annotations

import os
import sys
import threading
import time
import warnings
from pathlib import Path

from mnist_lab.architecture import Architecture
from mnist_lab.errors import LabError
from mnist_lab.layers import Dense, Flatten
from mnist_lab.store import RunStore
from mnist_lab.store.database import open_engine
from mnist_lab.training_config import TrainingConfig

NETWORK = Architecture((Flatten(), Dense(10, "softmax")))


def run(script: str, url: str, home: str) -> None:
    """Runs a script, which opens the store by ``opened()``."""
    warnings.simplefilter("error")
    names = {
        "LabError": LabError, "NETWORK": NETWORK, "TrainingConfig": TrainingConfig, "os": os, "sys": sys, "time": time,
        "threading": threading, "opened": lambda: RunStore(open_engine(url), Path(home)),
    }  # fmt: skip
    exec(script, names)

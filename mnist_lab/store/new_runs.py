"""The row of a run that is to be trained."""

from __future__ import annotations

import time
import uuid
from typing import Any

from mnist_lab import shapes
from mnist_lab.architecture import Architecture
from mnist_lab.errors import ArchitectureError
from mnist_lab.store.edits import MAX_NAME, clean_name, clean_notes
from mnist_lab.training_config import TrainingConfig


def new_row(
    architecture: Architecture, training: TrainingConfig, *, name: str, notes: str = "", **more: Any
) -> dict[str, Any]:
    """The columns of a new run, without its place in the queue.

    Args:
        architecture: The network.
        training: How to train it.
        name: Display text; empty for one made of the layers.
        notes: Display text.
        more: Other columns.

    Raises:
        ArchitectureError: If the network is impossible.
    """
    analysis = shapes.analyse(architecture)
    if analysis.problem is not None:
        raise ArchitectureError(analysis.problem, path=analysis.problem_path or ())
    return {
        "id": uuid.uuid4().hex,
        "name": clean_name(name) or architecture.summary[:MAX_NAME],
        "notes": clean_notes(notes),
        "status": "queued",
        "created": time.time(),
        "architecture": architecture.to_dict(),
        "training": training.to_dict(),
        "split": training.split,
        "parameters": analysis.parameters,
        "trainable_parameters": analysis.trainable,
        "multiply_adds": analysis.multiply_adds,
        **more,
    }

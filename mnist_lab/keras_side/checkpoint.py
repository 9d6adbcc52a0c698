"""All that a training goes on from, in one file for each run, which appears whole or not at all.

Weights and the optimizer's state are what Keras saves. With them go what Keras does not: the history up to this epoch,
as the process may end before the store has it, and the state of each random generator of the network (of `Dropout`).
What early stopping and a schedule remember follows from the history; order and changes of the images follow from the
seed and the epoch.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from mnist_lab.errors import ArtefactMissing
from mnist_lab.keras_side import weights
from mnist_lab.store import Run, RunStore
from mnist_lab.store.artefacts import CHECKPOINT

History = list[dict[str, Any]]


def save(model: keras.Model, store: RunStore, run_id: str, history: History) -> None:
    """Writes where a training is after an epoch.

    Args:
        model: Compiled.
        store: Where the file goes.
        run_id: The run.
        history: One object per epoch, as `RunStore.history` gives them.

    Raises:
        StoreError: If it cannot be written.
    """
    states = [np.asarray(keras.ops.convert_to_numpy(each)).tolist() for each in _random_states(model)]
    note = {"history": history, "random": states}
    weights.save(model, store, run_id, CHECKPOINT, with_optimizer=True, note=note)


def load(model: keras.Model, store: RunStore, run: Run, steps: int) -> History:
    """Brings a training back to where it was saved.

    Args:
        model: Compiled as it was then, with the variables of its optimizer made.
        store: Where the file is.
        run: The run.
        steps: Batches per epoch.

    Returns:
        The history up to there.

    Raises:
        ArtefactMissing: If there is no such file, or it is damaged or of another training.
    """
    note = weights.put_into(model, run, store, CHECKPOINT)
    steps_done = int(keras.ops.convert_to_numpy(model.optimizer.iterations))
    history: History | None = note.get("history")
    if history is None:
        # An earlier version wrote it, and the store's history is all that there is.
        history = store.history(run.id)[: steps_done // steps]
    if steps_done != len(history) * steps:
        raise ArtefactMissing(
            f"{CHECKPOINT} of run {run.name!r} is {steps_done:,} steps into a training, where {len(history) * steps:,} "
            f"were expected.", "Train it again.",
        )  # fmt: skip
    for variable, state in zip(_random_states(model), note.get("random", []), strict=False):
        variable.assign(np.array(state, dtype=variable.dtype))
    return history


def _random_states(model: keras.Model) -> list[Any]:
    """The variables that Keras counts among a model's, and not among its weights."""
    known = {id(variable) for variable in model.weights}
    return [variable for variable in model.variables if id(variable) not in known]

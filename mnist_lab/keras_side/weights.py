"""Weights of a run to disk and back. A run's network is always built from its description: only weights are read."""

from __future__ import annotations

import keras

from mnist_lab.errors import ArtefactMissing
from mnist_lab.keras_side.build import build
from mnist_lab.store import Run, RunStore
from mnist_lab.store.artefacts import MODEL


def save(model: keras.Model, store: RunStore, run_id: str, name: str = MODEL, *, with_optimizer: bool = False) -> None:
    """Writes a model's weights; with the optimizer's state if the training is to go on from them."""
    # A second model over the same layers shares their weights and has no optimizer that would be written too.
    bare = model if with_optimizer else keras.Model(model.inputs, model.outputs)
    with store.artefacts.writing(run_id, name) as path:
        bare.save_weights(path)


def load(run: Run, store: RunStore, name: str = MODEL) -> keras.Model:
    """Builds a run's network with its learnt weights, ready to predict.

    Raises:
        ArtefactMissing: If the run has no weights yet, or they do not fit its network.
    """
    store.artefacts.path(run.id, name)  # before a network is built for nothing
    model = build(run.network().without_downloads())
    put_into(model, run, store, name)
    return model


def put_into(model: keras.Model, run: Run, store: RunStore, name: str = MODEL) -> None:
    """Gives a network that was built from a run's description the weights of one of its files.

    Raises:
        ArtefactMissing: If there is no such file, or it does not fit the network.
    """
    path = store.artefacts.path(run.id, name)
    try:
        model.load_weights(path)
    except (ValueError, OSError, KeyError) as error:
        raise ArtefactMissing(
            f"The weights of run {run.name!r} cannot be read ({error}).", "Train it again."
        ) from error

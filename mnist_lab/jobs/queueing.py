"""Putting trainings into the queue, for the pages and for the command line alike."""

from __future__ import annotations

from mnist_lab import forecast, shapes
from mnist_lab.architecture import Architecture
from mnist_lab.errors import LabError
from mnist_lab.store import Run, RunStore
from mnist_lab.study_plan import Plan
from mnist_lab.training_config import TrainingConfig


def submit(
    store: RunStore,
    architecture: Architecture,
    training: TrainingConfig,
    *,
    name: str = "",
    notes: str = "",
    preset: str | None = None,
    images: int = forecast.ALL_IMAGES,
    owner: str | None = None,
) -> Run:
    """Queues a training.

    Args:
        store: The run store.
        architecture: The network.
        training: How to train it.
        name: Display text; made of the layers if empty.
        notes: Display text.
        preset: The preset whose network it is.
        images: Training images per epoch, for the forecast of the memory.
        owner: From `new_owner`, if this process trains it itself; None for the common queue.

    Raises:
        ArchitectureError: If the network is impossible.
        TooLargeError: If it would not fit into memory.
    """
    forecast.forecast(shapes.analyse(architecture), training, images, None).check()
    return store.create(architecture, training, name=name, notes=notes, preset=preset, owner=owner)


def start_plan(store: RunStore, plan: Plan, owner: str | None = None) -> tuple[list[Run], list[str]]:
    """Queues what a study's plan lacks: new trainings, and those that ended before their time.

    Args:
        store: The run store.
        plan: What is wanted.
        owner: As in `submit`.

    Returns:
        The runs that were queued, and why others could not be (too large for this machine, say), one sentence each.
    """
    queued, problems = [], []
    for cell in plan.startable:
        try:
            if cell.run is not None and cell.run.can_go_on:
                queued.append(store.requeue(cell.run.id, owner=owner))
                continue
            # A limit beyond the data takes no memory.
            images = min(cell.training.limit or forecast.ALL_IMAGES, forecast.ALL_IMAGES)
            made = cell.preset
            name = f"{made.study} {made.title}, seed {cell.training.seed}"
            queued.append(
                submit(store, made.architecture, cell.training, name=name, preset=made.name, images=images, owner=owner)
            )
        except LabError as error:
            problems.append(f"{cell.preset.title}: {error}")
    return queued, problems

"""Putting trainings into the queue, for the pages and for the command line alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mnist_lab import forecast, limits, my_digits, run_data, shapes
from mnist_lab.architecture import Architecture
from mnist_lab.errors import JobError, LabError, NoRoomError
from mnist_lab.store import Run, RunStore
from mnist_lab.store.artefacts import DIGITS, MODEL
from mnist_lab.study_plan import Plan
from mnist_lab.training_config import DATASETS, FineTuning, TrainingConfig


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
    person: str | None = None,
    files: Mapping[str, bytes] | None = None,
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
        person: Who asks for it, from `RunStore.person`; None for the user of this process.
        files: By name, files that the training needs.

    Raises:
        ArchitectureError: If the network is impossible.
        TooLargeError: If it would not fit into memory.
        LimitError: If one person may not ask for so much, or for so many at once.
    """
    analysis = shapes.analyse(architecture)
    forecast.forecast(analysis, training, images, None).check()
    person = store.person_of_process() if person is None else person
    limits.check(store, person, analysis.parameters, training.epochs)
    return store.create(
        architecture,
        training,
        name=name,
        notes=notes,
        preset=preset,
        owner=owner,
        files=files,
        person=person,
        most_queued=limits.most_queued(),
    )


def resume(store: RunStore, run: Run, *, owner: str | None = None, person: str | None = None) -> Run:
    """Queues a stopped, interrupted or failed run, to go on from its last epoch.

    Args:
        store: The run store.
        run: The run.
        owner: As in `submit`.
        person: As in `submit`.

    Raises:
        JobError: If it is finished, queued or under way.
        LimitError: As `submit` does.
    """
    person = store.person_of_process() if person is None else person
    limits.check(store, person, run.parameters, int(run.training.get("epochs", 0)))
    return store.requeue(run.id, owner=owner, person=person, most_queued=limits.most_queued())


def fine_tune(
    store: RunStore,
    parent: Run,
    writer: str,
    training: TrainingConfig,
    *,
    name: str = "",
    person: str | None = None,
) -> Run:
    """Queues a training that goes on from a run's weights, on a person's own digits as they are now.

    Args:
        store: The run store.
        parent: The run whose network and weights it starts from.
        writer: Whose digits it learns.
        training: How to train it; of its `fine_tuning` the rehearsal counts.
        name: Display text.
        person: As in `submit`.

    Raises:
        JobError: If there are too few digits.
        LimitError: As `submit` does.
        ArtefactMissing: If the parent has no weights.
        TooLargeError: If the network would not fit into memory.
    """
    digits = store.digits(writer)
    if lacking := my_digits.lacking(digits):
        raise JobError(lacking, "Save some more, on the Draw page or in practice.")
    store.artefacts.path(parent.id, MODEL)
    rehearsal = (training.fine_tuning or FineTuning()).rehearsal
    tuning = FineTuning(parent.id, writer, rehearsal)
    return submit(
        store,
        parent.network(),
        replace(training, dataset=base_of(parent), fine_tuning=tuning),
        name=name or f"{parent.name}, fine-tuned on digits of {writer}",
        images=(1 + rehearsal) * len(digits),
        person=person,
        files={DIGITS: run_data.pack(digits)},
    )


def base_of(parent: Run) -> str:
    """The data that a fine-tuning of a run rehearses: those that the run was trained on, or went on from."""
    return parent.dataset if parent.dataset in DATASETS else parent.config().dataset


def start_plan(
    store: RunStore, plan: Plan, owner: str | None = None, *, person: str | None = None
) -> tuple[list[Run], list[str]]:
    """Queues what a study's plan lacks: new trainings, and those that ended before their time.

    Args:
        store: The run store.
        plan: What is wanted.
        owner: As in `submit`.
        person: As in `submit`.

    Returns:
        The runs that were queued, and why others could not be (too large for this machine, say), one sentence each.
    """
    queued: list[Run] = []
    problems: list[str] = []
    for number, cell in enumerate(plan.startable):
        try:
            if cell.run is not None and cell.run.can_go_on:
                queued.append(resume(store, cell.run, owner=owner, person=person))
                continue
            # A limit beyond the data takes no memory.
            images = min(cell.training.limit or forecast.ALL_IMAGES, forecast.ALL_IMAGES)
            made = cell.preset
            name = f"{made.study} {made.title}, seed {cell.training.seed}"
            queued.append(
                submit(
                    store,
                    made.architecture,
                    cell.training,
                    name=name,
                    preset=made.name,
                    images=images,
                    owner=owner,
                    person=person,
                )
            )
        except NoRoomError as error:
            # The same would be said of each that follows.
            left = len(plan.startable) - number
            problems.append(f"{left} of the trainings {'was' if left == 1 else 'were'} not queued: {error}")
            break
        except LabError as error:
            problems.append(f"{cell.preset.title}: {error}")
    return queued, problems

"""`Report`: everything that a report of a study says, as plain data; and where it is gathered from."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_lab import datasets
from mnist_lab.diagnosis import Finding, subjects
from mnist_lab.errors import ArtefactMissing, DataError
from mnist_lab.predictions import read_predictions
from mnist_lab.shapes import Analysis
from mnist_lab.store import Run, RunStore
from mnist_lab.studies import Preset, Published, Study, measured
from mnist_lab.studies.measured import Measured
from mnist_lab.study_plan import Matching, Setting
from mnist_lab.study_results import Outcome, outcome_of_project, outcome_of_runs
from mnist_lab.training_config import TrainingConfig

FIRST = 100  # images of the grid
MNIST = "mnist"


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """What one run said of its test images.

    Attributes:
        seed: Of the run.
        probabilities: Shape ``(n, 10)``.
        labels: Shape ``(n,)``.
        indices: Which images of the data set they are, shape ``(n,)``.
        first_images: The first of them as pictures; None if the data set is not on this machine.
    """

    seed: int
    probabilities: NDArray[np.float32]
    labels: NDArray[np.uint8]
    indices: NDArray[np.int64]
    first_images: NDArray[np.uint8] | None

    @property
    def digits(self) -> NDArray[np.int64]:
        """The predicted digits."""
        return self.probabilities.argmax(axis=1)

    @property
    def wrong_of_first(self) -> int:
        """How many of the first images are wrong."""
        return int((self.digits[:FIRST] != self.labels[:FIRST]).sum())


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """One model of a report.

    Attributes:
        preset: The model.
        label: The name that the report gives it, unique in it.
        training: How it was to be trained, with the first seed.
        outcome: What its trainings came to; None where nothing is measured.
        runs: The runs of this laboratory behind it; () where the project measured it, or nobody.
        project: The project's own trainings behind it, if there are no runs.
        dataset: What it was measured on; "" where nothing is measured.
        histories: The curves, by ``"seed 42"``; the first is the one that `findings` and `predictions` are of.
        findings: What the first of the curves says.
        published_findings: What the curves say that were printed.
        predictions: Of the first run, if they were kept.
    """

    preset: Preset
    label: str
    training: TrainingConfig
    outcome: Outcome | None = None
    runs: tuple[Run, ...] = ()
    project: tuple[Measured, ...] = ()
    dataset: str = ""
    histories: dict[str, tuple[dict[str, Any], ...]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    published_findings: tuple[Finding, ...] = ()
    predictions: Predictions | None = None

    @property
    def analysis(self) -> Analysis:
        """Its layers, with shapes and parameters."""
        return self.preset.analysis

    @property
    def published(self) -> Published | None:
        """What was printed about it."""
        return self.preset.published

    @property
    def kept_epochs(self) -> tuple[int | None, ...]:
        """The epochs whose weights were kept, one for each training."""
        if self.runs:
            return tuple(run.kept_epoch for run in self.runs)
        stopping = self.training.early_stopping
        is_best = stopping is not None and stopping.restore_best_weights
        return tuple(each.best_epoch if is_best else each.epochs_run for each in self.project)

    @property
    def is_flattered(self) -> bool:
        """Whether the test images also served for validation, so that its accuracies may be too good."""
        return self.training.test_is_validation

    @property
    def is_pooled(self) -> bool:
        """Whether its test images are drawn by lot from all."""
        return self.training.split.startswith("pooled")


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """A study at one moment.

    Attributes:
        study: The study.
        setting: How its models were to be trained.
        made: The day.
        models: In the order of the study.
    """

    study: Study
    setting: Setting
    made: date
    models: tuple[Model, ...]

    @property
    def measured(self) -> list[Model]:
        """The models of which something is measured."""
        return [model for model in self.models if model.outcome is not None]

    @property
    def dataset(self) -> str:
        """On what was measured; several, if so, with commas."""
        return ", ".join(dict.fromkeys(model.dataset for model in self.measured if model.dataset))


def gather(
    study: Study,
    presets: Sequence[Preset],
    setting: Setting,
    matching: Matching,
    store: RunStore,
    *,
    today: date | None = None,
) -> Report:
    """Reads from the store what is known of a study.

    Args:
        study: The study.
        presets: Those of its models that the report is to be of.
        setting: How they were to be trained.
        matching: Finds the runs.
        store: Where the runs' curves and predictions are.
        today: The date of the report.

    Raises:
        ConfigError: If a number of the setting is out of its range.
        StoreError: If the store cannot be read.
    """
    return Report(
        study=study,
        setting=setting,
        made=today or date.today(),
        models=tuple(_model(study, preset, setting, matching, store) for preset in presets),
    )


def _model(study: Study, preset: Preset, setting: Setting, matching: Matching, store: RunStore) -> Model:
    # Titles are unique within a document only.
    label = f"{preset.title} ({preset.study})" if study.is_question else preset.title
    training = setting.trainings(preset)[0]
    printed = subjects.of_published(preset)
    runs = tuple(run for run in matching.seeds(preset, setting) if run.test_accuracy is not None and run.test_images)
    if runs:
        first = runs[0]
        histories = {f"seed {run.training.get('seed')}": tuple(store.history(run.id)) for run in runs}
        return Model(
            preset=preset,
            label=label,
            training=training,
            outcome=outcome_of_runs(runs),
            runs=runs,
            dataset=first.dataset or matching.dataset,
            histories=histories,
            findings=subjects.of_run(first, store.history(first.id)),
            published_findings=printed,
            predictions=_predictions(first, store),
        )
    project = measured.of(preset.name) if setting.is_as_published else ()
    if not project:
        return Model(preset, label, training, published_findings=printed)
    histories = {f"seed {each.seed}": each.history for each in project}
    return Model(
        preset=preset,
        label=label,
        training=training,
        outcome=outcome_of_project(project),
        project=project,
        dataset=MNIST,
        histories=histories,
        findings=subjects.of_preset(preset, project[0].history),
        published_findings=printed,
    )


def _predictions(run: Run, store: RunStore) -> Predictions | None:
    """The kept predictions of a run; None where there are none, or none that can be read."""
    try:
        known = read_predictions(store, run)
    except ArtefactMissing:
        return None
    probabilities, labels, indices = known.probabilities, known.labels, known.indices
    first_images = pictures(run, indices[:FIRST], labels[:FIRST])
    return Predictions(int(run.training.get("seed", 0)), probabilities, labels, indices, first_images)


def pictures(run: Run, indices: NDArray[np.int64], labels: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """The pictures behind predictions; None unless they are on this machine and are what they were."""
    with suppress(DataError):
        dataset = datasets.load(run.dataset or "auto")
        images = datasets.images_at(dataset, indices)
        if np.array_equal(np.concatenate([dataset.y_train, dataset.y_test])[indices], labels):
            return images
    return None

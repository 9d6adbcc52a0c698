"""What trainings of one model came to, beside what was published about it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mnist_lab import metrics
from mnist_lab.store import Run
from mnist_lab.studies import Preset, Published, measured
from mnist_lab.studies.measured import Measured
from mnist_lab.study_plan import Matching, Setting

# Fewer seeds say too little about their spread.
SEEDS_FOR_SPREAD = 3
# An interval over more than this holds whatever is printed, and so says nothing.
WIDEST = 0.2


@dataclass(frozen=True, slots=True)
class Measurement:
    """One finished training.

    Attributes:
        seed: Of the training.
        accuracy: On the test images, 0 to 1.
        loss: On the same images.
        test_images: How many they are.
        epochs_run: Epochs that were run.
        best_epoch: The best of them by what was watched.
        seconds: Time spent training.
    """

    seed: int
    accuracy: float
    loss: float | None
    test_images: int
    epochs_run: int
    best_epoch: int | None
    seconds: float | None

    @classmethod
    def from_run(cls, run: Run) -> Measurement | None:
        """A run as a measurement; None if it was not evaluated."""
        if run.test_accuracy is None or not run.test_images:
            return None
        return cls(
            seed=int(run.training.get("seed", 0)),
            accuracy=run.test_accuracy,
            loss=run.test_loss,
            test_images=run.test_images,
            epochs_run=run.epochs_run,
            best_epoch=run.best_epoch,
            seconds=run.seconds,
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """Trainings of one model that differ in their seed alone.

    Attributes:
        measurements: At least one.
    """

    measurements: tuple[Measurement, ...]

    @property
    def seeds(self) -> int:
        """How many trainings there are."""
        return len(self.measurements)

    @property
    def accuracy(self) -> float:
        """Mean test accuracy."""
        return statistics.fmean(each.accuracy for each in self.measurements)

    @property
    def spread(self) -> float | None:
        """Standard deviation of the test accuracy over the seeds; None for a single one."""
        return statistics.stdev(each.accuracy for each in self.measurements) if self.seeds > 1 else None

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the accuracy.

        For fewer than three seeds that of the mean accuracy as a share of the test images, which knows nothing of how
        seeds differ. From three on, where the accuracy of another training would fall, by the spread of these.
        """
        if self.seeds >= SEEDS_FOR_SPREAD:
            return metrics.seeds_interval([each.accuracy for each in self.measurements])
        images = min(each.test_images for each in self.measurements)
        return metrics.accuracy_interval(round(self.accuracy * images), images)

    @property
    def loss(self) -> float | None:
        """Mean test loss."""
        return _mean([each.loss for each in self.measurements])

    @property
    def epochs(self) -> float:
        """Mean number of epochs that were run."""
        return statistics.fmean(each.epochs_run for each in self.measurements)

    @property
    def seconds(self) -> float | None:
        """Mean time of a training."""
        return _mean([each.seconds for each in self.measurements])

    @property
    def is_wild(self) -> bool:
        """Whether the seeds differ so wildly (some learnt nothing, say) that their mean and interval say nothing."""
        low, high = self.interval
        return self.seeds >= SEEDS_FOR_SPREAD and high - low > WIDEST

    def holds(self, published: Published | None) -> bool | None:
        """Whether the published accuracy, as exactly as it was printed, lies in our interval.

        None if none was printed, or where any would.
        """
        if published is None or published.test_accuracy is None or self.is_wild:
            return None
        low, high = self.interval
        half_a_step = 0.5 * 10.0**-published.decimals
        return low - half_a_step <= published.test_accuracy <= high + half_a_step


def judged(ours: Outcome | None, published: Published | None, setting: Setting, dataset: str) -> bool | None:
    """Whether the published accuracy lies inside ours; None where that would compare unlike things.

    Args:
        ours: What was measured.
        published: What was printed.
        setting: How ours were trained: only those trained as published can be held against it.
        dataset: What ours were trained on; the documents' images are MNIST's.
    """
    if ours is None or not setting.is_as_published or dataset != "mnist":
        return None
    return ours.holds(published)


YOU, PROJECT = "you", "the project"


def figures_of(preset: Preset, setting: Setting, matching: Matching) -> tuple[Outcome | None, str]:
    """What is known of a model in a setting, and by whom.

    Returns:
        The outcome of the user's own runs, or else, if the setting is as published, of the project's; and `YOU`,
        `PROJECT` or "".
    """
    own = outcome_of_runs(matching.seeds(preset, setting))
    if own is not None:
        return own, YOU
    project = outcome_of_project(measured.of(preset.name)) if setting.is_as_published else None
    return project, PROJECT if project is not None else ""


def outcome_of_runs(runs: Iterable[Run]) -> Outcome | None:
    """What runs of one model came to that differ in their seed alone; None where none was evaluated."""
    return _outcome(Measurement.from_run(run) for run in runs)


def outcome_of_project(trainings: Iterable[Measured]) -> Outcome | None:
    """What the project's own trainings of one model came to; None where there is none."""
    return _outcome(
        Measurement(
            seed=each.seed,
            accuracy=each.test_accuracy,
            loss=each.test_loss,
            test_images=each.test_images,
            epochs_run=each.epochs_run,
            best_epoch=each.best_epoch,
            seconds=each.seconds,
        )
        for each in trainings
    )


def _outcome(measurements: Iterable[Measurement | None]) -> Outcome | None:
    known = tuple(each for each in measurements if each is not None)
    return Outcome(known) if known else None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None and math.isfinite(value)]
    return statistics.fmean(known) if known else None

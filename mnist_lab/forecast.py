"""What a training will take, before it starts: seconds per epoch and memory, from a probe and from earlier runs."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, astuple, dataclass, fields, replace
from functools import lru_cache
from operator import mul
from typing import Any

import numpy as np
import psutil

from mnist_lab import formatting
from mnist_lab.architecture import Architecture, where
from mnist_lab.errors import LabError, TooLargeError
from mnist_lab.settings import DEFAULT_BACKEND, read_settings
from mnist_lab.shapes import Analysis, Row, analyse
from mnist_lab.store import Run
from mnist_lab.training_config import TrainingConfig

# What the process with TensorFlow and the images take before any network: measured, rounded up.
BASE_BYTES = 1_100_000_000
# Share of the memory that one training may take.
MEMORY_SHARE = 0.9
# Earlier runs tell more than the probe once there are a few of them.
RUNS_CONSIDERED = 20
# MNIST's training images.
ALL_IMAGES = 60_000


@dataclass(frozen=True, slots=True)
class Cost:
    """What a network asks of a machine for one image, and for a step.

    Attributes:
        multiply_adds: Forwards.
        values: Numbers that its layers hand on: they are written, read and go back as gradients.
        layers: How many they are: each asks for a few kernels, whatever its size.
        weights: Trainable parameters: the optimizer goes through them in each step, whatever the batch.
    """

    multiply_adds: int
    values: int
    layers: int
    weights: int

    @classmethod
    def of(cls, analysis: Analysis) -> Cost:
        """That of a network."""
        return cls(analysis.multiply_adds, analysis.activation_values, len(analysis.rows), analysis.trainable)

    def terms(self, batch_size: int) -> tuple[float, ...]:
        """How often each number of a `Probe`, in their order, counts for one image."""
        return 1 / batch_size, self.layers / batch_size, self.weights / batch_size, self.multiply_adds, self.values


@dataclass(frozen=True, slots=True)
class Probe:
    """A machine's speed as five numbers.

    ``seconds per step = fixed + layers * layer + weights * weight + images * (multiply_adds * each + values * value)``

    Attributes:
        fixed: Seconds of a step that no network escapes.
        layer: Seconds of a step per layer.
        weight: Seconds of a step per trainable parameter.
        each: Seconds per multiply-add of a training step (forwards and backwards).
        value: Seconds per number that a layer hands on.
    """

    fixed: float
    layer: float
    weight: float
    each: float
    value: float

    @classmethod
    def from_measured(cls, measured: Sequence[tuple[Cost, float]], batch_size: int) -> Probe:
        """The numbers, none below 0, that come closest to the measured, as shares of each.

        Args:
            measured: Networks, and their seconds per image.
            batch_size: With which they were trained.
        """
        # Only a worker measures: the first page need not wait for this import.
        from scipy.optimize import nnls

        seconds = np.array([each for _, each in measured])
        costs = np.array([cost.terms(batch_size) for cost, _ in measured]) / seconds[:, None]
        # Alike in size, so that none is lost to rounding.
        scale = costs.max(axis=0)
        return cls(*(nnls(costs / scale, np.ones(len(seconds)))[0] / scale).tolist())

    def seconds(self, cost: Cost, batch_size: int) -> float:
        """Seconds of a training step per image."""
        return max(1e-9, sum(map(mul, astuple(self), cost.terms(batch_size))))

    def to_dict(self) -> dict[str, float]:
        """Plain JSON values."""
        return asdict(self)


def probe_key(host: str) -> str:
    """The note of the store under which a host's probe is kept; each backend of Keras has a speed of its own."""
    backend = read_settings().backend
    own = "" if backend == DEFAULT_BACKEND else f":{backend}"
    return f"probe:{host}"[: 100 - len(own)] + own


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a training will take.

    Attributes:
        seconds_per_epoch: None until the machine was measured.
        memory_bytes: Of the worker process at its largest.
        available_bytes: What the machine could give it.
        basis: Where the seconds come from, in words.
        largest: The layer that takes most of the memory; None for a network without layers.
        largest_bytes: How much that is.
    """

    seconds_per_epoch: float | None
    memory_bytes: int
    available_bytes: int
    basis: str
    largest: Row | None = None
    largest_bytes: int = 0

    @property
    def fits(self) -> bool:
        """Whether the memory suffices."""
        return self.memory_bytes <= self.available_bytes

    @property
    def problem(self) -> str | None:
        """Why it cannot be trained here, with the figures; None if it can."""
        if self.fits:
            return None
        most = ""
        if self.largest is not None:
            layer = f"layer {where(self.largest.path)} ({self.largest.title})"
            most = f", {formatting.size(self.largest_bytes)} of it for {layer}"
        return (
            f"Training this network would take about {formatting.size(self.memory_bytes)} of memory{most}; "
            f"this machine has {formatting.size(self.available_bytes)} for it. "
            "Use fewer units or filters, more pooling or a smaller batch."
        )

    def check(self) -> None:
        """Refuses what does not fit.

        Raises:
            TooLargeError: If the memory does not suffice.
        """
        if self.problem is not None:
            raise TooLargeError(self.problem)


def forecast(
    analysis: Analysis,
    training: TrainingConfig,
    images: int,
    probe: Probe | None,
    earlier: Iterable[Run] = (),
    available_bytes: int | None = None,
) -> Forecast:
    """Forecasts a training.

    Args:
        analysis: The network's costs.
        training: How it will be trained.
        images: Training images per epoch.
        probe: This machine's speed, if it was measured.
        earlier: Runs of this machine, the newest first; those of the same cost speak for themselves, the others
            correct the probe by the median of how far it was off.
        available_bytes: Memory for the worker; None asks the machine.
    """
    memory = BASE_BYTES + analysis.training_bytes(training.batch_size, training.optimizer.slots_per_weight)
    memory += images * 28 * 28 * 4
    known = [run for run in earlier if run.images_per_second and run.training_images][:RUNS_CONSIDERED]
    same = [
        float(run.images_per_second or 0)
        for run in known
        if run.architecture["layers"] and run.multiply_adds == analysis.multiply_adds and _alike(run, training)
    ]
    seconds: float | None = None
    basis = "measured as soon as the training engine is ready"
    if same:
        seconds = images / statistics.median(same)
        basis = f"from {len(same)} earlier run{'s' * (len(same) > 1)} of this cost"
    elif probe is not None:
        off = [
            1.0 / (float(run.images_per_second or 1) * probe.seconds(cost, run.config().batch_size))
            for run in known
            if (cost := _cost(run))
        ]
        correction = statistics.median(off) if len(off) >= 2 else 1.0
        seconds = images * probe.seconds(Cost.of(analysis), training.batch_size) * correction
        basis = "from a probe of this machine" + (f" and {len(off)} earlier runs" if len(off) >= 2 else "")
    if available_bytes is None:
        available_bytes = int(psutil.virtual_memory().total * MEMORY_SHARE)
    slots = training.optimizer.slots_per_weight
    costs = [(row.training_bytes(training.batch_size, slots), row) for row in analysis.rows]
    largest_bytes, largest = max(costs, key=lambda cost: cost[0], default=(0, None))
    return Forecast(seconds, memory, available_bytes, basis, largest, largest_bytes)


def within_memory(analysis: Analysis, training: TrainingConfig, available_bytes: int | None = None) -> Analysis:
    """Marks the layer at fault if a possible network would not fit into the memory of this machine.

    Args:
        analysis: The network's costs.
        training: How it will be trained; the images are taken to be all of MNIST's.
        available_bytes: Memory for the worker; None asks the machine.

    Returns:
        The same analysis, or one whose problem says how much memory is wanting, at the layer that takes most of it.
    """
    if analysis.problem is not None:
        return analysis
    expected = forecast(analysis, training, training.limit or ALL_IMAGES, None, available_bytes=available_bytes)
    if expected.problem is None or expected.largest is None:
        return analysis
    rows = tuple(replace(row, problem=expected.problem) if row is expected.largest else row for row in analysis.rows)
    return Analysis(rows, expected.problem, expected.largest.path)


def _alike(run: Run, training: TrainingConfig) -> bool:
    return bool(run.training.get("batch_size") == training.batch_size)


def _cost(run: Run) -> Cost | None:
    return _cost_of(json.dumps(run.architecture))


@lru_cache(maxsize=256)
def _cost_of(architecture: str) -> Cost | None:
    try:
        return Cost.of(analyse(Architecture.from_dict(json.loads(architecture))))
    except LabError:
        return None


def read_probe(value: Any) -> Probe | None:
    """A probe from the store's note; None if there is none, or one of an earlier version, which is to be renewed."""
    names = [field.name for field in fields(Probe)]
    if not isinstance(value, dict) or set(value) != set(names):
        return None
    return Probe(*(float(value[name]) for name in names))

"""What a training will take, before it starts: seconds per epoch and memory, from a probe and from earlier runs."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

import psutil

from mnist_lab import formatting
from mnist_lab.architecture import where
from mnist_lab.errors import TooLargeError
from mnist_lab.settings import DEFAULT_BACKEND, read_settings
from mnist_lab.shapes import Analysis, Row
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
class Probe:
    """A machine's speed as two numbers: ``seconds per image = fixed + multiply_adds * each``.

    Attributes:
        fixed: Seconds per image that no network escapes.
        each: Seconds per multiply-add of a training step (forwards and backwards).
    """

    fixed: float
    each: float

    @classmethod
    def from_two(cls, light: tuple[int, float], heavy: tuple[int, float]) -> Probe:
        """From two networks' ``(multiply_adds, seconds per image)``."""
        each = max(1e-15, (heavy[1] - light[1]) / (heavy[0] - light[0]))
        return cls(max(0.0, light[1] - each * light[0]), each)

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
        off = [1.0 / (float(run.images_per_second or 1) * _per_image(probe, run.multiply_adds)) for run in known]
        correction = statistics.median(off) if len(off) >= 2 else 1.0
        seconds = images * _per_image(probe, analysis.multiply_adds) * correction
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


def _per_image(probe: Probe, multiply_adds: int) -> float:
    return max(1e-9, probe.fixed + probe.each * multiply_adds)


def read_probe(value: Any) -> Probe | None:
    """A probe from the store's note; None if there is none."""
    return Probe(float(value["fixed"]), float(value["each"])) if isinstance(value, dict) else None

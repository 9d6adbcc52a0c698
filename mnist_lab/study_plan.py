"""What it takes to run a study: which trainings are wanted, which of them are there, and how far the rest is.

There is no record of a study under way. Its state is read off the run store each time, from the runs that have the
wanted network and the wanted training; so it survives restarts, and what is there already is never trained twice.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from mnist_lab import forecast
from mnist_lab.errors import ConfigError, LabError
from mnist_lab.store import Run, RunStore
from mnist_lab.store.records import FINAL
from mnist_lab.studies import Preset
from mnist_lab.training_config import TrainingConfig

MAX_SEEDS = 100
_ORDER = ("finished", "running", "paused", "queued", "interrupted", "stopped", "failed")


@dataclass(frozen=True, slots=True)
class Setting:
    """How the models of a study are to be trained; None and () leave each as it was published.

    Attributes:
        epochs: In place of the published number.
        limit: Only the first so many training images.
        seeds: One training for each; () for the preset's own seed.
    """

    epochs: int | None = None
    limit: int | None = None
    seeds: tuple[int, ...] = ()

    def trainings(self, preset: Preset) -> tuple[TrainingConfig, ...]:
        """The trainings of one model.

        Raises:
            ConfigError: If a number is out of its range, or there are too many seeds.
        """
        if len(self.seeds) > MAX_SEEDS:
            raise ConfigError(f"{len(self.seeds)} seeds are too many.", f"Use at most {MAX_SEEDS}.")
        changes = {name: value for name in ("epochs", "limit") if (value := getattr(self, name)) is not None}
        base = replace(preset.training, **changes)
        return tuple(replace(base, seed=seed) for seed in dict.fromkeys(self.seeds or (base.seed,)))

    @property
    def is_as_published(self) -> bool:
        """Whether nothing but the seeds is changed."""
        return self.epochs is None and self.limit is None

    @property
    def words(self) -> str:
        """``"as published"``, or what is changed: ``"3 epochs, 5,000 training images"``; without the seeds."""
        parts = []
        if self.epochs is not None:
            parts.append(f"{self.epochs:,} epoch{'s' * (self.epochs != 1)}")
        if self.limit is not None:
            parts.append(f"{self.limit:,} training images")
        return ", ".join(parts) or "as published"


def parse_seeds(text: str) -> tuple[int, ...]:
    """Reads seeds as people type them: ``"1, 2, 3"`` or ``"1-5"``.

    Raises:
        ConfigError: If it is something else.
    """
    seeds: list[int] = []
    for part in text.replace(";", ",").replace(" ", ",").split(","):
        if not part:
            continue
        first, dash, last = part.partition("-")
        # Python reads no number of thousands of digits.
        if not first.isdecimal() or (dash and not last.isdecimal()) or len(part) > 100:
            raise ConfigError(f"Seeds cannot be read from {text!r:.60}.", "Give whole numbers, as 1,2,3 or 1-5.")
        begin, end = int(first), int(last or first)
        if not 0 <= begin <= end < 2**31 or end - begin >= MAX_SEEDS:
            raise ConfigError(
                f"Seeds go from 0 to {2**31 - 1:,}, at most {MAX_SEEDS} of them. Received: {part!r:.60}.",
                "Give whole numbers, as 1,2,3 or 1-5.",
            )
        seeds += range(begin, end + 1)
    if len(set(seeds)) > MAX_SEEDS:
        raise ConfigError(f"{len(set(seeds))} seeds are too many.", f"Use at most {MAX_SEEDS}.")
    return tuple(dict.fromkeys(seeds))


@dataclass(frozen=True, slots=True)
class Cell:
    """One wanted training, and the run that is it."""

    preset: Preset
    training: TrainingConfig
    run: Run | None = None

    @property
    def state(self) -> str:
        """The status of its run; ``"missing"`` where there is none."""
        return "missing" if self.run is None else self.run.status

    @property
    def is_under_way(self) -> bool:
        """Whether its run is in hand or in the queue."""
        return self.run is not None and self.run.status not in FINAL

    @property
    def can_start(self) -> bool:
        """Whether it wants a new training, or one that can be taken up again."""
        return self.run is None or self.run.status in FINAL[1:]


@dataclass(frozen=True, slots=True)
class Plan:
    """The wanted trainings of some models, in order."""

    cells: tuple[Cell, ...]

    def count(self, *states: str) -> int:
        """How many are in one of these states."""
        return sum(cell.state in states for cell in self.cells)

    @property
    def finished(self) -> int:
        """How many are done."""
        return self.count("finished")

    @property
    def under_way(self) -> list[Run]:
        """Runs that are in hand or in the queue."""
        return [cell.run for cell in self.cells if cell.run is not None and cell.is_under_way]

    @property
    def startable(self) -> list[Cell]:
        """What has not begun, or ended before its time."""
        return [cell for cell in self.cells if cell.can_start]

    @property
    def share_done(self) -> float:
        """How much of the work is done, 0 to 1, weighing each training by its multiply-adds and epochs."""
        done = total = 0.0
        for cell in self.cells:
            images = cell.training.limit or forecast.ALL_IMAGES
            weight = float(1_000_000 + cell.preset.analysis.multiply_adds) * cell.training.epochs * images
            total += weight
            if cell.run is not None:
                # A run that waits to go on has no progress yet, but its epochs.
                begun = max(cell.run.share_done, cell.run.epochs_run / cell.training.epochs)
                done += weight * (1.0 if cell.state == "finished" else min(1.0, begun))
        return done / total if total else 0.0


class Matching:
    """Finds runs by what they trained and how.

    Args:
        runs: The store's, the newest first.
        dataset: Name of the data set that trainings find on this machine; runs on another are left out.
    """

    def __init__(self, runs: Iterable[Run], dataset: str) -> None:
        self.dataset = dataset
        self._by_preset: dict[str, list[tuple[TrainingConfig, Run]]] = {}
        for run in runs:
            if run.preset and run.dataset in (None, dataset) and (training := _training(run)) is not None:
                self._by_preset.setdefault(run.preset, []).append((training, run))

    def _of(self, preset: Preset) -> list[tuple[TrainingConfig, Run]]:
        network = preset.architecture.to_dict()
        return [pair for pair in self._by_preset.get(preset.name, []) if pair[1].architecture == network]

    def same(self, preset: Preset, training: TrainingConfig) -> list[Run]:
        """Runs that are this very training, seed included; the newest first."""
        return [run for each, run in self._of(preset) if each == training]

    def seeds(self, preset: Preset, setting: Setting) -> list[Run]:
        """The finished runs of a model in a setting, whatever their seed; of each seed the newest; ordered by seed."""
        wanted = setting.trainings(preset)[0]
        found: dict[int, Run] = {}
        for each, run in self._of(preset):
            if run.status == "finished" and replace(each, seed=wanted.seed) == wanted:
                found.setdefault(each.seed, run)
        return [found[seed] for seed in sorted(found)]

    def settings(self, presets: Iterable[Preset]) -> dict[Setting, int]:
        """The settings in which some of these models were trained, and how many runs each has; most runs first."""
        counts: Counter[Setting] = Counter()
        for preset in presets:
            base = preset.training
            for each, run in self._of(preset):
                if run.status != "finished":
                    continue
                if replace(each, seed=base.seed, epochs=base.epochs, limit=base.limit) == base:
                    changed = each.epochs if each.epochs != base.epochs else None
                    counts[Setting(changed, each.limit if each.limit != base.limit else None)] += 1
        return dict(counts.most_common())


def _training(run: Run) -> TrainingConfig | None:
    """A run's training without what changes no result; None if this version cannot read it."""
    try:
        return _read(json.dumps(run.training, sort_keys=True))
    except LabError:
        return None


@lru_cache(maxsize=4096)
def _read(text: str) -> TrainingConfig:
    """Read once: a study's page asks for all of its runs at each tick, and many are trained alike."""
    return replace(TrainingConfig.from_dict(json.loads(text)), keep_checkpoints=False)


def plan(presets: Iterable[Preset], setting: Setting, matching: Matching) -> Plan:
    """Finds the runs that are the wanted trainings; of several, the one that got furthest, then the newest.

    Raises:
        ConfigError: If a number of the setting is out of its range.
    """
    cells = []
    for preset in presets:
        for training in setting.trainings(preset):
            same = matching.same(preset, training)
            cells.append(Cell(preset, training, min(same, key=lambda run: _ORDER.index(run.status), default=None)))
    return Plan(tuple(cells))


def seconds_left(plan: Plan, store: RunStore, images: int, *, wanted: bool = False) -> float | None:
    """How long the trainings under way will take, at most: one that stops early takes less.

    Args:
        plan: The plan.
        store: Where earlier runs tell how fast this machine is.
        images: How many training images the data have.
        wanted: Count those that have not begun in place of those under way.

    Returns:
        Seconds; None where they cannot be told yet.
    """
    earlier = store.timed(forecast.RUNS_CONSIDERED)
    probe = forecast.read_probe(store.note(forecast.probe_key(store.host)))
    total = 0.0
    for cell in plan.startable if wanted else [cell for cell in plan.cells if cell.is_under_way]:
        if cell.run is not None and cell.run.is_active:
            reported = (cell.run.progress or {}).get("seconds_left")
            if reported is not None:
                total += float(reported)
                continue
        seen = min(cell.training.limit or images, images)
        each = forecast.forecast(cell.preset.analysis, cell.training, seen, probe, earlier).seconds_per_epoch
        if each is None:
            return None
        done = cell.run.epochs_run if cell.run is not None else 0
        total += each * max(0, cell.training.epochs - done)
    return total

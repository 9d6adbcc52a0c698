"""A run as the rest of the program sees it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from mnist_lab.architecture import Architecture
from mnist_lab.store import damage
from mnist_lab.training_config import TrainingConfig

STATUSES = ("queued", "running", "paused", "finished", "stopped", "interrupted", "failed")
ACTIVE = ("running", "paused")
FINAL = ("finished", "stopped", "interrupted", "failed")

# A worker writes its heartbeat four times a second; one that is silent for this long by the clock seems to be gone.
STALE_SECONDS = 30.0
# Why a run is *interrupted*, in most cases.
ENDED_EARLY = "The program or the machine was ended while it trained. Resume it from its last epoch."


@dataclass(frozen=True, slots=True)
class Run:
    """One training, wanted, under way or done. The columns of the store, unknown figures None.

    Times are seconds since 1970 (UTC); `seconds` is the time spent training, `prediction_seconds` that of one image in
    large batches; `device` is words. `test_looks` counts how often figures of the test images were reckoned. `person`
    is who asked for it, in a form that names nobody; `turn` counts the starts of the common queue. `sweep` is the id of
    the sweep that made it for its trial of the number `trial`.

    A damaged row is a run too: a figure that cannot be read is unknown. Where network or settings cannot be read, its
    network is empty; it is then *failed*, as with an unknown status, unless a worker has it in hand. `reason` says so.
    """

    id: str
    name: str
    notes: str
    starred: bool
    tags: list[str]
    preset: str | None
    status: str
    reason: str | None
    command: str
    position: float
    owner: str | None
    person: str | None
    turn: int | None
    sweep: str | None
    trial: int | None
    worker: str | None
    host: str | None
    pid: int | None
    heartbeat: float | None
    created: float
    started: float | None
    ended: float | None
    deleted: float | None
    architecture: dict[str, Any]
    training: dict[str, Any]
    parameters: int
    trainable_parameters: int
    multiply_adds: int
    dataset: str | None
    split: str
    fingerprint: str | None
    training_images: int | None
    epochs_run: int
    best_epoch: int | None
    kept_epoch: int | None
    validation_accuracy: float | None
    validation_loss: float | None
    test_accuracy: float | None
    test_accuracy_low: float | None
    test_accuracy_high: float | None
    test_loss: float | None
    test_images: int | None
    test_looks: int
    prediction_seconds: float | None
    seconds: float | None
    images_per_second: float | None
    device: str | None
    progress: dict[str, Any] | None

    @classmethod
    def from_row(cls, row: Mapping[str, Any], problem: str | None = None) -> Run:
        """Reads a row of the table, whatever is in it.

        Args:
            row: By column its value.
            problem: What `damage.problem_of` says of its network and settings, where that is known already.
        """
        values, damaged = _COLUMNS.read(row)
        what = ", ".join(damaged)
        if problem is None:
            problem = damage.problem_of(values["architecture"], values["training"])
        if {"architecture", "training"} & set(damaged) or problem:
            values |= {"architecture": Architecture().to_dict(), "training": {}}
        if values["status"] not in STATUSES or not values["architecture"]["layers"]:
            values["status"] = values["status"] if values["status"] in ACTIVE else "failed"
            what = what or problem or "status"
        if values["progress"]:
            values["progress"] = damage.progress_of(values["progress"])
        if what:
            values["reason"] = damage.told(what, values["reason"])
        return cls(**values)

    @property
    def is_damaged(self) -> bool:
        """Whether its network or its settings cannot be read: there is nothing to train, to load or to export."""
        return not self.architecture["layers"]

    @property
    def test_is_validation(self) -> bool:
        """Whether its test images also chose its epoch, so that its accuracy is flattered."""
        return self.split == "test-as-validation"

    @property
    def is_active(self) -> bool:
        """Whether a worker has it in hand."""
        return self.status in ACTIVE

    @property
    def is_evaluating(self) -> bool:
        """Whether it was stopped and its worker still looks at the test images, as far as is known."""
        if self.status != "stopped" or (self.progress or {}).get("phase") != "evaluating":
            return False
        # One that was killed while it did says no more; the clock may have been set since, either way.
        return abs(time.time() - (self.heartbeat or 0.0)) <= STALE_SECONDS

    @property
    def can_go_on(self) -> bool:
        """Whether it can be resumed: it ended before its last epoch, or after that in mid-evaluation."""
        is_cut_short = self.epochs_run < int(self.training.get("epochs", 0)) or self.status == "interrupted"
        return self.status in FINAL[1:] and not self.is_damaged and is_cut_short

    @property
    def share_done(self) -> float:
        """How much of its training is done, 0 to 1, by the progress that its worker reported last."""
        progress = self.progress or {}
        epochs, steps = progress.get("epochs") or 0, progress.get("steps") or 0
        if not epochs or not steps:
            return 0.0
        return min(1.0, max(0.0, ((progress.get("epoch", 1) - 1) + progress.get("step", 0) / steps) / epochs))

    @property
    def test_accuracy_interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the test accuracy."""
        if self.test_accuracy_low is None or self.test_accuracy_high is None:
            return None
        return self.test_accuracy_low, self.test_accuracy_high

    def is_stale(self, now: float | None = None) -> bool:
        """Whether its worker has been silent for too long."""
        silent = (time.time() if now is None else now) - (self.heartbeat or self.started or self.created)
        return self.is_active and silent > STALE_SECONDS

    def network(self) -> Architecture:
        """Its network."""
        return Architecture.from_dict(self.architecture)

    def config(self) -> TrainingConfig:
        """Its training settings."""
        return TrainingConfig.from_dict(self.training)

    def to_json(self) -> dict[str, Any]:
        """The run as the command line prints it; the keys are part of the outside contract."""
        same = (
            "id name status preset parameters trainable_parameters dataset split training architecture epochs_run "
            "best_epoch test_accuracy"
        )
        rest = "test_loss validation_accuracy seconds images_per_second device"
        interval = self.test_accuracy_interval
        return {
            **{key: getattr(self, key) for key in same.split()},
            "test_accuracy_interval": None if interval is None else list(interval),
            **{key: getattr(self, key) for key in rest.split()},
            "created": datetime.fromtimestamp(self.created, UTC).isoformat(timespec="seconds"),
            "reason": self.reason,
        }


_COLUMNS = damage.Columns({field.name: str(field.type) for field in fields(Run)})

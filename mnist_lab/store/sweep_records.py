"""A sweep and its trials as the store has them; what a sweep is made of is the business of `mnist_lab.sweeps`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from mnist_lab.architecture import Architecture
from mnist_lab.store import damage
from mnist_lab.training_config import TrainingConfig

# running: somebody drives it, or will again; stopped: a person stopped it; finished: its budget is spent;
# failed: it cannot go on, `reason` says why.
SWEEP_STATUSES = ("running", "stopped", "finished", "failed")
# running; complete; pruned by the pruner; failed in training; impossible: refused before training.
TRIAL_STATES = ("running", "complete", "pruned", "failed", "impossible")

# A driver says more often than this that it is there; one that is silent for longer has lost its sweep.
LEASE_SECONDS = 30.0
# What queues and trains the runs of a sweep, as `Run.owner` has it.
OWNER = "sweep/"


@dataclass(frozen=True, slots=True)
class SweepRecord:
    """One sweep.

    A damaged row is a sweep too: a figure that cannot be read is unknown. Where its description cannot be read, that
    is empty and the sweep *failed*; `reason` says so.

    Attributes:
        id: Hexadecimal, 32 digits.
        name: Display text.
        sweep: What `Sweep.to_dict` gave.
        status: One of `SWEEP_STATUSES`.
        reason: Why it failed, or which limit ended it; None while it runs.
        command: ``""`` or ``"stop"``: what a person wants of its driver.
        driver: Who drives it, None for nobody.
        heartbeat: When the driver last said so, in seconds since 1970.
        spent: Seconds that it was driven for, pauses not counted.
        person: Who asked for it; see `RunStore.person`.
        created: In seconds since 1970, as all times.
        ended: None while it runs.
        deleted: None unless it was deleted.
    """

    id: str
    name: str
    sweep: dict[str, Any]
    status: str
    reason: str | None
    command: str
    driver: str | None
    heartbeat: float | None
    spent: float
    person: str | None
    created: float
    ended: float | None
    deleted: float | None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> SweepRecord:
        """Reads a row of the table, whatever is in it."""
        values, damaged = _SWEEP.read(row)
        if values["status"] not in SWEEP_STATUSES:
            damaged.append("status")
        if damaged:
            values["reason"] = damage.told(", ".join(dict.fromkeys(damaged)), values["reason"])
            if {"sweep", "status"} & set(damaged):
                values["status"] = "failed"
        return cls(**values)

    @property
    def is_damaged(self) -> bool:
        """Whether its description cannot be read, so that it cannot go on."""
        return not self.sweep

    @property
    def owner(self) -> str:
        """The owner of its runs."""
        return f"{OWNER}{self.id}"


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial: values of all dimensions, and what came of them.

    Attributes:
        sweep: The sweep's id.
        number: From 0, in the order in which they were proposed.
        values: By `name_of` of each dimension.
        state: One of `TRIAL_STATES`.
        accuracy: On the validation split, 0 to 1: the mean over its seeds; of one that was pruned, or runs, what it
            had reached.
        spread: Standard deviation over the seeds; None for one seed.
        parameters: Of its network; None for an impossible one.
        multiply_adds: Of its network, for one image.
        epochs: Epochs that were trained for it, all seeds together.
        runs: Ids of its runs, by seed.
        reason: Why it failed or is impossible.
        curve: By epoch its accuracy on the validation split, the mean over the seeds that had got there.
        resumed: How often its runs were resumed after they had been interrupted.
        notes: What the search noted for itself.
        created: In seconds since 1970.
        ended: None while it runs.
    """

    sweep: str
    number: int
    values: dict[str, Any]
    state: str
    accuracy: float | None
    spread: float | None
    parameters: int | None
    multiply_adds: int | None
    epochs: int
    runs: list[str]
    reason: str | None
    curve: list[float]
    resumed: int
    notes: dict[str, Any]
    created: float
    ended: float | None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Trial:
        """Reads a row of the table, whatever is in it; a damaged trial counts as *failed*."""
        values, damaged = _TRIAL.read(row)
        if values["state"] not in TRIAL_STATES:
            damaged.append("state")
        if damaged:
            values["reason"] = damage.told(", ".join(dict.fromkeys(damaged)), values["reason"])
            values["state"] = "failed"
        return cls(**values)


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run that a trial is to have.

    Attributes:
        architecture: The network; it must be possible.
        training: How to train it.
        name: Display text.
    """

    architecture: Architecture
    training: TrainingConfig
    name: str


@dataclass(frozen=True, slots=True)
class NewTrial:
    """A trial that was proposed.

    Attributes:
        number: The next one.
        values: By `name_of` of each dimension.
        runs: What is to be trained; none for one that is impossible.
        reason: Why it is impossible; None for one that is not.
        parameters: Of its network.
        multiply_adds: Of its network.
        notes: What the search noted for itself.
    """

    number: int
    values: Mapping[str, Any]
    runs: tuple[NewRun, ...] = ()
    reason: str | None = None
    parameters: int | None = None
    multiply_adds: int | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)


_SWEEP = damage.Columns({each.name: str(each.type) for each in fields(SweepRecord)})
_TRIAL = damage.Columns({each.name: str(each.type) for each in fields(Trial)})

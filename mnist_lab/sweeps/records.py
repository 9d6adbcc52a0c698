"""A sweep and its trials as the store has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# running: somebody drives it, or will again; stopped: a person stopped it; finished: its budget is spent;
# failed: it cannot go on, `reason` says why.
SWEEP_STATUSES = ("running", "stopped", "finished", "failed")
# running; complete; pruned by the pruner; failed in training; impossible: refused before training.
TRIAL_STATES = ("running", "complete", "pruned", "failed", "impossible")


@dataclass(frozen=True, slots=True)
class SweepRecord:
    """One sweep.

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
    sweep: Mapping[str, Any]
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


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial: values of all dimensions, and what came of them.

    Attributes:
        sweep: The sweep's id.
        number: From 0, in the order in which they were proposed.
        values: By `name_of` of each dimension.
        state: One of `TRIAL_STATES`.
        accuracy: On the validation split, 0 to 1: the mean over its seeds; of one that was pruned, what it had reached.
        spread: Standard deviation over the seeds; None for one seed.
        parameters: Of its network; None for an impossible one.
        multiply_adds: Of its network, for one image.
        epochs: Epochs that were trained for it, all seeds together.
        runs: Ids of its runs, by seed.
        reason: Why it failed or is impossible.
        created: In seconds since 1970.
        ended: None while it runs.
    """

    sweep: str
    number: int
    values: Mapping[str, Any]
    state: str
    accuracy: float | None
    spread: float | None
    parameters: int | None
    multiply_adds: int | None
    epochs: int
    runs: tuple[str, ...]
    reason: str | None
    created: float
    ended: float | None

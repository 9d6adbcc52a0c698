"""Who trains queued runs: worker processes of this machine, or what else ``MNIST_LAB_EXECUTOR`` names.

A kind of crew is one entry of `CREWS`.
"""

from __future__ import annotations

from collections.abc import Callable

from mnist_lab.forecast import BASE_BYTES
from mnist_lab.jobs import devices
from mnist_lab.jobs.crew import Crew
from mnist_lab.jobs.local_crew import LocalCrew
from mnist_lab.settings import read_settings
from mnist_lab.store import RunStore

Maker = Callable[[RunStore, str | None, int, bool], Crew]
"""Makes an idle crew of a store, an owner, a size, and whether it is patient; see `Crew`."""

Size = Callable[[], int]
"""How many runs an executor trains at once where nobody says it."""


def _local(store: RunStore, owner: str | None, size: int, patient: bool) -> Crew:
    return LocalCrew(store, owner, size, patient=patient)


def _local_size() -> int:
    return devices.fitting(devices.cores(), devices.free_bytes(), len(devices.gpus()), BASE_BYTES)


CREWS: dict[str, tuple[Maker, Size]] = {"local": (_local, _local_size)}
"""By the name that ``MNIST_LAB_EXECUTOR`` has for it."""


def make_crew(store: RunStore, owner: str | None, *, size: int | None = None, patient: bool = True) -> Crew:
    """An idle crew of the executor that the settings name.

    Args:
        store: The run store.
        owner: Whose queued runs it trains; None for the common queue.
        size: How many at once; None for `common_size` or `default_size`.
        patient: As in `Crew`.

    Raises:
        SettingError: If a setting is wrong.
        JobError: If the executor cannot be used.
    """
    if size is None:
        size = common_size() if owner is None else default_size()
    maker, _ = CREWS[read_settings().executor]
    return maker(store, owner, size, patient)


def default_size() -> int:
    """How many runs of a sweep are trained at once: ``MNIST_LAB_TRAINERS``, or as many as there is room for.

    Raises:
        SettingError: If a setting is wrong.
    """
    settings = read_settings()
    return settings.trainers or CREWS[settings.executor][1]()


def common_size() -> int:
    """How many runs of the common queue are trained at once: ``MNIST_LAB_TRAINERS``, else one for each GPU, or one.

    One alone has the whole machine, and who waits for it sees it sooner.

    Raises:
        SettingError: If a setting is wrong.
    """
    return read_settings().trainers or max(1, len(devices.gpus()))

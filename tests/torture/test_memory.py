"""Memory that runs out in a worker, in every way that it can: the run fails with that reason, and the next goes on."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from mnist_lab.architecture import Architecture
from mnist_lab.jobs import JobManager
from mnist_lab.layers import Conv2D, Dense, Flatten
from mnist_lab.optimizers import SGD
from mnist_lab.training_config import TrainingConfig
from tests.jobs.conftest import FAST, SMALL, Lab, crew_of, has_ended, place
from tests.torture.conftest import FULL, Tally

MB = 2**20
CGROUPS = Path("/sys/fs/cgroup/memory")

# Its maps take 1.4 GB for each of two layers, in one batch; its weights next to nothing.
WIDE_MAPS = Architecture((Conv2D(512, 3), Conv2D(8, 3), Flatten(), Dense(10, "softmax")))
# 700 MB of weights, and as much again for the momenta.
MANY_WEIGHTS = Architecture((Flatten(), Dense(15_000), Dense(11_000), Dense(10, "softmax")))
ONE_BATCH = TrainingConfig(dataset="digits", epochs=2, batch_size=1024, optimizer=SGD(0.01, 0.9))


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """An app whose one worker is warm: it has trained a run."""
    with place(tmp_path / "home") as store:
        manager = JobManager(store, autostart=False)
        manager.inference.start = lambda: None  # type: ignore[method-assign]
        manager.fetch_data = lambda **_: None  # type: ignore[method-assign]
        manager.start()
        lab = Lab(store, manager)
        first = lab.until(lab.submit(FAST), has_ended)
        assert first.status == "finished", first.reason
        yield lab
        manager.close()


def by_address_space(pid: int) -> None:
    """No more than so much of address space: an allocation fails in the process."""
    limit = psutil.Process(pid).memory_info().vms + 600 * MB
    resource.prlimit(pid, resource.RLIMIT_AS, (limit, limit))


def by_data(pid: int) -> None:
    """No more than so much of data; as before, but what is mapped from files is free."""
    status = Path(f"/proc/{pid}/status").read_text()
    data = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmData"))
    limit = data * 1024 + 300 * MB
    resource.prlimit(pid, resource.RLIMIT_DATA, (limit, limit))


def by_the_system(pid: int) -> None:
    """A group of processes that may have so much: the system kills whoever wants more."""
    group = CGROUPS / f"mnist-lab-{os.getpid()}"
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(str(psutil.Process(pid).memory_info().rss + 300 * MB))
        (group / "cgroup.procs").write_text(str(pid))
    except OSError as error:
        pytest.skip(f"the memory of a group of processes cannot be limited here: {error}")


@pytest.fixture
def no_group_is_left() -> Iterator[None]:
    yield
    with suppress(OSError):
        (CGROUPS / f"mnist-lab-{os.getpid()}").rmdir()


@pytest.mark.parametrize(
    ("network", "limit"),
    [(WIDE_MAPS, by_address_space), (MANY_WEIGHTS, by_address_space), (WIDE_MAPS, by_data), (MANY_WEIGHTS, by_data),
     (WIDE_MAPS, by_the_system)] if FULL else [(WIDE_MAPS, by_address_space)],
)  # fmt: skip
def test_memory_that_runs_out_fails_one_run_and_says_so(
    lab: Lab, no_group_is_left: None, tally: Tally, network: Architecture, limit: Callable[[int], None]
) -> None:
    while not (processes := crew_of(lab.manager).processes):
        time.sleep(0.05)
    limit(processes[0].pid)
    greedy = lab.store.create(network, ONE_BATCH)
    after = lab.store.create(SMALL, FAST)
    greedy = lab.until(greedy, has_ended)
    reason = (greedy.reason or "").splitlines()[0]
    assert greedy.status == "failed", reason
    assert "emory r" in reason, reason  # runs out, or ran out
    after = lab.until(after, has_ended)
    assert after.status == "finished", after.reason
    assert lab.manager.problem is None
    tally(f"memory ran out, {limit.__name__.replace('_', ' ')}: failed with", reason[:100])

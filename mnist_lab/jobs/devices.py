"""What this machine has for trainings (cores, memory, GPUs), and how several workers share it.

It asks the system and NVIDIA's driver, and no backend of Keras, which the process that starts workers never imports.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import psutil

ASK_SECONDS = 10.0
# Of a GPU's memory, what its users share; the rest is the driver's and that of each process's libraries.
GPU_SHARE = 0.9
# More would be waiting for the store's disk, to which each worker writes four times a second.
MOST_BY_DEFAULT = 16

_CGROUP = Path("/sys/fs/cgroup")
_DRIVER = Path("/proc/driver/nvidia/gpus")
_QUERY = ("--query-gpu=index,memory.total", "--format=csv,noheader,nounits")


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU.

    Attributes:
        name: As ``CUDA_VISIBLE_DEVICES`` takes it.
        memory: MiB, or None where it is not known.
    """

    name: str
    memory: int | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """What a worker is started with, to take its share of the machine and no more.

    Attributes:
        arguments: For `mnist_lab.worker`.
        environment: Environment variables.
    """

    arguments: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)


def share(place: int, size: int, *, all_devices: bool = False) -> Share:
    """The share of one worker of this machine; see `shared`."""
    return shared(place, size, cores(), gpus(), all_devices=all_devices)


def shared(place: int, size: int, cores: int, gpus: Sequence[Gpu], *, all_devices: bool = False) -> Share:
    """Divides a machine among the workers of a crew.

    Args:
        place: Which of the workers, from 0.
        size: How many they are; one alone takes all, as it finds it.
        cores: Of the machine. Each worker computes in its part of so many threads, one at least.
        gpus: Of the machine. Each worker sees one of them; several on one share its memory evenly.
        all_devices: Whether each worker is to train on all of the GPUs.
    """
    if size <= 1:
        return Share()
    arguments, environment = ["--threads", str(max(1, cores // size))], {}
    if gpus:
        mine = list(gpus) if all_devices else [gpus[place % len(gpus)]]
        environment["CUDA_VISIBLE_DEVICES"] = ",".join(gpu.name for gpu in mine)
        users = size if all_devices else len(range(place % len(gpus), size, len(gpus)))
        known = [gpu.memory for gpu in mine if gpu.memory is not None]
        if users > 1 and len(known) == len(mine):
            arguments += ["--gpu-memory", str(int(min(known) * GPU_SHARE) // users)]
    return Share(arguments, environment)


def fitting(cores: int, free_bytes: int, gpus: int, worker_bytes: int) -> int:
    """How many workers a machine has room for: one for each GPU, else one for each core; and memory for all of them.

    Args:
        cores: Of the machine.
        free_bytes: Memory that is free.
        gpus: How many it has.
        worker_bytes: What one takes.
    """
    return max(1, min(gpus or cores, free_bytes // worker_bytes, MOST_BY_DEFAULT))


def cores() -> int:
    """The cores that this process may use, by its affinity and its container's quota."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota, _, period = _read(_CGROUP / "cpu.max").partition(" ")
    if quota.isdigit() and period.isdigit() and int(period):
        count = min(count, int(quota) // int(period))
    return max(1, count)


def free_bytes() -> int:
    """The memory that more processes could take, by the machine and by the container's limit."""
    free = int(psutil.virtual_memory().available)
    limit, used = _read(_CGROUP / "memory.max"), _read(_CGROUP / "memory.current")
    if limit.isdigit() and used.isdigit():
        # What is only kept of files is given back when it is wanted.
        kept = dict(line.split(" ", 1) for line in _read(_CGROUP / "memory.stat").splitlines() if " " in line)
        free = min(free, int(limit) - int(used) + int(kept.get("inactive_file", 0)))
    return max(0, free)


@cache
def gpus() -> tuple[Gpu, ...]:
    """The NVIDIA GPUs that workers may use."""
    return visible(os.environ, _listed())


def visible(environment: Mapping[str, str], listed: Sequence[Gpu]) -> tuple[Gpu, ...]:
    """Those GPUs that ``CUDA_VISIBLE_DEVICES`` leaves to be seen: all of them, where it is not set.

    Args:
        environment: The environment variables.
        listed: All GPUs of the machine.
    """
    chosen = environment.get("CUDA_VISIBLE_DEVICES")
    if chosen is None:
        return tuple(listed)
    known = {gpu.name: gpu for gpu in listed}
    found: list[Gpu] = []
    for name in (part.strip() for part in chosen.split(",")):
        # CUDA takes those before the first that there is not; -1 is none. Others than numbers are left to it.
        if not name or name.startswith("-") or (name.isdigit() and name not in known):
            break
        found.append(known.get(name, Gpu(name)))
    return tuple(found)


def _listed() -> tuple[Gpu, ...]:
    tool = shutil.which("nvidia-smi")
    if tool is not None:
        try:
            asked = subprocess.run(
                [tool, *_QUERY], capture_output=True, text=True, timeout=ASK_SECONDS, check=False, errors="replace"
            )
            if asked.returncode == 0:
                return read_list(asked.stdout)
        except (OSError, subprocess.TimeoutExpired):
            pass
    try:
        return tuple(Gpu(str(index)) for index, _ in enumerate(sorted(_DRIVER.iterdir())))
    except OSError:
        return ()


def read_list(text: str) -> tuple[Gpu, ...]:
    """What ``nvidia-smi`` prints for the index and the memory of each GPU; what cannot be read is left out."""
    found = []
    for line in text.splitlines():
        index, _, memory = (part.strip() for part in line.partition(","))
        if index.isdigit():
            found.append(Gpu(index, int(memory) if memory.isdigit() else None))
    return tuple(found)


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""

"""Runs the benchmarks of speed one after the other and prints their tables, with the machine and the versions.

make benchmark [BENCHMARKS="throughput first_page"]
MNIST_LAB_DATA=FOLDER python -m benchmarks [NAME ...]
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
SPEED = (
    "throughput",
    "crew",
    "time_to_99",
    "forecast",
    "first_page",
    "in_browser",
    "runs_page",
    "explain",
    "watching",
    "soak",
    "inference",
    "memory",
)
PACKAGES = ("tensorflow", "keras", "torch", "numpy", "streamlit", "plotly")


def machine() -> str:
    """Processor, memory, system and versions in two lines."""
    cpu = platform.processor() or platform.machine()
    if (info := Path("/proc/cpuinfo")).exists():
        cpu = next((line.split(":")[1].strip() for line in info.read_text().splitlines() if "model name" in line), cpu)
    versions = []
    for package in PACKAGES:
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {cpu}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.platform()}\n"
        f"Python {platform.python_version()}, {', '.join(versions)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SPEED)}; all, if none is given")
    names = parser.parse_args().names or list(SPEED)
    if unknown := set(names) - set(SPEED):
        parser.error(f"unknown: {', '.join(sorted(unknown))}. There are {', '.join(SPEED)}.")
    print(machine(), flush=True)
    failed = []
    for name in names:
        print(f"\n## {name}\n", flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], cwd=ROOT, check=False).returncode:
            failed.append(name)
    if failed:
        raise SystemExit(f"Failed: {', '.join(failed)}.")


if __name__ == "__main__":
    main()

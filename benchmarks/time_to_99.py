"""How long it takes to get 99 % of MNIST's test images right: the recipe *Fast*, the same in PyTorch, a first network.

    MNIST_LAB_DATA=FOLDER python -m benchmarks.time_to_99 [--seeds 5] [--no-first]

*First* is document 001's first model trained as written, until its accuracy on the test images, which the document
validates on, is 99 % for the first time. *Fast* trains its one epoch in the program; *torch*, where PyTorch is
installed, trains the same network with the same batches, optimizer and schedule in a loop written by hand. The two take
turns, each seed in a process of its own. Printed: seconds of the training, building the graph included and imports not,
and the accuracy on the test images.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace

from benchmarks.throughput import trained
from mnist_lab import datasets
from mnist_lab.jobs import JobManager
from mnist_lab.niceness import be_nice
from mnist_lab.store import open_store
from mnist_lab.studies import preset

FIRST = "001-conv-3-3"
WANTED = 0.99


def first() -> tuple[float, float]:
    """Seconds of the epochs until the first with 99 % of the test images, and its accuracy."""
    chosen = preset(FIRST)
    manager = JobManager(open_store())
    try:
        run = manager.submit(chosen.architecture, chosen.training)
        seconds = 0.0
        seen = 0
        while manager.store.get(run.id).status in ("queued", "running"):
            for entry in manager.store.history(run.id)[seen:]:
                seen, seconds = seen + 1, seconds + entry["seconds"]
                print(f"first, epoch {seen}: {entry['val_accuracy']:.2%} after {seconds:.1f} s", flush=True)
                if entry["val_accuracy"] >= WANTED:
                    manager.stop(run.id)
                    return seconds, entry["val_accuracy"]
            time.sleep(0.5)
        raise SystemExit(f"{FIRST} did not reach {WANTED:.0%} in {seen} epochs.")
    finally:
        manager.close()


def fast(seed: int) -> tuple[float, float]:
    """The program's way, in its worker."""
    chosen = preset("fast")
    run = trained(chosen.architecture, replace(chosen.training, seed=seed))
    assert run.seconds is not None
    assert run.test_accuracy is not None
    return run.seconds, run.test_accuracy


def torch_loop(seed: int) -> tuple[float, float]:
    """The same in PyTorch."""
    be_nice()
    from benchmarks.torch_twin import one_cycle

    chosen = preset("fast")
    config = replace(chosen.training, seed=seed)
    split = datasets.split(datasets.load(), config.split, seed=config.seed)
    return one_cycle(chosen.architecture, config, split, os.cpu_count() or 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--no-first", action="store_true", help="leave out the first network, which takes ten minutes")
    parser.add_argument("--only", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    sides = {"first": lambda _: first(), "fast": fast, "torch": torch_loop}
    if options.only:
        print(*sides[options.only[0]](int(options.only[1])))
        return

    def measured(side: str, seed: int) -> tuple[float, float]:
        command = [sys.executable, "-m", "benchmarks.time_to_99", "--only", side, str(seed)]
        with tempfile.TemporaryDirectory() as home:
            environment = {**os.environ, "MNIST_LAB_HOME": home}
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
        seconds, accuracy = map(float, done.stdout.strip().splitlines()[-1].split())
        print(f"{side}, seed {seed}: {accuracy:.2%} after {seconds:.1f} s", flush=True)
        return seconds, accuracy

    pair = ("fast", "torch") if importlib.util.find_spec("torch") else ("fast",)
    found: dict[str, list[tuple[float, float]]] = {side: [] for side in pair}
    for seed in range(1, options.seeds + 1):
        for side in pair[:: 1 if seed % 2 else -1]:
            found[side].append(measured(side, seed))
    medians = {}
    for side, rows in found.items():
        medians[side] = statistics.median(seconds for seconds, _ in rows)
        mean = statistics.fmean(accuracy for _, accuracy in rows)
        print(f"{side}: median {medians[side]:.1f} s, mean accuracy {mean:.2%} of {len(rows)} seeds")
    if "torch" in medians:
        print(f"fast / torch: {medians['fast'] / medians['torch']:.2f}")
    if not options.no_first:
        seconds, accuracy = measured("first", 42)
        print(f"first: {accuracy:.2%} after {seconds:.0f} s, {seconds / medians['fast']:.0f} times as long as fast")


if __name__ == "__main__":
    main()

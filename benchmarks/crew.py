"""What several workers gain, and what the program adds to a trial: trials per hour of a small network, in turns.

    MNIST_LAB_DATA=FOLDER python -m benchmarks.crew [--preset NAME] [--images 6000] [--epochs 3] [--trials 6]
        [--rounds 3] [--workers 1 2]

A trial is a run: queued, taken by a warm worker, trained with validation, saved, evaluated on the test and the
validation images. The clock runs from the moment in which all trials are queued to the end of the last one. Bare Keras,
warm too and in a process of its own at the worker's priority, builds and compiles the same network in the same way,
fits it to the same images and predicts the test images, again and again: what a person's own loop would do. Each round
does all of it, in turns. Printed: medians over the rounds, of trials per hour, of the ratios within a round, and of
what a trial of one worker takes beyond a bare one, by the clock and in seconds of the processor. On a machine that
others use only the latter says much: several workers get more of it from the others than one does.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mnist_lab import datasets, shapes
from mnist_lab.jobs import Crew, make_crew, new_owner
from mnist_lab.niceness import be_nice
from mnist_lab.store import Run, RunStore, open_store
from mnist_lab.store.records import FINAL
from mnist_lab.studies import preset
from mnist_lab.training_config import TrainingConfig
from mnist_lab.worker import RUNS_PER_PROCESS

TICK_SECONDS = 0.1
BARE = "--bare"


def configuration(options: argparse.Namespace) -> TrainingConfig:
    made = preset(options.preset).training
    return replace(TrainingConfig(optimizer=made.optimizer), epochs=options.epochs, limit=options.images)


def bare(options: argparse.Namespace) -> None:
    """Says of each training that is asked for how many seconds it took, by the clock and of the processor."""
    be_nice()
    # First, as it chooses TensorFlow's kernels: both sides have the same.
    from mnist_lab.keras_side.build import build  # isort: skip
    import keras

    from mnist_lab.keras_side.optimizers import make_optimizer

    config = configuration(options)
    split = datasets.split(datasets.load(), config.split, limit=config.limit, seed=config.seed)
    x, validation, test = (
        (images.astype(np.float32) / 255)[..., None] for images in (split.x_train, split.x_validation, split.x_test)
    )
    architecture = preset(options.preset).architecture

    def trial(seed: int) -> tuple[float, float]:
        keras.backend.clear_session()
        began, used = time.monotonic(), time.process_time()
        keras.utils.set_random_seed(seed)
        model = build(architecture, seed=seed)
        optimizer = make_optimizer(config, len(x) // config.batch_size)
        model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(
            x, split.y_train, batch_size=config.batch_size, epochs=config.epochs, verbose=0,
            validation_data=(validation, split.y_validation), validation_batch_size=256,
        )  # fmt: skip
        model.predict(test, batch_size=512, verbose=0)
        return time.monotonic() - began, time.process_time() - used

    trial(0)
    print("ready", flush=True)
    for seed, _ in enumerate(sys.stdin, 1):
        print(*trial(seed), flush=True)


class Bench:
    """A warm crew of so many workers, and what it does.

    Args:
        store: The run store.
        options: Of the command line.
        workers: How many.
    """

    def __init__(self, store: RunStore, options: argparse.Namespace, workers: int) -> None:
        self._store, self._options, self._owner = store, options, new_owner(store)
        self._crew: Crew = make_crew(store, self._owner, size=workers, patient=False)
        # Each worker has a run before the clock does: as many go on at once as there are workers.
        warm = [self._queue(seed, epochs=100) for seed in range(workers)]
        self._until(lambda: sum(run.epochs_run > 0 for run in self._look(warm)) == workers)
        for run in warm:
            store.command(run.id, "stop")
        self._until(lambda: all(run.test_accuracy is not None for run in self._look(warm)))
        self._warm = self._look(warm)

    def trials(self, count: int) -> tuple[float, float]:
        """The seconds from the first to the last of so many trials, of the clock and of the workers' processors."""
        runs = [self._queue(seed) for seed in range(count)]
        began, used = time.monotonic(), self._used()
        self._until(lambda: all(run.status in FINAL for run in self._look(runs)))
        seconds = time.monotonic() - began
        if bad := [run.reason for run in self._look(runs) if run.status != "finished"]:
            raise SystemExit(f"A trial failed: {bad[0]}")
        return seconds, self._used() - used

    def _used(self) -> float:
        times = [psutil.Process(run.pid).cpu_times() for run in self._warm]
        return sum(each.user + each.system for each in times)

    def close(self) -> None:
        self._crew.close()

    def _queue(self, seed: int, epochs: int | None = None) -> Run:
        config = replace(configuration(self._options), seed=seed)
        config = replace(config, epochs=epochs or config.epochs)
        return self._store.create(preset(self._options.preset).architecture, config, owner=self._owner)

    def _look(self, runs: list[Run]) -> list[Run]:
        return self._store.runs(ids=[run.id for run in runs])

    def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._crew.tick()
            time.sleep(TICK_SECONDS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="small", metavar="NAME")
    parser.add_argument("--images", type=int, default=6000, help="training images")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--trials", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], metavar="N")
    parser.add_argument(BARE, action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.bare:
        bare(options)
        return
    if options.trials * options.rounds + 1 >= RUNS_PER_PROCESS:
        parser.error(f"a worker ends after {RUNS_PER_PROCESS} runs, and its time is counted: ask for fewer trials")
    parameters = shapes.analyse(preset(options.preset).architecture).parameters
    print(f"{options.preset}: {parameters:,} parameters, {options.images:,} images, {options.epochs} epochs; ", end="")
    print(f"before the start the load was {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores\n", flush=True)
    with tempfile.TemporaryDirectory() as home:
        os.environ["MNIST_LAB_HOME"] = home
        os.environ.pop("MNIST_LAB_STORE", None)
        measure(options, open_store())


def measure(options: argparse.Namespace, store: RunStore) -> None:
    """All rounds, and what they come to."""
    words = [sys.executable, __file__, BARE, *sys.argv[1:]]
    alone = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert alone.stdin is not None and alone.stdout is not None
    assert alone.stdout.readline() == "ready\n"
    benches = {workers: Bench(store, options, workers) for workers in options.workers}
    hourly: dict[int, list[float]] = {workers: [] for workers in benches}
    more: list[tuple[float, float]] = []
    print("| Round | Bare trial, s | " + " | ".join(f"{n} at once, trials/h" for n in benches) + " | More, s | CPU s |")
    print("|---" * (4 + len(benches)) + "|", flush=True)
    for number in range(options.rounds):
        taken = []
        for _ in range(options.trials):
            alone.stdin.write("\n")
            alone.stdin.flush()
            taken.append([float(word) for word in alone.stdout.readline().split()])
        clock, processor = (statistics.median(each) for each in zip(*taken, strict=True))
        order = list(benches)
        for workers in order[number % len(order) :] + order[: number % len(order)]:
            seconds, used = benches[workers].trials(options.trials)
            hourly[workers].append(3600 * options.trials / seconds)
            if workers == 1:
                more.append((seconds / options.trials - clock, used / options.trials - processor))
        cells = [f"{clock:.2f}", *(f"{hourly[workers][-1]:,.0f}" for workers in benches)]
        cells += [f"{seconds:.2f}" for seconds in more[-1]] if more else ["–", "–"]
        print(f"| {number + 1} | {' | '.join(cells)} |", flush=True)
    for bench in benches.values():
        bench.close()
    alone.stdin.close()
    alone.wait()
    first = options.workers[0]
    for workers in options.workers[1:]:
        ratios = [many / one for one, many in zip(hourly[first], hourly[workers], strict=True)]
        print(f"\n{workers} at once do {statistics.median(ratios):.2f} times the trials per hour of {first}", end="")
        print(f" (rounds: {', '.join(f'{ratio:.2f}' for ratio in ratios)}).")
    if more:
        clock, processor = (statistics.median(each) for each in zip(*more, strict=True))
        print(f"\nA trial takes {clock:.2f} s more than bare Keras with the same network and data", end="")
        print(f" ({processor:.2f} s of the processor), by the median of {options.rounds} rounds.")


if __name__ == "__main__":
    main()

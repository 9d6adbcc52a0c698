"""What the program costs a training: images per second in its worker, against a bare ``model.fit``, in turns.

    MNIST_LAB_DATA=FOLDER python benchmarks/throughput.py [--rounds 5] [--preset lenet-5] [--epochs 4]

The bare side builds the same network, compiles it in the same way and calls `fit` on the same arrays, in a process of
its own at the same priority. The program's side goes through the store, the job manager's thread and the worker, which
reports its curve while this script polls it as a page would. Both count the time from the first to the last batch of an
epoch, and the median over the epochs but the first, which builds the graph. Printed: images per second of each round,
and the median of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mnist_lab.studies import preset
from mnist_lab.training_config import TrainingConfig

NICENESS = 5


def configuration(options: argparse.Namespace) -> TrainingConfig:
    return replace(TrainingConfig(), epochs=options.epochs, optimizer=preset(options.preset).training.optimizer)


def bare(options: argparse.Namespace) -> float:
    """`model.fit` and a stop-watch, nothing else."""
    os.nice(NICENESS)
    import keras
    import numpy as np

    from mnist_lab import datasets
    from mnist_lab.keras_side.build import build
    from mnist_lab.keras_side.optimizers import make_optimizer

    class Watch(keras.callbacks.Callback):
        def __init__(self) -> None:
            super().__init__()
            self.speeds: list[float] = []

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.began = time.monotonic()

        def on_test_begin(self, logs: Any = None) -> None:
            # The validation begins when the last batch is done: nothing of ours runs within an epoch.
            self.speeds.append(len(x) / (time.monotonic() - self.began))

    config = configuration(options)
    split = datasets.split(datasets.load(), config.split, seed=config.seed)
    x, y = (split.x_train.astype(np.float32) / 255)[..., None], split.y_train
    validation = (split.x_validation.astype(np.float32) / 255)[..., None], split.y_validation
    model = build(preset(options.preset).architecture, seed=config.seed)
    model.compile(
        optimizer=make_optimizer(config, 1),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,
    )
    watch = Watch()
    model.fit(
        x, y, batch_size=config.batch_size, epochs=config.epochs, validation_data=validation,
        validation_batch_size=256, callbacks=[watch], verbose=0,
    )  # fmt: skip
    return statistics.median(watch.speeds[1:])


def in_the_lab(options: argparse.Namespace, home: str) -> float:
    """The same by the program's own way."""
    os.environ["MNIST_LAB_HOME"] = home
    from mnist_lab.jobs import JobManager
    from mnist_lab.store import open_store

    manager = JobManager(open_store())
    try:
        while not manager.inference.is_warm:
            time.sleep(0.1)
        run = manager.submit(preset(options.preset).architecture, configuration(options))
        while (run := manager.store.get(run.id)).status in ("queued", "running"):
            manager.store.points(run.id)
            time.sleep(0.5)
        if run.images_per_second is None:
            raise SystemExit(f"The run {run.status}: {run.reason}")
        return run.images_per_second
    finally:
        manager.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--preset", default="lenet-5")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--only", choices=("bare", "lab"), help=argparse.SUPPRESS)
    parser.add_argument("--home", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        print(bare(options) if options.only == "bare" else in_the_lab(options, options.home))
        return
    ratios = []
    shared = ["--preset", options.preset, "--epochs", str(options.epochs)]
    with tempfile.TemporaryDirectory() as home:
        for number in range(options.rounds):
            found = {}
            for side in ("bare", "lab") if number % 2 else ("lab", "bare"):
                command = [sys.executable, __file__, *shared, "--only", side, "--home", home]
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
                found[side] = float(done.stdout.strip().splitlines()[-1])
            ratios.append(found["lab"] / found["bare"])
            speeds = f"bare {found['bare']:,.0f}, lab {found['lab']:,.0f} images/s"
            print(f"round {number + 1}: {speeds}, ratio {ratios[-1]:.2f}", flush=True)
    print(f"{options.preset}: median ratio {statistics.median(ratios):.2f} of {len(ratios)} rounds")


if __name__ == "__main__":
    main()

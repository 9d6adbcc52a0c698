"""What the program costs a training: images per second in its worker, against bare Keras and against PyTorch, in turns.

    MNIST_LAB_DATA=FOLDER python benchmarks/throughput.py [--preset NAME ...] [--sides lab torch] [--rounds 3]
        [--images 12800] [--epochs 4]

Bare Keras builds the same network, compiles it in the same way and calls `fit` on the same arrays; PyTorch (where
installed: ``pip install -r requirements-benchmark.txt``) runs the loop of `torch_twin.py` on them; each in a process of
its own at the priority of the program's worker. The program's side goes through the store, the job manager's thread and
the worker, which reports its curve while this script polls it as a page would. All count the time from the first to the
last batch of an epoch, and the median over the epochs but the first, which builds the graph. Printed: a table in
Markdown with medians over the rounds, of images per second and of the rounds' ratios.
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
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mnist_lab import datasets, shapes
from mnist_lab.architecture import Architecture
from mnist_lab.jobs import JobManager
from mnist_lab.niceness import be_nice
from mnist_lab.store import Run, open_store
from mnist_lab.studies import preset
from mnist_lab.training_config import TrainingConfig

SIDES = ("bare", "lab", "torch")
# Of every document some, small and large, with every kind of layer that they use.
PRESETS = ("lenet-5", "000-model-3", "000-model-4", "000-model-10", "000-model-12", "001-conv-3-3", "001-conv-5-5",
           "001-conv-3-3-3-norm", "002-grid-3x3-32", "002-with-dropout", "003-cnn", "003-fully-connected-small",
           "004-model-1", "004-model-2")  # fmt: skip


def configuration(options: argparse.Namespace) -> TrainingConfig:
    return replace(
        TrainingConfig(),
        epochs=options.epochs,
        limit=options.images,
        optimizer=preset(options.only[1]).training.optimizer,
    )


def arrays(config: TrainingConfig) -> datasets.Split:
    return datasets.split(datasets.load(), config.split, limit=config.limit, seed=config.seed)


def in_torch(options: argparse.Namespace) -> float:
    """A loop written by hand."""
    be_nice()
    from benchmarks.torch_twin import images_per_second

    config = configuration(options)
    split = arrays(config)
    x = (split.x_train.astype(np.float32) / 255)[..., None]
    architecture = preset(options.only[1]).architecture
    return statistics.median(images_per_second(architecture, config, x, split.y_train, os.cpu_count() or 1)[1:])


def bare(options: argparse.Namespace) -> float:
    """`model.fit` and a stop-watch, nothing else."""
    be_nice()
    # First, as it chooses TensorFlow's kernels: both sides have the same.
    from mnist_lab.keras_side.build import build  # isort: skip
    import keras

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
    split = arrays(config)
    x, y = (split.x_train.astype(np.float32) / 255)[..., None], split.y_train
    validation = (split.x_validation.astype(np.float32) / 255)[..., None], split.y_validation
    # Made anew from their settings they are Keras's own, without the program's quicker kernels.
    model = keras.models.clone_model(build(preset(options.only[1]).architecture, seed=config.seed))
    optimizer = make_optimizer(config, 1)
    model.compile(
        optimizer=type(optimizer).from_config(optimizer.get_config()),
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


def in_the_lab(options: argparse.Namespace) -> float:
    """The same by the program's own way."""
    os.environ["MNIST_LAB_HOME"] = options.home
    run = trained(preset(options.only[1]).architecture, configuration(options))
    assert run.images_per_second is not None
    return run.images_per_second


def trained(architecture: Architecture, training: TrainingConfig) -> Run:
    """Trains in the program's worker, polled as by a page, in the home that the settings name."""
    manager = JobManager(open_store())
    try:
        while not manager.inference.is_warm:
            time.sleep(0.1)
        run = manager.submit(architecture, training)
        while (run := manager.store.get(run.id)).status in ("queued", "running"):
            manager.store.points(run.id)
            time.sleep(0.5)
        if run.status != "finished":
            raise SystemExit(f"The run {run.status}: {run.reason}")
        return run
    finally:
        manager.close()


def measured(options: argparse.Namespace, name: str, side: str) -> float:
    """One side in a process of its own."""
    command = [sys.executable, __file__, "--only", side, name, "--images", str(options.images), "--epochs",
               str(options.epochs), "--home", options.home]  # fmt: skip
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return float(done.stdout.strip().splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", nargs="+", default=PRESETS, metavar="NAME")
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=[])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--images", type=int, default=12_800, help="training images")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--only", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--home", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        print({"bare": bare, "lab": in_the_lab, "torch": in_torch}[options.only[0]](options))
        return
    sides = options.sides or (SIDES if importlib.util.find_spec("torch") else SIDES[:2])
    others = [side for side in sides if side != "lab"]
    heads = ["Preset", "Parameters", *(f"{side}, images/s" for side in sides), *(f"lab / {side}" for side in others)]
    print(f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
    ratios: dict[str, list[float]] = {side: [] for side in others}
    with tempfile.TemporaryDirectory() as options.home:
        for name in options.preset:
            rounds = []
            for number in range(options.rounds):
                turn = number % len(sides)
                rounds.append({side: measured(options, name, side) for side in sides[turn:] + sides[:turn]})
            cells = [f"{statistics.median(each[side] for each in rounds):,.0f}" for side in sides]
            for side in others:
                ratios[side].append(statistics.median(each["lab"] / each[side] for each in rounds))
                cells.append(f"{ratios[side][-1]:.2f}")
            parameters = shapes.analyse(preset(name).architecture).parameters
            print(f"| {name} | {parameters:,} | " + " | ".join(cells) + " |", flush=True)
    for side in others:
        worst, mean = min(ratios[side]), statistics.geometric_mean(ratios[side])
        print(f"\nlab / {side}: geometric mean {mean:.2f}, least {worst:.2f}, of {options.rounds} rounds each")


if __name__ == "__main__":
    main()

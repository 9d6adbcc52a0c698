"""Trains a model that ships with the program and puts its files into the package.

    MNIST_LAB_DATA=FOLDER python benchmarks/make_starter.py {starter,robust} [--run ID]

The training is the preset of that name by the program's own path, on MNIST's training images and nothing else;
``--run`` takes a run that was trained before. Printed at the end: parameters, sizes, test accuracy with its interval.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mnist_lab import starter
from mnist_lab.jobs import new_owner, run_one
from mnist_lab.store import Run, RunStore, open_store
from mnist_lab.store.artefacts import MODEL, PREDICTIONS
from mnist_lab.studies import preset

# What belongs to the machine that trained it, and not to the model.
LOCAL = ("id", "worker", "host", "pid", "heartbeat", "progress", "position", "owner", "command", "deleted")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", choices=[model.preset for model in starter.SHIPPED])
    parser.add_argument("--run", help="take this run in place of a new training")
    options = parser.parse_args()
    store = open_store()
    shipped = next(model for model in starter.SHIPPED if model.preset == options.model)
    run = store.find(options.run) if options.run else trained(store, options.model)
    if run.status != "finished":
        raise SystemExit(f"The run {run.status}: {run.reason}")
    if run.dataset != "mnist":
        raise SystemExit(f"The model is trained on MNIST. Received: {run.dataset}. Set MNIST_LAB_DATA.")
    if run.config() != preset(options.model).training or run.network() != preset(options.model).architecture:
        raise SystemExit(f"The run was not trained as the preset {options.model} says.")
    ship(store, run, shipped)
    low, high = run.test_accuracy_interval or (0.0, 0.0)
    print(f"{run.parameters:,} parameters, {run.epochs_run} epochs in {run.seconds:.0f} s on {run.device}")
    print(f"test accuracy {run.test_accuracy:.2%}, 95 % interval {low:.2%} to {high:.2%}")
    for file in sorted(shipped.folder.glob("*")):
        if file.is_file():
            print(f"{file.stat().st_size:,} bytes in {file.name}")


def trained(store: RunStore, name: str) -> Run:
    """Trains the preset of this name."""
    made = preset(name)
    run = store.create(made.architecture, made.training, name=made.title, preset=name, owner=new_owner(store))
    return run_one(store, run)


def ship(store: RunStore, run: Run, shipped: starter.Shipped) -> None:
    """Copies a run's files and its record into the package."""
    shipped.folder.mkdir(exist_ok=True)
    shutil.copyfile(store.artefacts.path(run.id, MODEL), shipped.folder / MODEL)
    with np.load(store.artefacts.path(run.id, PREDICTIONS)) as kept:
        # Four significant digits are enough of a probability, and take far less space than seven.
        probabilities = np.array([[float(f"{value:.4g}") for value in row] for row in kept["probabilities"]])
        np.savez_compressed(
            shipped.folder / PREDICTIONS,
            probabilities=probabilities.astype(np.float32),
            labels=kept["labels"],
            indices=kept["indices"],
        )
    values = {name: value for name, value in asdict(run).items() if name not in LOCAL}
    values |= {"name": preset(shipped.preset).title, "notes": "Ships with the program; trained by it on MNIST."}
    record = {"run": values, "history": store.history(run.id)}
    (shipped.folder / starter.RECORD).write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()

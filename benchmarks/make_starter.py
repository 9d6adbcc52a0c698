"""Trains the starter model and puts its files into the package.

    MNIST_LAB_DATA=FOLDER python benchmarks/make_starter.py [--run ID]

The training is the preset ``starter`` by the program's own path; ``--run`` takes a run that was trained before.
Printed at the end: parameters, size of the file, test accuracy with its interval.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mnist_lab import starter
from mnist_lab.jobs import new_owner, run_one
from mnist_lab.store import open_store
from mnist_lab.store.artefacts import MODEL, PREDICTIONS
from mnist_lab.studies import preset

# What belongs to the machine that trained it, and not to the model.
LOCAL = ("id", "worker", "host", "pid", "heartbeat", "progress", "position", "owner", "command", "deleted")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", help="take this run in place of a new training")
    options = parser.parse_args()
    store = open_store()
    if options.run:
        run = store.find(options.run)
    else:
        made = preset("starter")
        run = store.create(made.architecture, made.training, name=made.title, preset="starter", owner=new_owner(store))
        run = run_one(store, run)
    if run.status != "finished":
        raise SystemExit(f"The run {run.status}: {run.reason}")
    if run.dataset != "mnist":
        raise SystemExit(f"The starter model is trained on MNIST. Received: {run.dataset}. Set MNIST_LAB_DATA.")
    for name in (MODEL, PREDICTIONS):
        shutil.copyfile(store.artefacts.path(run.id, name), starter.FOLDER / name)
    values = {name: value for name, value in asdict(run).items() if name not in LOCAL}
    values |= {"name": "Starter model", "notes": "Ships with the program; trained by it on MNIST."}
    record = {"run": values, "history": store.history(run.id)}
    (starter.FOLDER / starter.RECORD).write_text(json.dumps(record, indent=1) + "\n")
    size = (starter.FOLDER / MODEL).stat().st_size
    low, high = run.test_accuracy_interval or (0.0, 0.0)
    print(
        f"{run.parameters:,} parameters, {size:,} bytes, {run.epochs_run} epochs in {run.seconds:.0f} s on {run.device}"
    )
    print(f"test accuracy {run.test_accuracy:.2%}, 95 % interval {low:.2%} to {high:.2%}")


if __name__ == "__main__":
    main()

"""`train`: one training, waited for."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

from mnist_lab import datasets, forecast, links, shapes, studies
from mnist_lab.architecture import Architecture
from mnist_lab.cli.command import FAILED, Answer, Options, command
from mnist_lab.cli.common import open_runs, run_text
from mnist_lab.errors import ArchitectureError, ConfigError
from mnist_lab.jobs import new_owner, run_one, submit
from mnist_lab.jobs.devices import gpus
from mnist_lab.optimizers import OPTIMIZERS
from mnist_lab.settings import read_settings
from mnist_lab.training_config import SPLITS, TrainingConfig


def _train_arguments(parser: argparse.ArgumentParser) -> None:
    network = parser.add_mutually_exclusive_group(required=True)
    network.add_argument("--preset", metavar="NAME", help="one of those that `presets` lists, with its training")
    network.add_argument("--architecture", metavar="FILE.json", type=Path, help="a network, or a run that has one")
    network.add_argument(
        "--link", metavar="LINK", help="an address that the Lab shows under Link, or its part after net="
    )
    parser.add_argument("--epochs", type=int, metavar="N")
    parser.add_argument("--batch-size", type=int, metavar="N")
    parser.add_argument("--optimizer", metavar="NAME", help=", ".join(OPTIMIZERS))
    parser.add_argument("--learning-rate", type=float, metavar="X")
    parser.add_argument("--split", choices=SPLITS)
    parser.add_argument("--seed", type=int, metavar="N")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N training images")
    parser.add_argument("--name", default="", help="display text")
    parser.add_argument("--all-devices", action="store_true", help="on all GPUs of this machine at once")


@command("train", "train a network and wait for it", _train_arguments)
def _train(options: Options) -> Answer:
    name = ""
    if options.preset is not None:
        preset = studies.preset(options.preset)
        preset_name, architecture, training = preset.name, preset.architecture, preset.training
    elif options.link is not None:
        preset_name, (architecture, training, name) = None, links.decode(options.link)
    else:
        preset_name, architecture, training = None, read_architecture(options.architecture), TrainingConfig()
    training = changed(training, options)
    if options.all_devices:
        on_all_devices()
    shapes.output_shape(architecture)  # an impossible network is said to be one before anything is downloaded
    store = open_runs()
    dataset = datasets.load(training.dataset, allow_download=training.dataset in ("auto", "mnist"))
    if dataset.notice:
        print(dataset.notice, file=sys.stderr)
    images = min(training.limit or forecast.ALL_IMAGES, len(dataset.x_train))
    run = submit(
        store,
        architecture,
        training,
        name=options.name or name,
        preset=preset_name,
        images=images,
        owner=new_owner(store),
    )
    run = run_one(store, run)
    if run.status == "finished":
        return Answer(run.to_json(), run_text(run))
    first = (run.reason or "").splitlines()[:1]
    what = "The run failed." if run.status == "failed" else f"The run was {run.status}."
    return Answer(run.to_json(), run_text(run), FAILED, " ".join([what, *first]))


def on_all_devices() -> None:
    """Has the workers of this process train on all GPUs at once, and says so where there are not several.

    Raises:
        SettingError: If Keras's backend cannot do that.
    """
    os.environ["MNIST_LAB_ALL_DEVICES"] = "1"
    read_settings()
    if len(gpus()) < 2:
        print("This machine has no two GPUs that may be used: the network is trained on one device.", file=sys.stderr)


def changed(training: TrainingConfig, options: Options) -> TrainingConfig:
    """A training configuration with what the options say.

    Raises:
        ConfigError: If a value is out of its range, or the optimizer is unknown.
    """
    names = ("epochs", "batch_size", "split", "seed", "limit")
    given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    optimizer = training.optimizer
    if options.optimizer is not None:
        known = {name.lower(): kind for name, kind in OPTIMIZERS.items()}
        if options.optimizer.lower() not in known:
            raise ConfigError(f"Unknown optimizer {options.optimizer!r}.", f"Known: {', '.join(OPTIMIZERS)}.")
        kind = known[options.optimizer.lower()]
        # The preset's own settings stand where its optimizer is asked for by name.
        optimizer = optimizer if isinstance(optimizer, kind) else kind()
    if options.learning_rate is not None:
        optimizer = replace(optimizer, learning_rate=options.learning_rate)
    return replace(training, optimizer=optimizer, **given)


def read_architecture(path: Path) -> Architecture:
    """Reads a network from a JSON file: what `show --json` or the program's own export wrote.

    Raises:
        ArchitectureError: If the file cannot be read or holds no network.
    """
    try:
        values = json.loads(path.read_text())
    except OSError as error:
        raise ArchitectureError(
            f"{path} cannot be read ({error.strerror}).", "Give the path of a JSON file."
        ) from error
    except (ValueError, RecursionError) as error:
        raise ArchitectureError(f"{path} is not JSON ({error}).", "Put the comma or the bracket right.") from error
    if isinstance(values, dict) and isinstance(values.get("architecture"), dict):
        values = values["architecture"]
    return Architecture.from_dict(values)

"""Whether a search finds what document 000's author found by hand, with fewer parameters: 35,030 at 99.3 %.

    MNIST_LAB_DATA=FOLDER python -m benchmarks.fewer_parameters [--home FOLDER] [--best 3] [--seeds 5]

The sweep is `fewer_parameters.toml` beside this file: networks like the author's model 10, each of them with fewer
parameters, for the most accurate on the validation split, with a limit in seconds. The best are then confirmed: on
fresh seeds, with one look at the test images. Beside them, on the same seeds and the same images, stands model 10
itself: in the document's training, and in that of the search's most accurate trial, so that what the network gains is
told from what the training gains. The winner is the smallest network whose mean accuracy on the validation split is at
least that of model 10 in the document's training; the test images choose nothing. With `--home` all runs stay in that
folder, and what was broken off goes on.

Printed, and kept in `fewer_parameters.json`: how long it took, the best trials, the confirmed ones, and the winner
against model 10 by the program's own comparison of seeds.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.__main__ import machine
from mnist_lab import seed_groups
from mnist_lab.jobs import new_owner, run_all
from mnist_lab.jobs.confirming import confirm, confirmed
from mnist_lab.jobs.sweep_alone import run_sweep
from mnist_lab.jobs.sweeper import start_sweep
from mnist_lab.store import Run, RunStore, SweepRecord, Trial, open_store
from mnist_lab.studies import preset
from mnist_lab.sweeps.candidates import candidate
from mnist_lab.sweeps.confirm import Confirmed, chosen, fresh_seeds
from mnist_lab.sweeps.files import read_file
from mnist_lab.sweeps.search import best_of
from mnist_lab.sweeps.summary import counts_of, curve_of, kept_accuracy
from mnist_lab.sweeps.sweep import Sweep
from mnist_lab.training_config import TrainingConfig

FILE = Path(__file__).with_suffix(".toml")
RESULT = Path(__file__).with_suffix(".json")
MODEL = "000-model-10"
OWN = "model 10"
WORKERS = 2


def searched(store: RunStore, sweep: Sweep) -> SweepRecord:
    """The sweep at its end; one that is there already goes on."""
    there = next((each for each in store.sweeps() if each.sweep == sweep.to_dict()), None)
    record = there or start_sweep(store, sweep)
    if record.status == "stopped":
        store.resume_sweep(record.id)
    return record if record.status == "finished" else run_sweep(store, record.id)


def baselines(sweep: Sweep, best: Trial) -> dict[str, TrainingConfig]:
    """By name, the trainings that model 10 has here: the document's, and that of the search's most accurate trial."""
    own = replace(preset(MODEL).training, split=sweep.training.split)
    found = candidate(sweep.architecture, sweep.training, sweep.dimensions, best.values).training
    assert found is not None
    return {OWN: own, "model 10 trained as the search found best": found}


def queued(store: RunStore, record: SweepRecord, count: int, owner: str) -> dict[str, list[Run]]:
    """By name, model 10's runs on so many fresh seeds: those that are finished, and new ones."""
    sweep = Sweep.from_dict(record.sweep)
    best = chosen(sweep, store.trials(record.id), 1)[0]
    architecture = preset(MODEL).architecture
    finished = store.runs(["finished"])
    found: dict[str, list[Run]] = {}
    for name, training in baselines(sweep, best).items():
        for seed in fresh_seeds(sweep, count):
            seeded = replace(training, seed=seed)
            there = next((run for run in finished if run.name == name and run.config() == seeded), None)
            made = there or store.create(architecture, seeded, name=name, owner=owner)
            found.setdefault(name, []).append(made)
    return found


def validation(store: RunStore, runs: list[Run]) -> float:
    """Mean accuracy on the validation split, of the weights that were kept."""
    return statistics.fmean(kept_accuracy(run, curve_of(store.history(run.id))) or 0.0 for run in runs)


def winner_of(found: tuple[Confirmed, ...], least: float) -> Confirmed | None:
    """The smallest that is as accurate on the validation split, on fresh seeds."""
    good = [each for each in found if each.validation.value >= least]
    return min(good, key=lambda each: each.trial.parameters or 0, default=None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, help="a folder for the runs; a temporary one, if not given")
    parser.add_argument("--best", type=int, default=3, help="how many trials are confirmed")
    parser.add_argument("--seeds", type=int, default=5, help="fresh seeds of each")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["MNIST_LAB_HOME"] = str(options.home or home)
        os.environ.pop("MNIST_LAB_STORE", None)
        measure(options, open_store())


def measure(options: argparse.Namespace, store: RunStore) -> None:
    sweep = read_file(FILE)
    record = searched(store, sweep)
    if record.status != "finished":
        raise SystemExit(f"The sweep is {record.status}. {record.reason or ''}")
    print(f"{machine()}\n\n{record.reason} {record.spent:,.0f} s.", flush=True)
    began = time.monotonic()
    owner = new_owner(store)
    left = confirm(store, record, best=options.best, seeds=options.seeds, owner=owner)
    beside = queued(store, record, options.seeds, owner)
    run_all(store, [*left, *(run for runs in beside.values() for run in runs)], owner, workers=WORKERS)
    seconds = time.monotonic() - began
    beside = {name: store.runs(ids=[run.id for run in runs]) for name, runs in beside.items()}
    done = confirmed(store, record, best=options.best, seeds=options.seeds)
    if done.missing or any(run.test_accuracy is None for runs in beside.values() for run in runs):
        raise SystemExit("A training did not finish.")
    tell(store, record, done.trials, beside, seconds)


def tell(
    store: RunStore, record: SweepRecord, found: tuple[Confirmed, ...], beside: dict[str, list[Run]], seconds: float
) -> None:
    """Prints it all, and writes it down."""
    trials = store.trials(record.id)
    least = validation(store, beside[OWN])
    best = winner_of(found, least)
    rows: list[dict[str, Any]] = [
        {
            "network": f"trial {each.trial.number}", "parameters": each.trial.parameters,
            "values": dict(each.trial.values), "search": each.trial.accuracy, "validation": each.validation.value,
            "test": each.test.value, "test_interval": [each.test.low, each.test.high],
            "tests": [run.test_accuracy for run in each.runs],
        }
        for each in found
    ]  # fmt: skip
    rows += [
        {
            "network": name, "parameters": runs[0].parameters, "validation": validation(store, runs),
            "test": statistics.fmean(run.test_accuracy or 0.0 for run in runs),
            "tests": [run.test_accuracy for run in runs],
        }
        for name, runs in beside.items()
    ]  # fmt: skip
    print(f"The confirmation took {seconds:,.0f} s; both together {record.spent + seconds:,.0f} s.")
    print(f"Trials: {counts_of(trials)}\n\n| Network | Parameters | Search | Validation | Test | Test, each seed |")
    print("|---|--:|--:|--:|--:|---|")
    for row in rows:
        each = ", ".join(f"{100 * value:.2f}" for value in row["tests"])
        searched_for = f"{row['search']:.2%}" if "search" in row else "–"
        print(f"| {row['network']} | {row['parameters']:,} | {searched_for} | {row['validation']:.2%} ", end="")
        print(f"| {row['test']:.2%} | {each} |")
    sentences = []
    if best is None:
        sentences.append(f"None of them is as accurate as model 10 on the validation split ({least:.2%}).")
    else:
        sentences.append(
            f"The winner is trial {best.trial.number}: {best.trial.parameters:,} parameters. {best.sentence}"
        )
        pairs = seed_groups.groups([*best.runs, *(run for runs in beside.values() for run in runs)])
        sentences += [
            each.sentence for each in seed_groups.compare_groups(pairs) if each.a.runs[0].id == best.runs[0].id
        ]
    print("\n" + "\n\n".join(sentences))
    values = {
        "sweep": FILE.name, "machine": machine().splitlines(), "status": record.status, "reason": record.reason,
        "search_seconds": round(record.spent), "confirm_seconds": round(seconds), "trials": counts_of(trials),
        "best": [
            {"trial": each.number, "parameters": each.parameters, "validation": each.accuracy, "values": each.values}
            for each in best_of(trials)[:10]
        ],
        "confirmed": rows, "winner": None if best is None else f"trial {best.trial.number}", "sentences": sentences,
    }  # fmt: skip
    RESULT.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

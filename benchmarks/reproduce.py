"""Trains published models as they were published, and writes what came of it to the file that the Studies page shows.

    MNIST_LAB_HOME=/somewhere MNIST_LAB_DATA=... python -m benchmarks.reproduce [--seeds 42,1,2] [PRESET ...]

What is in that home already is not trained again: the script can be ended and started at any time. What it does not
train stays in the file as it is, unless its preset has changed. It prints the table of the README. Takes about two
hours on two cores. Machine and versions are written down as they are now: let the same installation train and write.
"""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version

import mnist_lab
from mnist_lab import datasets, formatting
from mnist_lab.errors import LabError
from mnist_lab.jobs import new_owner, run_all, start_plan
from mnist_lab.store import Run, RunStore, open_store
from mnist_lab.studies import measured, members, preset, presets, study
from mnist_lab.study_plan import Matching, Setting, parse_seeds, plan
from mnist_lab.study_results import outcome_of_runs

ALWAYS = ("lenet-5", "003-cnn", "002-without-dropout", "002-with-dropout", "001-conv-7-5-3", "004-model-1")
LIBRARIES = ("keras", "tensorflow", "numpy")
WORDS = {True: "inside", False: "outside", None: "–"}
CURVES = ("loss", "accuracy", "val_loss", "val_accuracy")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("presets", nargs="*", help="document 000 and some of the others, if none is given")
    parser.add_argument("--seeds", default="42")
    parser.add_argument("--no-training", action="store_true", help="only write what has been trained")
    options = parser.parse_args()
    names = options.presets or [*(each.name for each in members(study("000"))), *ALWAYS]
    wanted = [preset(name) for name in names]
    setting = Setting(seeds=parse_seeds(options.seeds))
    store = open_store()
    dataset = datasets.load("auto").name
    if dataset != "mnist":
        raise SystemExit(f"The documents' models are trained on MNIST. Received: {dataset}. Set MNIST_LAB_DATA.")
    if not options.no_training:
        owner = new_owner(store)
        before = plan(wanted, setting, Matching(store.runs(), dataset))
        queued, problems = start_plan(store, before, owner)
        # What an earlier call of this script left in its queue when it was killed is trained, too.
        run_all(store, [*before.under_way, *queued], owner)
        for problem in problems:
            print(problem)
    matching = Matching(store.runs(), dataset)
    known = json.loads(measured.FILE.read_text(encoding="utf-8")) if measured.FILE.is_file() else []
    entries = merged(known, [entry(store, run) for each in wanted for run in matching.seeds(each, Setting())])
    measured.FILE.write_text("[\n" + ",\n".join(json.dumps(each) for each in entries) + "\n]\n", encoding="utf-8")
    print("| model | parameters | published | measured here (95 %) | seeds | published is | epochs |")
    print("|---|---|---|---|---|---|---|")
    for each in wanted:
        ours, published = outcome_of_runs(matching.seeds(each, Setting())), each.published
        if ours is None or published is None:
            continue
        digits = max(0, published.decimals - 2)
        print(
            f"| {each.name} | {each.parameters:,} | {formatting.percent(published.test_accuracy, min(2, digits))} "
            f"| {formatting.accuracy(ours.accuracy, ours.interval)} | {ours.seeds} "
            f"| {WORDS[ours.holds(published)]} | {ours.epochs:.3g} |"
        )


def merged(known: Sequence[dict[str, object]], new: Sequence[dict[str, object]]) -> list[dict[str, object]]:
    """What the file held of presets as they are, and the new in the place of the old, in the order of the shelf."""
    shelf = presets()
    order = {name: index for index, name in enumerate(shelf)}
    kept = [each for each in known if each.get("digest") == measured.digest_of(shelf[str(each["preset"])])]
    found = {(str(each["preset"]), int(str(each["seed"]))): each for each in (*kept, *new)}
    return [found[key] for key in sorted(found, key=lambda key: (order[key[0]], key[1]))]


def entry(store: RunStore, run: Run) -> dict[str, object]:
    """A run as a line of the file."""
    if run.test_accuracy is None or run.ended is None:
        raise LabError(f"Run {run.id} was not evaluated.", "Evaluate it: python -m mnist_lab evaluate RUN.")
    history = [
        {"epoch": row["epoch"], **{name: round(row[name], 5) for name in CURVES if row.get(name) is not None}}
        for row in store.history(run.id)
    ]
    return {
        "preset": run.preset,
        "digest": measured.digest_of(preset(run.preset or "")),
        "seed": run.training["seed"],
        "test_accuracy": run.test_accuracy,
        "test_loss": run.test_loss,
        "test_images": run.test_images,
        "epochs_run": run.epochs_run,
        "best_epoch": run.best_epoch,
        "seconds": round(run.seconds or 0.0, 1),
        "machine": f"{run.device}, {platform.system()} {platform.machine()}",
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in LIBRARIES},
            "mnist_lab": mnist_lab.__version__,
        },
        "when": datetime.fromtimestamp(run.ended, UTC).date().isoformat(),
        "history": history,
    }


if __name__ == "__main__":
    main()

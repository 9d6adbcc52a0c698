"""How often one network is called different from itself, and how often two that differ are told apart.

    python -m benchmarks.false_alarms                                            prints the table, trains nothing
    MNIST_LAB_DATA=FOLDER python -m benchmarks.false_alarms --train [--seeds 48] [--home FOLDER]

`--train` trains small networks on 4,000 images of MNIST with many seeds, each as the command line would, and writes
what they got wrong of the 10,000 test images to ``false_alarms.json``: 192 runs took 38 minutes on two busy cores. What
the home holds already is not trained again. The table is made from that file by the product's own functions:

- *Seeds*: two groups of runs of one network, no run in both, dealt at random many times: the share that is told apart.
  All deals are from the same few seeds; the interval is by leaving out a sixth of the seeds at a time (jackknife).
- *Images only*: McNemar's test on pairs of single runs of one network, all pairs there are.
- *Families*: ten pairs at once, of five groups or of five runs, with Holm's correction: the share with any found.
- *Made-up seeds*: the same with accuracies of a known distribution, also those that a t test does not like.
- *Power*: two networks that do differ.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from mnist_lab.architecture import Architecture
from mnist_lab.comparison import ALPHA
from mnist_lab.jobs import new_owner, run_all, submit
from mnist_lab.layers import AveragePooling2D, Conv2D, Dense, Flatten
from mnist_lab.metrics import accuracy_interval
from mnist_lab.optimizers import Adam
from mnist_lab.paired import holm, mcnemar
from mnist_lab.predictions import read_predictions
from mnist_lab.seed_groups import tell_apart, welch
from mnist_lab.store import RunStore, open_store
from mnist_lab.studies import preset
from mnist_lab.training_config import TrainingConfig

FILE = Path(__file__).with_suffix(".json")
TRAINING = TrainingConfig(dataset="mnist", limit=4000, epochs=2, batch_size=64, optimizer=Adam(learning_rate=0.003))
HALF = Architecture(
    (
        Conv2D(3, (3, 3)), AveragePooling2D((2, 2)), Conv2D(8, (3, 3)), AveragePooling2D((2, 2)),
        Flatten(), Dense(60, "relu"), Dense(42, "relu"), Dense(10, "softmax"),
    )
)  # fmt: skip
WIDE, NARROW = "lenet-5", "lenet-5, half as wide"
SIZES = ((3, 3), (5, 5), (8, 8), (3, 8))
DEALS, BLOCKS = 4000, 6
Accuracies = Sequence[float]
Draw = Callable[[np.random.Generator, int], np.ndarray]


def networks() -> dict[str, Architecture]:
    names = (WIDE, "000-model-2", "000-baseline")
    return {**{name: preset(name).architecture for name in names}, NARROW: HALF}


# Training -------------------------------------------------------------------------------------------------------------


def train(seeds: int, home: Path) -> None:
    """Trains what the home lacks, one seed of each network in turn, and writes the file."""
    os.environ["MNIST_LAB_HOME"] = str(home)
    store = open_store()
    owner = new_owner(store)
    there = {run.name for run in store.runs(["finished"])}
    runs = [
        submit(store, network, replace(TRAINING, seed=seed), name=f"{name}, seed {seed}", owner=owner)
        for seed in range(seeds)
        for name, network in networks().items()
        if f"{name}, seed {seed}" not in there
    ]
    run_all(store, runs, owner)
    found = {name: measured(store, name) for name in networks()}
    lines = ",\n".join(f'"{name}": {json.dumps(each, separators=(",", ":"))}' for name, each in found.items())
    FILE.write_text("{\n" + lines + "\n}\n", encoding="utf-8")


def measured(store: RunStore, name: str) -> dict[str, Any]:
    """A network's runs: how many images each got wrong, and each two of them together."""
    runs = [run for run in store.runs(["finished"]) if run.name.rpartition(", seed ")[0] == name]
    runs.sort(key=lambda run: int(run.training["seed"]))
    said = [read_predictions(store, run) for run in runs]
    wrong = np.array([each.digits != each.labels for each in said]).astype(np.int32)
    together = wrong @ wrong.T
    return {
        "parameters": runs[0].parameters,
        "images": len(said[0].labels),
        "seeds": [int(run.training["seed"]) for run in runs],
        "wrong": np.diag(together).tolist(),
        # With run 0 for run 1, with runs 0 and 1 for run 2, and so on.
        "wrong_together": [together[index, :index].tolist() for index in range(1, len(runs))],
    }


# Measuring ------------------------------------------------------------------------------------------------------------


def is_told_apart(first: Accuracies, second: Accuracies) -> bool:
    p, _ = tell_apart(first, second)
    return p is not None and p < ALPHA


def by_welch_alone(first: Accuracies, second: Accuracies) -> bool:
    p = welch(first, second)
    return p is not None and p < ALPHA


def deal(accuracies: Accuracies, a: int, b: int, deals: int, generator: np.random.Generator) -> Iterator[Any]:
    """Two groups of one network's runs at a time."""
    for _ in range(deals):
        dealt = generator.permutation(accuracies)[: a + b].tolist()
        yield dealt[:a], dealt[a:]


def share_of_one(accuracies: Accuracies, a: int, b: int) -> tuple[float, float, float]:
    """How often groups of one network are told apart, with a 95 % interval by a jackknife over blocks of its seeds."""
    generator = np.random.default_rng([a, b])

    def share(some: Accuracies) -> float:
        return sum(is_told_apart(*pair) for pair in deal(some, a, b, DEALS, generator)) / DEALS

    whole = share(accuracies)
    less = [share(np.delete(accuracies, np.s_[block::BLOCKS]).tolist()) for block in range(BLOCKS)]
    error = math.sqrt((BLOCKS - 1) / BLOCKS * sum((each - np.mean(less)) ** 2 for each in less))
    return whole, max(0.0, whole - 1.96 * error), whole + 1.96 * error


def pairs_of_one(network: dict[str, Any]) -> np.ndarray:
    """McNemar's p of each two runs of one network; a matrix."""
    wrong, images = network["wrong"], network["images"]
    ps = np.ones((len(wrong), len(wrong)))
    for j, row in enumerate(network["wrong_together"], 1):
        for i, both in enumerate(row):
            labels = np.zeros(images, int)
            a, b = labels.copy(), labels.copy()
            a[: wrong[i]] = 1
            b[wrong[i] - both : wrong[i] - both + wrong[j]] = 1
            ps[i, j] = ps[j, i] = mcnemar(labels, a, b).p
    return ps


def family(ps: Sequence[float | None]) -> bool:
    """Whether Holm's correction leaves anything found."""
    return min(holm([p for p in ps if p is not None]), default=1.0) < ALPHA


def percent(share: float, low: float | None = None, high: float | None = None) -> str:
    return f"{100 * share:.1f} %" + ("" if low is None or high is None else f" ({100 * low:.1f} – {100 * high:.1f})")


def counted(found: Sequence[bool]) -> str:
    """A share of independent trials, with its interval."""
    return percent(float(np.mean(found)), *accuracy_interval(sum(found), len(found)))


# Made-up seeds --------------------------------------------------------------------------------------------------------


def normal(generator: np.random.Generator, seeds: int) -> np.ndarray:
    return np.round(generator.normal(0.99, 0.001, seeds), 4)


def skewed(generator: np.random.Generator, seeds: int) -> np.ndarray:
    return np.round(0.992 - 0.002 * np.exp(generator.standard_normal(seeds)), 4)


def failing(share: float) -> Draw:
    def draw(generator: np.random.Generator, seeds: int) -> np.ndarray:
        learnt = generator.random(seeds) >= share
        return np.where(learnt, np.round(generator.normal(0.92, 0.003, seeds), 4), 0.1135)

    return draw


def coarse(generator: np.random.Generator, seeds: int) -> np.ndarray:
    return np.round(360 * generator.normal(0.98, 0.002, seeds)) / 360


def spread_out(generator: np.random.Generator, seeds: int) -> np.ndarray:
    return np.round(generator.normal(0.99, 0.003, seeds), 4)


MADE_UP: dict[str, tuple[Draw, Draw]] = {
    "normal, standard deviation 0.1 points": (normal, normal),
    "skewed (log-normal)": (skewed, skewed),
    "fails with one seed in three": (failing(1 / 3), failing(1 / 3)),
    "fails with one seed in two": (failing(1 / 2), failing(1 / 2)),
    "fails with two seeds in three": (failing(2 / 3), failing(2 / 3)),
    "coarse: of 360 images, most seeds alike": (coarse, coarse),
    "two networks equally good, the first spreads three times as wide": (spread_out, normal),
}


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    for row in (head, ["---"] * len(head), *rows):
        print(f"| {' | '.join(row)} |")
    print(flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", action="store_true", help="train, and write the file, before the table is printed")
    parser.add_argument("--seeds", type=int, default=48, help="of each network; only with --train")
    parser.add_argument("--home", type=Path, help="where the runs are kept; a folder that is removed, if not given")
    parser.add_argument("--made-up", type=int, default=4_000, help="how often made-up seeds are drawn")
    options = parser.parse_args()
    if options.train:
        with tempfile.TemporaryDirectory() as folder:
            train(options.seeds, options.home or Path(folder))
    known: dict[str, dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))
    trained(known)
    families(known)
    made_up(options.made_up)
    power(known)


def trained(known: dict[str, dict[str, Any]]) -> None:
    print("One network, two groups of its runs: called different. Independent deals among its seeds in brackets.\n")
    rows = []
    for name, network in known.items():
        right = accuracies(network)
        ps = pairs_of_one(network)[np.triu_indices(len(right), 1)]
        cells = [f"{percent(*share_of_one(right, a, b))} [{len(right) // (a + b)}]" for a, b in SIZES]
        middle = f"{100 * np.mean(right):.2f} %, {100 * np.std(right, ddof=1):.2f}, {100 * min(right):.2f} %"
        alone = f"{percent(float((ps < ALPHA).mean()))} of {len(ps):,} pairs [{len(right) // 2}]"
        rows.append([name, f"{network['parameters']:,}", str(len(right)), middle, *cells, alone])
    seeds = [f"seeds, {a} against {b}" for a, b in SIZES]
    table(["network", "parameters", "runs", "mean, spread, worst", *seeds, "images only"], rows)


def accuracies(network: dict[str, Any]) -> list[float]:
    return [1 - wrong / network["images"] for wrong in network["wrong"]]


def families(known: dict[str, dict[str, Any]]) -> None:
    print("Five groups, or five runs, of one network: anything found in ten pairs after Holm's correction.\n")
    generator = np.random.default_rng(7)
    rows = []
    for name, network in known.items():
        right, ps = accuracies(network), pairs_of_one(network)
        row = [name]
        for size in (3, 5, 8):
            found = []
            for _ in range(1000):
                groups = generator.permutation(right)[: 5 * size].reshape(5, size).tolist()
                found.append(family([tell_apart(*pair)[0] for pair in combinations(groups, 2)]))
            row.append(percent(float(np.mean(found))))
        runs = [generator.permutation(len(right))[:5] for _ in range(1000)]
        row.append(percent(float(np.mean([family([ps[i, j] for i, j in combinations(each, 2)]) for each in runs]))))
        rows.append(row)
    table(["network", *(f"groups of {size} seeds" for size in (3, 5, 8)), "single runs, images only"], rows)


def made_up(times: int) -> None:
    print(f"Made-up seeds, drawn {times:,} times: called different (by Welch's test alone in brackets).\n")
    rows = []
    for name, (first, second) in MADE_UP.items():
        generator = np.random.default_rng(3)
        row = [name]
        for a, b in SIZES:
            drawn = [(first(generator, a).tolist(), second(generator, b).tolist()) for _ in range(times)]
            alone = [by_welch_alone(*pair) for pair in drawn]
            # What Welch's test does not find is not found.
            found = [is_alone and is_told_apart(*pair) for is_alone, pair in zip(alone, drawn, strict=True)]
            row.append(f"{counted(found)} [{percent(float(np.mean(alone)))}]")
        rows.append(row)
    table(["accuracies", *(f"{a} against {b}" for a, b in SIZES)], rows)


def power(known: dict[str, dict[str, Any]]) -> None:
    wide, narrow = accuracies(known[WIDE]), accuracies(known[NARROW])
    lead = 100 * (np.mean(wide) - np.mean(narrow))
    print(f"{WIDE} against {NARROW}, which differ by {lead:.2f} points: told apart; and so many points of difference")
    print("are told apart half of the time, the seeds spreading as those of lenet-5 do.\n")
    generator = np.random.default_rng(9)
    spread = np.std(wide, ddof=1)
    row, half = ["told apart"], ["half of the time"]
    for a, b in SIZES:
        pairs = [(generator.permutation(wide)[:a].tolist(), generator.permutation(narrow)[:b].tolist())
                 for _ in range(DEALS)]  # fmt: skip
        row.append(percent(float(np.mean([is_told_apart(*pair) for pair in pairs]))))
        low, high = 0.0, 10.0
        noise = [(generator.normal(0.9, 0.001, a), generator.normal(0.9, 0.001, b)) for _ in range(1000)]
        for _ in range(10):
            shift = (low + high) / 2
            found = np.mean([is_told_apart((one + 0.001 * shift).tolist(), other.tolist()) for one, other in noise])
            low, high = (shift, high) if found < 0.5 else (low, shift)
        half.append(f"{shift:.1f} standard deviations, {100 * shift * spread:.2f} points")
    table(["", *(f"{a} against {b}" for a, b in SIZES)], [row, half])


if __name__ == "__main__":
    main()

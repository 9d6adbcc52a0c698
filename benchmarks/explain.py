"""How long the Explain page's questions take, warm, for presets of all sizes.

``python -m benchmarks.explain [PRESET ...]`` asks each question of each preset, with starting weights (what they are
does not change the time), twice: the first time a network is loaded and its graphs are made; then warm, the median of
five. Without presets: the largest ones below 5 M parameters by parameters and by multiply-adds, and four smaller ones.
Neighbours and map show what one question takes, and all that the page asks until every image of the sample is known.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np

from mnist_lab import datasets, shapes
from mnist_lab.keras_side import weights
from mnist_lab.keras_side.build import build
from mnist_lab.keras_side.infer import Answers
from mnist_lab.perturb import flips
from mnist_lab.store import RunStore
from mnist_lab.store.artefacts import epoch_weights
from mnist_lab.store.database import open_engine
from mnist_lab.studies import preset, presets
from mnist_lab.training_config import TrainingConfig

LIMIT = 5_000_000
SMALLER = ("lenet-5", "starter", "001-conv-3-3", "004-model-3")
REPEATS = 5


def chosen() -> list[str]:
    """The presets that are measured where none is named."""
    size = {name: shapes.analyse(each.architecture) for name, each in presets().items()}
    small = [name for name in size if size[name].parameters < LIMIT]
    largest = {
        max(small, key=lambda name: size[name].parameters),
        max(small, key=lambda name: size[name].multiply_adds),
    }
    return [*SMALLER, *sorted(largest)]


def seconds(ask: Callable[[], Any]) -> tuple[float, float]:
    """What a question takes the first time, and the median of those after it."""
    taken = []
    for _ in range(1 + REPEATS):
        begin = time.perf_counter()
        ask()
        taken.append(time.perf_counter() - begin)
    return taken[0], statistics.median(taken[1:])


def until_done(ask: Callable[[], dict[str, Any]]) -> tuple[float, int]:
    """What all questions take until the sample is complete, and how large it is."""
    begin = time.perf_counter()
    while (found := ask())["done"] < found["sample"]:
        pass
    return time.perf_counter() - begin, found["sample"]


def measure(name: str, store: RunStore, answers: Answers, image: np.ndarray) -> None:
    architecture = preset(name).architecture
    run = store.create(architecture, TrainingConfig(), name=name)
    model = build(architecture.without_downloads(), seed=1)
    for file in ("model.weights.h5", epoch_weights(1)):
        weights.save(model, store, run.id, file)
    store.set_figures(run.id, status="finished", dataset="mnist", epochs_run=1)
    analysis = shapes.analyse(architecture)
    rows = [row for row in analysis.rows if row.output_shape is not None]
    widest = max(rows, key=lambda row: int(np.prod(row.output_shape)))
    last = rows[-1]
    print(f"\n{name}: {analysis.parameters:,} parameters, {analysis.multiply_adds / 1e6:.1f} M multiply-adds")
    print(f"  {'question':<30} {'first (s)':>10} {'warm (s)':>10}")
    same = {"run_id": run.id, "image": image}
    questions: dict[str, Callable[[], Any]] = {
        "predict (all runs, a run)": lambda: answers.predict(run.id, image[np.newaxis]),
        "why (three methods)": lambda: answers.why(**same),
        "activations of the widest layer": lambda: answers.activations(**same, path=widest.path),
        "arithmetic of one value": lambda: answers.arithmetic(**same, path=last.path, unit=(0,)),
        "what flips it": lambda: flips(image, lambda images: answers.predict(run.id, images)),
        "an epoch": lambda: answers.at_epoch(run.id, 1, image),
        "neighbours (one question)": lambda: answers.neighbours(**same),
        "map (one question)": lambda: answers.plane(**same),
    }
    for words, ask in questions.items():
        first, warm = seconds(ask)
        print(f"  {words:<30} {first:>10.2f} {warm:>10.2f}", flush=True)
    for words, whole in (("neighbours", answers.neighbours), ("map", answers.plane)):
        taken, sample = until_done(lambda whole=whole: whole(**same))  # type: ignore[misc]
        print(f"  {words}: {taken:.1f} s more until {sample:,} images are known", flush=True)


def main(names: list[str]) -> None:
    image = datasets.load("mnist").x_test[0]
    with tempfile.TemporaryDirectory() as folder:
        store = RunStore(open_engine(f"sqlite:///{Path(folder) / 'lab.db'}"), Path(folder))
        answers = Answers(store)
        for name in names or chosen():
            measure(name, store, answers, image)
        store.close()


if __name__ == "__main__":
    main(sys.argv[1:])

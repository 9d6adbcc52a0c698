"""What a prediction takes: one digit in the inference process and over its socket, 10,000 images against bare Keras.

    MNIST_LAB_DATA=FOLDER python -m benchmarks.inference [--rounds 3] [--preset NAME ...]

One digit: the median of 200 questions after 20, put to `Answers` itself and through `InferenceClient`. The test images:
`Answers.predict` and bare `keras.Model.predict` at each batch size, in turns in the same process; of each the median
of the rounds, and the ratio to the best of bare Keras.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np

from mnist_lab import datasets
from mnist_lab.jobs.inference import InferenceClient
from mnist_lab.keras_side import weights
from mnist_lab.keras_side.build import build
from mnist_lab.keras_side.evaluate import as_input
from mnist_lab.keras_side.infer import Answers
from mnist_lab.store import open_store
from mnist_lab.store.artefacts import MODEL
from mnist_lab.studies import preset
from mnist_lab.training_config import TrainingConfig

PRESETS = ("lenet-5", "001-conv-3-3", "003-cnn")
BATCH_SIZES = (64, 128, 256, 512, 1024, 2048)


def seconds(ask: Callable[[], Any]) -> float:
    """What one call takes."""
    began = time.perf_counter()
    ask()
    return time.perf_counter() - began


def median_ms(ask: Callable[[], Any]) -> float:
    """Of 200 calls, after 20."""
    return 1000 * statistics.median([seconds(ask) for _ in range(220)][20:])


def measure(name: str, rounds: int, answers: Answers, client: InferenceClient, images: np.ndarray) -> None:
    store = open_store()
    architecture = preset(name).architecture
    run = store.create(architecture, TrainingConfig(), name=name)
    model = build(architecture.without_downloads(), seed=1)
    weights.save(model, store, run.id, MODEL)
    x = as_input(images)
    inside = median_ms(lambda: answers.predict(run.id, images[:1]))
    outside = median_ms(lambda: client.predict(run.id, images[:1]))
    sides: dict[str, Callable[[], Any]] = {"lab": lambda: answers.predict(run.id, images)}
    for size in BATCH_SIZES:
        sides[str(size)] = lambda size=size: model.predict(x, batch_size=size, verbose=0)  # type: ignore[misc]
    taken: dict[str, list[float]] = {side: [] for side in sides}
    for number in range(rounds + 1):
        for side, ask in sides.items():
            each = seconds(ask)
            if number:  # the first round traces the graphs
                taken[side].append(each)
    medians = {side: statistics.median(values) for side, values in taken.items()}
    best = min((side for side in sides if side != "lab"), key=medians.__getitem__)
    lab, bare = medians["lab"], medians[best]
    cells = f"{inside:.2f} | {outside:.2f} | {lab:.2f} | {bare:.2f} ({best}) | {lab / bare:.2f}"
    print(f"| {name} | {cells} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--preset", nargs="+", default=PRESETS, metavar="NAME")
    options = parser.parse_args()
    images = datasets.load("mnist").x_test
    with tempfile.TemporaryDirectory() as folder:
        # The inference process opens the store that the settings name.
        os.environ["MNIST_LAB_HOME"] = str(Path(folder) / "home")
        client = InferenceClient()
        try:
            client.ask("ping", 90)
            print("| Preset | one digit, ms | over the socket, ms | 10,000, s | bare predict, s (batch) | lab / bare |")
            print("|---|---|---|---|---|---|")
            answers = Answers(open_store())
            for name in options.preset:
                measure(name, options.rounds, answers, client, images)
        finally:
            client.close()


if __name__ == "__main__":
    main()

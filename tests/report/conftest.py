"""A small store with runs whose predictions are made up, on the digits that come with scikit-learn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_lab import datasets, report, studies
from mnist_lab.metrics import accuracy_interval
from mnist_lab.report import record
from mnist_lab.store import Run, RunStore
from mnist_lab.store.artefacts import PREDICTIONS
from mnist_lab.store.database import open_engine
from mnist_lab.studies import Preset, Study
from mnist_lab.studies.measured import Measured
from mnist_lab.study_plan import Matching, Setting

QUICK = Setting(epochs=6)
TODAY = date(2026, 11, 21)


@dataclass
class Bench:
    """Makes runs, and reports of them."""

    store: RunStore
    project: dict[str, tuple[Measured, ...]]

    def run(
        self,
        preset: Preset,
        wrong: Sequence[int] = (),
        *,
        setting: Setting = QUICK,
        seed: int | None = None,
        indices: NDArray[np.int64] | None = None,
        **figures: Any,
    ) -> Run:
        """A finished run that takes the test images at `wrong` for the next digit."""
        dataset = datasets.load("digits")
        every = np.concatenate([dataset.y_train, dataset.y_test])
        where = np.arange(len(dataset.y_train), len(every)) if indices is None else indices
        labels = every[where]
        said = labels.astype(int)
        said[list(wrong)] = (said[list(wrong)] + 1) % 10
        generator = np.random.default_rng(7)
        probabilities = generator.uniform(0, 0.4 / 9, (len(labels), 10))
        probabilities[np.arange(len(labels)), said] = 0
        probabilities[np.arange(len(labels)), said] = 1 - probabilities.sum(axis=1)

        training = setting.trainings(preset)[0]
        training = training if seed is None else replace(training, seed=seed)
        run = self.store.create(preset.architecture, training, preset=preset.name, name=figures.pop("name", ""))
        right = int((said == labels).sum())
        low, high = accuracy_interval(right, len(labels))
        for epoch in range(1, 7):
            # The validation loss turns in epoch 3.
            loss = 1.0 / epoch
            entry = {"epoch": epoch, "loss": loss, "accuracy": 1 - loss / 2, "val_loss": 0.3 + 0.1 * abs(epoch - 3),
                     "val_accuracy": 0.9 - 0.01 * abs(epoch - 3)}  # fmt: skip
            self.store.add_epoch(run.id, entry)
        self.store.set_figures(
            run.id,
            **{
                "status": "finished", "dataset": "digits", "fingerprint": "f" * 12, "test_images": len(labels),
                "test_accuracy": right / len(labels), "test_accuracy_low": low, "test_accuracy_high": high,
                "test_loss": 0.1234, "best_epoch": 3, "kept_epoch": 3, "seconds": 12.0, "device": "CPU",
                **figures,
            },
        )  # fmt: skip
        with self.store.artefacts.writing(run.id, PREDICTIONS) as path:
            np.savez_compressed(path, probabilities=probabilities.astype(np.float32), labels=labels, indices=where)
        return self.store.get(run.id)

    def report(
        self, presets: Sequence[Preset] = (), study: str | Study = "000", setting: Setting = QUICK
    ) -> report.Report:
        """The report of some models, or of a whole study."""
        known = studies.study(study) if isinstance(study, str) else study
        matching = Matching(self.store.runs(), "digits")
        return report.gather(known, presets or studies.members(known), setting, matching, self.store, today=TODAY)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    store = RunStore(open_engine(f"sqlite:///{tmp_path / 'lab.db'}"), tmp_path)
    project: dict[str, tuple[Measured, ...]] = {}
    monkeypatch.setattr(record.measured, "of", lambda name: project.get(name, ()))
    yield Bench(store, project)
    store.close()


@pytest.fixture
def says(bench: Bench) -> Callable[..., str]:
    """The conclusions of a report, as Markdown."""

    def conclusions(*presets: Preset, **more: Any) -> str:
        text = report.to_markdown(bench.report(presets, **more))
        return text[text.index("## Conclusions") :]

    return conclusions

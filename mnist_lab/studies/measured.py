"""What this project measured of the published models: the file that ``benchmarks/reproduce.py`` writes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mnist_lab.studies.preset import Preset

FILE = Path(__file__).with_suffix(".json")


@dataclass(frozen=True, slots=True)
class Measured:
    """One training by the project, of a preset as it was published but for its seed.

    Attributes:
        preset: Name of the preset.
        digest: Of its network and training, `digest_of`; a preset that was corrected since has another.
        seed: Of the training.
        test_accuracy: Share of the test images that are right.
        test_loss: Mean cross-entropy in nats.
        test_images: How many there are.
        epochs_run: Epochs that were run.
        best_epoch: The best by what was watched.
        seconds: Time spent training.
        machine: What it was trained on, in words.
        versions: Of Python and of the libraries.
        when: Date, as ``"2026-11-21"``.
        history: One object per epoch.
    """

    preset: str
    digest: str
    seed: int
    test_accuracy: float
    test_loss: float
    test_images: int
    epochs_run: int
    best_epoch: int | None
    seconds: float
    machine: str
    versions: Mapping[str, str]
    when: str
    history: tuple[dict[str, Any], ...]


_LATER = ("pen", "strangers")


def digest_of(preset: Preset) -> str:
    """A few letters that tell a preset's network and training, but for the seed, from any other."""
    training = {**preset.training.to_dict(), "seed": None}
    # What came after the first were measured counts where it is on: the same training stays the same.
    augmentation = training["augmentation"].items()
    training["augmentation"] = {name: value for name, value in augmentation if value or name not in _LATER}
    text = json.dumps([preset.architecture.to_dict(), training], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def of(preset: str) -> tuple[Measured, ...]:
    """The project's trainings of a preset, by seed; none where it measured nothing."""
    return _all().get(preset, ())


@cache
def _all() -> Mapping[str, tuple[Measured, ...]]:
    if not FILE.is_file():
        return {}
    found: dict[str, tuple[Measured, ...]] = {}
    for entry in json.loads(FILE.read_text(encoding="utf-8")):
        each = Measured(**{**entry, "history": tuple(entry["history"])})
        found[each.preset] = (*found.get(each.preset, ()), each)
    return MappingProxyType(found)
